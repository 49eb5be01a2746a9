// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the preparation of SM4 and SM4-GCM keys with AES-NI and PCLMULQDQ, for all vector
 * engines.
 * Must not know: records. Every function here runs inside a vector section.
 * Concurrency: stateless; nobody else sees the key before it is prepared.
 * Specification: GB/T 32907-2016 section 7.3; NIST SP 800-38D section 6.3. The result is,
 * byte for byte, that of the generic engine.
 */
#include "ghash_key.h"
#include "sm4_aesni.h"
#include "sm4_gcm.h"

/* Of what AES makes of a byte x brought into the basis: S(x). */
static const struct nibbles sm4_out __aligned(16) = {
	{ 0x2f, 0xa5, 0xc4, 0x4e, 0x30, 0xba, 0xdb, 0x51,
	  0xca, 0x40, 0x21, 0xab, 0xd5, 0x5f, 0x3e, 0xb4 },
	{ 0x00, 0x50, 0x14, 0x44, 0x89, 0xd9, 0x9d, 0xcd,
	  0xde, 0x8e, 0xca, 0x9a, 0x57, 0x07, 0x43, 0x13 },
};

static __always_inline __m128i spread(u32 word)
{
	return _mm_set1_epi32((int)word);
}

static __always_inline __m128i rotate_bits(__m128i x, int n)
{
	return _mm_or_si128(_mm_slli_epi32(x, n), _mm_srli_epi32(x, 32 - n));
}

/* What a round of the key schedule adds to its oldest word. */
static __always_inline __m128i key_added(__m128i t)
{
	t = _mm_aesenclast_si128(nibbles_map(&sm4_pre, t), _mm_setzero_si128());
	t = nibbles_map(&sm4_out, t);
	return _mm_xor_si128(t, _mm_xor_si128(rotate_bits(t, 13), rotate_bits(t, 23)));
}

static __always_inline __m128i xor4(__m128i a, __m128i b, __m128i c, __m128i d)
{
	return _mm_xor_si128(_mm_xor_si128(b, c), _mm_xor_si128(a, d));
}

/* Four rounds of the schedule; byte j of the constant of round i is 7 (4 i + j). */
static __always_inline __m128i next_keys(__m128i k[4], __m128i constants)
{
	__m128i low, high;

	k[0] = _mm_xor_si128(k[0], key_added(xor4(k[3], k[1], k[2],
						  _mm_shuffle_epi32(constants, 0x00))));
	k[1] = _mm_xor_si128(k[1], key_added(xor4(k[0], k[2], k[3],
						  _mm_shuffle_epi32(constants, 0x55))));
	k[2] = _mm_xor_si128(k[2], key_added(xor4(k[1], k[3], k[0],
						  _mm_shuffle_epi32(constants, 0xaa))));
	k[3] = _mm_xor_si128(k[3], key_added(xor4(k[2], k[0], k[1],
						  _mm_shuffle_epi32(constants, 0xff))));
	low = _mm_unpacklo_epi32(k[0], k[1]);
	high = _mm_unpacklo_epi32(k[2], k[3]);
	return _mm_unpacklo_epi64(low, high);
}

/**
 * ktlsx_sm4_aesni_expand() - as ktlsx_sm4_expand()
 * @key: filled
 * @raw: key
 *
 * Context: Inside a vector section; constant time.
 * Spec: GB/T 32907 section 7.3.
 */
void ktlsx_sm4_aesni_expand(struct ktlsx_sm4_key *key, const u8 raw[KTLSX_SM4_RAW_LEN])
{
	const __m128i pre_const = _mm_set1_epi8(KTLSX_SM4_PRE_CONST);
	__m128i constants = _mm_set_epi32(0x545b6269, 0x383f464d, 0x1c232a31, 0x00070e15);
	__m128i k[4], keys;
	unsigned int i;

	k[0] = spread(port_get_be32(raw) ^ 0xa3b1bac6);
	k[1] = spread(port_get_be32(raw + 4) ^ 0x56aa3350);
	k[2] = spread(port_get_be32(raw + 8) ^ 0x677d9197);
	k[3] = spread(port_get_be32(raw + 12) ^ 0xb27022dc);
	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4) {
		keys = next_keys(k, constants);
		vec128_store_aligned(&key->round_keys[i], keys);
		keys = _mm_xor_si128(nibbles_map(&sm4_pre, keys), pre_const);
		vec128_store_aligned(&key->folded[i], keys);
		constants = _mm_add_epi8(constants, _mm_set1_epi8(7 * 16));
	}
}

static __always_inline __m128i folded_key(const struct ktlsx_sm4_key *key, unsigned int round)
{
	return spread(key->folded[round]);
}

/* Its words are all the same: zero in the basis. */
static __always_inline __m128i encrypt_zero(const struct ktlsx_sm4_key *key)
{
	__m128i a = _mm_set1_epi8(KTLSX_SM4_PRE_CONST), b = a, c = a, d = a;
	unsigned int i;

	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4) {
		a = _mm_xor_si128(a, sm4_one_added(xor4(d, b, c, folded_key(key, i))));
		b = _mm_xor_si128(b, sm4_one_added(xor4(a, c, d, folded_key(key, i + 1))));
		c = _mm_xor_si128(c, sm4_one_added(xor4(b, d, a, folded_key(key, i + 2))));
		d = _mm_xor_si128(d, sm4_one_added(xor4(c, a, b, folded_key(key, i + 3))));
	}
	/* the last word first, each with its highest byte first: the whole block backwards */
	a = _mm_unpacklo_epi64(_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d));
	return vec128_swap_bytes(nibbles_map(&sm4_back, a));
}

/**
 * ktlsx_sm4_gcm_aesni_prepare() - as ktlsx_aead_prepare()
 * @key: filled
 * @raw: the SM4 key
 * @raw_len: 16 bytes
 *
 * Context: Inside a vector section; constant time.
 * Spec: GB/T 32907 section 7.3; SP 800-38D section 6.3.
 */
void ktlsx_sm4_gcm_aesni_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	struct ktlsx_sm4_gcm_key *gcm = (struct ktlsx_sm4_gcm_key *)(void *)key->state;

	(void)raw_len;
	vec128_clear(key->state, sizeof(key->state));
	ktlsx_sm4_aesni_expand(&gcm->sm4, raw);
	ghash_put_powers(&gcm->hash, encrypt_zero(&gcm->sm4));
	ghash_put_strides(&gcm->hash);
}
