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

/* One round on a state whose names turn by one place each time. */
#define LANES_ROUND(a, b, c, d, e, f, g, h, early, j, ahead) do {		\
	lanes a12 = lanes_rol(a, 12), w0 = ring[(j) % RING];			\
	lanes ss1 = lanes_add(lanes_add(a12, lanes_all_of(&ktlsx_sm3_constants[j])), e); \
										\
	d = lanes_add(d, (early) ? lanes_xor3(a, b, c) : lanes_majority(a, b, c)); \
	h = lanes_add(h, (early) ? lanes_xor3(e, f, g) : lanes_choose(e, f, g)); \
	d = lanes_add(d, lanes_xor(w0, ahead));					\
	h = lanes_add(h, w0);							\
	ss1 = lanes_rol(ss1, 7);						\
	h = lanes_add(h, ss1);							\
	d = lanes_add(d, lanes_xor(ss1, a12));					\
	b = lanes_rol(b, 9);							\
	f = lanes_rol(f, 19);							\
	a12 = lanes_rol(h, 9);							\
	h = lanes_xor3(h, a12, lanes_rol_8(a12));				\
} while (0)

#define LANES_GIVEN(j) ((j) < RING ? ring[j] : lanes_expand(ring, j))
#define LANES_EXPANDED(j) lanes_expand(ring, j)

#define LANES_FOUR_ROUNDS(early, j, ahead) do {					\
	LANES_ROUND(a, b, c, d, e, f, g, h, early, j, ahead((j) + 4));		\
	LANES_ROUND(d, a, b, c, h, e, f, g, early, (j) + 1, ahead((j) + 5));	\
	LANES_ROUND(c, d, a, b, g, h, e, f, early, (j) + 2, ahead((j) + 6));	\
	LANES_ROUND(b, c, d, a, f, g, h, e, early, (j) + 3, ahead((j) + 7));	\
} while (0)

/* One block in each lane; @ring holds its words and is used up. */
static __always_inline void lanes_compress(lanes state[KTLSX_SM3_WORDS], lanes ring[RING])
{
	lanes a = state[0], b = state[1], c = state[2], d = state[3];
	lanes e = state[4], f = state[5], g = state[6], h = state[7];
	unsigned int j;

	for (j = 0; j < 16; j += 4)
		LANES_FOUR_ROUNDS(true, j, LANES_GIVEN);
	for (; j < 64; j += 4)
		LANES_FOUR_ROUNDS(false, j, LANES_EXPANDED);

	state[0] = lanes_xor(state[0], a);
	state[1] = lanes_xor(state[1], b);
	state[2] = lanes_xor(state[2], c);
	state[3] = lanes_xor(state[3], d);
	state[4] = lanes_xor(state[4], e);
	state[5] = lanes_xor(state[5], f);
	state[6] = lanes_xor(state[6], g);
	state[7] = lanes_xor(state[7], h);
}

#endif
