/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns eight lanes of 32-bit words: the operations of sm3_lanes.h and sm4_cbc_lanes.h in
 * 256-bit vectors.
 * Must not know: what is computed in the lanes. To be included by vector engines only.
 * Concurrency: stateless.
 */
#ifndef KTLSX_CRYPTO_LANES256_H
#define KTLSX_CRYPTO_LANES256_H

#include "port.h"

#include <immintrin.h>

#define lanes __m256i
#define LANES 8

static __always_inline lanes lanes_load(const void *p)
{
	return _mm256_load_si256(p);
}

static __always_inline void lanes_store(void *p, lanes x)
{
	_mm256_store_si256(p, x);
}

static __always_inline lanes lanes_zero(void)
{
	return _mm256_setzero_si256();
}

/* The same word in each lane. */
static __always_inline lanes lanes_all(u32 x)
{
	return _mm256_set1_epi32((int)x);
}

/* The same, straight from memory: compilers take the long way through a scalar register. */
static __always_inline lanes lanes_all_of(const u32 *p)
{
	lanes x;

	__asm__("vpbroadcastd %1, %0" : "=x"(x) : "m"(*p));
	return x;
}

static __always_inline lanes lanes_rol(lanes x, int n)
{
	return _mm256_or_si256(_mm256_slli_epi32(x, n), _mm256_srli_epi32(x, 32 - n));
}

static __always_inline lanes lanes_add(lanes a, lanes b)
{
	return _mm256_add_epi32(a, b);
}

static __always_inline lanes lanes_xor(lanes a, lanes b)
{
	return _mm256_xor_si256(a, b);
}

static __always_inline lanes lanes_xor3(lanes a, lanes b, lanes c)
{
	return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

static __always_inline lanes lanes_majority(lanes a, lanes b, lanes c)
{
	return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(_mm256_or_si256(a, b), c));
}

/* Bits of @b where @a has ones, of @c where it has zeros. */
static __always_inline lanes lanes_choose(lanes a, lanes b, lanes c)
{
	return _mm256_xor_si256(_mm256_and_si256(_mm256_xor_si256(b, c), a), c);
}

/* The word that starts three bytes into @a. */
static __always_inline lanes lanes_last_byte_then(lanes a, lanes b)
{
	return _mm256_or_si256(_mm256_slli_epi32(a, 24), _mm256_srli_epi32(b, 8));
}

/* @bytes: of each four, which goes where. */
static __always_inline lanes lanes_move_bytes(lanes x, u32 bytes)
{
	const __m128i quads = _mm_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
	__m128i places = _mm_add_epi8(quads, _mm_set1_epi32((int)bytes));

	return _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(places));
}

static __always_inline lanes lanes_rol_8(lanes x)
{
	return lanes_move_bytes(x, 0x02010003);
}

#endif
