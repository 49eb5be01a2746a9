// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns SM4-CBC by the AES instructions and AVX2.
 * Must not know: records. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only.
 * Specification: GB/T 32907-2016; NIST SP 800-38A section 6.2.
 */
#include "lanes256_blocks.h"
#include "sm4_cbc_one.h"
#include "sm4_cbc_run256.h"
#include "sm4_aesni_avx2.h"

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

static __always_inline void one_next(__m128i *t, __m128i *a, __m128i c, __m128i d, u32 next_key)
{
	__m128i sum = _mm_xor_si128(_mm_xor_si128(c, d), _mm_set1_epi32((int)next_key));

	*t = _mm_xor_si128(_mm_xor_si128(*a, sum), sm4_one_added(*t));
	*a = _mm_xor_si128(*t, sum);
}

static __always_inline __m128i one_fold(__m128i x)
{
	return _mm_xor_si128(nibbles_map(&sm4_pre, x), _mm_set1_epi8(KTLSX_SM4_PRE_CONST));
}

static __always_inline __m128i one_unfold(__m128i y)
{
	return nibbles_map(&sm4_back, y);
}

void ktlsx_cbc_aesni_avx2_encrypt(const struct ktlsx_sm4_key *key, u8 chain[BLOCK], u8 *data,
				  size_t blocks)
{
	one_encrypt(key, chain, data, blocks);
}

void ktlsx_cbc_aesni_avx2_decrypt(const struct ktlsx_sm4_key *key, u8 chain[BLOCK], u8 *data,
				  size_t blocks)
{
	lanes_decrypt_all(key, chain, data, blocks);
}

void ktlsx_cbc_aesni_avx2_run(const struct ktlsx_sm4_key *key, struct ktlsx_cbc_lanes *l,
			      size_t steps)
{
	lanes_run(key, l, steps);
}
