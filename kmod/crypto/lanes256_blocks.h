/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the ways between memory and lanes of 32-bit words in 256-bit vectors: blocks of one
 * record, or one block of each of many.
 * Must not know: what is computed in the lanes. To be included by vector engines only.
 * Concurrency: stateless; memory is loaded once.
 */
#ifndef KTLSX_CRYPTO_LANES256_BLOCKS_H
#define KTLSX_CRYPTO_LANES256_BLOCKS_H

#include "lanes256.h"

/* groups of blocks, one in each lane: for which there are registers, and the fewest at once */
#define LANES_GROUPS 2
#define LANES_FEWEST 2

/* Blocks at any alignment. */
static __always_inline lanes lanes_load_blocks(const u8 *p)
{
	return _mm256_loadu_si256((const void *)p);
}

static __always_inline void lanes_store_blocks(u8 *p, lanes x)
{
	_mm256_storeu_si256((void *)p, x);
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
	__asm__("" : "+x"(x));
	return x;
}

static __always_inline void lanes_store_block(u8 *p, __m128i x)
{
	__asm__("" : "+r"(p));
	_mm_storeu_si128((void *)p, x);
}

/*
 * Each 128 bits of the four vectors hold a block; words, their first byte highest, of equal
 * place come together. Which lane a block goes to is for lanes_to_blocks() to know.
 */
static __always_inline void lanes_from_blocks(lanes x[4])
{
	lanes a = _mm256_unpacklo_epi32(x[0], x[1]), b = _mm256_unpackhi_epi32(x[0], x[1]);
	lanes c = _mm256_unpacklo_epi32(x[2], x[3]), d = _mm256_unpackhi_epi32(x[2], x[3]);

	x[0] = lanes_move_bytes(_mm256_unpacklo_epi64(a, c), 0x00010203);
	x[1] = lanes_move_bytes(_mm256_unpackhi_epi64(a, c), 0x00010203);
	x[2] = lanes_move_bytes(_mm256_unpacklo_epi64(b, d), 0x00010203);
	x[3] = lanes_move_bytes(_mm256_unpackhi_epi64(b, d), 0x00010203);
}

static __always_inline void lanes_to_blocks(lanes x[4])
{
	lanes a = _mm256_unpacklo_epi32(x[0], x[1]), b = _mm256_unpackhi_epi32(x[0], x[1]);
	lanes c = _mm256_unpacklo_epi32(x[2], x[3]), d = _mm256_unpackhi_epi32(x[2], x[3]);

	x[0] = lanes_move_bytes(_mm256_unpacklo_epi64(a, c), 0x00010203);
	x[1] = lanes_move_bytes(_mm256_unpackhi_epi64(a, c), 0x00010203);
	x[2] = lanes_move_bytes(_mm256_unpacklo_epi64(b, d), 0x00010203);
	x[3] = lanes_move_bytes(_mm256_unpackhi_epi64(b, d), 0x00010203);
}

/* 16 bytes from @off on of each source; then lane n holds word w of source n in x[w]. */
static __always_inline void lanes_gather(lanes x[4], const u8 *const src[LANES], size_t off)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		x[i] = _mm256_castsi128_si256(lanes_block(src[i] + off));
		x[i] = _mm256_inserti128_si256(x[i], lanes_block(src[i + 4] + off), 1);
	}
	lanes_from_blocks(x);
}

/* And back. */
static __always_inline void lanes_scatter(lanes x[4], u8 *const dst[LANES], size_t off)
{
	unsigned int i;

	lanes_to_blocks(x);
	for (i = 0; i < 4; i++) {
		lanes_store_block(dst[i] + off, _mm256_castsi256_si128(x[i]));
		lanes_store_block(dst[i + 4] + off, _mm256_extracti128_si256(x[i], 1));
	}
}

/* The vector of blocks @x moved by one block, @before the first of them coming in. */
static __always_inline lanes lanes_blocks_before(lanes x, __m128i before)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(before),
				       _mm256_castsi256_si128(x), 1);
}

#endif
