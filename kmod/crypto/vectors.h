/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns known answers for the record ciphers, each with its source.
 * Must not know: engines. Read-only.
 */
#ifndef KTLSX_CRYPTO_VECTORS_H
#define KTLSX_CRYPTO_VECTORS_H

#include "aead.h"

/**
 * struct ktlsx_aead_vector - one known answer
 * @source: where it is published
 * @key: raw key
 * @nonce: nonce
 * @aad: additional data
 * @text: plaintext
 * @sealed: ciphertext, ktlsx_aead_sealed_len() bytes
 * @tag: tag; NULL where there is none
 * @aad_len: bytes of @aad, at most 64
 * @text_len: bytes of @text, at most KTLSX_SWEEP_LEN_MAX
 */
struct ktlsx_aead_vector {
	const char *source;
	const char *key;
	const char *nonce;
	const char *aad;
	const char *text;
	const char *sealed;
	const char *tag;
	size_t aad_len;
	size_t text_len;
};

/*
 * The sweep seals lengths 0, 1, ... 160, then every 37th up to 1200. Record n has
 * the key 0, 1, 2, ...; the nonce n (16 bits, little endian), 0, 1, ...; text byte i
 * is 7 i + n, additional byte i of n mod 40 (11 in CBC) is 3 i + n. The digest is the
 * exclusive or of all the tags, in CBC of the last blocks.
 */
#define KTLSX_SWEEP_LEN_MAX 1200
#define KTLSX_SWEEP_DENSE_LEN 160
#define KTLSX_SWEEP_STEP 37

/**
 * struct ktlsx_aead_answers - all that is known about one algorithm
 * @vectors: known answers
 * @count: how many
 * @sweep_digest: of the sweep, 16 bytes
 */
struct ktlsx_aead_answers {
	const struct ktlsx_aead_vector *vectors;
	unsigned int count;
	const char *sweep_digest;
};

extern const struct ktlsx_aead_answers *const ktlsx_aead_answers[KTLSX_AEAD_COUNT];

extern const struct ktlsx_aead_answers ktlsx_answers_aes_128_gcm;
extern const struct ktlsx_aead_answers ktlsx_answers_aes_256_gcm;
extern const struct ktlsx_aead_answers ktlsx_answers_sm4_gcm;
extern const struct ktlsx_aead_answers ktlsx_answers_sm4_cbc_sm3;
extern const struct ktlsx_aead_answers ktlsx_answers_aes_128_ccm;
extern const struct ktlsx_aead_answers ktlsx_answers_aes_256_ccm;
extern const struct ktlsx_aead_answers ktlsx_answers_sm4_ccm;
extern const struct ktlsx_aead_answers ktlsx_answers_chacha20_poly1305;
extern const struct ktlsx_aead_answers ktlsx_answers_aria_128_gcm;
extern const struct ktlsx_aead_answers ktlsx_answers_aria_256_gcm;

#endif
