// SPDX-License-Identifier: MIT
/*
 * Owns: RX keys that are installed when the peer's records are queued already:
 * whole, in part, behind plain bytes, with the FIN.
 * Must not know: how records are found in the queue.
 * Concurrency: a job sends what does not fit the window at once.
 * Follows: DESIGN.md 4 ("they belong to it"); reference/ktls-peers.md 3, item 11.
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>

#define RECORD_LEN	5000

FIXTURE(queued) {
	struct conn conn;
	struct ref_key key;	/* as it was before anything was sealed */
	int fd;
	size_t len;
	size_t wire_len;
	uint8_t *wire;
	uint8_t *buf;
	uint8_t *got;
};

FIXTURE_VARIANT(queued) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SHAPE_VARIANTS(queued);

FIXTURE_SETUP(queued)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	self->key = self->conn.key[0];
	self->fd = self->conn.fd[1];
	self->len = 60000;
	self->buf = malloc(self->len);
	self->got = malloc(self->len);
	conn_fill(self->buf, self->len, 80);
	self->wire = conn_seal_all(&self->conn, self->buf, self->len, RECORD_LEN, &self->wire_len);
}

static void install(struct queued_self *self)
{
	CONN_TRY(conn_attach(self->fd));
	CONN_TRY(conn_set_key(self->fd, TLS_RX, &self->key));
}

/* Sends raw what fits the window, and gives it time to arrive. */
static void put(struct queued_self *self, size_t from, size_t to)
{
	ASSERT_EQ(conn_send_all(self->conn.fd[0], self->wire + from, to - from, 0), to - from);
	usleep(15000);
}

static void expect_content(struct queued_self *self, size_t off, size_t len)
{
	EXPECT_EQ(conn_recv_all(self->fd, self->got + off, len, 0), len);
	EXPECT_MEM_EQ(self->got + off, self->buf + off, len);
}

static short readable(struct queued_self *self, int timeout_ms)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };

	EXPECT_GE(poll(&pfd, 1, timeout_ms), 0);
	return pfd.revents & POLLIN;
}

/* More than the queue holds: some is queued, some in flight, some not sent yet. */
TEST_F_TIMEOUT(queued, many_records, 30)
{
	struct conn_job job;

	ASSERT_EQ(conn_send_start(&job, self->conn.fd[0], self->wire, self->wire_len, 3000), 0);
	usleep(30000);
	install(self);
	EXPECT_EQ(readable(self, 5000 * (int)ktap_slow()), POLLIN);
	expect_content(self, 0, self->len);
	EXPECT_EQ(conn_job_end(&job), self->wire_len);
}

/* The place where the queue ends when the keys come, from inside the header to past the record. */
TEST_F_TIMEOUT(queued, part_of_record, 30)
{
	static const size_t cuts[] = { 1, 4, 5, 6, 12, 13, 14, 700 };

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		uint8_t wire[REF_WIRE_MAX];
		size_t len;

		close(self->conn.fd[0]);
		close(self->conn.fd[1]);
		ASSERT_EQ(conn_pair(self->conn.fd, CONN_LO, AF_INET), 0);
		self->fd = self->conn.fd[1];
		self->key = self->conn.key[0];
		len = ref_seal(&self->conn.key[0], REF_DATA, self->buf, 1000, NULL, wire);
		ASSERT_EQ(send(self->conn.fd[0], wire, cuts[i], 0), cuts[i]);
		install(self);
		EXPECT_ERRNO(recv(self->fd, self->got, 1000, MSG_DONTWAIT), EAGAIN);
		ASSERT_EQ(send(self->conn.fd[0], wire + cuts[i], len - cuts[i], 0), len - cuts[i]);
		EXPECT_EQ(readable(self, 5000 * (int)ktap_slow()), POLLIN);
		expect_content(self, 0, 1000);
	}
}

/* The last handshake message is read plainly, to the byte; records follow it in the queue. */
TEST_F(queued, behind_plain_bytes)
{
	char text[16];

	ASSERT_EQ(send(self->conn.fd[0], "finished", 8, MSG_MORE), 8);
	put(self, 0, 1500);
	ASSERT_EQ(recv(self->fd, text, 8, MSG_WAITALL), 8);
	install(self);
	put(self, 1500, self->wire_len / 12);
	expect_content(self, 0, RECORD_LEN);
}

/* Attached long before, as some OpenSSL versions do, and read plainly meanwhile. */
TEST_F(queued, attached_early)
{
	char text[16];

	CONN_TRY(conn_attach(self->fd));
	ASSERT_EQ(send(self->conn.fd[0], "finished", 8, MSG_MORE), 8);
	put(self, 0, 1500);
	ASSERT_EQ(recv(self->fd, text, 3, MSG_PEEK), 3);
	ASSERT_EQ(recv(self->fd, text, 8, MSG_WAITALL), 8);
	EXPECT_MEM_EQ(text, "finished", 8);
	ASSERT_EQ(conn_set_key(self->fd, TLS_RX, &self->key), 0);
	put(self, 1500, self->wire_len / 12);
	expect_content(self, 0, RECORD_LEN);
}

TEST_F(queued, then_fin)
{
	uint8_t wire[REF_WIRE_MAX];
	size_t len;

	self->key = self->conn.key[0];
	len = ref_seal(&self->conn.key[0], REF_DATA, self->buf, 1000, NULL, wire);
	ASSERT_EQ(send(self->conn.fd[0], wire, len, 0), len);
	ASSERT_EQ(conn_attach(self->fd), 0);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	usleep(15000);
	ASSERT_EQ(conn_set_key(self->fd, TLS_RX, &self->key), 0);
	EXPECT_EQ(readable(self, 5000 * (int)ktap_slow()), POLLIN);
	EXPECT_EQ(recv(self->fd, self->got, 2000, 0), 1000);
	EXPECT_MEM_EQ(self->got, self->buf, 1000);
	EXPECT_EQ(recv(self->fd, self->got, 2000, 0), 0);
}

/* A broken header that waits already is an error of the first read, not of setsockopt(). */
TEST_F(queued, bad_header)
{
	SKIP_INTREE("the error of a bad header is not sticky");
	self->wire[1] = 5;
	put(self, 0, 1500);
	install(self);
	EXPECT_ERRNO(recv(self->fd, self->got, 1000, MSG_DONTWAIT), EINVAL);
	EXPECT_ERRNO(recv(self->fd, self->got, 1000, 0), EINVAL);
}

TEST_F(queued, alert)
{
	uint8_t wire[100], type;
	size_t len;

	self->key = self->conn.key[0];
	len = ref_seal(&self->conn.key[0], REF_ALERT, "\1\0", 2, NULL, wire);
	ASSERT_EQ(send(self->conn.fd[0], wire, len, 0), len);
	usleep(15000);
	install(self);
	EXPECT_EQ(readable(self, 5000 * (int)ktap_slow()), POLLIN);
	EXPECT_ERRNO(recv(self->fd, self->got, 10, 0), EIO);
	EXPECT_EQ(conn_recv_type(self->fd, &type, self->got, 10, 0), 2);
	EXPECT_EQ(type, REF_ALERT);
}

KTAP_MAIN()
