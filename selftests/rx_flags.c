// SPDX-License-Identifier: MIT
/*
 * Owns: what the flags of recv() and the receive options of a socket mean for
 * records: MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, MSG_TRUNC, SO_RCVLOWAT,
 * SO_RCVTIMEO; empty and padded records.
 * Must not know: how the kernel seals records.
 * Concurrency: a thread sends late where the test must be found waiting.
 * Follows: recv(2), socket(7), RFC 8446 5.4.
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>
#include <sys/ioctl.h>

FIXTURE(flags) {
	struct conn conn;
	int fd;
	uint8_t buf[70000];
	uint8_t got[70000];
};

FIXTURE_VARIANT(flags) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(flags, lo, CONN_LO);

FIXTURE_SETUP(flags)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_rx(&self->conn));
	self->fd = self->conn.fd[1];
	conn_fill(self->buf, sizeof(self->buf), 3);
}

/* Puts @count records of @len on the wire, end to end from @off of the buffer. */
static void put(struct flags_self *self, size_t off, size_t len, int count)
{
	for (int i = 0; i < count; i++, off += len)
		ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf + off, len, NULL), 0);
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) == 1 && pfd.revents & POLLIN;
}

/* Waits until @len bytes of wire have arrived, whole records or not. */
static void await(struct flags_self *self)
{
	ASSERT_TRUE(readable(self->fd, 5000 * (int)ktap_slow()));
	usleep(20000);
}

TEST_F(flags, dontwait)
{
	EXPECT_ERRNO(recv(self->fd, self->got, 10, MSG_DONTWAIT), EAGAIN);
	put(self, 0, 10, 1);
	await(self);
	EXPECT_EQ(recv(self->fd, self->got, 100, MSG_DONTWAIT), 10);
	EXPECT_MEM_EQ(self->got, self->buf, 10);
	EXPECT_ERRNO(recv(self->fd, self->got, 10, MSG_DONTWAIT), EAGAIN);
}

/* Half a record is nothing yet: no event, no byte. */
TEST_F(flags, half_record)
{
	uint8_t wire[REF_WIRE_MAX];
	size_t len = ref_seal(&self->conn.key[0], REF_DATA, self->buf, 1000, NULL, wire);

	for (size_t off = 0, cut_len; off < len; off += cut_len) {
		cut_len = off < 8 ? 1 : len - off > 300 ? 300 : len - off;
		EXPECT_ERRNO(recv(self->fd, self->got, 1000, MSG_DONTWAIT), EAGAIN);
		/* An older in-tree module calls any byte in the TCP queue readable. */
		if (!conn_is_intree())
			EXPECT_FALSE(readable(self->fd, 10));
		ASSERT_EQ(send(self->conn.fd[0], wire + off, cut_len, 0), cut_len);
	}
	EXPECT_EQ(recv(self->fd, self->got, 2000, 0), 1000);
	EXPECT_MEM_EQ(self->got, self->buf, 1000);
}

TEST_F(flags, peek_stays)
{
	put(self, 0, 100, 1);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(recv(self->fd, self->got, 60, MSG_PEEK), 60);
		EXPECT_MEM_EQ(self->got, self->buf, 60);
	}
	EXPECT_EQ(recv(self->fd, self->got, 30, 0), 30);
	EXPECT_EQ(recv(self->fd, self->got + 30, 100, MSG_PEEK), 70);
	EXPECT_EQ(recv(self->fd, self->got + 30, 100, 0), 70);
	EXPECT_MEM_EQ(self->got, self->buf, 100);
}

/* A large buffer sees across records, and seeing takes nothing. */
TEST_F(flags, peek_across_records)
{
	put(self, 0, 1000, 5);
	await(self);
	EXPECT_EQ(recv(self->fd, self->got, 5000, MSG_PEEK | MSG_WAITALL), 5000);
	EXPECT_MEM_EQ(self->got, self->buf, 5000);
	memset(self->got, 0, 5000);
	EXPECT_EQ(recv(self->fd, self->got, 5000, MSG_WAITALL), 5000);
	EXPECT_MEM_EQ(self->got, self->buf, 5000);
	EXPECT_ERRNO(recv(self->fd, self->got, 1, MSG_DONTWAIT), EAGAIN);
}

TEST_F(flags, peek_dontwait)
{
	EXPECT_ERRNO(recv(self->fd, self->got, 10, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	put(self, 0, 50, 1);
	await(self);
	EXPECT_EQ(recv(self->fd, self->got, 10, MSG_PEEK | MSG_DONTWAIT), 10);
	EXPECT_TRUE(readable(self->fd, 0));
	EXPECT_EQ(recv(self->fd, self->got, 100, MSG_DONTWAIT), 50);
	EXPECT_FALSE(readable(self->fd, 0));
}

struct late {
	struct flags_self *self;
	size_t off;
	size_t len;
};

static void *send_late(void *arg)
{
	struct late *late = arg;

	usleep(100000);
	put(late->self, late->off, late->len, 1);
	return NULL;
}

TEST_F(flags, waitall_waits)
{
	struct late late = { self, 1000, 1000 };
	pthread_t thread;

	put(self, 0, 1000, 1);
	ASSERT_EQ(pthread_create(&thread, NULL, send_late, &late), 0);
	EXPECT_EQ(recv(self->fd, self->got, 1500, MSG_WAITALL), 1500);
	EXPECT_EQ(recv(self->fd, self->got + 1500, 1500, 0), 500);
	EXPECT_MEM_EQ(self->got, self->buf, 2000);
	pthread_join(thread, NULL);
}

/* The writer ends: MSG_WAITALL gives what there is, then end of file. */
TEST_F(flags, waitall_eof)
{
	put(self, 0, 1000, 2);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	EXPECT_EQ(recv(self->fd, self->got, 5000, MSG_WAITALL), 2000);
	EXPECT_MEM_EQ(self->got, self->buf, 2000);
	EXPECT_EQ(recv(self->fd, self->got, 1, 0), 0);
	EXPECT_EQ(recv(self->fd, self->got, 1, MSG_WAITALL), 0);
}

TEST_F(flags, lowat)
{
	struct late late = { self, 600, 600 };
	int lowat = 1000;
	pthread_t thread;

	SKIP_INTREE("recv() sleeps for ever when SO_RCVLOWAT is above the next record");
	ASSERT_EQ(setsockopt(self->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)), 0);
	put(self, 0, 600, 1);
	ASSERT_EQ(pthread_create(&thread, NULL, send_late, &late), 0);
	EXPECT_EQ(recv(self->fd, self->got, 2000, 0), 1200);
	EXPECT_MEM_EQ(self->got, self->buf, 1200);
	pthread_join(thread, NULL);
}

TEST_F(flags, rcvtimeo)
{
	struct timespec start, end;
	long waited_ms;

	ASSERT_EQ(conn_set_timeout(self->fd, SO_RCVTIMEO, 200000), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	EXPECT_ERRNO(recv(self->fd, self->got, 10, 0), EAGAIN);
	clock_gettime(CLOCK_MONOTONIC, &end);
	waited_ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
	/* The kernel counts ticks; an emulated one that was kept waiting counts several at once. */
	EXPECT_GE(waited_ms, ktap_slow() > 1 ? 100 : 190);
	put(self, 0, 10, 1);
	EXPECT_EQ(recv(self->fd, self->got, 20, MSG_WAITALL), 10);
	EXPECT_ERRNO(recv(self->fd, self->got, 10, 0), EAGAIN);
}

TEST_F(flags, nothing_read)
{
	EXPECT_EQ(recv(self->fd, self->got, 0, MSG_DONTWAIT), 0);
	put(self, 0, 10, 1);
	await(self);
	EXPECT_EQ(recv(self->fd, self->got, 0, 0), 0);
	EXPECT_EQ(read(self->fd, self->got, 10), 10);
	EXPECT_MEM_EQ(self->got, self->buf, 10);
}

/* Each byte by itself, then the next record, whole. */
TEST_F(flags, byte_by_byte)
{
	put(self, 0, 300, 2);
	for (int i = 0; i < 300; i++)
		ASSERT_EQ(recv(self->fd, self->got + i, 1, 0), 1);
	EXPECT_EQ(recv(self->fd, self->got + 300, 1000, 0), 300);
	EXPECT_MEM_EQ(self->got, self->buf, 600);
}

/* A bad page at the reader's side costs the caller EFAULT, not the connection. */
TEST_F(flags, target_faults)
{
	uint8_t *hole = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(hole, MAP_FAILED);
	put(self, 0, 5000, 1);
	EXPECT_ERRNO(recv(self->fd, hole, 5000, 0), EFAULT);
	EXPECT_EQ(recv(self->fd, self->got, 5000, MSG_WAITALL), 5000);
	EXPECT_MEM_EQ(self->got, self->buf, 5000);
}

/* Empty records carry nothing and end nothing. */
TEST_F(flags, empty_records_skipped)
{
	put(self, 0, 0, 3);
	put(self, 0, 500, 1);
	put(self, 0, 0, 2);
	EXPECT_EQ(recv(self->fd, self->got, 1000, 0), 500);
	EXPECT_MEM_EQ(self->got, self->buf, 500);
	usleep(20000);
	EXPECT_ERRNO(recv(self->fd, self->got, 1, MSG_DONTWAIT), EAGAIN);
	put(self, 500, 500, 1);
	EXPECT_EQ(recv(self->fd, self->got, 1000, 0), 500);
	EXPECT_MEM_EQ(self->got, self->buf + 500, 500);
}

TEST_F(flags, empty_records_then_eof)
{
	put(self, 0, 0, 4);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	EXPECT_EQ(recv(self->fd, self->got, 1000, 0), 0);
}

/* Peeking must not stop at an empty record either. */
TEST_F(flags, peek_over_empty)
{
	put(self, 0, 0, 1);
	put(self, 0, 300, 1);
	put(self, 0, 0, 1);
	put(self, 300, 300, 1);
	await(self);
	EXPECT_EQ(recv(self->fd, self->got, 600, MSG_PEEK | MSG_WAITALL), 600);
	EXPECT_MEM_EQ(self->got, self->buf, 600);
	EXPECT_EQ(recv(self->fd, self->got, 600, MSG_WAITALL), 600);
	EXPECT_MEM_EQ(self->got, self->buf, 600);
}

/* Content that ends in zeros must not be taken for padding. */
TEST_F(flags, zeros_are_content)
{
	memset(self->buf + 10, 0, 4000);
	put(self, 0, 4010, 1);
	EXPECT_EQ(recv(self->fd, self->got, 5000, 0), 4010);
	EXPECT_MEM_EQ(self->got, self->buf, 4010);
}

/* What ioctl says is waiting is never ciphertext that read() will not give. */
TEST_F(flags, fionread)
{
	int waiting = -1;

	put(self, 0, 1000, 1);
	await(self);
	ASSERT_EQ(recv(self->fd, self->got, 400, 0), 400);
	if (!ioctl(self->fd, FIONREAD, &waiting)) {
		EXPECT_GE(waiting, 0);
		EXPECT_LE(waiting, 600);
	}
}

FIXTURE(padded) {
	struct flags_self flags;
};

FIXTURE_VARIANT(padded) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_TLS13_VARIANTS(padded);

FIXTURE_SETUP(padded)
{
	const struct flags_variant same = { variant->suite, variant->shape };

	flags_setup(&self->flags, &same);
}

/* TLS 1.3: padding of every kind disappears. */
TEST_F(padded, all_lengths)
{
	static const size_t pads[] = { 1, 7, 15, 16, 17, 63, 64, 65, 255, 256, 1000, 16000 };
	struct flags_self *all = &self->flags;
	size_t off = 0;

	for (size_t i = 0; i < sizeof(pads) / sizeof(pads[0]); i++, off += 100) {
		const struct ref_twist twist = { .pad_len = pads[i] };

		ASSERT_GT(conn_send_record(&all->conn, REF_DATA, all->buf + off, 100, &twist), 0);
	}
	EXPECT_EQ(recv(all->fd, all->got, off, MSG_WAITALL), off);
	EXPECT_MEM_EQ(all->got, all->buf, off);
}

/* A hint that no padding comes changes nothing of what is delivered. */
TEST_F(padded, expect_no_pad)
{
	const struct ref_twist twist = { .pad_len = 300 };
	struct flags_self *all = &self->flags;
	unsigned int one = 1;

	ASSERT_EQ(setsockopt(all->fd, SOL_TLS, TLS_RX_EXPECT_NO_PAD, &one, sizeof(one)), 0);
	memset(all->got, 0x5a, sizeof(all->got));
	put(all, 0, 1000, 1);
	ASSERT_GT(conn_send_record(&all->conn, REF_DATA, all->buf + 1000, 1000, &twist), 0);
	put(all, 2000, 1000, 1);
	EXPECT_EQ(recv(all->fd, all->got, 3000, MSG_WAITALL), 3000);
	EXPECT_MEM_EQ(all->got, all->buf, 3000);
	EXPECT_EQ(all->got[3000], 0x5a);
}

KTAP_MAIN()
