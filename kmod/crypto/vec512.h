/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the way 512-bit vectors, four blocks each, are spelled: the compiler's intrinsics,
 * plus the few combinations that every engine on them needs.
 * Must not know: any mode of operation. To be included only by files whose every
 * function runs inside a vector section, compiled with their own flags.
 */
#ifndef KTLSX_CRYPTO_VEC512_H
#define KTLSX_CRYPTO_VEC512_H

#include "vec128.h"

/* Hides where a value came from: the compiler can neither load it again nor recompute it. */
static __always_inline void vec512_opaque(__m512i *v)
{
	__asm__ __volatile__("" : "+v"(*v));
}

static __always_inline __m512i vec512_load(const void *p)
{
	return _mm512_loadu_si512(p);
}

static __always_inline __m512i vec512_load_aligned(const void *p)
{
	return _mm512_load_si512(p);
}

static __always_inline void vec512_store(void *p, __m512i v)
{
	_mm512_storeu_si512(p, v);
}

static __always_inline void vec512_store_aligned(void *p, __m512i v)
{
	_mm512_store_si512(p, v);
}

/*
 * A block at a multiple of 16, in every lane. Left to itself, the compiler may load it once
 * and shuffle it many times, which takes a port that is scarce; a load is free.
 */
static __always_inline __m512i vec512_spread(const void *p)
{
	__m512i v;

	__asm__("vbroadcasti32x4 %1, %0" : "=v"(v) : "m"(*(const __m128i *)p));
	return v;
}

static __always_inline __m512i vec512_xor3(__m512i a, __m512i b, __m512i c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/* Blocks as the reflected polynomials GHASH computes with, and back. */
static __always_inline __m512i vec512_swap_bytes(__m512i v)
{
	const long long low = 0x08090a0b0c0d0e0f, high = 0x0001020304050607;
	const __m512i reversed = _mm512_set_epi64(high, low, high, low, high, low, high, low);

	return _mm512_shuffle_epi8(v, reversed);
}

static __always_inline __m512i vec512_swap_halves(__m512i v)
{
	return _mm512_shuffle_epi32(v, _MM_PERM_BADC);
}

/* The sum of the four lanes. */
static __always_inline __m128i vec512_fold(__m512i v)
{
	__m256i half = _mm256_xor_si256(_mm512_castsi512_si256(v),
					_mm512_extracti64x4_epi64(v, 1));

	return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

/* The first @count bytes of a vector, at most 255; beyond 63 it is all of them. */
static __always_inline __mmask64 vec512_first(size_t count)
{
	return _cvtu64_mask64(_bzhi_u64(~0ull, (u32)count));
}

#endif
