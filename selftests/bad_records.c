// SPDX-License-Identifier: MIT
/*
 * Owns: records that must not be accepted: what errno each gives, that it stays,
 * that no byte of it is shown, and that the other direction goes on.
 * Must not know: how the kernel seals records, but for one alert sent back.
 * Concurrency: none.
 * Follows: the errno contract of DESIGN.md 4; RFC 5246 6.2, RFC 8446 5.2 to 5.4.
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>

#define GOOD_LEN	500
#define BAD_LEN		3000
#define GUARD		0xa5

FIXTURE(bad) {
	struct conn conn;
	int fd;
	uint8_t good[GOOD_LEN];
	uint8_t bad[BAD_LEN];
	uint8_t got[20000];
	uint8_t wire[2 * REF_WIRE_MAX];
};

FIXTURE_VARIANT(bad) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(bad, lo, CONN_LO);

static void put_good(struct bad_self *self)
{
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->good, GOOD_LEN, NULL), 0);
}

/* A good record went through before, so that the bad one is not the first. */
FIXTURE_SETUP(bad)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_rx(&self->conn));
	CONN_TRY(conn_set_key(self->conn.fd[1], TLS_TX, &self->conn.key[1]));
	self->fd = self->conn.fd[1];
	conn_fill(self->good, sizeof(self->good), 6);
	conn_fill(self->bad, sizeof(self->bad), 7);
	put_good(self);
	EXPECT_EQ(recv(self->fd, self->got, GOOD_LEN, MSG_WAITALL), GOOD_LEN);
	EXPECT_MEM_EQ(self->got, self->good, GOOD_LEN);
	memset(self->got, GUARD, sizeof(self->got));
}

/* No 16 bytes of the bad content may stand in the reader's buffer, wherever. */
static void check_unshown(struct bad_self *self)
{
	if (conn_is_intree())	/* it decrypts into the reader's pages, then verifies */
		return;
	for (size_t off = 0; off + 16 <= BAD_LEN; off += 16)
		ASSERT_EQ(memmem(self->got, sizeof(self->got), self->bad + off, 16), NULL);
}

/* Every way to read fails with @code, again and again, and poll says so. */
static void check_sticky(struct bad_self *self, int code)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };
	int pipe_fd[2];

	ASSERT_EQ(pipe(pipe_fd), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(poll(&pfd, 1, 2000), 1);
		EXPECT_ERRNO(recv(self->fd, self->got, sizeof(self->got), MSG_DONTWAIT), code);
		EXPECT_ERRNO(recv(self->fd, self->got, 10, MSG_PEEK | MSG_DONTWAIT), code);
		EXPECT_ERRNO(recv(self->fd, self->got, 10, MSG_WAITALL | MSG_DONTWAIT), code);
		EXPECT_ERRNO(splice(self->fd, NULL, pipe_fd[1], NULL, 99, SPLICE_F_NONBLOCK), code);
	}
}

/*
 * What is no record is told once to those who do not wait, as in-tree; who would
 * wait is told again, and nobody sleeps; the end of the stream hides nothing.
 */
static void check_told(struct bad_self *self, int code)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };

	EXPECT_EQ(poll(&pfd, 1, 50), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_ERRNO(recv(self->fd, self->got, 10, MSG_DONTWAIT), EAGAIN);
		EXPECT_ERRNO(recv(self->fd, self->got, 10, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
		EXPECT_ERRNO(recv(self->fd, self->got, sizeof(self->got), 0), code);
	}
	EXPECT_EQ(poll(&pfd, 1, 50), 0);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	EXPECT_EQ(poll(&pfd, 1, 5000), 1);
	EXPECT_ERRNO(recv(self->fd, self->got, 10, MSG_DONTWAIT), code);
}

/* The error belongs to receiving alone: an alert still goes out. */
static void check_tx_alive(struct bad_self *self)
{
	static const uint8_t alert[] = { 2, 20 };
	struct ref_stream stream;

	ref_stream_init(&stream, &self->conn.key[1]);
	EXPECT_EQ(conn_send_type(self->fd, REF_ALERT, alert, sizeof(alert), 0), sizeof(alert));
	EXPECT_EQ(ref_stream_read_records(&stream, self->conn.fd[0], 1), 0);
	ASSERT_EQ(stream.record_count, 1);
	EXPECT_EQ(stream.records[0].type, REF_ALERT);
	EXPECT_MEM_EQ(stream.plain, alert, sizeof(alert));
}

/* Puts these bytes on the wire and a good record behind them: nothing of either is read. */
static void put_bad(struct bad_self *self, size_t wire_len, int code)
{
	ASSERT_EQ(conn_send_all(self->conn.fd[0], self->wire, wire_len, 0), wire_len);
	EXPECT_ERRNO(recv(self->fd, self->got, sizeof(self->got), 0), code);
	EXPECT_EQ(self->got[BAD_LEN], GUARD);
	check_unshown(self);
	put_good(self);
}

/* A record that does not verify. */
static void refuse_wire(struct bad_self *self, size_t wire_len, int code)
{
	put_bad(self, wire_len, code);
	if (conn_is_intree())	/* reports some of them once, and through sk_err to the sender */
		return;
	check_sticky(self, code);
	check_unshown(self);
	check_tx_alive(self);
}

/* A header that is none. */
static void refuse_header(struct bad_self *self, size_t wire_len, int code)
{
	put_bad(self, wire_len, code);
	if (conn_is_intree())
		return;
	check_tx_alive(self);
	check_told(self, code);
	check_unshown(self);
}

static void refuse(struct bad_self *self, const struct ref_twist *twist, int code)
{
	refuse_wire(self, ref_seal(&self->conn.key[0], REF_DATA, self->bad, BAD_LEN, twist,
				   self->wire), code);
}

static void refuse_version(struct bad_self *self, uint16_t version)
{
	const struct ref_twist twist = { .version = version };

	refuse_header(self, ref_seal(&self->conn.key[0], REF_DATA, self->bad, BAD_LEN, &twist,
				     self->wire), EINVAL);
}

TEST_F(bad, tag)
{
	refuse(self, &(struct ref_twist){ .bad_tag = true }, EBADMSG);
}

TEST_F(bad, text)
{
	refuse(self, &(struct ref_twist){ .bad_text = true }, EBADMSG);
}

/* The header is authenticated, in TLS 1.3 as well. */
TEST_F(bad, header_type)
{
	if (variant->suite->version == REF_TLS13)
		SKIP_INTREE("the outer type of TLS 1.3 is not looked at");
	refuse(self, &(struct ref_twist){ .outer_type = REF_ALERT }, EBADMSG);
}

TEST_F(bad, version_low)
{
	refuse_version(self, 0x0301);
}

TEST_F(bad, version_high)
{
	refuse_version(self, 0x0304);
}

TEST_F(bad, version_absurd)
{
	refuse_version(self, 0x1703);
}

TEST_F(bad, cut_by_one)
{
	refuse(self, &(struct ref_twist){ .len_delta = -1 }, EBADMSG);
}

/* A header alone, its length field one below the least that the suite allows. */
static size_t bare_header(struct bad_self *self, size_t body_len)
{
	const uint8_t header[] = { REF_DATA, 3, 3, body_len >> 8, body_len & 0xff };

	memset(self->wire, 0, body_len + sizeof(header));
	memcpy(self->wire, header, sizeof(header));
	return sizeof(header) + body_len;
}

static size_t least_body(struct bad_self *self)
{
	return ref_overhead(&self->conn.key[0]) - REF_HEADER_LEN;
}

TEST_F(bad, too_short)
{
	refuse_header(self, bare_header(self, least_body(self) - 1), EBADMSG);
}

TEST_F(bad, empty_body)
{
	refuse_header(self, bare_header(self, 0) + 20, EBADMSG);
}

TEST_F(bad, least_and_garbage)
{
	refuse_wire(self, bare_header(self, least_body(self)), EBADMSG);
}

TEST_F(bad, too_long)
{
	refuse_header(self, bare_header(self, least_body(self) + REF_PLAIN_MAX + 1), EMSGSIZE);
}

/* Said by the header, before the bytes themselves have come. */
TEST_F(bad, far_too_long)
{
	bare_header(self, 16);
	self->wire[3] = 0xff;
	self->wire[4] = 0xff;
	refuse_header(self, 21, EMSGSIZE);
}

/* The largest that is allowed, with a bad tag. */
TEST_F(bad, full_record)
{
	uint8_t *full = malloc(REF_PLAIN_MAX);
	const struct ref_twist twist = { .bad_tag = true };

	conn_fill(full, REF_PLAIN_MAX, 8);
	memcpy(full, self->bad, BAD_LEN);
	memset(self->got, GUARD, sizeof(self->got));
	ref_seal(&self->conn.key[0], REF_DATA, full, REF_PLAIN_MAX, &twist, self->wire);
	ASSERT_EQ(conn_send_all(self->conn.fd[0], self->wire,
				REF_PLAIN_MAX + ref_overhead(&self->conn.key[0]), 0),
		  REF_PLAIN_MAX + ref_overhead(&self->conn.key[0]));
	EXPECT_ERRNO(recv(self->fd, self->got, sizeof(self->got), 0), EBADMSG);
	check_unshown(self);
}

TEST_F(bad, replay)
{
	struct ref_key before = self->conn.key[0];
	size_t len = ref_seal(&before, REF_DATA, self->good, GOOD_LEN, NULL, self->wire);

	put_good(self);
	EXPECT_EQ(recv(self->fd, self->got, sizeof(self->got), 0), GOOD_LEN);
	memset(self->got, GUARD, sizeof(self->got));
	refuse_wire(self, len, EBADMSG);
}

TEST_F(bad, missing_record)
{
	self->conn.key[0].seq++;
	refuse(self, NULL, EBADMSG);
}

TEST_F(bad, other_key)
{
	self->conn.key[0].key[3] ^= 4;
	refuse(self, NULL, EBADMSG);
}

/* Good records before a bad one are given first, then the error. */
TEST_F(bad, after_good_ones)
{
	const struct ref_twist twist = { .bad_tag = true };

	put_good(self);
	put_good(self);
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->bad, BAD_LEN, &twist), 0);
	usleep(50000);
	EXPECT_EQ(recv(self->fd, self->got, sizeof(self->got), 0), 2 * GOOD_LEN);
	EXPECT_MEM_EQ(self->got, self->good, GOOD_LEN);
	EXPECT_MEM_EQ(self->got + GOOD_LEN, self->good, GOOD_LEN);
	check_unshown(self);
	EXPECT_ERRNO(recv(self->fd, self->got, sizeof(self->got), 0), EBADMSG);
	check_unshown(self);
	EXPECT_ERRNO(recv(self->fd, self->got, sizeof(self->got), MSG_DONTWAIT), EBADMSG);
}

/* Peeking finds it, and reading finds the same. */
TEST_F(bad, peeked)
{
	const struct ref_twist twist = { .bad_tag = true };

	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->bad, BAD_LEN, &twist), 0);
	EXPECT_ERRNO(recv(self->fd, self->got, sizeof(self->got), MSG_PEEK), EBADMSG);
	check_unshown(self);
	EXPECT_ERRNO(recv(self->fd, self->got, sizeof(self->got), MSG_DONTWAIT), EBADMSG);
	check_unshown(self);
}

TEST_F(bad, spliced)
{
	const struct ref_twist twist = { .bad_tag = true };
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };
	int pipe_fd[2];

	ASSERT_EQ(pipe2(pipe_fd, O_NONBLOCK), 0);
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->bad, BAD_LEN, &twist), 0);
	ASSERT_EQ(poll(&pfd, 1, 5000 * (int)ktap_slow()), 1);
	EXPECT_ERRNO(splice(self->fd, NULL, pipe_fd[1], NULL, 10000, 0), EBADMSG);
	EXPECT_ERRNO(read(pipe_fd[0], self->got, sizeof(self->got)), EAGAIN);
	EXPECT_ERRNO(splice(self->fd, NULL, pipe_fd[1], NULL, 10000, 0), EBADMSG);
}

/* A record cut off by the end of the stream is no record. */
TEST_F(bad, cut_by_eof)
{
	size_t len = ref_seal(&self->conn.key[0], REF_DATA, self->bad, BAD_LEN, NULL, self->wire);

	ASSERT_EQ(conn_send_all(self->conn.fd[0], self->wire, len - 1, 0), len - 1);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	EXPECT_LE(recv(self->fd, self->got, sizeof(self->got), 0), 0);
	check_unshown(self);
}

FIXTURE(bad13) {
	struct bad_self bad;
};

FIXTURE_VARIANT(bad13) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_TLS13_VARIANTS(bad13);

FIXTURE_SETUP(bad13)
{
	const struct bad_variant same = { variant->suite, variant->shape };

	bad_setup(&self->bad, &same);
}

/* RFC 8446 5.4: no byte of the inner plaintext that is not zero: unexpected_message. */
TEST_F(bad13, all_zero)
{
	const struct ref_twist twist = { .no_inner_type = true };

	memset(self->bad.bad, 0, BAD_LEN);
	refuse_wire(&self->bad, ref_seal(&self->bad.conn.key[0], REF_DATA, self->bad.bad, BAD_LEN,
					 &twist, self->bad.wire), EBADMSG);
}

TEST_F(bad13, all_zero_one_byte)
{
	const struct ref_twist twist = { .no_inner_type = true };

	memset(self->bad.bad, 0, BAD_LEN);
	refuse_wire(&self->bad, ref_seal(&self->bad.conn.key[0], REF_DATA, self->bad.bad, 1,
					 &twist, self->bad.wire), EBADMSG);
}

KTAP_MAIN()
