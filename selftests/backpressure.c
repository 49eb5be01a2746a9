// SPDX-License-Identifier: MIT
/*
 * Owns: sending where the buffers are full, and being interrupted: records and
 * their boundaries must survive EAGAIN and EINTR, and no accepted byte may wait
 * for another call.
 * Must not know: how the kernel keeps what TCP would not take.
 * Concurrency: a thread reads where the sender blocks; signals hit the sender.
 * Follows: DESIGN.md 6.2, 6.3; send(2), signal(7).
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <time.h>

/* The kernel raises it to the least it allows. */
#define TINY_SNDBUF	1
#define BUF_LEN		300000

FIXTURE(full) {
	struct conn conn;
	struct ref_stream stream;
	int fd;
	int peer;
	size_t len;
	uint8_t *buf;
	size_t *ends;		/* offsets at which a record must end */
	size_t end_count;
};

FIXTURE_VARIANT(full) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(full, lo_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(full, lo_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_LO };
FIXTURE_VARIANT_ADD(full, mtu1500_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(full, netem_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_NETEM };
FIXTURE_VARIANT_ADD(full, small_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_SMALL };

static void set_buf(int fd, int option, int len)
{
	ASSERT_EQ(setsockopt(fd, SOL_SOCKET, option, &len, sizeof(len)), 0);
}

FIXTURE_SETUP(full)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	self->fd = self->conn.fd[0];
	self->peer = self->conn.fd[1];
	set_buf(self->fd, SO_SNDBUF, 20000);
	set_buf(self->peer, SO_RCVBUF, 10000);
	ref_stream_init(&self->stream, &self->conn.key[0]);
	/* With segments larger than its window, a receiver gets on by timers alone. */
	self->len = variant->shape == CONN_LO ? 80000 : BUF_LEN;
	self->buf = malloc(BUF_LEN);
	self->ends = calloc(BUF_LEN, sizeof(*self->ends));
	conn_fill(self->buf, BUF_LEN, 12);
	srand(21);
}

/* Mostly small, sometimes more than a record. */
static size_t random_len(size_t left_len)
{
	size_t len = 1 + (rand() % 4 ? rand() % 3000 : rand() % 40000);

	return len < left_len ? len : left_len;
}

/* Contents in order, and every call that did not say MSG_MORE ended a record. */
static void check(struct full_self *self, size_t len)
{
	size_t off = 0, at = 0;

	EXPECT_EQ(self->stream.plain_len, len);
	EXPECT_EQ(self->stream.opened_len, self->stream.wire_len);
	EXPECT_MEM_EQ(self->stream.plain, self->buf,
		      len < self->stream.plain_len ? len : self->stream.plain_len);
	for (size_t i = 0; i < self->stream.record_count && at < self->end_count; i++) {
		off += self->stream.records[i].plain_len;
		EXPECT_LE(off, self->ends[at]);
		at += off >= self->ends[at];
	}
	EXPECT_EQ(at, self->end_count);
}

/* Takes what is there now, at most @pull_count times. */
static void drain(struct full_self *self, int pull_count)
{
	int ret = 1;

	while (pull_count-- > 0 && ret > 0)
		ret = ref_stream_pull(&self->stream, self->peer, MSG_DONTWAIT);
	ASSERT_TRUE(ret > 0 || ret == -EAGAIN);
}

/* EAGAIN whenever the peer is slow; what was not taken is offered again, cut anew. */
TEST_F_TIMEOUT(full, boundaries_survive_eagain, 40)
{
	unsigned int refused_count = 0;
	size_t off = 0;

	while (off < self->len) {
		size_t len = random_len(self->len - off);
		bool more = rand() % 3 == 0 && off + len < self->len;
		ssize_t done =
			send(self->fd, self->buf + off, len, MSG_DONTWAIT | (more ? MSG_MORE : 0));

		if (done < 0) {
			ASSERT_EQ(errno, EAGAIN);
			refused_count++;
			drain(self, 1 + rand() % 3);
			continue;
		}
		off += done;
		if (!more)
			self->ends[self->end_count++] = off;
	}
	EXPECT_EQ(ref_stream_read(&self->stream, self->peer, self->len), 0);
	EXPECT_GT(refused_count, 0);
	check(self, self->len);
}

/* Return: bytes taken until EAGAIN. */
static size_t send_until_full(struct full_self *self, size_t off)
{
	size_t start = off;

	while (off < BUF_LEN) {
		ssize_t done =
			send(self->fd, self->buf + off, random_len(BUF_LEN - off), MSG_DONTWAIT);

		if (done < 0)
			break;
		off += done;
		self->ends[self->end_count++] = off;
	}
	ASSERT_LT(off, BUF_LEN);
	EXPECT_EQ(errno, EAGAIN);
	return off - start;
}

/* Whoever waits only for input after EAGAIN must not have kept bytes from the peer. */
TEST_F_TIMEOUT(full, then_only_input, 40)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };
	size_t off = 0;
	char answer;

	for (int i = 0; i < 3; i++) {
		off += send_until_full(self, off);
		ASSERT_EQ(ref_stream_read(&self->stream, self->peer, off), 0);
		ASSERT_EQ(send(self->peer, "a", 1, 0), 1);
		ASSERT_EQ(poll(&pfd, 1, 5000 * (int)ktap_slow()), 1);
		ASSERT_EQ(recv(self->fd, &answer, 1, 0), 1);
	}
	check(self, off);
}

struct reader {
	pthread_t thread;
	struct full_self *self;
	int ret;
};

/* Slowly at first, so that the sender blocks. */
static void *read_all(void *arg)
{
	struct reader *reader = arg;
	struct full_self *self = reader->self;

	for (int i = 0; i < 10; i++) {
		usleep(5000);
		ref_stream_pull(&self->stream, self->peer, MSG_DONTWAIT);
	}
	reader->ret = ref_stream_read(&self->stream, self->peer, self->len);
	return NULL;
}

static void start_reader(struct reader *reader, struct full_self *self)
{
	sigset_t set;

	reader->self = self;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	ASSERT_EQ(pthread_create(&reader->thread, NULL, read_all, reader), 0);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void end_reader(struct reader *reader)
{
	pthread_join(reader->thread, NULL);
	EXPECT_EQ(reader->ret, 0);
	check(reader->self, reader->self->len);
}

TEST_F_TIMEOUT(full, tiny_sndbuf, 40)
{
	struct reader reader;

	set_buf(self->fd, SO_SNDBUF, TINY_SNDBUF);
	start_reader(&reader, self);
	for (size_t off = 0; off < self->len; self->ends[self->end_count++] = off) {
		size_t len = random_len(self->len - off);

		ASSERT_EQ(send(self->fd, self->buf + off, len, 0), len);
		off += len;
	}
	end_reader(&reader);
}

static volatile sig_atomic_t signal_count;
static clock_t signals_began;

/* In a handler, rand() could wait for the very thread it interrupted. */
static void arm(void)
{
	static unsigned int state = 1;
	struct itimerval next = { 0 };

	state = state * 1103515245 + 12345;
	next.it_value.tv_usec = 50 + (state >> 16) % 3000;
	setitimer(ITIMER_REAL, &next, NULL);
}

static void on_alarm(int signal)
{
	(void)signal;
	signal_count++;
	arm();
}

/* Without SA_RESTART, so that every wait ends with EINTR or a short count. */
static void start_signals(void)
{
	const struct sigaction action = { .sa_handler = on_alarm };

	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
	signals_began = clock();
	arm();
}

/* Where the clock ticks a hundred times a second, all may be over before the first signal. */
static void stop_signals(void)
{
	const clock_t worked = clock() - signals_began;
	const struct itimerval never = { 0 };

	setitimer(ITIMER_REAL, &never, NULL);
	if (worked > CLOCKS_PER_SEC / 20)
		EXPECT_GT(signal_count, 0);
}

TEST_F_TIMEOUT(full, signals_while_sending, 40)
{
	struct reader reader;
	size_t off = 0;

	start_reader(&reader, self);
	start_signals();
	while (off < self->len) {
		size_t len = random_len(self->len - off);
		bool more = rand() % 3 == 0 && off + len < self->len;
		ssize_t done = send(self->fd, self->buf + off, len, more ? MSG_MORE : 0);

		if (done < 0) {
			ASSERT_EQ(errno, EINTR);
			continue;
		}
		off += done;
		if (!more)
			self->ends[self->end_count++] = off;
	}
	stop_signals();
	end_reader(&reader);
}

TEST_F_TIMEOUT(full, signals_during_sendfile, 40)
{
	int file = conn_memfd(self->buf, self->len);
	struct reader reader;
	off_t off = 0;

	ASSERT_GE(file, 0);
	start_reader(&reader, self);
	start_signals();
	while (off < (off_t)self->len) {
		ssize_t done = sendfile(self->fd, file, &off, self->len - off);

		if (done < 0)
			ASSERT_EQ(errno, EINTR);
		else
			ASSERT_GT(done, 0);
	}
	stop_signals();
	end_reader(&reader);
}

/* Return: bytes sent; the offset must not run ahead of them. */
static ssize_t sendfile_once(struct full_self *self, int file, off_t *off)
{
	off_t before = *off;
	ssize_t done = sendfile(self->fd, file, off, random_len(self->len - *off));

	EXPECT_EQ(*off - before, done > 0 ? done : 0);
	return done;
}

TEST_F_TIMEOUT(full, sendfile_eagain, 40)
{
	int file = conn_memfd(self->buf, self->len);
	unsigned int refused_count = 0;
	off_t off = 0;

	ASSERT_GE(file, 0);
	ASSERT_EQ(fcntl(self->fd, F_SETFL, O_NONBLOCK), 0);
	while (off < (off_t)self->len) {
		if (sendfile_once(self, file, &off) >= 0)
			continue;
		ASSERT_EQ(errno, EAGAIN);
		refused_count++;
		drain(self, 1 + rand() % 3);
	}
	EXPECT_EQ(ref_stream_read(&self->stream, self->peer, self->len), 0);
	EXPECT_GT(refused_count, 0);
	check(self, self->len);
}

/* Bytes that splice took from the pipe are on their way; those it did not take are still in it. */
TEST_F_TIMEOUT(full, splice_eagain, 40)
{
	size_t in_off = 0, out_off = 0;
	int pipe_fd[2];

	ASSERT_EQ(pipe2(pipe_fd, O_NONBLOCK), 0);
	ASSERT_EQ(fcntl(self->fd, F_SETFL, O_NONBLOCK), 0);
	while (out_off < self->len) {
		ssize_t done =
			write(pipe_fd[1], self->buf + in_off, random_len(self->len - in_off));

		in_off += done > 0 ? done : 0;
		done = splice(pipe_fd[0], NULL, self->fd, NULL, 1 + rand() % 30000,
			      SPLICE_F_NONBLOCK | (rand() % 2 ? SPLICE_F_MORE : 0));
		if (done < 0) {
			ASSERT_EQ(errno, EAGAIN);
			drain(self, 1 + rand() % 3);
		}
		out_off += done > 0 ? done : 0;
	}
	ASSERT_EQ(shutdown(self->fd, SHUT_WR), 0);
	EXPECT_EQ(ref_stream_read_eof(&self->stream, self->peer), 0);
	check(self, self->len);
}

FIXTURE(in) {
	struct conn conn;
	size_t len;
	uint8_t *buf;
	uint8_t *got;
};

FIXTURE_VARIANT(in) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(in, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(in, mtu1500_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(in, small_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_SMALL };

FIXTURE_SETUP(in)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_rx(&self->conn));
	self->len = BUF_LEN;
	self->buf = malloc(self->len);
	self->got = malloc(self->len);
	conn_fill(self->buf, self->len, 13);
	srand(22);
}

/* An interrupted recv() loses nothing and repeats nothing. */
TEST_F_TIMEOUT(in, signals_while_receiving, 40)
{
	struct conn_job job;
	size_t off = 0, wire_len;
	uint8_t *wire = conn_seal_all(&self->conn, self->buf, self->len, 5000, &wire_len);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	ASSERT_EQ(conn_send_start(&job, self->conn.fd[0], wire, wire_len, 3000), 0);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	start_signals();
	while (off < self->len) {
		size_t len = random_len(self->len - off);
		ssize_t done =
			recv(self->conn.fd[1], self->got + off, len, rand() % 2 ? MSG_WAITALL : 0);

		if (done < 0)
			ASSERT_EQ(errno, EINTR);
		else
			ASSERT_GT(done, 0);
		off += done > 0 ? done : 0;
	}
	stop_signals();
	EXPECT_EQ(conn_job_end(&job), wire_len);
	EXPECT_MEM_EQ(self->got, self->buf, self->len);
}

FIXTURE(duplex) {
	struct conn conn;
	size_t len;
	uint8_t *buf[2];
	uint8_t *got[2];
	size_t sent_len[2];
	size_t got_len[2];
};

FIXTURE_VARIANT(duplex) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(duplex, lo_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_LO };
FIXTURE_VARIANT_ADD(duplex, mtu1500_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(duplex, netem_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_NETEM };
FIXTURE_VARIANT_ADD(duplex, small_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_SMALL };

FIXTURE_SETUP(duplex)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_both(&self->conn));
	self->len = 200000;
	for (int i = 0; i < 2; i++) {
		set_buf(self->conn.fd[i], SO_SNDBUF, 10000);
		self->buf[i] = malloc(self->len);
		self->got[i] = malloc(self->len);
		conn_fill(self->buf[i], self->len, 30 + i);
	}
	srand(23);
}

/* Sends and receives what can be at one end; fd[i] sends buf[i] and receives into got[i]. */
static void serve(struct duplex_self *self, int i, short revents)
{
	int fd = self->conn.fd[i];
	ssize_t done;

	if (revents & POLLIN) {
		done = recv(fd, self->got[i] + self->got_len[i], random_len(self->len),
			    MSG_DONTWAIT);
		ASSERT_TRUE(done > 0 || errno == EAGAIN);
		self->got_len[i] += done > 0 ? done : 0;
	}
	if (revents & POLLOUT && self->sent_len[i] < self->len) {
		done = send(fd, self->buf[i] + self->sent_len[i],
			    random_len(self->len - self->sent_len[i]), MSG_DONTWAIT);
		ASSERT_TRUE(done > 0 || errno == EAGAIN);
		self->sent_len[i] += done > 0 ? done : 0;
	}
}

/* One thread serves both ends, as event loops do: waiting for a call that never comes hangs it. */
TEST_F_TIMEOUT(duplex, event_loop, 60)
{
	struct pollfd pfds[2];

	while (self->got_len[0] < self->len || self->got_len[1] < self->len) {
		for (int i = 0; i < 2; i++)
			pfds[i] = (struct pollfd){
				.fd = self->conn.fd[i],
				.events = POLLIN | (self->sent_len[i] < self->len ? POLLOUT : 0),
			};
		ASSERT_GT(poll(pfds, 2, 10000 * (int)ktap_slow()), 0);
		for (int i = 0; i < 2; i++)
			serve(self, i, pfds[i].revents);
	}
	EXPECT_MEM_EQ(self->got[0], self->buf[1], self->len);
	EXPECT_MEM_EQ(self->got[1], self->buf[0], self->len);
}

KTAP_MAIN()
