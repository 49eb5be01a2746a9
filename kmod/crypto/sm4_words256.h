/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns what SM4 by words on 256-bit vectors needs besides the S-box. Eight blocks are in four
 * vectors: 32-bit element 4 l + d of x[w] is word w of block 2 d + l, so that what comes out
 * of the transposition is blocks in their order, two to a vector.
 * Must not know: modes of operation. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: GB/T 32907-2016.
 */
#ifndef KTLSX_CRYPTO_SM4_WORDS256_H
#define KTLSX_CRYPTO_SM4_WORDS256_H

#include "sm4.h"
#include "sm4_basis.h"
#include "vec256.h"

/* Where the bytes of each lane come from: words rotated left by a number of bytes. */
#define SM4_ROTATED_1 { 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14 }
#define SM4_ROTATED_2 { 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13 }
#define SM4_ROTATED_3 { 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12 }

/*
 * Sixteen registers are too few for constants: the compiler would keep those and send the
 * blocks through memory, which takes longer than a round. It must not know where they are.
 */
#define sm4_opaque_pointer(p) ({ __asm__ __volatile__("" : "+r"(p)); })

/* Half of a vector that is twice the same: as cheap as any load. */
static __always_inline __m256i sm4_shuffle(__m256i x, const u8 places[2][16])
{
	return _mm256_shuffle_epi8(x, vec256_load_aligned(places));
}

/* The newest word, @d, comes last: the others are there before it. */
static __always_inline __m256i sm4_sum256(__m256i b, __m256i c, __m256i d, u32 key)
{
	__m256i sum = _mm256_xor_si256(_mm256_xor_si256(b, c), _mm256_set1_epi32((int)key));

	vec256_opaque(&sum);
	return _mm256_xor_si256(sum, d);
}

/* Numbers from @first on, in the places of blocks. */
static __always_inline __m256i sm4_count256(u32 first)
{
	return _mm256_add_epi32(_mm256_set1_epi32((int)first),
				_mm256_set_epi32(7, 5, 3, 1, 6, 4, 2, 0));
}

/* Four words of each block, the first in x[0], to blocks with their bytes backwards. */
static __always_inline void sm4_words256_to_blocks(__m256i x[4])
{
	__m256i a = _mm256_unpacklo_epi32(x[0], x[1]), b = _mm256_unpackhi_epi32(x[0], x[1]);
	__m256i c = _mm256_unpacklo_epi32(x[2], x[3]), d = _mm256_unpackhi_epi32(x[2], x[3]);

	x[0] = _mm256_unpacklo_epi64(a, c);
	x[1] = _mm256_unpackhi_epi64(a, c);
	x[2] = _mm256_unpacklo_epi64(b, d);
	x[3] = _mm256_unpackhi_epi64(b, d);
}

#endif
