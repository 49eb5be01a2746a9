// SPDX-License-Identifier: MIT
/*
 * Owns: the options of level SOL_TLS besides the keys: TLS_TX_ZEROCOPY_RO,
 * TLS_RX_EXPECT_NO_PAD, TLS_TX_MAX_PAYLOAD_LEN, and those that do not exist.
 * Must not know: how keys are refused.
 * Concurrency: none.
 * Follows: <linux/tls.h>; the errno contract of DESIGN.md 4; RFC 8449.
 */
#include "ktap.h"
#include "conn.h"

#include <sys/sendfile.h>

FIXTURE(options) {
	struct conn conn;
	struct ref_stream stream;
	int fd;
	uint8_t buf[40000];
};

FIXTURE_VARIANT(options) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(options, lo, CONN_LO);

FIXTURE_SETUP(options)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	ref_stream_init(&self->stream, &self->conn.key[0]);
	self->fd = self->conn.fd[0];
	conn_fill(self->buf, sizeof(self->buf), 60);
}

static int set(struct options_self *self, int option, uint64_t value, socklen_t len)
{
	return setsockopt(self->fd, SOL_TLS, option, &value, len);
}

/* The value, or -1 with errno. */
static long long get(struct options_self *self, int option, socklen_t len)
{
	uint64_t value = 0;

	return getsockopt(self->fd, SOL_TLS, option, &value, &len) ? -1 : (long long)value;
}

static void check_wire(struct options_self *self, const size_t *lens, size_t count)
{
	EXPECT_EQ(ref_stream_read_records(&self->stream, self->conn.fd[1], count), 0);
	ASSERT_EQ(self->stream.record_count, count);
	for (size_t i = 0; i < count; i++)
		EXPECT_EQ(self->stream.records[i].plain_len, lens[i]);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, self->stream.plain_len);
	EXPECT_EQ(ref_stream_pull(&self->stream, self->conn.fd[1], MSG_DONTWAIT), -EAGAIN);
}

TEST_F(options, unknown)
{
	static const int unknown[] = { 0, 6, 7, 50, 0xff, 0x7fff, 0x7fffffff, -1 };

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		EXPECT_ERRNO(set(self, unknown[i], 1, 4), ENOPROTOOPT);
		EXPECT_ERRNO(get(self, unknown[i], 4), ENOPROTOOPT);
	}
}

TEST_F(options, zerocopy)
{
	static const size_t lens[] = { 9000 };
	int file = conn_memfd(self->buf, 9000);
	off_t off = 0;

	EXPECT_EQ(get(self, TLS_TX_ZEROCOPY_RO, 4), 0);
	EXPECT_EQ(set(self, TLS_TX_ZEROCOPY_RO, 1, 4), 0);
	EXPECT_EQ(get(self, TLS_TX_ZEROCOPY_RO, 4), 1);
	EXPECT_ERRNO(set(self, TLS_TX_ZEROCOPY_RO, 2, 4), EINVAL);
	EXPECT_EQ(get(self, TLS_TX_ZEROCOPY_RO, 4), 1);
	for (socklen_t len = 0; len <= 8; len++) {
		if (len == 4)
			continue;
		EXPECT_ERRNO(set(self, TLS_TX_ZEROCOPY_RO, 0, len), EINVAL);
		EXPECT_ERRNO(get(self, TLS_TX_ZEROCOPY_RO, len), EINVAL);
	}
	EXPECT_EQ(sendfile(self->fd, file, &off, 9000), 9000);
	check_wire(self, lens, 1);
	EXPECT_EQ(set(self, TLS_TX_ZEROCOPY_RO, 0, 4), 0);
	EXPECT_EQ(get(self, TLS_TX_ZEROCOPY_RO, 4), 0);
}

TEST_F(options, expect_no_pad)
{
	const uint64_t trailing = (uint64_t)7 << 32;

	/* No receive keys yet. */
	EXPECT_ERRNO(set(self, TLS_RX_EXPECT_NO_PAD, 1, 4), EINVAL);
	EXPECT_ERRNO(get(self, TLS_RX_EXPECT_NO_PAD, 4), EINVAL);
	ASSERT_EQ(conn_set_key(self->fd, TLS_RX, &self->conn.key[1]), 0);
	if (variant->suite->version == REF_TLS12) {
		EXPECT_ERRNO(set(self, TLS_RX_EXPECT_NO_PAD, 1, 4), EINVAL);
		EXPECT_ERRNO(get(self, TLS_RX_EXPECT_NO_PAD, 4), EINVAL);
		return;
	}
	EXPECT_EQ(get(self, TLS_RX_EXPECT_NO_PAD, 4), 0);
	EXPECT_ERRNO(set(self, TLS_RX_EXPECT_NO_PAD, 1, 3), EINVAL);
	EXPECT_ERRNO(get(self, TLS_RX_EXPECT_NO_PAD, 3), EINVAL);
	EXPECT_ERRNO(set(self, TLS_RX_EXPECT_NO_PAD, 2, 4), EINVAL);
	EXPECT_ERRNO(set(self, TLS_RX_EXPECT_NO_PAD, 1 | trailing, 8), EINVAL);
	EXPECT_EQ(get(self, TLS_RX_EXPECT_NO_PAD, 4), 0);
	EXPECT_EQ(set(self, TLS_RX_EXPECT_NO_PAD, 1, 4), 0);
	EXPECT_EQ(get(self, TLS_RX_EXPECT_NO_PAD, 4), 1);
	EXPECT_EQ(set(self, TLS_RX_EXPECT_NO_PAD, 0, 8), 0);
	EXPECT_EQ(get(self, TLS_RX_EXPECT_NO_PAD, 8), 0);
}

TEST_F(options, bad_pointers)
{
	socklen_t len = 4;

	EXPECT_ERRNO(setsockopt(self->fd, SOL_TLS, TLS_TX_ZEROCOPY_RO, (void *)16, 4), EFAULT);
	EXPECT_ERRNO(getsockopt(self->fd, SOL_TLS, TLS_TX_ZEROCOPY_RO, (void *)16, &len), EFAULT);
	EXPECT_ERRNO(setsockopt(self->fd, SOL_TLS, TLS_TX_ZEROCOPY_RO, NULL, 4), EINVAL);
}

TEST_F(options, payload_range)
{
	const int least = variant->suite->version == REF_TLS12 ? 64 : 63;
	const int refused[] = { 0, 1, least - 1, 16385, 0xffff };

	SKIP_INTREE("TLS_TX_MAX_PAYLOAD_LEN came with a later kernel");
	EXPECT_EQ(get(self, CONN_TX_MAX_PAYLOAD_LEN, 2), 16384);
	EXPECT_EQ(set(self, CONN_TX_MAX_PAYLOAD_LEN, least, 2), 0);
	EXPECT_EQ(get(self, CONN_TX_MAX_PAYLOAD_LEN, 2), least);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		EXPECT_ERRNO(set(self, CONN_TX_MAX_PAYLOAD_LEN, refused[i], 2), EINVAL);
	for (socklen_t len = 0; len <= 8; len++) {
		if (len == 2)
			continue;
		EXPECT_ERRNO(set(self, CONN_TX_MAX_PAYLOAD_LEN, 1000, len), EINVAL);
		EXPECT_ERRNO(get(self, CONN_TX_MAX_PAYLOAD_LEN, len), EINVAL);
	}
	EXPECT_EQ(get(self, CONN_TX_MAX_PAYLOAD_LEN, 2), least);
	EXPECT_EQ(set(self, CONN_TX_MAX_PAYLOAD_LEN, 16384, 2), 0);
}

TEST_F(options, payload_open_record)
{
	static const size_t lens[] = { 70, 100, 20 };

	SKIP_INTREE("TLS_TX_MAX_PAYLOAD_LEN came with a later kernel");
	ASSERT_EQ(send(self->fd, self->buf, 50, MSG_MORE), 50);
	EXPECT_ERRNO(set(self, CONN_TX_MAX_PAYLOAD_LEN, 100, 2), EBUSY);
	ASSERT_EQ(send(self->fd, self->buf + 50, 20, 0), 20);
	EXPECT_EQ(set(self, CONN_TX_MAX_PAYLOAD_LEN, 100, 2), 0);
	ASSERT_EQ(send(self->fd, self->buf + 70, 120, 0), 120);
	check_wire(self, lens, 3);
}

/* Every way to send keeps to the limit. */
TEST_F(options, payload_limits_records)
{
	static const size_t lens[] = { 1000, 1000, 500, 1000, 1, 1000, 1000, 48, 1000, 200 };
	int file = conn_memfd(self->buf, sizeof(self->buf));
	off_t off = 3501;

	SKIP_INTREE("TLS_TX_MAX_PAYLOAD_LEN came with a later kernel");
	ASSERT_EQ(set(self, CONN_TX_MAX_PAYLOAD_LEN, 1000, 2), 0);
	EXPECT_EQ(send(self->fd, self->buf, 2500, 0), 2500);
	EXPECT_EQ(send(self->fd, self->buf + 2500, 999, MSG_MORE), 999);
	EXPECT_EQ(send(self->fd, self->buf + 3499, 2, 0), 2);
	EXPECT_EQ(sendfile(self->fd, file, &off, 2048), 2048);
	EXPECT_EQ(conn_send_type(self->fd, REF_HANDSHAKE, self->buf + 5549, 1200, 0), 1200);
	check_wire(self, lens, 10);
}

/* The limit is the sender's alone: what comes in may be longer. */
TEST_F(options, payload_not_for_rx)
{
	uint8_t got[5000], wire[REF_WIRE_MAX];
	size_t wire_len;

	SKIP_INTREE("TLS_TX_MAX_PAYLOAD_LEN came with a later kernel");
	ASSERT_EQ(conn_set_key(self->fd, TLS_RX, &self->conn.key[1]), 0);
	ASSERT_EQ(set(self, CONN_TX_MAX_PAYLOAD_LEN, 64, 2), 0);
	wire_len = ref_seal(&self->conn.key[1], REF_DATA, self->buf, 5000, NULL, wire);
	ASSERT_EQ(conn_send_all(self->conn.fd[1], wire, wire_len, 0), wire_len);
	EXPECT_EQ(recv(self->fd, got, sizeof(got), 0), 5000);
	EXPECT_MEM_EQ(got, self->buf, 5000);
}

KTAP_MAIN()
