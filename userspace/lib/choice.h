/* SPDX-License-Identifier: MIT */
/*
 * What the config side knows about one SSL object: which config serves it, the
 * server name asked for, and why its peer was not accepted. Hangs on the
 * SSL object and dies with it. Belongs to the thread of the connection.
 */
#ifndef KTLSX_CHOICE_H
#define KTLSX_CHOICE_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "config.h"

/**
 * struct ktlsx_choice - see above
 * @made_of: the connection's own config
 * @config: serves this connection: @made_of, or one it branches to
 * @is_chosen: the client's first hello has been looked at
 * @server_name: SNI, lower case, "" without; not kept by clients
 * @context: session id context, see resumption.c
 * @cause: why the peer was not accepted; "" when OpenSSL knows
 */
struct ktlsx_choice {
	const struct ktlsx_config *made_of;
	const struct ktlsx_config *config;
	bool is_chosen;
	char server_name[256];
	uint8_t context[KTLSX_DIGEST_LEN];
	char cause[128];
};

int ktlsx_choice_attach(SSL *ssl, const struct ktlsx_config *config);
struct ktlsx_choice *ktlsx_choice_of(const SSL *ssl);

/* For the connection side. */
const struct ktlsx_config *ktlsx_choice_config(const SSL *ssl);
const char *ktlsx_choice_server_name(const SSL *ssl);
const char *ktlsx_trust_cause(const SSL *ssl);
bool ktlsx_resumption_may_use(const SSL *ssl, const SSL_SESSION *session);

#endif /* KTLSX_CHOICE_H */
