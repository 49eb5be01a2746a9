// SPDX-License-Identifier: MIT
/*
 * Owns: TLS_TX and TLS_RX as socket options: every wrong size, version, cipher
 * and order, and what getsockopt() gives back.
 * Must not know: what records look like, but for one round trip after errors.
 * Concurrency: none.
 * Follows: <linux/tls.h>; the errno contract of DESIGN.md 4.
 */
#include "ktap.h"
#include "conn.h"

#define HEADER_LEN	sizeof(struct tls_crypto_info)

static const int directions[] = { TLS_TX, TLS_RX };

FIXTURE(keys) {
	struct conn conn;
	int fd;
	union {
		union conn_info known;
		uint8_t bytes[256];
	} info;
	socklen_t len;
};

FIXTURE_VARIANT(keys) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(keys, lo, CONN_LO);

FIXTURE_SETUP(keys)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	self->fd = self->conn.fd[0];
	CONN_TRY(conn_attach(self->fd));
	memset(self->info.bytes, 0, sizeof(self->info.bytes));
	self->len = conn_make_info(&self->conn.key[0], &self->info.known);
	ASSERT_EQ(self->len, variant->suite->info_len);
}

static int set_info(struct keys_self *self, int direction, socklen_t len)
{
	return setsockopt(self->fd, SOL_TLS, direction, self->info.bytes, len);
}

static int get_info(struct keys_self *self, int direction, void *out, socklen_t len)
{
	return getsockopt(self->fd, SOL_TLS, direction, out, &len);
}

/* After whatever was refused, the right keys are taken and work. */
static void check_usable(struct keys_self *self)
{
	struct ref_stream stream;
	uint8_t out[HEADER_LEN];

	for (int i = 0; i < 2; i++)
		EXPECT_ERRNO(get_info(self, directions[i], out, sizeof(out)), EBUSY);
	ref_stream_init(&stream, &self->conn.key[0]);
	conn_make_info(&self->conn.key[0], &self->info.known);
	ASSERT_EQ(set_info(self, TLS_TX, self->len), 0);
	EXPECT_EQ(send(self->fd, "usable", 6, 0), 6);
	EXPECT_EQ(ref_stream_read(&stream, self->conn.fd[1], 6), 0);
	EXPECT_MEM_EQ(stream.plain, "usable", 6);
}

TEST_F(keys, wrong_size)
{
	for (int i = 0; i < 2; i++)
		for (socklen_t len = 0; len < sizeof(self->info.bytes); len++)
			if (len != self->len)
				EXPECT_ERRNO(set_info(self, directions[i], len), EINVAL);
	EXPECT_ERRNO(set_info(self, TLS_TX, -1), EINVAL);
	check_usable(self);
}

TEST_F(keys, wrong_version)
{
	static const uint16_t versions[] = { 0, 1, 0x0300, 0x0301, 0x0302, 0x0305, 0x0403, 0xffff };

	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < sizeof(versions) / sizeof(versions[0]); j++) {
			self->info.known.info.version = versions[j];
			EXPECT_ERRNO(set_info(self, directions[i], self->len), EINVAL);
		}
	}
	check_usable(self);
}

TEST_F(keys, wrong_cipher)
{
	static const uint16_t ciphers[] = { 0, 1, 50, 59, 60, 0xff, 0xffff };

	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < sizeof(ciphers) / sizeof(ciphers[0]); j++) {
			self->info.known.info.cipher_type = ciphers[j];
			EXPECT_ERRNO(set_info(self, directions[i], self->len), EINVAL);
		}
	}
	check_usable(self);
}

TEST_F(keys, wrong_pointer)
{
	for (int i = 0; i < 2; i++) {
		EXPECT_ERRNO(setsockopt(self->fd, SOL_TLS, directions[i], NULL, self->len), EINVAL);
		EXPECT_ERRNO(setsockopt(self->fd, SOL_TLS, directions[i], (void *)16, self->len),
			     EFAULT);
	}
	check_usable(self);
}

/* Half of the struct is readable, half is not. */
TEST_F(keys, torn_pointer)
{
	uint8_t *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *torn = page + 4096 - self->len / 2;

	ASSERT_NE(page, MAP_FAILED);
	ASSERT_EQ(mprotect(page + 4096, 4096, PROT_NONE), 0);
	memcpy(torn, self->info.bytes, self->len / 2);
	for (int i = 0; i < 2; i++)
		EXPECT_ERRNO(setsockopt(self->fd, SOL_TLS, directions[i], torn, self->len), EFAULT);
	check_usable(self);
}

/* The struct of another cipher has to have that cipher's size; TLS 1.3 has no ARIA. */
TEST_F(keys, other_cipher)
{
	for (size_t i = 0; i < 2 * CONN_SUITE_COUNT; i++) {
		const struct conn_suite *other = &conn_suites[i / 2];
		bool is_aria = other->ref_cipher >= REF_ARIA_GCM_128;
		int direction = directions[i % 2];

		self->info.known.info.cipher_type = other->cipher;
		EXPECT_ERRNO(set_info(self, direction, other->info_len - 1), EINVAL);
		EXPECT_ERRNO(set_info(self, direction, other->info_len + 1), EINVAL);
		if (is_aria && variant->suite->version == REF_TLS13)
			EXPECT_ERRNO(set_info(self, direction, other->info_len), EINVAL);
	}
	check_usable(self);
}

/* TLS 1.2 has none; in TLS 1.3 the same again changes nothing (others: rekey.c). */
TEST_F(keys, second_key)
{
	bool may_rekey = variant->suite->version == REF_TLS13 && !conn_is_intree();
	int second = may_rekey ? 0 : -EBUSY;
	struct ref_key other;
	struct ref_stream stream;

	ref_stream_init(&stream, &self->conn.key[0]);
	ref_key_make(&other, variant->suite->version, variant->suite->ref_cipher, 999);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(conn_set_key(self->fd, directions[i], &self->conn.key[i]), 0);
		EXPECT_EQ(conn_set_key(self->fd, directions[i], &self->conn.key[i]), second);
		if (variant->suite->version == REF_TLS12)
			EXPECT_EQ(conn_set_key(self->fd, directions[i], &other), -EBUSY);
	}
	EXPECT_EQ(send(self->fd, "old key", 7, 0), 7);
	EXPECT_EQ(ref_stream_read(&stream, self->conn.fd[1], 7), 0);
	EXPECT_MEM_EQ(stream.plain, "old key", 7);
}

/* Both directions of a connection share version and cipher. */
TEST_F(keys, directions_differ)
{
	for (size_t i = 0; i < CONN_SUITE_COUNT; i++) {
		struct ref_key other;

		ref_key_make(&other, conn_suites[i].version, conn_suites[i].ref_cipher, 1);
		if (i == 0)
			ASSERT_EQ(set_info(self, TLS_TX, self->len), 0);
		if (&conn_suites[i] != variant->suite)
			EXPECT_EQ(conn_set_key(self->fd, TLS_RX, &other), -EINVAL);
	}
	EXPECT_EQ(set_info(self, TLS_RX, self->len), 0);
}

TEST_F(keys, not_attached)
{
	EXPECT_EQ(conn_set_key(self->conn.fd[1], TLS_TX, &self->conn.key[0]), -ENOPROTOOPT);
}

TEST_F(keys, get_exact_sizes)
{
	uint8_t out[256];

	for (int i = 0; i < 2; i++) {
		EXPECT_ERRNO(get_info(self, directions[i], out, HEADER_LEN), EBUSY);
		EXPECT_ERRNO(get_info(self, directions[i], out, self->len), EBUSY);
		ASSERT_EQ(set_info(self, directions[i], self->len), 0);
		for (socklen_t len = 0; len < sizeof(out); len++) {
			if (len != HEADER_LEN && len != self->len)
				EXPECT_ERRNO(get_info(self, directions[i], out, len), EINVAL);
		}
	}
}

TEST_F(keys, get_header)
{
	uint8_t out[HEADER_LEN + 1];

	for (int i = 0; i < 2; i++) {
		memset(out, 0x77, sizeof(out));
		ASSERT_EQ(set_info(self, directions[i], self->len), 0);
		EXPECT_EQ(get_info(self, directions[i], out, HEADER_LEN), 0);
		EXPECT_MEM_EQ(out, self->info.bytes, HEADER_LEN);
		EXPECT_EQ(out[HEADER_LEN], 0x77);
	}
}

TEST_F(keys, get_pointer)
{
	ASSERT_EQ(set_info(self, TLS_TX, self->len), 0);
	EXPECT_ERRNO(get_info(self, TLS_TX, (void *)16, self->len), EFAULT);
	EXPECT_ERRNO(getsockopt(self->fd, SOL_TLS, TLS_TX, self->info.bytes, NULL), EFAULT);
}

/* What getsockopt() says must be what a second owner needs to go on from here. */
static void check_state(struct keys_self *self, int direction, const struct ref_key *key)
{
	union conn_info expected, got;
	socklen_t len = conn_make_info(key, &expected);

	memset(&got, 0x55, sizeof(got));
	ASSERT_EQ(get_info(self, direction, &got, len), 0);
	EXPECT_MEM_EQ(&got, &expected, len);
}

TEST_F(keys, get_state_tx)
{
	struct ref_stream stream;

	ref_stream_init(&stream, &self->conn.key[0]);
	ASSERT_EQ(set_info(self, TLS_TX, self->len), 0);
	check_state(self, TLS_TX, &self->conn.key[0]);
	for (int i = 1; i <= 5; i++) {
		ASSERT_EQ(send(self->fd, "record", 6, 0), 6);
		EXPECT_EQ(ref_stream_read_records(&stream, self->conn.fd[1], i), 0);
		check_state(self, TLS_TX, &stream.key);
	}
}

TEST_F(keys, get_state_rx)
{
	char text[8];

	ASSERT_EQ(conn_attach(self->conn.fd[1]), 0);
	self->fd = self->conn.fd[1];
	ASSERT_EQ(set_info(self, TLS_RX, self->len), 0);
	check_state(self, TLS_RX, &self->conn.key[0]);
	for (int i = 1; i <= 5; i++) {
		ASSERT_GT(conn_send_record(&self->conn, REF_DATA, "record", 6, NULL), 0);
		EXPECT_EQ(recv(self->fd, text, sizeof(text), 0), 6);
		check_state(self, TLS_RX, &self->conn.key[0]);
	}
}

/* Records that came before the key did belong to it. */
TEST_F(keys, key_meets_queue)
{
	const struct ref_key first = self->conn.key[0];
	uint8_t got[3000], sent[3000];

	conn_fill(sent, sizeof(sent), 5);
	for (int i = 0; i < 3; i++)
		ASSERT_GT(conn_send_record(&self->conn, REF_DATA, sent + i * 1000, 1000, NULL), 0);
	usleep(50000);
	ASSERT_EQ(conn_attach(self->conn.fd[1]), 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[1], TLS_RX, &first), 0);
	EXPECT_EQ(recv(self->conn.fd[1], got, sizeof(got), MSG_WAITALL), sizeof(got));
	EXPECT_MEM_EQ(got, sent, sizeof(got));
}

KTAP_MAIN()
