// SPDX-License-Identifier: MIT
/*
 * Owns: control mode and waiting: poll, select and epoll (level and edge), FIONREAD,
 * blocked readers: none of them is woken for what no read would return.
 * Must not know: how control records are told apart.
 * Concurrency: threads that block, poll and read the same socket.
 * Follows: uapi/linux/ktlsx.h (KTLSX_CONTROL); poll(2), epoll(7).
 */
#include "ktap.h"
#include "control.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>

FIXTURE(wait) {
	struct control c;
	int level;
	int edge;
};

FIXTURE_VARIANT(wait) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(wait, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(wait, mtu1500_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(wait, small_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_SMALL };
FIXTURE_VARIANT_ADD(wait, lo_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_LO };

static int epoll_on(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_GE(epoll, 0);
	ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	return epoll;
}

FIXTURE_SETUP(wait)
{
	control_open(&self->c, variant->suite, variant->shape);
	self->level = epoll_on(self->c.fd, EPOLLIN);
	self->edge = epoll_on(self->c.fd, EPOLLIN | EPOLLET);
}

static uint32_t next_events(int epoll, int timeout_ms)
{
	struct epoll_event event = { 0 };

	EXPECT_GE(epoll_wait(epoll, &event, 1, timeout_ms), 0);
	return event.events;
}

static bool selected(int fd)
{
	struct timeval soon = { 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, &soon) == 1;
}

/* Something that no call without room returns. */
static void put_silent(struct control *c, unsigned int seed)
{
	if (c->conn.suite->version == REF_TLS13)
		control_put_ticket(c, 100, seed);
	else
		control_put_alert(c, 1, 90);
}

static void expect_silence(struct wait_self *self)
{
	EXPECT_EQ(next_events(self->edge, CONTROL_QUIET_MS), 0);
	EXPECT_EQ(next_events(self->level, CONTROL_QUIET_MS), 0);
	EXPECT_EQ(control_polled(&self->c, CONTROL_QUIET_MS), 0);
	EXPECT_FALSE(selected(self->c.fd));
}

static void expect_readable(struct wait_self *self)
{
	EXPECT_EQ(next_events(self->edge, control_wait_ms()), EPOLLIN);
	EXPECT_EQ(next_events(self->level, control_wait_ms()), EPOLLIN);
	EXPECT_EQ(control_polled(&self->c, control_wait_ms()), POLLIN);
	EXPECT_TRUE(selected(self->c.fd));
}

TEST_F(wait, not_for_a_ticket_alone)
{
	struct control *c = &self->c;

	for (int i = 0; i < 5; i++) {
		put_silent(c, i);
		expect_silence(self);
		EXPECT_ERRNO(recv(c->fd, c->got, 10, MSG_DONTWAIT), EAGAIN);
	}
	if (c->conn.suite->version == REF_TLS13)
		for (int i = 0; i < 5; i++)
			control_expect_ticket(c, 100, i);
}

/* poll() itself sets it aside. */
TEST_F(wait, poll_takes_the_ticket)
{
	struct control *c = &self->c;

	if (c->conn.suite->version == REF_TLS12)
		return;
	put_silent(c, 1);
	for (int i = 0; i < control_wait_ms() && conn_stat("RxTickets") < 1; i++)
		EXPECT_EQ(control_polled(c, 1), 0);
	control_expect_ticket(c, 100, 1);
}

TEST_F(wait, for_data_behind_it)
{
	struct control *c = &self->c;

	put_silent(c, 1);
	expect_silence(self);
	put_silent(c, 2);
	control_put_data(c, 0, 50);
	expect_readable(self);
	EXPECT_EQ(recv(c->fd, c->got, 100, MSG_DONTWAIT), 50);
	expect_silence(self);
}

/* poll() sleeps through what is silent, and wakes for what is not. */
static void *put_later(void *arg)
{
	struct control *c = arg;

	for (int i = 0; i < 3; i++) {
		usleep(20000);
		put_silent(c, i);
	}
	usleep(20000);
	control_put_data(c, 0, 50);
	return NULL;
}

TEST_F(wait, poll_sleeps_through)
{
	struct control *c = &self->c;
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, put_later, c), 0);
	EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
	EXPECT_EQ(recv(c->fd, c->got, 100, MSG_DONTWAIT), 50);
	pthread_join(thread, NULL);
}

TEST_F(wait, edge_triggered_sleeps_through)
{
	struct control *c = &self->c;
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, put_later, c), 0);
	EXPECT_EQ(next_events(self->edge, control_wait_ms()), EPOLLIN);
	EXPECT_EQ(recv(c->fd, c->got, 100, MSG_DONTWAIT), 50);
	pthread_join(thread, NULL);
}

/* By each call that blocks. */
TEST_F_TIMEOUT(wait, reader_sleeps_through, 30)
{
	struct control *c = &self->c;

	for (int way = 0; way < CONTROL_WAYS; way++) {
		pthread_t thread;

		ASSERT_EQ(pthread_create(&thread, NULL, put_later, c), 0);
		EXPECT_EQ(control_read(c, way, c->got, 50, 0), 50);
		EXPECT_MEM_EQ(c->got, c->buf, 50);
		pthread_join(thread, NULL);
	}
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is silent does not wind the clock up again. */
TEST_F(wait, timeout_runs_on)
{
	struct control *c = &self->c;
	long start = now_ms();
	pthread_t thread;

	ASSERT_EQ(conn_set_timeout(c->fd, SO_RCVTIMEO, 50000), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, put_later, c), 0);
	EXPECT_ERRNO(recv(c->fd, c->got, 50, 0), EAGAIN);
	/* A tick less, where there are a hundred of them a second. */
	EXPECT_GE(now_ms() - start, 39);
	pthread_join(thread, NULL);
	EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
}

/* Whoever reads until EAGAIN gets an edge for data, with whatever it comes mixed. */
TEST_F_TIMEOUT(wait, edge_after_drained, 30)
{
	struct control *c = &self->c;

	srand(5);
	for (int i = 0; i < 40; i++) {
		size_t len = 1 + rand() % 900;

		for (int j = rand() % 3; j > 0; j--)
			put_silent(c, j);
		control_put_data(c, 0, len);
		for (int j = rand() % 3; j > 0; j--)
			put_silent(c, j);
		EXPECT_EQ(next_events(self->edge, control_wait_ms()), EPOLLIN);
		for (size_t off = 0; off < len;) {
			ssize_t got = recv(c->fd, c->got + off, 1000, MSG_DONTWAIT);

			ASSERT_GT(got, 0);
			off += got;
		}
		EXPECT_MEM_EQ(c->got, c->buf, len);
		EXPECT_ERRNO(recv(c->fd, c->got, 1, MSG_DONTWAIT), EAGAIN);
	}
}

static int queued(int fd)
{
	int len = -1;

	EXPECT_EQ(ioctl(fd, FIONREAD, &len), 0);
	return len;
}

TEST_F(wait, fionread)
{
	struct control *c = &self->c;

	put_silent(c, 1);
	control_settle();
	EXPECT_EQ(queued(c->fd), 0);
	control_put_data(c, 0, 70);
	EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
	EXPECT_EQ(queued(c->fd), 70);
	EXPECT_EQ(recv(c->fd, c->got, 30, 0), 30);
	EXPECT_EQ(queued(c->fd), 40);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 40);
	EXPECT_EQ(queued(c->fd), 0);
}

/* What FIONREAD or poll() looked at is told by the read, not lost. */
TEST_F(wait, looking_tells_nothing)
{
	struct control *c = &self->c;

	control_put_alert(c, 2, 40);
	EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
	EXPECT_EQ(queued(c->fd), 0);
	EXPECT_EQ(control_get_alert(c->fd), -ENODATA);
	EXPECT_EQ(control_polled(c, 0), POLLIN);
	EXPECT_ERRNO(recv(c->fd, c->got, 10, 0), ECONNRESET);
	EXPECT_EQ(control_get_alert(c->fd), 2 << 8 | 40);
	EXPECT_EQ(control_polled(c, 0) & (POLLIN | POLLERR), POLLIN | POLLERR);
}

/* What was looked at is still there for a call with room. */
TEST_F(wait, looking_leaves_it_for_room)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put(c, REF_HANDSHAKE, "\0\0\0\0", 4);
	EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 4);
	EXPECT_EQ(type, REF_HANDSHAKE);
	EXPECT_EQ(control_polled(c, CONTROL_QUIET_MS), 0);
}

/* Records are counted by the call that takes them, not by the one that looks. */
TEST_F(wait, looking_does_not_count)
{
	struct control *c = &self->c;
	long long read = conn_stat("RxRecvRecords"), spliced = conn_stat("RxSpliceRecords");

	control_put_data(c, 0, 70);
	EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
	EXPECT_EQ(queued(c->fd), 70);
	EXPECT_EQ(control_read(c, CONTROL_SPLICE, c->got, 100, 0), 70);
	EXPECT_EQ(conn_stat("RxRecvRecords"), read);
	EXPECT_EQ(conn_stat("RxSpliceRecords"), spliced + 1);
}

TEST_F(wait, close_notify)
{
	struct control *c = &self->c;

	control_put_alert(c, 1, 0);
	expect_readable(self);
	EXPECT_EQ(recv(c->fd, c->got, 10, 0), 0);
	EXPECT_EQ(control_polled(c, 0), POLLIN);
	EXPECT_EQ(recv(c->fd, c->got, 10, 0), 0);
}

TEST_F(wait, cut_off)
{
	struct control *c = &self->c;

	ASSERT_EQ(shutdown(c->conn.fd[0], SHUT_WR), 0);
	EXPECT_EQ(control_polled(c, control_wait_ms()) & POLLIN, POLLIN);
	EXPECT_ERRNO(recv(c->fd, c->got, 10, 0), EPROTO);
	EXPECT_EQ(control_polled(c, 0) & POLLIN, POLLIN);
}

FIXTURE(update) {
	struct wait_self w;
};

FIXTURE_VARIANT(update) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(update, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(update, mtu1500_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_MTU1500 };

FIXTURE_SETUP(update)
{
	control_open(&self->w.c, variant->suite, variant->shape);
	self->w.level = epoll_on(self->w.c.fd, EPOLLIN);
	self->w.edge = epoll_on(self->w.c.fd, EPOLLIN | EPOLLET);
}

/* Readable until one read has said so; no busy loop after that. */
TEST_F(update, told_once)
{
	struct control *c = &self->w.c;

	control_put_key_update(c, 0);
	expect_readable(&self->w);
	EXPECT_EQ(queued(c->fd), 0);
	EXPECT_EQ(control_polled(c, 0), POLLIN);
	EXPECT_ERRNO(recv(c->fd, c->got, 10, 0), EKEYEXPIRED);
	expect_silence(&self->w);
	EXPECT_ERRNO(recv(c->fd, c->got, 10, 0), EKEYEXPIRED);
	/* Records with other keys are no reason to wake anybody either. */
	control_put_data(c, 0, 10);
	expect_silence(&self->w);
}

/* Data that was read in the same call does not count as telling. */
TEST_F(update, told_after_data)
{
	struct control *c = &self->w.c;

	control_put_data(c, 0, 10);
	control_put_key_update(c, 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, MSG_WAITALL), 10);
	EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
	EXPECT_ERRNO(recv(c->fd, c->got, 10, 0), EKEYEXPIRED);
	EXPECT_EQ(control_polled(c, CONTROL_QUIET_MS), 0);
}

TEST_F(update, told_to_a_call_with_room)
{
	struct control *c = &self->w.c;
	uint8_t type;

	control_put_key_update(c, 0);
	expect_readable(&self->w);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 5);
	expect_silence(&self->w);
}

TEST_F(update, told_with_an_end_behind_it)
{
	struct control *c = &self->w.c;

	control_put_key_update(c, 0);
	EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
	EXPECT_ERRNO(recv(c->fd, c->got, 10, 0), EKEYEXPIRED);
	ASSERT_EQ(shutdown(c->conn.fd[0], SHUT_WR), 0);
	EXPECT_EQ(control_polled(c, CONTROL_QUIET_MS), 0);
}

struct crowd {
	struct control *c;
	size_t total_len;
	bool is_over;
};

static void *keep_polling(void *arg)
{
	struct crowd *crowd = arg;

	while (!__atomic_load_n(&crowd->is_over, __ATOMIC_ACQUIRE)) {
		control_polled(crowd->c, 1);
		queued(crowd->c->fd);
	}
	return NULL;
}

static void *keep_sending(void *arg)
{
	struct crowd *crowd = arg;
	unsigned int seed = 3;

	for (size_t off = 0; off < crowd->total_len; off += 1000) {
		for (int i = rand_r(&seed) % 3; i > 0; i--)
			put_silent(crowd->c, i);
		control_put_data(crowd->c, off % 30000, 1000);
	}
	control_put_alert(crowd->c, 1, 0);
	return NULL;
}

/* Two that poll and look, one that reads, one that sends: every byte arrives in order. */
TEST_F_TIMEOUT(wait, crowd, 40)
{
	struct crowd crowd = { .c = &self->c, .total_len = 300000 };
	uint8_t *got = malloc(crowd.total_len);
	pthread_t threads[3];
	size_t off = 0;
	ssize_t len;

	for (int i = 0; i < 3; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, i ? keep_polling : keep_sending,
					 &crowd), 0);
	while ((len = recv(self->c.fd, got + off, crowd.total_len - off + 1, 0)) > 0)
		off += len;
	EXPECT_EQ(len, 0);
	EXPECT_EQ(off, crowd.total_len);
	__atomic_store_n(&crowd.is_over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (off = 0; off < crowd.total_len; off += 1000)
		EXPECT_MEM_EQ(got + off, self->c.buf + off % 30000, 1000);
}

KTAP_MAIN()
