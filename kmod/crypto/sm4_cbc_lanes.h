/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4-CBC in lanes: encrypting as many records as a vector has lanes, hashed on the way,
 * and decrypting the blocks of one. And encrypting one record, in the first lane of a vector.
 * Must not know: how wide a vector is, nor how the S-box is computed: the engine that includes
 * this has included lanes256.h or lanes512.h and defines what is declared first here.
 * Concurrency: stateless; each source byte is loaded once.
 * Specification: GB/T 32907-2016; the basis is that of sm4_basis.h.
 */
#ifndef KTLSX_CRYPTO_SM4_CBC_LANES_H
#define KTLSX_CRYPTO_SM4_CBC_LANES_H

#include "sm4_basis.h"
#include "sm4_cbc.h"

#define BLOCK KTLSX_SM4_BLOCK_LEN
#define GROUP_LEN (LANES * BLOCK)

/* P and R of sm4_basis.h of each byte of @t; in all lanes, and in vectors of one block. */
static void lanes_sbox(lanes t, lanes *p, lanes *r);
static void one_sbox(__m128i t, __m128i *p, __m128i *r);
/* Each byte multiplied by PRE. */
static lanes lanes_fold(lanes x);
static __m128i one_fold(__m128i x);
/* From the basis: each byte multiplied by PRE_BACK, with its constant. */
static lanes lanes_unfold(lanes y);
static __m128i one_unfold(__m128i y);
static __m128i one_xor3(__m128i a, __m128i b, __m128i c);

/* Rotations to the left by bytes, as moves of bytes. */
#define ROL_8 0x02010003
#define ROL_16 0x01000302
#define ROL_24 0x00030201
#define SWAP 0x00010203

static __always_inline __m128i one_move_bytes(__m128i x, u32 bytes)
{
	const __m128i quads = _mm_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);

	return _mm_shuffle_epi8(x, _mm_add_epi8(quads, _mm_set1_epi32((int)bytes)));
}

/*
 * A round that is waited for: @t is the sum it starts from, and becomes that of the next one,
 * whose key is @next_key. All that the sum needs but @t is added to it before.
 */
static __always_inline void lanes_next(lanes *t, lanes *a, lanes c, lanes d, u32 next_key)
{
	lanes sum = lanes_xor3(c, d, lanes_all(next_key)), p, r, q, early;

	lanes_sbox(*t, &p, &r);
	q = lanes_xor(p, r);
	early = lanes_xor3(lanes_xor(*a, sum), p, lanes_rol_24(r));
	*t = lanes_xor3(early, lanes_rol_8(q), lanes_rol_16(q));
	*a = lanes_xor(*t, sum);
}

static __always_inline void one_next(__m128i *t, __m128i *a, __m128i c, __m128i d, u32 next_key)
{
	__m128i sum = one_xor3(c, d, _mm_set1_epi32((int)next_key)), p, r, q, early;

	one_sbox(*t, &p, &r);
	q = _mm_xor_si128(p, r);
	early = one_xor3(_mm_xor_si128(*a, sum), p, one_move_bytes(r, ROL_24));
	*t = one_xor3(early, one_move_bytes(q, ROL_8), one_move_bytes(q, ROL_16));
	*a = _mm_xor_si128(*t, sum);
}

/* @groups times as many blocks as there are lanes, in place; returns the last block as it was. */
static __always_inline __m128i lanes_decrypt(const u32 *folded, u8 *data, __m128i before,
					     const unsigned int groups)
{
	const lanes constant = lanes_all(KTLSX_SM4_PRE_CONST * 0x01010101u);
	lanes x[LANES_GROUPS][4], t, p, r, q, z;
	unsigned int g, i, round;
	__m128i last;

	for (g = 0; g < groups; g++) {
		for (i = 0; i < 4; i++)
			x[g][i] = lanes_load_blocks(data + GROUP_LEN * g + GROUP_LEN / 4 * i);
		lanes_from_blocks(x[g]);
		for (i = 0; i < 4; i++)
			x[g][i] = lanes_xor(lanes_fold(x[g][i]), constant);
	}
	for (round = 0; round < KTLSX_SM4_ROUNDS; round += 4) {
		for (i = 0; i < 4; i++) {
			for (g = 0; g < groups; g++) {
				z = lanes_all(folded[KTLSX_SM4_ROUNDS - 1 - round - i]);
				t = lanes_xor3(x[g][(i + 1) % 4], x[g][(i + 2) % 4],
					       x[g][(i + 3) % 4]);
				lanes_sbox(lanes_xor(t, z), &p, &r);
				q = lanes_xor(p, r);
				z = lanes_xor3(x[g][i], p, lanes_move_bytes(r, ROL_24));
				x[g][i] = lanes_xor3(z, lanes_move_bytes(q, ROL_8),
						     lanes_move_bytes(q, ROL_16));
			}
		}
	}
	last = lanes_block(data + GROUP_LEN * groups - BLOCK);
	for (g = groups; g--;) {
		lanes out[4];

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

static noinline __m128i lanes_decrypt_many(const u32 *folded, u8 *data, __m128i before)
{
	return lanes_decrypt(folded, data, before, LANES_GROUPS);
}

static noinline __m128i lanes_decrypt_few(const u32 *folded, u8 *data, __m128i before)
{
	return lanes_decrypt(folded, data, before, 1);
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
	u8 rest[GROUP_LEN] __aligned(64);
	__m128i before = lanes_block(chain);
	unsigned int i;

	for (; blocks >= LANES * LANES_GROUPS; blocks -= LANES * LANES_GROUPS) {
		before = lanes_decrypt_many(key->folded, data, before);
		data += GROUP_LEN * LANES_GROUPS;
	}
	for (; blocks >= LANES; blocks -= LANES, data += GROUP_LEN)
		before = lanes_decrypt_few(key->folded, data, before);
	if (blocks) {
		copy_blocks(rest, data, blocks);
		lanes_decrypt_few(key->folded, rest, before);
		before = lanes_block(data + BLOCK * (blocks - 1));
		copy_blocks(data, rest, blocks);
		for (i = 0; i < 4; i++)
			lanes_store(rest + GROUP_LEN / 4 * i, lanes_zero());
		barrier_data(rest);
	}
	_mm_storeu_si128((void *)chain, before);
}

/* As ktlsx_cbc_crypt_t. */
static __always_inline void one_encrypt(const struct ktlsx_sm4_key *key, u8 chain[BLOCK], u8 *data,
					size_t blocks)
{
	const __m128i constant = _mm_set1_epi8(KTLSX_SM4_PRE_CONST);
	const u32 *folded = key->folded;
	__m128i a, b, c, d, t, x;
	unsigned int i;

	x = _mm_xor_si128(one_fold(one_move_bytes(lanes_block(chain), SWAP)), constant);
	d = x;
	c = _mm_shuffle_epi32(x, 1);
	b = _mm_shuffle_epi32(x, 2);
	a = _mm_shuffle_epi32(x, 3);
	for (; blocks; blocks--, data += BLOCK) {
		x = one_fold(one_move_bytes(lanes_block(data), SWAP));
		t = a;
		a = _mm_xor_si128(d, x);
		d = _mm_xor_si128(t, _mm_shuffle_epi32(x, 3));
		t = b;
		b = _mm_xor_si128(c, _mm_shuffle_epi32(x, 1));
		c = _mm_xor_si128(t, _mm_shuffle_epi32(x, 2));
		t = _mm_xor_si128(one_xor3(b, c, d), _mm_set1_epi32((int)folded[0]));
		for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4) {
			one_next(&t, &a, c, d, folded[i + 1]);
			one_next(&t, &b, d, a, folded[i + 2]);
			one_next(&t, &c, a, b, folded[i + 3]);
			one_next(&t, &d, b, c, folded[(i + 4) % KTLSX_SM4_ROUNDS]);
		}
		x = _mm_unpacklo_epi64(_mm_unpacklo_epi32(d, c), _mm_unpacklo_epi32(b, a));
		_mm_storeu_si128((void *)data, one_move_bytes(one_unfold(x), SWAP));
	}
	_mm_storeu_si128((void *)chain, lanes_block(data - BLOCK));
}

#endif
