// SPDX-License-Identifier: MIT
/*
 * Owns: records whose segments no sane TCP sends: overlapping, repeated, urgent,
 * a byte each, under a receive buffer that makes TCP collapse its queue, cut
 * off; from a peer of our own (wire.h).
 * Must not know: how records are found.
 * Concurrency: each test a process; the peer and the reader are one thread.
 * Follows: DESIGN.md 6.7; reference/ktls-peers.md section 3, rows 10 to 12.
 */
#include "ktap.h"
#include "ktap_run.h"
#include "conn.h"
#include "wire.h"

#include <poll.h>

#define TEXT_LEN	60000
#define WIRE_LEN_MAX	(2 * TEXT_LEN)
#define SEGMENT_MAX	1400
#define PATIENCE	5000	/* segments or looks without any progress */

FIXTURE(segments) {
	struct wire wire;
	struct ref_key key;
	int fd;
	size_t wire_len;
	size_t got_len;
	uint8_t text[TEXT_LEN];
	uint8_t got[TEXT_LEN];
	uint8_t sealed[WIRE_LEN_MAX];
};

FIXTURE_VARIANT(segments) {
	const struct conn_suite *suite;
	int rcvbuf_len;
};

FIXTURE_VARIANT_ADD(segments, roomy_13_gcm128) = { &conn_suites[CONN_13_GCM128], 0 };
FIXTURE_VARIANT_ADD(segments, small_12_gcm256) = { &conn_suites[CONN_12_GCM256], 8192 };
FIXTURE_VARIANT_ADD(segments, tiny_13_gcm128) = { &conn_suites[CONN_13_GCM128], 2304 };

FIXTURE_SETUP(segments)
{
	int ret = conn_netns(CONN_LO);

	if (ret != -EOPNOTSUPP)
		ASSERT_EQ(ret, 0);
	ret = wire_open(&self->wire, variant->rcvbuf_len, &self->fd);
	if (ret == -EOPNOTSUPP)
		SKIP("this kernel has no tun devices");
	ASSERT_EQ(ret, 0);
	ref_key_make(&self->key, variant->suite->version, variant->suite->ref_cipher, 5);
	CONN_TRY(conn_attach(self->fd));
	ASSERT_EQ(conn_set_key(self->fd, TLS_RX, &self->key), 0);
	conn_fill(self->text, sizeof(self->text), 9);
}

/* Seals the text as records of @record_len bytes, into self->sealed. */
static void seal_text(struct segments_self *self, size_t len, size_t record_len)
{
	for (size_t off = 0; off < len; off += record_len) {
		size_t part_len = len - off < record_len ? len - off : record_len;

		ASSERT_LE(self->wire_len + REF_WIRE_MAX, sizeof(self->sealed));
		self->wire_len += ref_seal(&self->key, REF_DATA, self->text + off, part_len, NULL,
					   self->sealed + self->wire_len);
	}
}

/* Reads what is there; every byte of it must be the right one. */
static void take(struct segments_self *self)
{
	ssize_t len;

	do {
		len = recv(self->fd, self->got, sizeof(self->got), MSG_DONTWAIT);
		if (len < 0) {
			ASSERT_EQ(errno, EAGAIN);
			return;
		}
		ASSERT_LE(self->got_len + len, sizeof(self->text));
		ASSERT_MEM_EQ(self->got, self->text + self->got_len, len);
		self->got_len += len;
	} while (len);
}

/* What a sender may have in flight now. */
static size_t may_send(const struct segments_self *self)
{
	size_t end = self->wire.acked_len + self->wire.window_len;

	return end < self->wire_len ? end : self->wire_len;
}

static void send_part(struct segments_self *self, size_t off, size_t len, uint8_t flags)
{
	if (off >= self->wire_len)
		return;
	if (len > self->wire_len - off)
		len = self->wire_len - off;
	ASSERT_EQ(wire_send(&self->wire, off, self->sealed + off, len, flags, 1), 0);
}

/* Until all of @len content bytes came: whatever @send makes of where the kernel is. */
static void run(struct segments_self *self, size_t len, void (*send)(struct segments_self *self))
{
	size_t seen_len = 0;

	for (int idle = 0; self->got_len < len && idle < PATIENCE; idle++) {
		send(self);
		ASSERT_EQ(wire_listen(&self->wire, idle > 50 ? 1 : 0), 0);
		take(self);
		if (self->got_len + self->wire.acked_len != seen_len)
			idle = 0;
		seen_len = self->got_len + self->wire.acked_len;
	}
	EXPECT_EQ(self->got_len, len);
	EXPECT_EQ(conn_stat("RxAuthFail"), 0);
	EXPECT_EQ(conn_stat("RxBadRecord"), 0);
}

/* Behind, across and beyond what the kernel has, in any order. */
static void send_overlapping(struct segments_self *self)
{
	size_t at = self->wire.acked_len, end = may_send(self);
	size_t back = rand() % 700, ahead = rand() % 3 ? 0 : rand() % 2000;
	size_t off = at + ahead > back ? at + ahead - back : 0;

	send_part(self, off, 1 + rand() % SEGMENT_MAX, 0);
	if (end > at && rand() % 2)
		send_part(self, at, 1 + rand() % (end - at < SEGMENT_MAX ? end - at : SEGMENT_MAX),
			  WIRE_PSH);
}

TEST_F_TIMEOUT(segments, overlapping, 60)
{
	seal_text(self, TEXT_LEN, 5000);
	run(self, TEXT_LEN, send_overlapping);
}

TEST_F_TIMEOUT(segments, overlapping_full_records, 60)
{
	seal_text(self, 3 * REF_PLAIN_MAX, REF_PLAIN_MAX);
	run(self, 3 * REF_PLAIN_MAX, send_overlapping);
}

static void send_bytes(struct segments_self *self)
{
	for (int i = 0; i < 64 && self->wire.acked_len + i < may_send(self); i++)
		send_part(self, self->wire.acked_len + i, 1, 0);
}

TEST_F_TIMEOUT(segments, one_byte_each, 60)
{
	seal_text(self, 6000, 3000);
	run(self, 6000, send_bytes);
}

/* Every other byte, as long as the kernel keeps them; then the bytes between. */
static void send_sieve(struct segments_self *self)
{
	size_t at = self->wire.acked_len, end = may_send(self);

	for (size_t off = at + 1; off < end; off += 2)
		send_part(self, off, 1, 0);
	for (size_t off = at; off < end; off += 2)
		send_part(self, off, 1, 0);
}

/* Bytes of their own cost TCP hundreds each: it collapses its queues under our feet. */
TEST_F_TIMEOUT(segments, collapsed, 60)
{
	long long before = conn_netstat("TCPRcvCollapsed");

	if (!variant->rcvbuf_len)
		return;
	seal_text(self, 1600, 400);
	run(self, 1600, send_sieve);
	EXPECT_GT(conn_netstat("TCPRcvCollapsed"), before);
}

/* Every so often a byte is urgent; TLS knows no such thing. */
static void send_urgent(struct segments_self *self)
{
	send_part(self, self->wire.acked_len, 1 + rand() % 600, rand() % 3 ? 0 : WIRE_URG);
}

/*
 * A byte that TCP lifted out of the stream is lost when a second urgent one
 * comes before it is read: then the record cannot verify. What must not happen
 * is a stall, or a byte that is wrong.
 */
TEST_F_TIMEOUT(segments, urgent, 60)
{
	int ret = 0;

	seal_text(self, 20000, 900);
	for (int turn = 0; turn < PATIENCE && self->got_len < 20000; turn++) {
		ssize_t len = recv(self->fd, self->got, sizeof(self->got), MSG_DONTWAIT);

		if (len < 0 && errno != EAGAIN) {
			ret = errno;
			break;
		}
		if (len > 0) {
			ASSERT_MEM_EQ(self->got, self->text + self->got_len, len);
			self->got_len += len;
		}
		send_urgent(self);
		ASSERT_EQ(wire_listen(&self->wire, len < 0 ? 1 : 0), 0);
	}
	if (!ret)
		EXPECT_EQ(self->got_len, 20000);
	else
		EXPECT_TRUE(ret == EBADMSG || ret == EMSGSIZE || ret == EINVAL);
	if (ret)
		EXPECT_ERRNO(recv(self->fd, self->got, 1, 0), ret);
}

/* A bad header in the middle of urgent bytes, under pressure: the first error is the last word. */
TEST_F_TIMEOUT(segments, urgent_and_malformed, 60)
{
	static const uint8_t headers[][REF_HEADER_LEN] = {
		{ 23, 3, 3, 0xff, 0xff }, { 23, 9, 9, 0, 100 }, { 23, 3, 3, 0, 1 },
	};
	static const int errors[] = { EMSGSIZE, EINVAL, EBADMSG };
	const size_t kind = variant->rcvbuf_len % 3;
	size_t off;

	seal_text(self, 1000, 1000);
	off = self->wire_len;
	memcpy(self->sealed + off, headers[kind], REF_HEADER_LEN);
	memset(self->sealed + off + REF_HEADER_LEN, 0xa5, 20000);
	run(self, 1000, send_bytes);
	self->wire_len += REF_HEADER_LEN + 20000;
	for (int i = 0; i < 300; i++) {
		send_part(self, off + i * 7, 1 + rand() % 30, i % 2 ? WIRE_URG : 0);
		ASSERT_EQ(wire_listen(&self->wire, 0), 0);
		if (i == 20)
			EXPECT_ERRNO(recv(self->fd, self->got, 100, MSG_DONTWAIT), errors[kind]);
	}
	EXPECT_ERRNO(recv(self->fd, self->got, 100, MSG_DONTWAIT), EAGAIN);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), errors[kind]);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, MSG_PEEK), errors[kind]);
}

/* Bytes that differ from those the kernel has: what came first counts. */
TEST_F(segments, forged_repetition)
{
	uint8_t forged[500];

	memset(forged, 0x5a, sizeof(forged));
	seal_text(self, 1000, 1000);
	send_part(self, 0, 600, 0);
	ASSERT_EQ(wire_send(&self->wire, 100, forged, sizeof(forged), 0, 0), 0);
	ASSERT_EQ(wire_send(&self->wire, 0, forged, 300, 0, 0), 0);
	send_part(self, 550, 1000, 0);
	ASSERT_EQ(wire_listen(&self->wire, 10), 0);
	take(self);
	EXPECT_EQ(self->got_len, 1000);
	EXPECT_EQ(conn_stat("RxAuthFail"), 0);
}

/* The rest of a record lies beyond a hole; poll must wait for what fills it. */
TEST_F(segments, hole)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };

	seal_text(self, 1000, 1000);
	send_part(self, 0, 3, 0);
	send_part(self, 400, 1000, 0);
	EXPECT_EQ(poll(&pfd, 1, 50), 0);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, MSG_DONTWAIT), EAGAIN);
	send_part(self, 3, 397, 0);
	EXPECT_EQ(poll(&pfd, 1, 2000), 1);
	take(self);
	EXPECT_EQ(self->got_len, 1000);
}

TEST_F(segments, end_inside)
{
	seal_text(self, 1000, 500);
	send_part(self, 0, self->wire_len - 10, WIRE_FIN);
	ASSERT_EQ(wire_listen(&self->wire, 10), 0);
	EXPECT_EQ(recv(self->fd, self->got, 1000, MSG_WAITALL), 500);
	EXPECT_MEM_EQ(self->got, self->text, 500);
	EXPECT_EQ(recv(self->fd, self->got, 1000, 0), 0);
}

TEST_F(segments, reset_inside)
{
	seal_text(self, 1000, 500);
	send_part(self, 0, self->wire_len - 10, 0);
	ASSERT_EQ(wire_listen(&self->wire, 10), 0);
	EXPECT_EQ(recv(self->fd, self->got, 100, 0), 100);
	ASSERT_EQ(wire_send(&self->wire, self->wire.acked_len, NULL, 0, WIRE_RST, 0), 0);
	EXPECT_EQ(recv(self->fd, self->got + 100, 400, 0), 400);
	EXPECT_MEM_EQ(self->got, self->text, 500);
	EXPECT_ERRNO(recv(self->fd, self->got, 100, 0), ECONNRESET);
}

KTAP_MAIN()
