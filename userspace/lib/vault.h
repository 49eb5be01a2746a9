/* SPDX-License-Identifier: MIT */
/*
 * The one place where secrets of ours live: locked pages that no core dump and
 * no child after fork() gets. A slot belongs to one connection. Knows nothing
 * of what the bytes mean. The vault has a mutex of its own; a slot has none.
 */
#ifndef KTLSX_VAULT_H
#define KTLSX_VAULT_H

#include <stdint.h>

#define KTLSX_SECRET_LEN_MAX 48	/* SHA-384 */
#define KTLSX_RANDOM_LEN 32
#define KTLSX_BLOCK_LEN_MAX 256	/* what keys.c makes out of secrets */

enum ktlsx_direction {
	KTLSX_RX,
	KTLSX_TX,
};

/**
 * struct ktlsx_secrets - what is secret about one connection
 * @traffic: application traffic secrets in use, by direction (TLS 1.3)
 * @first_rx: the RX traffic secret the handshake ended with: OpenSSL's own
 *	reading state still has it, see ticket.c (TLS 1.3)
 * @exporter: exporter master secret (TLS 1.3)
 * @master: master secret (TLS 1.2)
 * @client_random: from the hello; not secret, but an input of the PRF
 * @server_random: likewise
 * @scratch: key block, keys and crypto_info structs while they are made
 */
struct ktlsx_secrets {
	uint8_t traffic[2][KTLSX_SECRET_LEN_MAX];
	uint8_t first_rx[KTLSX_SECRET_LEN_MAX];
	uint8_t exporter[KTLSX_SECRET_LEN_MAX];
	uint8_t master[KTLSX_SECRET_LEN_MAX];
	uint8_t client_random[KTLSX_RANDOM_LEN];
	uint8_t server_random[KTLSX_RANDOM_LEN];
	uint8_t scratch[KTLSX_BLOCK_LEN_MAX];
};

struct ktlsx_vault;

int ktlsx_vault_new(struct ktlsx_vault **vault);
void ktlsx_vault_free(struct ktlsx_vault *vault);
int ktlsx_vault_take(struct ktlsx_vault *vault, struct ktlsx_secrets **secrets);
void ktlsx_vault_give(struct ktlsx_vault *vault, struct ktlsx_secrets *secrets);

#endif /* KTLSX_VAULT_H */
