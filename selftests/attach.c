// SPDX-License-Identifier: MIT
/*
 * Owns: attaching the ULP: when it is refused, what an attached socket without
 * keys still is (plain TCP), and that no privilege is needed.
 * Must not know: keys and records, but for one round trip.
 * Concurrency: none.
 * Follows: DESIGN.md 3 and 4.
 */
#include "ktap.h"
#include "conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

FIXTURE(attach) {
	struct conn conn;
};

FIXTURE_VARIANT(attach) {
	int family;
};

FIXTURE_VARIANT_ADD(attach, ipv4) = { AF_INET };
FIXTURE_VARIANT_ADD(attach, ipv6) = { AF_INET6 };

FIXTURE_SETUP(attach)
{
	CONN_TRY(conn_open(&self->conn, &conn_suites[CONN_13_GCM128], CONN_LO, variant->family));
}

static int attach_name(int fd, const char *name)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_ULP, name, strlen(name));
}

/* Bytes go through both ways as they are. */
static void check_plain(struct attach_self *self)
{
	char text[64];

	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(send(self->conn.fd[i], "plain text", 10, 0), 10);
		EXPECT_EQ(recv(self->conn.fd[!i], text, sizeof(text), 0), 10);
		EXPECT_MEM_EQ(text, "plain text", 10);
	}
}

TEST_F(attach, once)
{
	char name[32] = "";
	socklen_t len = sizeof(name);

	CONN_TRY(conn_attach(self->conn.fd[0]));
	EXPECT_EQ(conn_attach(self->conn.fd[0]), -EEXIST);
	EXPECT_ERRNO(attach_name(self->conn.fd[0], "tls"), EEXIST);
	EXPECT_EQ(getsockopt(self->conn.fd[0], IPPROTO_TCP, TCP_ULP, name, &len), 0);
	EXPECT_EQ(strcmp(name, conn_ulp()), 0);
	check_plain(self);
}

TEST_F(attach, unknown_name)
{
	EXPECT_ERRNO(attach_name(self->conn.fd[0], "no-such-ulp"), ENOENT);
	CONN_TRY(conn_attach(self->conn.fd[0]));
}

TEST_F(attach, not_established)
{
	int fd = socket(variant->family, SOCK_STREAM, 0);

	CONN_TRY(conn_attach(self->conn.fd[0]));
	EXPECT_EQ(conn_attach(fd), -ENOTCONN);
	ASSERT_EQ(listen(fd, 1), 0);
	EXPECT_EQ(conn_attach(fd), -ENOTCONN);
}

TEST_F(attach, after_peer_closed)
{
	char byte;

	CONN_TRY(conn_attach(self->conn.fd[0]));
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	ASSERT_EQ(recv(self->conn.fd[1], &byte, 1, 0), 0);
	EXPECT_EQ(conn_attach(self->conn.fd[1]), -ENOTCONN);
}

TEST_F(attach, stays_plain)
{
	char text[8];

	for (int i = 0; i < 2; i++)
		CONN_TRY(conn_attach(self->conn.fd[i]));
	check_plain(self);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	EXPECT_EQ(recv(self->conn.fd[1], text, sizeof(text), 0), 0);
	EXPECT_EQ(send(self->conn.fd[1], "late", 4, 0), 4);
	EXPECT_EQ(recv(self->conn.fd[0], text, sizeof(text), 0), 4);
}

TEST_F(attach, cannot_disconnect)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	CONN_TRY(conn_attach(self->conn.fd[0]));
	EXPECT_ERRNO(connect(self->conn.fd[0], &none, sizeof(none)), EOPNOTSUPP);
	CONN_TRY(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]));
	EXPECT_ERRNO(connect(self->conn.fd[0], &none, sizeof(none)), EOPNOTSUPP);
	EXPECT_EQ(send(self->conn.fd[0], "alive", 5, 0), 5);
}

TEST_F(attach, cannot_listen)
{
	CONN_TRY(conn_attach(self->conn.fd[0]));
	EXPECT_EQ(listen(self->conn.fd[0], 1), -1);
	check_plain(self);
}

/* Other options of the socket reach TCP, with keys and without. */
TEST_F(attach, other_options)
{
	int value = 0;
	socklen_t len = sizeof(value);

	CONN_TRY(conn_attach(self->conn.fd[0]));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(getsockopt(self->conn.fd[0], IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
		EXPECT_EQ(value, 1);
		value = 77;
		EXPECT_EQ(setsockopt(self->conn.fd[0], IPPROTO_TCP, TCP_KEEPIDLE, &value, len), 0);
		value = 0;
		EXPECT_EQ(getsockopt(self->conn.fd[0], IPPROTO_TCP, TCP_KEEPIDLE, &value, &len), 0);
		EXPECT_EQ(value, 77);
		if (!i)
			CONN_TRY(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]));
	}
}

TEST_F(attach, unprivileged)
{
	struct ref_stream stream;

	if (geteuid())
		SKIP("the right to become another user");
	/* Attached once as root, so that a module may be loaded on demand. */
	CONN_TRY(conn_attach(self->conn.fd[1]));
	ASSERT_EQ(setgid(65534), 0);
	ASSERT_EQ(setuid(65534), 0);
	ASSERT_EQ(conn_tx(&self->conn), 0);
	ref_stream_init(&stream, &self->conn.key[0]);
	EXPECT_EQ(send(self->conn.fd[0], "hello", 5, 0), 5);
	EXPECT_EQ(ref_stream_read(&stream, self->conn.fd[1], 5), 0);
	EXPECT_MEM_EQ(stream.plain, "hello", 5);
}

KTAP_MAIN()
