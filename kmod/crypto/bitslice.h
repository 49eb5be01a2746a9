/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the moves into and out of eight bit planes of 64 bits, for constant-time ciphers of
 * portable C.
 * Must not know: any cipher. Concurrency: stateless.
 */
#ifndef KTLSX_CRYPTO_BITSLICE_H
#define KTLSX_CRYPTO_BITSLICE_H

#include "port.h"

static __always_inline u64 bits_rotate_right(u64 x, unsigned int n)
{
	return x >> n | x << (64 - n) % 64;
}

/* Exchanges the bits of *a under mask << n with those of *b under mask. */
static __always_inline void bits_swap(u64 *a, u64 *b, u64 mask, unsigned int n)
{
	u64 t = (*a >> n ^ *b) & mask;

	*b ^= t;
	*a ^= t << n;
}

/* Bit i of byte j of word k becomes bit k of byte j of word i, and back again. */
static __always_inline void bits_transpose(u64 q[8])
{
	unsigned int i;

	for (i = 0; i < 8; i += 2)
		bits_swap(&q[i], &q[i + 1], 0x5555555555555555ull, 1);
	for (i = 0; i < 8; i += 4) {
		bits_swap(&q[i], &q[i + 2], 0x3333333333333333ull, 2);
		bits_swap(&q[i + 1], &q[i + 3], 0x3333333333333333ull, 2);
	}
	for (i = 0; i < 4; i++)
		bits_swap(&q[i], &q[i + 4], 0x0f0f0f0f0f0f0f0full, 4);
}

/* The bytes of a word, lowest first, each moved to the low half of 16 bits. */
static __always_inline u64 bits_spread(u32 word)
{
	u64 x = word;

	x = (x | x << 16) & 0x0000ffff0000ffffull;
	return (x | x << 8) & 0x00ff00ff00ff00ffull;
}

static __always_inline u32 bits_unspread(u64 x)
{
	x &= 0x00ff00ff00ff00ffull;
	x = (x | x >> 8) & 0x0000ffff0000ffffull;
	return (u32)(x | x >> 16);
}

#endif
