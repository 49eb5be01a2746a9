// SPDX-License-Identifier: MIT
/*
 * Owns: the row "steps": the handshake driven by an event loop, by bytes, on
 * blocking descriptors, against the clock.
 * Must not know: what a step does.
 * Concurrency: none.
 * Follows: epoll(7), ktlsx.h.
 */
#include "../ktap.h"
#include "../conn.h"
#include "relay.h"
#include "session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

#define SHORT_MS	300

FIXTURE(steps) { struct session session; };
FIXTURE_VARIANT(steps) { enum ktlsx_role role; enum dialect_program program; uint16_t version; };
#define BOTH(label, role, program)							\
	FIXTURE_VARIANT_ADD(steps, tls12_##label) = { role, program, 0x0303 };		\
	FIXTURE_VARIANT_ADD(steps, tls13_##label) = { role, program, 0x0304 }
BOTH(as_client_of_openssl, KTLSX_CLIENT, OPENSSL);
BOTH(as_client_of_gnutls, KTLSX_CLIENT, GNUTLS);
BOTH(as_server_of_openssl, KTLSX_SERVER, OPENSSL);
BOTH(as_server_of_gnutls, KTLSX_SERVER, GNUTLS);

FIXTURE_SETUP(steps)
{
	bool is_server = variant->role == KTLSX_SERVER;
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version,
		.cert = is_server ? NULL : "p256",
	};

	session_open(&self->session, variant->role,
		     is_server ? session_server_config("p256") : session_client_config(), &wish);
}

static const char *name_of(const struct steps_variant *variant)
{
	return variant->role == KTLSX_CLIENT ? "localhost" : NULL;
}

static void set_blocking(int fd, bool is_blocking)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, is_blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

static void expect_want(const struct ktlsx_want *want)
{
	EXPECT_TRUE(want->events == POLLIN || want->events == POLLOUT);
	EXPECT_GT(want->timeout_ms, 0);
	EXPECT_LE(want->timeout_ms, 10000);
}

/* Registered once, for both directions: an edge that a step leaves unused is lost. */
TEST_F(steps, edge_triggered)
{
	struct session *session = &self->session;
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC), ret;
	struct ktlsx_want want = { 0 };

	session_tcp(session, name_of(variant));
	set_blocking(session->fd, false);
	ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, session->fd, &event), 0);
	while ((ret = ktlsx_handshake_step(session->conn, &want)) == -EAGAIN) {
		expect_want(&want);
		EXPECT_EQ(ktlsx_fd(session->conn), -ENOTCONN);
		ASSERT_EQ(epoll_wait(epoll, &event, 1, peer_wait_ms()), 1);
	}
	if (ret)
		session_show(session);
	ASSERT_EQ(ret, 0);
	EXPECT_EQ(ktlsx_handshake_step(session->conn, &want), 0);
	set_blocking(session->fd, true);
	session_exchange(session);
	session_close(session);
}

/* A step on a blocking descriptor comes back all the same. */
TEST_F(steps, blocking_descriptor)
{
	struct session *session = &self->session;
	struct ktlsx_want want = { 0 };
	int ret;

	session_tcp(session, name_of(variant));
	while ((ret = ktlsx_handshake_step(session->conn, &want)) == -EAGAIN) {
		struct pollfd waiting = { .fd = session->fd, .events = want.events };

		ASSERT_EQ(poll(&waiting, 1, peer_wait_ms()), 1);
	}
	ASSERT_EQ(ret, 0);
	EXPECT_FALSE(fcntl(session->fd, F_GETFL) & O_NONBLOCK);
	session_exchange(session);
	session_close(session);
}

/* Passes what there is one byte at a time to us, a step after each. */
static int drive_bytewise(struct session *session, struct relay *relay, unsigned int *again_count)
{
	struct ktlsx_want want = { 0 };
	int ret;

	while ((ret = ktlsx_handshake_step(session->conn, &want)) == -EAGAIN) {
		struct pollfd waiting[] = {
			{ relay->peer_fd, POLLIN, 0 }, { relay->our_fd, POLLIN, 0 },
			/* The byte of the last turn may have come after the step. */
			{ session->fd, want.events, 0 },
		};

		expect_want(&want);
		++*again_count;
		ASSERT_GE(poll(waiting, 3, peer_wait_ms()), 1);
		relay_pass(relay, RELAY_TO_PEER, SIZE_MAX);
		relay_pass(relay, RELAY_TO_US, 1);
	}
	return ret;
}

TEST_F(steps, peer_that_sends_byte_by_byte)
{
	struct session *session = &self->session;
	unsigned int again_count = 0;
	struct relay relay;
	int ret, fd = relay_insert(&relay, session_dial(session));

	ASSERT_GE(fd, 0);
	session_take(session, fd, name_of(variant));
	ret = drive_bytewise(session, &relay, &again_count);
	if (ret)
		session_show(session);
	ASSERT_EQ(ret, 0);
	/* Each byte was a step of its own. */
	EXPECT_GE(again_count, relay.kept[RELAY_TO_US].len / 2);
	relay_run(&relay);
	session_exchange(session);
	session_hang_up(session);
	peer_stop(&session->peer);
	relay_end(&relay);
	relay_free(&relay);
	session_end(session);
}

/* Our own bytes leave in pieces, too: the send buffer is full most of the time. */
TEST_F(steps, small_send_buffer)
{
	struct session *session = &self->session;
	int fd = session_dial(session), len = 1;

	ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof(len)), 0);
	session_take(session, fd, name_of(variant));
	if (ktlsx_handshake(session->conn, 0)) {
		session_show(session);
		ASSERT_TRUE(false);
	}
	session_exchange(session);
	session_close(session);
}

/* Nobody speaks: the config's limit, or the one of the call, ends it. */
FIXTURE(silent) { struct session session; int peer_fd; };
FIXTURE_VARIANT(silent) { enum ktlsx_role role; bool is_limit_of_config; };
FIXTURE_VARIANT_ADD(silent, client_limit_of_config) = { KTLSX_CLIENT, true };
FIXTURE_VARIANT_ADD(silent, server_limit_of_config) = { KTLSX_SERVER, true };
FIXTURE_VARIANT_ADD(silent, client_limit_of_call) = { KTLSX_CLIENT, false };
FIXTURE_VARIANT_ADD(silent, server_limit_of_call) = { KTLSX_SERVER, false };
FIXTURE_SETUP(silent)
{
	bool is_server = variant->role == KTLSX_SERVER;
	struct ktlsx_config *config = is_server ? session_server_config("p256") :
						  session_client_config();
	int fd[2];

	conn_netns(CONN_LO);
	memset(&self->session, 0, sizeof(self->session));
	self->session.config = config;
	if (variant->is_limit_of_config)
		ASSERT_EQ(ktlsx_config_set_limits(config, 65536, SHORT_MS), 0);
	ASSERT_EQ(conn_pair(fd, CONN_LO, AF_INET), 0);
	self->peer_fd = fd[1];
	session_take(&self->session, fd[0], is_server ? NULL : "localhost");
}

static long long elapsed_ms(const struct timespec *began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - began->tv_sec) * 1000LL + (now.tv_nsec - began->tv_nsec) / 1000000;
}

TEST_F(silent, peer)
{
	struct ktlsx_conn *conn = self->session.conn;
	struct timespec began;
	struct ktlsx_want want;

	clock_gettime(CLOCK_MONOTONIC, &began);
	EXPECT_EQ(ktlsx_handshake(conn, variant->is_limit_of_config ? 0 : SHORT_MS), -ETIMEDOUT);
	EXPECT_GE(elapsed_ms(&began), SHORT_MS - 1);
	EXPECT_TRUE(*ktlsx_error(conn));
	EXPECT_EQ(ktlsx_handshake_step(conn, &want), -ETIMEDOUT);
	EXPECT_EQ(ktlsx_fd(conn), -ENOTCONN);
}

/* A step tells how long to wait at most; after that it gives up. */
TEST_F(silent, steps_know_the_deadline)
{
	struct pollfd waiting = { .fd = self->session.fd, .events = POLLIN };
	struct ktlsx_want want = { 0 };

	if (!variant->is_limit_of_config)
		return;
	ASSERT_EQ(ktlsx_handshake_step(self->session.conn, &want), -EAGAIN);
	EXPECT_EQ(want.events, POLLIN);
	EXPECT_LE(want.timeout_ms, SHORT_MS);
	EXPECT_EQ(poll(&waiting, 1, want.timeout_ms), 0);
	EXPECT_EQ(ktlsx_handshake_step(self->session.conn, &want), -ETIMEDOUT);
}

PKI_MAIN()
