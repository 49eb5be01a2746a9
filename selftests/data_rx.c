// SPDX-License-Identifier: MIT
/*
 * Owns: what recv(), readv(), read() and epoll give back of records that the
 * reference codec sealed and a raw socket sent; in every network shape.
 * Must not know: how the kernel seals records.
 * Concurrency: a thread feeds the wire while the test reads.
 * Follows: DESIGN.md 4 and 6; recv(2), socket(7).
 */
#include "ktap.h"
#include "conn.h"

#include <sys/epoll.h>
#include <sys/uio.h>

static const size_t sizes[] = {
	1, 15, 16, 17, 4095, 4096, 4097, 16383, 16384, 16384, 1, 16384, 2, 3,
};

#define SIZE_COUNT	(sizeof(sizes) / sizeof(sizes[0]))

FIXTURE(rx) {
	struct conn conn;
	struct conn_job feeder;
	size_t len;
	uint8_t *buf;
	uint8_t *got;
};

FIXTURE_VARIANT(rx) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SHAPE_VARIANTS(rx);

FIXTURE_SETUP(rx)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_rx(&self->conn));
	self->len = conn_big_len(variant->shape);
	self->buf = malloc(self->len);
	self->got = malloc(self->len + 1);
	conn_fill(self->buf, self->len, 2);
}

/* Starts feeding the first @len bytes as records of @record_len. */
static void feed(struct rx_self *self, size_t len, size_t record_len)
{
	size_t wire_len;
	uint8_t *wire = conn_seal_all(&self->conn, self->buf, len, record_len, &wire_len);

	ASSERT_EQ(conn_send_start(&self->feeder, self->conn.fd[0], wire, wire_len, wire_len), 0);
}

/* Ends the feeding and checks that the first @len bytes came through and no more. */
static void check_got(struct rx_self *self, size_t len)
{
	EXPECT_GT(conn_job_end(&self->feeder), 0);
	EXPECT_MEM_EQ(self->got, self->buf, len);
	EXPECT_ERRNO(recv(self->conn.fd[1], self->got, 1, MSG_DONTWAIT), EAGAIN);
}

TEST_F(rx, sizes)
{
	uint8_t *wire = malloc(SIZE_COUNT * REF_WIRE_MAX);
	size_t wire_len = 0, off = 0;

	for (size_t i = 0; i < SIZE_COUNT; off += sizes[i++])
		wire_len += ref_seal(&self->conn.key[0], REF_DATA, self->buf + off, sizes[i], NULL,
				     wire + wire_len);
	ASSERT_EQ(conn_send_start(&self->feeder, self->conn.fd[0], wire, wire_len, wire_len), 0);
	EXPECT_EQ(conn_recv_all(self->conn.fd[1], self->got, off, 0), off);
	check_got(self, off);
}

TEST_F_TIMEOUT(rx, big, 40)
{
	feed(self, self->len, REF_PLAIN_MAX);
	EXPECT_EQ(conn_recv_all(self->conn.fd[1], self->got, self->len, 0), self->len);
	check_got(self, self->len);
}

/*
 * A window that closed over an unfinished record opens again by itself. Without an
 * update the writer finds out by probes alone, one a record, each 200 ms or more.
 */
TEST_F_TIMEOUT(rx, window_reopens, 60)
{
	const size_t len = self->len / 4;

	feed(self, len, 5000);
	EXPECT_EQ(recv(self->conn.fd[1], self->got, len, MSG_WAITALL), len);
	check_got(self, len);
	EXPECT_GE(conn_netstat("TCPWinProbe"), 0);
	EXPECT_LE(conn_netstat("TCPWinProbe"), 5);
}

/* Odd record sizes against odd read sizes, so that the two never keep step. */
TEST_F_TIMEOUT(rx, scatter, 40)
{
	const size_t len = self->len / 4;
	size_t off = 0;

	srand(11);
	feed(self, len, 7001);
	while (off < len) {
		struct iovec iov[5];
		size_t room = 0;
		ssize_t got;

		for (int i = 0; i < 5; i++) {
			size_t piece_len = rand() % 3 ? rand() % 6000 : rand() % 2;

			if (piece_len > len - off - room)
				piece_len = len - off - room;
			iov[i] = (struct iovec){ self->got + off + room, piece_len };
			room += piece_len;
		}
		got = readv(self->conn.fd[1], iov, 5);
		ASSERT_GE(got, room ? 1 : 0);
		ASSERT_LE(got, room);
		off += got;
	}
	check_got(self, len);
}

TEST_F_TIMEOUT(rx, waitall, 40)
{
	const size_t len = self->len / 2;

	feed(self, len, 5000);
	EXPECT_EQ(recv(self->conn.fd[1], self->got, len, MSG_WAITALL), len);
	check_got(self, len);
}

/* Peeks before each read; both must see the same bytes. */
TEST_F_TIMEOUT(rx, peek, 40)
{
	const size_t len = self->len / 8;
	uint8_t *seen = malloc(len);
	size_t off = 0;

	srand(13);
	feed(self, len, 3000);
	while (off < len) {
		ssize_t peeked = recv(self->conn.fd[1], seen, 1 + rand() % 9000, MSG_PEEK);
		size_t take_len = 1 + rand() % 5000;

		ASSERT_GT(peeked, 0);
		ASSERT_LE(off + peeked, len);
		ASSERT_MEM_EQ(seen, self->buf + off, peeked);
		take_len = take_len > (size_t)peeked ? (size_t)peeked : take_len;
		ASSERT_EQ(recv(self->conn.fd[1], self->got + off, take_len, MSG_WAITALL), take_len);
		off += take_len;
	}
	check_got(self, len);
}

/* Reads until EAGAIN after each event; returns bytes read in all so far. */
static size_t drain(struct rx_self *self, size_t off, size_t len)
{
	while (off < len) {
		size_t room = len - off < 3333 ? len - off : 3333;
		ssize_t got = recv(self->conn.fd[1], self->got + off, room, MSG_DONTWAIT);

		if (got < 0 && errno == EAGAIN)
			break;
		ASSERT_GT(got, 0);
		off += got;
	}
	return off;
}

static void read_by_epoll(struct rx_self *self, size_t len, uint32_t events)
{
	struct epoll_event event = { .events = events };
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	size_t off = 0;

	ASSERT_EQ(epoll_ctl(epfd, EPOLL_CTL_ADD, self->conn.fd[1], &event), 0);
	feed(self, len, 12345);
	while (off < len) {
		size_t was = off;

		ASSERT_EQ(epoll_wait(epfd, &event, 1, 10000 * (int)ktap_slow()), 1);
		off = drain(self, off, len);
		/* A level event means a whole record (older in-tree: any byte in the queue). */
		if (!(events & EPOLLET) && !conn_is_intree())
			EXPECT_GT(off, was);
	}
	check_got(self, len);
	EXPECT_EQ(epoll_wait(epfd, &event, 1, 0), 0);
}

TEST_F_TIMEOUT(rx, epoll_level, 40)
{
	read_by_epoll(self, self->len / 4, EPOLLIN);
}

TEST_F_TIMEOUT(rx, epoll_edge, 40)
{
	read_by_epoll(self, self->len / 4, EPOLLIN | EPOLLET);
}

KTAP_MAIN()
