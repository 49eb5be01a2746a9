/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the end of a record of SM4-GCM on 256-bit vectors: less than a group, and the counter
 * 1, which is encrypted beside it.
 * Must not know: cipher and hash. Concurrency: stateless, the key is read-only; the source
 * may change while it is read.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 */
#ifndef KTLSX_CRYPTO_SM4_GCM_256_TAIL_H
#define KTLSX_CRYPTO_SM4_GCM_256_TAIL_H

#include "sm4_gcm_256.h"

/*
 * Leaves the key stream in the queue and returns its last block: the counter 1 encrypted
 * when asked for.
 */
static noinline __m128i stream_16(struct gcm_stream *s, bool with_mask)
{
	__m256i x[4], y[4];

	set_nonce(s, x);
	set_nonce(s, y);
	x[3] = sm4_count256(s->counter);
	y[3] = sm4_count256(s->counter + 8);
	if (with_mask)
		y[3] = _mm256_insert_epi32(y[3], 1, 7);
	next_stream(s, x, y, s->queued);
	s->queued = false;
	vec256_store_aligned(s->queue[0], vec256_swap_bytes(x[0]));
	vec256_store_aligned(s->queue[2], vec256_swap_bytes(x[1]));
	vec256_store_aligned(s->queue[4], vec256_swap_bytes(x[2]));
	vec256_store_aligned(s->queue[6], vec256_swap_bytes(x[3]));
	vec256_store_aligned(s->queue[8], vec256_swap_bytes(y[0]));
	vec256_store_aligned(s->queue[10], vec256_swap_bytes(y[1]));
	vec256_store_aligned(s->queue[12], vec256_swap_bytes(y[2]));
	y[3] = vec256_swap_bytes(y[3]);
	vec256_store_aligned(s->queue[14], y[3]);
	return vec256_high(y[3]);
}

/* Turns key stream in the queue into ciphertext; what is left of it behind is cleared. */
static __always_inline void crypt_tail(struct gcm_stream *s, const u8 *in, u8 *out, size_t len,
				       bool sealing)
{
	u8 part[16] __aligned(16);
	unsigned int i;
	__m128i x, y;

	for (i = 0; len >= 16; i++, len -= 16, in += 16, out += 16) {
		x = vec128_load(in);
		vec128_opaque(&x);
		y = _mm_xor_si128(x, vec128_load_aligned(s->queue[i]));
		vec128_store(out, y);
		vec128_store_aligned(s->queue[i], vec128_swap_bytes(sealing ? y : x));
	}
	if (len) {
		x = bounce_load_partial(in, len);
		vec128_opaque(&x);
		y = _mm_xor_si128(x, vec128_load_aligned(s->queue[i]));
		vec128_store_aligned(part, y);
		bounce_store_partial(out, part, len);
		y = bounce_load_partial(part, len);
		vec128_store_aligned(part, _mm_setzero_si128());
		barrier_data(part);
		vec128_store_aligned(s->queue[i++], vec128_swap_bytes(sealing ? y : x));
	}
	for (; i < GROUP; i++)
		vec128_store_aligned(s->queue[i], _mm_setzero_si128());
}

static __always_inline void wipe_bounce(struct gcm_stream *s)
{
	__m256i zero = _mm256_setzero_si256();
	unsigned int i;

	vec256_opaque(&zero);
	for (i = 0; i < GROUP_LEN; i += 32)
		vec256_store_aligned(s->bounce + i, zero);
	barrier_data(s->bounce);
}

/* Less than a group. Returns the counter 1 encrypted. */
static noinline __m128i run_tail(struct gcm_stream *s, struct ktlsx_cursor *src,
				 struct ktlsx_cursor *dst, size_t len, bool sealing)
{
	__m128i mask = stream_16(s, true);

	/* no room for it beside the text */
	if (unlikely(len > GROUP_LEN - 16))
		stream_16(s, false);
	if (!len) {
		crypt_tail(s, NULL, NULL, 0, sealing);
		return mask;
	}
	if (likely(min(ktlsx_cursor_run(src), ktlsx_cursor_run(dst)) >= len)) {
		crypt_tail(s, ktlsx_cursor_here(src), ktlsx_cursor_here(dst), len, sealing);
		return mask;
	}
	bounce_gather(src, s->bounce, len);
	crypt_tail(s, s->bounce, s->bounce, len, sealing);
	bounce_scatter(dst, s->bounce, len);
	wipe_bounce(s);
	return mask;
}

#endif
