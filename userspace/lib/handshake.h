/* SPDX-License-Identifier: MIT */
/*
 * What OpenSSL tells while it shakes hands: the callbacks that the config side
 * installs into an SSL_CTX, and conn.c into an SSL. The connection is found by
 * SSL_get_app_data(). Called in the thread of the connection.
 */
#ifndef KTLSX_HANDSHAKE_H
#define KTLSX_HANDSHAKE_H

#include <stddef.h>

struct ssl_st;	/* SSL */

void ktlsx_handshake_keylog(const struct ssl_st *ssl, const char *line);
void ktlsx_handshake_message(int is_written, int version, int type, const void *bytes,
			     size_t len, struct ssl_st *ssl, void *arg);

#endif /* KTLSX_HANDSHAKE_H */
