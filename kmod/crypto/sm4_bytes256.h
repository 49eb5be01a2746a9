/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4 by GFNI on 256-bit vectors of single bytes, 32 blocks at once: rotations of words
 * cost nothing. y[j] is byte j of a word, the highest being 0.
 * Must not know: modes of operation. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: GB/T 32907-2016; the basis, in which all rounds run, is that of sm4_basis.h.
 */
#ifndef KTLSX_CRYPTO_SM4_BYTES256_H
#define KTLSX_CRYPTO_SM4_BYTES256_H

#include "sm4_gfni256.h"

/* Four words to their bytes, each four times. */
static __always_inline void sm4_spread_words(const u32 words[4], u32 bytes[4][4])
{
	const __m256i first = _mm256_set_epi64x(0x0404040405050505, 0x0606060607070707,
						0x0000000001010101, 0x0202020203030303);
	const __m256i last = _mm256_set_epi64x(0x0c0c0c0c0d0d0d0d, 0x0e0e0e0e0f0f0f0f,
					       0x0808080809090909, 0x0a0a0a0a0b0b0b0b);
	__m256i v = vec256_broadcast(words);

	vec256_store_aligned(bytes[0], _mm256_shuffle_epi8(v, first));
	vec256_store_aligned(bytes[2], _mm256_shuffle_epi8(v, last));
}

static __always_inline __m256i sm4_p256(__m256i t, const struct sm4_gfni256 *m)
{
	return _mm256_gf2p8affineinv_epi64_epi8(t, vec256_load_aligned(m->mp), KTLSX_SM4_MP_CONST);
}

static __always_inline __m256i sm4_r256(__m256i t, const struct sm4_gfni256 *m)
{
	return _mm256_gf2p8affineinv_epi64_epi8(t, vec256_load_aligned(m->mr), KTLSX_SM4_MR_CONST);
}

/*
 * One round: of the four words in memory the next one takes the place of @a, and of the
 * newest, @d. Words other than that live in memory: 16 registers do not hold a round as well.
 */
static __always_inline void sm4_bytes256_round(__m256i *y, unsigned int a, unsigned int b,
					       unsigned int c, __m256i d[4], const u32 key[4])
{
	const struct sm4_gfni256 *m = &sm4_gfni256;
	__m256i t0, t1, t2, t3, p, q;

	sm4_opaque_pointer(m);
	sm4_opaque_pointer(y);
	/* T_j = R_j ^ P_(j+3); byte j takes T_(j+1) ^ T_(j+2) ^ T_(j+3) */
	t0 = sm4_sum256(y[b], y[c], d[0], key[0]);
	p = sm4_p256(t0, m);
	t0 = sm4_r256(t0, m);
	t1 = sm4_sum256(y[b + 1], y[c + 1], d[1], key[1]);
	q = sm4_p256(t1, m);
	t1 = _mm256_xor_si256(sm4_r256(t1, m), p);
	t2 = sm4_sum256(y[b + 2], y[c + 2], d[2], key[2]);
	p = sm4_p256(t2, m);
	t2 = _mm256_xor_si256(sm4_r256(t2, m), q);
	t3 = sm4_sum256(y[b + 3], y[c + 3], d[3], key[3]);
	q = sm4_p256(t3, m);
	t3 = _mm256_xor_si256(sm4_r256(t3, m), p);
	t0 = _mm256_xor_si256(t0, q);

	p = _mm256_xor_si256(t0, t1);
	q = _mm256_xor_si256(t2, t3);
	vec256_opaque(&p);
	vec256_opaque(&q);
	d[0] = _mm256_xor_si256(_mm256_xor_si256(y[a], t1), q);
	d[1] = _mm256_xor_si256(_mm256_xor_si256(y[a + 1], t0), q);
	d[2] = _mm256_xor_si256(_mm256_xor_si256(y[a + 2], t3), p);
	d[3] = _mm256_xor_si256(_mm256_xor_si256(y[a + 3], t2), p);
	y[a] = d[0];
	y[a + 1] = d[1];
	y[a + 2] = d[2];
	y[a + 3] = d[3];
}

/* After the last round, of one word: from its bytes to itself, as sm4_words256.h has it. */
static __always_inline void sm4_bytes256_to_words(__m256i y[4])
{
	__m256i a = sm4_unfold256(y[0]), b = sm4_unfold256(y[1]);
	__m256i c = sm4_unfold256(y[2]), d = sm4_unfold256(y[3]);
	__m256i e = _mm256_unpacklo_epi8(a, b), f = _mm256_unpackhi_epi8(a, b);

	a = _mm256_unpacklo_epi8(c, d);
	b = _mm256_unpackhi_epi8(c, d);
	y[0] = _mm256_unpacklo_epi16(e, a);
	y[1] = _mm256_unpackhi_epi16(e, a);
	y[2] = _mm256_unpacklo_epi16(f, b);
	y[3] = _mm256_unpackhi_epi16(f, b);
}

#endif
