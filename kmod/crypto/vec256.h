/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the way 256-bit vectors are spelled: the compiler's intrinsics, plus the few
 * combinations that every engine on them needs.
 * Must not know: any mode of operation. To be included only by files whose every
 * function runs inside a vector section, compiled with their own flags.
 */
#ifndef KTLSX_CRYPTO_VEC256_H
#define KTLSX_CRYPTO_VEC256_H

#include "vec128.h"

/* Hides where a value came from: the compiler can neither load it again nor recompute it. */
static __always_inline void vec256_opaque(__m256i *v)
{
	__asm__ __volatile__("" : "+x"(*v));
}

static __always_inline __m256i vec256_load(const void *p)
{
	return _mm256_loadu_si256(p);
}

static __always_inline __m256i vec256_load_aligned(const void *p)
{
	return _mm256_load_si256(p);
}

static __always_inline void vec256_store(void *p, __m256i v)
{
	_mm256_storeu_si256(p, v);
}

static __always_inline void vec256_store_aligned(void *p, __m256i v)
{
	_mm256_store_si256(p, v);
}

/* 16 bytes from memory in both lanes: as cheap as any other load. */
static __always_inline __m256i vec256_broadcast(const void *p)
{
	return _mm256_broadcastsi128_si256(vec128_load_aligned(p));
}

/* Two blocks as the reflected polynomials GHASH computes with, and back. */
static __always_inline __m256i vec256_swap_bytes(__m256i v)
{
	return _mm256_shuffle_epi8(v, _mm256_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3,
						       2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6,
						       5, 4, 3, 2, 1, 0));
}

/* Swaps the halves of both lanes. */
static __always_inline __m256i vec256_swap_halves(__m256i v)
{
	return _mm256_shuffle_epi32(v, 0x4e);
}

static __always_inline __m128i vec256_low(__m256i v)
{
	return _mm256_castsi256_si128(v);
}

static __always_inline __m128i vec256_high(__m256i v)
{
	return _mm256_extracti128_si256(v, 1);
}

#endif
