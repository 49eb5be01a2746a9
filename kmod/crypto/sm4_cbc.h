/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the layout of a prepared SM4-CBC and HMAC-SM3 key, which all engines read, and the names
 * of the engines.
 * Must not know: who calls. Concurrency: a prepared key is read-only.
 * Specification: GB/T 38636-2020 section 6.3.3.4; RFC 5246 section 6.2.3.2, which it follows.
 */
#ifndef KTLSX_CRYPTO_SM4_CBC_H
#define KTLSX_CRYPTO_SM4_CBC_H

#include "aead.h"
#include "sm3.h"
#include "sm4.h"

#define KTLSX_CBC_MAC_KEY_LEN 32
#define KTLSX_CBC_MAC_LEN KTLSX_SM3_DIGEST_LEN
#define KTLSX_CBC_AAD_LEN 11
/* before the content in the MAC: the additional data and the length of the content */
#define KTLSX_CBC_HEADER_LEN (KTLSX_CBC_AAD_LEN + 2)

/**
 * struct ktlsx_sm4_cbc_key - what hides in struct ktlsx_aead_key for SM4-CBC with HMAC-SM3
 * @sm4: round keys
 * @inner: SM3 after the key xor ipad
 * @outer: SM3 after the key xor opad
 */
struct ktlsx_sm4_cbc_key {
	struct ktlsx_sm4_key sm4;
	u32 inner[KTLSX_SM3_WORDS];
	u32 outer[KTLSX_SM3_WORDS];
} __aligned(64);

static_assert(sizeof(struct ktlsx_sm4_cbc_key) <= KTLSX_AEAD_KEY_SIZE, "key fits its holder");

static inline const struct ktlsx_sm4_cbc_key *
ktlsx_sm4_cbc_key_of(const struct ktlsx_aead_key *key)
{
	return (const struct ktlsx_sm4_cbc_key *)(const void *)key->state;
}

/* Described in sm4_cbc.c. */
void ktlsx_sm4_cbc_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len);

extern const struct ktlsx_aead_engine ktlsx_sm4_cbc_generic;
extern const struct ktlsx_aead_engine ktlsx_sm4_cbc_aesni_avx2;
extern const struct ktlsx_aead_engine ktlsx_sm4_cbc_gfni256;
extern const struct ktlsx_aead_engine ktlsx_sm4_cbc_gfni512;

#endif
