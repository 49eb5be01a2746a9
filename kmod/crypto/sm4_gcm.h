/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the layout of a prepared SM4-GCM key, which all SM4-GCM engines read, and the names
 * by which they find each other.
 * Must not know: who calls. Concurrency: a prepared key is read-only.
 * Specification: NIST SP 800-38D; RFC 8998.
 */
#ifndef KTLSX_CRYPTO_SM4_GCM_H
#define KTLSX_CRYPTO_SM4_GCM_H

#include "gcm.h"
#include "sm4.h"

/**
 * struct ktlsx_sm4_gcm_key - what hides in struct ktlsx_aead_key for SM4-GCM
 * @hash: for GHASH
 * @sm4: round keys
 */
struct ktlsx_sm4_gcm_key {
	struct ktlsx_ghash_key hash;
	struct ktlsx_sm4_key sm4;
} __aligned(64);

static_assert(sizeof(struct ktlsx_sm4_gcm_key) <= KTLSX_AEAD_KEY_SIZE, "key fits its holder");

static inline const struct ktlsx_sm4_gcm_key *
ktlsx_sm4_gcm_key_of(const struct ktlsx_aead_key *key)
{
	return (const struct ktlsx_sm4_gcm_key *)(const void *)key->state;
}

extern const struct ktlsx_aead_engine ktlsx_sm4_gcm_generic;
extern const struct ktlsx_aead_engine ktlsx_sm4_gcm_aesni_avx2;
extern const struct ktlsx_aead_engine ktlsx_sm4_gcm_gfni256;
extern const struct ktlsx_aead_engine ktlsx_sm4_gcm_gfni512;

/* Described in sm4_gcm_aesni_key.c. */
void ktlsx_sm4_aesni_expand(struct ktlsx_sm4_key *key, const u8 raw[KTLSX_SM4_RAW_LEN]);
void ktlsx_sm4_gcm_aesni_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len);

/* The engines' entry points by name: dispatch calls them without a retpoline. */
void ktlsx_sm4_gcm_aesni_avx2_seal(const struct ktlsx_aead_key *key,
				   const struct ktlsx_aead_text *texts, unsigned int count);
unsigned int ktlsx_sm4_gcm_aesni_avx2_open(const struct ktlsx_aead_key *key,
					   const struct ktlsx_aead_text *texts, unsigned int count);
void ktlsx_sm4_gcm_gfni256_seal(const struct ktlsx_aead_key *key,
				const struct ktlsx_aead_text *texts, unsigned int count);
unsigned int ktlsx_sm4_gcm_gfni256_open(const struct ktlsx_aead_key *key,
					const struct ktlsx_aead_text *texts, unsigned int count);
void ktlsx_sm4_gcm_gfni512_seal(const struct ktlsx_aead_key *key,
				const struct ktlsx_aead_text *texts, unsigned int count);
unsigned int ktlsx_sm4_gcm_gfni512_open(const struct ktlsx_aead_key *key,
					const struct ktlsx_aead_text *texts, unsigned int count);

#endif
