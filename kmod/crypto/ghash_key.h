/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the preparation of the hash part of a key by carry-less multiplication. The result is,
 * byte for byte, that of ktlsx_ghash_prepare().
 * Must not know: ciphers. To be included by vector engines only.
 * Concurrency: stateless; nobody else sees the key before it is prepared.
 * Specification: NIST SP 800-38D section 6.3.
 */
#ifndef KTLSX_CRYPTO_GHASH_KEY_H
#define KTLSX_CRYPTO_GHASH_KEY_H

#include "gcm.h"
#include "ghash_clmul.h"

/* A block, its bytes swapped, times x in the field. */
static __always_inline __m128i ghash_double_block(__m128i h)
{
	__m128i carries = _mm_srli_epi64(h, 63);
	__m128i overflow = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xff), 31);

	h = _mm_xor_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(carries, 8));
	return _mm_xor_si128(h, _mm_and_si128(overflow, _mm_set_epi64x(POLY_HIGH, 1)));
}

static __always_inline void ghash_put_fold(struct ktlsx_ghash_key *key, unsigned int n,
					   __m128i power)
{
	__m128i fold = _mm_xor_si128(power, vec128_swap_halves(power));

	_mm_storel_epi64((void *)&key->folds[KTLSX_GCM_FOLDS - n], fold);
}

static __always_inline __m128i ghash_multiply(__m128i x, __m128i power)
{
	struct product p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };

	add_product(&p, x, power, _mm_xor_si128(power, vec128_swap_halves(power)));
	return reduce(p);
}

static __always_inline u64 *ghash_power_at(struct ktlsx_ghash_key *key, unsigned int n)
{
	return key->powers[KTLSX_GCM_POWERS - n];
}

/* By doubling the number of powers: a chain of four products, not fifteen. */
static __always_inline void ghash_put_powers(struct ktlsx_ghash_key *key, __m128i h)
{
	__m128i power = ghash_double_block(vec128_swap_bytes(h)), step;
	unsigned int have, n;

	vec128_store_aligned(ghash_power_at(key, 1), power);
	for (have = 1; have < KTLSX_GCM_POWERS; have *= 2) {
		step = vec128_load_aligned(ghash_power_at(key, have));
		for (n = 1; n <= have; n++) {
			power = ghash_multiply(vec128_load_aligned(ghash_power_at(key, n)), step);
			vec128_store_aligned(ghash_power_at(key, have + n), power);
		}
	}
	for (n = 1; n <= KTLSX_GCM_FOLDS; n++)
		ghash_put_fold(key, n, vec128_load_aligned(ghash_power_at(key, n)));
}

/* Four chains of three products each. */
static __always_inline void ghash_put_strides(struct ktlsx_ghash_key *key)
{
	__m128i step = vec128_load_aligned(ghash_power_at(key, KTLSX_GCM_POWERS)), power;
	unsigned int i, n;

	for (i = KTLSX_GCM_STRIDES; i--;) {
		n = KTLSX_GCM_STRIDES - i;
		power = n <= 4 ? vec128_load_aligned(ghash_power_at(key, 4 * n)) :
				 vec128_load_aligned(key->strides[i + 4]);
		vec128_store_aligned(key->strides[i], ghash_multiply(power, step));
	}
}

#endif
