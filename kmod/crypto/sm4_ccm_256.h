/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the encryption of lanes of SM4-CCM on 256-bit vectors, over the cipher of the file
 * that includes it, which has included sm4_gfni256.h or sm4_aesni_avx2.h before. A set is
 * four lanes, eight blocks in four vectors.
 * Must not know: how the cipher works. Every function here runs inside a vector section.
 * Concurrency: stateless.
 */
#ifndef KTLSX_CRYPTO_SM4_CCM_256_H
#define KTLSX_CRYPTO_SM4_CCM_256_H

#include "sm4_ccm_lane.h"

#define SET_LANES 4

static __always_inline void four_rounds(__m256i x[4], const u32 keys[4])
{
	sm4_round256(&x[0], x[1], x[2], x[3], keys[0]);
	sm4_round256(&x[1], x[2], x[3], x[0], keys[1]);
	sm4_round256(&x[2], x[3], x[0], x[1], keys[2]);
	sm4_round256(&x[3], x[0], x[1], x[2], keys[3]);
}

/* From lanes to words in the basis. */
static __always_inline void load_set(__m256i x[4], const __m256i stage[SET_LANES])
{
	x[0] = sm4_fold256(stage[0]);
	x[1] = sm4_fold256(stage[1]);
	x[2] = sm4_fold256(stage[2]);
	x[3] = sm4_fold256(stage[3]);
	sm4_words256_to_blocks(x);
}

/* And back; the last word comes first, as a number. */
static __always_inline void store_set(__m256i stage[SET_LANES], __m256i x[4])
{
	sm4_words256_to_blocks(x);
	stage[0] = vec256_swap_bytes(sm4_unfold256(x[0]));
	stage[1] = vec256_swap_bytes(sm4_unfold256(x[1]));
	stage[2] = vec256_swap_bytes(sm4_unfold256(x[2]));
	stage[3] = vec256_swap_bytes(sm4_unfold256(x[3]));
}

static __always_inline void encrypt_two_sets(__m256i *stage, const u32 *keys)
{
	__m256i a[4], b[4];
	unsigned int round;

	load_set(a, stage);
	load_set(b, stage + SET_LANES);
	for (round = 0; round < KTLSX_SM4_ROUNDS; round += 4) {
		four_rounds(a, keys + round);
		four_rounds(b, keys + round);
	}
	store_set(stage, a);
	store_set(stage + SET_LANES, b);
}

#endif
