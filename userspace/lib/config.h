/* SPDX-License-Identifier: MIT */
/*
 * A config: what the user chose, and the SSL_CTX made of it, setter by setter.
 * Knows no connection. Built by one thread; frozen when the first connection
 * is made; after that only @refs changes.
 */
#ifndef KTLSX_CONFIG_H
#define KTLSX_CONFIG_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/ktlsx.h"
#include "error.h"
#include "vault.h"

#define KTLSX_DIGEST_LEN 32

struct ktlsx_branch;	/* branch.c: another config, by SNI and ALPN */
struct ktlsx_chain;	/* chain.c: a certificate in use, and what to staple */
struct ktlsx_psk;	/* psk.c */

/**
 * struct ktlsx_config - see ktlsx.h
 * @error: of the last setter, or of freezing
 * @mutex: for freezing
 * @refs: the user's, one a connection, one for each config that branches here
 * @role: client or server
 * @is_frozen: setters answer EBUSY
 * @saved_errno: the caller's, while a setter runs
 * @ctx: made in ktlsx_config_new(), shaped by setters, finished by freezing
 * @vault: secrets of all connections of this config
 * @peer_len_max: bytes that a peer may send in a handshake
 * @timeout_ms: how long one may take
 * @may_fall_back: ktlsx_config_allow_fallback()
 * @keylog_fd: -1 without
 *
 * The rest is for the files of the config side alone: offer.c, alpn.c,
 * chain.c, trust.c and peer.c, ocsp.c, resumption.c, psk.c, branch.c, in this
 * order.
 */
struct ktlsx_config {
	struct ktlsx_error error;
	pthread_mutex_t mutex;
	atomic_uint refs;
	enum ktlsx_role role;
	bool is_frozen;
	int saved_errno;
	SSL_CTX *ctx;
	struct ktlsx_vault *vault;
	size_t peer_len_max;
	unsigned int timeout_ms;
	bool may_fall_back;
	int keylog_fd;
	atomic_bool lacks_kernel;	/* install.c: probed with @may_fall_back: in vain */

	uint16_t version_min;
	uint16_t version_max;
	char *suites;			/* as set; NULL: the default */
	bool allows_rsa_exchange;
	char *groups;			/* as set; NULL: the default */
	uint8_t *alpn;			/* wire form: length, name, ... */
	size_t alpn_len;

	struct ktlsx_chain *chains;

	enum ktlsx_client_auth client_auth;
	bool has_trust;
	bool is_unverified;		/* ktlsx_config_insecure_no_verify() */
	uint8_t trust_digest[KTLSX_DIGEST_LEN];
	struct stack_st_X509_CRL *crls;
	uint8_t (*pins)[KTLSX_DIGEST_LEN];
	unsigned int pin_count;

	enum ktlsx_ocsp ocsp;

	enum ktlsx_resume resume;
	unsigned int ticket_count;
	bool caches_sessions;		/* itself, or for a config it branches to */
	uint8_t identity[KTLSX_DIGEST_LEN];	/* what a session must not outlive */
	struct ktlsx_psk *psk;

	struct ktlsx_branch *branches;
	struct ktlsx_config *sha1_server;
	bool may_sign_sha1;		/* is the sha1_server of another config */
};

int ktlsx_config_freeze(struct ktlsx_config *config, struct ktlsx_error *error);
struct ktlsx_config *ktlsx_config_get(struct ktlsx_config *config);
int ktlsx_config_ssl(struct ktlsx_config *config, const char *name, SSL **ssl,
		     struct ktlsx_error *error);

/* A setter is: if (!enter) return -EBUSY; return leave(config, its work). */
bool ktlsx_config_enter(struct ktlsx_config *config);
int ktlsx_config_leave(struct ktlsx_config *config, int err);
int ktlsx_config_need_role(struct ktlsx_config *config, enum ktlsx_role role, const char *what);

#endif /* KTLSX_CONFIG_H */
