/* SPDX-License-Identifier: MIT */
/*
 * Owns the independent reference: OpenSSL's EVP as a one-call AEAD.
 * Must not know: our engines. Concurrency: one context a thread.
 */
#ifndef EVP_REFERENCE_H
#define EVP_REFERENCE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kmod/crypto/aead.h"

/* One record in plain memory. */
struct evp_record {
	enum ktlsx_aead_alg alg;
	uint8_t raw[KTLSX_AEAD_RAW_MAX];
	uint8_t nonce[KTLSX_AEAD_NONCE_MAX];
	uint8_t tag[KTLSX_AEAD_TAG_LEN];
	const uint8_t *aad;
	size_t aad_len;
	size_t text_len;
	size_t sealed_len;	/* bytes of ciphertext: what evp_seal() writes, and evp_open() */
	const uint8_t *in;
	uint8_t *out;
};

/* Both exit when OpenSSL fails for another reason than a wrong tag. */
void evp_seal(EVP_CIPHER_CTX *ctx, struct evp_record *record);
bool evp_open(EVP_CIPHER_CTX *ctx, const struct evp_record *record);

#endif
