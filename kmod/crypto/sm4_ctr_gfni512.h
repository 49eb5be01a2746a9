/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns how the input of SM4's counter mode gets into the forms of sm4_gfni512.h.
 * Must not know: what is done with the key stream. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: NIST SP 800-38A section 6.5, a counter of 32 bits behind a nonce of 96.
 */
#ifndef KTLSX_CRYPTO_SM4_CTR_GFNI512_H
#define KTLSX_CRYPTO_SM4_CTR_GFNI512_H

#include "sm4_gfni512.h"

/* The same word in all blocks, its bytes four times each. */
static __always_inline void sm4_bytes_set(__m512i y[4], const u32 word[4])
{
	y[0] = _mm512_set1_epi32((int)word[0]);
	y[1] = _mm512_set1_epi32((int)word[1]);
	y[2] = _mm512_set1_epi32((int)word[2]);
	y[3] = _mm512_set1_epi32((int)word[3]);
}

/* The counters of 64 blocks, not yet in the basis. */
static __always_inline void sm4_bytes_count(__m512i y[4], u32 counter)
{
	/* 4 m + l at 16 l + m */
	const __m512i index = _mm512_set_epi64(0x3f3b37332f2b2723, 0x1f1b17130f0b0703,
					       0x3e3a36322e2a2622, 0x1e1a16120e0a0602,
					       0x3d3935312d292521, 0x1d1915110d090501,
					       0x3c3834302c282420, 0x1c1814100c080400);
	const __m512i first = _mm512_set1_epi8((char)counter);
	u32 high = counter >> 8, next = high + 1;
	__mmask64 carry;

	y[3] = _mm512_add_epi8(first, index);
	carry = _mm512_cmplt_epu8_mask(y[3], first);
	y[2] = _mm512_mask_set1_epi8(_mm512_set1_epi8((char)high), carry, (char)next);
	y[1] = _mm512_mask_set1_epi8(_mm512_set1_epi8((char)(high >> 8)), carry,
				     (char)(next >> 8));
	y[0] = _mm512_mask_set1_epi8(_mm512_set1_epi8((char)(high >> 16)), carry,
				     (char)(next >> 16));
}

/* Into the basis and back. */
static __always_inline void sm4_fold_four(__m512i y[4])
{
	y[0] = SM4_AFFINE(y[0], PRE);
	y[1] = SM4_AFFINE(y[1], PRE);
	y[2] = SM4_AFFINE(y[2], PRE);
	y[3] = SM4_AFFINE(y[3], PRE);
}

static __always_inline void sm4_unfold_four(__m512i y[4])
{
	y[0] = SM4_AFFINE(y[0], PRE_BACK);
	y[1] = SM4_AFFINE(y[1], PRE_BACK);
	y[2] = SM4_AFFINE(y[2], PRE_BACK);
	y[3] = SM4_AFFINE(y[3], PRE_BACK);
}

#endif
