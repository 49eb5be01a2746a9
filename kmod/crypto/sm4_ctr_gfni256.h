/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4's counter mode by 32 blocks at once with GFNI. y[4 w + j] is byte j of word w, the
 * highest being 0; its byte 16 l + m belongs to block 2 m + l, so that what comes out of the
 * transposition is blocks in their order, two to a vector.
 * Must not know: what is done with the key stream. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: NIST SP 800-38A section 6.5, a counter of 32 bits behind a nonce of 96.
 */
#ifndef KTLSX_CRYPTO_SM4_CTR_GFNI256_H
#define KTLSX_CRYPTO_SM4_CTR_GFNI256_H

#include "sm4_bytes256.h"

/* What one record needs. Each byte four times: to be broadcast. */
struct sm4_ctr {
	u32 keys[KTLSX_SM4_ROUNDS][4] __aligned(32);
	u32 nonce[4][4] __aligned(32);
};

/* @nonce: words in the basis */
static __always_inline void sm4_ctr_prepare(struct sm4_ctr *ctr, const struct ktlsx_sm4_key *key,
					    const u32 nonce[4])
{
	unsigned int i;

	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4)
		sm4_spread_words(&key->folded[i], &ctr->keys[i]);
	sm4_spread_words(nonce, ctr->nonce);
}

static __always_inline void sm4_ctr_wipe(struct sm4_ctr *ctr)
{
	__m256i zero = _mm256_setzero_si256();
	unsigned int i;

	vec256_opaque(&zero);
	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 2)
		vec256_store_aligned(ctr->keys[i], zero);
	barrier_data(ctr);
}

static __always_inline void sm4_ctr_set(__m256i y[4], const u32 word[4])
{
	y[0] = _mm256_set1_epi32((int)word[0]);
	y[1] = _mm256_set1_epi32((int)word[1]);
	y[2] = _mm256_set1_epi32((int)word[2]);
	y[3] = _mm256_set1_epi32((int)word[3]);
}

/*
 * No blendv: GCC takes the sign of its mask for a sign of char, which has none on kernels from
 * 6.2 on (-funsigned-char).
 */
static __always_inline __m256i sm4_ctr_byte(u32 counter, u32 next, __m256i same)
{
	same = _mm256_and_si256(same, _mm256_set1_epi8((char)(counter ^ next)));
	return _mm256_xor_si256(same, _mm256_set1_epi8((char)next));
}

static __always_inline void sm4_ctr_start(const struct sm4_ctr *ctr, __m256i y[16], u32 counter)
{
	const __m256i index = _mm256_set_epi8(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5,
					      3, 1, 30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8,
					      6, 4, 2, 0);
	__m256i first = _mm256_set1_epi8((char)counter), low = _mm256_add_epi8(first, index);
	__m256i same = _mm256_cmpeq_epi8(_mm256_max_epu8(low, first), low);
	u32 next = counter + 256;

	sm4_ctr_set(y, ctr->nonce[0]);
	sm4_ctr_set(y + 4, ctr->nonce[1]);
	sm4_ctr_set(y + 8, ctr->nonce[2]);
	y[12] = sm4_ctr_byte(counter >> 24, next >> 24, same);
	y[13] = sm4_ctr_byte(counter >> 16, next >> 16, same);
	y[14] = sm4_ctr_byte(counter >> 8, next >> 8, same);
	y[15] = low;
	y[12] = sm4_fold256(y[12]);
	y[13] = sm4_fold256(y[13]);
	y[14] = sm4_fold256(y[14]);
	y[15] = sm4_fold256(y[15]);
}

/* Four rounds from @round on. */
static __always_inline void sm4_ctr_rounds(const struct sm4_ctr *ctr, __m256i y[16],
					   unsigned int round)
{
	const u32 (*keys)[4] = ctr->keys + round;
	__m256i d[4] = { y[12], y[13], y[14], y[15] };

	sm4_bytes256_round(y, 0, 4, 8, d, keys[0]);
	sm4_bytes256_round(y, 4, 8, 12, d, keys[1]);
	sm4_bytes256_round(y, 8, 12, 0, d, keys[2]);
	sm4_bytes256_round(y, 12, 0, 4, d, keys[3]);
}

static __always_inline void sm4_ctr_end(__m256i y[16])
{
	sm4_opaque_pointer(y);
	sm4_bytes256_to_words(y);
	sm4_bytes256_to_words(y + 4);
	sm4_bytes256_to_words(y + 8);
	sm4_bytes256_to_words(y + 12);
}

/* A quarter of the blocks in their order; the last word comes out first. */
static __always_inline void sm4_ctr_blocks(const __m256i y[16], unsigned int quarter,
					   __m256i blocks[4])
{
	sm4_opaque_pointer(y);
	blocks[0] = y[12 + quarter];
	blocks[1] = y[8 + quarter];
	blocks[2] = y[4 + quarter];
	blocks[3] = y[quarter];
	sm4_words256_to_blocks(blocks);
}

#endif
