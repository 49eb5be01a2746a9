// SPDX-License-Identifier: MIT
/*
 * Owns: who has the ULP name "tls": given back and taken again under load, and
 * the stock tls.ko and bonding.ko loaded and unloaded beside us in both orders.
 * Must not know: how the name is registered.
 * Concurrency: the name belongs to the whole machine. The order of the tests
 * matters: once the stock module came second it stays, until the next boot.
 * Follows: DESIGN.md 3.
 */
#include "ktap.h"
#include "conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>

#include "modules.h"

#define PARAMETER	"/sys/module/ktlsx/parameters/own_tls"
#define NOBODY		65534

FIXTURE(name) {
	struct conn conn;
};

FIXTURE_VARIANT(name) {
	enum conn_shape shape;
};

static void own_tls(bool own)
{
	int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC);

	ASSERT_EQ(write(fd, own ? "1" : "0", 1), 1);
	close(fd);
}

static void need_guest(void)
{
	SKIP_INTREE("it is not the module under test");
	if (access(MODULES_OURS, R_OK) || geteuid())
		SKIP("not a guest of selftests/vm, whose modules may come and go");
	if (access(PARAMETER, W_OK))
		SKIP("the module under test is not loaded");
	own_tls(true);
}

FIXTURE_VARIANT_ADD(name, lo) = { CONN_LO };

FIXTURE_SETUP(name)
{
	need_guest();
	CONN_TRY(conn_open(&self->conn, &conn_suites[CONN_13_GCM128], CONN_LO, AF_INET));
}

static int attach_tls(int fd)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 3) ? -errno : 0;
}

/* As a user for whom the kernel loads no module. Return: as attach_tls(). */
static int attach_tls_unprivileged(void)
{
	pid_t child = fork();
	int status, fd[2];

	if (!child) {
		if (conn_pair(fd, CONN_LO, AF_INET) || setgid(NOBODY) || setuid(NOBODY))
			_exit(255);
		_exit(-attach_tls(fd[0]));
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	ASSERT_TRUE(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/* Records go both ways over a connection that asked for "tls". */
static void check_works(struct conn *conn)
{
	char text[8];

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(send(conn->fd[i], "record", 6, 0), 6);
		ASSERT_EQ(recv(conn->fd[!i], text, sizeof(text), 0), 6);
		EXPECT_MEM_EQ(text, "record", 6);
	}
}

static void open_tls(struct conn *conn)
{
	ASSERT_EQ(conn_pair(conn->fd, CONN_LO, AF_INET), 0);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(attach_tls(conn->fd[i]), 0);
		ASSERT_EQ(conn_set_key(conn->fd[i], TLS_TX, &conn->key[i]), 0);
		ASSERT_EQ(conn_set_key(conn->fd[i], TLS_RX, &conn->key[!i]), 0);
	}
	check_works(conn);
}

static void close_both(struct conn *conn)
{
	for (int i = 0; i < 2; i++)
		close(conn->fd[i]);
}

/* Whose the name is shows in whose counters move. */
static void expect_tls_is(bool ours, struct conn *conn)
{
	long long before = conn_stat("TotalTx");

	open_tls(conn);
	EXPECT_EQ(conn_stat("TotalTx") - before, ours ? 2 : 0);
	close_both(conn);
}

TEST_F(name, is_ours)
{
	char text[32] = "";
	socklen_t len = sizeof(text);

	close_both(&self->conn);
	open_tls(&self->conn);
	EXPECT_EQ(getsockopt(self->conn.fd[0], IPPROTO_TCP, TCP_ULP, text, &len), 0);
	EXPECT_EQ(strcmp(text, "tls"), 0);
	close_both(&self->conn);
	expect_tls_is(true, &self->conn);
}

/* Without it no new socket gets us by that name; those that did go on. */
TEST_F(name, given_back)
{
	close_both(&self->conn);
	open_tls(&self->conn);
	own_tls(false);
	own_tls(false);
	EXPECT_EQ(attach_tls_unprivileged(), -ENOENT);
	check_works(&self->conn);
	own_tls(true);
	own_tls(true);
	EXPECT_EQ(attach_tls_unprivileged(), 0);
	check_works(&self->conn);
	close_both(&self->conn);
}

TEST_F(name, wrong_value)
{
	int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC);

	EXPECT_ERRNO(write(fd, "perhaps", 7), EINVAL);
	EXPECT_EQ(attach_tls_unprivileged(), 0);
}

struct load {
	pthread_t thread;
	struct conn conn;
	atomic_bool stop;
	unsigned int turns;
};

static void *load_connection(void *arg)
{
	struct load *load = arg;
	static char sent[20000], got[20000];

	while (!atomic_load(&load->stop)) {
		ASSERT_EQ(send(load->conn.fd[0], sent, sizeof(sent), 0), sizeof(sent));
		ASSERT_EQ(conn_recv_all(load->conn.fd[1], got, sizeof(got), 0), sizeof(got));
		load->turns++;
	}
	return NULL;
}

TEST_F_TIMEOUT(name, toggled_under_load, 30)
{
	struct load load = { .conn = self->conn };
	int ret, attached_count = 0;

	close_both(&load.conn);
	open_tls(&load.conn);
	ASSERT_EQ(pthread_create(&load.thread, NULL, load_connection, &load), 0);
	for (int i = 0; i < 30; i++) {
		own_tls(i % 2);
		ret = attach_tls_unprivileged();
		EXPECT_TRUE(ret == (i % 2 ? 0 : -ENOENT));
		attached_count += !ret;
	}
	atomic_store(&load.stop, true);
	pthread_join(load.thread, NULL);
	EXPECT_GT(load.turns, 0);
	EXPECT_EQ(attached_count, 15);
}

FIXTURE(stock) {
	struct conn conn;
};

FIXTURE_VARIANT(stock) {
	const char *name;
};

FIXTURE_VARIANT_ADD(stock, tls) = { "tls" };
FIXTURE_VARIANT_ADD(stock, bonding) = { "bonding" };

FIXTURE_SETUP(stock)
{
	need_guest();
	CONN_TRY(conn_open(&self->conn, &conn_suites[CONN_13_GCM128], CONN_LO, AF_INET));
	close_both(&self->conn);
}

static void probe(const char *name)
{
	if (modules_probe(NULL, name))
		SKIP("the stock module %s, or modprobe", name);
}

/* It has the name when it comes first; then it can go as ever, and we take the name again. */
TEST_F_TIMEOUT(stock, comes_first, 30)
{
	bool is_bonding = !strcmp(variant->name, "bonding");

	if (modules_is_loaded("tls"))
		SKIP("a boot in which the stock tls.ko was not loaded yet");
	own_tls(false);
	probe(variant->name);
	expect_tls_is(false, &self->conn);
	own_tls(true);
	expect_tls_is(false, &self->conn);
	if (is_bonding)
		EXPECT_EQ(modules_unload_soon("bonding"), 0);
	EXPECT_EQ(modules_unload_soon("tls"), 0);
	own_tls(false);
	own_tls(true);
	expect_tls_is(true, &self->conn);
}

/* Coming second it loads, for those who need its symbols; unloading it would kill the machine. */
TEST_F_TIMEOUT(stock, comes_second, 30)
{
	probe(variant->name);
	expect_tls_is(true, &self->conn);
	if (!strcmp(variant->name, "bonding"))
		EXPECT_EQ(modules_unload_soon("bonding"), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(modules_unload("tls"), -EWOULDBLOCK);
	expect_tls_is(true, &self->conn);
}

/* As an administrator does it: modprobe -r goes for tls.ko too. */
TEST_F_TIMEOUT(stock, removed_by_modprobe, 30)
{
	probe(variant->name);
	modules_probe("-r", variant->name);
	EXPECT_TRUE(modules_is_loaded("tls"));
	expect_tls_is(true, &self->conn);
}

/* Giving the name back does not make it safe to unload what never had it. */
TEST_F_TIMEOUT(stock, stays_when_given_back, 30)
{
	probe(variant->name);
	own_tls(false);
	EXPECT_EQ(attach_tls_unprivileged(), -ENOENT);
	modules_probe("-r", variant->name);
	EXPECT_EQ(modules_unload("tls"), -EWOULDBLOCK);
	own_tls(true);
	expect_tls_is(true, &self->conn);
}

/* Nor does our going. */
TEST_F_TIMEOUT(stock, stays_when_we_go, 30)
{
	char parameters[200];

	probe(variant->name);
	modules_parameters(parameters, sizeof(parameters));
	EXPECT_EQ(modules_unload_soon("ktlsx"), 0);
	modules_probe("-r", variant->name);
	EXPECT_EQ(modules_unload("tls"), -EWOULDBLOCK);
	ASSERT_EQ(modules_load_ours(parameters), 0);
	expect_tls_is(true, &self->conn);
}

KTAP_MAIN()
