/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns maps of bytes that are linear up to a constant, looked up by nibbles in registers: no
 * address depends on a secret.
 * Must not know: any cipher. To be included by vector engines only. Concurrency: stateless.
 */
#ifndef KTLSX_CRYPTO_NIBBLES_H
#define KTLSX_CRYPTO_NIBBLES_H

#include "vec128.h"

/* A map as the sum of what the two nibbles of a byte become. */
struct nibbles {
	u8 low[16];
	u8 high[16];
};

static __always_inline __m128i nibbles_map(const struct nibbles *map, __m128i x)
{
	const __m128i nibble = _mm_set1_epi8(15);
	__m128i low = _mm_and_si128(x, nibble);
	__m128i high = _mm_and_si128(_mm_srli_epi16(x, 4), nibble);

	return _mm_xor_si128(_mm_shuffle_epi8(vec128_load_aligned(map->low), low),
			     _mm_shuffle_epi8(vec128_load_aligned(map->high), high));
}

#endif
