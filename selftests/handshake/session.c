// SPDX-License-Identifier: MIT
/*
 * Owns: connections of the library to a peer (see session.h).
 * Must not know: what a test checks beyond that both directions carry bytes.
 * Concurrency: see session.h.
 * Follows: ktlsx.h.
 */
#include "../ktap.h"
#include "../conn.h"
#include "session.h"

#include <sys/sendfile.h>

#define LINE_LEN	64

/* A config call in a test's setup: its text says why it failed. */
static void check(const struct ktlsx_config *config, int ret)
{
	if (ret)
		ktap_diag("config: %s", ktlsx_config_error(config));
	ASSERT_EQ(ret, 0);
}

/**
 * session_client_config() - a client that trusts both roots of pki.h
 */
struct ktlsx_config *session_client_config(void)
{
	struct ktlsx_config *config;

	ASSERT_EQ(ktlsx_config_new(&config, KTLSX_CLIENT), 0);
	check(config, ktlsx_config_set_trust(config, pki_path("trust.pem")));
	return config;
}

/**
 * session_server_config() - a server with one chain
 * @cert: a name of pki.h, or NULL: no chain yet
 */
struct ktlsx_config *session_server_config(const char *cert)
{
	struct ktlsx_config *config;

	ASSERT_EQ(ktlsx_config_new(&config, KTLSX_SERVER), 0);
	if (cert)
		session_add_chain(config, cert);
	return config;
}

/**
 * session_add_chain() - adds the chain of a certificate of pki.h
 */
void session_add_chain(struct ktlsx_config *config, const char *cert)
{
	char chain[60], key[60];

	snprintf(chain, sizeof(chain), "%s.chain.pem", cert);
	snprintf(key, sizeof(key), "%s.key.pem", cert);
	check(config, ktlsx_config_add_chain(config, pki_path(chain), pki_path(key), NULL));
}

static void start_peer(struct session *session, const struct dialect_wish *wish)
{
	struct peer_args args = { .count = 0 };

	session->program = wish->program;
	if (session->role == KTLSX_SERVER) {
		dialect_client(&args, wish, session->port);
	} else {
		session->port = peer_free_port();
		dialect_server(&args, wish, session->port);
	}
	peer_start(&session->peer, &args);
	session->peer.port = session->role == KTLSX_SERVER ? 0 : session->port;
}

/**
 * session_restart_peer() - another peer takes the place of the one that is there
 */
void session_restart_peer(struct session *session, const struct dialect_wish *wish)
{
	session_hang_up(session);
	peer_stop(&session->peer);
	start_peer(session, wish);
}

/**
 * session_open() - starts the peer; for a server of ours, listens first
 * @session: filled
 * @role: of the library
 * @config: taken over; freed by session_close()
 * @wish: what the peer shall be
 */
void session_open(struct session *session, enum ktlsx_role role, struct ktlsx_config *config,
		  const struct dialect_wish *wish)
{
	int ret = conn_netns(CONN_LO);

	/* Without a namespace of its own a test shares the ports of this machine. */
	ASSERT_TRUE(!ret || ret == -EOPNOTSUPP);
	*session = (struct session){
		.config = config, .role = role, .fd = -1, .listener = -1,
	};
	if (role == KTLSX_SERVER)
		session->listener = peer_listen(&session->port);
	start_peer(session, wish);
}

/**
 * session_dial() - the TCP connection to the peer
 * Return: its descriptor; the test ends when there is none.
 */
int session_dial(struct session *session)
{
	int fd = session->role == KTLSX_SERVER ? peer_accept(session->listener) :
						 peer_connect(&session->peer);

	if (fd < 0)
		session_show(session);
	ASSERT_GE(fd, 0);
	return fd;
}

/**
 * session_take() - the library's connection over a descriptor, no handshake yet
 * @fd: closed with the session
 * @name: for ktlsx_conn_new()
 */
void session_take(struct session *session, int fd, const char *name)
{
	int ret;

	session->fd = fd;
	conn_set_timeout(fd, SO_RCVTIMEO, peer_wait_ms() * 1000L);
	session->out_base = session->peer.text[PEER_OUT].len;
	ret = ktlsx_conn_new(&session->conn, session->config, fd, name);
	if (ret)
		ktap_diag("config: %s", ktlsx_config_error(session->config));
	ASSERT_EQ(ret, 0);
}

/**
 * session_tcp() - session_dial() and session_take()
 */
void session_tcp(struct session *session, const char *name)
{
	session_take(session, session_dial(session), name);
}

/**
 * session_handshake() - session_tcp() and the handshake
 * @name: for ktlsx_conn_new()
 * Return: what ktlsx_handshake() gave.
 */
int session_handshake(struct session *session, const char *name)
{
	session_tcp(session, name);
	return ktlsx_handshake(session->conn, 0);
}

/**
 * session_complete() - session_handshake() with the usual name; the test ends when it fails
 */
void session_complete(struct session *session)
{
	int ret = session_handshake(session, session->role == KTLSX_CLIENT ? "localhost" : NULL);

	if (ret)
		session_show(session);
	ASSERT_EQ(ret, 0);
}

/**
 * session_hang_up() - drops the connection, not the peer and the config: one more may follow
 */
void session_hang_up(struct session *session)
{
	ktlsx_conn_free(session->conn);
	session->conn = NULL;
	if (session->fd >= 0)
		close(session->fd);
	session->fd = -1;
}

/**
 * session_come_back() - one more connection of a client of ours, that offers a session
 * @bytes: what ktlsx_session() gave
 * @len: bytes of it
 */
void session_come_back(struct session *session, const uint8_t *bytes, size_t len)
{
	int ret;

	session_hang_up(session);
	session_tcp(session, "localhost");
	ASSERT_EQ(ktlsx_set_session(session->conn, bytes, len), 0);
	ret = ktlsx_handshake(session->conn, 0);
	if (ret)
		session_show(session);
	ASSERT_EQ(ret, 0);
}

/* Bytes of any value, or lines of text for a peer that echoes lines. */
static void fill(uint8_t *bytes, size_t len, unsigned int seed, bool is_text)
{
	conn_fill(bytes, len, seed);
	for (size_t off = 0; is_text && off < len; off++)
		bytes[off] = off % LINE_LEN == LINE_LEN - 1 ? '\n' : 'A' + bytes[off] % 26;
	if (is_text)
		bytes[len - 1] = '\n';
}

/* The first half by write(), the second by sendfile(). */
static void send_halves(int fd, const uint8_t *bytes, size_t len)
{
	size_t half = len / 2;
	int file = conn_memfd(bytes, len);
	off_t off = half;

	ASSERT_GE(file, 0);
	for (size_t done = 0; done < half;) {
		ssize_t ret = write(fd, bytes + done, half - done);

		ASSERT_GT(ret, 0);
		done += ret;
	}
	while ((size_t)off < len)
		ASSERT_GT(sendfile(fd, file, &off, len - off), 0);
	close(file);
}

static void expect_read(int fd, const uint8_t *bytes, size_t len)
{
	uint8_t *got = malloc(len);
	size_t done = 0;

	while (done < len) {
		ssize_t ret = read(fd, got + done, len - done);

		EXPECT_GT(ret, 0);
		if (ret <= 0)
			break;
		done += ret;
	}
	EXPECT_MEM_EQ(got, bytes, done);
	free(got);
}

/* The peer prints what we send; what it is given to read we receive. */
static void exchange_stream(struct session *session, int fd, uint8_t *bytes)
{
	struct peer *peer = &session->peer;

	fill(bytes, SESSION_DATA_LEN, 1, false);
	send_halves(fd, bytes, SESSION_DATA_LEN);
	if (!peer_await_len(peer, PEER_OUT, session->out_base + SESSION_DATA_LEN))
		session_show(session);
	EXPECT_EQ(peer->text[PEER_OUT].len, session->out_base + SESSION_DATA_LEN);
	if (peer->text[PEER_OUT].len >= session->out_base + SESSION_DATA_LEN)
		EXPECT_MEM_EQ(peer->text[PEER_OUT].bytes + session->out_base, bytes,
			      SESSION_DATA_LEN);
	fill(bytes, SESSION_DATA_LEN, 2, false);
	ASSERT_EQ(write(peer->in, bytes, SESSION_DATA_LEN), SESSION_DATA_LEN);
	expect_read(fd, bytes, SESSION_DATA_LEN);
}

static void exchange_echo(int fd, uint8_t *bytes)
{
	fill(bytes, SESSION_DATA_LEN, 3, true);
	send_halves(fd, bytes, SESSION_DATA_LEN);
	expect_read(fd, bytes, SESSION_DATA_LEN);
}

/**
 * session_exchange() - bytes in both directions through the descriptor, all compared
 *
 * The kernel's counters must show that the records went through it.
 */
void session_exchange(struct session *session)
{
	long long sealed = kernel_records(KERNEL_TX_RECORDS);
	long long opened = kernel_records(KERNEL_RX_RECORDS);
	uint8_t *bytes = malloc(SESSION_DATA_LEN);
	int fd = ktlsx_fd(session->conn);

	ASSERT_GE(fd, 0);
	if (session->program == GNUTLS && session->role == KTLSX_CLIENT)
		exchange_echo(fd, bytes);
	else
		exchange_stream(session, fd, bytes);
	free(bytes);
	EXPECT_GE(kernel_records(KERNEL_TX_RECORDS) - sealed, SESSION_DATA_LEN / 16384);
	EXPECT_GE(kernel_records(KERNEL_RX_RECORDS) - opened, SESSION_DATA_LEN / 16384);
}

/**
 * session_show() - what both sides said, as diagnostics
 */
void session_show(struct session *session)
{
	if (session->conn)
		ktap_diag("ktlsx: %s", ktlsx_error(session->conn));
	peer_show(&session->peer);
}

/**
 * session_end() - what session_close() does, where peer and connection have ended before
 */
void session_end(struct session *session)
{
	if (session->listener >= 0)
		close(session->listener);
	ktlsx_config_free(session->config);
	session->config = NULL;
}

/**
 * session_close() - ends the connection, the peer and the config
 */
void session_close(struct session *session)
{
	session_hang_up(session);
	peer_stop(&session->peer);
	session_end(session);
}
