/* SPDX-License-Identifier: MIT */
/*
 * Owns: how one wish for a peer is spelt for OpenSSL's and for GnuTLS's command.
 * Must not know: the library, what a test checks.
 * Concurrency: pure.
 * Follows: openssl-s_client(1), openssl-s_server(1), gnutls-cli(1), gnutls-serv(1).
 */
#ifndef DIALECT_H
#define DIALECT_H

#include <stdint.h>

#include "peer.h"

enum dialect_program { OPENSSL, GNUTLS };

/* What is NULL or 0 is left to the program. */
struct dialect_wish {
	enum dialect_program program;
	uint16_t version;	/* 0x0303, 0x0304 */
	const char *group;	/* "P-256", "X25519", more separated by ":" */
	const char *suite;	/* OpenSSL's name */
	const char *cert;	/* its own, a name of pki.h */
	const char *trust;	/* file of pki.h; "": verifies nothing */
	const char *name;	/* client: the server's name, default localhost */
	const char *alpn;
	const char *more;	/* words added as they are */
	const char *priority;	/* GnuTLS: added to its priority string */
	bool asks_certificate;	/* server: wants one, and it must verify */
	bool is_chatty;		/* prints more, takes commands; else pure data */
};

const char *dialect_words(const char *format, ...) __attribute__((format(printf, 1, 2)));
void dialect_client(struct peer_args *args, const struct dialect_wish *wish, uint16_t port);
void dialect_server(struct peer_args *args, const struct dialect_wish *wish, uint16_t port);

#endif
