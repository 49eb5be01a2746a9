/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the sizes of SM4-CBC with HMAC-SM3 records, and the layout of a prepared key.
 * Must not know: engines. Concurrency: a prepared key is read-only.
 * Specification: GB/T 38636-2020 section 6.3.3.4.
 */
#ifndef KTLSX_CRYPTO_SM4_CBC_KEY_H
#define KTLSX_CRYPTO_SM4_CBC_KEY_H

#include "aead.h"
#include "sm3.h"
#include "sm4.h"
#include "spans.h"

#define KTLSX_CBC_MAC_KEY_LEN 32
#define KTLSX_CBC_MAC_LEN KTLSX_SM3_DIGEST_LEN
#define KTLSX_CBC_AAD_LEN 11
/* before the content in the MAC: the additional data and the length of the content */
#define KTLSX_CBC_HEADER_LEN (KTLSX_CBC_AAD_LEN + 2)
/* what the mode has in work at once */
#define KTLSX_CBC_CHUNK_LEN 1024

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

#endif
