/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the SM3 compression function in all lanes of a vector at once.
 * Must not know: how wide a vector is: lanes256.h or lanes512.h is included before. To be
 * included by vector engines only.
 * Concurrency: stateless.
 * Specification: GB/T 32905-2016 section 5.3.
 */
#ifndef KTLSX_CRYPTO_SM3_LANES_H
#define KTLSX_CRYPTO_SM3_LANES_H

#include "sm3.h"

#define RING 16

/* Word @j, which is no less than 16, replaces the one sixteen before it. */
static __always_inline lanes lanes_expand(lanes ring[RING], unsigned int j)
{
	lanes x = lanes_xor3(ring[j % RING], ring[(j + 7) % RING],
			     lanes_rol(ring[(j + 13) % RING], 15));
	lanes y = lanes_xor(lanes_rol(ring[(j + 3) % RING], 7), ring[(j + 10) % RING]), turned;

	turned = lanes_rol(x, 15);
	x = lanes_xor(lanes_xor3(x, turned, lanes_rol_8(turned)), y);
	ring[j % RING] = x;
	return x;
}

/* Round @j + @turn; @j is a multiple of four, and @early says whether it is below 16. */
static __always_inline void lanes_sm3_round(lanes s[KTLSX_SM3_WORDS], lanes ring[RING],
					    unsigned int j, unsigned int turn, bool early)
{
	lanes a = s[sm3_at(0, turn)], b = s[sm3_at(1, turn)], c = s[sm3_at(2, turn)];
	lanes d = s[sm3_at(3, turn)], e = s[sm3_at(4, turn)], f = s[sm3_at(5, turn)];
	lanes g = s[sm3_at(6, turn)], h = s[sm3_at(7, turn)], now = ring[(j + turn) % RING];
	lanes a12 = lanes_rol(a, 12), h9;
	lanes ss1 = lanes_add(lanes_add(a12, lanes_all_of(&ktlsx_sm3_constants[j + turn])), e);

	d = lanes_add(d, early ? lanes_xor3(a, b, c) : lanes_majority(a, b, c));
	h = lanes_add(h, early ? lanes_xor3(e, f, g) : lanes_choose(e, f, g));
	if (early && j + turn < RING - 4)
		d = lanes_add(d, lanes_xor(now, ring[j + turn + 4]));
	else
		d = lanes_add(d, lanes_xor(now, lanes_expand(ring, j + turn + 4)));
	h = lanes_add(h, now);
	ss1 = lanes_rol(ss1, 7);
	h = lanes_add(h, ss1);
	h9 = lanes_rol(h, 9);
	s[sm3_at(1, turn)] = lanes_rol(b, 9);
	s[sm3_at(3, turn)] = lanes_add(d, lanes_xor(ss1, a12));
	s[sm3_at(5, turn)] = lanes_rol(f, 19);
	s[sm3_at(7, turn)] = lanes_xor3(h, h9, lanes_rol_8(h9));
}

static __always_inline void lanes_load_state(lanes s[KTLSX_SM3_WORDS], const u32 *state)
{
	unsigned int i;

	for (i = 0; i < KTLSX_SM3_WORDS; i++)
		s[i] = lanes_load(state + LANES * i);
}

static __always_inline void lanes_add_state(u32 *state, const lanes s[KTLSX_SM3_WORDS])
{
	unsigned int i;

	for (i = 0; i < KTLSX_SM3_WORDS; i++)
		lanes_store(state + LANES * i, lanes_xor(lanes_load(state + LANES * i), s[i]));
}

static __always_inline void lanes_four_rounds(lanes s[KTLSX_SM3_WORDS], lanes ring[RING],
					      unsigned int j, bool early)
{
	lanes_sm3_round(s, ring, j, 0, early);
	lanes_sm3_round(s, ring, j, 1, early);
	lanes_sm3_round(s, ring, j, 2, early);
	lanes_sm3_round(s, ring, j, 3, early);
}

/* One block in each lane; @ring holds its words and is used up. */
static __always_inline void lanes_compress(u32 *state, lanes ring[RING])
{
	lanes s[KTLSX_SM3_WORDS];
	unsigned int j;

	lanes_load_state(s, state);
	for (j = 0; j < RING; j += 4)
		lanes_four_rounds(s, ring, j, true);
	for (; j < 64; j += 4)
		lanes_four_rounds(s, ring, j, false);
	lanes_add_state(state, s);
}

#endif
