// SPDX-License-Identifier: MIT
/*
 * Owns: /proc/net/ktlsx_stat: that each record and byte is counted once, under
 * the way it went, in its own network namespace.
 * Must not know: anything else about records.
 * Concurrency: none; each test has a namespace, and so counters, of its own.
 * Follows: the counter list of README.md.
 */
#include "ktap.h"
#include "conn.h"

#include <sys/sendfile.h>
#include <linux/ktlsx.h>

FIXTURE(stat) {
	struct conn conn;
	uint8_t buf[40000];
};

FIXTURE_VARIANT(stat) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(stat, lo, CONN_LO);

FIXTURE_SETUP(stat)
{
	SKIP_INTREE("it has counters of its own, and fewer");
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_attach(self->conn.fd[0]));
	CONN_TRY(conn_attach(self->conn.fd[1]));
	conn_fill(self->buf, sizeof(self->buf), 70);
}

struct count {
	const char *name;
	long long value;
};

static void check(const struct count *counts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		long long value = conn_stat(counts[i].name);

		if (value != counts[i].value)
			ktap_diag("counter %s", counts[i].name);
		EXPECT_EQ(value, counts[i].value);
	}
}

TEST_F(stat, sockets)
{
	static const struct count none[] = {
		{ "CurrTx", 0 }, { "CurrRx", 0 }, { "TotalTx", 0 }, { "TotalRx", 0 },
	};
	static const struct count open[] = {
		{ "CurrTx", 2 }, { "CurrRx", 1 }, { "TotalTx", 2 }, { "TotalRx", 1 },
	};
	static const struct count closed[] = {
		{ "CurrTx", 0 }, { "CurrRx", 0 }, { "TotalTx", 2 }, { "TotalRx", 1 },
	};

	check(none, 4);
	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]), 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[1], TLS_TX, &self->conn.key[1]), 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[1], TLS_RX, &self->conn.key[0]), 0);
	check(open, 4);
	/* Neither a refused key nor a new one is another socket. */
	EXPECT_EQ(conn_set_key(self->conn.fd[1], TLS_RX, &self->conn.key[0]),
		  variant->suite->version == REF_TLS12 ? -EBUSY : 0);
	check(open, 4);
	ASSERT_EQ(close(self->conn.fd[0]), 0);
	ASSERT_EQ(close(self->conn.fd[1]), 0);
	for (int i = 0; i < 50 && conn_stat("CurrTx") + conn_stat("CurrRx") > 0; i++)
		usleep(20000);
	check(closed, 4);
}

TEST_F(stat, sent)
{
	static const struct count counts[] = {
		{ "TxSendRecords", 4 }, { "TxSendBytes", 20006 },
		{ "TxSendfileRecords", 3 }, { "TxSendfileBytes", 33000 },
		{ "TxControlRecords", 2 }, { "TxControlBytes", 102 },
	};
	int file = conn_memfd(self->buf, sizeof(self->buf)), fd = self->conn.fd[0];
	struct ref_stream stream;
	off_t off = 100;

	ASSERT_EQ(conn_set_key(fd, TLS_TX, &self->conn.key[0]), 0);
	ref_stream_init(&stream, &self->conn.key[0]);
	EXPECT_EQ(send(fd, self->buf, 20000, 0), 20000);
	EXPECT_EQ(send(fd, self->buf, 4, MSG_MORE), 4);
	EXPECT_EQ(send(fd, self->buf, 1, 0), 1);
	EXPECT_EQ(send(fd, self->buf, 0, 0), 0);
	EXPECT_EQ(send(fd, self->buf, 1, 0), 1);
	EXPECT_EQ(sendfile(fd, file, &off, 33000), 33000);
	EXPECT_EQ(conn_send_type(fd, REF_ALERT, self->buf, 2, 0), 2);
	EXPECT_EQ(conn_send_type(fd, REF_HANDSHAKE, self->buf, 100, 0), 100);
	EXPECT_EQ(ref_stream_read_records(&stream, self->conn.fd[1], 9), 0);
	check(counts, 6);
}

TEST_F(stat, received)
{
	static const struct count counts[] = {
		{ "RxRecvRecords", 2 }, { "RxRecvBytes", 5000 },
		{ "RxSpliceRecords", 1 }, { "RxSpliceBytes", 3000 },
		{ "RxControlRecords", 1 }, { "RxControlBytes", 50 },
		{ "RxAuthFail", 1 }, { "RxBadRecord", 0 },
	};
	const struct ref_twist twist = { .bad_tag = true };
	int fd = self->conn.fd[1], pipe_fd[2];
	uint8_t got[6000], type;

	ASSERT_EQ(pipe(pipe_fd), 0);
	ASSERT_EQ(conn_set_key(fd, TLS_RX, &self->conn.key[0]), 0);
	conn_send_record(&self->conn, REF_DATA, self->buf, 2000, NULL);
	conn_send_record(&self->conn, REF_DATA, self->buf, 3000, NULL);
	EXPECT_EQ(recv(fd, got, 100, MSG_PEEK), 100);
	EXPECT_EQ(recv(fd, got, 5000, MSG_WAITALL), 5000);
	conn_send_record(&self->conn, REF_DATA, self->buf, 3000, NULL);
	EXPECT_EQ(splice(fd, NULL, pipe_fd[1], NULL, 5000, 0), 3000);
	conn_send_record(&self->conn, REF_HANDSHAKE, self->buf, 50, NULL);
	EXPECT_EQ(conn_recv_type(fd, &type, got, sizeof(got), 0), 50);
	conn_send_record(&self->conn, REF_DATA, self->buf, 50, &twist);
	EXPECT_ERRNO(recv(fd, got, 100, 0), EBADMSG);
	EXPECT_ERRNO(recv(fd, got, 100, 0), EBADMSG);
	check(counts, 8);
}

/* Set aside, read with room (not counted), and pushed out by others. */
TEST_F(stat, tickets)
{
	static const struct count counts[] = {
		{ "RxTickets", 10 }, { "RxTicketsDropped", 2 },
		{ "RxControlRecords", 11 }, { "RxControlBytes", 110 },
		{ "RxRecvRecords", 1 }, { "RxRecvBytes", 50 },
	};
	static const uint8_t ticket[10] = { 4, 0, 0, 6 };
	uint32_t on = 1;
	int fd = self->conn.fd[1];
	uint8_t got[100], type;

	if (variant->suite->version == REF_TLS12)
		return;
	ASSERT_EQ(conn_set_key(fd, TLS_RX, &self->conn.key[0]), 0);
	ASSERT_EQ(setsockopt(fd, SOL_TLS, KTLSX_CONTROL, &on, sizeof(on)), 0);
	conn_send_record(&self->conn, REF_HANDSHAKE, ticket, sizeof(ticket), NULL);
	EXPECT_EQ(conn_recv_type(fd, &type, got, sizeof(got), 0), sizeof(ticket));
	for (int i = 0; i < 10; i++)
		conn_send_record(&self->conn, REF_HANDSHAKE, ticket, sizeof(ticket), NULL);
	conn_send_record(&self->conn, REF_DATA, self->buf, 50, NULL);
	EXPECT_EQ(recv(fd, got, sizeof(got), 0), 50);
	check(counts, 6);
}

TEST_F(stat, bad_header)
{
	static const struct count counts[] = { { "RxAuthFail", 0 }, { "RxBadRecord", 1 } };
	const struct ref_twist twist = { .version = 0x0301 };
	uint8_t got[100];

	ASSERT_EQ(conn_set_key(self->conn.fd[1], TLS_RX, &self->conn.key[0]), 0);
	conn_send_record(&self->conn, REF_DATA, self->buf, 50, &twist);
	EXPECT_ERRNO(recv(self->conn.fd[1], got, 100, 0), EINVAL);
	EXPECT_ERRNO(recv(self->conn.fd[1], got, 100, 0), EINVAL);
	check(counts, 2);
}

KTAP_MAIN()
