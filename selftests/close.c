// SPDX-License-Identifier: MIT
/*
 * Owns: how a connection with keys ends: shutdown, close, SO_LINGER, killed
 * processes, resets from either side, and closing while others block in it.
 * Must not know: how the kernel keeps what TCP would not take.
 * Concurrency: threads and child processes hold the same socket.
 * Follows: DESIGN.md 6.2, 6.3: every sealed byte reaches the peer, or the
 * connection is reset; shutdown(2), socket(7) on SO_LINGER.
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>

#define BUF_LEN		600000
/* Enough for a thread that was just started to block. */
#define BLOCK_USEC	30000
/* Longer than a delayed ACK. */
#define FULL_MS		80

FIXTURE(end) {
	struct conn conn;
	struct ref_stream stream;
	int fd;			/* ours, both directions */
	int peer;		/* raw */
	uint8_t *buf;
	uint8_t got[1000];
};

FIXTURE_VARIANT(end) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(end, lo_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(end, mtu1500_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(end, netem_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_NETEM };
FIXTURE_VARIANT_ADD(end, small_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_SMALL };

FIXTURE_SETUP(end)
{
	int len = 30000;

	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	self->fd = self->conn.fd[0];
	self->peer = self->conn.fd[1];
	CONN_TRY(conn_set_key(self->fd, TLS_RX, &self->conn.key[1]));
	ASSERT_EQ(setsockopt(self->fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof(len)), 0);
	ref_stream_init(&self->stream, &self->conn.key[0]);
	self->buf = malloc(BUF_LEN);
	conn_fill(self->buf, BUF_LEN, 40);
}

/* Return: bytes accepted until EAGAIN, and until no ACK on its way makes room. */
static size_t fill(struct end_self *self, int flags)
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
	} while (poll(&pfd, 1, FULL_MS));
	return off;
}

/* The peer gets exactly these bytes, in whole records, and then the end. */
static void expect_all(struct end_self *self, size_t len)
{
	EXPECT_EQ(ref_stream_read_eof(&self->stream, self->peer), 0);
	EXPECT_EQ(self->stream.plain_len, len);
	EXPECT_MEM_EQ(self->stream.plain, self->buf,
		      len < self->stream.plain_len ? len : self->stream.plain_len);
}

static void set_linger(int fd, int seconds)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = seconds };

	ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
}

/* A record from the peer to us. */
static void put(struct end_self *self, const void *buf, size_t len)
{
	uint8_t wire[REF_WIRE_MAX];
	size_t wire_len = ref_seal(&self->conn.key[1], REF_DATA, buf, len, NULL, wire);

	ASSERT_EQ(conn_send_all(self->peer, wire, wire_len, 0), wire_len);
}

TEST_F(end, shutdown_sends_open_record)
{
	SKIP_INTREE("shutdown() drops an open record");
	ASSERT_EQ(send(self->fd, self->buf, 100, MSG_MORE), 100);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	expect_all(self, 100);
}

TEST_F(end, close_sends_open_record)
{
	SKIP_INTREE("close() drops an open record");
	ASSERT_EQ(send(self->fd, self->buf, 100, MSG_MORE), 100);
	ASSERT_EQ(close(self->fd), 0);
	expect_all(self, 100);
}

TEST_F_TIMEOUT(end, close_when_full, 30)
{
	size_t len = fill(self, 0);

	SKIP_INTREE("cuts off what waits for TCP, without a reset");
	ASSERT_EQ(close(self->fd), 0);
	expect_all(self, len);
}

TEST_F_TIMEOUT(end, close_when_full_and_open, 30)
{
	size_t len = fill(self, MSG_MORE);

	SKIP_INTREE("cuts off what waits for TCP, without a reset");
	ASSERT_EQ(close(self->fd), 0);
	expect_all(self, len);
}

TEST_F_TIMEOUT(end, shutdown_when_full, 30)
{
	size_t len = fill(self, MSG_MORE);

	SKIP_INTREE("cuts off what waits for TCP, without a reset");
	ASSERT_EQ(fcntl(self->fd, F_SETFL, O_NONBLOCK), 0);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	EXPECT_ERRNO(send(self->fd, self->buf, 1, 0), EPIPE);
	expect_all(self, len);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *read_late(void *arg)
{
	struct end_self *self = arg;

	usleep(200000);
	EXPECT_EQ(ref_stream_read_eof(&self->stream, self->peer), 0);
	return NULL;
}

/* SO_LINGER makes close() wait for the peer. */
TEST_F_TIMEOUT(end, linger_waits, 40)
{
	int window_len = 4096;
	pthread_t thread;
	size_t len;
	long start;

	SKIP_INTREE("cuts off what waits for TCP, without a reset");
	/* So that nothing but reading makes the window larger. */
	ASSERT_EQ(setsockopt(self->peer, SOL_SOCKET, SO_RCVBUF, &window_len, sizeof(window_len)),
		  0);
	len = fill(self, 0);
	start = now_ms();
	set_linger(self->fd, 30 * (int)ktap_slow());
	ASSERT_EQ(pthread_create(&thread, NULL, read_late, self), 0);
	ASSERT_EQ(close(self->fd), 0);
	EXPECT_GE(now_ms() - start, 190);
	EXPECT_LT(now_ms() - start, 30000 * (int)ktap_slow());
	pthread_join(thread, NULL);
	EXPECT_EQ(self->stream.plain_len, len);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, len);
}

/* Return: what ended the stream; whatever came before it is checked. */
static int read_to_error(struct end_self *self)
{
	int ret;

	do {
		ret = ref_stream_pull(&self->stream, self->peer, 0);
	} while (ret > 0);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, self->stream.plain_len);
	return ret;
}

/* A reset that netem loses is not sent again, unless there is new data to answer. */
static int read_to_reset(struct end_self *self)
{
	int ret = read_to_error(self);

	if (ret != -ETIMEDOUT)
		return ret;
	if (send(self->peer, "", 1, MSG_NOSIGNAL) < 0)
		return -errno;
	return read_to_error(self);
}

/* Lingering for no time throws away what waits, and says so to the peer. */
TEST_F_TIMEOUT(end, linger_zero_resets, 30)
{
	size_t len = fill(self, MSG_MORE);

	set_linger(self->fd, 0);
	ASSERT_EQ(close(self->fd), 0);
	EXPECT_EQ(read_to_reset(self), -ECONNRESET);
	EXPECT_LE(self->stream.plain_len, len);
}

struct shared {
	size_t len;
	bool blocked;
};

static struct shared *share(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(shared, MAP_FAILED);
	return shared;
}

/* The child has the only reference to the socket; it is killed when it says so. */
static void kill_owner(struct end_self *self, pid_t child, struct shared *shared)
{
	int status;

	close(self->fd);
	while (!__atomic_load_n(&shared->blocked, __ATOMIC_ACQUIRE))
		usleep(1000);
	usleep(BLOCK_USEC);
	ASSERT_EQ(kill(child, SIGKILL), 0);
	ASSERT_EQ(waitpid(child, &status, 0), child);
}

TEST_F_TIMEOUT(end, killed_when_full, 30)
{
	struct shared *shared = share();
	pid_t child = fork();

	SKIP_INTREE("cuts off what waits for TCP, without a reset");
	if (!child) {
		shared->len = fill(self, MSG_MORE);
		__atomic_store_n(&shared->blocked, true, __ATOMIC_RELEASE);
		pause();
	}
	kill_owner(self, child, shared);
	expect_all(self, shared->len);
}

/* Killed inside send(): the records are whole, and hold at least what earlier calls took. */
TEST_F_TIMEOUT(end, killed_while_sending, 30)
{
	struct shared *shared = share();
	pid_t child = fork();

	SKIP_INTREE("cuts off what waits for TCP, without a reset");
	if (!child) {
		shared->len = fill(self, 0);
		__atomic_store_n(&shared->blocked, true, __ATOMIC_RELEASE);
		send(self->fd, self->buf + shared->len, BUF_LEN - shared->len, 0);
		pause();
	}
	kill_owner(self, child, shared);
	EXPECT_EQ(ref_stream_read_eof(&self->stream, self->peer), 0);
	EXPECT_GE(self->stream.plain_len, shared->len);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, self->stream.plain_len);
}

TEST_F_TIMEOUT(end, peer_resets, 30)
{
	fill(self, MSG_MORE);
	set_linger(self->peer, 0);
	ASSERT_EQ(close(self->peer), 0);
	for (int i = 0; i < 200 && !usleep(5000); i++)
		if (send(self->fd, self->buf, 1, MSG_DONTWAIT) < 0 && errno != EAGAIN)
			break;
	EXPECT_TRUE(errno == ECONNRESET || errno == EPIPE);
	EXPECT_EQ(send(self->fd, self->buf, 1, MSG_DONTWAIT), -1);
	EXPECT_TRUE(errno == ECONNRESET || errno == EPIPE);
	EXPECT_LE(recv(self->fd, self->got, 1, MSG_DONTWAIT), 0);
	EXPECT_EQ(close(self->fd), 0);
}

/* A peer that closes with our bytes unread resets too. */
TEST_F_TIMEOUT(end, peer_closes_unread, 30)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };

	SKIP_INTREE("send() takes bytes after a reset");
	fill(self, 0);
	ASSERT_EQ(close(self->peer), 0);
	ASSERT_EQ(poll(&pfd, 1, 5000 * (int)ktap_slow()), 1);
	EXPECT_ERRNO(recv(self->fd, self->got, 1, 0), ECONNRESET);
	EXPECT_ERRNO(send(self->fd, self->buf, 1, 0), EPIPE);
}

TEST_F(end, half_closed_by_us)
{
	SKIP_INTREE("send() takes bytes after shutdown()");
	ASSERT_EQ(send(self->fd, self->buf, 300, MSG_MORE), 300);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	EXPECT_ERRNO(send(self->fd, self->buf, 1, 0), EPIPE);
	EXPECT_ERRNO(conn_send_type(self->fd, REF_ALERT, "\1\0", 2, 0), EPIPE);
	expect_all(self, 300);
	put(self, self->buf, 500);
	EXPECT_EQ(recv(self->fd, self->got, 500, MSG_WAITALL), 500);
	EXPECT_MEM_EQ(self->got, self->buf, 500);
	ASSERT_EQ(close(self->peer), 0);
	EXPECT_EQ(recv(self->fd, self->got, 500, 0), 0);
}

TEST_F_TIMEOUT(end, half_closed_by_peer, 30)
{
	struct conn_job job;

	put(self, self->buf, 500);
	ASSERT_EQ(shutdown(self->peer, SHUT_WR), 0);
	EXPECT_EQ(recv(self->fd, self->got, 500, MSG_WAITALL), 500);
	EXPECT_MEM_EQ(self->got, self->buf, 500);
	EXPECT_EQ(recv(self->fd, self->got, 500, 0), 0);
	ASSERT_EQ(conn_send_start(&job, self->fd, self->buf, 100000, 30000), 0);
	EXPECT_EQ(ref_stream_read(&self->stream, self->peer, 100000), 0);
	EXPECT_EQ(conn_job_end(&job), 100000);
	ASSERT_EQ(close(self->fd), 0);
	expect_all(self, 100000);
}

/* As on any TCP socket, closing with input unread resets: the peer must not believe it was read. */
TEST_F(end, close_with_input_unread)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };

	put(self, self->buf, 500);
	put(self, self->buf + 500, 500);
	ASSERT_EQ(poll(&pfd, 1, 5000 * (int)ktap_slow()), 1);
	EXPECT_EQ(recv(self->fd, self->got, 100, 0), 100);
	usleep(BLOCK_USEC);
	ASSERT_EQ(close(self->fd), 0);
	EXPECT_EQ(read_to_reset(self), -ECONNRESET);
}

/* close() in one thread does not take the socket from another that is inside recv(). */
TEST_F(end, close_under_reader)
{
	struct conn_job job;

	ASSERT_EQ(conn_recv_start(&job, self->fd, self->got, 500, 500), 0);
	usleep(BLOCK_USEC);
	ASSERT_EQ(close(self->fd), 0);
	put(self, self->buf, 500);
	EXPECT_EQ(conn_job_end(&job), 500);
	EXPECT_MEM_EQ(self->got, self->buf, 500);
	expect_all(self, 0);
}

static void *send_once(void *arg)
{
	struct conn_job *job = arg;

	job->done = send(job->fd, job->buf, job->len, 0);
	return NULL;
}

TEST_F_TIMEOUT(end, close_under_writer, 30)
{
	struct conn_job job = { .fd = self->fd, .buf = self->buf, .len = 300000 };

	ASSERT_EQ(pthread_create(&job.thread, NULL, send_once, &job), 0);
	usleep(BLOCK_USEC);
	ASSERT_EQ(close(self->fd), 0);
	expect_all(self, 300000);
	EXPECT_EQ(conn_job_end(&job), 300000);
}

TEST_F(end, shutdown_wakes_reader)
{
	struct conn_job job;

	ASSERT_EQ(conn_recv_start(&job, self->fd, self->got, 500, 500), 0);
	usleep(BLOCK_USEC);
	ASSERT_EQ(shutdown(self->fd, SHUT_RD), 0);
	EXPECT_EQ(conn_job_end(&job), 0);
	ASSERT_EQ(send(self->fd, self->buf, 10, 0), 10);
	ASSERT_EQ(close(self->fd), 0);
	expect_all(self, 10);
}

/* A writer that is shut down under its feet: what it was told is accepted does arrive. */
TEST_F_TIMEOUT(end, shutdown_wakes_writer, 30)
{
	struct conn_job job = { .fd = self->fd, .buf = self->buf, .len = BUF_LEN };
	int ret;

	SKIP_INTREE("cuts off what waits for TCP, without a reset");
	ASSERT_EQ(pthread_create(&job.thread, NULL, send_once, &job), 0);
	usleep(BLOCK_USEC);
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	pthread_join(job.thread, NULL);
	EXPECT_LT(job.done, BUF_LEN);
	ret = ref_stream_read_eof(&self->stream, self->peer);
	EXPECT_TRUE(ret == 0 || ret == -ECONNRESET);
	EXPECT_GE(self->stream.plain_len, job.done > 0 ? job.done : 0);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, self->stream.plain_len);
}

KTAP_MAIN()
