// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns SM4-CBC by GFNI on 256-bit vectors.
 * Must not know: records. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only.
 * Specification: GB/T 32907-2016; NIST SP 800-38A section 6.2.
 */
#include "lanes256_blocks.h"
#include "sm4_cbc_one.h"
#include "sm4_cbc_run256.h"
#include "sm4_gfni256.h"

static __always_inline void lanes_round(lanes *a, lanes b, lanes c, lanes d, u32 key)
{
	sm4_round256(a, b, c, d, key);
}

static __always_inline lanes lanes_fold(lanes x)
{
	return _mm256_xor_si256(sm4_fold256(x), _mm256_set1_epi8(KTLSX_SM4_PRE_CONST));
}

static __always_inline lanes lanes_unfold(lanes y)
{
	return sm4_unfold256(y);
}

#define ONE_MATRIX(name) _mm_set1_epi64x((long long)KTLSX_SM4_##name)
#define ONE_INVERSE(x, name)								\
	_mm_gf2p8affineinv_epi64_epi8(x, ONE_MATRIX(name), KTLSX_SM4_##name##_CONST)

static __always_inline __m128i one_rotate(__m128i x, u32 bytes)
{
	const __m128i quads = _mm_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);

	return _mm_shuffle_epi8(x, _mm_add_epi8(quads, _mm_set1_epi32((int)bytes)));
}

static __always_inline void one_next(__m128i *t, __m128i *a, __m128i c, __m128i d, u32 next_key)
{
	__m128i sum = _mm_xor_si128(_mm_xor_si128(c, d), _mm_set1_epi32((int)next_key));
	__m128i p = ONE_INVERSE(*t, MP), r = ONE_INVERSE(*t, MR), q = _mm_xor_si128(p, r);

	p = _mm_xor_si128(_mm_xor_si128(*a, sum), p);
	p = _mm_xor_si128(p, one_rotate(r, 0x00030201));
	q = _mm_xor_si128(one_rotate(q, 0x02010003), one_rotate(q, 0x01000302));
	*t = _mm_xor_si128(p, q);
	*a = _mm_xor_si128(*t, sum);
}

static __always_inline __m128i one_fold(__m128i x)
{
	return _mm_gf2p8affine_epi64_epi8(x, ONE_MATRIX(PRE), 0);
}

static __always_inline __m128i one_unfold(__m128i y)
{
	return _mm_gf2p8affine_epi64_epi8(y, ONE_MATRIX(PRE_BACK), KTLSX_SM4_PRE_BACK_CONST);
}

void ktlsx_cbc_gfni256_encrypt(const struct ktlsx_sm4_key *key, u8 chain[BLOCK], u8 *data,
			       size_t blocks)
{
	one_encrypt(key, chain, data, blocks);
}

void ktlsx_cbc_gfni256_decrypt(const struct ktlsx_sm4_key *key, u8 chain[BLOCK], u8 *data,
			       size_t blocks)
{
	lanes_decrypt_all(key, chain, data, blocks);
}

void ktlsx_cbc_gfni256_run(const struct ktlsx_sm4_key *key, struct ktlsx_cbc_lanes *l,
			   size_t steps)
{
	lanes_run(key, l, steps);
}
