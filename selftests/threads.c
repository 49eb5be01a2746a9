// SPDX-License-Identifier: MIT
/*
 * Owns: several threads on one socket: two a direction, and keys installed
 * while others send, receive, poll and ask for the keys.
 * Must not know: which lock protects what.
 * Concurrency: this is all about it; what threads share is atomic.
 * Follows: DESIGN.md 6.3, and 4 on EBUSY; reference/ktls-peers.md 3, items 3 and 4.
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>
#include <stdatomic.h>

#define CHUNK_LEN	1500
#define CHUNK_COUNT	60
#define SHARE_LEN	(CHUNK_LEN * CHUNK_COUNT)

/* What two writers put into one direction: chunks that tell whose they are, and which. */
struct shares {
	uint8_t buf[2][SHARE_LEN];
	atomic_int seen[2][CHUNK_COUNT];
};

static void make_shares(struct shares *shares, unsigned int seed)
{
	memset(shares->seen, 0, sizeof(shares->seen));
	for (int who = 0; who < 2; who++) {
		conn_fill(shares->buf[who], SHARE_LEN, seed + who);
		for (int i = 0; i < CHUNK_COUNT; i++) {
			shares->buf[who][i * CHUNK_LEN] = who;
			shares->buf[who][i * CHUNK_LEN + 1] = i;
		}
	}
}

/* Return: which chunk this is; each must come once, and whole. */
static int check_chunk(struct shares *shares, const uint8_t *chunk)
{
	int who = chunk[0], i = chunk[1];

	ASSERT_LT(who, 2);
	ASSERT_LT(i, CHUNK_COUNT);
	ASSERT_MEM_EQ(chunk, shares->buf[who] + i * CHUNK_LEN, CHUNK_LEN);
	EXPECT_EQ(atomic_fetch_add(&shares->seen[who][i], 1), 0);
	return i;
}

static void check_all_seen(struct shares *shares)
{
	for (int i = 0; i < 2 * CHUNK_COUNT; i++)
		EXPECT_EQ(shares->seen[i / CHUNK_COUNT][i % CHUNK_COUNT], 1);
}

struct worker {
	pthread_t thread;
	int fd;
	int who;
	struct shares *shares;
};

static void *write_share(void *arg)
{
	struct worker *worker = arg;

	for (int i = 0; i < CHUNK_COUNT; i++)
		EXPECT_EQ(send(worker->fd, worker->shares->buf[worker->who] + i * CHUNK_LEN,
			       CHUNK_LEN, 0),
			  CHUNK_LEN);
	return NULL;
}

/* A read at a record's start, for its length, gives that record. */
static void *read_chunks(void *arg)
{
	struct worker *worker = arg;
	uint8_t chunk[CHUNK_LEN];
	ssize_t got;

	while ((got = recv(worker->fd, chunk, CHUNK_LEN, MSG_WAITALL)) > 0) {
		ASSERT_EQ(got, CHUNK_LEN);
		check_chunk(worker->shares, chunk);
	}
	EXPECT_EQ(got, 0);
	return NULL;
}

static void start_two(struct worker *workers, int fd, struct shares *shares, void *(*run)(void *))
{
	for (int i = 0; i < 2; i++) {
		workers[i] = (struct worker){ .fd = fd, .who = i, .shares = shares };
		ASSERT_EQ(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
	}
}

static void end_two(struct worker *workers)
{
	for (int i = 0; i < 2; i++)
		pthread_join(workers[i].thread, NULL);
}

FIXTURE(two) {
	struct conn conn;
	struct shares shares[2];
};

FIXTURE_VARIANT(two) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(two, lo_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(two, mtu1500_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(two, small_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_SMALL };

FIXTURE_SETUP(two)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	for (int i = 0; i < 2; i++)
		make_shares(&self->shares[i], 70 + 2 * i);
}

/* Each call makes records of its own, and a writer's calls stay in order. */
TEST_F_TIMEOUT(two, writers, 30)
{
	int next[2] = { 0 }, len = 10000;
	struct worker writers[2];
	struct ref_stream stream;

	CONN_TRY(conn_tx(&self->conn));
	ASSERT_EQ(setsockopt(self->conn.fd[0], SOL_SOCKET, SO_SNDBUF, &len, sizeof(len)), 0);
	ref_stream_init(&stream, &self->conn.key[0]);
	start_two(writers, self->conn.fd[0], self->shares, write_share);
	EXPECT_EQ(ref_stream_read(&stream, self->conn.fd[1], 2 * SHARE_LEN), 0);
	end_two(writers);
	ASSERT_EQ(stream.record_count, 2 * CHUNK_COUNT);
	for (int i = 0; i < 2 * CHUNK_COUNT; i++) {
		const uint8_t *chunk = stream.plain + i * CHUNK_LEN;

		ASSERT_EQ(stream.records[i].plain_len, CHUNK_LEN);
		EXPECT_EQ(check_chunk(self->shares, chunk), next[chunk[0]]++);
	}
	check_all_seen(self->shares);
}

TEST_F_TIMEOUT(two, readers, 30)
{
	struct worker readers[2];

	CONN_TRY(conn_rx(&self->conn));
	start_two(readers, self->conn.fd[1], self->shares, read_chunks);
	for (int i = 0; i < 2 * CHUNK_COUNT; i++)
		ASSERT_GT(conn_send_record(&self->conn, REF_DATA,
					   self->shares[0].buf[i % 2] + i / 2 * CHUNK_LEN,
					   CHUNK_LEN, NULL),
			  0);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	end_two(readers);
	check_all_seen(self->shares);
}

/* Two writers and two readers at either end. */
TEST_F_TIMEOUT(two, writers_and_readers, 40)
{
	struct worker writers[2][2], readers[2][2];

	CONN_TRY(conn_both(&self->conn));
	for (int i = 0; i < 2; i++) {
		start_two(readers[i], self->conn.fd[!i], &self->shares[i], read_chunks);
		start_two(writers[i], self->conn.fd[i], &self->shares[i], write_share);
	}
	for (int i = 0; i < 2; i++) {
		end_two(writers[i]);
		ASSERT_EQ(shutdown(self->conn.fd[i], SHUT_WR), 0);
	}
	for (int i = 0; i < 2; i++) {
		end_two(readers[i]);
		check_all_seen(&self->shares[i]);
	}
}

FIXTURE(race) {
	struct conn conn;
	uint8_t *wire;
	size_t wire_len;
};

FIXTURE_VARIANT(race) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(race, lo_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_LO };
FIXTURE_VARIANT_ADD(race, mtu1500_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_MTU1500 };

#define PLAIN_LEN	200
#define PLAIN_CHAR	'P'
#define WIRE_SIZE	(8 << 20)
#define CROWD_COUNT	4
/* A busy machine may give the keys no turn for long; records are a seventh longer than this. */
#define SENT_MAX	(WIRE_SIZE / CROWD_COUNT / 2)

FIXTURE_SETUP(race)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_attach(self->conn.fd[1]));
	self->wire = malloc(WIRE_SIZE);
	srand(31);
}

struct race_sender {
	pthread_t thread;
	int fd;
	atomic_int stop_after;	/* -1: not yet */
	size_t sent_len;
	bool keeps_open;
};

static void *send_plain(void *arg)
{
	struct race_sender *sender = arg;
	uint8_t text[PLAIN_LEN];

	memset(text, PLAIN_CHAR, sizeof(text));
	while (sender->sent_len < SENT_MAX && atomic_load(&sender->stop_after) != 0) {
		ssize_t done = send(sender->fd, text, sizeof(text), 0);

		ASSERT_GT(done, 0);
		sender->sent_len += done;
		if (atomic_load(&sender->stop_after) > 0)
			atomic_fetch_sub(&sender->stop_after, 1);
	}
	if (!sender->keeps_open)
		ASSERT_EQ(shutdown(sender->fd, SHUT_WR), 0);
	return NULL;
}

static void *poll_always(void *arg)
{
	struct race_sender *sender = arg;
	struct pollfd pfd = { .fd = sender->fd, .events = POLLIN | POLLOUT | POLLRDHUP };
	char byte;

	while (atomic_load(&sender->stop_after) != 0) {
		poll(&pfd, 1, 1);
		EXPECT_ERRNO(recv(sender->fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
	}
	return NULL;
}

static void *read_wire(void *arg)
{
	struct race_self *self = arg;
	ssize_t got;

	self->wire_len = 0;
	while ((got = recv(self->conn.fd[1], self->wire + self->wire_len,
			   WIRE_SIZE - self->wire_len, 0)) > 0)
		self->wire_len += got;
	return NULL;
}

/* Plain bytes, and from the first record on nothing but records. */
static void check_wire(struct race_self *self, struct ref_key key, size_t sent_len)
{
	static uint8_t plain[REF_WIRE_MAX];
	struct ref_record record;
	size_t off = 0, content_len = 0;

	while (off < self->wire_len && self->wire[off] == PLAIN_CHAR)
		off++;
	content_len = off;
	for (; off < self->wire_len; off += record.wire_len) {
		ASSERT_EQ(ref_open(&key, self->wire + off, self->wire_len - off, &record, plain),
			  0);
		for (size_t i = 0; i < record.plain_len; i++)
			ASSERT_EQ(plain[i], PLAIN_CHAR);
		content_len += record.plain_len;
	}
	EXPECT_EQ(content_len, sent_len);
}

/* Attaches and installs while the sender sends; EBUSY means that he sleeps in the middle. */
static void race_once(struct race_self *self, bool attach_early)
{
	struct race_sender sender = { .fd = self->conn.fd[0], .stop_after = -1 };
	pthread_t reader, poller;
	int ret;

	if (attach_early)
		ASSERT_EQ(conn_attach(sender.fd), 0);
	ASSERT_EQ(pthread_create(&reader, NULL, read_wire, self), 0);
	ASSERT_EQ(pthread_create(&sender.thread, NULL, send_plain, &sender), 0);
	ASSERT_EQ(pthread_create(&poller, NULL, poll_always, &sender), 0);
	usleep(rand() % 3000);
	if (!attach_early)
		ASSERT_EQ(conn_attach(sender.fd), 0);
	do {
		ret = conn_set_key(sender.fd, TLS_TX, &self->conn.key[0]);
	} while (ret == -EBUSY);
	EXPECT_EQ(ret, 0);
	atomic_store(&sender.stop_after, 5);
	pthread_join(sender.thread, NULL);
	/* He may have come to his limit first, and count no more. */
	atomic_store(&sender.stop_after, 0);
	pthread_join(poller, NULL);
	pthread_join(reader, NULL);
	check_wire(self, self->conn.key[0], sender.sent_len);
}

TEST_F_TIMEOUT(race, keys_and_sender, 40)
{
	SKIP_INTREE("TLS_TX while a plain send sleeps lets its bytes follow");
	for (int i = 0; i < 16; i++) {
		close(self->conn.fd[0]);
		close(self->conn.fd[1]);
		ASSERT_EQ(conn_pair(self->conn.fd, variant->shape, AF_INET), 0);
		race_once(self, i % 2);
	}
}

/* Senders that wait for the lock went in before there were keys: none may come out in the clear. */
static void race_crowd(struct race_self *self)
{
	struct race_sender crowd[CROWD_COUNT];
	size_t sent_len = 0;
	pthread_t reader;
	int ret;

	ASSERT_EQ(conn_attach(self->conn.fd[0]), 0);
	ASSERT_EQ(pthread_create(&reader, NULL, read_wire, self), 0);
	for (int i = 0; i < CROWD_COUNT; i++) {
		crowd[i] = (struct race_sender){ .fd = self->conn.fd[0],
						 .stop_after = -1,
						 .keeps_open = true };
		ASSERT_EQ(pthread_create(&crowd[i].thread, NULL, send_plain, &crowd[i]), 0);
	}
	usleep(rand() % 3000);
	do {
		ret = conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]);
	} while (ret == -EBUSY);
	EXPECT_EQ(ret, 0);
	for (int i = 0; i < CROWD_COUNT; i++) {
		atomic_store(&crowd[i].stop_after, 5);
		pthread_join(crowd[i].thread, NULL);
		sent_len += crowd[i].sent_len;
	}
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	pthread_join(reader, NULL);
	check_wire(self, self->conn.key[0], sent_len);
}

TEST_F_TIMEOUT(race, keys_and_senders, 40)
{
	SKIP_INTREE("TLS_TX while a plain send sleeps lets its bytes follow");
	for (int i = 0; i < 12; i++) {
		close(self->conn.fd[0]);
		close(self->conn.fd[1]);
		ASSERT_EQ(conn_pair(self->conn.fd, variant->shape, AF_INET), 0);
		race_crowd(self);
	}
}

/* A plain send that sleeps still has bytes to send: they would follow the first record. */
TEST_F(race, sleeping_plain_writer)
{
	struct race_sender sender = { .fd = self->conn.fd[0], .stop_after = -1 };
	struct pollfd pfd = { .fd = sender.fd, .events = POLLOUT };
	int sndbuf = 50000;
	size_t before_len;
	pthread_t reader;

	SKIP_INTREE("TLS_TX while a plain send sleeps lets its bytes follow");
	ASSERT_EQ(setsockopt(sender.fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)), 0);
	ASSERT_EQ(conn_attach(sender.fd), 0);
	ASSERT_EQ(pthread_create(&sender.thread, NULL, send_plain, &sender), 0);
	do {
		before_len = __atomic_load_n(&sender.sent_len, __ATOMIC_RELAXED);
		usleep(100000);
	} while (poll(&pfd, 1, 0) ||
		 __atomic_load_n(&sender.sent_len, __ATOMIC_RELAXED) != before_len);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(conn_set_key(sender.fd, TLS_TX, &self->conn.key[0]), -EBUSY);
	atomic_store(&sender.stop_after, 0);
	ASSERT_EQ(pthread_create(&reader, NULL, read_wire, self), 0);
	pthread_join(sender.thread, NULL);
	pthread_join(reader, NULL);
	EXPECT_EQ(self->wire_len, sender.sent_len);
	for (size_t i = 0; i < self->wire_len; i++)
		ASSERT_EQ(self->wire[i], PLAIN_CHAR);
}

/* What asks for the keys while connections come and go. */
struct churn {
	pthread_t thread;
	atomic_int fd;
	atomic_bool stop;
	unsigned int seen_count;
};

#define CHURN_COUNT	40

/* Everything but the place in the sequence follows from the seed, which is the first salt byte. */
static void churn_key(struct ref_key *key, uint8_t seed)
{
	ref_key_make(key, REF_TLS13, REF_AES_GCM_128, seed);
	key->salt[0] = seed;
}

static void *ask_always(void *arg)
{
	struct tls12_crypto_info_aes_gcm_128 info;
	struct churn *churn = arg;
	struct ref_key key;
	socklen_t len;

	for (int turn = 0; !atomic_load(&churn->stop); turn++) {
		len = sizeof(info);
		if (getsockopt(atomic_load(&churn->fd), SOL_TLS, turn % 2 ? TLS_RX : TLS_TX, &info,
			       &len)) {
			ASSERT_TRUE(errno == EBUSY || errno == ENOPROTOOPT || errno == EBADF ||
				    errno == EOPNOTSUPP);
			continue;
		}
		churn_key(&key, info.salt[0]);
		ASSERT_EQ(len, sizeof(info));
		ASSERT_EQ(info.info.version, REF_TLS13);
		ASSERT_MEM_EQ(info.key, key.key, sizeof(info.key));
		ASSERT_MEM_EQ(info.salt, key.salt, sizeof(info.salt));
		ASSERT_MEM_EQ(info.iv, key.iv, sizeof(info.iv));
		churn->seen_count++;
	}
	return NULL;
}

/* One connection: keys both ways, a few records both ways, close. */
static void churn_once(struct race_self *self, struct churn *churn, int turn)
{
	struct conn *conn = &self->conn;
	char text[100];

	ASSERT_EQ(conn_pair(conn->fd, CONN_LO, AF_INET), 0);
	atomic_store(&churn->fd, conn->fd[turn % 2]);
	for (int i = 0; i < 2; i++)
		churn_key(&conn->key[i], 2 * turn + i);
	ASSERT_EQ(conn_both(conn), 0);
	for (int i = 0; i < 6; i++) {
		ASSERT_EQ(send(conn->fd[i % 2], "some text", 9, 0), 9);
		ASSERT_EQ(recv(conn->fd[!(i % 2)], text, sizeof(text), 0), 9);
	}
	for (int i = 0; i < 2; i++)
		close(conn->fd[i]);
}

TEST_F_TIMEOUT(race, key_churn, 40)
{
	struct churn churn = { .fd = -1 };

	ASSERT_EQ(pthread_create(&churn.thread, NULL, ask_always, &churn), 0);
	for (int turn = 0; turn < CHURN_COUNT; turn++)
		churn_once(self, &churn, turn);
	atomic_store(&churn.stop, true);
	pthread_join(churn.thread, NULL);
	EXPECT_GT(churn.seen_count, 0);
}

/* close() of every direction, state and moment while others are inside. */
TEST_F_TIMEOUT(race, close_and_users, 40)
{
	for (int turn = 0; turn < CHURN_COUNT; turn++) {
		struct race_sender sender = { .fd = -1, .stop_after = -1 };
		struct conn_job reader;
		char text[100];

		ASSERT_EQ(conn_pair(self->conn.fd, variant->shape, AF_INET), 0);
		ASSERT_EQ(conn_both(&self->conn), 0);
		sender.fd = self->conn.fd[0];
		ASSERT_EQ(conn_recv_start(&reader, self->conn.fd[1], text, 100, 100), 0);
		ASSERT_EQ(send(sender.fd, text, 50, MSG_MORE), 50);
		usleep(rand() % 500);
		close(self->conn.fd[turn % 2]);
		shutdown(self->conn.fd[!(turn % 2)], SHUT_RDWR);
		close(self->conn.fd[!(turn % 2)]);
		EXPECT_LE(conn_job_end(&reader), 100);
	}
}

KTAP_MAIN()
