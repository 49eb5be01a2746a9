// SPDX-License-Identifier: MIT
/*
 * Owns: what happens at the same moment on one socket: attaching, new keys, shutdown and close,
 * each while others send, receive, poll, count and ask; and unloading while sockets close.
 * Must not know: which lock protects what (two writers, two readers, the first keys: threads.c).
 * Concurrency: this is all about it; what threads share is atomic. Rounds are bounded in number
 * and time.
 * Follows: DESIGN.md 4, 6.3; reference/ktls-peers.md 3, items 3, 4, 13.
 */
#include "ktap.h"
#include "control.h"

#include <stdatomic.h>
#include <sys/ioctl.h>

#include "modules.h"

#define ROUNDS		60
#define ROUNDS_SEC	8
#define USER_COUNT	5

/* Users of one end of a connection; they go on until they are told to stop. */
struct users {
	int fd;
	atomic_bool stop;
	pthread_t threads[USER_COUNT];
};

/* Every errno that a socket may have for who uses it while it changes under him. */
static void expect_legal(long ret)
{
	static const int legal[] = { EAGAIN, EPIPE, ECONNRESET, EKEYEXPIRED, ENOTCONN, EBADF, EBUSY,
				     EIO, EINVAL, ENOPROTOOPT, EOPNOTSUPP };

	if (ret >= 0)
		return;
	for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++)
		if (errno == legal[i])
			return;
	EXPECT_GE(ret, 0);
}

static void *send_always(void *arg)
{
	static const uint8_t zeros[3000];
	struct users *users = arg;

	for (size_t i = 1; !atomic_load(&users->stop); i++)
		expect_legal(send(users->fd, zeros, i * 37 % sizeof(zeros),
				  MSG_DONTWAIT | (i % 5 ? 0 : MSG_MORE)));
	return NULL;
}

static void *recv_always(void *arg)
{
	struct users *users = arg;
	uint8_t buf[4000];

	for (size_t i = 0; !atomic_load(&users->stop); i++) {
		size_t len = 1 + i * 41 % sizeof(buf);
		ssize_t got = recv(users->fd, buf, len, MSG_DONTWAIT | (i % 4 ? 0 : MSG_PEEK));

		expect_legal(got);
		for (ssize_t at = 0; at < got; at++)
			ASSERT_EQ(buf[at], 0);
		if (got <= 0)
			usleep(100);
	}
	return NULL;
}

static void *poll_always(void *arg)
{
	struct users *users = arg;

	while (!atomic_load(&users->stop)) {
		struct pollfd pfd = { .fd = users->fd, .events = POLLIN | POLLOUT };

		expect_legal(poll(&pfd, 1, 5));
	}
	return NULL;
}

static void *count_always(void *arg)
{
	struct users *users = arg;
	int len;

	while (!atomic_load(&users->stop)) {
		expect_legal(ioctl(users->fd, FIONREAD, &len));
		expect_legal(ioctl(users->fd, TIOCOUTQ, &len));
		usleep(200);
	}
	return NULL;
}

static void make_key(struct ref_key *key, const struct conn_suite *suite, unsigned int number)
{
	ref_key_make(key, suite->version, suite->ref_cipher, 700 + number);
}

/* A key is made of one seed: all its bytes belong together, whichever it is. */
static void expect_one_key(const union conn_info *info, socklen_t len)
{
	struct ref_key key;

	for (unsigned int number = 0; number <= ROUNDS; number++) {
		make_key(&key, &conn_suites[CONN_13_GCM128], number);
		if (!memcmp(info->gcm128.key, key.key, sizeof(info->gcm128.key)) &&
		    !memcmp(info->gcm128.salt, key.salt, sizeof(info->gcm128.salt)))
			return;
	}
	ktap_diag("%u bytes of a key that nobody set", len);
	EXPECT_TRUE(false);
}

static void *ask_always(void *arg)
{
	struct users *users = arg;

	for (int i = 0; !atomic_load(&users->stop); i++) {
		union conn_info info = { 0 };
		socklen_t len = sizeof(info.gcm128);
		long ret = getsockopt(users->fd, SOL_TLS, i % 2 ? TLS_TX : TLS_RX, &info, &len);

		expect_legal(ret);
		if (!ret && info.info.version)
			expect_one_key(&info, len);
		usleep(200);
	}
	return NULL;
}

static void start_users(struct users *users, int fd)
{
	static void *(*const runs[USER_COUNT])(void *) = {
		send_always, recv_always, poll_always, count_always, ask_always,
	};

	users->fd = fd;
	atomic_init(&users->stop, false);
	for (int i = 0; i < USER_COUNT; i++)
		ASSERT_EQ(pthread_create(&users->threads[i], NULL, runs[i], users), 0);
}

static void end_users(struct users *users)
{
	atomic_store(&users->stop, true);
	for (int i = 0; i < USER_COUNT; i++)
		pthread_join(users->threads[i], NULL);
}

FIXTURE(races) {
	struct conn conn;
	struct users users[2];
	time_t end;
};

FIXTURE_VARIANT(races) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(races, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(races, small_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_SMALL };

FIXTURE_SETUP(races)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	for (int i = 0; i < 2; i++)
		make_key(&self->conn.key[i], variant->suite, 0);
	CONN_TRY(conn_attach(self->conn.fd[0]));
	self->end = time(NULL) + ROUNDS_SEC * ktap_slow();
}

static bool goes_on(const struct races_self *self, int round)
{
	return round < ROUNDS && time(NULL) < self->end;
}

static void renew(struct races_self *self)
{
	for (int i = 0; i < 2; i++)
		close(self->conn.fd[i]);
	ASSERT_EQ(conn_pair(self->conn.fd, self->conn.shape, AF_INET), 0);
}

static void run_some(unsigned int round)
{
	usleep(round * 331 % 5000);
}

/* Others use a plain socket, a socket of ours without keys, one with keys: all of it zero bytes. */
TEST_F_TIMEOUT(races, attach_and_users, 40)
{
	int round;

	for (round = 0; goes_on(self, round); round++) {
		renew(self);
		for (int i = 0; i < 2; i++)
			start_users(&self->users[i], self->conn.fd[i]);
		run_some(round);
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(conn_attach(self->conn.fd[i]), 0);
		run_some(round + 1);
		for (int i = 0; i < 2; i++)
			end_users(&self->users[i]);
	}
	ktap_diag("%d rounds", round);
}

/* The two ends, each with users; one is shut down, in one way or the other. */
TEST_F_TIMEOUT(races, shutdown_and_users, 40)
{
	static const int ways[] = { SHUT_WR, SHUT_RDWR, SHUT_RD };
	int round;

	for (round = 0; goes_on(self, round); round++) {
		renew(self);
		ASSERT_EQ(conn_both(&self->conn), 0);
		for (int i = 0; i < 2; i++)
			start_users(&self->users[i], self->conn.fd[i]);
		run_some(round);
		expect_legal(shutdown(self->conn.fd[round % 2], ways[round % 3]));
		run_some(round + 2);
		for (int i = 0; i < 2; i++)
			end_users(&self->users[i]);
	}
	ktap_diag("%d rounds", round);
}

/* One of the two ends is closed: the one in use, or the one at the other end of it. */
TEST_F_TIMEOUT(races, close_and_users, 40)
{
	int round;

	for (round = 0; goes_on(self, round); round++) {
		renew(self);
		ASSERT_EQ(conn_both(&self->conn), 0);
		start_users(&self->users[0], self->conn.fd[0]);
		run_some(round);
		close(self->conn.fd[round % 2]);
		run_some(round + 3);
		end_users(&self->users[0]);
	}
	ktap_diag("%d rounds", round);
}

static const uint8_t key_update[] = { CONTROL_KEY_UPDATE, 0, 0, 1, 0 };

/* The KeyUpdate of the other end has come; data of the old key before it is read and dropped. */
static void await_update(int fd)
{
	uint8_t buf[20000], type = 0;

	while (type != REF_HANDSHAKE) {
		ssize_t got = conn_recv_type(fd, &type, buf, sizeof(buf), 0);

		if (got < 0 && errno == EKEYEXPIRED)
			return;
		ASSERT_GT(got, 0);
	}
}

/* One direction; who sends is told to stop, because he could not know which record is the last. */
TEST_F_TIMEOUT(races, rekey_and_users, 60)
{
	static void *(*const runs[])(void *) = { poll_always, count_always, ask_always };
	struct users users[2] = { { .fd = -1 }, { .fd = -1 } };
	int round;

	SKIP_INTREE("rekey came with a later kernel");
	renew(self);
	ASSERT_EQ(conn_both(&self->conn), 0);
	for (int i = 0; i < 2; i++) {
		users[i].fd = self->conn.fd[i];
		for (int j = 0; j < 3; j++)
			ASSERT_EQ(pthread_create(&users[i].threads[j], NULL, runs[j], &users[i]),
				  0);
	}
	for (round = 1; goes_on(self, round); round++) {
		uint8_t buf[2000] = { 0 };
		struct ref_key key;

		make_key(&key, variant->suite, round);
		ASSERT_EQ(send(self->conn.fd[0], buf, 1 + round * 31 % sizeof(buf), 0),
			  1 + round * 31 % sizeof(buf));
		ASSERT_EQ(conn_send_type(self->conn.fd[0], REF_HANDSHAKE, key_update, 5, 0), 5);
		ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &key), 0);
		ASSERT_EQ(send(self->conn.fd[0], "after", 5, 0), 5);
		await_update(self->conn.fd[1]);
		ASSERT_EQ(conn_set_key(self->conn.fd[1], TLS_RX, &key), 0);
		ASSERT_EQ(recv(self->conn.fd[1], buf, 5, MSG_WAITALL), 5);
		EXPECT_MEM_EQ(buf, "after", 5);
	}
	for (int i = 0; i < 2; i++) {
		atomic_store(&users[i].stop, true);
		for (int j = 0; j < 3; j++)
			pthread_join(users[i].threads[j], NULL);
	}
	ktap_diag("%d rounds", round);
}

struct closer {
	pthread_t thread;
	const struct races_variant *variant;
	atomic_bool stop;
	unsigned int count;
};

/* Sockets of every kind come and go: without keys, with unread records, with an open one. */
static void *close_always(void *arg)
{
	struct closer *closer = arg;
	struct conn conn = { .suite = closer->variant->suite };

	for (int i = 0; i < 2; i++)
		make_key(&conn.key[i], conn.suite, 0);
	for (unsigned int i = 0; !atomic_load(&closer->stop); i++) {
		ASSERT_EQ(conn_pair(conn.fd, closer->variant->shape, AF_INET), 0);
		if (i % 3 ? !conn_both(&conn) : !conn_attach(conn.fd[0])) {
			expect_legal(send(conn.fd[0], "some", 4, i % 2 ? MSG_MORE : 0));
			closer->count++;
		}
		close(conn.fd[i % 2]);
		close(conn.fd[!(i % 2)]);
	}
	return NULL;
}

TEST_F_TIMEOUT(races, unload_and_closers, 60)
{
	struct closer closer = { .variant = variant };
	int unloaded_count = 0;
	char parameters[200];

	SKIP_INTREE("it is not the module under test");
	if (access(MODULES_OURS, R_OK) || geteuid())
		SKIP("not a guest of selftests/vm, whose modules may come and go");
	for (int i = 0; i < 2; i++)
		close(self->conn.fd[i]);
	modules_parameters(parameters, sizeof(parameters));
	ASSERT_EQ(pthread_create(&closer.thread, NULL, close_always, &closer), 0);
	for (int i = 0; i < 40 * ROUNDS && unloaded_count < 5 && time(NULL) < self->end; i++) {
		int ret = modules_unload("ktlsx");

		EXPECT_TRUE(ret == 0 || ret == -EWOULDBLOCK);
		if (!ret)
			ASSERT_EQ(modules_load_ours(parameters), 0);
		unloaded_count += !ret;
		usleep(2000);
	}
	atomic_store(&closer.stop, true);
	pthread_join(closer.thread, NULL);
	ktap_diag("%u sockets, unloaded %d times", closer.count, unloaded_count);
	EXPECT_GT(closer.count, 0);
}

KTAP_MAIN()
