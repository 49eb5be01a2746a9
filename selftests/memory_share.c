// SPDX-License-Identifier: MIT
/*
 * Owns: connections while a share of all allocations below the module fails, in system calls
 * and in softirqs alike: where TCP wakes us, and where a record is copied out of its queue.
 * Must not know: what allocates.
 * Concurrency: one thread that moves what moves; allocations fail for the whole machine, but
 * below our module only.
 * Follows: DESIGN.md 6.10: what is not the peer's fault never ends a connection, nor costs a byte.
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>

#include "fault_share.h"

/* One in so many; more, and TCP's own retries take for ever. */
#define PERCENT		15
#define TURN_MS		20
/* What is moved in small records: each waits for its turn. */
#define SMALL_LEN	50000
#define FULL_LEN	1000000

struct way {
	int from, to;
	const uint8_t *buf;
	uint8_t *got;
	size_t sent_len, got_len, len;
};

FIXTURE(share) {
	struct conn conn;
	struct way ways[2];
	unsigned int refused_count;
};

FIXTURE_VARIANT(share) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(share, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(share, mtu1500_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(share, small_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_SMALL };
FIXTURE_VARIANT_ADD(share, small_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_SMALL };

FIXTURE_SETUP(share)
{
	size_t len = conn_big_len(variant->shape) / 2;

	SKIP_INTREE("a failing allocation ends the connection");
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_both(&self->conn));
	fault_guard();
	for (int i = 0; i < 2; i++) {
		uint8_t *buf = malloc(len);

		conn_fill(buf, len, 80 + i);
		self->ways[i] = (struct way){
			.from = self->conn.fd[i], .to = self->conn.fd[!i],
			.buf = buf, .got = malloc(len), .len = len,
		};
		/*
		 * A page fault below the module would get no page either, and give EFAULT. Not
		 * zeros: the compiler would make calloc() of it, which touches nothing.
		 */
		conn_fill(self->ways[i].got, len, 90 + i);
	}
}

/* "Not now" and "no memory" are the only legal refusals. */
static size_t count(struct share_self *self, ssize_t ret)
{
	bool refused = ret < 0 && (errno == ENOMEM || errno == ENOBUFS);

	if (ret <= 0 && !refused)
		ASSERT_TRUE(ret < 0 && errno == EAGAIN);
	self->refused_count += refused;
	return ret > 0 ? ret : 0;
}

static void turn(struct share_self *self, struct way *way, size_t chunk_len)
{
	size_t rest = way->len - way->sent_len;

	if (rest)
		way->sent_len += count(self, send(way->from, way->buf + way->sent_len,
						  rest < chunk_len ? rest : chunk_len,
						  MSG_DONTWAIT));
	if (way->got_len < way->len)
		way->got_len += count(self, recv(way->to, way->got + way->got_len,
						 way->len - way->got_len, MSG_DONTWAIT));
}

static bool is_done(const struct share_self *self)
{
	return self->ways[0].got_len == self->ways[0].len &&
	       self->ways[1].got_len == self->ways[1].len;
}

static void move_all(struct share_self *self, size_t chunk_len, unsigned int turns)
{
	struct pollfd pfds[2] = {
		{ .fd = self->conn.fd[0], .events = POLLIN },
		{ .fd = self->conn.fd[1], .events = POLLIN },
	};

	for (unsigned int i = 0; i < turns && !is_done(self); i++) {
		turn(self, &self->ways[i % 2], chunk_len);
		if (i % 2)
			poll(pfds, 2, TURN_MS);
	}
}

static void carry(struct share_self *self, size_t chunk_len)
{
	long count;

	fault_share("ktlsx", PERCENT);
	move_all(self, chunk_len, 2000);
	count = fault_share_count();
	fault_share_end();
	ktap_diag("%ld allocations failed, and %u calls; %zu and %zu bytes came meanwhile", count,
		  self->refused_count, self->ways[0].got_len, self->ways[1].got_len);
	EXPECT_GT(count, 0);
	move_all(self, chunk_len, 200 * ktap_slow());
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(self->ways[i].got_len, self->ways[i].len);
		EXPECT_MEM_EQ(self->ways[i].got, self->ways[i].buf, self->ways[i].got_len);
	}
}

TEST_F_TIMEOUT(share, full_records, 60)
{
	carry(self, 3 * REF_PLAIN_MAX);
}

TEST_F_TIMEOUT(share, small_records, 60)
{
	for (int i = 0; i < 2; i++)
		self->ways[i].len = SMALL_LEN;
	carry(self, 700);
}

/* What is closed goes on by TCP's timers, but no longer than its namespace, which we leave. */
static int await_orphans(void)
{
	int orphans = -1;

	for (unsigned int i = 0; i < 300 * ktap_slow() && orphans; i++) {
		FILE *file = fopen("/proc/net/sockstat", "r");
		char line[200];

		ASSERT_TRUE(file);
		while (fgets(line, sizeof(line), file))
			sscanf(line, "TCP: inuse %*d orphan %d", &orphans);
		fclose(file);
		usleep(100000);
	}
	return orphans;
}

/* Closed while allocations fail: nothing may stay behind, which the end of the run looks at. */
TEST_F_TIMEOUT(share, closes, 60)
{
	uint8_t buf[30000] = { 0 };

	fault_share("ktlsx", PERCENT);
	for (int i = 0; i < 100; i++) {
		int fd[2];

		ASSERT_EQ(conn_pair(fd, variant->shape, AF_INET), 0);
		self->conn.fd[0] = fd[0];
		self->conn.fd[1] = fd[1];
		conn_both(&self->conn);
		send(fd[0], buf, 1 + i * 300, MSG_DONTWAIT | (i % 2 ? MSG_MORE : 0));
		recv(fd[1], buf, 500, MSG_DONTWAIT);
		if (i % 3 == 0)
			shutdown(fd[0], SHUT_WR);
		close(fd[i % 2]);
		close(fd[!(i % 2)]);
	}
	EXPECT_GT(fault_share_count(), 0);
	fault_share_end();
	EXPECT_EQ(await_orphans(), 0);
}

/*
 * Sends until a record is accepted that TCP takes a part of only, to a peer without the module. By
 * segments that end inside a record: what is left cannot join one that has its memory already.
 */
FIXTURE(atomic) {
	struct conn conn;
	struct ref_stream stream;
	uint8_t buf[FULL_LEN];
	size_t len;
};

FIXTURE_VARIANT(atomic) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(atomic, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(atomic, lo_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_LO };

static bool send_record(struct atomic_self *self)
{
	ssize_t done = send(self->conn.fd[0], self->buf + self->len, REF_PLAIN_MAX, MSG_DONTWAIT);

	if (done < 0)
		ASSERT_EQ(errno, EAGAIN);
	self->len += done > 0 ? done : 0;
	ASSERT_LT(self->len, FULL_LEN - REF_PLAIN_MAX);
	return done > 0;
}

/*
 * First what the peer's buffer takes, in its own time, so that no ACK comes from then on; then
 * more, bit by bit: whether TCP's queue is full in the middle of a record depends on where its
 * segments end.
 */
static void fill(struct atomic_self *self)
{
	int sndbuf = 20000;
	long before;

	ASSERT_EQ(setsockopt(self->conn.fd[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)), 0);
	for (int quiet = 0; quiet < 10; usleep(20000))
		quiet = send_record(self) ? 0 : quiet + 1;
	before = conn_stat("TxPartialPush");
	while (conn_stat("TxPartialPush") == before) {
		sndbuf += 4000;
		ASSERT_EQ(setsockopt(self->conn.fd[0], SOL_SOCKET, SO_SNDBUF, &sndbuf,
				     sizeof(sndbuf)), 0);
		send_record(self);
	}
}

FIXTURE_SETUP(atomic)
{
	SKIP_INTREE("only what could not wait for memory is tested");
	fault_guard();
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	ref_stream_init(&self->stream, &self->conn.key[0]);
	conn_fill(self->buf, FULL_LEN, 33);
	fill(self);
}

/* The peer takes all that TCP has; its ACKs find no memory for what else was accepted. */
static void starve(struct atomic_self *self)
{
	int quiet = 0;

	ASSERT_TRUE(fault_set("ignore-gfp-wait", "Y"));
	fault_share("ktlsx", 100);
	while (quiet < 10) {
		int ret = ref_stream_pull(&self->stream, self->conn.fd[1], MSG_DONTWAIT);

		ASSERT_TRUE(ret > 0 || ret == -EAGAIN);
		quiet = ret > 0 ? 0 : quiet + 1;
		if (quiet)
			usleep(50000);
	}
	EXPECT_GT(fault_share_count(), 0);
	EXPECT_LT(self->stream.plain_len, self->len);
	ktap_diag("%ld allocations failed with %zu of %zu bytes there", fault_share_count(),
		  self->stream.plain_len, self->len);
}

/* There is no ACK to come, and the sender waits for an answer: nobody but the module can go on. */
TEST_F_TIMEOUT(atomic, goes_on_by_itself, 40)
{
	starve(self);
	fault_share_end();
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], self->len), 0);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, self->stream.plain_len);
}

/* Whoever closes can wait for memory; the timer that was set finds nothing. */
TEST_F_TIMEOUT(atomic, closed_meanwhile, 40)
{
	starve(self);
	close(self->conn.fd[0]);
	self->conn.fd[0] = -1;
	fault_share_end();
	EXPECT_EQ(ref_stream_read_eof(&self->stream, self->conn.fd[1]), 0);
	EXPECT_EQ(self->stream.plain_len, self->len);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, self->stream.plain_len);
	usleep(700000);
}

int main(int argc, char **argv)
{
	return fault_main(argc, argv);
}
