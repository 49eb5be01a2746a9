// SPDX-License-Identifier: MIT
/*
 * Owns: every suite once through every way in and out of the socket, with the
 * reference codec (OpenSSL, libgcrypt) as the other end.
 * Must not know: what is the same for all suites, which other programs look at
 * with AES-GCM.
 * Concurrency: the test sends in a thread where the wire must drain meanwhile.
 * Follows: <linux/tls.h>; RFC 5288, 6655, 7905, 6209, 8446, 8998.
 */
#include "ktap.h"
#include "conn.h"

#include <fcntl.h>
#include <sys/sendfile.h>

#define BIG_LEN		(3 * REF_PLAIN_MAX + 777)

FIXTURE(cipher) {
	struct conn conn;
	struct ref_stream stream;
	uint8_t buf[BIG_LEN];
	uint8_t got[BIG_LEN];
};

FIXTURE_VARIANT(cipher) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(cipher, lo, CONN_LO);
CONN_VARIANT(cipher, lo_12_ccm128, CONN_12_CCM128, CONN_LO);
CONN_VARIANT(cipher, lo_13_ccm128, CONN_13_CCM128, CONN_LO);
CONN_VARIANT(cipher, lo_12_chacha, CONN_12_CHACHA, CONN_LO);
CONN_VARIANT(cipher, lo_13_chacha, CONN_13_CHACHA, CONN_LO);
CONN_VARIANT(cipher, lo_12_sm4_gcm, CONN_12_SM4_GCM, CONN_LO);
CONN_VARIANT(cipher, lo_13_sm4_gcm, CONN_13_SM4_GCM, CONN_LO);
CONN_VARIANT(cipher, lo_12_sm4_ccm, CONN_12_SM4_CCM, CONN_LO);
CONN_VARIANT(cipher, lo_13_sm4_ccm, CONN_13_SM4_CCM, CONN_LO);
CONN_VARIANT(cipher, lo_12_aria128, CONN_12_ARIA128, CONN_LO);
CONN_VARIANT(cipher, lo_12_aria256, CONN_12_ARIA256, CONN_LO);
CONN_VARIANT(cipher, mtu1500_12_chacha, CONN_12_CHACHA, CONN_MTU1500);
CONN_VARIANT(cipher, mtu1500_13_sm4_ccm, CONN_13_SM4_CCM, CONN_MTU1500);
CONN_VARIANT(cipher, small_12_sm4_gcm, CONN_12_SM4_GCM, CONN_SMALL);
CONN_VARIANT(cipher, small_12_aria256, CONN_12_ARIA256, CONN_SMALL);

FIXTURE_SETUP(cipher)
{
	if (conn_is_intree() && variant->suite->ref_cipher >= REF_SM4_GCM)
		SKIP("in-tree tls: Debian builds neither SM4 nor ARIA");
	ref_use_gcrypt();
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	ref_stream_init(&self->stream, &self->conn.key[0]);
	conn_fill(self->buf, sizeof(self->buf), 3);
}

/* By send, by sendfile, as a control record: the other end opens all of it. */
TEST_F(cipher, sealed)
{
	const int fd = self->conn.fd[0], raw_fd = self->conn.fd[1];
	int file = conn_memfd(self->buf, BIG_LEN);
	struct conn_job job;

	ASSERT_EQ(conn_tx(&self->conn), 0);
	ASSERT_EQ(conn_send_start(&job, fd, self->buf, BIG_LEN, 10000), 0);
	EXPECT_EQ(ref_stream_read(&self->stream, raw_fd, BIG_LEN), 0);
	EXPECT_EQ(conn_job_end(&job), BIG_LEN);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, BIG_LEN);
	EXPECT_EQ(sendfile(fd, file, NULL, 1000), 1000);
	EXPECT_EQ(ref_stream_read(&self->stream, raw_fd, BIG_LEN + 1000), 0);
	EXPECT_MEM_EQ(self->stream.plain + BIG_LEN, self->buf, 1000);
	EXPECT_EQ(conn_send_type(fd, REF_HANDSHAKE, "hello", 5, 0), 5);
	EXPECT_EQ(ref_stream_read(&self->stream, raw_fd, BIG_LEN + 1005), 0);
	EXPECT_EQ(self->stream.records[self->stream.record_count - 1].type, REF_HANDSHAKE);
}

/* Small, full and padded records of the other end; by recv, by splice. */
TEST_F(cipher, opened)
{
	const struct ref_twist padded = { .pad_len = 300 };
	const int fd = self->conn.fd[1];
	int ends[2];

	ASSERT_EQ(pipe(ends), 0);
	ASSERT_EQ(conn_rx(&self->conn), 0);
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf, 1, NULL), 0);
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf + 1, 99, &padded), 0);
	EXPECT_EQ(recv(fd, self->got, 100, MSG_WAITALL), 100);
	EXPECT_MEM_EQ(self->got, self->buf, 100);
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf, REF_PLAIN_MAX, NULL), 0);
	EXPECT_EQ(recv(fd, self->got, REF_PLAIN_MAX, MSG_WAITALL), REF_PLAIN_MAX);
	EXPECT_MEM_EQ(self->got, self->buf, REF_PLAIN_MAX);
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf, 500, NULL), 0);
	EXPECT_EQ(splice(fd, NULL, ends[1], NULL, 500, 0), 500);
	EXPECT_EQ(read(ends[0], self->got, 500), 500);
	EXPECT_MEM_EQ(self->got, self->buf, 500);
	EXPECT_EQ(conn_stat("RxAuthFail"), 0);
}

TEST_F(cipher, forged)
{
	const struct ref_twist forged = { .bad_text = true };
	const int fd = self->conn.fd[1];

	ASSERT_EQ(conn_rx(&self->conn), 0);
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf, 100, NULL), 0);
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf, 100, &forged), 0);
	EXPECT_EQ(recv(fd, self->got, 100, MSG_WAITALL), 100);
	EXPECT_MEM_EQ(self->got, self->buf, 100);
	memset(self->got, 0x5a, 100);
	EXPECT_ERRNO(recv(fd, self->got, 100, 0), EBADMSG);
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(self->got[i], 0x5a);
}

/* What getsockopt() gives is what another owner of the connection goes on with. */
TEST_F(cipher, exported)
{
	const int fd = self->conn.fd[0];
	union conn_info expected, got;
	socklen_t len, got_len;

	ASSERT_EQ(conn_tx(&self->conn), 0);
	for (int i = 1; i <= 3; i++) {
		ASSERT_EQ(send(fd, "record", 6, 0), 6);
		ASSERT_EQ(ref_stream_read_records(&self->stream, self->conn.fd[1], i), 0);
		len = conn_make_info(&self->stream.key, &expected);
		got_len = len;
		ASSERT_EQ(len, variant->suite->info_len);
		ASSERT_EQ(getsockopt(fd, SOL_TLS, TLS_TX, &got, &got_len), 0);
		EXPECT_MEM_EQ(&got, &expected, len);
	}
}

/* Both ends ours. */
TEST_F(cipher, both_ends)
{
	struct conn_job job;

	ASSERT_EQ(conn_both(&self->conn), 0);
	ASSERT_EQ(conn_send_start(&job, self->conn.fd[0], self->buf, BIG_LEN, BIG_LEN), 0);
	EXPECT_EQ(conn_recv_all(self->conn.fd[1], self->got, BIG_LEN, 0), BIG_LEN);
	EXPECT_EQ(conn_job_end(&job), BIG_LEN);
	EXPECT_MEM_EQ(self->got, self->buf, BIG_LEN);
	EXPECT_EQ(send(self->conn.fd[1], "back", 4, 0), 4);
	EXPECT_EQ(recv(self->conn.fd[0], self->got, 100, 0), 4);
	EXPECT_MEM_EQ(self->got, "back", 4);
}

TEST_F(cipher, rekeyed)
{
	const bool may_rekey = variant->suite->version == REF_TLS13;
	struct ref_key next;
	int ret = may_rekey ? 0 : -EBUSY;

	if (may_rekey)
		SKIP_INTREE("rekey came with a later kernel");
	ASSERT_EQ(conn_both(&self->conn), 0);
	ref_key_make(&next, variant->suite->version, variant->suite->ref_cipher, 77);
	EXPECT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &next), ret);
	EXPECT_EQ(conn_set_key(self->conn.fd[1], TLS_RX, &next), ret);
	EXPECT_EQ(send(self->conn.fd[0], "next", 4, 0), 4);
	EXPECT_EQ(recv(self->conn.fd[1], self->got, 100, 0), 4);
	EXPECT_MEM_EQ(self->got, "next", 4);
}

KTAP_MAIN()
