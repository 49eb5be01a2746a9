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

static __always_inline void queue_four(struct gcm_stream *s, const __m256i stream[4],
				       unsigned int block)
{
	vec256_store_aligned(s->queue[block], stream[0]);
	vec256_store_aligned(s->queue[block + 2], stream[1]);
	vec256_store_aligned(s->queue[block + 4], stream[2]);
	vec256_store_aligned(s->queue[block + 6], stream[3]);
}

static __always_inline void set_words(const struct gcm_stream *s, __m256i x[4], u32 counter,
				      bool with_mask)
{
	x[0] = _mm256_set1_epi32((int)s->nonce[0]);
	x[1] = _mm256_set1_epi32((int)s->nonce[1]);
	x[2] = _mm256_set1_epi32((int)s->nonce[2]);
	x[3] = sm4_count256(counter);
	if (with_mask)
		x[3] = _mm256_insert_epi32(x[3], 1, 7);
	x[3] = sm4_fold256(x[3]);
}

static __always_inline void two_rounds(__m256i *a, __m256i *b, __m256i *c, __m256i *d, u32 key)
{
	sm4_round256(&a[0], b[0], c[0], d[0], key);
	sm4_round256(&a[4], b[4], c[4], d[4], key);
}

/* Leaves the key stream of 16 blocks in the queue, the last one of counter 1 when asked for. */
static noinline void stream_16(struct gcm_stream *s, unsigned int block, bool with_mask)
{
	const u32 *keys = s->key->sm4.folded;
	unsigned int i;
	__m256i x[8];

	set_words(s, x, s->counter, false);
	set_words(s, x + 4, s->counter + 8, with_mask);
	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4, keys += 4) {
		two_rounds(&x[0], &x[1], &x[2], &x[3], keys[0]);
		two_rounds(&x[1], &x[2], &x[3], &x[0], keys[1]);
		two_rounds(&x[2], &x[3], &x[0], &x[1], keys[2]);
		two_rounds(&x[3], &x[0], &x[1], &x[2], keys[3]);
	}
	s->counter += 16;
	sm4_words256_end(x);
	queue_four(s, x, block);
	/* one set after the other: the stack shall not have to hold key stream */
	barrier_data(s);
	sm4_words256_end(x + 4);
	queue_four(s, x + 4, block + 8);
	if (with_mask)
		s->mask = vec256_high(x[7]);
}

/* What comes out when sealing, else what went in. No blendv, as in sm4_ctr_gfni256.h. */
static __always_inline __m128i hashed(const struct gcm_stream *s, __m128i in, __m128i out)
{
	__m128i difference = _mm_and_si128(_mm_xor_si128(in, out), vec256_low(s->sealing));

	return _mm_xor_si128(in, difference);
}

/* Turns key stream in the queue into ciphertext; what is left of it behind is cleared. */
static __always_inline void crypt_tail(struct gcm_stream *s, const u8 *in, u8 *out, size_t len,
				       unsigned int blocks)
{
	u8 part[16] __aligned(16);
	unsigned int i;
	__m128i x, y;

	for (i = 0; len >= 16; i++, len -= 16, in += 16, out += 16) {
		x = vec128_load(in);
		vec128_opaque(&x);
		y = _mm_xor_si128(x, vec128_load_aligned(s->queue[i]));
		vec128_store(out, y);
		vec128_store_aligned(s->queue[i], vec128_swap_bytes(hashed(s, x, y)));
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
		vec128_store_aligned(s->queue[i++], vec128_swap_bytes(hashed(s, x, y)));
	}
	for (; i < blocks; i++)
		vec128_store_aligned(s->queue[i], _mm_setzero_si128());
}

static noinline void hash_queue(struct gcm_stream *s)
{
	__m256i carry = _mm256_zextsi128_si256(s->acc);
	struct sums sums = no_sums();
	unsigned int i;

	for (i = 0; i < GROUP; i += 4)
		hash_four(s, &sums, &carry, i);
	s->acc = vec256_low(carry);
	s->queued = false;
}

/* Less than a group, contiguous. */
static noinline void run_tail(struct gcm_stream *s, const u8 *in, u8 *out, size_t len)
{
	bool alone = len > GROUP_LEN - 16;	/* no room for the counter 1 beside the text */
	unsigned int blocks = GROUP / 2;

	if (s->queued)
		hash_queue(s);
	if (unlikely(alone)) {
		stream_16(s, 0, true);
		s->counter -= 16;
	}
	if (len > HALF_LEN_MAX) {
		stream_16(s, 0, false);
		blocks = GROUP;
	}
	stream_16(s, blocks - 16, !alone);
	crypt_tail(s, in, out, len, blocks);
}

#endif
