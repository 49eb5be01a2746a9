/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the steps of SM4-CCM on 256-bit vectors, over the cipher of the file that includes it,
 * which has included sm4_gfni256.h or sm4_aesni_avx2.h before. Each lane gives two of the
 * eight blocks in four vectors: its counter and its MAC.
 * Must not know: how the cipher works. Every function here runs inside a vector section.
 * Concurrency: a lane belongs to one call; the source may change while it is read.
 */
#ifndef KTLSX_CRYPTO_SM4_CCM_256_H
#define KTLSX_CRYPTO_SM4_CCM_256_H

#include "ccm_vec128.h"
#include "sm4_ccm_lane.h"

#define SET_LANES 4
#define SETS 2

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

static __always_inline void encrypt_sets(__m256i *stage, const u32 *keys, const unsigned int sets)
{
	__m256i a[4], b[4];
	unsigned int round;

	load_set(a, stage);
	if (sets > 1)
		load_set(b, stage + SET_LANES);
	for (round = 0; round < KTLSX_SM4_ROUNDS; round += 4) {
		four_rounds(a, keys + round);
		if (sets > 1)
			four_rounds(b, keys + round);
	}
	store_set(stage, a);
	if (sets > 1)
		store_set(stage + SET_LANES, b);
}

static __always_inline void run_steps(const struct ktlsx_aead_key *key,
				      struct ktlsx_ccm_lane *const *lanes, unsigned int active,
				      size_t count, const unsigned int sets)
{
	const struct ktlsx_sm4_key *sm4 = (const struct ktlsx_sm4_key *)(const void *)key->state;
	__m256i stage[SETS * SET_LANES];
	unsigned int i;
	size_t at;

	vec128_clear((u8 *)stage, sizeof(stage));
	for (at = 0; at < 16 * count; at += 16) {
		for (i = 0; i < active; i++)
			stage[i] = sm4_ccm_begin_step(lanes[i]);
		encrypt_sets(stage, sm4->folded, sets);
		for (i = 0; i < active; i++)
			ccm_finish_step(lanes[i], vec256_low(stage[i]), vec256_high(stage[i]), at);
	}
	vec128_clear((u8 *)stage, sizeof(stage));
	barrier_data(stage);
}

static noinline void run_few(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
			     unsigned int active, size_t count)
{
	run_steps(key, lanes, active, count, 1);
}

static noinline void run_many(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
			      unsigned int active, size_t count)
{
	run_steps(key, lanes, active, count, SETS);
}

/* As struct ktlsx_ccm_cipher has it. */
static void sm4_steps(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
		      unsigned int active, size_t count)
{
	if (active <= SET_LANES)
		run_few(key, lanes, active, count);
	else
		run_many(key, lanes, active, count);
}

#endif
