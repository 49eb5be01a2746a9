// SPDX-License-Identifier: MIT
/*
 * Owns the independent reference: OpenSSL's EVP as a one-call AEAD, and libgcrypt for what
 * OpenSSL lacks.
 * Must not know: our engines. Concurrency: one context a thread.
 */
#include "evp.h"
#include "evp_cbc.h"
#include "gcrypt.h"

#include <stdio.h>
#include <stdlib.h>

/* Fetched by name, once each: a name that OpenSSL does not know ends the test. */
static const char *const names[KTLSX_AEAD_COUNT] = {
	[KTLSX_AEAD_AES_128_GCM] = "AES-128-GCM",
	[KTLSX_AEAD_AES_256_GCM] = "AES-256-GCM",
	[KTLSX_AEAD_AES_128_CCM] = "AES-128-CCM",
	[KTLSX_AEAD_AES_256_CCM] = "AES-256-CCM",
	[KTLSX_AEAD_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
	[KTLSX_AEAD_ARIA_128_GCM] = "ARIA-128-GCM",
	[KTLSX_AEAD_ARIA_256_GCM] = "ARIA-256-GCM",
};

static void must(int ok, const char *what)
{
	if (ok > 0)
		return;
	printf("Bail out! OpenSSL: %s\n", what);
	exit(1);
}

static const EVP_CIPHER *cipher(enum ktlsx_aead_alg alg)
{
	static EVP_CIPHER *fetched[KTLSX_AEAD_COUNT];

	if (!fetched[alg])
		fetched[alg] = EVP_CIPHER_fetch(NULL, names[alg], NULL);
	must(!!fetched[alg], names[alg]);
	return fetched[alg];
}

static bool is_ccm(enum ktlsx_aead_alg alg)
{
	return alg == KTLSX_AEAD_AES_128_CCM || alg == KTLSX_AEAD_AES_256_CCM;
}

/* CCM wants all lengths, and on opening the tag, before it sees a byte. */
static void set_lengths(EVP_CIPHER_CTX *ctx, const struct evp_record *r, int sealing)
{
	uint8_t tag[KTLSX_AEAD_TAG_LEN];

	memcpy(tag, r->tag, sizeof(tag));
	must(EVP_CipherInit_ex(ctx, cipher(r->alg), NULL, NULL, NULL, sealing), "init");
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, KTLSX_AEAD_NONCE_LEN, NULL),
	     "nonce length");
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, KTLSX_AEAD_TAG_LEN,
				 sealing ? NULL : tag), "tag length");
}

/* Of CCM all that a record is made of in one call; false: the tag is wrong. */
static bool run_ccm(EVP_CIPHER_CTX *ctx, const struct evp_record *r, int sealing)
{
	static uint8_t nothing[1];
	int n = 0;

	set_lengths(ctx, r, sealing);
	must(EVP_CipherInit_ex(ctx, NULL, NULL, r->raw, r->nonce, sealing), "key");
	must(EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)r->text_len), "length");
	if (r->aad_len)
		must(EVP_CipherUpdate(ctx, NULL, &n, r->aad, (int)r->aad_len), "aad");
	return EVP_CipherUpdate(ctx, r->text_len ? r->out : nothing, &n,
				r->text_len ? r->in : nothing, (int)r->text_len) > 0;
}

static void run(EVP_CIPHER_CTX *ctx, const struct evp_record *r, int sealing)
{
	int n = 0;

	must(EVP_CipherInit_ex(ctx, cipher(r->alg), NULL, r->raw, r->nonce, sealing), "init");
	if (r->aad_len)
		must(EVP_CipherUpdate(ctx, NULL, &n, r->aad, (int)r->aad_len), "aad");
	if (r->text_len)
		must(EVP_CipherUpdate(ctx, r->out, &n, r->in, (int)r->text_len), "text");
}

void evp_seal(EVP_CIPHER_CTX *ctx, struct evp_record *r)
{
	uint8_t none[16];
	int n = 0;

	if (r->alg == KTLSX_AEAD_SM4_CBC_SM3) {
		evp_cbc_seal(ctx, r);
		return;
	}
	if (gcrypt_knows(r->alg)) {
		gcrypt_seal(r);
		return;
	}
	if (is_ccm(r->alg))
		must(run_ccm(ctx, r, 1), "ccm");
	else
		run(ctx, r, 1);
	must(EVP_CipherFinal_ex(ctx, none, &n), "final");
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, KTLSX_AEAD_TAG_LEN, r->tag), "tag");
}

bool evp_open(EVP_CIPHER_CTX *ctx, const struct evp_record *r)
{
	uint8_t none[16], tag[KTLSX_AEAD_TAG_LEN];
	int n = 0;

	if (r->alg == KTLSX_AEAD_SM4_CBC_SM3)
		return evp_cbc_open(ctx, r);
	if (gcrypt_knows(r->alg))
		return gcrypt_open(r);
	if (is_ccm(r->alg))
		return run_ccm(ctx, r, 0);
	memcpy(tag, r->tag, sizeof(tag));
	run(ctx, r, 0);
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, KTLSX_AEAD_TAG_LEN, tag), "set tag");
	return EVP_CipherFinal_ex(ctx, none, &n) > 0;
}
