// SPDX-License-Identifier: MIT
/*
 * Owns: record types on the way out: TLS_SET_RECORD_TYPE, and how typed records
 * and records held open by MSG_MORE keep apart.
 * Must not know: how the kernel receives records.
 * Concurrency: none.
 * Follows: <linux/tls.h>; the errno contract of DESIGN.md 4.
 */
#include "ktap.h"
#include "conn.h"

struct expected {
	uint8_t type;
	size_t len;
};

FIXTURE(types) {
	struct conn conn;
	struct ref_stream stream;
	int fd;
	uint8_t buf[40000];
};

FIXTURE_VARIANT(types) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(types, lo, CONN_LO);

FIXTURE_SETUP(types)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	ref_stream_init(&self->stream, &self->conn.key[0]);
	self->fd = self->conn.fd[0];
	conn_fill(self->buf, sizeof(self->buf), 9);
}

/* The wire holds these records, end to end the start of the buffer, and nothing more. */
static void check_wire(struct types_self *self, const struct expected *expected, size_t count)
{
	const struct ref_record *records;

	EXPECT_EQ(ref_stream_read_records(&self->stream, self->conn.fd[1], count), 0);
	ASSERT_EQ(self->stream.record_count, count);
	records = self->stream.records;
	for (size_t i = 0; i < count; i++) {
		EXPECT_EQ(records[i].type, expected[i].type);
		EXPECT_EQ(records[i].plain_len, expected[i].len);
	}
	EXPECT_MEM_EQ(self->stream.plain, self->buf, self->stream.plain_len);
	EXPECT_EQ(ref_stream_pull(&self->stream, self->conn.fd[1], MSG_DONTWAIT), -EAGAIN);
}

TEST_F(types, each)
{
	static const struct expected expected[] = {
		{ REF_CHANGE_CIPHER, 1 },
		{ REF_ALERT, 2 },
		{ REF_HANDSHAKE, 900 },
		{ REF_DATA, 70 },
		{ 24, 3 },
		{ 25, 4 },
		{ 26, 5 },
		{ 100, 100 },
		{ 255, 16384 },
	};
	size_t off = 0;

	for (size_t i = 0; i < 9; off += expected[i++].len)
		EXPECT_EQ(conn_send_type(self->fd, expected[i].type, self->buf + off,
					 expected[i].len, 0), expected[i].len);
	check_wire(self, expected, 9);
}

TEST_F(types, not_merged)
{
	static const struct expected expected[] = {
		{ REF_HANDSHAKE, 10 }, { REF_HANDSHAKE, 20 }, { REF_DATA, 30 }, { REF_DATA, 40 },
	};
	size_t off = 0;

	for (size_t i = 0; i < 4; off += expected[i++].len)
		EXPECT_EQ(conn_send_type(self->fd, expected[i].type, self->buf + off,
					 expected[i].len, 0), expected[i].len);
	check_wire(self, expected, 4);
}

TEST_F(types, long_message)
{
	static const struct expected expected[] = {
		{ REF_HANDSHAKE, 16384 }, { REF_HANDSHAKE, 3616 },
	};

	EXPECT_EQ(conn_send_type(self->fd, REF_HANDSHAKE, self->buf, 20000, 0), 20000);
	check_wire(self, expected, 2);
}

/* An open record is closed with its own type before one of another type. */
TEST_F(types, closes_open_record)
{
	static const struct expected expected[] = {
		{ REF_DATA, 100 }, { REF_ALERT, 2 }, { REF_DATA, 50 }, { REF_HANDSHAKE, 9 },
		{ REF_DATA, 7 },
	};

	EXPECT_EQ(send(self->fd, self->buf, 100, MSG_MORE), 100);
	EXPECT_EQ(conn_send_type(self->fd, REF_ALERT, self->buf + 100, 2, 0), 2);
	EXPECT_EQ(send(self->fd, self->buf + 102, 50, MSG_MORE), 50);
	EXPECT_EQ(conn_send_type(self->fd, REF_HANDSHAKE, self->buf + 152, 9, 0), 9);
	EXPECT_EQ(send(self->fd, self->buf + 161, 7, 0), 7);
	check_wire(self, expected, 5);
}

/* A type given is a boundary, even when it is that of the open record. */
TEST_F(types, data_type_closes_too)
{
	static const struct expected expected[] = { { REF_DATA, 100 }, { REF_DATA, 11 } };

	EXPECT_EQ(send(self->fd, self->buf, 100, MSG_MORE), 100);
	EXPECT_EQ(conn_send_type(self->fd, REF_DATA, self->buf + 100, 11, 0), 11);
	check_wire(self, expected, 2);
}

TEST_F(types, more_refused)
{
	static const struct expected expected[] = { { REF_DATA, 5 } };
	static const uint8_t refused[] = { REF_ALERT, REF_HANDSHAKE, REF_DATA };

	for (size_t i = 0; i < 3; i++)
		EXPECT_ERRNO(conn_send_type(self->fd, refused[i], self->buf, 5, MSG_MORE), EINVAL);
	EXPECT_EQ(send(self->fd, self->buf, 5, 0), 5);
	check_wire(self, expected, 1);
}

/* What is refused leaves the open record as it was. */
TEST_F(types, more_refused_keeps_record)
{
	static const struct expected expected[] = { { REF_DATA, 105 } };

	EXPECT_EQ(send(self->fd, self->buf, 100, MSG_MORE), 100);
	EXPECT_ERRNO(conn_send_type(self->fd, REF_ALERT, self->buf, 5, MSG_MORE), EINVAL);
	EXPECT_EQ(send(self->fd, self->buf + 100, 5, 0), 5);
	check_wire(self, expected, 1);
}

/* Sends 5 bytes with a control message of this type and payload length. */
static ssize_t send_control(struct types_self *self, int type, size_t payload_len)
{
	union { struct cmsghdr header; char space[CMSG_SPACE(16)]; } control = { 0 };
	struct iovec iov = { .iov_base = self->buf, .iov_len = 5 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = CMSG_SPACE(payload_len),
	};

	control.header.cmsg_level = SOL_TLS;
	control.header.cmsg_type = type;
	control.header.cmsg_len = CMSG_LEN(payload_len);
	*CMSG_DATA(&control.header) = REF_ALERT;
	return sendmsg(self->fd, &msg, 0);
}

TEST_F(types, bad_control)
{
	static const struct expected expected[] = { { REF_DATA, 5 } };

	EXPECT_ERRNO(send_control(self, TLS_SET_RECORD_TYPE, 0), EINVAL);
	EXPECT_ERRNO(send_control(self, TLS_GET_RECORD_TYPE, 1), EINVAL);
	EXPECT_ERRNO(send_control(self, 99, 1), EINVAL);
	EXPECT_EQ(send(self->fd, self->buf, 5, 0), 5);
	check_wire(self, expected, 1);
}

/* A cmsg_len that points past the buffer. */
TEST_F(types, overlong_control)
{
	union { struct cmsghdr header; char space[CMSG_SPACE(1)]; } control = { 0 };
	struct iovec iov = { .iov_base = self->buf, .iov_len = 5 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	static const struct expected expected[] = { { REF_DATA, 5 } };
	static const size_t lens[] = { 0, 1, sizeof(control) + 8, 4096, SIZE_MAX };

	control.header.cmsg_level = SOL_TLS;
	control.header.cmsg_type = TLS_SET_RECORD_TYPE;
	for (size_t i = 0; i < 5; i++) {
		control.header.cmsg_len = lens[i];
		EXPECT_ERRNO(sendmsg(self->fd, &msg, 0), EINVAL);
	}
	EXPECT_EQ(send(self->fd, self->buf, 5, 0), 5);
	check_wire(self, expected, 1);
}

KTAP_MAIN()
