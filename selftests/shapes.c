// SPDX-License-Identifier: MIT
/*
 * Owns: the proof that the four network shapes are what they are called; else
 * the tests in them would prove nothing.
 * Must not know: TLS; these sockets are plain TCP.
 * Concurrency: a thread sends while the test reads.
 * Follows: tcp(7), tc-netem(8).
 */
#include "ktap.h"
#include "conn.h"

#include <linux/tcp.h>
#include <netinet/in.h>

#define LEN	(4 << 20)

FIXTURE(shape) {
	struct conn conn;
	struct tcp_info info;
	uint8_t *buf;
	uint8_t *got;
};

FIXTURE_VARIANT(shape) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_VARIANT(shape, lo, CONN_13_GCM128, CONN_LO);
CONN_VARIANT(shape, mtu1500, CONN_13_GCM128, CONN_MTU1500);
CONN_VARIANT(shape, netem, CONN_13_GCM128, CONN_NETEM);
CONN_VARIANT(shape, small, CONN_13_GCM128, CONN_SMALL);

FIXTURE_SETUP(shape)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	self->buf = malloc(LEN);
	self->got = malloc(LEN);
	conn_fill(self->buf, LEN, 80);
}

static void transfer(struct shape_self *self, size_t len)
{
	socklen_t info_len = sizeof(self->info);
	struct conn_job job;

	ASSERT_EQ(conn_send_start(&job, self->conn.fd[0], self->buf, len, len), 0);
	ASSERT_EQ(conn_recv_all(self->conn.fd[1], self->got, len, 0), len);
	EXPECT_EQ(conn_job_end(&job), len);
	EXPECT_MEM_EQ(self->got, self->buf, len);
	ASSERT_EQ(getsockopt(self->conn.fd[0], IPPROTO_TCP, TCP_INFO, &self->info, &info_len), 0);
}

TEST_F(shape, segment_size)
{
	transfer(self, 100000);
	if (variant->shape == CONN_MTU1500 || variant->shape == CONN_NETEM)
		EXPECT_LE(self->info.tcpi_snd_mss, 1460);
	if (variant->shape == CONN_LO)
		EXPECT_GT(self->info.tcpi_snd_mss, 16384);
}

TEST_F(shape, receive_buffer)
{
	int rcvbuf = 0;
	socklen_t len = sizeof(rcvbuf);

	ASSERT_EQ(getsockopt(self->conn.fd[1], SOL_SOCKET, SO_RCVBUF, &rcvbuf, &len), 0);
	if (variant->shape == CONN_SMALL)
		EXPECT_LE(rcvbuf, 16384);	/* the kernel doubles what was asked for */
	else
		EXPECT_GT(rcvbuf, 65536);
}

/* Thousands of segments: without one loss at 2 % there is no netem. */
TEST_F_TIMEOUT(shape, loss, 60)
{
	if (variant->shape == CONN_SMALL)
		return;	/* one segment at a time: nothing to learn */
	transfer(self, LEN);
	if (variant->shape == CONN_NETEM) {
		EXPECT_GT(self->info.tcpi_total_retrans, 10);
		EXPECT_GE(self->info.tcpi_rtt, 1000);
	}
	ktap_diag("%u segments sent again, round trip %u us, segments of %u bytes",
		  self->info.tcpi_total_retrans, self->info.tcpi_rtt, self->info.tcpi_snd_mss);
}

KTAP_MAIN()
