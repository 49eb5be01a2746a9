/* SPDX-License-Identifier: MIT */
/*
 * A config: what the user chose, and the SSL_CTX made of it, setter by setter.
 * Knows no connection. Built by one thread; frozen when the first connection
 * is made; after that only @refs changes, under the mutex.
 */
#ifndef KTLSX_CONFIG_H
#define KTLSX_CONFIG_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "../include/ktlsx.h"
#include "error.h"
#include "vault.h"

struct ktlsx_branch;	/* config_server.c: another config, by SNI and ALPN */
struct ktlsx_psk;	/* resumption.c */

/**
 * struct ktlsx_config - see ktlsx.h
 * @error: of the last setter, or of freezing
 * @mutex: for @refs and freezing
 * @refs: the user's, one a connection, one for each config that branches here
 * @role: client or server
 * @is_frozen: setters answer EBUSY
 * @frozen_err: what freezing answered
 * @ctx: made in ktlsx_config_new(), shaped by setters
 * @vault: secrets of all connections of this config
 * @peer_len_max: bytes that a peer may send in a handshake
 * @timeout_ms: how long one may take
 * @may_fall_back: ktlsx_config_allow_fallback()
 * @keylog_fd: -1 without
 *
 * The rest is for the files of the config side alone.
 */
struct ktlsx_config {
	struct ktlsx_error error;
	pthread_mutex_t mutex;
	unsigned int refs;
	enum ktlsx_role role;
	bool is_frozen;
	int frozen_err;
	SSL_CTX *ctx;
	struct ktlsx_vault *vault;
	size_t peer_len_max;
	unsigned int timeout_ms;
	bool may_fall_back;
	int keylog_fd;

	struct ktlsx_branch *branches;
	struct ktlsx_psk *psk;
	struct ktlsx_config *sha1_server;
	char *alpn;		/* wire form: length, name, ... */
	size_t alpn_len;
	enum ktlsx_client_auth client_auth;
	enum ktlsx_ocsp ocsp;
	enum ktlsx_resume resume;
	unsigned int ticket_count;
	bool has_trust;
	bool has_chain;
	bool is_unverified;	/* ktlsx_config_insecure_no_verify() */
	bool allows_rsa_exchange;
	char *suites;		/* as set, NULL: the default */
	unsigned char (*pins)[32];
	unsigned int pin_count;
};

int ktlsx_config_freeze(struct ktlsx_config *config);
void ktlsx_config_get(struct ktlsx_config *config);
int ktlsx_config_ssl(struct ktlsx_config *config, const char *name, SSL **ssl,
		     struct ktlsx_error *error);

#endif /* KTLSX_CONFIG_H */
