// SPDX-License-Identifier: MIT
/*
 * Owns: splice() from a pipe into a socket that seals: memory put there by
 * vmsplice(), write() and other splices, in pieces of any size.
 * Must not know: how the kernel receives records.
 * Concurrency: none; what is sent fits the socket buffers.
 * Follows: splice(2), vmsplice(2), DESIGN.md 6.
 */
#include "ktap.h"
#include "conn.h"

#include <sys/uio.h>

FIXTURE(splice) {
	struct conn conn;
	struct ref_stream stream;
	int fd;
	int pipe_fd[2];
	uint8_t *buf;
};

FIXTURE_VARIANT(splice) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(splice, lo, CONN_LO);
CONN_SUITE_VARIANTS(splice, mtu1500, CONN_MTU1500);

#define BUF_LEN	(256 << 10)

FIXTURE_SETUP(splice)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	ref_stream_init(&self->stream, &self->conn.key[0]);
	self->fd = self->conn.fd[0];
	ASSERT_EQ(pipe(self->pipe_fd), 0);
	self->buf = mmap(NULL, BUF_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(self->buf, MAP_FAILED);
	conn_fill(self->buf, BUF_LEN, 30);
}

static void map_in(struct splice_self *self, size_t off, size_t len)
{
	struct iovec iov = { self->buf + off, len };

	ASSERT_EQ(vmsplice(self->pipe_fd[1], &iov, 1, 0), len);
}

/* Moves @len bytes from the pipe to the socket, whatever single calls take. */
static void move(struct splice_self *self, size_t len, unsigned int flags)
{
	while (len) {
		ssize_t done = splice(self->pipe_fd[0], NULL, self->fd, NULL, len, flags);

		ASSERT_GT(done, 0);
		ASSERT_LE(done, len);
		len -= done;
	}
}

/* The wire holds the first @len bytes of the buffer. */
static void check_wire(struct splice_self *self, size_t len)
{
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], len), 0);
	EXPECT_EQ(self->stream.plain_len, len);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, self->stream.plain_len);
	EXPECT_EQ(ref_stream_pull(&self->stream, self->conn.fd[1], MSG_DONTWAIT), -EAGAIN);
}

static void check_one_record(struct splice_self *self, size_t len)
{
	check_wire(self, len);
	EXPECT_EQ(self->stream.record_count, 1);
}

TEST_F(splice, one_page)
{
	map_in(self, 0, 4096);
	move(self, 4096, 0);
	check_one_record(self, 4096);
}

TEST_F(splice, odd_place)
{
	static const size_t lens[] = { 4095, 1, 4097, 10000, 16383, 2 };
	size_t off = 0;

	for (size_t i = 0; i < 6; off += lens[i++]) {
		map_in(self, off, lens[i]);
		move(self, lens[i], 0);
	}
	check_wire(self, off);
	EXPECT_EQ(self->stream.record_count, 6);
}

TEST_F(splice, written)
{
	ASSERT_EQ(write(self->pipe_fd[1], self->buf, 30000), 30000);
	move(self, 30000, 0);
	check_wire(self, 30000);
}

/* One byte a page reference: far more pieces than a record has room for. */
TEST_F(splice, single_bytes)
{
	size_t off = 0;

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 16; i++)
			map_in(self, off + i, 1);
		off += 16;
		move(self, 16, round < 19 ? SPLICE_F_MORE : 0);
	}
	check_wire(self, off);
	if (!conn_is_intree())	/* closes a record when its pieces run out */
		EXPECT_EQ(self->stream.record_count, 1);
}

TEST_F(splice, more_merges)
{
	SKIP_INTREE("SPLICE_F_MORE does not hold the record open");
	map_in(self, 0, 5000);
	move(self, 5000, SPLICE_F_MORE);
	usleep(30000);
	EXPECT_EQ(ref_stream_pull(&self->stream, self->conn.fd[1], MSG_DONTWAIT), -EAGAIN);
	map_in(self, 5000, 100);
	move(self, 100, 0);
	check_one_record(self, 5100);
}

TEST_F(splice, fills_open_record)
{
	ASSERT_EQ(send(self->fd, self->buf, 16383, MSG_MORE), 16383);
	map_in(self, 16383, 10);
	move(self, 10, 0);
	check_wire(self, 16393);
	ASSERT_GE(self->stream.record_count, 2);
	EXPECT_EQ(self->stream.records[0].plain_len, 16384);
	EXPECT_EQ(self->stream.records[1].plain_len, 9);
}

TEST_F(splice, after_full_record)
{
	ASSERT_EQ(send(self->fd, self->buf, 16384, MSG_MORE), 16384);
	map_in(self, 16384, 1);
	move(self, 1, 0);
	check_wire(self, 16385);
	EXPECT_EQ(self->stream.record_count, 2);
}

/* Asking for more than the pipe holds sends what it holds, at once. */
TEST_F(splice, asks_too_much)
{
	map_in(self, 0, 700);
	EXPECT_EQ(splice(self->pipe_fd[0], NULL, self->fd, NULL, 100000, 0), 700);
	check_one_record(self, 700);
}

TEST_F(splice, file_through_pipe)
{
	int file = conn_memfd(self->buf, BUF_LEN);
	loff_t off = 3;

	ASSERT_GE(file, 0);
	self->buf += off;
	for (size_t len = 0; len < 100000; ) {
		ssize_t got = splice(file, &off, self->pipe_fd[1], NULL, 100000 - len, 0);

		ASSERT_GT(got, 0);
		len += got;
		move(self, got, len < 100000 ? SPLICE_F_MORE : 0);
	}
	check_wire(self, 100000);
}

/* A stream that stops with SPLICE_F_MORE is not lost when the sender closes. */
TEST_F(splice, more_then_shutdown)
{
	map_in(self, 0, 3000);
	move(self, 3000, SPLICE_F_MORE);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	EXPECT_EQ(ref_stream_read_eof(&self->stream, self->conn.fd[1]), 0);
	EXPECT_EQ(self->stream.plain_len, 3000);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, 3000);
}

/* Pieces and calls of random size, mixed with sends. */
TEST_F_TIMEOUT(splice, random, 30)
{
	size_t off = 0;

	srand(31);
	while (off < BUF_LEN - 20000) {
		bool more = rand() % 2;
		size_t total_len = 0, len;

		if (rand() % 4 == 0) {
			len = rand() % 3000;
			ASSERT_EQ(send(self->fd, self->buf + off, len, more ? MSG_MORE : 0), len);
			off += len;
		}
		for (int i = rand() % 14; i >= 0; i--, total_len += len) {
			len = 1 + (rand() % 3 ? rand() % 60 : rand() % 4000);
			map_in(self, off + total_len, len > 4096 ? 4096 : len);
		}
		off += total_len;
		move(self, total_len, more ? SPLICE_F_MORE : 0);
		ASSERT_GE(ref_stream_pull(&self->stream, self->conn.fd[1], MSG_DONTWAIT), -EAGAIN);
	}
	map_in(self, off, 1);
	move(self, 1, 0);
	check_wire(self, off + 1);
}

KTAP_MAIN()
