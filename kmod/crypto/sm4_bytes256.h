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

/* One round: the next word takes the place of @a. */
static __always_inline void sm4_bytes256_round(__m256i a[4], const __m256i b[4],
					       const __m256i c[4], const __m256i d[4],
					       const u32 key[4])
{
	const struct sm4_gfni256 *m = &sm4_gfni256;
	__m256i t0, t1, t2, t3, p, r;

	sm4_opaque_pointer(m);
	t0 = sm4_sum256(b[0], c[0], d[0], key[0]);
	t1 = sm4_sum256(b[1], c[1], d[1], key[1]);
	t2 = sm4_sum256(b[2], c[2], d[2], key[2]);
	t3 = sm4_sum256(b[3], c[3], d[3], key[3]);

	/* T_j = R_j ^ P_(j+3); byte j takes T_(j+1) ^ T_(j+2) ^ T_(j+3) */
	p = sm4_p256(t0, m);
	r = sm4_r256(t0, m);
	t0 = sm4_p256(t1, m);
	t1 = _mm256_xor_si256(sm4_r256(t1, m), p);
	p = sm4_p256(t2, m);
	t2 = _mm256_xor_si256(sm4_r256(t2, m), t0);
	t0 = sm4_p256(t3, m);
	t3 = _mm256_xor_si256(sm4_r256(t3, m), p);
	t0 = _mm256_xor_si256(r, t0);

	p = _mm256_xor_si256(t0, t1);
	r = _mm256_xor_si256(t2, t3);
	vec256_opaque(&p);
	vec256_opaque(&r);
	a[0] = _mm256_xor_si256(_mm256_xor_si256(a[0], t1), r);
	a[1] = _mm256_xor_si256(_mm256_xor_si256(a[1], t0), r);
	a[2] = _mm256_xor_si256(_mm256_xor_si256(a[2], t3), p);
	a[3] = _mm256_xor_si256(_mm256_xor_si256(a[3], t2), p);
}

static __always_inline void sm4_bytes256_unfold(__m256i to[4], const __m256i from[4])
{
	to[0] = sm4_unfold256(from[0]);
	to[1] = sm4_unfold256(from[1]);
	to[2] = sm4_unfold256(from[2]);
	to[3] = sm4_unfold256(from[3]);
}

static __always_inline void sm4_interleave256_pair(__m256i to[2], __m256i a, __m256i b)
{
	to[0] = _mm256_unpacklo_epi8(a, b);
	to[1] = _mm256_unpackhi_epi8(a, b);
}

/* A quarter of the way from rows of 16 bytes in each lane to columns. */
static __always_inline void sm4_interleave256(__m256i to[16], const __m256i from[16])
{
	sm4_interleave256_pair(&to[0], from[0], from[8]);
	sm4_interleave256_pair(&to[2], from[1], from[9]);
	sm4_interleave256_pair(&to[4], from[2], from[10]);
	sm4_interleave256_pair(&to[6], from[3], from[11]);
	sm4_interleave256_pair(&to[8], from[4], from[12]);
	sm4_interleave256_pair(&to[10], from[5], from[13]);
	sm4_interleave256_pair(&to[12], from[6], from[14]);
	sm4_interleave256_pair(&to[14], from[7], from[15]);
}

/* From blocks, two to a vector, to their bytes, and back. */
static __always_inline void sm4_transpose256(__m256i to[16], __m256i v[16])
{
	__m256i w[16];

	sm4_interleave256(w, v);
	sm4_interleave256(v, w);
	sm4_interleave256(w, v);
	sm4_interleave256(to, w);
}

#endif
