// SPDX-License-Identifier: MIT
/*
 * Owns: what send() puts on the wire, read raw and opened by the reference codec:
 * contents, record boundaries, nonces; in every network shape.
 * Must not know: how records are received by the kernel.
 * Concurrency: the test sends in a thread where the wire must drain meanwhile.
 * Follows: DESIGN.md 4 and 6; MSG_MORE as send(2) has it.
 */
#include "ktap.h"
#include "conn.h"

#include <sys/uio.h>

/* Ends with more than fits any socket buffer. */
static const size_t sizes[] = {
	0, 1, 15, 16, 17, 4095, 4096, 4097, 16383, 16384, 16385, 2 * 16384, 0,
};

#define SIZE_COUNT	(sizeof(sizes) / sizeof(sizes[0]))

FIXTURE(tx) {
	struct conn conn;
	struct ref_stream stream;
	size_t len;
	uint8_t *buf;
};

FIXTURE_VARIANT(tx) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SHAPE_VARIANTS(tx);

FIXTURE_SETUP(tx)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	ref_stream_init(&self->stream, &self->conn.key[0]);
	self->len = conn_big_len(variant->shape);
	self->buf = malloc(self->len);
	conn_fill(self->buf, self->len, 1);
}

/* The wire must hold exactly these records of application data, end to end the buffer. */
static void check_records(struct tx_self *self, const size_t *lens, size_t count)
{
	const struct ref_record *records = self->stream.records;

	EXPECT_EQ(self->stream.record_count, count);
	EXPECT_EQ(self->stream.opened_len, self->stream.wire_len);
	for (size_t i = 0; i < count && i < self->stream.record_count; i++) {
		EXPECT_EQ(records[i].type, REF_DATA);
		EXPECT_EQ(records[i].pad_len, 0);
		EXPECT_EQ(records[i].plain_len, lens[i]);
	}
	EXPECT_MEM_EQ(self->stream.plain, self->buf, self->stream.plain_len);
}

/* Records that one send of @len bytes makes. */
static size_t split_len(size_t len, size_t *lens)
{
	size_t count = 0;

	for (; len > REF_PLAIN_MAX; len -= REF_PLAIN_MAX)
		lens[count++] = REF_PLAIN_MAX;
	if (len)
		lens[count++] = len;
	return count;
}

struct size_sender {
	int fd;
	const uint8_t *buf;
	bool failed;
};

static void *send_sizes(void *arg)
{
	struct size_sender *sender = arg;
	size_t off = 0;

	for (size_t i = 0; i < SIZE_COUNT; off += sizes[i++])
		if (send(sender->fd, sender->buf + off, sizes[i], 0) != (ssize_t)sizes[i])
			sender->failed = true;
	return NULL;
}

TEST_F(tx, sizes)
{
	struct size_sender sender = { self->conn.fd[0], self->buf, false };
	size_t lens[SIZE_COUNT * 2], count = 0, total_len = 0;
	pthread_t thread;

	for (size_t i = 0; i < SIZE_COUNT; total_len += sizes[i++])
		count += split_len(sizes[i], lens + count);
	ASSERT_EQ(pthread_create(&thread, NULL, send_sizes, &sender), 0);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], total_len), 0);
	pthread_join(thread, NULL);
	EXPECT_FALSE(sender.failed);
	check_records(self, lens, count);
}

TEST_F_TIMEOUT(tx, big, 40)
{
	size_t *lens = calloc(self->len / REF_PLAIN_MAX + 1, sizeof(*lens));
	size_t count = split_len(self->len, lens);
	struct conn_job job;

	ASSERT_EQ(conn_send_start(&job, self->conn.fd[0], self->buf, self->len, self->len), 0);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], self->len), 0);
	EXPECT_EQ(conn_job_end(&job), self->len);
	check_records(self, lens, count);
}

/* Cuts what comes next into up to 12 pieces of up to 1500 bytes; some are empty. */
static size_t random_iov(uint8_t *buf, size_t len, struct iovec *iov, int *iov_count)
{
	size_t used_len = 0;

	*iov_count = 1 + rand() % 12;
	for (int i = 0; i < *iov_count; i++) {
		size_t piece_len = rand() % 1500 * (rand() % 4 != 0);

		if (piece_len > len - used_len)
			piece_len = len - used_len;
		iov[i] = (struct iovec){ buf + used_len, piece_len };
		used_len += piece_len;
	}
	return used_len;
}

/* Sends @len bytes by random sendmsg() calls; no record may span a call without MSG_MORE. */
static void send_scattered(struct tx_self *self, size_t len, size_t *ends, size_t *end_count)
{
	struct iovec iov[12];
	size_t off = 0;
	int iov_count;

	while (off < len) {
		size_t part_len = random_iov(self->buf + off, len - off, iov, &iov_count);
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = iov_count };
		bool more = rand() % 2 && off + part_len < len;

		ASSERT_EQ(sendmsg(self->conn.fd[0], &msg, more ? MSG_MORE : 0), part_len);
		off += part_len;
		if (!more && part_len)
			ends[(*end_count)++] = off;
		ASSERT_GE(ref_stream_pull(&self->stream, self->conn.fd[1], MSG_DONTWAIT), -EAGAIN);
	}
}

TEST_F_TIMEOUT(tx, scatter, 40)
{
	const size_t len = self->len / 8;
	size_t *ends = calloc(len, sizeof(*ends)), end_count = 0, at = 0, off = 0;

	srand(7);
	send_scattered(self, len, ends, &end_count);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], len), 0);
	EXPECT_EQ(self->stream.plain_len, len);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, len);
	for (size_t i = 0; i < self->stream.record_count && at < end_count; i++) {
		off += self->stream.records[i].plain_len;
		EXPECT_LE(off, ends[at]);
		at += off >= ends[at];
	}
	EXPECT_EQ(at, end_count);
}

struct step {
	size_t len;
	int flags;
};

/* Sends the steps and expects these records on the wire. */
static void run_steps(struct tx_self *self, const struct step *steps, size_t step_count,
		      const size_t *lens, size_t count)
{
	size_t off = 0;

	for (size_t i = 0; i < step_count; off += steps[i++].len)
		ASSERT_EQ(send(self->conn.fd[0], self->buf + off, steps[i].len, steps[i].flags),
			  steps[i].len);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], off), 0);
	check_records(self, lens, count);
}

TEST_F(tx, more_merges)
{
	static const struct step steps[] = {
		{ 100, MSG_MORE }, { 1, MSG_MORE }, { 499, 0 },
		{ 7, 0 },
		{ 5000, MSG_MORE }, { 5000, MSG_MORE }, { 5000, MSG_MORE }, { 5000, 0 },
	};
	static const size_t lens[] = { 600, 7, 16384, 20000 - 16384 };

	run_steps(self, steps, 8, lens, 4);
}

TEST_F(tx, more_fills_record)
{
	static const struct step steps[] = {
		{ 16384, MSG_MORE }, { 16383, MSG_MORE }, { 1, MSG_MORE }, { 16384, 0 }, { 1, 0 },
	};
	static const size_t lens[] = { 16384, 16384, 16384, 1 };

	run_steps(self, steps, 5, lens, 4);
}

FIXTURE(held) {
	struct tx_self tx;
};

FIXTURE_VARIANT(held) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(held, lo, CONN_LO);

FIXTURE_SETUP(held)
{
	const struct tx_variant same = { variant->suite, variant->shape };

	tx_setup(&self->tx, &same);
}

/* A record that MSG_MORE holds open is not on the wire yet; sending nothing does not close it. */
TEST_F(held, more_holds)
{
	static const size_t lens[] = { 111 };
	struct conn *conn = &self->tx.conn;

	ASSERT_EQ(send(conn->fd[0], self->tx.buf, 100, MSG_MORE), 100);
	EXPECT_EQ(send(conn->fd[0], self->tx.buf, 0, MSG_MORE), 0);
	usleep(50000);
	EXPECT_EQ(ref_stream_pull(&self->tx.stream, conn->fd[1], MSG_DONTWAIT), -EAGAIN);
	ASSERT_EQ(send(conn->fd[0], self->tx.buf + 100, 11, 0), 11);
	EXPECT_EQ(ref_stream_read(&self->tx.stream, conn->fd[1], 111), 0);
	check_records(&self->tx, lens, 1);
}

TEST_F(held, nothing_sends_nothing)
{
	static const size_t lens[] = { 9 };
	struct conn *conn = &self->tx.conn;

	EXPECT_EQ(send(conn->fd[0], self->tx.buf, 0, 0), 0);
	EXPECT_EQ(send(conn->fd[0], NULL, 0, MSG_DONTWAIT), 0);
	EXPECT_EQ(write(conn->fd[0], self->tx.buf, 9), 9);
	EXPECT_EQ(ref_stream_read(&self->tx.stream, conn->fd[1], 9), 0);
	check_records(&self->tx, lens, 1);
}

TEST_F(held, shutdown_flushes)
{
	static const size_t lens[] = { 16384, 616 };
	struct conn *conn = &self->tx.conn;

	SKIP_INTREE("shutdown() leaves the open record unsent");
	ASSERT_EQ(send(conn->fd[0], self->tx.buf, 17000, MSG_MORE), 17000);
	ASSERT_EQ(shutdown(conn->fd[0], SHUT_WR), 0);
	EXPECT_EQ(ref_stream_read_eof(&self->tx.stream, conn->fd[1]), 0);
	check_records(&self->tx, lens, 2);
	EXPECT_ERRNO(send(conn->fd[0], self->tx.buf, 1, MSG_NOSIGNAL), EPIPE);
}

TEST_F(held, refused_flags)
{
	static const int refused[] = { MSG_OOB, MSG_FASTOPEN, MSG_ZEROCOPY };
	static const size_t lens[] = { 3 };
	struct conn *conn = &self->tx.conn;

	for (size_t i = 0; i < 3; i++)
		EXPECT_ERRNO(send(conn->fd[0], self->tx.buf, 100, refused[i]), EOPNOTSUPP);
	EXPECT_EQ(send(conn->fd[0], self->tx.buf, 3, MSG_DONTWAIT | MSG_NOSIGNAL), 3);
	EXPECT_EQ(ref_stream_read(&self->tx.stream, conn->fd[1], 3), 0);
	check_records(&self->tx, lens, 1);
}

/* Bytes that cannot be read are not sent, and nothing else is in their place. */
TEST_F(held, source_faults)
{
	static const size_t lens[] = { 5 };
	struct conn *conn = &self->tx.conn;
	uint8_t *hole = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(hole, MAP_FAILED);
	EXPECT_ERRNO(send(conn->fd[0], hole, 5000, 0), EFAULT);
	EXPECT_EQ(send(conn->fd[0], self->tx.buf, 5, 0), 5);
	EXPECT_EQ(ref_stream_read(&self->tx.stream, conn->fd[1], 5), 0);
	check_records(&self->tx, lens, 1);
}

KTAP_MAIN()
