/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the bulk of SM4-GCM on 256-bit vectors. The engine that includes it has chosen the
 * cipher, sm4_fold256(), sm4_unfold256() and sm4_round256(), and the hash, struct sums,
 * no_sums(), hash_pair() and reduce_sums().
 * Must not know: records. Concurrency: stateless, the key is read-only; the source may change
 * while it is read.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 *
 * Sixteen blocks are encrypted, eight in each of two sets of vectors, while the sixteen
 * before them, parked in a queue, are hashed between the rounds.
 */
#ifndef KTLSX_CRYPTO_SM4_GCM_256_H
#define KTLSX_CRYPTO_SM4_GCM_256_H

#include "bounce.h"
#include "sm4_gcm.h"
#include "vec256.h"

#define GROUP 16
#define GROUP_LEN (GROUP * 16)

struct gcm_stream {
	u8 queue[GROUP][16] __aligned(32);	/* byte-swapped blocks waiting to be hashed */
	u8 bounce[GROUP_LEN + BOUNCE_SLACK] __aligned(32);
	u32 nonce[4] __aligned(16);	/* in the basis, by words; the last is of no use */
	__m128i acc;			/* GHASH so far, the queue not counted */
	const struct ktlsx_sm4_gcm_key *key;
	u32 counter;			/* of the next block */
	bool queued;			/* the queue counts; either all of it or nothing */
};

static __always_inline void set_up_nonce(struct gcm_stream *s, const u8 *nonce)
{
	const __m128i reversed = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i words = _mm_shuffle_epi8(bounce_load_partial(nonce, KTLSX_AEAD_NONCE_LEN), reversed);

	words = vec256_low(sm4_fold256(_mm256_castsi128_si256(words)));
	vec128_store_aligned(s->nonce, words);
}

static __always_inline void set_nonce(const struct gcm_stream *s, __m256i x[4])
{
	x[0] = _mm256_set1_epi32((int)s->nonce[0]);
	x[1] = _mm256_set1_epi32((int)s->nonce[1]);
	x[2] = _mm256_set1_epi32((int)s->nonce[2]);
}

static __always_inline void four_rounds(__m256i x[4], __m256i y[4], const u32 *keys)
{
	sm4_round256(&x[0], x[1], x[2], x[3], keys[0]);
	sm4_round256(&y[0], y[1], y[2], y[3], keys[0]);
	sm4_round256(&x[1], x[2], x[3], x[0], keys[1]);
	sm4_round256(&y[1], y[2], y[3], y[0], keys[1]);
	sm4_round256(&x[2], x[3], x[0], x[1], keys[2]);
	sm4_round256(&y[2], y[3], y[0], y[1], keys[2]);
	sm4_round256(&x[3], x[0], x[1], x[2], keys[3]);
	sm4_round256(&y[3], y[0], y[1], y[2], keys[3]);
}

/* The last word comes out first, each with its highest byte first: the blocks backwards. */
static __always_inline void to_blocks(__m256i x[4])
{
	x[0] = sm4_unfold256(x[0]);
	x[1] = sm4_unfold256(x[1]);
	x[2] = sm4_unfold256(x[2]);
	x[3] = sm4_unfold256(x[3]);
	sm4_words256_to_blocks(x);
}

/* The key stream of 16 blocks, backwards, while the queue is hashed if it counts. */
static __always_inline void next_stream(struct gcm_stream *s, __m256i x[4], __m256i y[4],
					bool hashing)
{
	const u64 (*powers)[2] = s->key->hash.powers;
	const u32 *keys = s->key->sm4.folded;
	__m256i carry = _mm256_zextsi128_si256(s->acc);
	struct sums sums = no_sums();
	unsigned int i;

	x[3] = sm4_fold256(x[3]);
	y[3] = sm4_fold256(y[3]);
	for (i = 0; i < GROUP; i += 2, keys += 4) {
		four_rounds(x, y, keys);
		if (hashing) {
			carry = _mm256_xor_si256(carry, vec256_load_aligned(s->queue[i]));
			hash_pair(&sums, carry, &powers[i]);
			carry = _mm256_setzero_si256();
		}
	}
	if (hashing)
		s->acc = reduce_sums(sums);
	to_blocks(x);
	to_blocks(y);
}

/* The queue is fed from registers: neither side's memory is read again. */
static __always_inline void crypt_pair(struct gcm_stream *s, const u8 *in, u8 *out, __m256i stream,
				       unsigned int i, bool sealing)
{
	__m256i x = vec256_load(in + 32 * i);

	vec256_opaque(&x);
	stream = _mm256_xor_si256(vec256_swap_bytes(stream), x);
	vec256_store(out + 32 * i, stream);
	vec256_store_aligned(s->queue[2 * i], vec256_swap_bytes(sealing ? stream : x));
}

static __always_inline void crypt_half(struct gcm_stream *s, const u8 *in, u8 *out,
				       const __m256i stream[4], unsigned int i, bool sealing)
{
	crypt_pair(s, in, out, stream[0], i, sealing);
	crypt_pair(s, in, out, stream[1], i + 1, sealing);
	crypt_pair(s, in, out, stream[2], i + 2, sealing);
	crypt_pair(s, in, out, stream[3], i + 3, sealing);
}

/* Encrypts or decrypts @count groups and leaves the last one's ciphertext in the queue. */
static __always_inline void run_groups(struct gcm_stream *s, const u8 *in, u8 *out, size_t count,
				       bool sealing)
{
	__m256i x[4], y[4];

	for (; count; count--, in += GROUP_LEN, out += GROUP_LEN) {
		set_nonce(s, x);
		set_nonce(s, y);
		x[3] = sm4_count256(s->counter);
		y[3] = sm4_count256(s->counter + 8);
		s->counter += GROUP;
		next_stream(s, x, y, true);
		crypt_half(s, in, out, x, 0, sealing);
		crypt_half(s, in, out, y, 4, sealing);
	}
}

#endif
