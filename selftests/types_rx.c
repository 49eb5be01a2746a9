// SPDX-License-Identifier: MIT
/*
 * Owns: record types on the way in: TLS_GET_RECORD_TYPE, what a reader without
 * room for it meets, and that records of other types never run together.
 * Must not know: how the kernel seals records.
 * Concurrency: none.
 * Follows: <linux/tls.h>; the errno contract of DESIGN.md 4.
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>

FIXTURE(types) {
	struct conn conn;
	int fd;
	uint8_t buf[40000];
	uint8_t got[40000];
};

FIXTURE_VARIANT(types) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(types, lo, CONN_LO);

FIXTURE_SETUP(types)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_rx(&self->conn));
	self->fd = self->conn.fd[1];
	conn_fill(self->buf, sizeof(self->buf), 10);
}

static void put(struct types_self *self, uint8_t type, size_t off, size_t len)
{
	ASSERT_GT(conn_send_record(&self->conn, type, self->buf + off, len, NULL), 0);
}

/* The next recvmsg() gives these bytes and this type. */
static void take(struct types_self *self, uint8_t type, size_t off, size_t len, int flags)
{
	uint8_t got_type;

	memset(self->got, 0, sizeof(self->got));
	EXPECT_EQ(conn_recv_type(self->fd, &got_type, self->got, sizeof(self->got), flags), len);
	EXPECT_EQ(got_type, type);
	EXPECT_MEM_EQ(self->got, self->buf + off, len);
}

static void await(struct types_self *self)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };

	ASSERT_EQ(poll(&pfd, 1, 5000 * (int)ktap_slow()), 1);
	usleep(20000);
}

TEST_F(types, each)
{
	static const uint8_t types[] = {
		REF_CHANGE_CIPHER, REF_ALERT, REF_HANDSHAKE, REF_DATA, 24, 26, 255,
	};

	for (size_t i = 0; i < sizeof(types); i++) {
		put(self, types[i], 0, 100 + i);
		take(self, types[i], 0, 100 + i, 0);
	}
}

TEST_F(types, full_size)
{
	put(self, REF_HANDSHAKE, 0, REF_PLAIN_MAX);
	take(self, REF_HANDSHAKE, 0, REF_PLAIN_MAX, 0);
}

/* Whatever the room, one call gives bytes of one type; controls come one by one. */
TEST_F(types, kept_apart)
{
	put(self, REF_DATA, 0, 100);
	put(self, REF_DATA, 100, 100);
	put(self, REF_ALERT, 200, 2);
	put(self, REF_HANDSHAKE, 202, 50);
	put(self, REF_HANDSHAKE, 252, 60);
	put(self, REF_DATA, 312, 70);
	await(self);
	take(self, REF_DATA, 0, 200, MSG_WAITALL);
	take(self, REF_ALERT, 200, 2, MSG_WAITALL);
	take(self, REF_HANDSHAKE, 202, 50, 0);
	take(self, REF_HANDSHAKE, 252, 60, 0);
	take(self, REF_DATA, 312, 70, 0);
}

/* A control record read in parts keeps its type to the end. */
TEST_F(types, in_parts)
{
	uint8_t type;

	put(self, REF_HANDSHAKE, 0, 90);
	put(self, REF_HANDSHAKE, 90, 10);
	for (size_t off = 0; off < 90; off += 30) {
		EXPECT_EQ(conn_recv_type(self->fd, &type, self->got + off, 30, 0), 30);
		EXPECT_EQ(type, REF_HANDSHAKE);
	}
	EXPECT_EQ(conn_recv_type(self->fd, &type, self->got + 90, 30, 0), 10);
	EXPECT_EQ(type, REF_HANDSHAKE);
	EXPECT_MEM_EQ(self->got, self->buf, 100);
}

TEST_F(types, plain_recv_meets_control)
{
	put(self, REF_ALERT, 0, 2);
	put(self, REF_DATA, 2, 30);
	for (int i = 0; i < 3; i++) {
		EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), EIO);
		EXPECT_ERRNO(read(self->fd, self->got, 1), EIO);
	}
	take(self, REF_ALERT, 0, 2, 0);
	EXPECT_EQ(recv(self->fd, self->got, 100, 0), 30);
	EXPECT_MEM_EQ(self->got, self->buf + 2, 30);
}

/* Data before the control record is read as usual, then EIO. */
TEST_F(types, plain_recv_stops_before_control)
{
	put(self, REF_DATA, 0, 30);
	put(self, REF_ALERT, 30, 2);
	await(self);
	EXPECT_EQ(recv(self->fd, self->got, 100, MSG_WAITALL), 30);
	EXPECT_MEM_EQ(self->got, self->buf, 30);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, MSG_WAITALL), EIO);
	take(self, REF_ALERT, 30, 2, 0);
}

/* Room for a header but not for the byte counts as no room. */
TEST_F(types, control_truncated)
{
	char space[CMSG_SPACE(1)];
	struct iovec iov = { .iov_base = self->got, .iov_len = 100 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	put(self, REF_ALERT, 0, 2);
	for (size_t len = 0; len < CMSG_LEN(1); len++) {
		msg.msg_control = len ? space : NULL;
		msg.msg_controllen = len;
		EXPECT_ERRNO(recvmsg(self->fd, &msg, 0), EIO);
	}
	take(self, REF_ALERT, 0, 2, 0);
}

TEST_F(types, peek_control)
{
	put(self, REF_HANDSHAKE, 0, 40);
	for (int i = 0; i < 3; i++)
		take(self, REF_HANDSHAKE, 0, 40, MSG_PEEK);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, MSG_PEEK), EIO);
	take(self, REF_HANDSHAKE, 0, 40, 0);
}

/* A peek of data does not run on into a control record, nor over it. */
TEST_F(types, peek_stops_before_control)
{
	put(self, REF_DATA, 0, 40);
	put(self, REF_ALERT, 40, 2);
	put(self, REF_DATA, 42, 40);
	await(self);
	take(self, REF_DATA, 0, 40, MSG_PEEK);
	take(self, REF_DATA, 0, 40, MSG_PEEK);
	take(self, REF_DATA, 0, 40, 0);
	take(self, REF_ALERT, 40, 2, MSG_PEEK);
	take(self, REF_ALERT, 40, 2, 0);
	take(self, REF_DATA, 42, 40, 0);
}

TEST_F(types, splice_meets_control)
{
	int pipe_fd[2];

	ASSERT_EQ(pipe(pipe_fd), 0);
	put(self, REF_DATA, 0, 30);
	put(self, REF_ALERT, 30, 2);
	put(self, REF_DATA, 32, 30);
	EXPECT_EQ(splice(self->fd, NULL, pipe_fd[1], NULL, 1000, 0), 30);
	for (int i = 0; i < 3; i++)
		EXPECT_ERRNO(splice(self->fd, NULL, pipe_fd[1], NULL, 1000, 0), EINVAL);
	take(self, REF_ALERT, 30, 2, 0);
	EXPECT_EQ(splice(self->fd, NULL, pipe_fd[1], NULL, 1000, 0), 30);
	EXPECT_EQ(read(pipe_fd[0], self->got, 100), 60);
	EXPECT_MEM_EQ(self->got, self->buf, 30);
	EXPECT_MEM_EQ(self->got + 30, self->buf + 32, 30);
}

/* An empty control record is delivered: 0 bytes, and a type to tell it from the end. */
TEST_F(types, empty_control)
{
	put(self, REF_ALERT, 0, 0);
	put(self, REF_HANDSHAKE, 0, 0);
	put(self, REF_DATA, 0, 20);
	take(self, REF_ALERT, 0, 0, 0);
	take(self, REF_HANDSHAKE, 0, 0, 0);
	take(self, REF_DATA, 0, 20, 0);
}

TEST_F(types, empty_control_met_without_room)
{
	put(self, REF_DATA, 0, 20);
	put(self, REF_ALERT, 0, 0);
	put(self, REF_DATA, 20, 20);
	await(self);
	EXPECT_EQ(recv(self->fd, self->got, 100, 0), 20);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), EIO);
	take(self, REF_ALERT, 0, 0, 0);
	take(self, REF_DATA, 20, 20, 0);
}

/*
 * Who asks for types is told of empty data in front of a control record, once,
 * as in-tree; to a plain reader 0 bytes would be the end.
 */
TEST_F(types, empty_data_between)
{
	put(self, REF_ALERT, 0, 2);
	put(self, REF_DATA, 0, 0);
	put(self, REF_DATA, 0, 0);
	put(self, REF_HANDSHAKE, 2, 4);
	take(self, REF_ALERT, 0, 2, 0);
	take(self, REF_DATA, 2, 0, 0);
	take(self, REF_HANDSHAKE, 2, 4, 0);
	EXPECT_ERRNO(recv(self->fd, self->got, 1, MSG_DONTWAIT), EAGAIN);
}

TEST_F(types, empty_data_met_without_room)
{
	SKIP_INTREE("0 bytes are given to a plain reader, too");
	put(self, REF_DATA, 0, 0);
	put(self, REF_HANDSHAKE, 2, 4);
	await(self);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), EIO);
	take(self, REF_HANDSHAKE, 2, 4, 0);
}

TEST_F(types, control_then_eof)
{
	put(self, REF_ALERT, 0, 2);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), EIO);
	take(self, REF_ALERT, 0, 2, 0);
	EXPECT_EQ(recv(self->fd, self->got, 100, 0), 0);
}

/* The reader of OpenSSL: one byte's CMSG_SPACE on every call, data too. */
TEST_F(types, type_on_every_call)
{
	uint8_t type;

	put(self, REF_DATA, 0, 300);
	for (size_t off = 0; off < 300; off += 100) {
		EXPECT_EQ(conn_recv_type(self->fd, &type, self->got + off, 100, 0), 100);
		EXPECT_EQ(type, REF_DATA);
	}
	EXPECT_MEM_EQ(self->got, self->buf, 300);
	EXPECT_ERRNO(conn_recv_type(self->fd, &type, self->got, 100, MSG_DONTWAIT), EAGAIN);
	EXPECT_EQ(type, 0);
}

KTAP_MAIN()
