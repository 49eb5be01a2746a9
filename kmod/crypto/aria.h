/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the layout of prepared ARIA and ARIA-GCM keys, and the names of their functions.
 * Must not know: who calls. Concurrency: a prepared key is read-only.
 * Specification: RFC 5794; NIST SP 800-38D; RFC 6209.
 */
#ifndef KTLSX_CRYPTO_ARIA_H
#define KTLSX_CRYPTO_ARIA_H

#include "gcm.h"

#define KTLSX_ARIA_BLOCK_LEN 16
#define KTLSX_ARIA_BLOCKS 16
#define KTLSX_ARIA_ROUND_KEYS_MAX 17

/**
 * struct ktlsx_aria_key - round keys for encryption
 * @round_keys: one more than @rounds
 * @rounds: 12, 14 or 16
 */
struct ktlsx_aria_key {
	u8 round_keys[KTLSX_ARIA_ROUND_KEYS_MAX][KTLSX_ARIA_BLOCK_LEN];
	u32 rounds;
};

/**
 * struct ktlsx_aria_gcm_key - what hides in struct ktlsx_aead_key for ARIA-GCM
 * @hash: for GHASH
 * @aria: round keys
 */
struct ktlsx_aria_gcm_key {
	struct ktlsx_ghash_key hash;
	struct ktlsx_aria_key aria;
} __aligned(64);

static_assert(sizeof(struct ktlsx_aria_gcm_key) <= KTLSX_AEAD_KEY_SIZE, "key fits its holder");

static inline const struct ktlsx_aria_gcm_key *
ktlsx_aria_gcm_key_of(const struct ktlsx_aead_key *key)
{
	return (const struct ktlsx_aria_gcm_key *)(const void *)key->state;
}

/* Described in aria_generic.c. */
void ktlsx_aria_expand(struct ktlsx_aria_key *key, const u8 *raw, size_t raw_len);
void ktlsx_aria_encrypt_16(const struct ktlsx_aria_key *key, const u8 *in, u8 *out);

/* Described in aria_gcm_generic.c. */
void ktlsx_aria_gcm_expand(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len);

extern const struct ktlsx_aead_engine ktlsx_aria_gcm_generic;
extern const struct ktlsx_aead_engine ktlsx_aria_gcm_aesni_avx2;

#endif
