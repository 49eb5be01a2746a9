// SPDX-License-Identifier: MIT
/*
 * Owns: our sender against our receiver, both ways at once, IPv4 and IPv6, in
 * every network shape.
 * Must not know: what is on the wire.
 * Concurrency: a thread for each end and direction.
 * Follows: DESIGN.md 4 and 6.
 */
#include "ktap.h"
#include "conn.h"

FIXTURE(duplex) {
	struct conn conn;
	size_t len;
	uint8_t *sent[2];
	uint8_t *got[2];
};

FIXTURE_VARIANT(duplex) {
	const struct conn_suite *suite;
	enum conn_shape shape;
	bool is_ipv6;
};

CONN_SHAPE_VARIANTS(duplex);

FIXTURE_VARIANT_ADD(duplex, ipv6_12_gcm128) = {
	&conn_suites[CONN_12_GCM128], CONN_LO, true,
};

FIXTURE_VARIANT_ADD(duplex, ipv6_13_gcm256) = {
	&conn_suites[CONN_13_GCM256], CONN_LO, true,
};

FIXTURE_VARIANT_ADD(duplex, ipv6_mtu1500_13_gcm128) = {
	&conn_suites[CONN_13_GCM128], CONN_MTU1500, true,
};

FIXTURE_VARIANT_ADD(duplex, ipv6_small_13_gcm128) = {
	&conn_suites[CONN_13_GCM128], CONN_SMALL, true,
};

FIXTURE_SETUP(duplex)
{
	int family = variant->is_ipv6 ? AF_INET6 : AF_INET;

	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, family));
	CONN_TRY(conn_both(&self->conn));
	self->len = conn_big_len(variant->shape) / 2;
	for (int i = 0; i < 2; i++) {
		self->sent[i] = malloc(self->len);
		self->got[i] = malloc(self->len);
		conn_fill(self->sent[i], self->len, 50 + i);
	}
}

/* Sends and receives everything at once in chunks of these sizes. */
static void run(struct duplex_self *self, size_t send_len, size_t recv_len)
{
	struct conn_job senders[2], receivers[2];

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(conn_send_start(&senders[i], self->conn.fd[i], self->sent[i], self->len,
					  send_len), 0);
		ASSERT_EQ(conn_recv_start(&receivers[!i], self->conn.fd[!i], self->got[i],
					  self->len, recv_len), 0);
	}
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(conn_job_end(&senders[i]), self->len);
		EXPECT_EQ(conn_job_end(&receivers[!i]), self->len);
		EXPECT_MEM_EQ(self->got[i], self->sent[i], self->len);
	}
}

TEST_F_TIMEOUT(duplex, large_chunks, 40)
{
	run(self, 200000, 300000);
}

TEST_F_TIMEOUT(duplex, odd_chunks, 40)
{
	run(self, 20001, 7013);
}

TEST_F(duplex, ping_pong)
{
	static const size_t lens[] = {
		1, 15, 16, 17, 4095, 4096, 4097, 16383, 16384, 16385, 1, 60000, 2,
	};

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct conn_job job;
		int from = i % 2;

		ASSERT_EQ(conn_send_start(&job, self->conn.fd[from], self->sent[from] + i, lens[i],
					  lens[i]), 0);
		ASSERT_EQ(conn_recv_all(self->conn.fd[!from], self->got[from], lens[i], 0),
			  lens[i]);
		EXPECT_EQ(conn_job_end(&job), lens[i]);
		EXPECT_MEM_EQ(self->got[from], self->sent[from] + i, lens[i]);
	}
}

/* One side ends; the other still sends, then ends too. */
TEST_F(duplex, half_close)
{
	char text[8];

	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	EXPECT_EQ(recv(self->conn.fd[1], text, sizeof(text), 0), 0);
	EXPECT_EQ(send(self->conn.fd[1], "late", 4, 0), 4);
	EXPECT_EQ(recv(self->conn.fd[0], text, sizeof(text), 0), 4);
	EXPECT_MEM_EQ(text, "late", 4);
	ASSERT_EQ(close(self->conn.fd[1]), 0);
	EXPECT_EQ(recv(self->conn.fd[0], text, sizeof(text), 0), 0);
}

KTAP_MAIN()
