/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4 by GFNI on 512-bit vectors in two forms. By bytes, 64 blocks at once: y[w][j] is
 * byte j of word w, the highest being 0; its byte 16 l + m belongs to block 4 m + l. By
 * words, 16 blocks at once: 32-bit element 4 l + d of x[w] is word w of block 4 d + l. In
 * both, what comes out of the transposition is blocks in their order, four to a vector.
 * Must not know: modes of operation. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: GB/T 32907-2016; the basis, in which all rounds run, is that of sm4_basis.h.
 */
#ifndef KTLSX_CRYPTO_SM4_GFNI512_H
#define KTLSX_CRYPTO_SM4_GFNI512_H

#include "sm4.h"
#include "sm4_basis.h"
#include "vec512.h"

#define SM4_AFFINE(x, name)						\
	_mm512_gf2p8affine_epi64_epi8(x, _mm512_set1_epi64((long long)KTLSX_SM4_##name),	\
				      KTLSX_SM4_##name##_CONST)
#define SM4_INVERSE(x, name)						\
	_mm512_gf2p8affineinv_epi64_epi8(x, _mm512_set1_epi64((long long)KTLSX_SM4_##name), \
					 KTLSX_SM4_##name##_CONST)

/* Round keys by bytes, each four times: to be broadcast. @keys is aligned to 64. */
static __always_inline void sm4_spread_keys(const u32 folded[KTLSX_SM4_ROUNDS],
					    u32 keys[KTLSX_SM4_ROUNDS][4])
{
	const __m512i places = _mm512_set_epi64(0x0c0c0c0c0d0d0d0d, 0x0e0e0e0e0f0f0f0f,
						0x0808080809090909, 0x0a0a0a0a0b0b0b0b,
						0x0404040405050505, 0x0606060607070707,
						0x0000000001010101, 0x0202020203030303);
	unsigned int i;

	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4)
		vec512_store_aligned(keys[i], _mm512_shuffle_epi8(vec512_spread(&folded[i]),
								  places));
}

static __always_inline __m512i sm4_sum4(__m512i b, __m512i c, __m512i d, u32 key)
{
	return _mm512_xor_si512(d, vec512_xor3(b, c, _mm512_set1_epi32((int)key)));
}

/* One round on bytes: the next word takes the place of @a. */
static __always_inline void sm4_bytes_round(__m512i a[4], const __m512i b[4], const __m512i c[4],
					    const __m512i d[4], const u32 key[4])
{
	__m512i t0 = sm4_sum4(b[0], c[0], d[0], key[0]);
	__m512i t1 = sm4_sum4(b[1], c[1], d[1], key[1]);
	__m512i t2 = sm4_sum4(b[2], c[2], d[2], key[2]);
	__m512i t3 = sm4_sum4(b[3], c[3], d[3], key[3]);
	__m512i p, t;

	/* T_j = R_j ^ P_(j+3); byte j takes T_(j+1) ^ T_(j+2) ^ T_(j+3) */
	p = SM4_INVERSE(t0, MP);
	t = SM4_INVERSE(t0, MR);
	t0 = SM4_INVERSE(t1, MR);
	t0 = _mm512_xor_si512(t0, p);
	p = SM4_INVERSE(t1, MP);
	t1 = t0;
	t0 = SM4_INVERSE(t2, MR);
	t0 = _mm512_xor_si512(t0, p);
	p = SM4_INVERSE(t2, MP);
	t2 = t0;
	t0 = SM4_INVERSE(t3, MR);
	t0 = _mm512_xor_si512(t0, p);
	p = SM4_INVERSE(t3, MP);
	t3 = t0;
	t0 = _mm512_xor_si512(t, p);

	p = _mm512_xor_si512(t0, t1);
	t = _mm512_xor_si512(t2, t3);
	a[0] = vec512_xor3(a[0], t1, t);
	a[1] = vec512_xor3(a[1], t0, t);
	a[2] = vec512_xor3(a[2], t3, p);
	a[3] = vec512_xor3(a[3], t2, p);
}

static __always_inline void sm4_interleave_pair(__m512i to[2], __m512i a, __m512i b)
{
	to[0] = _mm512_unpacklo_epi8(a, b);
	to[1] = _mm512_unpackhi_epi8(a, b);
}

/* A quarter of the way from rows of 16 bytes in each lane to columns. */
static __always_inline void sm4_interleave(__m512i to[16], const __m512i from[16])
{
	sm4_interleave_pair(&to[0], from[0], from[8]);
	sm4_interleave_pair(&to[2], from[1], from[9]);
	sm4_interleave_pair(&to[4], from[2], from[10]);
	sm4_interleave_pair(&to[6], from[3], from[11]);
	sm4_interleave_pair(&to[8], from[4], from[12]);
	sm4_interleave_pair(&to[10], from[5], from[13]);
	sm4_interleave_pair(&to[12], from[6], from[14]);
	sm4_interleave_pair(&to[14], from[7], from[15]);
}

/* From blocks, four to a vector, to their bytes, and back. */
static __always_inline void sm4_transpose(__m512i v[16])
{
	__m512i w[16];

	sm4_interleave(w, v);
	sm4_interleave(v, w);
	sm4_interleave(w, v);
	sm4_interleave(v, w);
}

/* After the last round, of one word: from its bytes to itself, as the rounds on words do it. */
static __always_inline void sm4_bytes_to_words(__m512i y[4])
{
	__m512i a = SM4_AFFINE(y[0], PRE_BACK), b = SM4_AFFINE(y[1], PRE_BACK);
	__m512i c = SM4_AFFINE(y[2], PRE_BACK), d = SM4_AFFINE(y[3], PRE_BACK);
	__m512i e = _mm512_unpacklo_epi8(a, b), f = _mm512_unpackhi_epi8(a, b);

	a = _mm512_unpacklo_epi8(c, d);
	b = _mm512_unpackhi_epi8(c, d);
	y[0] = _mm512_unpacklo_epi16(e, a);
	y[1] = _mm512_unpackhi_epi16(e, a);
	y[2] = _mm512_unpacklo_epi16(f, b);
	y[3] = _mm512_unpackhi_epi16(f, b);
}

/* One round on words: the next one takes the place of @a. */
static __always_inline void sm4_words_round(__m512i *a, __m512i b, __m512i c, __m512i d, u32 key)
{
	__m512i t = sm4_sum4(b, c, d, key);
	__m512i q = SM4_INVERSE(t, MQ), r = SM4_INVERSE(t, MR), p = SM4_INVERSE(t, MP);
	__m512i sum = vec512_xor3(*a, p, _mm512_rol_epi32(q, 8));

	*a = vec512_xor3(sum, _mm512_rol_epi32(q, 16), _mm512_rol_epi32(r, 24));
}

/* Four words of each block, the first in x[0], to blocks with their bytes backwards. */
static __always_inline void sm4_words_to_blocks(__m512i x[4])
{
	__m512i a = _mm512_unpacklo_epi32(x[0], x[1]), b = _mm512_unpackhi_epi32(x[0], x[1]);
	__m512i c = _mm512_unpacklo_epi32(x[2], x[3]), d = _mm512_unpackhi_epi32(x[2], x[3]);

	x[0] = _mm512_unpacklo_epi64(a, c);
	x[1] = _mm512_unpackhi_epi64(a, c);
	x[2] = _mm512_unpacklo_epi64(b, d);
	x[3] = _mm512_unpackhi_epi64(b, d);
}

#endif
