/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the one interface of the record ciphers: prepare a key once, then seal or
 * open one record, or a run of them, from a list of source spans to a list of
 * destination spans.
 * Must not know: TLS, sockets, pages. Nonce and AAD are the caller's business.
 * Concurrency: a prepared key is read-only and may be used by several CPUs at
 * once; the engine choice is written at load only.
 * Specification: RFC 5116; NIST SP 800-38D for GCM; RFC 8439 for ChaCha20-Poly1305.
 */
#ifndef KTLSX_CRYPTO_AEAD_H
#define KTLSX_CRYPTO_AEAD_H

#include "engine.h"

enum ktlsx_aead_alg {
	KTLSX_AEAD_AES_128_GCM,
	KTLSX_AEAD_AES_256_GCM,
	KTLSX_AEAD_SM4_GCM,
	KTLSX_AEAD_SM4_CBC_SM3,
	KTLSX_AEAD_AES_128_CCM,
	KTLSX_AEAD_AES_256_CCM,
	KTLSX_AEAD_SM4_CCM,
	KTLSX_AEAD_CHACHA20_POLY1305,
	KTLSX_AEAD_ARIA_128_GCM,
	KTLSX_AEAD_ARIA_256_GCM,
	KTLSX_AEAD_COUNT,
};

/**
 * struct ktlsx_aead - one algorithm
 * @name: for people
 * @key_len: bytes of the raw key; a MAC key comes first
 * @nonce_len: bytes of a nonce
 * @tag_len: bytes of a tag; 0: MAC-then-encrypt, the MAC is in the ciphertext
 * @mac_len: bytes of a MAC inside the ciphertext, followed by TLS padding; 0: none
 * @engines: every implementation, best first, NULL at the end; the last real one
 *           is the generic engine, which needs nothing
 * @fast: the engine to use, chosen at load; may be @generic
 * @generic: constant-time C, callable everywhere
 */
struct ktlsx_aead {
	const char *name;
	u16 key_len;
	u8 nonce_len;
	u8 tag_len;
	u8 mac_len;
	const struct ktlsx_aead_engine *const *engines;
	const struct ktlsx_aead_engine *fast;
	const struct ktlsx_aead_engine *generic;
};

/**
 * ktlsx_aead_sealed_len() - what sealing makes of a text, tag not counted
 * @aead: algorithm
 * @text_len: bytes of plaintext
 *
 * Context: Any.
 * Return: bytes of ciphertext: @text_len, or with MAC and the least padding.
 */
static inline size_t ktlsx_aead_sealed_len(const struct ktlsx_aead *aead, size_t text_len)
{
	if (!aead->mac_len)
		return text_len;
	return (text_len + aead->mac_len) / KTLSX_AEAD_BLOCK_LEN * KTLSX_AEAD_BLOCK_LEN +
	       KTLSX_AEAD_BLOCK_LEN;
}

/* Described in aead.c. */
int ktlsx_aead_init(const char *isa);
const struct ktlsx_aead *ktlsx_aead_find(enum ktlsx_aead_alg alg);
bool ktlsx_aead_can_run(const struct ktlsx_aead_engine *engine);
int ktlsx_aead_disable(enum ktlsx_aead_alg alg, const struct ktlsx_aead_engine *engine);
void ktlsx_aead_prepare(const struct ktlsx_aead *aead, struct ktlsx_aead_key *key, const u8 *raw);
void ktlsx_aead_wipe(struct ktlsx_aead_key *key);
const struct ktlsx_aead_engine *ktlsx_aead_enter(const struct ktlsx_aead *aead);
void ktlsx_aead_leave(const struct ktlsx_aead_engine *engine);
void ktlsx_aead_seal(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
		     const struct ktlsx_aead_text *text);
void ktlsx_aead_seal_run(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
			 const struct ktlsx_aead_text *texts, unsigned int count);
int __must_check ktlsx_aead_open(const struct ktlsx_aead_engine *engine,
				 const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *text);
unsigned int __must_check ktlsx_aead_open_run(const struct ktlsx_aead_engine *engine,
					      const struct ktlsx_aead_key *key,
					      const struct ktlsx_aead_text *texts,
					      unsigned int count);
void ktlsx_aead_block(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
		      const u8 *nonce, u32 index, const u8 in[KTLSX_AEAD_BLOCK_LEN],
		      u8 out[KTLSX_AEAD_BLOCK_LEN]);

#endif
