/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4-CBC in vectors of any width: decrypting the blocks of a record in all lanes.
 * Must not know: how wide a vector is, nor how a round is computed: the engine that includes
 * this has included lanes256_blocks.h or lanes512_blocks.h and defines what is declared first here.
 * Concurrency: stateless.
 * Specification: GB/T 32907-2016; the basis is that of sm4_basis.h.
 */
#ifndef KTLSX_CRYPTO_SM4_CBC_LANES_H
#define KTLSX_CRYPTO_SM4_CBC_LANES_H

#include "sm4_basis.h"
#include "sm4_cbc_mode.h"

#define BLOCK KTLSX_SM4_BLOCK_LEN
#define GROUP_LEN (LANES * BLOCK)

/* One round on words in the basis: the next one takes the place of @a. */
static void lanes_round(lanes *a, lanes b, lanes c, lanes d, u32 key);
/* Each byte multiplied by PRE. */
static lanes lanes_fold(lanes x);
/* From the basis: each byte multiplied by PRE_BACK, with its constant. */
static lanes lanes_unfold(lanes y);

/* One by one: what is stored as a vector stalls who loads its parts. */
static __always_inline void lanes_advance(struct ktlsx_cbc_lanes *l)
{
	unsigned int i;
	u64 step;

	for (i = 0; i < LANES; i++) {
		step = l->step[i];
		__asm__("" : "+r"(step));
		l->src[i] += step;
		l->dst[i] += step;
	}
}

/* @groups times as many blocks as there are lanes, in place; returns the last block as it was. */
static __always_inline __m128i lanes_decrypt(const u32 *folded, u8 *data, __m128i before,
					     const unsigned int groups)
{
	const lanes constant = lanes_all(KTLSX_SM4_PRE_CONST * 0x01010101u);
	lanes x[LANES_GROUPS][4], out[4], t;
	unsigned int g, i, round;
	__m128i last;

	for (g = 0; g < groups; g++) {
		for (i = 0; i < 4; i++)
			x[g][i] = lanes_load_blocks(data + GROUP_LEN * g + GROUP_LEN / 4 * i);
		lanes_from_blocks(x[g]);
		for (i = 0; i < 4; i++)
			x[g][i] = lanes_xor(lanes_fold(x[g][i]), constant);
	}
	for (round = KTLSX_SM4_ROUNDS; round; round -= 4) {
		for (g = 0; g < groups; g++)
			lanes_round(&x[g][0], x[g][1], x[g][2], x[g][3], folded[round - 1]);
		for (g = 0; g < groups; g++)
			lanes_round(&x[g][1], x[g][2], x[g][3], x[g][0], folded[round - 2]);
		for (g = 0; g < groups; g++)
			lanes_round(&x[g][2], x[g][3], x[g][0], x[g][1], folded[round - 3]);
		for (g = 0; g < groups; g++)
			lanes_round(&x[g][3], x[g][0], x[g][1], x[g][2], folded[round - 4]);
	}
	last = lanes_block(data + GROUP_LEN * groups - BLOCK);
	for (g = groups; g--;) {
		for (i = 0; i < 4; i++)
			out[i] = lanes_unfold(x[g][3 - i]);
		lanes_to_blocks(out);
		for (i = 4; i--;) {
			u8 *at = data + GROUP_LEN * g + GROUP_LEN / 4 * i;

			t = g || i ? lanes_load_blocks(at - BLOCK) :
				     lanes_blocks_before(lanes_load_blocks(at), before);
			lanes_store_blocks(at, lanes_xor(out[i], t));
		}
	}
	return last;
}

static noinline __m128i lanes_decrypt_few(const u32 *folded, u8 *data, __m128i before)
{
	return lanes_decrypt(folded, data, before, LANES_FEWEST);
}

static __always_inline void copy_blocks(u8 *to, const u8 *from, size_t blocks)
{
	size_t i;

	for (i = 0; i < blocks; i++)
		_mm_storeu_si128((void *)(to + BLOCK * i), lanes_block(from + BLOCK * i));
}

/* As ktlsx_cbc_crypt_t. */
static __always_inline void lanes_decrypt_all(const struct ktlsx_sm4_key *key, u8 chain[BLOCK],
					      u8 *data, size_t blocks)
{
	u8 rest[GROUP_LEN * LANES_FEWEST] __aligned(64);
	const bool many = LANES_GROUPS > LANES_FEWEST;
	__m128i before = lanes_block(chain);
	unsigned int i;

	for (; many && blocks >= LANES * LANES_GROUPS; blocks -= LANES * LANES_GROUPS) {
		before = lanes_decrypt(key->folded, data, before, LANES_GROUPS);
		data += GROUP_LEN * LANES_GROUPS;
	}
	for (; blocks >= LANES * LANES_FEWEST; blocks -= LANES * LANES_FEWEST) {
		before = lanes_decrypt_few(key->folded, data, before);
		data += GROUP_LEN * LANES_FEWEST;
	}
	if (blocks) {
		copy_blocks(rest, data, blocks);
		lanes_decrypt_few(key->folded, rest, before);
		before = lanes_block(data + BLOCK * (blocks - 1));
		copy_blocks(data, rest, blocks);
		for (i = 0; i < 4 * LANES_FEWEST; i++)
			lanes_store(rest + GROUP_LEN / 4 * i, lanes_zero());
		barrier_data(rest);
	}
	_mm_storeu_si128((void *)chain, before);
}

#endif
