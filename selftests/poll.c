// SPDX-License-Identifier: MIT
/*
 * Owns: what poll() and epoll (level and edge) say about a socket with keys, and when.
 * Must not know: how records are opened.
 * Concurrency: one thread, and a job that writes what would not fit at once.
 * Follows: poll(2), epoll(7); DESIGN.md 6.2 (EPOLLOUT) and 6.7 (the ready flag).
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>
#include <sys/epoll.h>

/* Long enough for anything on its way to arrive on loopback. */
#define QUIET_MS	15
/* Longer than a delayed ACK, which may make room. */
#define FULL_MS		80
/* The least the kernel takes: EAGAIN comes soon. */
#define SMALL_SNDBUF	4608

FIXTURE(in) {
	struct conn conn;
	int fd;
	int epoll;
	size_t wire_len;
	uint8_t wire[2 * REF_WIRE_MAX];
	uint8_t buf[60000];
	uint8_t got[60000];
};

FIXTURE_VARIANT(in) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(in, lo_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(in, lo_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_LO };
FIXTURE_VARIANT_ADD(in, mtu1500_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(in, small_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_SMALL };

static int wait_ms(void)
{
	return 5000 * (int)ktap_slow();
}

static int epoll_on(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_GE(epoll, 0);
	ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	return epoll;
}

/* Return: what came within @timeout_ms, 0 for nothing. */
static uint32_t next_events(int epoll, int timeout_ms)
{
	struct epoll_event event = { 0 };
	int count = epoll_wait(epoll, &event, 1, timeout_ms);

	EXPECT_GE(count, 0);
	return count > 0 ? event.events : 0;
}

static short polled(int fd, short events, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	EXPECT_GE(poll(&pfd, 1, timeout_ms), 0);
	return pfd.revents;
}

FIXTURE_SETUP(in)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_rx(&self->conn));
	self->fd = self->conn.fd[1];
	self->epoll = epoll_on(self->fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
	conn_fill(self->buf, sizeof(self->buf), 5);
}

static void seal(struct in_self *self, size_t off, size_t len)
{
	self->wire_len =
		ref_seal(&self->conn.key[0], REF_DATA, self->buf + off, len, NULL, self->wire);
}

static void put_wire(struct in_self *self, size_t from, size_t to)
{
	ASSERT_EQ(conn_send_all(self->conn.fd[0], self->wire + from, to - from, 0), to - from);
}

static void put(struct in_self *self, size_t off, size_t len)
{
	seal(self, off, len);
	put_wire(self, 0, self->wire_len);
}

/* Reads until EAGAIN, as edge-triggered programs do. */
static size_t drain(struct in_self *self, size_t off)
{
	size_t start = off;
	ssize_t got;

	while ((got = recv(self->fd, self->got + off, 1000, MSG_DONTWAIT)) > 0)
		off += got;
	EXPECT_EQ(got, -1);
	EXPECT_EQ(errno, EAGAIN);
	return off - start;
}

TEST_F(in, nothing_before_whole)
{
	static const size_t cuts[] = { 1, 4, 5, 6, 13, 21, 600, 1000 };
	size_t at = 0;

	SKIP_INTREE("poll() says POLLIN before a record is whole");
	seal(self, 0, 1000);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); at = cuts[i++]) {
		put_wire(self, at, cuts[i]);
		EXPECT_EQ(next_events(self->epoll, QUIET_MS), 0);
		EXPECT_EQ(polled(self->fd, POLLIN | POLLRDHUP, 0), 0);
	}
	put_wire(self, at, self->wire_len - 1);
	EXPECT_EQ(next_events(self->epoll, QUIET_MS), 0);
	EXPECT_EQ(polled(self->fd, POLLIN, 0), 0);
	put_wire(self, self->wire_len - 1, self->wire_len);
	EXPECT_EQ(next_events(self->epoll, wait_ms()), EPOLLIN);
	EXPECT_EQ(polled(self->fd, POLLIN, 0), POLLIN);
	EXPECT_EQ(drain(self, 0), 1000);
	EXPECT_MEM_EQ(self->got, self->buf, 1000);
}

/* Who reads until EAGAIN gets an edge for every record that comes later, however it is cut. */
TEST_F_TIMEOUT(in, edge_after_drained, 30)
{
	size_t off = 0;

	srand(11);
	for (int i = 0; i < 30; i++) {
		size_t plain_len = 1 + rand() % 1500, cut;

		seal(self, off, plain_len);
		cut = rand() % 3 ? 1 + rand() % (self->wire_len - 1) : self->wire_len;
		put_wire(self, 0, cut);
		if (cut < self->wire_len && rand() % 2)
			EXPECT_EQ(drain(self, off), 0);
		put_wire(self, cut, self->wire_len);
		EXPECT_EQ(next_events(self->epoll, wait_ms()), EPOLLIN);
		EXPECT_EQ(drain(self, off), plain_len);
		off += plain_len;
	}
	EXPECT_MEM_EQ(self->got, self->buf, off);
}

/* Ready as long as a byte of content can be read, and not longer. */
TEST_F(in, level)
{
	put(self, 0, 1000);
	put(self, 1000, 500);
	EXPECT_EQ(polled(self->fd, POLLIN, wait_ms()), POLLIN);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(conn_recv_all(self->fd, self->got + 400 * i, 400, 0), 400);
		EXPECT_EQ(polled(self->fd, POLLIN, wait_ms()), POLLIN);
	}
	ASSERT_EQ(conn_recv_all(self->fd, self->got + 1200, 300, 0), 300);
	EXPECT_EQ(polled(self->fd, POLLIN, QUIET_MS), 0);
	EXPECT_MEM_EQ(self->got, self->buf, 1500);
}

/* A record may be larger than the window: the edge must come all the same. */
TEST_F_TIMEOUT(in, large_record, 30)
{
	for (int i = 0; i < 3; i++) {
		struct conn_job job;

		seal(self, 16384 * i, 16384);
		ASSERT_EQ(conn_send_start(&job, self->conn.fd[0], self->wire, self->wire_len, 5000),
			  0);
		EXPECT_EQ(next_events(self->epoll, wait_ms()), EPOLLIN);
		EXPECT_EQ(drain(self, 16384 * i), 16384);
		EXPECT_EQ(conn_job_end(&job), self->wire_len);
	}
	EXPECT_MEM_EQ(self->got, self->buf, 3 * 16384);
}

/* A control record is something to read, for those who can and for those who cannot. */
TEST_F(in, control_record)
{
	uint8_t type;

	ASSERT_GT(conn_send_record(&self->conn, REF_ALERT, "\1\0", 2, NULL), 0);
	EXPECT_EQ(next_events(self->epoll, wait_ms()), EPOLLIN);
	EXPECT_EQ(polled(self->fd, POLLIN, 0), POLLIN);
	EXPECT_ERRNO(recv(self->fd, self->got, 10, MSG_DONTWAIT), EIO);
	EXPECT_EQ(polled(self->fd, POLLIN, 0), POLLIN);
	EXPECT_EQ(conn_recv_type(self->fd, &type, self->got, 10, 0), 2);
	EXPECT_EQ(type, REF_ALERT);
	EXPECT_EQ(polled(self->fd, POLLIN, QUIET_MS), 0);
}

/* An empty record is nothing to read: whoever is told otherwise would block. */
TEST_F(in, empty_record)
{
	SKIP_INTREE("an empty record makes poll() say POLLIN");
	put(self, 0, 0);
	if (polled(self->fd, POLLIN, QUIET_MS))
		EXPECT_ERRNO(recv(self->fd, self->got, 10, MSG_DONTWAIT), EAGAIN);
	EXPECT_EQ(polled(self->fd, POLLIN, QUIET_MS), 0);
	put(self, 0, 10);
	EXPECT_EQ(polled(self->fd, POLLIN, wait_ms()), POLLIN);
	EXPECT_EQ(drain(self, 0), 10);
}

TEST_F(in, end_of_file)
{
	put(self, 0, 100);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	EXPECT_NE(next_events(self->epoll, wait_ms()) & EPOLLIN, 0);
	EXPECT_EQ(polled(self->fd, POLLRDHUP, wait_ms()), POLLRDHUP);
	EXPECT_EQ(recv(self->fd, self->got, 1000, 0), 100);
	EXPECT_EQ(polled(self->fd, POLLIN | POLLRDHUP, wait_ms()), POLLIN | POLLRDHUP);
	EXPECT_EQ(recv(self->fd, self->got, 1000, 0), 0);
}

/* A FIN inside a record must wake the reader, or it waits for ever. */
TEST_F(in, end_of_file_inside_record)
{
	seal(self, 0, 1000);
	put_wire(self, 0, 700);
	EXPECT_EQ(next_events(self->epoll, QUIET_MS), 0);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	EXPECT_NE(next_events(self->epoll, wait_ms()) & EPOLLRDHUP, 0);
	EXPECT_NE(polled(self->fd, POLLIN, wait_ms()) & POLLIN, 0);
	EXPECT_LE(recv(self->fd, self->got, 1000, MSG_DONTWAIT), 0);
}

TEST_F(in, reset)
{
	const struct linger now = { .l_onoff = 1 };

	ASSERT_EQ(setsockopt(self->conn.fd[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(self->conn.fd[0]);
	EXPECT_NE(next_events(self->epoll, wait_ms()) & EPOLLERR, 0);
	EXPECT_EQ(polled(self->fd, POLLIN | POLLRDHUP, 0), POLLIN | POLLRDHUP | POLLERR | POLLHUP);
	EXPECT_ERRNO(recv(self->fd, self->got, 1000, 0), ECONNRESET);
}

/* The error of a bad record is something to read, and stays. */
TEST_F(in, bad_record)
{
	const struct ref_twist bad = { .bad_tag = true };

	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf, 100, &bad), 0);
	EXPECT_NE(next_events(self->epoll, wait_ms()) & EPOLLIN, 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_ERRNO(recv(self->fd, self->got, 1000, MSG_DONTWAIT), EBADMSG);
		EXPECT_NE(polled(self->fd, POLLIN, wait_ms()) & (POLLIN | POLLERR), 0);
	}
}

TEST_F(in, bad_header)
{
	const struct ref_twist bad = { .version = 0x0505 };

	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf, 100, &bad), 0);
	EXPECT_NE(next_events(self->epoll, wait_ms()) & (EPOLLIN | EPOLLERR), 0);
	EXPECT_ERRNO(recv(self->fd, self->got, 1000, MSG_DONTWAIT), EINVAL);
}

FIXTURE(late) {
	struct in_self in;
};

FIXTURE_VARIANT(late) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(late, lo_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_LO };
FIXTURE_VARIANT_ADD(late, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };

/* Servers add a connection to epoll when they accept it, long before there are keys. */
FIXTURE_SETUP(late)
{
	struct in_self *in = &self->in;

	CONN_TRY(conn_open(&in->conn, variant->suite, variant->shape, AF_INET));
	in->fd = in->conn.fd[1];
	in->epoll = epoll_on(in->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	EXPECT_EQ(next_events(in->epoll, wait_ms()), EPOLLOUT);
	conn_fill(in->buf, sizeof(in->buf), 6);
}

TEST_F(late, keys_after_epoll)
{
	struct in_self *in = &self->in;

	ASSERT_EQ(conn_rx(&in->conn), 0);
	next_events(in->epoll, 0);
	for (size_t off = 0; off < 5 * 700; off += 700) {
		put(in, off, 700);
		EXPECT_NE(next_events(in->epoll, wait_ms()) & EPOLLIN, 0);
		EXPECT_EQ(drain(in, off), 700);
	}
	EXPECT_MEM_EQ(in->got, in->buf, 5 * 700);
}

/* What was half there when the keys came makes an edge when it is whole. */
TEST_F(late, half_before_keys)
{
	struct in_self *in = &self->in;
	const struct ref_key key = in->conn.key[0];

	seal(in, 0, 1000);
	put_wire(in, 0, 400);
	EXPECT_NE(next_events(in->epoll, wait_ms()) & EPOLLIN, 0);
	ASSERT_EQ(conn_attach(in->fd), 0);
	ASSERT_EQ(conn_set_key(in->fd, TLS_RX, &key), 0);
	if (!conn_is_intree())	/* which says POLLIN before a record is whole */
		EXPECT_EQ(polled(in->fd, POLLIN, QUIET_MS), 0);
	EXPECT_EQ(drain(in, 0), 0);
	put_wire(in, 400, in->wire_len);
	EXPECT_NE(next_events(in->epoll, wait_ms()) & EPOLLIN, 0);
	EXPECT_EQ(drain(in, 0), 1000);
	EXPECT_MEM_EQ(in->got, in->buf, 1000);
}

FIXTURE(out) {
	struct conn conn;
	struct ref_stream stream;
	int fd;
	size_t sent_len;
	uint8_t buf[20000];
};

FIXTURE_VARIANT(out) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(out, lo_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(out, mtu1500_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(out, small_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_SMALL };

FIXTURE_SETUP(out)
{
	int len = SMALL_SNDBUF;

	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	self->fd = self->conn.fd[0];
	ASSERT_EQ(setsockopt(self->fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof(len)), 0);
	ASSERT_EQ(setsockopt(self->conn.fd[1], SOL_SOCKET, SO_RCVBUF, &len, sizeof(len)), 0);
	ref_stream_init(&self->stream, &self->conn.key[0]);
	conn_fill(self->buf, sizeof(self->buf), 8);
}

/* The peer sees the same 20000 bytes over and over, cut anywhere. */
static ssize_t send_some(struct out_self *self, size_t len)
{
	size_t off = self->sent_len % sizeof(self->buf);
	ssize_t done;

	if (len > sizeof(self->buf) - off)
		len = sizeof(self->buf) - off;
	done = send(self->fd, self->buf + off, len, MSG_DONTWAIT);
	if (done > 0)
		self->sent_len += done;
	return done;
}

/* Sends while poll() invites to; whoever is invited must not be turned away, or he spins. */
static void fill(struct out_self *self, size_t len)
{
	while (polled(self->fd, POLLOUT, FULL_MS)) {
		ASSERT_GT(send_some(self, len), 0);
		while (send_some(self, len) > 0)
			;
		ASSERT_EQ(errno, EAGAIN);
	}
}

static void empty(struct out_self *self)
{
	ASSERT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], self->sent_len), 0);
}

static void check_all(struct out_self *self)
{
	ASSERT_EQ(self->stream.plain_len, self->sent_len);
	for (size_t off = 0; off < self->sent_len; off += sizeof(self->buf)) {
		size_t len = self->sent_len - off;

		EXPECT_MEM_EQ(self->stream.plain + off, self->buf,
			      len < sizeof(self->buf) ? len : sizeof(self->buf));
	}
}

TEST_F_TIMEOUT(out, level, 30)
{
	static const size_t lens[] = { 1, 700, 16384, 20000 };

	EXPECT_EQ(polled(self->fd, POLLOUT, 0), POLLOUT);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		int tries = 0;

		/* On a busy machine the receiver's TCP may still make room late. */
		do
			fill(self, lens[i]);
		while (polled(self->fd, POLLOUT, QUIET_MS) && ++tries < 20);
		EXPECT_LT(tries, 20);
		empty(self);
		EXPECT_EQ(polled(self->fd, POLLOUT, wait_ms()), POLLOUT);
	}
	check_all(self);
}

TEST_F_TIMEOUT(out, edge, 30)
{
	int epoll = epoll_on(self->fd, EPOLLOUT | EPOLLET);

	if (variant->shape == CONN_SMALL)
		SKIP_INTREE("POLLOUT does not mean that a byte can be sent");
	EXPECT_EQ(next_events(epoll, wait_ms()), EPOLLOUT);
	for (int i = 0; i < 4; i++) {
		fill(self, i % 2 ? 20000 : 3000);
		next_events(epoll, 0);
		empty(self);
		EXPECT_EQ(next_events(epoll, wait_ms()), EPOLLOUT);
	}
	check_all(self);
}

/* Hung up: both directions are over. */
TEST_F(out, hang_up)
{
	ASSERT_EQ(send_some(self, 100), 100);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	ASSERT_EQ(ref_stream_read_eof(&self->stream, self->conn.fd[1]), 0);
	EXPECT_EQ(polled(self->fd, POLLIN | POLLHUP, QUIET_MS), 0);
	close(self->conn.fd[1]);
	EXPECT_EQ(polled(self->fd, POLLHUP, wait_ms()), POLLHUP);
	EXPECT_EQ(polled(self->fd, POLLIN | POLLRDHUP, 0), POLLIN | POLLRDHUP | POLLHUP);
	check_all(self);
}

/* A peer that resets wakes a blocked writer's poll(). */
TEST_F(out, reset)
{
	const struct linger now = { .l_onoff = 1 };

	fill(self, 3000);
	ASSERT_EQ(setsockopt(self->conn.fd[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(self->conn.fd[1]);
	EXPECT_EQ(polled(self->fd, POLLOUT, wait_ms()) & (POLLOUT | POLLERR), POLLOUT | POLLERR);
	EXPECT_EQ(send(self->fd, self->buf, 10, MSG_DONTWAIT), -1);
	EXPECT_TRUE(errno == ECONNRESET || errno == EPIPE);
}

KTAP_MAIN()
