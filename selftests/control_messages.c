// SPDX-License-Identifier: MIT
/*
 * Owns: control mode and what is neither data, ticket nor alert: KeyUpdate,
 * messages nobody asked for, other content types.
 * Must not know: how new keys are installed (rekey.c).
 * Concurrency: none.
 * Follows: uapi/linux/ktlsx.h (KTLSX_CONTROL); RFC 8446 4.6.3, 5.1.
 */
#include "ktap.h"
#include "control.h"

FIXTURE(update) {
	struct control c;
};

FIXTURE_VARIANT(update) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(update, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(update, mtu1500_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(update, small_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_SMALL };

FIXTURE_SETUP(update)
{
	control_open(&self->c, variant->suite, variant->shape);
}

/* Records behind it have other keys: they are not opened, and so no bad record. */
static void expect_expired(struct control *c)
{
	control_expect_for_good(c, EKEYEXPIRED);
	EXPECT_EQ(conn_stat("RxAuthFail"), 0);
}

static void put_unreadable(struct control *c)
{
	const struct ref_twist bad = { .bad_tag = true };

	ASSERT_GT(conn_send_record(&c->conn, REF_DATA, c->buf, 500, &bad), 0);
}

TEST_F(update, expires)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 300);
	control_put_key_update(c, 0);
	put_unreadable(c);
	EXPECT_EQ(recv(c->fd, c->got, 1000, MSG_WAITALL), 300);
	expect_expired(c);
}

TEST_F(update, expires_by_splice)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 300);
	control_put_key_update(c, 1);
	put_unreadable(c);
	EXPECT_EQ(control_read(c, CONTROL_SPLICE, c->got, 300, 0), 300);
	EXPECT_ERRNO(splice(c->fd, NULL, c->pipe_fd[1], NULL, 1000, 0), EKEYEXPIRED);
	expect_expired(c);
}

/* The record is there for whoever wants to know whether an answer is requested. */
TEST_F(update, stays_for_a_call_with_room)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put_key_update(c, 1);
	put_unreadable(c);
	EXPECT_ERRNO(recv(c->fd, c->got, 100, 0), EKEYEXPIRED);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 5);
	EXPECT_EQ(type, REF_HANDSHAKE);
	EXPECT_MEM_EQ(c->got, "\x18\0\0\1\1", 5);
	EXPECT_ERRNO(conn_recv_type(c->fd, &type, c->got, 100, 0), EKEYEXPIRED);
	expect_expired(c);
}

TEST_F(update, taken_with_room)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put_key_update(c, 0);
	put_unreadable(c);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 5);
	EXPECT_ERRNO(conn_recv_type(c->fd, &type, c->got, 100, 0), EKEYEXPIRED);
	EXPECT_ERRNO(recv(c->fd, c->got, 100, MSG_DONTWAIT), EKEYEXPIRED);
	expect_expired(c);
}

TEST_F(update, after_a_ticket_in_its_record)
{
	struct control *c = &self->c;
	uint8_t messages[105], type;

	control_message(messages, CONTROL_TICKET, 100, 1);
	memcpy(messages + 100, "\x18\0\0\1\1", 5);
	control_put(c, REF_HANDSHAKE, messages, sizeof(messages));
	EXPECT_ERRNO(recv(c->fd, c->got, 100, 0), EKEYEXPIRED);
	control_expect_ticket(c, 100, 1);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 5);
	EXPECT_MEM_EQ(c->got, "\x18\0\0\1\1", 5);
	expect_expired(c);
}

TEST_F(update, split_at_every_byte)
{
	static const char update[] = "\x18\0\0\1\0";
	struct control *c = &self->c;

	for (size_t cut = 1; cut < 5; cut++) {
		control_renew(c);
		control_put(c, REF_HANDSHAKE, update, cut);
		control_settle();
		EXPECT_ERRNO(recv(c->fd, c->got, 100, MSG_DONTWAIT), EAGAIN);
		control_put(c, REF_HANDSHAKE, &update[cut], 5 - cut);
		put_unreadable(c);
		expect_expired(c);
	}
}

/* Others are told as well; a reset or FIN behind it changes nothing before there are keys. */
TEST_F(update, end_behind_it)
{
	struct control *c = &self->c;

	control_put_key_update(c, 0);
	ASSERT_EQ(shutdown(c->conn.fd[0], SHUT_WR), 0);
	control_settle();
	expect_expired(c);
}

static const struct {
	const char *bytes;
	size_t len;
} breaches[] = {
	{ "\x18\0\0\1\2", 5 },			/* no such value */
	{ "\x18\0\0\1\377", 5 },
	{ "\x18\0\0\0", 4 },			/* no value */
	{ "\x18\0\0\2\0\0", 6 },		/* too long */
	{ "\x18\0\0\1\0\x18\0\0\1\0", 10 },	/* does not end its record */
	{ "\x18\0\0\1\0\4\0\0\0", 9 },
	{ "\x18\0\0\1\0\0", 6 },
	{ "\0\0\0\0", 4 },			/* HelloRequest */
	{ "\1\0\0\4abcd", 8 },			/* ClientHello */
	{ "\2\0\0\4abcd", 8 },			/* ServerHello */
	{ "\5\0\0\0", 4 },			/* EndOfEarlyData */
	{ "\x0d\0\0\4abcd", 8 },		/* CertificateRequest */
	{ "\x14\0\0\4abcd", 8 },		/* Finished */
	{ "\xfe\0\0\4abcd", 8 },		/* message_hash */
	{ "\xff\377\377\377abcd", 8 },		/* nothing, of 16 MB */
	{ "\4\377\377\377abcd", 8 },		/* a ticket of 16 MB */
};

FIXTURE(other) {
	struct control c;
};

FIXTURE_VARIANT(other) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(other, lo_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(other, lo_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_LO };
FIXTURE_VARIANT_ADD(other, mtu1500_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_MTU1500 };

FIXTURE_SETUP(other)
{
	control_open(&self->c, variant->suite, variant->shape);
}

TEST_F_TIMEOUT(other, handshake_messages, 30)
{
	struct control *c = &self->c;

	for (size_t i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++) {
		control_renew(c);
		control_put_data(c, 0, 50);
		control_put(c, REF_HANDSHAKE, breaches[i].bytes, breaches[i].len);
		control_put_data(c, 50, 50);
		EXPECT_EQ(recv(c->fd, c->got, 100, MSG_WAITALL), 50);
		control_expect_for_good(c, EPROTO);
	}
}

/* A KeyUpdate too, in TLS 1.2. */
TEST_F(other, key_update_by_version)
{
	struct control *c = &self->c;

	control_put_key_update(c, 0);
	control_expect_for_good(c, variant->suite->version == REF_TLS12 ? EPROTO : EKEYEXPIRED);
}

TEST_F_TIMEOUT(other, content_types, 30)
{
	static const uint8_t types[] = { REF_CHANGE_CIPHER, 24, 25, 26, 1, 255 };
	struct control *c = &self->c;

	for (size_t i = 0; i < sizeof(types); i++) {
		control_renew(c);
		control_put(c, types[i], "\1", 1);
		control_expect_for_good(c, EPROTO);
	}
}

/* Whoever has room gets each of them as it is. */
TEST_F(other, with_room)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put(c, REF_HANDSHAKE, "\0\0\0\0", 4);
	control_put(c, REF_CHANGE_CIPHER, "\1", 1);
	control_put(c, 26, "abc", 3);
	control_put_data(c, 0, 10);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 4);
	EXPECT_EQ(type, REF_HANDSHAKE);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 1);
	EXPECT_EQ(type, REF_CHANGE_CIPHER);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 3);
	EXPECT_EQ(type, 26);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 10);
}

/* Room that is too small for the type keeps the in-tree answer. */
TEST_F(other, too_little_room)
{
	struct control *c = &self->c;
	char control[CMSG_LEN(0)];
	struct iovec iov = { .iov_base = c->got, .iov_len = 100 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	control_put_alert(c, 1, 0);
	for (int i = 0; i < 2; i++) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		EXPECT_ERRNO(recvmsg(c->fd, &msg, 0), EIO);
	}
	control_expect_end(c);
}

KTAP_MAIN()
