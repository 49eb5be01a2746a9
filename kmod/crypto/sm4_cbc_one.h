/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns encrypting one record by SM4-CBC: a word in each vector, four times the same.
 * Must not know: how a round is computed: the engine that includes this behind sm4_cbc_lanes.h
 * defines what is declared first here.
 * Concurrency: stateless.
 * Specification: NIST SP 800-38A section 6.2; the basis is that of sm4_basis.h.
 */
#ifndef KTLSX_CRYPTO_SM4_CBC_ONE_H
#define KTLSX_CRYPTO_SM4_CBC_ONE_H

#include "sm4_cbc_lanes.h"

static __always_inline __m128i one_swap(__m128i x)
{
	return _mm_shuffle_epi8(x, _mm_set_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203));
}

/*
 * A round that is waited for, the same in all four lanes: @t is the sum it starts from, and
 * becomes that of the next one, whose key is @next_key.
 */
static __always_inline void one_next(__m128i *t, __m128i *a, __m128i c, __m128i d, u32 next_key);
/* Each byte multiplied by PRE. */
static __m128i one_fold(__m128i x);
/* From the basis: each byte multiplied by PRE_BACK, with its constant. */
static __m128i one_unfold(__m128i y);

/* As ktlsx_cbc_crypt_t. */
static __always_inline void one_encrypt(const struct ktlsx_sm4_key *key, u8 chain[BLOCK], u8 *data,
					size_t blocks)
{
	const __m128i constant = _mm_set1_epi8(KTLSX_SM4_PRE_CONST);
	const u32 *folded = key->folded;
	__m128i a, b, c, d, t, x;
	unsigned int i;

	x = _mm_xor_si128(one_fold(one_swap(lanes_block(chain))), constant);
	d = _mm_shuffle_epi32(x, 0);
	c = _mm_shuffle_epi32(x, 0x55);
	b = _mm_shuffle_epi32(x, 0xaa);
	a = _mm_shuffle_epi32(x, 0xff);
	for (; blocks; blocks--, data += BLOCK) {
		x = one_fold(one_swap(lanes_block(data)));
		t = a;
		a = _mm_xor_si128(d, _mm_shuffle_epi32(x, 0));
		d = _mm_xor_si128(t, _mm_shuffle_epi32(x, 0xff));
		t = b;
		b = _mm_xor_si128(c, _mm_shuffle_epi32(x, 0x55));
		c = _mm_xor_si128(t, _mm_shuffle_epi32(x, 0xaa));
		t = _mm_xor_si128(_mm_set1_epi32((int)folded[0]), d);
		t = _mm_xor_si128(t, _mm_xor_si128(b, c));
		for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4) {
			one_next(&t, &a, c, d, folded[i + 1]);
			one_next(&t, &b, d, a, folded[i + 2]);
			one_next(&t, &c, a, b, folded[i + 3]);
			one_next(&t, &d, b, c, folded[(i + 4) % KTLSX_SM4_ROUNDS]);
		}
		x = _mm_unpacklo_epi64(_mm_unpacklo_epi32(d, c), _mm_unpacklo_epi32(b, a));
		_mm_storeu_si128((void *)data, one_swap(one_unfold(x)));
	}
	_mm_storeu_si128((void *)chain, lanes_block(data - BLOCK));
}

#endif
