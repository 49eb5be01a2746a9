// SPDX-License-Identifier: MIT
/*
 * Owns the record ciphers by OpenSSL's EVP, as a TLS library would call it for records.
 * Must not know: our engines. Concurrency: a session belongs to one thread.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "bench.h"

struct session {
	const struct ktlsx_aead *aead;
	const char *mode;	/* "gcm", "ccm", "cbc", "ctr" or "" */
	EVP_CIPHER_CTX *sealing;
	EVP_CIPHER_CTX *opening;
	EVP_MAC_CTX *mac;
};

static void must(int ok)
{
	if (ok > 0)
		return;
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void init(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const struct session *s,
		 const u8 *raw, int sealing)
{
	must(EVP_CipherInit_ex(ctx, cipher, NULL, NULL, NULL, sealing));
	if (!strcmp(s->mode, "ccm")) {
		must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, s->aead->nonce_len, NULL));
		must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, s->aead->tag_len, NULL));
	}
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	must(EVP_CipherInit_ex(ctx, NULL, NULL, raw + s->aead->mac_len, bench_nonce, sealing));
}

static EVP_MAC_CTX *start_mac(const char *digest, const u8 *raw, size_t len)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };
	char name[32];

	snprintf(name, sizeof(name), "%s", digest);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
	must(EVP_MAC_init(mac, raw, len, params));
	EVP_MAC_free(hmac);
	return mac;
}

/* Names of ciphers are the algorithms' own, in any case. */
static EVP_CIPHER *fetch(const struct ktlsx_aead *aead, const char **mode, const char **only)
{
	static char name[48];
	EVP_CIPHER *cipher;

	bench_cipher_name(aead, name, mode);
	cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	if (cipher || (strcmp(*mode, "gcm") && strcmp(*mode, "ccm")))
		return cipher;
	/* the cipher without the mode's MAC is at least a measure */
	memcpy(name + strlen(name) - 3, "ctr", 3);
	*mode = "ctr";
	*only = name;
	return EVP_CIPHER_fetch(NULL, name, NULL);
}

static void *start(const struct ktlsx_aead *aead, const u8 *raw, const char **only)
{
	const char *mode;
	EVP_CIPHER *cipher = fetch(aead, &mode, only);
	struct session *s;

	if (!cipher)
		return NULL;
	s = calloc(1, sizeof(*s));
	must(!!s);
	s->aead = aead;
	s->mode = mode;
	s->sealing = EVP_CIPHER_CTX_new();
	s->opening = EVP_CIPHER_CTX_new();
	must(s->sealing && s->opening);
	init(s->sealing, cipher, s, raw, 1);
	init(s->opening, cipher, s, raw, 0);
	if (aead->mac_len)
		s->mac = start_mac(strstr(aead->name, "-cbc-") + 5, raw, aead->mac_len);
	EVP_CIPHER_free(cipher);
	return s;
}

static void hmac(const struct session *s, const u8 *text, size_t len, u8 *out)
{
	const u8 coded_len[2] = { (u8)(len >> 8), (u8)len };
	size_t out_len;

	must(EVP_MAC_init(s->mac, NULL, 0, NULL));
	must(EVP_MAC_update(s->mac, bench_aad, bench_aad_len(s->aead)));
	must(EVP_MAC_update(s->mac, coded_len, sizeof(coded_len)));
	must(EVP_MAC_update(s->mac, text, len));
	must(EVP_MAC_final(s->mac, out, &out_len, s->aead->mac_len));
}

/* MAC, padding, encryption: whole blocks straight from the source. */
static void seal_cbc(const struct session *s, const struct bench_record *r)
{
	size_t whole = r->len / 16 * 16, sealed = ktlsx_aead_sealed_len(s->aead, r->len);
	size_t tail = r->len - whole + s->aead->mac_len, pad = sealed - whole - tail;
	u8 end[96];
	int n;

	memcpy(end, r->in + whole, r->len - whole);
	hmac(s, r->in, r->len, end + r->len - whole);
	memset(end + tail, (int)pad - 1, pad);
	must(EVP_CipherInit_ex(s->sealing, NULL, NULL, NULL, bench_nonce, -1));
	must(!whole || EVP_CipherUpdate(s->sealing, r->out, &n, r->in, (int)whole));
	must(EVP_CipherUpdate(s->sealing, r->out + whole, &n, end, (int)(tail + pad)));
}

/* Not in constant time, as a library must: it has it easier than we. */
static void open_cbc(const struct session *s, const struct bench_record *r)
{
	size_t sealed = ktlsx_aead_sealed_len(s->aead, r->len);
	u8 mac[EVP_MAX_MD_SIZE];
	int n;

	must(EVP_CipherInit_ex(s->opening, NULL, NULL, NULL, bench_nonce, -1));
	must(EVP_CipherUpdate(s->opening, r->out, &n, r->in, (int)sealed));
	hmac(s, r->out, r->len, mac);
	must(!memcmp(mac, r->out + r->len, s->aead->mac_len));
}

static void update(const struct session *s, EVP_CIPHER_CTX *ctx, const struct bench_record *r)
{
	int n;

	if (!strcmp(s->mode, "ccm"))
		must(EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)r->len));
	if (strcmp(s->mode, "ctr"))
		must(EVP_CipherUpdate(ctx, NULL, &n, bench_aad, (int)bench_aad_len(s->aead)));
	must(EVP_CipherUpdate(ctx, r->out, &n, r->in, (int)r->len));
}

static void seal(void *session, const struct bench_record *r)
{
	const struct session *s = session;
	u8 none[16];
	int n;

	if (s->mac) {
		seal_cbc(s, r);
		return;
	}
	must(EVP_CipherInit_ex(s->sealing, NULL, NULL, NULL, bench_nonce, -1));
	update(s, s->sealing, r);
	must(EVP_CipherFinal_ex(s->sealing, none, &n));
	if (strcmp(s->mode, "ctr"))
		must(EVP_CIPHER_CTX_ctrl(s->sealing, EVP_CTRL_AEAD_GET_TAG, s->aead->tag_len,
					 r->tag));
}

static void open(void *session, const struct bench_record *r)
{
	const struct session *s = session;
	u8 none[16];
	int n;

	if (s->mac) {
		open_cbc(s, r);
		return;
	}
	must(EVP_CipherInit_ex(s->opening, NULL, NULL, NULL, bench_nonce, -1));
	if (strcmp(s->mode, "ctr"))
		must(EVP_CIPHER_CTX_ctrl(s->opening, EVP_CTRL_AEAD_SET_TAG, s->aead->tag_len,
					 r->tag));
	update(s, s->opening, r);
	/* CCM has verified already */
	if (strcmp(s->mode, "ccm"))
		must(EVP_CipherFinal_ex(s->opening, none, &n));
}

static void prepare(void *session, const u8 *raw)
{
	const struct session *s = session;

	must(EVP_CipherInit_ex(s->sealing, NULL, NULL, raw + s->aead->mac_len, bench_nonce, -1));
	if (s->mac)
		must(EVP_MAC_init(s->mac, raw, s->aead->mac_len, NULL));
}

static void stop(void *session)
{
	struct session *s = session;

	EVP_CIPHER_CTX_free(s->sealing);
	EVP_CIPHER_CTX_free(s->opening);
	EVP_MAC_CTX_free(s->mac);
	free(s);
}

static const char *version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

const struct bench_rival bench_openssl = {
	.name = "openssl", .start = start, .seal = seal, .open = open, .prepare = prepare,
	.stop = stop, .version = version,
};
