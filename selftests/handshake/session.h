/* SPDX-License-Identifier: MIT */
/*
 * Owns: one connection of the library to one peer: made, handshaken, used in
 * both directions through the descriptor.
 * Must not know: what a test checks beyond that.
 * Concurrency: a session belongs to one thread.
 * Follows: ktlsx.h; include ../ktap.h first.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../userspace/include/ktlsx.h"
#include "dialect.h"
#include "kernel.h"
#include "peer.h"
#include "pki.h"

/* More than two full records, and not a multiple of anything. */
#define SESSION_DATA_LEN	40007

struct session {
	struct ktlsx_config *config;
	struct ktlsx_conn *conn;
	enum dialect_program program;	/* of the peer */
	enum ktlsx_role role;		/* of the library */
	int fd;
	int listener;
	uint16_t port;
	struct peer peer;
	size_t out_base;	/* what the peer had printed before this connection */
};

struct ktlsx_config *session_client_config(void);
struct ktlsx_config *session_server_config(const char *cert);
void session_add_chain(struct ktlsx_config *config, const char *cert);

void session_open(struct session *session, enum ktlsx_role role, struct ktlsx_config *config,
		  const struct dialect_wish *wish);
void session_restart_peer(struct session *session, const struct dialect_wish *wish);
int session_dial(struct session *session);
void session_take(struct session *session, int fd, const char *name);
void session_tcp(struct session *session, const char *name);
int session_handshake(struct session *session, const char *name);
void session_complete(struct session *session);
void session_exchange(struct session *session);
void session_hang_up(struct session *session);
void session_come_back(struct session *session, const uint8_t *bytes, size_t len);
void session_show(struct session *session);
void session_close(struct session *session);
void session_end(struct session *session);

/* Text of an error must name something. */
#define EXPECT_TEXT(text, part) do {				\
	const char *text_is = (text);				\
	if (!strstr(text_is, part))				\
		ktap_diag("the text is \"%s\"", text_is);	\
	EXPECT_TRUE(strstr(text_is, part));			\
} while (0)

#define EXPECT_STREQ(a, b) do {					\
	const char *str_a = (a), *str_b = (b);			\
	bool str_same = str_a && str_b && !strcmp(str_a, str_b);	\
	if (!str_same)						\
		ktap_diag(#a " is \"%s\", not \"%s\"",		\
			  str_a ? str_a : "(null)", str_b ? str_b : "(null)");	\
	EXPECT_TRUE(str_same);					\
} while (0)

#endif
