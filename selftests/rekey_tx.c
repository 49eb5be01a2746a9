// SPDX-License-Identifier: MIT
/*
 * Owns: new keys for sending: which record is sealed with which, and what is refused.
 * Must not know: how new keys for receiving pause and wake (rekey.c).
 * Concurrency: writers that are at it while keys change.
 * Follows: RFC 8446 4.6.3; DESIGN.md 4 and 6.2.
 */
#include "ktap.h"
#include "control.h"

#define BUF_LEN		600000
#define ROUNDS		15

FIXTURE(rekey) {
	struct conn conn;
	struct ref_stream stream;
	struct ref_key key;	/* the next one */
	int fd;
	uint8_t *buf;
};

FIXTURE_VARIANT(rekey) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(rekey, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(rekey, mtu1500_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(rekey, small_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_SMALL };

FIXTURE_SETUP(rekey)
{
	SKIP_INTREE("rekey came with a later kernel");
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	self->fd = self->conn.fd[0];
	ref_stream_init(&self->stream, &self->conn.key[0]);
	control_make_key(&self->key, variant->suite, 1);
	self->buf = malloc(BUF_LEN);
	conn_fill(self->buf, BUF_LEN, 61);
}

static int set_key(struct rekey_self *self)
{
	return conn_set_key(self->fd, TLS_TX, &self->key);
}

/* Opens the next record of what was pulled; ref_stream_pull() does so only when bytes come. */
static int open_next(struct ref_stream *stream)
{
	struct ref_record record;
	int ret;

	if (stream->plain_size < stream->plain_len + REF_WIRE_MAX) {
		stream->plain_size = 2 * (stream->plain_len + REF_WIRE_MAX);
		stream->plain = realloc(stream->plain, stream->plain_size);
	}
	ret = ref_open(&stream->key, stream->wire + stream->opened_len,
		       stream->wire_len - stream->opened_len, &record,
		       stream->plain + stream->plain_len);
	if (ret)
		return ret;
	stream->opened_len += record.wire_len;
	stream->plain_len += record.plain_len;
	return 0;
}

/* Reads @len bytes in all, of which just @old_len open with the key there was. */
static void expect_switch(struct rekey_self *self, size_t old_len, size_t len)
{
	struct ref_stream *stream = &self->stream;
	int ret = 1;

	while (stream->wire_len < old_len || (ret > 0 && stream->plain_len < old_len))
		ret = ref_stream_pull(stream, self->conn.fd[1], 0);
	EXPECT_EQ(stream->plain_len, old_len);
	stream->key = self->key;
	while (stream->plain_len < len) {
		ret = open_next(stream);
		if (ret == -EAGAIN)
			ret = ref_stream_pull(stream, self->conn.fd[1], 0) > 0 ? 0 : -EPIPE;
		ASSERT_EQ(ret, 0);
	}
	EXPECT_MEM_EQ(stream->plain, self->buf, len);
}

TEST_F(rekey, next_record)
{
	ASSERT_EQ(send(self->fd, self->buf, 1000, 0), 1000);
	ASSERT_EQ(set_key(self), 0);
	ASSERT_EQ(send(self->fd, self->buf + 1000, 500, 0), 500);
	ASSERT_EQ(send(self->fd, self->buf + 1500, 500, 0), 500);
	expect_switch(self, 1000, 2000);
	EXPECT_EQ(conn_stat("TxRekeyOk"), 1);
}

/* The KeyUpdate itself goes under the old key. */
TEST_F(rekey, behind_a_key_update)
{
	const uint8_t message[] = { 24, 0, 0, 1, 0 };

	ASSERT_EQ(conn_send_type(self->fd, REF_HANDSHAKE, message, 5, 0), 5);
	ASSERT_EQ(set_key(self), 0);
	ASSERT_EQ(ref_stream_read_records(&self->stream, self->conn.fd[1], 1), 0);
	EXPECT_EQ(self->stream.records[0].type, REF_HANDSHAKE);
	EXPECT_MEM_EQ(self->stream.plain, message, 5);
	self->stream.key = self->key;
	ASSERT_EQ(send(self->fd, self->buf, 500, 0), 500);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], 505), 0);
}

/* What was left open is closed under the old key. */
TEST_F(rekey, open_record)
{
	ASSERT_EQ(send(self->fd, self->buf, 100, MSG_MORE), 100);
	ASSERT_EQ(set_key(self), 0);
	ASSERT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], 100), 0);
	ASSERT_EQ(send(self->fd, self->buf + 100, 100, MSG_MORE), 100);
	ASSERT_EQ(send(self->fd, self->buf + 200, 100, 0), 100);
	expect_switch(self, 100, 300);
	EXPECT_EQ(self->stream.record_count, 2);
}

/* And so it is when the new key is refused: which has no other effect. */
TEST_F(rekey, open_record_and_a_refusal)
{
	struct ref_key same = self->conn.key[0];

	ASSERT_EQ(send(self->fd, self->buf, 100, MSG_MORE), 100);
	/* The open record takes this number. */
	EXPECT_EQ(conn_set_key(self->fd, TLS_TX, &same), -EINVAL);
	ASSERT_EQ(send(self->fd, self->buf + 100, 100, 0), 100);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], 200), 0);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, 200);
}

/* A record that TCP did not take whole goes out as it was sealed. */
TEST_F_TIMEOUT(rekey, sealed_record_waits, 30)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLOUT };
	int sndbuf = 30000;
	size_t off = 0;
	ssize_t done;

	ASSERT_EQ(setsockopt(self->fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)), 0);
	do {
		while ((done = send(self->fd, self->buf + off, 5000, MSG_DONTWAIT)) > 0) {
			off += done;
			ASSERT_LE(off, BUF_LEN - 5000);
		}
	} while (poll(&pfd, 1, 80));
	ASSERT_EQ(set_key(self), 0);
	ASSERT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], off), 0);
	ASSERT_EQ(send(self->fd, self->buf + off, 3000, 0), 3000);
	expect_switch(self, off, off + 3000);
}

TEST_F_TIMEOUT(rekey, many_times, 40)
{
	size_t off = 0;

	for (int i = 0; i < 100; i++) {
		size_t len = 1 + i * 41 % 4000;

		ASSERT_EQ(send(self->fd, self->buf + off, len, i % 3 ? 0 : MSG_MORE), len);
		ASSERT_EQ(set_key(self), 0);
		off += len;
		ASSERT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], off), 0);
		self->stream.key = self->key;
		control_make_key(&self->key, variant->suite, i + 2);
	}
	EXPECT_MEM_EQ(self->stream.plain, self->buf, off);
	EXPECT_EQ(conn_stat("TxRekeyOk"), 100);
}

TEST_F(rekey, refused_leaves_the_old)
{
	union { union conn_info known; uint8_t bytes[100]; } info;
	socklen_t len = conn_make_info(&self->key, &info.known);
	struct ref_key other;

	ASSERT_EQ(send(self->fd, self->buf, 100, 0), 100);
	ASSERT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], 100), 0);
	for (socklen_t wrong = 0; wrong < sizeof(info.bytes); wrong++)
		if (wrong != len)
			EXPECT_ERRNO(setsockopt(self->fd, SOL_TLS, TLS_TX, &info, wrong), EINVAL);
	for (size_t i = 0; i < CONN_SUITE_COUNT; i++) {
		ref_key_make(&other, conn_suites[i].version, conn_suites[i].ref_cipher, 1);
		if (&conn_suites[i] != variant->suite)
			EXPECT_EQ(conn_set_key(self->fd, TLS_TX, &other), -EINVAL);
	}
	EXPECT_ERRNO(setsockopt(self->fd, SOL_TLS, TLS_TX, (void *)16, len), EFAULT);
	EXPECT_EQ(conn_stat("TxRekeyOk"), 0);
	EXPECT_GT(conn_stat("TxRekeyError"), 0);
	ASSERT_EQ(send(self->fd, self->buf + 100, 100, 0), 100);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], 200), 0);
}

/* The same key may go on, and never back: a nonce would be used twice. */
TEST_F(rekey, lower_number)
{
	struct ref_key same;

	ASSERT_EQ(send(self->fd, self->buf, 100, 0), 100);
	ASSERT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], 100), 0);
	EXPECT_EQ(conn_set_key(self->fd, TLS_TX, &self->conn.key[0]), -EINVAL);
	same = self->stream.key;
	same.iv[0] ^= 1;
	EXPECT_EQ(conn_set_key(self->fd, TLS_TX, &same), -EINVAL);
	EXPECT_EQ(conn_set_key(self->fd, TLS_TX, &self->stream.key), 0);
	self->stream.key.seq += 7;
	EXPECT_EQ(conn_set_key(self->fd, TLS_TX, &self->stream.key), 0);
	ASSERT_EQ(send(self->fd, self->buf + 100, 100, 0), 100);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], 200), 0);
}

/* Numbers that are used up begin anew. */
TEST_F(rekey, used_up_numbers)
{
	struct conn *conn = &self->conn;

	ASSERT_EQ(conn_pair(conn->fd, variant->shape, AF_INET), 0);
	conn->key[0].seq = ~0ull - 1;
	ref_stream_init(&self->stream, &conn->key[0]);
	ASSERT_EQ(conn_tx(conn), 0);
	ASSERT_EQ(send(conn->fd[0], self->buf, 100, 0), 100);
	EXPECT_ERRNO(send(conn->fd[0], self->buf + 100, 100, 0), EBADMSG);
	self->fd = conn->fd[0];
	ASSERT_EQ(set_key(self), 0);
	ASSERT_EQ(ref_stream_read(&self->stream, conn->fd[1], 100), 0);
	ASSERT_EQ(send(conn->fd[0], self->buf + 100, 100, 0), 100);
	expect_switch(self, 100, 200);
}

TEST_F(rekey, getsockopt_afterwards)
{
	union conn_info expected, got;
	socklen_t len = conn_make_info(&self->key, &expected);

	ASSERT_EQ(send(self->fd, self->buf, 100, 0), 100);
	ASSERT_EQ(set_key(self), 0);
	ASSERT_EQ(getsockopt(self->fd, SOL_TLS, TLS_TX, &got, &len), 0);
	EXPECT_MEM_EQ(&got, &expected, len);
}

struct writing {
	struct rekey_self *self;
	size_t len;
};

static void *keep_writing(void *arg)
{
	struct writing *writing = arg;
	size_t off = 0;

	while (off < writing->len) {
		ssize_t done = send(writing->self->fd, writing->self->buf + off,
				    off % 3 ? 777 : 5000, off % 2 ? MSG_MORE : 0);

		if (done <= 0)
			return (void *)(intptr_t)-errno;
		off += done;
	}
	send(writing->self->fd, writing->self->buf, 1, 0);	/* closes what is open */
	return (void *)off;
}

/* Follows whatever key is in use: a record opens with this one or a later one. */
static void read_through(struct rekey_self *self, size_t len, const struct conn_suite *suite)
{
	struct ref_stream *stream = &self->stream;
	unsigned int number = 0;

	while (stream->plain_len < len) {
		int ret = open_next(stream);

		if (ret == -EBADMSG && number < ROUNDS) {
			control_make_key(&stream->key, suite, ++number);
			continue;
		}
		if (ret == -EAGAIN)
			ret = ref_stream_pull(stream, self->conn.fd[1], 0);
		ASSERT_TRUE(ret >= 0 || ret == -EBADMSG);
		ASSERT_LE(number, ROUNDS);
	}
}

static void *keep_changing(void *arg)
{
	struct rekey_self *self = arg;

	for (int i = 1; i <= ROUNDS; i++) {
		EXPECT_EQ(set_key(self), 0);
		control_make_key(&self->key, self->conn.suite, i + 1);
		usleep(1000);
	}
	return NULL;
}

/* Every record is sealed with the key that holds at that moment, and each byte goes once. */
TEST_F_TIMEOUT(rekey, while_others_write, 60)
{
	struct writing writing = { .self = self, .len = 400000 };
	pthread_t writer, changer;
	void *sent;

	ASSERT_EQ(pthread_create(&writer, NULL, keep_writing, &writing), 0);
	ASSERT_EQ(pthread_create(&changer, NULL, keep_changing, self), 0);
	read_through(self, writing.len, variant->suite);
	pthread_join(changer, NULL);
	pthread_join(writer, &sent);
	EXPECT_GE((intptr_t)sent, (intptr_t)writing.len);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, writing.len);
}

KTAP_MAIN()
