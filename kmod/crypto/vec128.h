/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the way 128-bit vectors are spelled: the compiler's intrinsics, plus the few
 * combinations that every engine on them needs.
 * Must not know: any mode of operation. To be included only by files whose every
 * function runs inside a vector section, compiled with their own flags.
 */
#ifndef KTLSX_CRYPTO_VEC128_H
#define KTLSX_CRYPTO_VEC128_H

#include "port.h"

#ifdef __CHECKER__
/* sparse has no vector types: to it a vector is an integer, and these are functions */
#define __m128i long long
__m128i _mm_aesenc_si128(__m128i block, __m128i key);
__m128i _mm_aesenclast_si128(__m128i block, __m128i key);
__m128i _mm_and_si128(__m128i a, __m128i b);
__m128i _mm_clmulepi64_si128(__m128i a, __m128i b, int halves);
int _mm_extract_epi32(__m128i v, int lane);
__m128i _mm_insert_epi32(__m128i v, int x, int lane);
__m128i _mm_load_si128(const void *p);
__m128i _mm_loadl_epi64(const void *p);
__m128i _mm_loadu_si128(const void *p);
__m128i _mm_set_epi64x(long long high, long long low);
__m128i _mm_set_epi8(int b15, int b14, int b13, int b12, int b11, int b10, int b9, int b8,
		     int b7, int b6, int b5, int b4, int b3, int b2, int b1, int b0);
__m128i _mm_setzero_si128(void);
__m128i _mm_shuffle_epi32(__m128i v, int order);
__m128i _mm_shuffle_epi8(__m128i v, __m128i order);
void _mm_store_si128(void *p, __m128i v);
void _mm_storeu_si128(void *p, __m128i v);
int _mm_testz_si128(__m128i a, __m128i b);
__m128i _mm_unpackhi_epi64(__m128i a, __m128i b);
__m128i _mm_unpacklo_epi64(__m128i a, __m128i b);
__m128i _mm_xor_si128(__m128i a, __m128i b);
#else
#include <immintrin.h>
#endif

/* Hides where a value came from: the compiler can neither load it again nor recompute it. */
#define vec128_opaque(v) __asm__ __volatile__("" : "+x"(v))

static __always_inline __m128i vec128_load(const void *p)
{
	return _mm_loadu_si128(p);
}

static __always_inline __m128i vec128_load_aligned(const void *p)
{
	return _mm_load_si128(p);
}

static __always_inline void vec128_store_aligned(void *p, __m128i v)
{
	_mm_store_si128(p, v);
}

static __always_inline void vec128_store(void *p, __m128i v)
{
	_mm_storeu_si128(p, v);
}

/* A block as the reflected polynomial GHASH computes with, and back. */
static __always_inline __m128i vec128_swap_bytes(__m128i v)
{
	return _mm_shuffle_epi8(v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
						15));
}

static __always_inline __m128i vec128_swap_halves(__m128i v)
{
	return _mm_shuffle_epi32(v, 0x4e);
}

#endif
