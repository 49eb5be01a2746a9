/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4 by the AES instructions on 256-bit vectors, eight blocks as sm4_words256.h lays
 * them out.
 * Must not know: modes of operation. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: GB/T 32907-2016; the basis, in which all rounds run, is that of sm4_basis.h.
 */
#ifndef KTLSX_CRYPTO_SM4_AESNI_AVX2_H
#define KTLSX_CRYPTO_SM4_AESNI_AVX2_H

#include "sm4_aesni.h"
#include "sm4_words256.h"

struct sm4_avx2 {
	u64 nibble[4];
	u8 rows_back[2][16];
	u8 rotated_1[2][16];
	u8 rotated_2[2][16];
	u8 rotated_3[2][16];
	struct nibbles p;
	struct nibbles r;
};

/* Bytes back where ShiftRows took them from. */
#define SM4_ROWS_BACK { 0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3 }

static const struct sm4_avx2 sm4_avx2 __aligned(32) = {
	.nibble = { 0x0f0f0f0f0f0f0f0f, 0x0f0f0f0f0f0f0f0f, 0x0f0f0f0f0f0f0f0f,
		    0x0f0f0f0f0f0f0f0f },
	.rows_back = { SM4_ROWS_BACK, SM4_ROWS_BACK },
	.rotated_1 = { SM4_ROTATED_1, SM4_ROTATED_1 },
	.rotated_2 = { SM4_ROTATED_2, SM4_ROTATED_2 },
	.rotated_3 = { SM4_ROTATED_3, SM4_ROTATED_3 },
	.p = SM4_NIBBLES_P,
	.r = SM4_NIBBLES_R,
};

static __always_inline __m256i sm4_look_up(const struct nibbles *map, __m256i low,
					   __m256i high)
{
	return _mm256_xor_si256(_mm256_shuffle_epi8(vec256_broadcast(map->low), low),
				_mm256_shuffle_epi8(vec256_broadcast(map->high), high));
}

static __always_inline __m256i sm4_map256(const struct nibbles *map, __m256i x)
{
	const __m256i nibble = _mm256_set1_epi8(15);

	return sm4_look_up(map, _mm256_and_si256(x, nibble),
			   _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble));
}

/* Into the basis and back. */
static __always_inline __m256i sm4_fold256(__m256i x)
{
	return sm4_map256(&sm4_pre, x);
}

static __always_inline __m256i sm4_unfold256(__m256i x)
{
	return sm4_map256(&sm4_back, x);
}

/* What AES makes of each byte; rows shifted. */
static __always_inline __m256i sm4_aes_sbox(__m256i x)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i low = _mm_aesenclast_si128(vec256_low(x), zero);
	__m128i high = _mm_aesenclast_si128(vec256_high(x), zero);

	return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* One round: the next word takes the place of @a. */
static __always_inline void sm4_round256(__m256i *a, __m256i b, __m256i c, __m256i d, u32 key)
{
	__m256i v = sm4_aes_sbox(sm4_sum256(b, c, d, key)), high, p, q, r;
	const struct sm4_avx2 *m = &sm4_avx2;

	sm4_opaque_pointer(m);
	v = sm4_shuffle(v, m->rows_back);
	high = _mm256_and_si256(_mm256_srli_epi16(v, 4), vec256_load_aligned(m->nibble));
	v = _mm256_and_si256(v, vec256_load_aligned(m->nibble));
	p = sm4_look_up(&m->p, v, high);
	r = sm4_look_up(&m->r, v, high);
	q = _mm256_xor_si256(p, r);
	*a = _mm256_xor_si256(*a, p);
	p = _mm256_xor_si256(sm4_shuffle(q, m->rotated_2), sm4_shuffle(r, m->rotated_3));
	*a = _mm256_xor_si256(_mm256_xor_si256(*a, sm4_shuffle(q, m->rotated_1)), p);
}

/* After the last round: blocks in their order, of which the last word comes out first. */
static __always_inline void sm4_words256_end(__m256i x[4])
{
	x[0] = sm4_unfold256(x[0]);
	x[1] = sm4_unfold256(x[1]);
	x[2] = sm4_unfold256(x[2]);
	x[3] = sm4_unfold256(x[3]);
	sm4_words256_to_blocks(x);
	x[0] = vec256_swap_bytes(x[0]);
	x[1] = vec256_swap_bytes(x[1]);
	x[2] = vec256_swap_bytes(x[2]);
	x[3] = vec256_swap_bytes(x[3]);
}

#endif
