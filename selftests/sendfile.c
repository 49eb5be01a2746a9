// SPDX-License-Identifier: MIT
/*
 * Owns: sendfile() into a socket that seals: contents, record boundaries, odd
 * offsets, short files, files cut while they are sent; in every network shape.
 * Must not know: how the kernel receives records.
 * Concurrency: a thread sends where the wire must drain meanwhile.
 * Follows: sendfile(2), DESIGN.md 6.
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>
#include <sys/sendfile.h>

FIXTURE(sendfile) {
	struct conn conn;
	struct ref_stream stream;
	size_t len;
	uint8_t *buf;
	int file;
};

FIXTURE_VARIANT(sendfile) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SHAPE_VARIANTS(sendfile);

FIXTURE_SETUP(sendfile)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	ref_stream_init(&self->stream, &self->conn.key[0]);
	self->len = conn_big_len(variant->shape);
	self->buf = malloc(self->len);
	conn_fill(self->buf, self->len, 20);
	self->file = conn_memfd(self->buf, self->len);
	ASSERT_GE(self->file, 0);
}

/* A thread that sends parts of the file and notes what each call said. */
struct part {
	off_t off;
	size_t len;
	ssize_t done;
};

struct file_sender {
	pthread_t thread;
	int fd;
	int file;
	struct part *parts;
	size_t part_count;
};

static void *send_parts(void *arg)
{
	struct file_sender *sender = arg;

	for (size_t i = 0; i < sender->part_count; i++) {
		struct part *part = &sender->parts[i];
		off_t off = part->off;

		part->done = sendfile(sender->fd, sender->file, &off, part->len);
		if (part->done > 0 && off != part->off + part->done)
			part->done = -1;
	}
	return NULL;
}

static void start_parts(struct file_sender *sender, struct sendfile_self *self, struct part *parts,
			size_t count)
{
	*sender = (struct file_sender){
		.fd = self->conn.fd[0], .file = self->file, .parts = parts, .part_count = count,
	};
	ASSERT_EQ(pthread_create(&sender->thread, NULL, send_parts, sender), 0);
}

/* The records must be the parts in turn: each but the last of a part full. */
static void check_parts(struct sendfile_self *self, const struct part *parts, size_t count)
{
	const struct ref_record *record = self->stream.records;
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		size_t left_len = self->len - parts[i].off;
		size_t len = parts[i].len < left_len ? parts[i].len : left_len;

		EXPECT_EQ(parts[i].done, len);
		EXPECT_MEM_EQ(self->stream.plain + at, self->buf + parts[i].off, len);
		for (at += len; len; len -= record++->plain_len) {
			ASSERT_LT(record - self->stream.records, self->stream.record_count);
			ASSERT_EQ(record->type, REF_DATA);
			ASSERT_LE(record->plain_len, len);
			/* An older in-tree module closes a record every 16 pages. */
			if (!conn_is_intree())
				ASSERT_EQ(record->plain_len,
					  len < REF_PLAIN_MAX ? len : REF_PLAIN_MAX);
		}
	}
	EXPECT_EQ(self->stream.record_count, record - self->stream.records);
}

static size_t parts_len(struct sendfile_self *self, const struct part *parts, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		size_t left_len = self->len - parts[i].off;

		len += parts[i].len < left_len ? parts[i].len : left_len;
	}
	return len;
}

static void run_parts(struct sendfile_self *self, struct part *parts, size_t count)
{
	struct file_sender sender;

	start_parts(&sender, self, parts, count);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1],
				  parts_len(self, parts, count)), 0);
	pthread_join(sender.thread, NULL);
	check_parts(self, parts, count);
}

TEST_F(sendfile, offsets)
{
	struct part parts[] = {
		{ 0, 1, 0 }, { 1, 1, 0 }, { 4095, 1, 0 }, { 4095, 2, 0 }, { 4096, 4096, 0 },
		{ 1, 16384, 0 }, { 16383, 2, 0 }, { 16383, 16385, 0 }, { 4097, 16383, 0 },
		{ 3, 100001, 0 }, { 0, 0, 0 }, { 12289, 3 * 16384, 0 },
	};

	run_parts(self, parts, sizeof(parts) / sizeof(parts[0]));
}

TEST_F_TIMEOUT(sendfile, big, 40)
{
	struct part parts[] = { { 0, self->len, 0 } };

	run_parts(self, parts, 1);
}

TEST_F_TIMEOUT(sendfile, big_odd, 40)
{
	struct part parts[] = { { 4091, self->len - 5000, 0 } };

	run_parts(self, parts, 1);
}

/* Asked for more than the file has: what there is goes out, and is not held back. */
TEST_F(sendfile, past_end)
{
	struct part parts[] = {
		{ self->len - 1, 100, 0 }, { self->len - 20000, 50000, 0 }, { self->len, 10, 0 },
	};

	run_parts(self, parts, 3);
}

TEST_F(sendfile, joins_open_record)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
	off_t off = 77;

	ASSERT_EQ(send(self->conn.fd[0], head, 19, MSG_MORE), 19);
	ASSERT_EQ(sendfile(self->conn.fd[0], self->file, &off, 1000), 1000);
	ASSERT_EQ(send(self->conn.fd[0], "tail", 4, 0), 4);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], 1023), 0);
	ASSERT_EQ(self->stream.record_count, 2);
	EXPECT_EQ(self->stream.records[0].plain_len, 1019);
	EXPECT_MEM_EQ(self->stream.plain, head, 19);
	EXPECT_MEM_EQ(self->stream.plain + 19, self->buf + 77, 1000);
	EXPECT_MEM_EQ(self->stream.plain + 1019, "tail", 4);
}

/* Sends until @len bytes are out on a socket that does not wait. */
static void *send_nonblocking(void *arg)
{
	struct file_sender *sender = arg;
	struct part *part = sender->parts;
	off_t off = part->off;

	while (part->done < (ssize_t)part->len) {
		struct pollfd pfd = { .fd = sender->fd, .events = POLLOUT };
		ssize_t done = sendfile(sender->fd, sender->file, &off, part->len - part->done);

		if (done < 0 && (errno != EAGAIN || poll(&pfd, 1, -1) != 1))
			return NULL;
		part->done += done > 0 ? done : 0;
	}
	return NULL;
}

TEST_F_TIMEOUT(sendfile, nonblocking, 40)
{
	struct part part = { 1, self->len / 2, 0 };
	struct file_sender sender = { .fd = self->conn.fd[0], .file = self->file, .parts = &part };
	int sndbuf = 20000;

	SKIP_INTREE("accepted bytes stay unsent after EAGAIN, and POLLOUT never comes");
	ASSERT_EQ(setsockopt(sender.fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)), 0);
	ASSERT_EQ(fcntl(sender.fd, F_SETFL, O_NONBLOCK), 0);
	ASSERT_EQ(pthread_create(&sender.thread, NULL, send_nonblocking, &sender), 0);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], part.len), 0);
	pthread_join(sender.thread, NULL);
	EXPECT_EQ(part.done, part.len);
	EXPECT_EQ(self->stream.plain_len, part.len);
	EXPECT_MEM_EQ(self->stream.plain, self->buf + 1, part.len);
}

FIXTURE(cut) {
	struct sendfile_self sendfile;
};

FIXTURE_VARIANT(cut) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(cut, lo, CONN_LO);

FIXTURE_SETUP(cut)
{
	const struct sendfile_variant same = { variant->suite, variant->shape };

	sendfile_setup(&self->sendfile, &same);
}

/*
 * The file loses its second half while sendfile() waits for room. The call ends early,
 * and what it says it sent is what is on the wire, unchanged.
 */
TEST_F(cut, while_sent)
{
	struct sendfile_self *all = &self->sendfile;
	struct part part = { 0, all->len, 0 };
	struct file_sender sender;
	int sndbuf = 100000;

	ASSERT_EQ(setsockopt(all->conn.fd[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)), 0);
	ASSERT_EQ(setsockopt(all->conn.fd[1], SOL_SOCKET, SO_RCVBUF, &sndbuf, sizeof(sndbuf)), 0);
	start_parts(&sender, all, &part, 1);
	usleep(100000);
	ASSERT_EQ(ftruncate(all->file, all->len / 2), 0);
	/* Full records up to the cut, then whatever the end of the file made of it. */
	EXPECT_EQ(ref_stream_read(&all->stream, all->conn.fd[1], all->len / 2), 0);
	pthread_join(sender.thread, NULL);
	EXPECT_GE(part.done, all->len / 2);
	EXPECT_LT(part.done, all->len);
	ASSERT_EQ(shutdown(all->conn.fd[0], SHUT_WR), 0);
	EXPECT_EQ(ref_stream_read_eof(&all->stream, all->conn.fd[1]), 0);
	EXPECT_EQ(all->stream.plain_len, part.done);
	EXPECT_MEM_EQ(all->stream.plain, all->buf, all->stream.plain_len);
}

TEST_F(cut, to_nothing)
{
	struct sendfile_self *all = &self->sendfile;
	struct part parts[] = { { 100, 5000, 0 } };
	off_t off = 0;

	ASSERT_EQ(ftruncate(all->file, 0), 0);
	EXPECT_EQ(sendfile(all->conn.fd[0], all->file, &off, 1000), 0);
	ASSERT_EQ(pwrite(all->file, all->buf, all->len, 0), all->len);
	run_parts(all, parts, 1);
}

/* A page that nobody wrote is zeros on the wire too. */
TEST_F(cut, hole)
{
	struct sendfile_self *all = &self->sendfile;
	struct part parts[] = { { 8000, 40000, 0 } };

	ASSERT_EQ(ftruncate(all->file, 0), 0);
	ASSERT_EQ(ftruncate(all->file, all->len), 0);
	memset(all->buf, 0, all->len);
	run_parts(all, parts, 1);
}

KTAP_MAIN()
