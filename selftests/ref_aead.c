// SPDX-License-Identifier: MIT
/*
 * Owns: the ciphers of the reference codec that OpenSSL has behind its plain
 * AEAD calls.
 * Must not know: records; anything of the module.
 * Concurrency: none of its own.
 * Follows: NIST SP 800-38D, RFC 8439, RFC 6209.
 */
#include "ref_aead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

void ref_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "reference codec: %s failed\n", what);
	abort();
}

static const EVP_CIPHER *cipher_of(const struct ref_key *key)
{
	switch (key->cipher) {
	case REF_AES_GCM_128:
		return EVP_aes_128_gcm();
	case REF_AES_GCM_256:
		return EVP_aes_256_gcm();
	case REF_CHACHA20_POLY1305:
		return EVP_chacha20_poly1305();
	case REF_ARIA_GCM_128:
		return EVP_aria_128_gcm();
	case REF_ARIA_GCM_256:
		return EVP_aria_256_gcm();
	default:
		return NULL;
	}
}

static void evp_seal(const struct ref_text *text, uint8_t *inout)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t text_len = text->text_len;
	int len;

	ref_must(ctx && EVP_EncryptInit_ex(ctx, cipher_of(text->key), NULL, text->key->key,
					   text->nonce), "init");
	ref_must(EVP_EncryptUpdate(ctx, NULL, &len, text->aad, text->aad_len), "aad");
	ref_must(!text_len || EVP_EncryptUpdate(ctx, inout, &len, inout, text_len), "text");
	ref_must(EVP_EncryptFinal_ex(ctx, inout + text_len, &len), "final");
	ref_must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, REF_TAG_LEN, inout + text_len),
		 "tag");
	EVP_CIPHER_CTX_free(ctx);
}

static bool evp_open(const struct ref_text *text, const uint8_t *in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tag[REF_TAG_LEN], rest[REF_TAG_LEN];
	size_t text_len = text->text_len;
	bool ok;
	int len;

	memcpy(tag, in + text_len, sizeof(tag));
	ref_must(ctx && EVP_DecryptInit_ex(ctx, cipher_of(text->key), NULL, text->key->key,
					   text->nonce), "init");
	ref_must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, REF_TAG_LEN, tag), "tag");
	ref_must(EVP_DecryptUpdate(ctx, NULL, &len, text->aad, text->aad_len), "aad");
	ref_must(!text_len || EVP_DecryptUpdate(ctx, out, &len, in, text_len), "text");
	ok = EVP_DecryptFinal_ex(ctx, rest, &len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static const struct ref_aead evp_aead = { evp_seal, evp_open };

const struct ref_aead *ref_aeads[REF_CIPHER_COUNT] = {
	[REF_AES_GCM_128] = &evp_aead,
	[REF_AES_GCM_256] = &evp_aead,
	[REF_CHACHA20_POLY1305] = &evp_aead,
	[REF_ARIA_GCM_128] = &evp_aead,
	[REF_ARIA_GCM_256] = &evp_aead,
};
