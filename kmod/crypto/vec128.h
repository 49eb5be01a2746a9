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

#include <immintrin.h>

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

/*
 * Zeroes @len bytes, a multiple of 64, aligned to 16. With vectors the compiler cannot see
 * to be zero: it would call a string instruction.
 */
static __always_inline void vec128_clear(u8 *p, size_t len)
{
	__m128i zero = _mm_setzero_si128();

	vec128_opaque(&zero);
	for (; len; len -= 64, p += 64) {
		vec128_store_aligned(p, zero);
		vec128_store_aligned(p + 16, zero);
		vec128_store_aligned(p + 32, zero);
		vec128_store_aligned(p + 48, zero);
	}
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
