/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns sixteen lanes of 32-bit words: the operations of sm3_lanes.h and sm4_cbc_lanes.h in
 * 512-bit vectors.
 * Must not know: what is computed in the lanes. To be included by vector engines only.
 * Concurrency: stateless.
 */
#ifndef KTLSX_CRYPTO_LANES512_H
#define KTLSX_CRYPTO_LANES512_H

#include "port.h"

#include <immintrin.h>

typedef __m512i lanes;

#define LANES 16
/* groups of blocks, one in each lane, for which there are registers */
#define LANES_GROUPS 4

#define lanes_rol(x, n) _mm512_rol_epi32(x, n)

static __always_inline lanes lanes_load(const void *p)
{
	return _mm512_load_si512(p);
}

static __always_inline void lanes_store(void *p, lanes x)
{
	_mm512_store_si512(p, x);
}

/* Blocks at any alignment. */
static __always_inline lanes lanes_load_blocks(const u8 *p)
{
	return _mm512_loadu_si512((const void *)p);
}

static __always_inline void lanes_store_blocks(u8 *p, lanes x)
{
	_mm512_storeu_si512((void *)p, x);
}

/*
 * Hidden from the compiler: memory that may change is not to be loaded again, and addresses
 * are not to be computed in vectors.
 */
static __always_inline __m128i lanes_block(const u8 *p)
{
	__m128i x;

	__asm__("" : "+r"(p));
	x = _mm_loadu_si128((const void *)p);
	__asm__("" : "+v"(x));
	return x;
}

static __always_inline void lanes_store_block(u8 *p, __m128i x)
{
	__asm__("" : "+r"(p));
	_mm_storeu_si128((void *)p, x);
}

static __always_inline lanes lanes_zero(void)
{
	return _mm512_setzero_si512();
}

/* The same word in each lane. */
static __always_inline lanes lanes_all(u32 x)
{
	return _mm512_set1_epi32((int)x);
}

/* The same, straight from memory: compilers take the long way through a scalar register. */
static __always_inline lanes lanes_all_of(const u32 *p)
{
	lanes x;

	__asm__("vpbroadcastd %1, %0" : "=v"(x) : "m"(*p));
	return x;
}

static __always_inline lanes lanes_add(lanes a, lanes b)
{
	return _mm512_add_epi32(a, b);
}

static __always_inline lanes lanes_xor(lanes a, lanes b)
{
	return _mm512_xor_si512(a, b);
}

static __always_inline lanes lanes_xor3(lanes a, lanes b, lanes c)
{
	return _mm512_ternarylogic_epi32(a, b, c, 0x96);
}

static __always_inline lanes lanes_majority(lanes a, lanes b, lanes c)
{
	return _mm512_ternarylogic_epi32(a, b, c, 0xe8);
}

/* Bits of @b where @a has ones, of @c where it has zeros. */
static __always_inline lanes lanes_choose(lanes a, lanes b, lanes c)
{
	return _mm512_ternarylogic_epi32(a, b, c, 0xca);
}

/* The word that starts three bytes into @a. */
static __always_inline lanes lanes_last_byte_then(lanes a, lanes b)
{
	return _mm512_ternarylogic_epi32(lanes_all(0xff000000), _mm512_rol_epi32(a, 24),
					 _mm512_rol_epi32(b, 24), 0xca);
}

/* @bytes: of each four, which goes where. */
static __always_inline lanes lanes_move_bytes(lanes x, u32 bytes)
{
	const __m128i quads = _mm_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);

	return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(
					      _mm_add_epi8(quads, _mm_set1_epi32((int)bytes))));
}
#include "lanes512_blocks.h"

#endif
