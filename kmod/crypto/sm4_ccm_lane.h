/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns how lanes of CCM give their blocks to SM4 by words and take them back, and the vector
 * engines' common preparation of a key.
 * Must not know: which vectors do it. To be included by vector engines only.
 * Concurrency: a lane belongs to one call; the source may change while it is read.
 */
#ifndef KTLSX_CRYPTO_SM4_CCM_LANE_H
#define KTLSX_CRYPTO_SM4_CCM_LANE_H

#include "ccm_vec128.h"
#include "sm4_gcm.h"
#include "vec256.h"

/*
 * Encrypts counter and MAC of each lane, a vector of @stage: words as numbers before, blocks
 * after. @keys are in the basis.
 */
typedef void sm4_ccm_encrypt_t(__m256i stage[], const u32 keys[KTLSX_SM4_ROUNDS]);

static __always_inline __m256i sm4_ccm_swap_words(__m256i v)
{
	return _mm256_shuffle_epi8(v, _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0,
						      1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11, 4, 5,
						      6, 7, 0, 1, 2, 3));
}

/* The counter in the lane is the next one. */
static __always_inline __m256i sm4_ccm_begin_step(struct ktlsx_ccm_lane *lane)
{
	__m128i counter = vec128_load_aligned(lane->counter);
	__m256i both = _mm256_castsi128_si256(counter);

	counter = _mm_add_epi32(ccm_swap_last_word(counter), _mm_set_epi32(1, 0, 0, 0));
	vec128_store_aligned(lane->counter, ccm_swap_last_word(counter));
	both = _mm256_inserti128_si256(both, vec128_load_aligned(lane->mac), 1);
	return sm4_ccm_swap_words(both);
}

/* As struct ktlsx_ccm_cipher has it; @encrypt does as many lanes as @active at least. */
static __always_inline void sm4_ccm_run_steps(const struct ktlsx_aead_key *key,
					      struct ktlsx_ccm_lane *const *lanes,
					      unsigned int active, size_t count,
					      sm4_ccm_encrypt_t *const encrypt)
{
	const struct ktlsx_sm4_key *sm4 = (const struct ktlsx_sm4_key *)(const void *)key->state;
	__m256i stage[KTLSX_CCM_LANES_MAX] __aligned(64);
	unsigned int i;
	size_t at;

	vec128_clear((u8 *)stage, sizeof(stage));
	for (at = 0; at < 16 * count; at += 16) {
		for (i = 0; i < active; i++)
			stage[i] = sm4_ccm_begin_step(lanes[i]);
		encrypt(stage, sm4->folded);
		for (i = 0; i < active; i++)
			ccm_finish_step(lanes[i], vec256_low(stage[i]), vec256_high(stage[i]), at);
	}
	vec128_clear((u8 *)stage, sizeof(stage));
	barrier_data(stage);
}

/*
 * To be called from where a function was that held cipher states in more registers than
 * there are: its frame, with what the compiler parked in it, was here.
 */
static noinline void sm4_ccm_clear_frame(void)
{
	u8 frame[1024] __aligned(64);

	vec128_clear(frame, sizeof(frame));
	barrier_data(frame);
}

static __always_inline void sm4_ccm_prepare(struct ktlsx_aead_key *key, const u8 *raw)
{
	vec128_clear(key->state, sizeof(key->state));
	ktlsx_sm4_aesni_expand((struct ktlsx_sm4_key *)(void *)key->state, raw);
}

#endif
