/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns how a lane of CCM gives its blocks to SM4 by words, and the vector engines' common
 * preparation of a key.
 * Must not know: which vectors do it. To be included by vector engines only.
 * Concurrency: a lane belongs to one call.
 */
#ifndef KTLSX_CRYPTO_SM4_CCM_LANE_H
#define KTLSX_CRYPTO_SM4_CCM_LANE_H

#include "ccm_vec128.h"
#include "sm4_gcm.h"
#include "vec256.h"

static __always_inline __m256i sm4_ccm_swap_words(__m256i v)
{
	return _mm256_shuffle_epi8(v, _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0,
						      1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11, 4, 5,
						      6, 7, 0, 1, 2, 3));
}

/* Counter and MAC, words as numbers; the counter in the lane is the next one. */
static __always_inline __m256i sm4_ccm_begin_step(struct ktlsx_ccm_lane *lane)
{
	__m128i counter = vec128_load_aligned(lane->counter);
	__m256i both = _mm256_castsi128_si256(counter);

	counter = _mm_add_epi32(ccm_swap_last_word(counter), _mm_set_epi32(1, 0, 0, 0));
	vec128_store_aligned(lane->counter, ccm_swap_last_word(counter));
	both = _mm256_inserti128_si256(both, vec128_load_aligned(lane->mac), 1);
	return sm4_ccm_swap_words(both);
}

static __always_inline void sm4_ccm_prepare(struct ktlsx_aead_key *key, const u8 *raw)
{
	vec128_clear(key->state, sizeof(key->state));
	ktlsx_sm4_aesni_expand((struct ktlsx_sm4_key *)(void *)key->state, raw);
}

#endif
