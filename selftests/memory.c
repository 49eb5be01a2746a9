// SPDX-License-Identifier: MIT
/*
 * Owns: memory: what connections used comes back, and connections survive when
 * TCP has none left.
 * Must not know: what is allocated where.
 * Concurrency: none. The TCP memory limit is the machine's: it is put back at
 * once, and by a child of its own should the test die before.
 * Follows: DESIGN.md 6.10, 6.11; tcp(7) on tcp_mem; Documentation/mm/slub.rst.
 */
#include "ktap.h"
#include "conn.h"

#include <glob.h>

#define CONN_COUNT	30
#define TCP_MEM		"/proc/sys/net/ipv4/tcp_mem"

struct usage {
	long pages;		/* TCP's, of the whole machine; -1: not to be known */
	long objects;		/* in our caches; -1: they are not to be seen */
};

/* SLUB counts what a CPU keeps for itself as used until it is told to give it back. */
static void shrink_caches(void)
{
	glob_t found;

	if (glob("/sys/kernel/slab/ktlsx_*/shrink", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int fd = open(found.gl_pathv[i], O_WRONLY | O_CLOEXEC);

		if (fd >= 0 && write(fd, "1", 1) != 1)
			ktap_diag("%s: %s", found.gl_pathv[i], strerror(errno));
		close(fd);
	}
	globfree(&found);
}

static struct usage read_usage(void)
{
	struct usage usage = { -1, -1 };
	char line[300];
	long count;
	FILE *file;

	shrink_caches();
	file = fopen("/proc/net/sockstat", "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "TCP: inuse %*d orphan %*d tw %*d alloc %*d mem %ld", &usage.pages);
	if (file)
		fclose(file);
	file = fopen("/proc/slabinfo", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "ktlsx_%*s %ld", &count) == 1)
			usage.objects = count + (usage.objects < 0 ? 0 : usage.objects);
	if (file)
		fclose(file);
	return usage;
}

/* Pages that one CPU may keep back before it says so. */
static long slack_pages(void)
{
	return 256 * sysconf(_SC_NPROCESSORS_ONLN);
}

/* What is freed after a grace period or by an orphan's timer is waited for. */
static void expect_back_to(struct usage before)
{
	struct usage now = read_usage();

	for (unsigned int i = 0; i < 50 * ktap_slow(); i++) {
		if (now.objects <= before.objects && now.pages <= before.pages + slack_pages())
			break;
		usleep(100000);
		now = read_usage();
	}
	EXPECT_LE(now.objects, before.objects);
	EXPECT_LE(now.pages, before.pages + slack_pages());
}

FIXTURE(memory) {
	struct conn conn;
	struct usage before;
	uint8_t buf[20000];
	uint8_t got[20000];
};

FIXTURE_VARIANT(memory) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(memory, lo_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_LO };
FIXTURE_VARIANT_ADD(memory, small_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_SMALL };

FIXTURE_SETUP(memory)
{
	self->before = read_usage();
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_both(&self->conn));
	conn_fill(self->buf, sizeof(self->buf), 99);
	for (int i = 0; i < 2; i++)
		close(self->conn.fd[i]);
}

/* Each way in which a connection can end with something still inside. */
static void leave(struct memory_self *self, int way)
{
	const struct linger now = { .l_onoff = 1 };
	struct conn *conn = &self->conn;

	switch (way % 6) {
	case 0:		/* an open record */
		EXPECT_EQ(send(conn->fd[0], self->buf, 100, MSG_MORE), 100);
		break;
	case 1:		/* full both ways, unread */
		for (int i = 0; i < 2; i++)
			while (send(conn->fd[i], self->buf, sizeof(self->buf), MSG_DONTWAIT) > 0)
				;
		break;
	case 2:		/* reset with an open record */
		EXPECT_EQ(send(conn->fd[0], self->buf, 100, MSG_MORE), 100);
		setsockopt(conn->fd[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		break;
	case 3:		/* a record read in part */
		EXPECT_EQ(send(conn->fd[0], self->buf, 1000, 0), 1000);
		EXPECT_EQ(recv(conn->fd[1], self->got, 300, MSG_WAITALL), 300);
		break;
	case 4:		/* seen but not read */
		EXPECT_EQ(send(conn->fd[0], self->buf, 1000, 0), 1000);
		EXPECT_EQ(recv(conn->fd[1], self->got, 300, MSG_PEEK), 300);
		break;
	case 5:		/* a record that is too large for the window */
		EXPECT_GT(send(conn->fd[0], self->buf, 16384, MSG_DONTWAIT), 0);
		usleep(2000);
		break;
	}
}

TEST_F_TIMEOUT(memory, comes_back, 60)
{
	for (int i = 0; i < CONN_COUNT; i++) {
		ASSERT_EQ(conn_pair(self->conn.fd, variant->shape, AF_INET), 0);
		ASSERT_EQ(conn_both(&self->conn), 0);
		leave(self, i);
		close(self->conn.fd[i % 2]);
		close(self->conn.fd[!(i % 2)]);
	}
	if (self->before.objects < 0)
		ktap_diag("no /proc/slabinfo, or no cache of ours: TCP's memory only");
	expect_back_to(self->before);
}

/* While connections live, what they hold is counted as TCP's. */
TEST_F_TIMEOUT(memory, is_charged, 30)
{
	struct conn conns[CONN_COUNT];

	for (int i = 0; i < CONN_COUNT; i++) {
		conns[i] = self->conn;
		ASSERT_EQ(conn_pair(conns[i].fd, variant->shape, AF_INET), 0);
		ASSERT_EQ(conn_both(&conns[i]), 0);
		while (send(conns[i].fd[0], self->buf, sizeof(self->buf), MSG_DONTWAIT) > 0)
			;
	}
	EXPECT_GT(read_usage().pages - self->before.pages, 0);
	for (int i = 0; i < CONN_COUNT; i++)
		for (int j = 0; j < 2; j++)
			close(conns[i].fd[j]);
	expect_back_to(self->before);
}

struct limit {
	int fd;
	char text[100];
	ssize_t len;
};

static void put_limit(int fd, const char *text, size_t len)
{
	EXPECT_EQ(pwrite(fd, text, len, 0), len);
}

/* A child that outlives us, if we die, and puts the limit back. */
static void guard_limit(const struct limit *limit)
{
	pid_t parent = getpid();

	if (fork())
		return;
	setsid();
	while (getppid() == parent)
		usleep(100000);
	put_limit(limit->fd, limit->text, limit->len);
	_exit(0);
}

/* Opened in the first namespace, the only one that has it. */
static bool take_limit(struct limit *limit)
{
	limit->fd = open(TCP_MEM, O_RDWR | O_CLOEXEC);
	if (limit->fd < 0)
		return false;
	limit->len = read(limit->fd, limit->text, sizeof(limit->text));
	return limit->len > 0;
}

struct turn {
	size_t sent_len;
	size_t got_len;
};

/* Moves what moves; only "not now" is a legal answer. */
static void move(struct conn *conn, const uint8_t *buf, uint8_t *got, size_t len, struct turn *turn)
{
	ssize_t done;

	if (turn->sent_len < len) {
		done = send(conn->fd[0], buf + turn->sent_len, len - turn->sent_len, MSG_DONTWAIT);
		EXPECT_TRUE(done > 0 || errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS);
		turn->sent_len += done > 0 ? done : 0;
	}
	done = recv(conn->fd[1], got + turn->got_len, len - turn->got_len, MSG_DONTWAIT);
	EXPECT_TRUE(done > 0 || errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS);
	turn->got_len += done > 0 ? done : 0;
}

/* Holds more than there will be, and more than the CPUs keep back from the count. */
static void hoard(const uint8_t *buf, size_t len)
{
	for (int i = 0; i < 30 && read_usage().pages <= slack_pages(); i++) {
		int fd[2];

		ASSERT_EQ(conn_pair(fd, CONN_LO, AF_INET), 0);
		while (send(fd[0], buf, len, MSG_DONTWAIT) > 0)
			;
	}
	EXPECT_GT(read_usage().pages, slack_pages());
}

TEST_TIMEOUT(pressure, 60)
{
	enum { LEN = 400000 };
	uint8_t *buf = malloc(LEN), *got = malloc(LEN);
	struct turn turn = { 0, 0 };
	struct limit limit;
	struct conn conn;

	if (!take_limit(&limit))
		SKIP("the right to write " TCP_MEM);
	guard_limit(&limit);
	CONN_TRY(conn_open(&conn, &conn_suites[CONN_13_GCM256], CONN_MTU1500, AF_INET));
	CONN_TRY(conn_both(&conn));
	conn_fill(buf, LEN, 100);
	hoard(buf, LEN);
	put_limit(limit.fd, "1 2 3", 5);
	for (int i = 0; i < 300 && turn.got_len < LEN; i++) {
		move(&conn, buf, got, LEN, &turn);
		usleep(2000);
	}
	put_limit(limit.fd, limit.text, limit.len);
	ktap_diag("under pressure %zu bytes went in and %zu came out", turn.sent_len, turn.got_len);
	for (unsigned int i = 0; i < 5000 * ktap_slow() && turn.got_len < LEN; i++) {
		move(&conn, buf, got, LEN, &turn);
		usleep(2000);
	}
	EXPECT_EQ(turn.got_len, LEN);
	EXPECT_MEM_EQ(got, buf, LEN);
}

KTAP_MAIN()
