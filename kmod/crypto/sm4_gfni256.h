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

struct sm4_gfni256 {
	u64 mp[4];
	u64 mq[4];
	u64 mr[4];
	u8 rotated_1[2][16];
	u8 rotated_2[2][16];
	u8 rotated_3[2][16];
};

static const struct sm4_gfni256 sm4_gfni256 __aligned(32) = {
	.mp = { KTLSX_SM4_MP, KTLSX_SM4_MP, KTLSX_SM4_MP, KTLSX_SM4_MP },
	.mq = { KTLSX_SM4_MQ, KTLSX_SM4_MQ, KTLSX_SM4_MQ, KTLSX_SM4_MQ },
	.mr = { KTLSX_SM4_MR, KTLSX_SM4_MR, KTLSX_SM4_MR, KTLSX_SM4_MR },
	.rotated_1 = { SM4_ROTATED_1, SM4_ROTATED_1 },
	.rotated_2 = { SM4_ROTATED_2, SM4_ROTATED_2 },
	.rotated_3 = { SM4_ROTATED_3, SM4_ROTATED_3 },
};

/* Into the basis and back. */
static __always_inline __m256i sm4_fold256(__m256i x)
{
	return _mm256_gf2p8affine_epi64_epi8(x, _mm256_set1_epi64x((long long)KTLSX_SM4_PRE),
					     KTLSX_SM4_PRE_CONST);
}

static __always_inline __m256i sm4_unfold256(__m256i x)
{
	return _mm256_gf2p8affine_epi64_epi8(x, _mm256_set1_epi64x((long long)KTLSX_SM4_PRE_BACK),
					     KTLSX_SM4_PRE_BACK_CONST);
}

/* One round: the next word takes the place of @a. */
static __always_inline void sm4_round256(__m256i *a, __m256i b, __m256i c, __m256i d, u32 key)
{
	const struct sm4_gfni256 *m = &sm4_gfni256;
	__m256i t = sm4_sum256(b, c, d, key), p, q, r;

	sm4_opaque_pointer(m);
	q = _mm256_gf2p8affineinv_epi64_epi8(t, vec256_load_aligned(m->mq), KTLSX_SM4_MQ_CONST);
	r = _mm256_gf2p8affineinv_epi64_epi8(t, vec256_load_aligned(m->mr), KTLSX_SM4_MR_CONST);
	p = _mm256_gf2p8affineinv_epi64_epi8(t, vec256_load_aligned(m->mp), KTLSX_SM4_MP_CONST);
	*a = _mm256_xor_si256(*a, p);
	p = _mm256_xor_si256(sm4_shuffle(q, m->rotated_2), sm4_shuffle(r, m->rotated_3));
	*a = _mm256_xor_si256(_mm256_xor_si256(*a, sm4_shuffle(q, m->rotated_1)), p);
}

/* After the last round: blocks in their order, of which the last word comes out first. */
static __always_inline void sm4_words256_end(__m256i x[4])
{
	x[0] = sm4_unfold256(x[0]);
	x[1] = sm4_unfold256(x[1]);
	x[2] = sm4_unfold256(x[2]);
	x[3] = sm4_unfold256(x[3]);
	sm4_words256_to_blocks(x);
	x[0] = vec256_swap_bytes(x[0]);
	x[1] = vec256_swap_bytes(x[1]);
	x[2] = vec256_swap_bytes(x[2]);
	x[3] = vec256_swap_bytes(x[3]);
}

#endif
