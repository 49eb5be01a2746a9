// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM3 compression function in portable C. It has no tables and no branches on data:
 * constant time by nature.
 * Must not know: vector instructions, HMAC. Concurrency: stateless.
 * Specification: GB/T 32905-2016 section 5.3.
 */
#include "sm3.h"

/* The expanded message lives in a ring: word j replaces word j - 16. */
#define RING 16

const u32 ktlsx_sm3_constants[64] = {
	0x79cc4519, 0xf3988a32, 0xe7311465, 0xce6228cb,
	0x9cc45197, 0x3988a32f, 0x7311465e, 0xe6228cbc,
	0xcc451979, 0x988a32f3, 0x311465e7, 0x6228cbce,
	0xc451979c, 0x88a32f39, 0x11465e73, 0x228cbce6,
	0x9d8a7a87, 0x3b14f50f, 0x7629ea1e, 0xec53d43c,
	0xd8a7a879, 0xb14f50f3, 0x629ea1e7, 0xc53d43ce,
	0x8a7a879d, 0x14f50f3b, 0x29ea1e76, 0x53d43cec,
	0xa7a879d8, 0x4f50f3b1, 0x9ea1e762, 0x3d43cec5,
	0x7a879d8a, 0xf50f3b14, 0xea1e7629, 0xd43cec53,
	0xa879d8a7, 0x50f3b14f, 0xa1e7629e, 0x43cec53d,
	0x879d8a7a, 0x0f3b14f5, 0x1e7629ea, 0x3cec53d4,
	0x79d8a7a8, 0xf3b14f50, 0xe7629ea1, 0xcec53d43,
	0x9d8a7a87, 0x3b14f50f, 0x7629ea1e, 0xec53d43c,
	0xd8a7a879, 0xb14f50f3, 0x629ea1e7, 0xc53d43ce,
	0x8a7a879d, 0x14f50f3b, 0x29ea1e76, 0x53d43cec,
	0xa7a879d8, 0x4f50f3b1, 0x9ea1e762, 0x3d43cec5,
};

static __always_inline u32 rol(u32 x, unsigned int n)
{
	return x << n | x >> (32 - n);
}

static __always_inline u32 p0(u32 x)
{
	return x ^ rol(x, 9) ^ rol(x, 17);
}

static __always_inline u32 p1(u32 x)
{
	return x ^ rol(x, 15) ^ rol(x, 23);
}

/* Word @j for @j >= 16. */
static __always_inline u32 expand(u32 w[RING], unsigned int j)
{
	u32 x = w[j % RING] ^ w[(j + 7) % RING] ^ rol(w[(j + 13) % RING], 15);

	x = p1(x) ^ rol(w[(j + 3) % RING], 7) ^ w[(j + 10) % RING];
	w[j % RING] = x;
	return x;
}

/* Round @j on a state whose names the caller turns by one place each time. */
static __always_inline void one_round(u32 s[KTLSX_SM3_WORDS], u32 w[RING], unsigned int j,
				      bool early)
{
	u32 a = s[0], b = s[1], c = s[2], e = s[4], f = s[5], g = s[6];
	u32 a12 = rol(a, 12), ss1 = rol(a12 + e + ktlsx_sm3_constants[j], 7);
	u32 ff = early ? a ^ b ^ c : (a & b) | ((a | b) & c);
	u32 gg = early ? e ^ f ^ g : ((f ^ g) & e) ^ g;
	u32 now = w[j % RING], ahead = j < 12 ? w[j + 4] : expand(w, j + 4);
	u32 tt1 = ff + s[3] + (ss1 ^ a12) + (now ^ ahead);
	u32 tt2 = gg + s[7] + ss1 + now;

	s[3] = c;
	s[2] = rol(b, 9);
	s[1] = a;
	s[0] = tt1;
	s[7] = g;
	s[6] = rol(f, 19);
	s[5] = e;
	s[4] = p0(tt2);
}

/* @s: room for the state in work */
static void compress(u32 state[KTLSX_SM3_WORDS], u32 s[KTLSX_SM3_WORDS], u32 w[RING])
{
	unsigned int j;

	memcpy(s, state, KTLSX_SM3_WORDS * sizeof(*s));
	for (j = 0; j < 16; j++)
		one_round(s, w, j, true);
	for (; j < 64; j++)
		one_round(s, w, j, false);
	for (j = 0; j < KTLSX_SM3_WORDS; j++)
		state[j] ^= s[j];
}

/**
 * ktlsx_sm3_generic() - as ktlsx_sm3_blocks_t
 * @state: in and out
 * @blocks: message
 * @count: blocks
 *
 * Context: Any. Leaves no trace of the message or the state on the stack.
 */
void ktlsx_sm3_generic(u32 state[KTLSX_SM3_WORDS], const u8 *blocks, size_t count)
{
	u32 s[KTLSX_SM3_WORDS], w[RING];
	unsigned int i;

	for (; count; count--, blocks += KTLSX_SM3_BLOCK_LEN) {
		for (i = 0; i < RING; i++)
			w[i] = port_get_be32(blocks + 4 * i);
		compress(state, s, w);
	}
	memzero_explicit(s, sizeof(s));
	memzero_explicit(w, sizeof(w));
}
