/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns GCM in portable constant-time C, as the generic engines of all GCM algorithms use it.
 * Must not know: ciphers. Concurrency: stateless, a prepared key is read-only.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 */
#ifndef KTLSX_CRYPTO_GCM_GENERIC_H
#define KTLSX_CRYPTO_GCM_GENERIC_H

#include "gcm.h"

#define KTLSX_GCM_CIPHER_BLOCKS_MAX 16

/**
 * struct ktlsx_gcm_cipher - what GCM asks of a block cipher
 * @blocks: how many @encrypt does at once: at least 2, at most KTLSX_GCM_CIPHER_BLOCKS_MAX
 * @expand: fills what follows struct ktlsx_ghash_key in a key of zeros
 * @encrypt: @blocks blocks from in to out, which may be the same
 * @hash: ktlsx_ghash_update(), or what does the same
 */
struct ktlsx_gcm_cipher {
	unsigned int blocks;
	void (*expand)(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len);
	void (*encrypt)(const struct ktlsx_aead_key *key, const u8 *in, u8 *out);
	void (*hash)(const struct ktlsx_ghash_key *key, u64 acc[2], const u8 *data, size_t len);
};

/**
 * ktlsx_gcm_generic_prepare() - as ktlsx_aead_prepare()
 * @cipher: the block cipher
 * @key: filled
 * @raw: its key
 * @raw_len: bytes at @raw
 *
 * Context: Any; constant time.
 */
void ktlsx_gcm_generic_prepare(const struct ktlsx_gcm_cipher *cipher, struct ktlsx_aead_key *key,
			       const u8 *raw, size_t raw_len);

/**
 * ktlsx_gcm_generic_seal() - as ktlsx_aead_seal_run()
 * @cipher: the block cipher
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Any; constant time.
 */
void ktlsx_gcm_generic_seal(const struct ktlsx_gcm_cipher *cipher,
			    const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			    unsigned int count);

/**
 * ktlsx_gcm_generic_open() - as ktlsx_aead_open_run()
 * @cipher: the block cipher
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Any; constant time.
 * Return: how many records verified before the first that did not.
 */
unsigned int ktlsx_gcm_generic_open(const struct ktlsx_gcm_cipher *cipher,
				    const struct ktlsx_aead_key *key,
				    const struct ktlsx_aead_text *texts, unsigned int count);

/**
 * ktlsx_gcm_generic_block() - as ktlsx_aead_block()
 * @cipher: the block cipher
 * @key: prepared key
 * @nonce: of the record
 * @index: block number
 * @in: ciphertext
 * @out: plaintext; may be @in
 *
 * Context: Any; constant time.
 */
void ktlsx_gcm_generic_block(const struct ktlsx_gcm_cipher *cipher,
			     const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			     const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN]);

#endif
