/* SPDX-License-Identifier: MIT */
/*
 * Owns what the tests of the record codec share: the same keys in the codec of kmod/ and in
 * the independent one, for each suite.
 * Must not know: how record.c works. Concurrency: one thread.
 */
#ifndef CODEC_H
#define CODEC_H

#include "../ktap.h"
#include "../ref.h"

#include "../../kmod/record.h"
#include "../../uapi/linux/ktlsx.h"
#include "arena.h"
#include "pieces.h"

#define CASES 2000
#define TEST_TIMEOUT_S 120
#define INNER_MAX (REF_PLAIN_MAX + 1)	/* content, type and padding: RFC 8446 5.4 */

union info {
	struct tls_crypto_info head;
	uint8_t bytes[KTLSX_CRYPTO_INFO_MAX];
};

/* One record on its way, and the keys of both codecs. */
struct trial {
	const struct ktlsx_suite *suite;
	struct ktlsx_dir dir;
	struct ref_key ref;	/* of the same record as @dir */
	struct pieces src;
	struct pieces dst;
	size_t wire_len;
	size_t inner_len;
	size_t slack_len;	/* of @dst, behind the inner plaintext */
	uint8_t plain[INNER_MAX];
	uint8_t source[INNER_MAX];
	uint8_t wire[2 * REF_WIRE_MAX];
	uint8_t got[2 * REF_WIRE_MAX];
};

static struct trial trial;

static const size_t content_lens[] = { 0, 1, 15, 16, 17, 4095, 4096, 4097, 16383, 16384 };
static const uint8_t content_types[] = { REF_CHANGE_CIPHER, REF_ALERT, REF_HANDSHAKE, REF_DATA };

FIXTURE(codec) {
	struct trial *trial;
};

FIXTURE_VARIANT(codec) {
	uint16_t version;
	uint16_t cipher_type;
	enum ref_cipher cipher;
	uint32_t overhead;	/* what the length field counts beside content */
};

#define CODEC_VARIANT(label, version_id, id, overhead_len)				\
	FIXTURE_VARIANT_ADD(codec, label) = {						\
		TLS_1_##version_id##_VERSION, TLS_CIPHER_##id, REF_##id, overhead_len	\
	}

CODEC_VARIANT(aes_128_gcm_tls12, 2, AES_GCM_128, 24);
CODEC_VARIANT(aes_256_gcm_tls12, 2, AES_GCM_256, 24);
CODEC_VARIANT(aes_128_ccm_tls12, 2, AES_CCM_128, 24);
CODEC_VARIANT(chacha20_poly1305_tls12, 2, CHACHA20_POLY1305, 16);
CODEC_VARIANT(sm4_gcm_tls12, 2, SM4_GCM, 24);
CODEC_VARIANT(sm4_ccm_tls12, 2, SM4_CCM, 24);
CODEC_VARIANT(aria_128_gcm_tls12, 2, ARIA_GCM_128, 24);
CODEC_VARIANT(aria_256_gcm_tls12, 2, ARIA_GCM_256, 24);
CODEC_VARIANT(aes_128_gcm_tls13, 3, AES_GCM_128, 17);
CODEC_VARIANT(aes_256_gcm_tls13, 3, AES_GCM_256, 17);
CODEC_VARIANT(aes_128_ccm_tls13, 3, AES_CCM_128, 17);
CODEC_VARIANT(chacha20_poly1305_tls13, 3, CHACHA20_POLY1305, 17);
CODEC_VARIANT(sm4_gcm_tls13, 3, SM4_GCM, 17);
CODEC_VARIANT(sm4_ccm_tls13, 3, SM4_CCM, 17);

static inline bool is_tls13(const struct trial *t)
{
	return t->ref.version == REF_TLS13;
}

static inline bool has_explicit_nonce(const struct trial *t)
{
	return !is_tls13(t) && t->ref.cipher != REF_CHACHA20_POLY1305;
}

static inline size_t prefix_len(const struct trial *t)
{
	return REF_HEADER_LEN + (has_explicit_nonce(t) ? 8 : 0);
}

/* Under a sanitizer a tenth of the cases takes as long. */
static inline unsigned int case_count(void)
{
	const char *text = getenv("KTLSX_CASES");

	return text ? (unsigned int)strtoul(text, NULL, 0) : CASES;
}

#include "codec_keys.h"

static inline const struct ktlsx_aead_engine *any_engine(const struct trial *t)
{
	return arena_below(2) ? t->dir.aead->fast : t->dir.aead->generic;
}

FIXTURE_SETUP(codec)
{
	struct trial *t = &trial;

	self->trial = t;
	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	t->suite = ktlsx_suite_find(ktlsx_version_find(variant->version),
				    ktlsx_cipher_find(variant->cipher_type));
	ASSERT_TRUE(t->suite);
	ref_use_gcrypt();
	ref_key_make(&t->ref, variant->version, variant->cipher, 1);
	arena_seed();
	arena_fill_random(t->plain, sizeof(t->plain));
	memcpy(t->source, t->plain, sizeof(t->plain));
	install(t, arena_random() >> (1 + arena_below(63)), arena_random());
}

#endif
