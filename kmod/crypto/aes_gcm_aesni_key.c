// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the preparation of AES-GCM keys with AES-NI and PCLMULQDQ.
 * Must not know: records. Every function here runs inside a vector section.
 * Concurrency: stateless; nobody else sees the key before it is prepared.
 * Specification: FIPS 197 section 5.2; NIST SP 800-38D section 6.3. The result is, byte for
 * byte, that of the generic engine.
 */
#include "aes_aesni.h"
#include "gcm.h"
#include "ghash_clmul.h"

static __always_inline __m128i encrypt_zero(const struct ktlsx_aes_key *aes)
{
	__m128i b = vec128_load_aligned(aes->round_keys[0]);
	unsigned int round;

	for (round = 1; round < aes->rounds; round++)
		b = _mm_aesenc_si128(b, vec128_load_aligned(aes->round_keys[round]));
	return _mm_aesenclast_si128(b, vec128_load_aligned(aes->round_keys[round]));
}

/* A block, its bytes swapped, times x in the field. */
static __always_inline __m128i double_block(__m128i h)
{
	__m128i carries = _mm_srli_epi64(h, 63);
	__m128i overflow = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xff), 31);

	h = _mm_xor_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(carries, 8));
	return _mm_xor_si128(h, _mm_and_si128(overflow, _mm_set_epi64x(POLY_HIGH, 1)));
}

static __always_inline void put_fold(struct ktlsx_gcm_key *key, unsigned int n, __m128i power)
{
	__m128i fold = _mm_xor_si128(power, vec128_swap_halves(power));

	_mm_storel_epi64((void *)&key->folds[KTLSX_GCM_FOLDS - n], fold);
}

static __always_inline __m128i multiply(__m128i x, __m128i power)
{
	struct product p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };

	add_product(&p, x, power, _mm_xor_si128(power, vec128_swap_halves(power)));
	return reduce(p);
}

static __always_inline u64 *power_at(struct ktlsx_gcm_key *key, unsigned int n)
{
	return key->powers[KTLSX_GCM_POWERS - n];
}

/* By doubling the number of powers: a chain of four products, not fifteen. */
static __always_inline void put_powers(struct ktlsx_gcm_key *key, __m128i h)
{
	__m128i power = double_block(vec128_swap_bytes(h)), step;
	unsigned int have, n;

	vec128_store_aligned(power_at(key, 1), power);
	for (have = 1; have < KTLSX_GCM_POWERS; have *= 2) {
		step = vec128_load_aligned(power_at(key, have));
		for (n = 1; n <= have; n++) {
			power = multiply(vec128_load_aligned(power_at(key, n)), step);
			vec128_store_aligned(power_at(key, have + n), power);
		}
	}
	for (n = 1; n <= KTLSX_GCM_FOLDS; n++)
		put_fold(key, n, vec128_load_aligned(power_at(key, n)));
}

/* Four chains of three products each. */
static __always_inline void put_strides(struct ktlsx_gcm_key *key)
{
	__m128i step = vec128_load_aligned(power_at(key, KTLSX_GCM_POWERS)), power;
	unsigned int i, n;

	for (i = KTLSX_GCM_STRIDES; i--;) {
		n = KTLSX_GCM_STRIDES - i;
		power = n <= 4 ? vec128_load_aligned(power_at(key, 4 * n)) :
				 vec128_load_aligned(key->strides[i + 4]);
		vec128_store_aligned(key->strides[i], multiply(power, step));
	}
}

/**
 * ktlsx_gcm_aesni_prepare() - as ktlsx_aead_prepare()
 * @key: filled
 * @raw: the AES key
 * @raw_len: 16 or 32 bytes
 *
 * Context: Inside a vector section; constant time.
 * Spec: FIPS 197 section 5.2; SP 800-38D section 6.3.
 */
void ktlsx_gcm_aesni_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	struct ktlsx_gcm_key *gcm = (struct ktlsx_gcm_key *)(void *)key->state;

	aes_clear_key(key);
	ktlsx_aes_aesni_expand(&gcm->aes, raw, raw_len);
	put_powers(gcm, encrypt_zero(&gcm->aes));
	put_strides(gcm);
}
