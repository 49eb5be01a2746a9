// SPDX-License-Identifier: MIT
/*
 * Owns: the rows "tickets after the installation", "KeyUpdate", "renegotiation".
 * Must not know: how the library answers.
 * Concurrency: none.
 * Follows: RFC 8446 4.6, RFC 5246 7.4.1.1, RFC 5746.
 */
#include "../ktap.h"
#include "../conn.h"
#include "session.h"

#include <linux/ktlsx.h>

#define SESSION_SIZE	16384
#define ALL_FEATURES								\
	(KTLSX_FEATURE_CONTROL | KTLSX_FEATURE_KEYS_WRITE_ONLY | KTLSX_FEATURE_REKEY)

static bool can_rekey(int fd)
{
	struct ktlsx_features features = { 0 };
	socklen_t len = sizeof(features);

	ASSERT_EQ(getsockopt(fd, SOL_TLS, KTLSX_FEATURES, &features, &len), 0);
	return features.features & KTLSX_FEATURE_REKEY;
}

/* Tickets that ktlsx_read() meets between the data. */
FIXTURE(ticket) { struct session session; };
FIXTURE_VARIANT(ticket) { enum dialect_program program; const char *more; };
FIXTURE_VARIANT_ADD(ticket, two_of_openssl) = { OPENSSL, NULL };
FIXTURE_VARIANT_ADD(ticket, eight_of_openssl) = { OPENSSL, "-num_tickets 8" };
FIXTURE_VARIANT_ADD(ticket, of_gnutls) = { GNUTLS, NULL };
FIXTURE_SETUP(ticket)
{
	struct dialect_wish wish = {
		.program = variant->program, .version = 0x0304, .cert = "p256",
		.more = variant->more,
	};

	session_open(&self->session, KTLSX_CLIENT, session_client_config(), &wish);
	session_complete(&self->session);
}

TEST_F(ticket, that_ktlsx_read_meets)
{
	struct session *session = &self->session;
	uint8_t *bytes = malloc(SESSION_SIZE);
	struct ktlsx_info info;
	ssize_t len;
	char line[8];

	ASSERT_EQ(ktlsx_write(session->conn, "a line\n", 7), 7);
	if (variant->program == OPENSSL)
		ASSERT_EQ(write(session->peer.in, "a line\n", 7), 7);
	ASSERT_EQ(ktlsx_read(session->conn, line, sizeof(line)), 7);
	EXPECT_MEM_EQ(line, "a line\n", 7);
	if (variant->program == OPENSSL)
		EXPECT_TRUE(peer_await(&session->peer, PEER_OUT, "a line\n"));
	EXPECT_GT(ktlsx_session(session->conn, NULL, 0), 0);
	len = ktlsx_session(session->conn, bytes, SESSION_SIZE);
	ASSERT_GT(len, 0);
	session_come_back(session, bytes, len);
	ASSERT_EQ(ktlsx_info(session->conn, &info, sizeof(info)), 0);
	EXPECT_TRUE(info.is_resumed);
	session_exchange(session);
	session_close(session);
	free(bytes);
}

TEST(no_session_before_a_ticket)
{
	struct dialect_wish wish = {
		.program = OPENSSL, .version = 0x0304, .cert = "p256", .more = "-num_tickets 0",
	};
	struct session session;
	uint8_t bytes[16];

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_complete(&session);
	session_exchange(&session);
	EXPECT_EQ(ktlsx_session(session.conn, bytes, sizeof(bytes)), -ENODATA);
	session_close(&session);
}

/* With a module that changes keys, and with one that does not. */
FIXTURE(update) { struct session session; bool can_rekey; };
FIXTURE_VARIANT(update) { enum ktlsx_role role; bool has_rekey; };
FIXTURE_VARIANT_ADD(update, as_client) = { KTLSX_CLIENT, false };
FIXTURE_VARIANT_ADD(update, as_server) = { KTLSX_SERVER, false };
FIXTURE_VARIANT_ADD(update, as_client_where_the_module_rekeys) = { KTLSX_CLIENT, true };
FIXTURE_VARIANT_ADD(update, as_server_where_the_module_rekeys) = { KTLSX_SERVER, true };
FIXTURE_SETUP(update)
{
	bool is_server = variant->role == KTLSX_SERVER;
	struct dialect_wish wish = {
		.program = OPENSSL, .version = 0x0304, .cert = is_server ? NULL : "p256",
		.is_chatty = true,
	};

	/* A real module has what it has. */
	if (variant->has_rekey)
		kernel_set_features(ALL_FEATURES);
	session_open(&self->session, variant->role,
		     is_server ? session_server_config("p256") : session_client_config(), &wish);
	session_complete(&self->session);
	self->can_rekey = can_rekey(ktlsx_fd(self->session.conn));
	if (kernel_is_simulated())
		EXPECT_EQ(self->can_rekey, variant->has_rekey);
}

static void expect_line(struct session *session, const char *line)
{
	size_t len = strlen(line), done = 0;
	char got[100];

	while (done < len) {
		ssize_t ret = ktlsx_read(session->conn, got + done, len - done);

		if (ret <= 0)
			ktap_diag("ktlsx: %s", ktlsx_error(session->conn));
		ASSERT_GT(ret, 0);
		done += ret;
	}
	EXPECT_MEM_EQ(got, line, len);
}

static void peer_says(struct session *session, const char *line)
{
	ssize_t len = strlen(line);

	ASSERT_EQ(write(session->peer.in, line, len), len);
}

static void expect_heard(struct session *session, const char *line)
{
	ssize_t len = strlen(line);

	ASSERT_EQ(ktlsx_write(session->conn, line, len), len);
	if (!peer_await(&session->peer, PEER_OUT, line))
		session_show(session);
	EXPECT_TRUE(peer_await(&session->peer, PEER_OUT, line));
}

/* The command has sent its update, and says so. */
static void await_update(struct session *session)
{
	bool is_client = session->role == KTLSX_SERVER;

	EXPECT_TRUE(peer_await(&session->peer, is_client ? PEER_ERR : PEER_OUT,
			       is_client ? "KEYUPDATE" : "SSL_do_handshake -> 1"));
}

/* "K" asks for an update in return, "k" does not. */
TEST_F(update, from_the_peer)
{
	struct session *session = &self->session;
	char byte;

	expect_heard(session, "before the update\n");
	peer_says(session, "k\n");
	if (!self->can_rekey) {
		EXPECT_EQ(ktlsx_read(session->conn, &byte, 1), -EKEYEXPIRED);
		EXPECT_TEXT(ktlsx_error(session->conn), "KeyUpdate");
		session_close(session);
		return;
	}
	await_update(session);
	peer_says(session, "sealed with the second key\n");
	expect_line(session, "sealed with the second key\n");
	expect_heard(session, "after the update\n");
	session_close(session);
}

TEST_F(update, from_the_peer_that_wants_one_back)
{
	struct session *session = &self->session;
	char byte;

	expect_heard(session, "before the update\n");
	peer_says(session, "K\n");
	if (!self->can_rekey) {
		EXPECT_EQ(ktlsx_read(session->conn, &byte, 1), -EKEYEXPIRED);
		session_close(session);
		return;
	}
	await_update(session);
	peer_says(session, "sealed with the second key\n");
	expect_line(session, "sealed with the second key\n");
	expect_heard(session, "after both updates\n");
	session_close(session);
}

TEST_F(update, to_the_peer)
{
	struct session *session = &self->session;
	int ret;

	expect_heard(session, "before the update\n");
	ret = ktlsx_rekey(session->conn);
	if (!self->can_rekey) {
		EXPECT_EQ(ret, -EOPNOTSUPP);
		EXPECT_TRUE(*ktlsx_error(session->conn));
	} else {
		EXPECT_EQ(ret, 0);
	}
	expect_heard(session, "after the update\n");
	peer_says(session, "an answer\n");
	expect_line(session, "an answer\n");
	session_close(session);
}

TEST(rekey_of_tls12_is_refused)
{
	struct dialect_wish wish = { .program = OPENSSL, .version = 0x0303, .cert = "p256" };
	struct session session;

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_complete(&session);
	EXPECT_EQ(ktlsx_rekey(session.conn), -EOPNOTSUPP);
	EXPECT_TEXT(ktlsx_error(session.conn), "TLS 1.2");
	session_exchange(&session);
	session_close(&session);
}

/* What gnutls-serv sends before it hears the answer still arrives. */
TEST(renegotiation_asked_by_gnutls_server)
{
	struct dialect_wish wish = { .program = GNUTLS, .version = 0x0303, .cert = "p256" };
	struct session session;

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_complete(&session);
	ASSERT_EQ(ktlsx_write(session.conn, "**REHANDSHAKE**\n", 16), 16);
	ASSERT_EQ(ktlsx_write(session.conn, "still here\n", 11), 11);
	expect_line(&session, "Successfully executed command\n");
	expect_line(&session, "still here\n");
	EXPECT_TRUE(peer_await(&session.peer, PEER_OUT, "Received NO_RENEGOTIATION alert"));
	session_close(&session);
}

/* OpenSSL's commands give up when they are told no; what they were told, they print. */
FIXTURE(renegotiation) { struct session session; };
FIXTURE_VARIANT(renegotiation) { enum ktlsx_role role; };
FIXTURE_VARIANT_ADD(renegotiation, asked_by_openssl_server) = { KTLSX_CLIENT };
FIXTURE_VARIANT_ADD(renegotiation, asked_by_openssl_client) = { KTLSX_SERVER };
FIXTURE_SETUP(renegotiation)
{
	bool is_server = variant->role == KTLSX_SERVER;
	struct dialect_wish wish = {
		.program = OPENSSL, .version = 0x0303, .cert = is_server ? NULL : "p256",
		.is_chatty = true, .more = "-msg",
	};

	session_open(&self->session, variant->role,
		     is_server ? session_server_config("p256") : session_client_config(), &wish);
	session_complete(&self->session);
}

TEST_F(renegotiation, is_declined)
{
	struct session *session = &self->session;
	char byte;

	expect_heard(session, "before\n");
	peer_says(session, variant->role == KTLSX_CLIENT ? "r\n" : "R\n");
	/* What the peer makes of it is its own affair: it ends the connection. */
	EXPECT_LE(ktlsx_read(session->conn, &byte, 1), 0);
	EXPECT_TRUE(peer_await(&session->peer, PEER_OUT, "warning no_renegotiation"));
	session_close(session);
}

PKI_MAIN()
