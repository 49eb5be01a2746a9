/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the layout of a prepared AES-GCM key, which all AES-GCM engines read, and
 * the names by which they find each other.
 * Must not know: who calls. Concurrency: a prepared key is read-only.
 * Specification: NIST SP 800-38D.
 */
#ifndef KTLSX_CRYPTO_GCM_H
#define KTLSX_CRYPTO_GCM_H

#include "aead.h"
#include "aes_generic.h"

#define KTLSX_GCM_POWERS 16
#define KTLSX_GCM_STRIDES 12
#define KTLSX_GCM_FOLDS 10

/**
 * struct ktlsx_ghash_key - the hash part of a prepared key, with which each of them starts
 * @powers: H^16 first, H^1 last, each as a reflected polynomial times x: the integer
 *          whose bit 127 is the coefficient of x^0 of H^n * x; low 64 bits first.
 *          A block loaded with its bytes reversed, multiplied by one of these and
 *          reduced, is the product in the field with no shift to correct
 * @strides: H^64 first, then H^60 and so on to H^20: what moves four sums that run side by
 *           side on by a vector of four blocks each
 * @folds: low xor high half of H^10 to H^1, for Karatsuba's middle product
 */
struct ktlsx_ghash_key {
	u64 powers[KTLSX_GCM_POWERS][2];
	u64 strides[KTLSX_GCM_STRIDES][2];
	u64 folds[KTLSX_GCM_FOLDS];
} __aligned(16);

/**
 * struct ktlsx_gcm_key - what hides in struct ktlsx_aead_key for AES-GCM
 * @hash: for GHASH; its members go by their own names, too
 * @powers: of @hash
 * @strides: of @hash
 * @folds: of @hash
 * @aes: round keys
 */
struct ktlsx_gcm_key {
	union {
		struct ktlsx_ghash_key hash;
		struct {
			u64 powers[KTLSX_GCM_POWERS][2];
			u64 strides[KTLSX_GCM_STRIDES][2];
			u64 folds[KTLSX_GCM_FOLDS];
		};
	};
	struct ktlsx_aes_key aes;
} __aligned(64);

static_assert(sizeof(struct ktlsx_gcm_key) <= KTLSX_AEAD_KEY_SIZE, "key fits its holder");

static inline const struct ktlsx_gcm_key *ktlsx_gcm_key_of(const struct ktlsx_aead_key *key)
{
	return (const struct ktlsx_gcm_key *)(const void *)key->state;
}

static inline const struct ktlsx_ghash_key *ktlsx_ghash_key_of(const struct ktlsx_aead_key *key)
{
	return (const struct ktlsx_ghash_key *)(const void *)key->state;
}

extern const struct ktlsx_aead_engine ktlsx_gcm_generic;
extern const struct ktlsx_aead_engine ktlsx_gcm_aesni;
extern const struct ktlsx_aead_engine ktlsx_gcm_avx512;
extern const struct ktlsx_aead_engine ktlsx_gcm_vaes256;
extern const struct ktlsx_aead_engine ktlsx_gcm_vaes256_pclmul;

/* Described in aes_gcm_aesni_key.c. */
void ktlsx_gcm_aesni_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len);

/* The entry points of engines by name: dispatch calls them without a retpoline. */
void ktlsx_gcm_aesni_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			  unsigned int count);
unsigned int ktlsx_gcm_aesni_open(const struct ktlsx_aead_key *key,
				  const struct ktlsx_aead_text *texts, unsigned int count);
void ktlsx_gcm_avx512_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			   unsigned int count);
unsigned int ktlsx_gcm_avx512_open(const struct ktlsx_aead_key *key,
				   const struct ktlsx_aead_text *texts, unsigned int count);
void ktlsx_gcm_vaes256_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			    unsigned int count);
unsigned int ktlsx_gcm_vaes256_open(const struct ktlsx_aead_key *key,
				    const struct ktlsx_aead_text *texts, unsigned int count);

#endif
