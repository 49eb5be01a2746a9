/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4-CBC encryption of one stream, whose blocks wait for each other: what counts is the
 * shortest way through a round.
 * Must not know: records. To be included by sm4_cbc_lanes.h only, whose cipher it uses.
 * Concurrency: stateless.
 */
#ifndef KTLSX_CRYPTO_SM4_CBC_ONE_H
#define KTLSX_CRYPTO_SM4_CBC_ONE_H

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
