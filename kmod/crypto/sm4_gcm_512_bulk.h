/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the bulk of SM4-GCM on 512-bit vectors: chunks of 64 blocks.
 * Must not know: records. To be included by its engine only.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 *
 * The rounds of a chunk are a chain that leaves gaps. Two chunks fill them: the one before
 * comes out of the cipher's form and meets the text, the one before that is hashed.
 */
#ifndef KTLSX_CRYPTO_SM4_GCM_512_BULK_H
#define KTLSX_CRYPTO_SM4_GCM_512_BULK_H

#include "sm4_gcm_512.h"
#include "sm4_ctr_gfni512.h"

static __always_inline void four_rounds(__m512i y[4][4], const u32 keys[4][4], struct pipeline *p,
					unsigned int step)
{
	sm4_bytes_round(y[0], y[1], y[2], y[3], keys[0]);
	hash_next(p, step);
	sm4_bytes_round(y[1], y[2], y[3], y[0], keys[1]);
	sm4_bytes_round(y[2], y[3], y[0], y[1], keys[2]);
	hash_next(p, step);
	sm4_bytes_round(y[3], y[0], y[1], y[2], keys[3]);
}

static __always_inline void set_chunk(struct gcm_stream *s, __m512i y[4][4])
{
	sm4_bytes_set(y[0], s->nonce_bytes[0]);
	sm4_bytes_set(y[1], s->nonce_bytes[1]);
	sm4_bytes_set(y[2], s->nonce_bytes[2]);
	sm4_bytes_count(y[3], s->counter);
	sm4_fold_four(y[3]);
	s->counter += CHUNK_LEN / 16;
}

/* The key stream of chunks on its way out, while the next one is computed. */
struct parked {
	__m512i y[4][4];
	const u8 *in;
	u8 *out;
};

/* The queue is fed from registers: neither side's memory is read again. */
static __always_inline void crypt_vector(struct gcm_stream *s, const struct parked *parked,
					 __m512i stream, unsigned int i)
{
	__m512i x = vec512_load(parked->in + VEC_LEN * i), sealing = s->sealing;

	vec512_opaque(&x);
	vec512_store(parked->out + VEC_LEN * i, _mm512_xor_si512(stream, x));
	/* x ^ (stream & sealing) */
	x = _mm512_ternarylogic_epi64(x, stream, sealing, 0x78);
	vec512_store_aligned(&s->queue[1 + i], vec512_swap_bytes(x));
}

/* A quarter of the blocks; the last word comes out first. */
static __always_inline void unpark_blocks(struct gcm_stream *s, const struct parked *parked,
					  unsigned int quarter)
{
	__m512i x[4] = { parked->y[3][quarter], parked->y[2][quarter], parked->y[1][quarter],
			 parked->y[0][quarter] };

	sm4_words_to_blocks(x);
	crypt_vector(s, parked, x[0], 4 * quarter);
	crypt_vector(s, parked, x[1], 4 * quarter + 1);
	crypt_vector(s, parked, x[2], 4 * quarter + 2);
	crypt_vector(s, parked, x[3], 4 * quarter + 3);
}

/* The rounds of a chunk, while the queue is hashed, if it counts, and filled, if @busy. */
static __always_inline void run_rounds(struct gcm_stream *s, __m512i y[4][4],
				       struct parked *parked, bool busy)
{
	const u32 (*keys)[4] = s->keys;
	unsigned int i, step = 16;
	struct pipeline p;

	hash_begin(s, &p);
	for (i = 0; i < KTLSX_SM4_ROUNDS / 4; i++, keys += 4) {
		if (i == KTLSX_GCM_STRIDES / 2) {
			p.power = (const void *)s->key->hash.powers;
			step = 64;
		}
		four_rounds(y, keys, &p, step);
		if (!busy)
			continue;
		if (i < 4)
			sm4_bytes_to_words(parked->y[i]);
		else
			unpark_blocks(s, parked, i - 4);
	}
	if (s->queued)
		hash_end(s, &p);
	if (busy)
		s->queued = true;
}

static __always_inline void unpark_last(struct gcm_stream *s, struct parked *parked)
{
	__m512i zero = _mm512_setzero_si512();
	unsigned int i;

	if (s->queued)
		hash_queue(s);
	for (i = 0; i < 4; i++)
		sm4_bytes_to_words(parked->y[i]);
	for (i = 0; i < 4; i++)
		unpark_blocks(s, parked, i);
	s->queued = true;
	vec512_opaque(&zero);
	for (i = 0; i < CHUNK_VECS; i++)
		vec512_store_aligned(&parked->y[0][0] + i, zero);
	barrier_data(parked);
}

/* Encrypts or decrypts @count chunks, at least one, and leaves the last's ciphertext queued. */
static noinline void run_chunks(struct gcm_stream *s, const u8 *in, u8 *out, size_t count)
{
	bool busy = false;
	struct parked parked;
	__m512i y[4][4];

	do {
		set_chunk(s, y);
		/* else the first chunk gets a loop of its own */
		__asm__ __volatile__("" : "+r"(busy));
		run_rounds(s, y, &parked, busy);
		memcpy(parked.y, y, sizeof(y));
		parked.in = in;
		parked.out = out;
		in += CHUNK_LEN;
		out += CHUNK_LEN;
		busy = true;
	} while (--count);
	unpark_last(s, &parked);
}

#endif
