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

#define T4(t, j) T1(t, j), T1(t, (j) + 1), T1(t, (j) + 2), T1(t, (j) + 3)
#define T1(t, j) ((t) << ((j) % 32) | (t) >> (-(j) & 31))

const u32 ktlsx_sm3_constants[64] = {
	T4(0x79cc4519u, 0), T4(0x79cc4519u, 4), T4(0x79cc4519u, 8), T4(0x79cc4519u, 12),
	T4(0x7a879d8au, 16), T4(0x7a879d8au, 20), T4(0x7a879d8au, 24), T4(0x7a879d8au, 28),
	T4(0x7a879d8au, 32), T4(0x7a879d8au, 36), T4(0x7a879d8au, 40), T4(0x7a879d8au, 44),
	T4(0x7a879d8au, 48), T4(0x7a879d8au, 52), T4(0x7a879d8au, 56), T4(0x7a879d8au, 60),
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
