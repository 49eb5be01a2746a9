// SPDX-License-Identifier: MIT
/*
 * Owns: control mode and the end of sending: shutdown() and the last close() say
 * close_notify, once, without blocking, and never after a failure.
 * Must not know: how receiving ends (control_end.c).
 * Concurrency: child processes hold the same socket.
 * Follows: uapi/linux/ktlsx.h (KTLSX_CONTROL); RFC 8446 6.1.
 */
#include "ktap.h"
#include "control.h"

#define BUF_LEN		600000

FIXTURE(bye) {
	struct conn conn;
	struct ref_stream stream;
	int fd;			/* ours, in control mode */
	int peer;		/* raw */
	uint8_t *buf;
	uint8_t got[1000];
};

FIXTURE_VARIANT(bye) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(bye, lo_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(bye, lo_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_LO };
FIXTURE_VARIANT_ADD(bye, mtu1500_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(bye, small_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_SMALL };

FIXTURE_SETUP(bye)
{
	int len = 30000;

	SKIP_INTREE("it has no control mode");
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_attach(self->conn.fd[0]));
	self->fd = self->conn.fd[0];
	self->peer = self->conn.fd[1];
	ASSERT_EQ(control_set(self->fd, KTLSX_CONTROL, 1), 0);
	CONN_TRY(conn_set_key(self->fd, TLS_RX, &self->conn.key[1]));
	CONN_TRY(conn_set_key(self->fd, TLS_TX, &self->conn.key[0]));
	ASSERT_EQ(setsockopt(self->fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof(len)), 0);
	ref_stream_init(&self->stream, &self->conn.key[0]);
	self->buf = malloc(BUF_LEN);
	conn_fill(self->buf, BUF_LEN, 41);
}

/* The peer gets these bytes of data, then @alert (level, description; -1: none), then the end. */
static void expect_last(struct bye_self *self, size_t data_len, int alert)
{
	const struct ref_record *last;
	size_t alert_count = 0;

	EXPECT_EQ(ref_stream_read_eof(&self->stream, self->peer), 0);
	EXPECT_EQ(self->stream.plain_len, data_len + (alert < 0 ? 0 : 2));
	EXPECT_MEM_EQ(self->stream.plain, self->buf, data_len);
	for (size_t i = 0; i < self->stream.record_count; i++)
		alert_count += self->stream.records[i].type == REF_ALERT;
	EXPECT_EQ(alert_count, alert >= 0);
	if (alert < 0 || !self->stream.record_count)
		return;
	last = &self->stream.records[self->stream.record_count - 1];
	EXPECT_EQ(last->type, REF_ALERT);
	EXPECT_EQ(last->plain_len, 2);
	EXPECT_EQ(self->stream.plain[self->stream.plain_len - 2] << 8 |
		  self->stream.plain[self->stream.plain_len - 1], alert);
}

#define CLOSE_NOTIFY	0x100
#define NOTHING		(-1)

/* A record from the peer to us. */
static void put(struct bye_self *self, uint8_t type, const void *buf, size_t len,
		const struct ref_twist *twist)
{
	uint8_t wire[REF_WIRE_MAX];
	size_t wire_len = ref_seal(&self->conn.key[1], type, buf, len, twist, wire);

	ASSERT_EQ(conn_send_all(self->peer, wire, wire_len, 0), wire_len);
}

static size_t fill(struct bye_self *self, int flags)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLOUT };
	size_t off = 0;
	ssize_t done;

	do {
		while ((done = send(self->fd, self->buf + off, 5000, flags | MSG_DONTWAIT)) > 0) {
			off += done;
			ASSERT_LE(off, BUF_LEN - 5000);
		}
		EXPECT_EQ(errno, EAGAIN);
	} while (poll(&pfd, 1, 80));
	return off;
}

TEST_F(bye, shutdown_of_writing)
{
	long long count = conn_stat("TxControlRecords");

	ASSERT_EQ(send(self->fd, self->buf, 100, 0), 100);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_last(self, 100, CLOSE_NOTIFY);
	EXPECT_EQ(conn_stat("TxControlRecords"), count + 1);
	EXPECT_ERRNO(send(self->fd, self->buf, 100, 0), EPIPE);
}

TEST_F(bye, shutdown_of_both)
{
	ASSERT_EQ(shutdown(self->fd, SHUT_RDWR), 0);
	expect_last(self, 0, CLOSE_NOTIFY);
}

TEST_F(bye, shutdown_of_reading_says_nothing)
{
	ASSERT_EQ(shutdown(self->fd, SHUT_RD), 0);
	ASSERT_EQ(send(self->fd, self->buf, 100, 0), 100);
	ASSERT_EQ(ref_stream_read(&self->stream, self->peer, 100), 0);
	EXPECT_EQ(self->stream.record_count, 1);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_last(self, 100, CLOSE_NOTIFY);
}

TEST_F(bye, closed)
{
	ASSERT_EQ(send(self->fd, self->buf, 100, 0), 100);
	ASSERT_EQ(close(self->fd), 0);
	expect_last(self, 100, CLOSE_NOTIFY);
}

TEST_F(bye, said_once)
{
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(shutdown(self->fd, i == 1 ? SHUT_RDWR : SHUT_WR), 0);
	ASSERT_EQ(close(self->fd), 0);
	expect_last(self, 0, CLOSE_NOTIFY);
}

/* Only the last close of several. */
TEST_F(bye, last_close)
{
	int other = dup(self->fd);

	ASSERT_EQ(close(self->fd), 0);
	ASSERT_EQ(send(other, self->buf, 100, 0), 100);
	ASSERT_EQ(ref_stream_read(&self->stream, self->peer, 100), 0);
	EXPECT_EQ(self->stream.record_count, 1);
	ASSERT_EQ(close(other), 0);
	expect_last(self, 100, CLOSE_NOTIFY);
}

TEST_F(bye, owner_killed)
{
	pid_t child = fork();
	int status;

	if (!child) {
		send(self->fd, self->buf, 100, MSG_MORE);
		kill(getpid(), SIGKILL);
	}
	close(self->fd);
	ASSERT_EQ(waitpid(child, &status, 0), child);
	expect_last(self, 100, CLOSE_NOTIFY);
}

/* The open record is sealed first. */
TEST_F(bye, behind_an_open_record)
{
	ASSERT_EQ(send(self->fd, self->buf, 100, MSG_MORE), 100);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_last(self, 100, CLOSE_NOTIFY);
	EXPECT_EQ(self->stream.record_count, 2);
}

TEST_F_TIMEOUT(bye, closed_when_full, 30)
{
	size_t len = fill(self, 0);

	ASSERT_EQ(close(self->fd), 0);
	expect_last(self, len, CLOSE_NOTIFY);
}

TEST_F_TIMEOUT(bye, closed_when_full_and_open, 30)
{
	size_t len = fill(self, MSG_MORE);

	ASSERT_EQ(close(self->fd), 0);
	expect_last(self, len, CLOSE_NOTIFY);
}

/* And without O_NONBLOCK; nobody reads before it has returned. */
TEST_F_TIMEOUT(bye, shutdown_when_full_does_not_block, 30)
{
	size_t len = fill(self, MSG_MORE);

	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_last(self, len, CLOSE_NOTIFY);
}

TEST_F(bye, answers_the_peers)
{
	put(self, REF_ALERT, "\1\0", 2, NULL);
	EXPECT_EQ(recv(self->fd, self->got, 100, 0), 0);
	ASSERT_EQ(send(self->fd, self->buf, 100, 0), 100);
	ASSERT_EQ(close(self->fd), 0);
	expect_last(self, 100, CLOSE_NOTIFY);
}

/* Without the mode, and when it was switched off again. */
TEST_F(bye, mode_off)
{
	ASSERT_EQ(control_set(self->fd, KTLSX_CONTROL, 0), 0);
	ASSERT_EQ(send(self->fd, self->buf, 100, 0), 100);
	ASSERT_EQ(close(self->fd), 0);
	expect_last(self, 100, NOTHING);
}

/* Without keys to send there is nothing to seal it with: the stream stays plain and empty. */
TEST_F(bye, no_keys)
{
	struct conn *conn = &self->conn;
	char byte;

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(conn_pair(conn->fd, variant->shape, AF_INET), 0);
		ASSERT_EQ(conn_attach(conn->fd[0]), 0);
		ASSERT_EQ(control_set(conn->fd[0], KTLSX_CONTROL, 1), 0);
		if (i)
			ASSERT_EQ(conn_set_key(conn->fd[0], TLS_RX, &conn->key[1]), 0);
		ASSERT_EQ(shutdown(conn->fd[0], SHUT_RDWR), 0);
		close(conn->fd[0]);
		EXPECT_EQ(recv(conn->fd[1], &byte, 1, 0), 0);
	}
}

TEST_F(bye, not_after_a_bad_record)
{
	const struct ref_twist bad = { .bad_tag = true };

	put(self, REF_DATA, self->buf, 100, &bad);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), EBADMSG);
	ASSERT_EQ(send(self->fd, self->buf, 100, 0), 100);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_last(self, 100, NOTHING);
}

TEST_F(bye, not_after_a_bad_header)
{
	const struct ref_twist bad = { .version = 0x0505 };

	put(self, REF_DATA, self->buf, 100, &bad);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), EINVAL);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_last(self, 0, NOTHING);
}

/* The user may still say what was wrong. */
TEST_F(bye, own_alert_after_a_bad_record)
{
	const struct ref_twist bad = { .bad_tag = true };

	put(self, REF_DATA, self->buf, 100, &bad);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), EBADMSG);
	ASSERT_EQ(conn_send_type(self->fd, REF_ALERT, "\2\24", 2, 0), 2);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_last(self, 0, 2 << 8 | 20);
}

TEST_F(bye, not_after_a_fatal_alert)
{
	put(self, REF_ALERT, "\2\50", 2, NULL);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), ECONNRESET);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_last(self, 0, NOTHING);
}

TEST_F(bye, not_after_a_fatal_alert_taken_with_room)
{
	uint8_t type;

	put(self, REF_ALERT, "\2\50", 2, NULL);
	EXPECT_EQ(conn_recv_type(self->fd, &type, self->got, 100, 0), 2);
	ASSERT_EQ(close(self->fd), 0);
	expect_last(self, 0, NOTHING);
}

TEST_F(bye, not_after_a_breach)
{
	put(self, REF_HANDSHAKE, "\0\0\0\0", 4, NULL);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), EPROTO);
	ASSERT_EQ(close(self->fd), 0);
	expect_last(self, 0, NOTHING);
}

/* Who ends sending himself is not interrupted: close_notify or a fatal alert by sendmsg(). */
TEST_F(bye, not_after_the_users_own)
{
	ASSERT_EQ(conn_send_type(self->fd, REF_ALERT, "\1\0", 2, 0), 2);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_last(self, 0, CLOSE_NOTIFY);
}

TEST_F(bye, not_after_the_users_fatal_alert)
{
	ASSERT_EQ(conn_send_type(self->fd, REF_ALERT, "\2\12", 2, 0), 2);
	ASSERT_EQ(close(self->fd), 0);
	expect_last(self, 0, 2 << 8 | 10);
}

/* A warning, or something that is no alert at all, does not end anything. */
TEST_F(bye, after_the_users_warning)
{
	ASSERT_EQ(conn_send_type(self->fd, REF_ALERT, "\1\132", 2, 0), 2);
	ASSERT_EQ(conn_send_type(self->fd, REF_ALERT, "\1\0\0", 3, 0), 3);
	ASSERT_EQ(conn_send_type(self->fd, REF_HANDSHAKE, "\2\12", 2, 0), 2);
	ASSERT_EQ(close(self->fd), 0);
	EXPECT_EQ(ref_stream_read_eof(&self->stream, self->peer), 0);
	ASSERT_EQ(self->stream.record_count, 4);
	EXPECT_EQ(self->stream.records[3].type, REF_ALERT);
	EXPECT_MEM_EQ(self->stream.plain + 7, "\1\0", 2);
}

/* Lingering for no time is a reset: nothing is said before it. */
TEST_F(bye, not_before_a_reset)
{
	const struct linger now = { .l_onoff = 1 };
	long long count = conn_stat("TxControlRecords");

	ASSERT_EQ(setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	ASSERT_EQ(close(self->fd), 0);
	EXPECT_EQ(ref_stream_read_eof(&self->stream, self->peer), -ECONNRESET);
	EXPECT_EQ(self->stream.record_count, 0);
	EXPECT_EQ(conn_stat("TxControlRecords"), count);
}

TEST_F(bye, not_after_a_reset)
{
	const struct linger now = { .l_onoff = 1 };
	long long count = conn_stat("TxControlRecords");

	ASSERT_EQ(setsockopt(self->peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	ASSERT_EQ(close(self->peer), 0);
	control_settle();
	shutdown(self->fd, SHUT_WR);
	ASSERT_EQ(close(self->fd), 0);
	EXPECT_EQ(conn_stat("TxControlRecords"), count);
}

TEST_F(bye, not_with_used_up_numbers)
{
	struct conn *conn = &self->conn;

	ASSERT_EQ(conn_pair(conn->fd, variant->shape, AF_INET), 0);
	self->fd = conn->fd[0];
	self->peer = conn->fd[1];
	conn->key[0].seq = ~0ull;
	ref_stream_init(&self->stream, &conn->key[0]);
	ASSERT_EQ(conn_attach(self->fd), 0);
	ASSERT_EQ(control_set(self->fd, KTLSX_CONTROL, 1), 0);
	ASSERT_EQ(conn_set_key(self->fd, TLS_TX, &conn->key[0]), 0);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_last(self, 0, NOTHING);
}

KTAP_MAIN()
