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
#include "ghash_key.h"

static __always_inline __m128i encrypt_zero(const struct ktlsx_aes_key *aes)
{
	__m128i b = vec128_load_aligned(aes->round_keys[0]);
	unsigned int round;

	for (round = 1; round < aes->rounds; round++)
		b = _mm_aesenc_si128(b, vec128_load_aligned(aes->round_keys[round]));
	return _mm_aesenclast_si128(b, vec128_load_aligned(aes->round_keys[round]));
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

	vec128_clear(key->state, sizeof(key->state));
	ktlsx_aes_aesni_expand(&gcm->aes, raw, raw_len);
	ghash_put_powers(&gcm->hash, encrypt_zero(&gcm->aes));
	ghash_put_strides(&gcm->hash);
}
