/* SPDX-License-Identifier: MIT */
/*
 * From secrets to keys: the TLS 1.2 key block, HKDF-Expand-Label, the kernel's
 * crypto_info structs, exporters. Pure: no socket, no SSL object. All results
 * go to the caller's slot of the vault, or to where the caller says.
 * Spec: RFC 5246 sections 5 and 6.3, RFC 8446 sections 7.1 to 7.5, RFC 5705.
 */
#ifndef KTLSX_KEYS_H
#define KTLSX_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "suite.h"
#include "vault.h"

#define KTLSX_TRAFFIC_KEY_LEN_MAX 32
#define KTLSX_IV_LEN 12
#define KTLSX_CRYPTO_INFO_LEN_MAX 56

/* A key and IV; to be kept in a vault slot only (it fits into @scratch). */
struct ktlsx_traffic_key {
	uint8_t key[KTLSX_TRAFFIC_KEY_LEN_MAX];
	uint8_t iv[KTLSX_IV_LEN];	/* TLS 1.2 GCM: salt in the first 4 bytes */
};

/**
 * struct ktlsx_scratch - how @scratch of a slot is used, by keys.c and its callers
 * @client: key of what the client sends (TLS 1.2); of the one direction (TLS 1.3)
 * @server: key of what the server sends (TLS 1.2)
 * @block: key block, exporter secret, next traffic secret
 * @info: crypto_info struct
 */
struct ktlsx_scratch {
	struct ktlsx_traffic_key client;
	struct ktlsx_traffic_key server;
	uint8_t block[96];
	uint8_t info[KTLSX_CRYPTO_INFO_LEN_MAX];
};

struct ktlsx_scratch *ktlsx_keys_scratch(struct ktlsx_secrets *secrets);
int ktlsx_keys_expand(const struct ktlsx_suite *suite, const uint8_t *secret,
		      const char *label, const uint8_t *context, size_t context_len,
		      uint8_t *out, size_t out_len);
int ktlsx_keys_traffic13(const struct ktlsx_suite *suite, const uint8_t *secret,
			 struct ktlsx_traffic_key *out);
int ktlsx_keys_next13(const struct ktlsx_suite *suite, const uint8_t *secret, uint8_t *next);
int ktlsx_keys_traffic12(const struct ktlsx_suite *suite, struct ktlsx_secrets *secrets,
			 struct ktlsx_traffic_key *client, struct ktlsx_traffic_key *server);
int ktlsx_keys_export(const struct ktlsx_suite *suite, struct ktlsx_secrets *secrets,
		      const char *label, const uint8_t *context, size_t context_len,
		      uint8_t *out, size_t out_len);
int ktlsx_keys_crypto_info(const struct ktlsx_suite *suite, const struct ktlsx_traffic_key *key,
			   uint64_t explicit_nonce, uint64_t seq, uint8_t *info, size_t size);

#endif /* KTLSX_KEYS_H */
