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
	struct tls12_crypto_info_aes_gcm_128 gcm_128;
	struct tls12_crypto_info_aes_gcm_256 gcm_256;
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
	uint8_t key_len;
	uint32_t least;		/* of the length field */
	uint32_t most;
};

FIXTURE_VARIANT_ADD(codec, aes_128_gcm_tls12) = {
	TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128, 16, 24, 16384 + 24
};

FIXTURE_VARIANT_ADD(codec, aes_256_gcm_tls12) = {
	TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_256, 32, 24, 16384 + 24
};

FIXTURE_VARIANT_ADD(codec, aes_128_gcm_tls13) = {
	TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128, 16, 17, 16384 + 17
};

FIXTURE_VARIANT_ADD(codec, aes_256_gcm_tls13) = {
	TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_256, 32, 17, 16384 + 17
};

static inline bool is_tls13(const struct trial *t)
{
	return t->ref.version == REF_TLS13;
}

static inline size_t prefix_len(const struct trial *t)
{
	return REF_HEADER_LEN + (is_tls13(t) ? 0 : 8);
}

/* Under a sanitizer a tenth of the cases takes as long. */
static inline unsigned int case_count(void)
{
	const char *text = getenv("KTLSX_CASES");

	return text ? (unsigned int)strtoul(text, NULL, 0) : CASES;
}

/* What a user would pass to setsockopt; returns its size. */
static inline size_t make_info(const struct trial *t, uint64_t seq, uint64_t counter,
			       union info *info)
{
	const bool is_128 = t->ref.key_len == 16;

	memset(info, 0, sizeof(*info));
	info->head.version = is_tls13(t) ? TLS_1_3_VERSION : TLS_1_2_VERSION;
	info->head.cipher_type = is_128 ? TLS_CIPHER_AES_GCM_128 : TLS_CIPHER_AES_GCM_256;
	memcpy(is_128 ? info->gcm_128.key : info->gcm_256.key, t->ref.key, t->ref.key_len);
	memcpy(is_128 ? info->gcm_128.salt : info->gcm_256.salt, t->ref.salt, 4);
	port_put_be64(is_128 ? info->gcm_128.iv : info->gcm_256.iv, counter);
	port_put_be64(is_128 ? info->gcm_128.rec_seq : info->gcm_256.rec_seq, seq);
	return is_128 ? sizeof(info->gcm_128) : sizeof(info->gcm_256);
}

/* New keys on both sides. TLS 1.2 counts nonces from @counter, TLS 1.3 takes it as the IV. */
static inline void install(struct trial *t, uint64_t seq, uint64_t counter)
{
	union info info;

	arena_fill_random(t->ref.key, t->ref.key_len);
	arena_fill_random(t->ref.salt, sizeof(t->ref.salt));
	/* the reference adds its number to what it starts from */
	port_put_be64(t->ref.iv, is_tls13(t) ? counter : counter - seq);
	t->ref.seq = seq;
	make_info(t, seq, counter, &info);
	memset(&t->dir, 0, sizeof(t->dir));
	ktlsx_dir_init(&t->dir, t->suite, info.bytes);
	ASSERT_EQ(t->dir.seq, seq);
}

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
	t->ref.version = variant->version;
	t->ref.key_len = variant->key_len;
	arena_seed();
	arena_fill_random(t->plain, sizeof(t->plain));
	memcpy(t->source, t->plain, sizeof(t->plain));
	install(t, arena_random() >> (1 + arena_below(63)), arena_random());
}

#endif
