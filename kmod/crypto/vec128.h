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
/* sparse has no vector types: to it a vector is an integer, and any arithmetic will do */
#define __m128i long long
#define _mm_aesenc_si128(block, key) ((block) ^ (key))
#define _mm_aesenclast_si128(block, key) ((block) ^ (key))
#define _mm_and_si128(a, b) ((a) & (b))
#define _mm_clmulepi64_si128(a, b, halves) ((a) ^ (b) ^ (halves))
#define _mm_extract_epi32(v, lane) ((int)((v) >> (lane)))
#define _mm_insert_epi32(v, x, lane) ((v) ^ (x) ^ (lane))
#define _mm_load_si128(p) (*(const __m128i *)(p))
#define _mm_loadl_epi64(p) (*(const __m128i *)(p))
#define _mm_loadu_si128(p) (*(const __m128i *)(p))
#define _mm_maddubs_epi16(a, b) ((a) ^ (b))
#define _mm_packus_epi16(a, b) ((a) ^ (b))
#define _mm_set1_epi16(x) ((long long)(x))
#define _mm_set1_epi32(x) ((long long)(x))
#define _mm_set1_epi8(x) ((long long)(x))
#define _mm_set_epi64x(high, low) ((high) ^ (low))
#define _mm_set_epi8(...) 0LL
#define _mm_setzero_si128() 0LL
#define _mm_shuffle_epi32(v, order) ((v) ^ (order))
#define _mm_shuffle_epi8(v, order) ((v) ^ (order))
#define _mm_slli_epi64(v, bits) ((v) << (bits))
#define _mm_slli_si128(v, bytes) ((v) << (bytes))
#define _mm_srai_epi32(v, bits) ((v) >> (bits))
#define _mm_srli_epi16(v, bits) ((v) >> (bits))
#define _mm_srli_epi64(v, bits) ((v) >> (bits))
#define _mm_store_si128(p, v) (*(__m128i *)(p) = (v))
#define _mm_storel_epi64(p, v) (*(__m128i *)(p) = (v))
#define _mm_storeu_si128(p, v) (*(__m128i *)(p) = (v))
#define _mm_testz_si128(a, b) (!((a) & (b)))
#define _mm_unpackhi_epi64(a, b) ((a) ^ (b))
#define _mm_unpacklo_epi64(a, b) ((a) ^ (b))
#define _mm_xor_si128(a, b) ((a) ^ (b))
#else
#include <immintrin.h>
#endif

/* Hides where a value came from: the compiler can neither load it again nor recompute it. */
static __always_inline void vec128_opaque(__m128i *v)
{
	__asm__ __volatile__("" : "+x"(*v));
}

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
