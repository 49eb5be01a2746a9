/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the bulk of SM4-GCM on 256-bit vectors. The engine that includes it has chosen the
 * cipher, struct sm4_ctr and what goes with it, and the hash, struct sums, no_sums(),
 * hash_pair() and reduce_sums().
 * Must not know: records. Concurrency: stateless, the key is read-only; the source may change
 * while it is read.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 *
 * A group of 32 blocks is encrypted while the 32 before it, parked in a queue, are hashed
 * between the rounds, sixteen to a reduction.
 */
#ifndef KTLSX_CRYPTO_SM4_GCM_256_H
#define KTLSX_CRYPTO_SM4_GCM_256_H

#include "bounce.h"
#include "sm4_gcm.h"
#include "vec256.h"

#define GROUP 32
#define GROUP_LEN (GROUP * 16)
/* Half a group, but for the counter 1 */
#define HALF_LEN_MAX (15 * 16)

struct gcm_stream {
	u8 queue[GROUP][16] __aligned(32);	/* byte-swapped blocks waiting to be hashed */
	__m256i sealing;		/* all ones or zero: what is hashed comes out or in */
	struct sm4_ctr ctr;		/* set up if there is a whole group */
	u32 nonce[4] __aligned(16);	/* in the basis, by words; the last is of no use */
	__m128i mask;			/* counter 1 encrypted, for the tag */
	__m128i acc;			/* GHASH so far, the queue not counted */
	const struct ktlsx_sm4_gcm_key *key;
	u32 counter;			/* of the next block */
	bool queued;			/* the queue counts; either all of it or nothing */
};

static __always_inline void set_up_nonce(struct gcm_stream *s, const u8 *nonce)
{
	const __m128i reversed = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i words = bounce_load_partial(nonce, KTLSX_AEAD_NONCE_LEN);

	words = _mm_shuffle_epi8(words, reversed);
	words = vec256_low(sm4_fold256(_mm256_castsi128_si256(words)));
	vec128_store_aligned(s->nonce, words);
}

/* Four blocks from the queue; @carry is the hash before, and that after. */
static __always_inline void hash_four(struct gcm_stream *s, struct sums *sums, __m256i *carry,
				      unsigned int block)
{
	const unsigned int at = block % KTLSX_GCM_POWERS;
	const u64 (*powers)[2] = s->key->hash.powers + at;

	*carry = _mm256_xor_si256(*carry, vec256_load_aligned(s->queue[block]));
	hash_pair(sums, *carry, powers);
	hash_pair(sums, vec256_load_aligned(s->queue[block + 2]), powers + 2);
	*carry = _mm256_setzero_si256();
	if (at != KTLSX_GCM_POWERS - 4)
		return;
	*carry = _mm256_zextsi128_si256(reduce_sums(*sums));
	*sums = no_sums();
}

/* The key stream of a group, while the queue is hashed. */
static __always_inline void next_stream(struct gcm_stream *s, __m256i stream[GROUP / 2])
{
	__m256i carry = _mm256_zextsi128_si256(s->acc);
	struct sums sums = no_sums();
	unsigned int i;

	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4) {
		sm4_ctr_rounds(&s->ctr, stream, i);
		hash_four(s, &sums, &carry, i);
	}
	s->acc = vec256_low(carry);
	sm4_ctr_end(stream);
}

/* The queue is fed from registers: neither side's memory is read again. */
static __always_inline void crypt_pair(struct gcm_stream *s, const u8 *in, u8 *out, __m256i stream,
				       unsigned int i)
{
	__m256i x = vec256_load(in + 32 * i);

	vec256_opaque(&x);
	vec256_store(out + 32 * i, _mm256_xor_si256(stream, x));
	x = _mm256_xor_si256(x, _mm256_and_si256(stream, s->sealing));
	vec256_store_aligned(s->queue[2 * i], vec256_swap_bytes(x));
}

static __always_inline void wipe_stream(__m256i stream[GROUP / 2])
{
	__m256i zero = _mm256_setzero_si256();
	unsigned int i;

	vec256_opaque(&zero);
	for (i = 0; i < GROUP / 2; i++)
		vec256_store_aligned(&stream[i], zero);
	barrier_data(stream);
}

/* Encrypts or decrypts @count groups and leaves the last one's ciphertext in the queue. */
static noinline void run_groups(struct gcm_stream *s, const u8 *in, u8 *out, size_t count)
{
	__m256i stream[GROUP / 2], blocks[4];
	unsigned int i;

	for (; count; count--, in += GROUP_LEN, out += GROUP_LEN) {
		sm4_ctr_start(&s->ctr, stream, s->counter);
		s->counter += GROUP;
		next_stream(s, stream);
		for (i = 0; i < 4; i++) {
			sm4_ctr_blocks(stream, i, blocks);
			crypt_pair(s, in, out, blocks[0], 4 * i);
			crypt_pair(s, in, out, blocks[1], 4 * i + 1);
			crypt_pair(s, in, out, blocks[2], 4 * i + 2);
			crypt_pair(s, in, out, blocks[3], 4 * i + 3);
			/* one after the other: the stack shall not have to hold key stream */
			barrier_data(stream);
		}
	}
	wipe_stream(stream);
}

#endif
