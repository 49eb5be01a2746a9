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
 * @alg: algorithm
 * @key: raw key
 * @nonce: nonce
 * @aad: additional data
 * @text: plaintext
 * @sealed: ciphertext
 * @tag: tag
 * @aad_len: bytes of @aad
 * @text_len: bytes of @text and of @sealed
 */
struct ktlsx_aead_vector {
	const char *source;
	enum ktlsx_aead_alg alg;
	const char *key;
	const char *nonce;
	const char *aad;
	const char *text;
	const char *sealed;
	const char *tag;
	size_t aad_len;
	size_t text_len;
};

extern const struct ktlsx_aead_vector ktlsx_aead_vectors[];
extern const unsigned int ktlsx_aead_vector_count;

/*
 * The sweep seals lengths 0, 1, ... 160, then every 37th up to 1200. Record n has
 * the key 0, 1, 2, ...; the nonce n (16 bits, little endian), 0, 1, ... 9; text byte i
 * is 7 i + n, additional byte i of n mod 40 is 3 i + n. The digest is the exclusive or of
 * all the tags.
 */
#define KTLSX_SWEEP_LEN_MAX 1200
#define KTLSX_SWEEP_DENSE_LEN 160
#define KTLSX_SWEEP_STEP 37

extern const char *const ktlsx_aead_sweep_digests[KTLSX_AEAD_COUNT];

#endif
