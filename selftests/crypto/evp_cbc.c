// SPDX-License-Identifier: MIT
/*
 * Owns the independent reference for SM4-CBC with HMAC-SM3: OpenSSL's SM4-CBC and HMAC, with a
 * padding of any length.
 * Must not know: our engines. Concurrency: one context a thread.
 */
#include "evp_cbc.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#define MAC_LEN 32
#define HEADER_MAX (13 + 2)

static void must(int ok, const char *what)
{
	if (ok > 0)
		return;
	printf("Bail out! OpenSSL: %s\n", what);
	exit(1);
}

/* Spec: GB/T 38636 section 6.3.3.4.2, which is RFC 5246 section 6.2.3.1 */
static void mac(const struct evp_record *r, const uint8_t *content, size_t len,
		uint8_t out[MAC_LEN])
{
	uint8_t *message = malloc(HEADER_MAX + len);
	unsigned int out_len = MAC_LEN;

	must(!!message, "memory");
	memcpy(message, r->aad, r->aad_len);
	message[r->aad_len] = (uint8_t)(len >> 8);
	message[r->aad_len + 1] = (uint8_t)len;
	memcpy(message + r->aad_len + 2, content, len);
	must(!!HMAC(EVP_sm3(), r->raw, MAC_LEN, message, r->aad_len + 2 + len, out, &out_len),
	     "HMAC-SM3");
	free(message);
}

static void cbc(EVP_CIPHER_CTX *ctx, const struct evp_record *r, const uint8_t *in, int sealing)
{
	int n = 0;

	must(EVP_CipherInit_ex(ctx, EVP_sm4_cbc(), NULL, r->raw + MAC_LEN, r->nonce, sealing),
	     "SM4-CBC");
	must(EVP_CIPHER_CTX_set_padding(ctx, 0), "padding");
	must(EVP_CipherUpdate(ctx, r->out, &n, in, (int)r->sealed_len), "text");
	must(n == (int)r->sealed_len, "length");
}

void evp_cbc_seal(EVP_CIPHER_CTX *ctx, const struct evp_record *r)
{
	size_t padding = r->sealed_len - r->text_len - MAC_LEN;
	uint8_t *inner = malloc(r->sealed_len);

	must(!!inner, "memory");
	memcpy(inner, r->in, r->text_len);
	mac(r, r->in, r->text_len, inner + r->text_len);
	memset(inner + r->text_len + MAC_LEN, (int)padding - 1, padding);
	cbc(ctx, r, inner, 1);
	free(inner);
}

void evp_cbc_encrypt(EVP_CIPHER_CTX *ctx, const struct evp_record *r)
{
	cbc(ctx, r, r->in, 1);
}

bool evp_cbc_open(EVP_CIPHER_CTX *ctx, const struct evp_record *r)
{
	uint8_t expected[MAC_LEN], last;
	size_t i, len;

	if (r->sealed_len < MAC_LEN + 16 || r->sealed_len % 16)
		return false;
	cbc(ctx, r, r->in, 0);
	last = r->out[r->sealed_len - 1];
	if (last + 1u + MAC_LEN > r->sealed_len)
		return false;
	for (i = 0; i < last; i++)
		if (r->out[r->sealed_len - 2 - i] != last)
			return false;
	len = r->sealed_len - MAC_LEN - last - 1;
	mac(r, r->out, len, expected);
	return !memcmp(expected, r->out + len, MAC_LEN);
}
