/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4's counter mode by 32 blocks at once with the AES instructions: four sets of eight
 * blocks, as their rounds take long and need few registers.
 * Must not know: what is done with the key stream. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: NIST SP 800-38A section 6.5, a counter of 32 bits behind a nonce of 96.
 */
#ifndef KTLSX_CRYPTO_SM4_CTR_AVX2_H
#define KTLSX_CRYPTO_SM4_CTR_AVX2_H

#include "sm4_aesni_avx2.h"

/* What one record needs. */
struct sm4_ctr {
	const u32 *keys;
	const u32 *nonce;
};

/* @nonce: words in the basis; both must stay */
static __always_inline void sm4_ctr_prepare(struct sm4_ctr *ctr, const struct ktlsx_sm4_key *key,
					    const u32 nonce[4])
{
	ctr->keys = key->folded;
	ctr->nonce = nonce;
}

static __always_inline void sm4_ctr_wipe(struct sm4_ctr *ctr)
{
	(void)ctr;
}

static __always_inline void sm4_ctr_set(const struct sm4_ctr *ctr, __m256i x[4], u32 counter)
{
	x[0] = _mm256_set1_epi32((int)ctr->nonce[0]);
	x[1] = _mm256_set1_epi32((int)ctr->nonce[1]);
	x[2] = _mm256_set1_epi32((int)ctr->nonce[2]);
	x[3] = sm4_count256(counter);
}

static __always_inline void sm4_ctr_start(const struct sm4_ctr *ctr, __m256i x[16], u32 counter)
{
	sm4_ctr_set(ctr, x, counter);
	sm4_ctr_set(ctr, x + 4, counter + 8);
	sm4_ctr_set(ctr, x + 8, counter + 16);
	sm4_ctr_set(ctr, x + 12, counter + 24);
	x[3] = sm4_fold256(x[3]);
	x[7] = sm4_fold256(x[7]);
	x[11] = sm4_fold256(x[11]);
	x[15] = sm4_fold256(x[15]);
}

static __always_inline void sm4_ctr_round(__m256i x[16], unsigned int i, u32 key)
{
	const unsigned int a = i % 4, b = (i + 1) % 4, c = (i + 2) % 4, d = (i + 3) % 4;

	sm4_round256(&x[a], x[b], x[c], x[d], key);
	sm4_round256(&x[4 + a], x[4 + b], x[4 + c], x[4 + d], key);
	sm4_round256(&x[8 + a], x[8 + b], x[8 + c], x[8 + d], key);
	sm4_round256(&x[12 + a], x[12 + b], x[12 + c], x[12 + d], key);
}

/* Four rounds from @round on. */
static __always_inline void sm4_ctr_rounds(const struct sm4_ctr *ctr, __m256i x[16],
					   unsigned int round)
{
	const u32 *keys = ctr->keys + round;

	/* what does not fit into registers is to be in this memory, which is wiped */
	sm4_opaque_pointer(x);
	sm4_ctr_round(x, 0, keys[0]);
	sm4_ctr_round(x, 1, keys[1]);
	sm4_ctr_round(x, 2, keys[2]);
	sm4_ctr_round(x, 3, keys[3]);
}

static __always_inline void sm4_ctr_end(__m256i x[16])
{
	(void)x;
}

/* A quarter of the blocks in their order. */
static __always_inline void sm4_ctr_blocks(const __m256i x[16], unsigned int quarter,
					   __m256i blocks[4])
{
	sm4_opaque_pointer(x);
	blocks[0] = x[4 * quarter];
	blocks[1] = x[4 * quarter + 1];
	blocks[2] = x[4 * quarter + 2];
	blocks[3] = x[4 * quarter + 3];
	sm4_words256_end(blocks);
}

#endif
