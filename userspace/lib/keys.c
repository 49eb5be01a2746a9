// SPDX-License-Identifier: MIT
/*
 * Owns: every derivation from a secret to a key, and the layout of the kernel's
 * crypto_info structs. Must not know: sockets, SSL objects, connections.
 * Concurrency: pure functions over the caller's slot.
 * Spec: RFC 5246 sections 5 and 6.3, RFC 8446 sections 7.1 to 7.5, RFC 5705.
 */
#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#include <linux/ktlsx.h>

#include "keys.h"

#define LABEL_LEN_MAX 249	/* 255 less "tls13 " */
#define CONTEXT_LEN_MAX 255
#define TLS12 0x0303
#define EXPORT12_LEN_MAX 1000	/* label, randoms, context: what OpenSSL 3.0 takes as one seed */

static_assert(sizeof(struct ktlsx_scratch) <= KTLSX_BLOCK_LEN_MAX, "scratch of a slot");

/* Where a kernel cipher's crypto_info has what; salt and iv are the 12-byte IV, in this order. */
struct layout {
	uint16_t cipher_type;
	uint8_t len;
	uint8_t key_len;
	uint8_t salt_len;
	uint8_t iv_len;
	uint8_t iv_off;
	uint8_t key_off;
	uint8_t salt_off;
	uint8_t seq_off;
};

#define LAYOUT(id, type) { \
	.cipher_type = id, .len = sizeof(struct type), .key_len = id##_KEY_SIZE, \
	.salt_len = id##_SALT_SIZE, .iv_len = id##_IV_SIZE, \
	.iv_off = offsetof(struct type, iv), .key_off = offsetof(struct type, key), \
	.salt_off = offsetof(struct type, salt), .seq_off = offsetof(struct type, rec_seq) }

static const struct layout layouts[] = {
	LAYOUT(TLS_CIPHER_AES_GCM_128, tls12_crypto_info_aes_gcm_128),
	LAYOUT(TLS_CIPHER_AES_GCM_256, tls12_crypto_info_aes_gcm_256),
	LAYOUT(TLS_CIPHER_AES_CCM_128, tls12_crypto_info_aes_ccm_128),
	LAYOUT(TLS_CIPHER_CHACHA20_POLY1305, tls12_crypto_info_chacha20_poly1305),
	LAYOUT(TLS_CIPHER_SM4_GCM, tls12_crypto_info_sm4_gcm),
	LAYOUT(TLS_CIPHER_SM4_CCM, tls12_crypto_info_sm4_ccm),
	LAYOUT(TLS_CIPHER_ARIA_GCM_128, tls12_crypto_info_aria_gcm_128),
	LAYOUT(TLS_CIPHER_ARIA_GCM_256, tls12_crypto_info_aria_gcm_256),
};

static_assert(sizeof(struct tls12_crypto_info_aes_gcm_256) <= KTLSX_CRYPTO_INFO_LEN_MAX, "info");
static_assert(sizeof(struct tls12_crypto_info_chacha20_poly1305) <= KTLSX_CRYPTO_INFO_LEN_MAX,
	      "info");
static_assert(sizeof(struct tls12_crypto_info_aria_gcm_256) <= KTLSX_CRYPTO_INFO_LEN_MAX, "info");

static const struct layout *layout_of(uint16_t cipher_type)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].cipher_type == cipher_type)
			return &layouts[i];
	return NULL;
}

static void put64(uint8_t *out, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		out[i] = value;
}

/* OpenSSL wipes its copy of the secret with the context. */
static int derive(const char *kdf_name, const OSSL_PARAM *params, uint8_t *out, size_t out_len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, kdf_name, NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	int err = -ENOMEM;

	EVP_KDF_free(kdf);
	if (ctx)
		err = EVP_KDF_derive(ctx, out, out_len, params) > 0 ? 0 : -EIO;
	EVP_KDF_CTX_free(ctx);
	return err;
}

static OSSL_PARAM text_param(const char *key, const char *text)
{
	return OSSL_PARAM_construct_utf8_string(key, (char *)text, 0);
}

static OSSL_PARAM bytes_param(const char *key, const void *bytes, size_t len)
{
	return OSSL_PARAM_construct_octet_string(key, (void *)bytes, len);
}

/**
 * ktlsx_keys_scratch() - the scratch of a slot
 * @secrets: the slot
 *
 * Return: the scratch; whoever used it wipes it.
 */
struct ktlsx_scratch *ktlsx_keys_scratch(struct ktlsx_secrets *secrets)
{
	return (struct ktlsx_scratch *)secrets->scratch;
}

/**
 * ktlsx_keys_expand() - HKDF-Expand-Label
 * @suite: says which hash
 * @secret: as many bytes as that hash has
 * @label: without "tls13 "
 * @context: may be NULL when @context_len is 0
 * @context_len: at most 255
 * @out: result
 * @out_len: its bytes
 *
 * Return: 0; -EINVAL a length; -ENOMEM; -EIO OpenSSL failed.
 * Spec: RFC 8446 section 7.1.
 */
int ktlsx_keys_expand(const struct ktlsx_suite *suite, const uint8_t *secret,
		      const char *label, const uint8_t *context, size_t context_len,
		      uint8_t *out, size_t out_len)
{
	static const char prefix[] = "tls13 ";
	uint8_t info[2 + 1 + sizeof(prefix) - 1 + LABEL_LEN_MAX + 1 + CONTEXT_LEN_MAX], *p = info;
	size_t label_len = strlen(label);
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[5];

	if (label_len > LABEL_LEN_MAX || context_len > CONTEXT_LEN_MAX || out_len > UINT16_MAX)
		return -EINVAL;
	*p++ = out_len >> 8;
	*p++ = out_len;
	*p++ = sizeof(prefix) - 1 + label_len;
	p = mempcpy(p, prefix, sizeof(prefix) - 1);
	p = mempcpy(p, label, label_len);
	*p++ = context_len;
	if (context_len)
		p = mempcpy(p, context, context_len);
	params[0] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	params[1] = text_param(OSSL_KDF_PARAM_DIGEST, suite->digest);
	params[2] = bytes_param(OSSL_KDF_PARAM_KEY, secret, suite->digest_len);
	params[3] = bytes_param(OSSL_KDF_PARAM_INFO, info, p - info);
	params[4] = OSSL_PARAM_construct_end();
	return derive("HKDF", params, out, out_len);
}

/**
 * ktlsx_keys_traffic13() - key and IV of a traffic secret
 * @suite: negotiated suite
 * @secret: application traffic secret
 * @out: in a vault slot
 *
 * Return: as ktlsx_keys_expand().
 * Spec: RFC 8446 section 7.3.
 */
int ktlsx_keys_traffic13(const struct ktlsx_suite *suite, const uint8_t *secret,
			 struct ktlsx_traffic_key *out)
{
	int err = ktlsx_keys_expand(suite, secret, "key", NULL, 0, out->key, suite->key_len);

	return err ? err : ktlsx_keys_expand(suite, secret, "iv", NULL, 0, out->iv, KTLSX_IV_LEN);
}

/**
 * ktlsx_keys_next13() - the traffic secret after a KeyUpdate
 * @suite: negotiated suite
 * @secret: application traffic secret in use
 * @next: in a vault slot; may be @secret
 *
 * Return: as ktlsx_keys_expand(); on error @next is not to be used.
 * Spec: RFC 8446 section 7.2.
 */
int ktlsx_keys_next13(const struct ktlsx_suite *suite, const uint8_t *secret, uint8_t *next)
{
	return ktlsx_keys_expand(suite, secret, "traffic upd", NULL, 0, next, suite->digest_len);
}

/* PRF(master, label || first || second || rest). */
static int prf12(const struct ktlsx_suite *suite, const struct ktlsx_secrets *secrets,
		 const char *label, const uint8_t *first, const uint8_t *second,
		 const uint8_t *rest, size_t rest_len, uint8_t *out, size_t out_len)
{
	OSSL_PARAM params[7], *p = params;

	*p++ = text_param(OSSL_KDF_PARAM_DIGEST, suite->digest);
	*p++ = bytes_param(OSSL_KDF_PARAM_SECRET, secrets->master, sizeof(secrets->master));
	*p++ = bytes_param(OSSL_KDF_PARAM_SEED, label, strlen(label));
	*p++ = bytes_param(OSSL_KDF_PARAM_SEED, first, KTLSX_RANDOM_LEN);
	*p++ = bytes_param(OSSL_KDF_PARAM_SEED, second, KTLSX_RANDOM_LEN);
	if (rest_len)
		*p++ = bytes_param(OSSL_KDF_PARAM_SEED, rest, rest_len);
	*p = OSSL_PARAM_construct_end();
	return derive("TLS1-PRF", params, out, out_len);
}

/**
 * ktlsx_keys_traffic12() - the key block, cut into keys and IVs
 * @suite: negotiated suite, an AEAD
 * @secrets: master secret and randoms; its scratch block is used
 * @client: key of what the client sends, in a vault slot
 * @server: key of what the server sends, in a vault slot
 *
 * Return: 0; -EOPNOTSUPP no kernel cipher is this suite's; -ENOMEM; -EIO OpenSSL
 * failed.
 * Spec: RFC 5246 section 6.3, RFC 5288 section 3, RFC 7905 section 2.
 */
int ktlsx_keys_traffic12(const struct ktlsx_suite *suite, struct ktlsx_secrets *secrets,
			 struct ktlsx_traffic_key *client, struct ktlsx_traffic_key *server)
{
	const struct layout *layout = layout_of(suite->cipher_type);
	uint8_t *block = ktlsx_keys_scratch(secrets)->block;
	size_t fixed_len, len;
	int err;

	if (!layout)
		return -EOPNOTSUPP;
	fixed_len = layout->salt_len ? layout->salt_len : KTLSX_IV_LEN;
	len = 2 * (layout->key_len + fixed_len);
	err = prf12(suite, secrets, "key expansion", secrets->server_random,
		    secrets->client_random, NULL, 0, block, len);
	if (!err) {
		const uint8_t *p = block;

		memcpy(client->key, p, layout->key_len);
		memcpy(server->key, p += layout->key_len, layout->key_len);
		memcpy(client->iv, p += layout->key_len, fixed_len);
		memcpy(server->iv, p + fixed_len, fixed_len);
	}
	OPENSSL_cleanse(block, len);
	return err;
}

/* The PRF takes label, randoms, and with a context its length and bytes. */
static int export12(const struct ktlsx_suite *suite, const struct ktlsx_secrets *secrets,
		    const char *label, const uint8_t *context, size_t context_len,
		    uint8_t *out, size_t out_len)
{
	uint8_t rest[2 + EXPORT12_LEN_MAX];
	size_t label_len = strlen(label);

	if (label_len + 2 * KTLSX_RANDOM_LEN + sizeof(rest) - EXPORT12_LEN_MAX > EXPORT12_LEN_MAX ||
	    context_len > EXPORT12_LEN_MAX - label_len - 2 * KTLSX_RANDOM_LEN - 2)
		return -EINVAL;
	rest[0] = context_len >> 8;
	rest[1] = context_len;
	if (context_len)
		memcpy(rest + 2, context, context_len);
	return prf12(suite, secrets, label, secrets->client_random, secrets->server_random,
		     rest, context ? 2 + context_len : 0, out, out_len);
}

/* Derive-Secret(exporter secret, label, ""), then expanded over the context's hash. */
static int export13(const struct ktlsx_suite *suite, struct ktlsx_secrets *secrets,
		    const char *label, const uint8_t *context, size_t context_len,
		    uint8_t *out, size_t out_len)
{
	uint8_t *secret = ktlsx_keys_scratch(secrets)->block;
	uint8_t hash[EVP_MAX_MD_SIZE];
	size_t hash_len;
	int err;

	if (!EVP_Q_digest(NULL, suite->digest, NULL, "", 0, hash, &hash_len))
		return -EIO;
	err = ktlsx_keys_expand(suite, secrets->exporter, label, hash, hash_len, secret, hash_len);
	if (!err && !EVP_Q_digest(NULL, suite->digest, NULL, context_len ? (void *)context : "",
				  context_len, hash, &hash_len))
		err = -EIO;
	if (!err)
		err = ktlsx_keys_expand(suite, secret, "exporter", hash, hash_len, out, out_len);
	OPENSSL_cleanse(secret, KTLSX_SECRET_LEN_MAX);
	return err;
}

/**
 * ktlsx_keys_export() - keying material for use outside TLS
 * @suite: negotiated suite
 * @secrets: master secret and randoms, or exporter secret; its scratch is used
 * @label: the exporter's label
 * @context: may be NULL, which TLS 1.2 tells from empty
 * @context_len: its bytes
 * @out: result, the caller's
 * @out_len: its bytes
 *
 * Return: 0; -EINVAL label, context or output is too long; -ENOMEM; -EIO OpenSSL
 * failed.
 * Spec: RFC 5705 section 4, RFC 8446 section 7.5.
 */
int ktlsx_keys_export(const struct ktlsx_suite *suite, struct ktlsx_secrets *secrets,
		      const char *label, const uint8_t *context, size_t context_len,
		      uint8_t *out, size_t out_len)
{
	if (!context)
		context_len = 0;
	if (suite->version == TLS12)
		return export12(suite, secrets, label, context, context_len, out, out_len);
	if (out_len > 255u * suite->digest_len)	/* HKDF-Expand */
		return -EINVAL;
	return export13(suite, secrets, label, context, context_len, out, out_len);
}

/**
 * ktlsx_keys_crypto_info() - the struct that TLS_TX and TLS_RX take
 * @suite: negotiated suite
 * @key: key and IV of the direction
 * @explicit_nonce: of the next record; TLS 1.2 with a salt only
 * @seq: number of the next record
 * @info: in a vault slot
 * @size: of @info
 *
 * Return: bytes written; -EOPNOTSUPP no kernel cipher is this suite's; -EINVAL
 * @size is too small.
 */
int ktlsx_keys_crypto_info(const struct ktlsx_suite *suite, const struct ktlsx_traffic_key *key,
			   uint64_t explicit_nonce, uint64_t seq, uint8_t *info, size_t size)
{
	const struct layout *layout = layout_of(suite->cipher_type);
	struct tls_crypto_info head = { suite->version, suite->cipher_type };

	if (!layout)
		return -EOPNOTSUPP;
	if (size < layout->len)
		return -EINVAL;
	memset(info, 0, layout->len);
	memcpy(info, &head, sizeof(head));
	memcpy(info + layout->key_off, key->key, layout->key_len);
	memcpy(info + layout->salt_off, key->iv, layout->salt_len);
	if (suite->version == TLS12 && layout->salt_len)
		put64(info + layout->iv_off, explicit_nonce);
	else
		memcpy(info + layout->iv_off, key->iv + layout->salt_len, layout->iv_len);
	put64(info + layout->seq_off, seq);
	return layout->len;
}
