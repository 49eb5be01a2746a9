// SPDX-License-Identifier: MIT
/*
 * Owns: source bytes that change while they are sealed or opened: mapped files,
 * pages given by vmsplice, the sender's own pages in our receive queue.
 * Must not know: in which order the kernel reads them.
 * Concurrency: a thread changes bytes all the time.
 * Follows: DESIGN.md 6.9: each byte is loaded once; every sealed record
 * verifies, and nothing is delivered that was not authenticated.
 */
#include "ktap.h"
#include "conn.h"

#include <stdatomic.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define DATA_LEN	65536
/* What a byte of content may be, at any time. */
#define ONE		0x55
#define OTHER		0xaa

struct changer {
	pthread_t thread;
	uint8_t *bytes;
	size_t len;
	uint8_t mask;		/* of what is flipped */
	size_t step_len;	/* between flipped bytes */
	atomic_bool stop;
};

static void *change(void *arg)
{
	struct changer *changer = arg;

	while (!atomic_load_explicit(&changer->stop, memory_order_relaxed))
		for (size_t off = 0; off < changer->len; off += changer->step_len)
			__atomic_xor_fetch(&changer->bytes[off], changer->mask, __ATOMIC_RELAXED);
	return NULL;
}

static void start(struct changer *changer)
{
	atomic_store(&changer->stop, false);
	ASSERT_EQ(pthread_create(&changer->thread, NULL, change, changer), 0);
}

static void stop(struct changer *changer)
{
	atomic_store(&changer->stop, true);
	pthread_join(changer->thread, NULL);
}

FIXTURE(seal) {
	struct conn conn;
	struct ref_stream stream;
	struct changer changer;
	uint8_t *map;
	int file;
};

FIXTURE_VARIANT(seal) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(seal, lo, CONN_LO);

FIXTURE_SETUP(seal)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	ref_stream_init(&self->stream, &self->conn.key[0]);
	self->file = memfd_create("changing", MFD_CLOEXEC);
	ASSERT_EQ(ftruncate(self->file, DATA_LEN), 0);
	self->map = mmap(NULL, DATA_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, self->file, 0);
	ASSERT_NE(self->map, MAP_FAILED);
	memset(self->map, ONE, DATA_LEN);
	self->changer = (struct changer){
		.bytes = self->map, .len = DATA_LEN, .mask = ONE ^ OTHER, .step_len = 1
	};
	start(&self->changer);
}

/* All records verify, and hold what was there at some time. */
static void check(struct seal_self *self, size_t len)
{
	bool seen[256] = { false };

	stop(&self->changer);
	ASSERT_EQ(self->stream.plain_len, len);
	for (size_t off = 0; off < len; off++)
		seen[self->stream.plain[off]] = true;
	for (int i = 0; i < 256; i++)
		EXPECT_TRUE(!seen[i] || i == ONE || i == OTHER);
	ktap_diag("content was %s while it was sealed",
		  seen[ONE] && seen[OTHER] ? "changed" : "not seen to change");
}

#define TURNS	12

TEST_F_TIMEOUT(seal, sent, 30)
{
	for (int i = 1; i <= TURNS; i++) {
		ASSERT_EQ(send(self->conn.fd[0], self->map, DATA_LEN, 0), DATA_LEN);
		ASSERT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], i * DATA_LEN), 0);
	}
	check(self, TURNS * DATA_LEN);
}

TEST_F_TIMEOUT(seal, sent_from_file, 30)
{
	for (int i = 1; i <= TURNS; i++) {
		off_t off = 0;

		ASSERT_EQ(sendfile(self->conn.fd[0], self->file, &off, DATA_LEN), DATA_LEN);
		ASSERT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], i * DATA_LEN), 0);
	}
	check(self, TURNS * DATA_LEN);
}

TEST_F_TIMEOUT(seal, sent_from_pipe, 30)
{
	int pipe_fd[2];

	ASSERT_EQ(pipe(pipe_fd), 0);
	for (int i = 1; i <= TURNS; i++) {
		struct iovec iov = { self->map, DATA_LEN / 2 };

		ASSERT_EQ(vmsplice(pipe_fd[1], &iov, 1, 0), DATA_LEN / 2);
		for (ssize_t left = DATA_LEN / 2, done; left; left -= done) {
			done = splice(pipe_fd[0], NULL, self->conn.fd[0], NULL, left, 0);
			ASSERT_GT(done, 0);
		}
		ASSERT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], i * DATA_LEN / 2), 0);
	}
	check(self, TURNS * DATA_LEN / 2);
}

FIXTURE(open) {
	struct conn conn;
	uint8_t *wire;		/* pages of the sender, kept and changed */
	size_t wire_len;
	uint8_t buf[16384];
	uint8_t got[16384];
};

FIXTURE_VARIANT(open) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(open, lo, CONN_LO);

FIXTURE_SETUP(open)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_attach(self->conn.fd[1]));
	self->wire = mmap(NULL, 2 * REF_WIRE_MAX, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(self->wire, MAP_FAILED);
	conn_fill(self->buf, sizeof(self->buf), 95);
}

/* The record arrives as references to the sender's pages, who can write to them. */
static void put(struct open_self *self, const struct ref_key *key)
{
	static int pipe_fd[2];
	struct iovec iov = { self->wire, 0 };
	struct ref_key copy = *key;

	if (!pipe_fd[1])
		ASSERT_EQ(pipe(pipe_fd), 0);
	self->wire_len = ref_seal(&copy, REF_DATA, self->buf, sizeof(self->buf), NULL, self->wire);
	iov.iov_len = self->wire_len;
	ASSERT_EQ(vmsplice(pipe_fd[1], &iov, 1, 0), self->wire_len);
	for (size_t left = self->wire_len; left;) {
		ssize_t done = splice(pipe_fd[0], NULL, self->conn.fd[0], NULL, left, 0);

		ASSERT_GT(done, 0);
		left -= done;
	}
}

/* Return: whether the record was opened; then it holds what was sealed, byte for byte. */
static bool receive(struct open_self *self, int fd)
{
	ssize_t done;

	memset(self->got, 0x11, sizeof(self->got));
	done = recv(fd, self->got, sizeof(self->got), MSG_WAITALL);
	if (done > 0) {
		EXPECT_EQ(done, sizeof(self->got));
		EXPECT_MEM_EQ(self->got, self->buf, sizeof(self->got));
		return true;
	}
	EXPECT_EQ(done, -1);
	EXPECT_EQ(errno, EBADMSG);
	/* In-tree leaves what it opened before it knew. */
	for (size_t off = 0; off < sizeof(self->got) && !conn_is_intree(); off++)
		ASSERT_EQ(self->got[off], 0x11);
	return false;
}

TEST_F_TIMEOUT(open, ciphertext_changes, 40)
{
	struct changer changer = { .bytes = self->wire + 40, .mask = 4 };
	unsigned int opened_count = 0, turns = 60;

	for (unsigned int i = 0; i < turns; i++) {
		for (int j = 0; j < 2; j++)
			close(self->conn.fd[j]);
		ASSERT_EQ(conn_pair(self->conn.fd, CONN_LO, AF_INET), 0);
		ASSERT_EQ(conn_rx(&self->conn), 0);
		put(self, &self->conn.key[0]);
		/* Few flips, so that some records are met between them. */
		changer.len = i % 3 ? 1 : 16000;
		changer.step_len = 1 + 500 * (i % 7);
		start(&changer);
		opened_count += receive(self, self->conn.fd[1]);
		stop(&changer);
	}
	ktap_diag("%u of %u records opened, the others refused", opened_count, turns);
}

KTAP_MAIN()
