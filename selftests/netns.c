// SPDX-License-Identifier: MIT
/*
 * Owns: network namespaces: counters belong to the socket's, whoever uses it,
 * and a namespace may die with connections in it.
 * Must not know: where the counters are kept.
 * Concurrency: child processes in namespaces of their own.
 * Follows: DESIGN.md 3 (pernet); network_namespaces(7).
 */
#include "ktap.h"
#include "conn.h"

#include <sched.h>

#include "netshape.h"

FIXTURE(net) {
	struct conn conn;
};

FIXTURE_VARIANT(net) {
	int family;
};

FIXTURE_VARIANT_ADD(net, ipv4) = { AF_INET };
FIXTURE_VARIANT_ADD(net, ipv6) = { AF_INET6 };

FIXTURE_SETUP(net)
{
	CONN_TRY(conn_open(&self->conn, &conn_suites[CONN_12_GCM128], CONN_LO, variant->family));
	CONN_TRY(conn_attach(self->conn.fd[0]));
	SKIP_INTREE("its counters have another file");
}

static void install(struct net_self *self)
{
	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]), 0);
	ASSERT_EQ(conn_rx(&self->conn), 0);
}

static void expect_sockets(long long current, long long total)
{
	EXPECT_EQ(conn_stat("CurrTx"), current);
	EXPECT_EQ(conn_stat("CurrRx"), current);
	EXPECT_EQ(conn_stat("TotalTx"), total);
	EXPECT_EQ(conn_stat("TotalRx"), total);
}

/* Return: in the child: it runs in a new namespace. The parent waits for it first. */
static bool in_new_namespace(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		ASSERT_EQ(unshare(CLONE_NEWNET), 0);
		return true;
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	return false;
}

TEST_F(net, starts_at_zero)
{
	expect_sockets(0, 0);
	install(self);
	expect_sockets(1, 1);
	if (in_new_namespace()) {
		expect_sockets(0, 0);
		EXPECT_EQ(conn_stat("TxSendRecords"), 0);
		_exit(0);
	}
	expect_sockets(1, 1);
}

/* What a process elsewhere does with the socket is counted where the socket lives. */
TEST_F(net, counts_where_the_socket_is)
{
	char text[8];

	if (in_new_namespace()) {
		install(self);
		EXPECT_EQ(send(self->conn.fd[0], "hello", 5, 0), 5);
		EXPECT_EQ(recv(self->conn.fd[1], text, sizeof(text), 0), 5);
		expect_sockets(0, 0);
		EXPECT_EQ(conn_stat("TxSendRecords"), 0);
		EXPECT_EQ(conn_stat("RxRecvRecords"), 0);
		_exit(0);
	}
	expect_sockets(1, 1);
	EXPECT_EQ(conn_stat("TxSendRecords"), 1);
	EXPECT_EQ(conn_stat("TxSendBytes"), 5);
	EXPECT_EQ(conn_stat("RxRecvRecords"), 1);
	EXPECT_EQ(conn_stat("RxRecvBytes"), 5);
	for (int i = 0; i < 2; i++)
		close(self->conn.fd[i]);
	for (unsigned int i = 0; i < 100 * ktap_slow() && conn_stat("CurrTx"); i++)
		usleep(20000);
	expect_sockets(0, 1);
}

/* Everything that can be inside a connection, in a namespace that only it keeps alive. */
static void die_with_connection(int turn)
{
	static char text[16384];
	struct conn conn = { 0 };

	ASSERT_EQ(netshape_lo_up(), 0);
	for (int i = 0; i < 2; i++)
		ref_key_make(&conn.key[i], REF_TLS13, REF_AES_GCM_128, turn);
	ASSERT_EQ(conn_pair(conn.fd, CONN_LO, AF_INET), 0);
	ASSERT_EQ(conn_both(&conn), 0);
	ASSERT_EQ(send(conn.fd[0], "hello", 5, 0), 5);
	ASSERT_EQ(recv(conn.fd[1], text, 2, 0), 2);
	if (turn % 2)
		while (send(conn.fd[1], text, sizeof(text), MSG_DONTWAIT) > 0)
			;
	ASSERT_EQ(send(conn.fd[0], "more", 4, MSG_MORE), 4);
	if (turn % 3)
		close(conn.fd[turn % 3 - 1]);
	_exit(0);
}

TEST_F_TIMEOUT(net, dies_with_connections, 30)
{
	char text[8];

	install(self);
	for (int turn = 0; turn < 6; turn++)
		if (in_new_namespace())
			die_with_connection(turn);
	EXPECT_EQ(send(self->conn.fd[0], "hello", 5, 0), 5);
	EXPECT_EQ(recv(self->conn.fd[1], text, sizeof(text), 0), 5);
	expect_sockets(1, 1);
}

KTAP_MAIN()
