// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Data, not code: one row for every cipher of <linux/tls.h>, tied to its
 * struct by static_assert, and one for every version. A protocol fact that
 * shows up as an "if" elsewhere belongs here.
 * Read-only, so there is no locking. Spec: see suite.h.
 */
#include "suite.h"

#include "../uapi/linux/ktlsx.h"

#define CIPHER(id, type, aead)						\
	[id] = {							\
		.cipher_type = TLS_CIPHER_##id,				\
		.alg = KTLSX_AEAD_##aead,				\
		.info_len = sizeof(struct type),			\
		.key_off = offsetof(struct type, key),			\
		.key_len = TLS_CIPHER_##id##_KEY_SIZE,			\
		.salt_off = offsetof(struct type, salt),		\
		.salt_len = TLS_CIPHER_##id##_SALT_SIZE,		\
		.iv_off = offsetof(struct type, iv),			\
		.iv_len = TLS_CIPHER_##id##_IV_SIZE,			\
		.rec_seq_off = offsetof(struct type, rec_seq),		\
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

/* Ciphers by index; the suites below name them by it. */
enum {
	AES_GCM_128,
	AES_GCM_256,
	AES_CCM_128,
	CHACHA20_POLY1305,
	SM4_GCM,
	SM4_CCM,
	ARIA_GCM_128,
	ARIA_GCM_256,
};

static const struct ktlsx_cipher ciphers[] = {
	CIPHER(AES_GCM_128, tls12_crypto_info_aes_gcm_128, AES_128_GCM),
	CIPHER(AES_GCM_256, tls12_crypto_info_aes_gcm_256, AES_256_GCM),
	CIPHER(AES_CCM_128, tls12_crypto_info_aes_ccm_128, AES_128_CCM),
	CIPHER(CHACHA20_POLY1305, tls12_crypto_info_chacha20_poly1305,
	       CHACHA20_POLY1305),
	CIPHER(SM4_GCM, tls12_crypto_info_sm4_gcm, SM4_GCM),
	CIPHER(SM4_CCM, tls12_crypto_info_sm4_ccm, SM4_CCM),
	CIPHER(ARIA_GCM_128, tls12_crypto_info_aria_gcm_128, ARIA_128_GCM),
	CIPHER(ARIA_GCM_256, tls12_crypto_info_aria_gcm_256, ARIA_256_GCM),
};

/* Versions by index; the suites below name them by it. */
enum { TLS12, TLS13 };

#define TLS12_EXPLICIT_NONCE_LEN 8	/* RFC 5288 section 3, RFC 6655 section 3 */
#define TLS13_INNER_TYPE_LEN 1		/* RFC 8446 section 5.2 */

static const struct ktlsx_version versions[] = {
	[TLS12] = {
		.version = TLS_1_2_VERSION,
		.payload_len_min = 64,		/* RFC 8449 section 4 */
	},
	[TLS13] = {
		.version = TLS_1_3_VERSION,
		.inner_type_len = TLS13_INNER_TYPE_LEN,
		.payload_len_min = 63,		/* RFC 8449 counts the type */
		.aad_is_header = true,
		.may_rekey = true,
	},
};

#define SUITE(v, c, nonce_len, type_len)				\
	{								\
		.version = &versions[v],				\
		.cipher = &ciphers[c],					\
		.explicit_nonce_len = nonce_len,			\
		.prefix_len = KTLSX_RECORD_HEADER_LEN + (nonce_len),	\
		.suffix_len = (type_len) + KTLSX_TAG_LEN,		\
	}
#define TLS12_SUITE(c) SUITE(TLS12, c, TLS12_EXPLICIT_NONCE_LEN, 0)
#define TLS13_SUITE(c) SUITE(TLS13, c, 0, TLS13_INNER_TYPE_LEN)

/*
 * TLS 1.3 has no ARIA. TLS 1.2 with SM4 in an AEAD is no registered suite; it
 * is here because the in-tree module takes such keys.
 */
static const struct ktlsx_suite suites[] = {
	TLS12_SUITE(AES_GCM_128),
	TLS12_SUITE(AES_GCM_256),
	TLS12_SUITE(AES_CCM_128),
	SUITE(TLS12, CHACHA20_POLY1305, 0, 0),	/* RFC 7905 section 2 */
	TLS12_SUITE(SM4_GCM),
	TLS12_SUITE(SM4_CCM),
	TLS12_SUITE(ARIA_GCM_128),
	TLS12_SUITE(ARIA_GCM_256),
	TLS13_SUITE(AES_GCM_128),
	TLS13_SUITE(AES_GCM_256),
	TLS13_SUITE(AES_CCM_128),
	TLS13_SUITE(CHACHA20_POLY1305),
	TLS13_SUITE(SM4_GCM),
	TLS13_SUITE(SM4_CCM),
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
 * ktlsx_cipher_find() - facts of a cipher
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
 * Return: the suite, or NULL when the version does not have the cipher.
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
 * ktlsx_suite_ciphers() - what a version can be sealed with
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
