/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4 by the AES instructions on 256-bit vectors, eight blocks as sm4_words256.h lays
 * them out.
 * Must not know: modes of operation. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: GB/T 32907-2016; the basis, in which all rounds run, is that of sm4_basis.h.
 */
#ifndef KTLSX_CRYPTO_SM4_AESNI_AVX2_H
#define KTLSX_CRYPTO_SM4_AESNI_AVX2_H

#include "sm4_aesni.h"
#include "sm4_words256.h"

static __always_inline __m256i sm4_look_up(const struct sm4_nibbles *map, __m256i low,
					   __m256i high)
{
	return _mm256_xor_si256(_mm256_shuffle_epi8(vec256_broadcast(map->low), low),
				_mm256_shuffle_epi8(vec256_broadcast(map->high), high));
}

static __always_inline __m256i sm4_low_nibbles(__m256i x)
{
	return _mm256_and_si256(x, _mm256_set1_epi8(15));
}

static __always_inline __m256i sm4_high_nibbles(__m256i x)
{
	return sm4_low_nibbles(_mm256_srli_epi16(x, 4));
}

/* Into the basis and back. */
static __always_inline __m256i sm4_fold256(__m256i x)
{
	return sm4_look_up(&sm4_pre, sm4_low_nibbles(x), sm4_high_nibbles(x));
}

static __always_inline __m256i sm4_unfold256(__m256i x)
{
	return sm4_look_up(&sm4_back, sm4_low_nibbles(x), sm4_high_nibbles(x));
}

/* What AES makes of each byte, and each byte back in its column. */
static __always_inline __m256i sm4_aes_sbox(__m256i x)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i low = _mm_aesenclast_si128(vec256_low(x), zero);
	__m128i high = _mm_aesenclast_si128(vec256_high(x), zero);

	x = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
	return sm4_shuffle(x, 0x0306090c, 0x0f020508, 0x0b0e0104, 0x070a0d00);
}

/* One round: the next word takes the place of @a. */
static __always_inline void sm4_round256(__m256i *a, __m256i b, __m256i c, __m256i d, u32 key)
{
	__m256i v = sm4_aes_sbox(sm4_sum256(b, c, d, key));
	__m256i low = sm4_low_nibbles(v), high = sm4_high_nibbles(v);
	__m256i p = sm4_look_up(&sm4_p, low, high), r = sm4_look_up(&sm4_r, low, high);
	__m256i q = _mm256_xor_si256(p, r);

	*a = _mm256_xor_si256(*a, p);
	p = _mm256_xor_si256(sm4_rotate256_2(q), sm4_rotate256_3(r));
	*a = _mm256_xor_si256(_mm256_xor_si256(*a, sm4_rotate256_1(q)), p);
}

#endif
