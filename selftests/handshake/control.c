// SPDX-License-Identifier: MIT
/*
 * Owns: the row "a plain program uses the descriptor": what read(), poll() and
 * close() mean on it when control records come.
 * Must not know: how the kernel does it.
 * Concurrency: none.
 * Follows: ../../uapi/linux/ktlsx.h (KTLSX_CONTROL), RFC 8446 6.
 */
#include "../ktap.h"
#include "../conn.h"
#include "forge.h"
#include "session.h"

#include <poll.h>
#include <linux/ktlsx.h>

#define QUIET_MS	300

FIXTURE(end) { struct session session; };
FIXTURE_VARIANT(end) { enum ktlsx_role role; enum dialect_program program; uint16_t version; };
#define ENDS(label, version)								\
	FIXTURE_VARIANT_ADD(end, label##_as_client_of_openssl) =			\
		{ KTLSX_CLIENT, OPENSSL, version };					\
	FIXTURE_VARIANT_ADD(end, label##_as_client_of_gnutls) =				\
		{ KTLSX_CLIENT, GNUTLS, version };					\
	FIXTURE_VARIANT_ADD(end, label##_as_server_of_openssl) =			\
		{ KTLSX_SERVER, OPENSSL, version };					\
	FIXTURE_VARIANT_ADD(end, label##_as_server_of_gnutls) =				\
		{ KTLSX_SERVER, GNUTLS, version }
ENDS(tls12, 0x0303);
ENDS(tls13, 0x0304);

FIXTURE_SETUP(end)
{
	bool is_server = variant->role == KTLSX_SERVER;
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version,
		.cert = is_server ? NULL : "p256",
		/* s_client and s_server end with their input then. */
		.is_chatty = variant->program == OPENSSL,
	};

	session_open(&self->session, variant->role,
		     is_server ? session_server_config("p256") : session_client_config(), &wish);
	session_complete(&self->session);
}

/* A server of others does not begin with it, but answers a goodbye with its own. */
static void make_peer_say_goodbye(struct session *session, int fd)
{
	if (session->role == KTLSX_CLIENT)
		ASSERT_EQ(shutdown(fd, SHUT_WR), 0);
	else
		peer_end_input(&session->peer);
}

TEST_F(end, close_notify_is_end_of_file)
{
	int fd = ktlsx_fd(self->session.conn);
	char byte;

	ASSERT_GE(fd, 0);
	make_peer_say_goodbye(&self->session, fd);
	EXPECT_EQ(read(fd, &byte, 1), 0);
	EXPECT_EQ(read(fd, &byte, 1), 0);
	session_close(&self->session);
}

TEST_F(end, close_notify_is_end_of_file_for_ktlsx_read)
{
	char byte;

	make_peer_say_goodbye(&self->session, ktlsx_fd(self->session.conn));
	EXPECT_EQ(ktlsx_read(self->session.conn, &byte, 1), 0);
	EXPECT_EQ(ktlsx_read(self->session.conn, &byte, 1), 0);
	session_close(&self->session);
}

/* A peer that has read all we sent ends with a FIN, not a reset. */
static void cut(struct session *session)
{
	int fd = ktlsx_fd(session->conn);
	char echo[6];

	ASSERT_EQ(write(fd, "mark!\n", 6), 6);
	if (session->program == GNUTLS && session->role == KTLSX_CLIENT)
		EXPECT_EQ(recv(fd, echo, sizeof(echo), MSG_WAITALL), 6);
	else
		EXPECT_TRUE(peer_await(&session->peer, PEER_OUT, "mark!\n"));
	kill(session->peer.pid, SIGKILL);
	EXPECT_TRUE(peer_await_end(&session->peer));
}

TEST_F(end, cut_connection_is_a_protocol_error)
{
	int fd = ktlsx_fd(self->session.conn);
	char byte;

	ASSERT_GE(fd, 0);
	cut(&self->session);
	EXPECT_ERRNO(read(fd, &byte, 1), EPROTO);
	EXPECT_ERRNO(read(fd, &byte, 1), EPROTO);
	session_close(&self->session);
}

TEST_F(end, cut_connection_is_a_protocol_error_for_ktlsx_read)
{
	char byte;

	cut(&self->session);
	EXPECT_EQ(ktlsx_read(self->session.conn, &byte, 1), -EPROTO);
	EXPECT_TEXT(ktlsx_error(self->session.conn), "close_notify");
	session_close(&self->session);
}

/* What a client prints that got close_notify, and does not print when the wire was cut. */
static void expect_goodbye(struct session *session)
{
	EXPECT_TRUE(peer_await_end(&session->peer));
	if (session->program == GNUTLS)
		EXPECT_TRUE(strstr(session->peer.text[PEER_ERR].bytes,
				   "Peer has closed the GnuTLS connection"));
	EXPECT_FALSE(strstr(session->peer.text[PEER_ERR].bytes, "unexpected eof"));
}

TEST_F(end, close_says_goodbye)
{
	struct session *session = &self->session;
	struct peer *peer = &session->peer;

	ASSERT_EQ(write(ktlsx_fd(session->conn), "hello\n", 6), 6);
	session_hang_up(session);
	if (variant->role == KTLSX_SERVER) {
		expect_goodbye(session);
	} else if (variant->program == OPENSSL) {
		EXPECT_TRUE(peer_await(peer, PEER_OUT, "DONE") ||
			    peer_await(peer, PEER_OUT, "CONNECTION CLOSED"));
		EXPECT_FALSE(strstr(peer->text[PEER_ERR].bytes, "unexpected eof"));
	} else {
		/* gnutls-serv speaks of the connections before when the next one comes. */
		session_complete(session);
		EXPECT_FALSE(strstr(peer->text[PEER_ERR].bytes, "Error while receiving data"));
	}
	session_close(session);
}

TEST_F(end, shutdown_says_goodbye_and_reading_goes_on)
{
	struct session *session = &self->session;
	int fd = ktlsx_fd(session->conn);
	char echo[11];

	ASSERT_EQ(write(fd, "last words\n", 11), 11);
	EXPECT_EQ(ktlsx_shutdown(session->conn), 0);
	EXPECT_ERRNO(write(fd, "more", 4), EPIPE);
	if (variant->program == GNUTLS && variant->role == KTLSX_CLIENT)
		EXPECT_EQ(recv(fd, echo, sizeof(echo), MSG_WAITALL), 11);
	else
		EXPECT_TRUE(peer_await(&session->peer, PEER_OUT, "last words"));
	/* gnutls-cli goes without a word. */
	if (variant->program == GNUTLS && variant->role == KTLSX_SERVER)
		EXPECT_ERRNO(read(fd, echo, 1), EPROTO);
	else
		EXPECT_EQ(read(fd, echo, 1), 0);
	session_close(session);
}

/* Tickets are no content: nobody is woken for them, and a read does not see them. */
TEST(tickets_do_not_wake_poll)
{
	struct dialect_wish wish = { .program = OPENSSL, .version = 0x0304, .cert = "p256" };
	struct pollfd waiting = { .events = POLLIN };
	struct session session;
	char byte = 0;

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_complete(&session);
	waiting.fd = ktlsx_fd(session.conn);
	EXPECT_EQ(poll(&waiting, 1, QUIET_MS), 0);
	EXPECT_ERRNO(recv(waiting.fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
	ASSERT_EQ(write(session.peer.in, "x", 1), 1);
	EXPECT_EQ(poll(&waiting, 1, peer_wait_ms()), 1);
	EXPECT_EQ(read(waiting.fd, &byte, 1), 1);
	EXPECT_EQ(byte, 'x');
	session_close(&session);
}

TEST(tickets_are_set_aside)
{
	struct dialect_wish wish = { .program = OPENSSL, .version = 0x0304, .cert = "p256" };
	uint8_t bytes[8192];
	struct session session;
	char byte = 0;

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_complete(&session);
	ASSERT_EQ(write(session.peer.in, "x", 1), 1);
	ASSERT_EQ(read(ktlsx_fd(session.conn), &byte, 1), 1);
	EXPECT_GT(ktlsx_session(session.conn, bytes, sizeof(bytes)), 0);
	session_close(&session);
}

/* Records that no proper server sends: one of the test's own does. */
FIXTURE(forged) { struct forge forge; struct session session; int fd; };
FIXTURE_SETUP(forged)
{
	ASSERT_EQ(conn_netns(CONN_LO), 0);
	memset(&self->session, 0, sizeof(self->session));
	self->session.config = session_client_config();
	session_take(&self->session, forge_start(&self->forge, "p256"), "localhost");
	ASSERT_EQ(ktlsx_handshake(self->session.conn, 0), 0);
	ASSERT_TRUE(forge_finish(&self->forge));
	self->fd = ktlsx_fd(self->session.conn);
	ASSERT_GE(self->fd, 0);
}

TEST_F(forged, fatal_alert_resets_and_has_a_code)
{
	static const uint8_t alert[] = { 2, 80 };	/* internal_error */
	struct ktlsx_alert got = { 0 };
	socklen_t len = sizeof(got);
	char byte;

	ASSERT_TRUE(forge_send(&self->forge, REF_ALERT, alert, sizeof(alert)));
	EXPECT_ERRNO(read(self->fd, &byte, 1), ECONNRESET);
	EXPECT_ERRNO(read(self->fd, &byte, 1), ECONNRESET);
	ASSERT_EQ(getsockopt(self->fd, SOL_TLS, KTLSX_ALERT, &got, &len), 0);
	EXPECT_EQ(got.level, 2);
	EXPECT_EQ(got.description, 80);
}

TEST_F(forged, fatal_alert_has_a_name)
{
	static const uint8_t alert[] = { 2, 80 };
	char byte;

	ASSERT_TRUE(forge_send(&self->forge, REF_ALERT, alert, sizeof(alert)));
	EXPECT_EQ(ktlsx_read(self->session.conn, &byte, 1), -EPROTO);
	EXPECT_TEXT(ktlsx_error(self->session.conn), "internal_error");
}

TEST_F(forged, message_nobody_asked_for)
{
	static const uint8_t message[] = { 1, 0, 0, 1, 0 };
	char byte;

	ASSERT_TRUE(forge_send(&self->forge, REF_HANDSHAKE, message, sizeof(message)));
	EXPECT_ERRNO(read(self->fd, &byte, 1), EPROTO);
	EXPECT_ERRNO(read(self->fd, &byte, 1), EPROTO);
}

TEST_F(forged, key_update_needs_the_library)
{
	static const uint8_t message[] = { 24, 0, 0, 1, 0 };
	char byte;

	ASSERT_TRUE(forge_send(&self->forge, REF_DATA, "a", 1));
	ASSERT_TRUE(forge_send(&self->forge, REF_HANDSHAKE, message, sizeof(message)));
	EXPECT_EQ(read(self->fd, &byte, 1), 1);
	EXPECT_ERRNO(read(self->fd, &byte, 1), EKEYEXPIRED);
}

TEST_F(forged, data_around_a_ticket)
{
	/* lifetime, age_add, nonce, ticket, extensions: RFC 8446 4.6.1 */
	static const uint8_t ticket[] = {
		4, 0, 0, 18, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 4, 1, 2, 3, 4, 0, 0,
	};
	uint8_t kept[64];
	socklen_t len = sizeof(kept);
	char bytes[2];

	ASSERT_TRUE(forge_send(&self->forge, REF_DATA, "a", 1));
	ASSERT_TRUE(forge_send(&self->forge, REF_HANDSHAKE, ticket, sizeof(ticket)));
	ASSERT_TRUE(forge_send(&self->forge, REF_DATA, "b", 1));
	EXPECT_EQ(recv(self->fd, bytes, 2, MSG_WAITALL), 2);
	EXPECT_MEM_EQ(bytes, "ab", 2);
	ASSERT_EQ(getsockopt(self->fd, SOL_TLS, KTLSX_TICKET, kept, &len), 0);
	EXPECT_EQ(len, sizeof(ticket));
	EXPECT_MEM_EQ(kept, ticket, sizeof(ticket));
	EXPECT_ERRNO(getsockopt(self->fd, SOL_TLS, KTLSX_TICKET, kept, &len), ENODATA);
}

TEST_F(forged, keys_cannot_be_read_back)
{
	struct tls12_crypto_info_aes_gcm_128 info = { 0 };
	socklen_t len = sizeof(info);

	EXPECT_ERRNO(getsockopt(self->fd, SOL_TLS, TLS_TX, &info, &len), EPERM);
	len = sizeof(info);
	EXPECT_ERRNO(getsockopt(self->fd, SOL_TLS, TLS_RX, &info, &len), EPERM);
}

/* RFC 8446 4.6.2: we did not offer it. */
TEST_F(forged, certificate_request_after_the_handshake)
{
	/* context, extensions: signature_algorithms with ecdsa_secp256r1_sha256 */
	static const uint8_t message[] = {
		13, 0, 0, 12, 1, 7, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3,
	};
	const struct ref_record *record;
	const uint8_t *bytes;
	char byte;

	ASSERT_TRUE(forge_send(&self->forge, REF_HANDSHAKE, message, sizeof(message)));
	EXPECT_EQ(ktlsx_read(self->session.conn, &byte, 1), -EPROTO);
	EXPECT_TEXT(ktlsx_error(self->session.conn), "CertificateRequest");
	record = forge_receive(&self->forge, &bytes);
	ASSERT_TRUE(record);
	EXPECT_EQ(record->type, REF_ALERT);
	ASSERT_EQ(record->plain_len, 2);
	EXPECT_EQ(bytes[0], 2);
	EXPECT_EQ(bytes[1], 10);	/* unexpected_message */
	EXPECT_FALSE(forge_receive(&self->forge, &bytes));
}

PKI_MAIN()
