// SPDX-License-Identifier: MIT
/*
 * Owns: receivers that hold our sent fragments for long: one sleeps, one keeps
 * them in a pipe it never drains, one is a connection that retransmits. Record
 * buffers must not be used again under them.
 * Must not know: how buffers are recycled, but for the counters that say it happened.
 * Concurrency: none; traffic on other connections is made while bytes are held.
 * Follows: DESIGN.md 6.5. Poisoning on reuse (pool_poison=1) makes a mistake show.
 */
#include "ktap.h"
#include "conn.h"

#include <sched.h>
#include <sys/sendfile.h>

/* On a real machine; an emulated one has seen as much sooner. */
#define SLEEP_MSEC	10000
#define HELD_LEN	60000
#define TRAFFIC_LEN	(2 << 20)
#define CHUNK_LEN	65536
/* Connections that keep a buffer or two each: more than a CPU has lying idle. */
#define OTHERS_COUNT	20

struct counters {
	long long reused;
	long long busy;
	long long allocated;
};

static struct counters read_counters(void)
{
	return (struct counters){ conn_stat("PoolReused"), conn_stat("PoolBusy"),
				  conn_stat("PoolAlloc") };
}

FIXTURE(hold) {
	struct conn conn;
	struct ref_stream stream;
	struct counters before;
	uint8_t buf[HELD_LEN];
	uint8_t *traffic;
};

FIXTURE_VARIANT(hold) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(hold, lo_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(hold, lo_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_LO };

/* Each has a store of buffers: all that is held is to be in the store that is asked. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

FIXTURE_SETUP(hold)
{
	int len = 4 * HELD_LEN;

	stay_on_this_cpu();
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	SKIP_INTREE("has no pool");
	ASSERT_EQ(setsockopt(self->conn.fd[1], SOL_SOCKET, SO_RCVBUF, &len, sizeof(len)), 0);
	ref_stream_init(&self->stream, &self->conn.key[0]);
	conn_fill(self->buf, HELD_LEN, 90);
	self->traffic = malloc(TRAFFIC_LEN);
	conn_fill(self->traffic, TRAFFIC_LEN, 91);
	self->before = read_counters();
	ASSERT_GE(self->before.reused, 0);
}

/* Another connection, with the same keys. */
static struct conn open_other(struct hold_self *self)
{
	struct conn other = self->conn;

	ASSERT_EQ(conn_pair(other.fd, CONN_LO, AF_INET), 0);
	ASSERT_EQ(conn_tx(&other), 0);
	return other;
}

/* Full records on another connection, by send and by sendfile, read as they come. */
static void make_traffic(struct hold_self *self)
{
	struct conn other = open_other(self);
	struct ref_stream stream;
	int file = conn_memfd(self->traffic, TRAFFIC_LEN);
	size_t done_len = 0;

	ASSERT_GE(file, 0);
	ref_stream_init(&stream, &other.key[0]);
	while (done_len < TRAFFIC_LEN) {
		off_t off = done_len;

		if (done_len / CHUNK_LEN % 2)
			ASSERT_EQ(send(other.fd[0], self->traffic + done_len, CHUNK_LEN, 0),
				  CHUNK_LEN);
		else
			ASSERT_EQ(sendfile(other.fd[0], file, &off, CHUNK_LEN), CHUNK_LEN);
		done_len += CHUNK_LEN;
		ASSERT_EQ(ref_stream_read(&stream, other.fd[1], done_len), 0);
	}
	EXPECT_MEM_EQ(stream.plain, self->traffic, TRAFFIC_LEN);
	for (int i = 0; i < 2; i++)
		close(other.fd[i]);
	close(file);
	ref_stream_free(&stream);
}

/* Nobody reads these: what is asked for next has to be looked for among buffers in use. */
static void take_idle_buffers(struct hold_self *self)
{
	for (int i = 0; i < OTHERS_COUNT; i++) {
		struct conn other = open_other(self);

		ASSERT_EQ(send(other.fd[0], self->buf, HELD_LEN / 2, 0), HELD_LEN / 2);
	}
}

/* Bytes are held from now on; here is what goes on meanwhile. */
static void pass_time(struct hold_self *self)
{
	unsigned int turns = 4;

	take_idle_buffers(self);
	for (unsigned int i = 0; i < turns; i++) {
		make_traffic(self);
		usleep(SLEEP_MSEC * 1000 / ktap_slow() / turns);
	}
}

static void report(struct hold_self *self)
{
	struct counters now = read_counters();

	ktap_diag("buffers: %lld reused, %lld found busy, %lld allocated",
		  now.reused - self->before.reused, now.busy - self->before.busy,
		  now.allocated - self->before.allocated);
	EXPECT_GT(now.reused - self->before.reused, 0);
	EXPECT_GT(now.busy - self->before.busy, 0);
}

static void send_held(struct hold_self *self)
{
	for (size_t off = 0; off < HELD_LEN; off += 6000)
		ASSERT_EQ(send(self->conn.fd[0], self->buf + off, 6000, 0), 6000);
}

TEST_F_TIMEOUT(hold, sleeping_reader, 60)
{
	send_held(self);
	pass_time(self);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], HELD_LEN), 0);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, HELD_LEN);
	report(self);
}

/* The pipe has the very fragments that TCP got; the connection may even be gone. */
TEST_F_TIMEOUT(hold, undrained_pipe, 60)
{
	size_t wire_len = 0, plain_len = 0;
	static uint8_t wire[HELD_LEN * 2], plain[REF_WIRE_MAX];
	struct ref_record record;
	int pipe_fd[2];
	ssize_t done;

	ASSERT_EQ(pipe2(pipe_fd, O_NONBLOCK), 0);
	ASSERT_GT(fcntl(pipe_fd[1], F_SETPIPE_SZ, 1 << 20), 0);
	send_held(self);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	while ((done = splice(self->conn.fd[1], NULL, pipe_fd[1], NULL, 1 << 20, 0)) > 0)
		wire_len += done;
	EXPECT_EQ(done, 0);
	for (int i = 0; i < 2; i++)
		close(self->conn.fd[i]);
	pass_time(self);
	ASSERT_EQ(read(pipe_fd[0], wire, sizeof(wire)), wire_len);
	for (size_t off = 0; off < wire_len; off += record.wire_len) {
		ASSERT_EQ(ref_open(&self->conn.key[0], wire + off, wire_len - off, &record, plain),
			  0);
		ASSERT_MEM_EQ(plain, self->buf + plain_len, record.plain_len);
		plain_len += record.plain_len;
	}
	EXPECT_EQ(plain_len, HELD_LEN);
	report(self);
}

/* Records of many connections share buffers: each holds bytes of the last one of all others. */
TEST_F_TIMEOUT(hold, many_small_holders, 60)
{
	enum { COUNT = 30 };
	struct conn conns[COUNT];

	for (int i = 0; i < COUNT; i++) {
		conns[i] = open_other(self);
		ASSERT_EQ(send(conns[i].fd[0], self->buf + i, 1000, 0), 1000);
	}
	make_traffic(self);
	for (int i = 0; i < COUNT; i++) {
		struct ref_stream stream;

		ref_stream_init(&stream, &conns[i].key[0]);
		EXPECT_EQ(ref_stream_read(&stream, conns[i].fd[1], 1000), 0);
		EXPECT_MEM_EQ(stream.plain, self->buf + i, 1000);
		ref_stream_free(&stream);
	}
}

KTAP_MAIN()
