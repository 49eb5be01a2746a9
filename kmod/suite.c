// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Data, not code: one row for every cipher of <linux/tls.h>, tied to its
 * struct by static_assert, and one for every version. A protocol fact that
 * shows up as an "if" elsewhere belongs here.
 * Read-only, so there is no locking. Spec: see suite.h.
 */
#include "suite.h"

#include "../uapi/linux/ktlsx.h"

#define CIPHER(id, type, aead, built, tls13)				\
	{								\
		.cipher_type = TLS_CIPHER_##id,				\
		.alg = aead,						\
		.info_len = sizeof(struct type),			\
		.key_off = offsetof(struct type, key),			\
		.key_len = TLS_CIPHER_##id##_KEY_SIZE,			\
		.salt_off = offsetof(struct type, salt),		\
		.salt_len = TLS_CIPHER_##id##_SALT_SIZE,		\
		.iv_off = offsetof(struct type, iv),			\
		.iv_len = TLS_CIPHER_##id##_IV_SIZE,			\
		.rec_seq_off = offsetof(struct type, rec_seq),		\
		.is_built = built,					\
		.has_tls13 = tls13,					\
	}

#define CIPHER_FITS(id, type)						\
	static_assert(sizeof(struct type) <= KTLSX_CRYPTO_INFO_MAX);	\
	static_assert(TLS_CIPHER_##id##_SALT_SIZE +			\
		      TLS_CIPHER_##id##_IV_SIZE == KTLSX_NONCE_LEN);	\
	static_assert(TLS_CIPHER_##id##_TAG_SIZE == KTLSX_TAG_LEN);	\
	static_assert(TLS_CIPHER_##id##_REC_SEQ_SIZE == sizeof(u64))

CIPHER_FITS(AES_GCM_128, tls12_crypto_info_aes_gcm_128);
CIPHER_FITS(AES_GCM_256, tls12_crypto_info_aes_gcm_256);
CIPHER_FITS(AES_CCM_128, tls12_crypto_info_aes_ccm_128);
CIPHER_FITS(CHACHA20_POLY1305, tls12_crypto_info_chacha20_poly1305);
CIPHER_FITS(SM4_GCM, tls12_crypto_info_sm4_gcm);
CIPHER_FITS(SM4_CCM, tls12_crypto_info_sm4_ccm);
CIPHER_FITS(ARIA_GCM_128, tls12_crypto_info_aria_gcm_128);
CIPHER_FITS(ARIA_GCM_256, tls12_crypto_info_aria_gcm_256);

/* Rows that are not built keep their sizes: a wrong size is EINVAL first. */
static const struct ktlsx_cipher ciphers[] = {
	CIPHER(AES_GCM_128, tls12_crypto_info_aes_gcm_128,
	       KTLSX_AEAD_AES_128_GCM, true, true),
	CIPHER(AES_GCM_256, tls12_crypto_info_aes_gcm_256,
	       KTLSX_AEAD_AES_256_GCM, true, true),
	CIPHER(AES_CCM_128, tls12_crypto_info_aes_ccm_128, 0, false, true),
	CIPHER(CHACHA20_POLY1305, tls12_crypto_info_chacha20_poly1305,
	       0, false, true),
	CIPHER(SM4_GCM, tls12_crypto_info_sm4_gcm, 0, false, true),
	CIPHER(SM4_CCM, tls12_crypto_info_sm4_ccm, 0, false, true),
	CIPHER(ARIA_GCM_128, tls12_crypto_info_aria_gcm_128, 0, false, false),
	CIPHER(ARIA_GCM_256, tls12_crypto_info_aria_gcm_256, 0, false, false),
};

/* Versions by index; the suites below name them by it. */
enum { TLS12, TLS13 };

#define TLS12_EXPLICIT_NONCE_LEN 8	/* RFC 5288 section 3 */
#define TLS13_INNER_TYPE_LEN 1		/* RFC 8446 section 5.2 */

static const struct ktlsx_version versions[] = {
	[TLS12] = {
		.version = TLS_1_2_VERSION,
		.explicit_nonce_len = TLS12_EXPLICIT_NONCE_LEN,
		.payload_len_min = 64,		/* RFC 8449 section 4 */
	},
	[TLS13] = {
		.version = TLS_1_3_VERSION,
		.inner_type_len = TLS13_INNER_TYPE_LEN,
		.payload_len_min = 63,		/* RFC 8449 counts the type */
		.nonce_is_xored = true,
		.aad_is_header = true,
		.may_rekey = true,
	},
};

#define SUITE(v, c, nonce_len, type_len)				\
	{								\
		.version = &versions[v],				\
		.cipher = &ciphers[c],					\
		.prefix_len = KTLSX_RECORD_HEADER_LEN + (nonce_len),	\
		.suffix_len = (type_len) + KTLSX_TAG_LEN,		\
	}

static const struct ktlsx_suite suites[] = {
	SUITE(TLS12, 0, TLS12_EXPLICIT_NONCE_LEN, 0),
	SUITE(TLS12, 1, TLS12_EXPLICIT_NONCE_LEN, 0),
	SUITE(TLS13, 0, 0, TLS13_INNER_TYPE_LEN),
	SUITE(TLS13, 1, 0, TLS13_INNER_TYPE_LEN),
};

/**
 * ktlsx_version_find() - facts of a protocol version
 * @version: TLS_1_x_VERSION as the user gave it
 *
 * Context: Any context.
 * Return: the row, or NULL for a version that is not supported.
 */
const struct ktlsx_version *ktlsx_version_find(u16 version)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(versions); i++)
		if (versions[i].version == version)
			return &versions[i];
	return NULL;
}

/**
 * ktlsx_cipher_find() - facts of a cipher, built or not
 * @cipher_type: TLS_CIPHER_* number as the user gave it
 *
 * Context: Any context.
 * Return: the row, or NULL for a number that nobody defined.
 */
const struct ktlsx_cipher *ktlsx_cipher_find(u16 cipher_type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ciphers); i++)
		if (ciphers[i].cipher_type == cipher_type)
			return &ciphers[i];
	return NULL;
}

/**
 * ktlsx_suite_find() - the suite of a version and a cipher
 * @version: from ktlsx_version_find()
 * @cipher: from ktlsx_cipher_find()
 *
 * Context: Any context.
 * Return: the suite, or NULL when this build cannot seal it.
 */
const struct ktlsx_suite *ktlsx_suite_find(const struct ktlsx_version *version,
					   const struct ktlsx_cipher *cipher)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		if (suites[i].version == version && suites[i].cipher == cipher)
			return &suites[i];
	return NULL;
}

/**
 * ktlsx_suite_ciphers() - what this build can seal with a version
 * @version: TLS_1_x_VERSION
 *
 * Context: Any context.
 * Return: bit n set for the cipher TLS_CIPHER_AES_GCM_128 + n.
 */
u64 ktlsx_suite_ciphers(u16 version)
{
	u64 bits = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		if (suites[i].version->version == version)
			bits |= 1ull << (suites[i].cipher->cipher_type -
					 TLS_CIPHER_AES_GCM_128);
	return bits;
}
