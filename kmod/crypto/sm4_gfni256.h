/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4 by GFNI on 256-bit vectors, eight blocks as sm4_words256.h lays them out.
 * Must not know: modes of operation. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: GB/T 32907-2016; the basis, in which all rounds run, is that of sm4_basis.h.
 */
#ifndef KTLSX_CRYPTO_SM4_GFNI256_H
#define KTLSX_CRYPTO_SM4_GFNI256_H

#include "sm4_words256.h"

#define SM4_AFFINE256(x, name)						\
	_mm256_gf2p8affine_epi64_epi8(x, _mm256_set1_epi64x((long long)KTLSX_SM4_##name),	\
				      KTLSX_SM4_##name##_CONST)
#define SM4_INVERSE256(x, name)						\
	_mm256_gf2p8affineinv_epi64_epi8(x, _mm256_set1_epi64x((long long)KTLSX_SM4_##name),	\
					 KTLSX_SM4_##name##_CONST)

/* Into the basis and back. */
static __always_inline __m256i sm4_fold256(__m256i x)
{
	return SM4_AFFINE256(x, PRE);
}

static __always_inline __m256i sm4_unfold256(__m256i x)
{
	return SM4_AFFINE256(x, PRE_BACK);
}

/* One round: the next word takes the place of @a. */
static __always_inline void sm4_round256(__m256i *a, __m256i b, __m256i c, __m256i d, u32 key)
{
	__m256i t = sm4_sum256(b, c, d, key);
	__m256i q = SM4_INVERSE256(t, MQ), r = SM4_INVERSE256(t, MR), p = SM4_INVERSE256(t, MP);
	__m256i sum = _mm256_xor_si256(sm4_rotate256_2(q), sm4_rotate256_3(r));

	*a = _mm256_xor_si256(_mm256_xor_si256(*a, p), sm4_rotate256_1(q));
	*a = _mm256_xor_si256(*a, sum);
}

#endif
