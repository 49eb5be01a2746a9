// SPDX-License-Identifier: MIT
/*
 * Owns: unloading the module: refused while any socket has it, orphans too,
 * clean afterwards, and safe while others attach.
 * Must not know: what the sockets do with it.
 * Concurrency: the module belongs to the whole machine: each test waits for
 * what earlier ones left, and leaves the module loaded with its parameters.
 * Follows: DESIGN.md 3 ("Unload"); delete_module(2).
 */
#include "ktap.h"
#include "conn.h"

#include <poll.h>
#include <stdatomic.h>

#include "modules.h"

FIXTURE(unload) {
	struct conn conn;
	char parameters[200];
	uint8_t buf[5000];
};

FIXTURE_VARIANT(unload) {
	int family;
};

FIXTURE_VARIANT_ADD(unload, ipv4) = { AF_INET };
FIXTURE_VARIANT_ADD(unload, ipv6) = { AF_INET6 };

FIXTURE_SETUP(unload)
{
	SKIP_INTREE("it is not the module under test");
	if (access(MODULES_OURS, R_OK) || geteuid())
		SKIP("this is not a guest of selftests/vm, whose module may be unloaded");
	CONN_TRY(conn_open(&self->conn, &conn_suites[CONN_13_GCM128], CONN_LO, variant->family));
	modules_parameters(self->parameters, sizeof(self->parameters));
	conn_fill(self->buf, sizeof(self->buf), 97);
}

static void expect_refused(void)
{
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(modules_unload("ktlsx"), -EWOULDBLOCK);
		usleep(20000);
	}
}

/* Only now may it go; and it comes back as it was. */
static void expect_reloads(struct unload_self *self)
{
	EXPECT_EQ(modules_unload_soon("ktlsx"), 0);
	EXPECT_FALSE(modules_is_loaded("ktlsx"));
	EXPECT_EQ(conn_stat("TotalTx"), -1);
	EXPECT_EQ(modules_load_ours(self->parameters), 0);
	EXPECT_EQ(conn_stat("TotalTx"), 0);
}

static void close_both(struct unload_self *self)
{
	for (int i = 0; i < 2; i++)
		close(self->conn.fd[i]);
}

TEST_F_TIMEOUT(unload, with_keys, 30)
{
	char text[8];

	ASSERT_EQ(conn_both(&self->conn), 0);
	expect_refused();
	EXPECT_EQ(send(self->conn.fd[0], "alive", 5, 0), 5);
	EXPECT_EQ(recv(self->conn.fd[1], text, sizeof(text), 0), 5);
	close_both(self);
	expect_reloads(self);
}

TEST_F_TIMEOUT(unload, without_keys, 30)
{
	ASSERT_EQ(conn_attach(self->conn.fd[0]), 0);
	expect_refused();
	close_both(self);
	expect_reloads(self);
}

/* Return: bytes accepted until neither we nor TCP take more. */
static size_t fill(struct unload_self *self)
{
	struct pollfd pfd = { .fd = self->conn.fd[0], .events = POLLOUT };
	size_t len = 0;
	ssize_t done;

	do {
		while ((done = send(pfd.fd, self->buf, sizeof(self->buf), MSG_DONTWAIT)) > 0)
			len += done;
	} while (poll(&pfd, 1, 80));
	return len;
}

/* Closed, and still sending: nobody has a descriptor of it any more. */
TEST_F_TIMEOUT(unload, with_orphan, 40)
{
	struct ref_stream stream;
	size_t len;

	ASSERT_EQ(conn_tx(&self->conn), 0);
	len = fill(self);
	close(self->conn.fd[0]);
	expect_refused();
	ref_stream_init(&stream, &self->conn.key[0]);
	EXPECT_EQ(ref_stream_read_eof(&stream, self->conn.fd[1]), 0);
	EXPECT_EQ(stream.plain_len, len);
	close(self->conn.fd[1]);
	expect_reloads(self);
}

/* Closed without keys, its FIN not answered. */
TEST_F_TIMEOUT(unload, with_keyless_orphan, 40)
{
	ASSERT_EQ(conn_attach(self->conn.fd[0]), 0);
	fill(self);
	close(self->conn.fd[0]);
	expect_refused();
	close(self->conn.fd[1]);
	expect_reloads(self);
}

TEST_F_TIMEOUT(unload, again_and_again, 40)
{
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(conn_both(&self->conn), 0);
		ASSERT_EQ(send(self->conn.fd[i % 2], self->buf, sizeof(self->buf), 0),
			  sizeof(self->buf));
		close_both(self);
		expect_reloads(self);
		ASSERT_EQ(conn_pair(self->conn.fd, CONN_LO, variant->family), 0);
	}
	close_both(self);
}

struct attacher {
	pthread_t thread;
	atomic_bool stop;
	int family;
	unsigned int attached_count;
};

static void *attach_always(void *arg)
{
	struct attacher *attacher = arg;
	int fd[2];

	while (!atomic_load(&attacher->stop)) {
		int ret;

		ASSERT_EQ(conn_pair(fd, CONN_LO, attacher->family), 0);
		ret = conn_attach(fd[0]);
		EXPECT_TRUE(ret == 0 || ret == -ENOENT);
		attacher->attached_count += !ret;
		for (int i = 0; i < 2; i++)
			close(fd[i]);
	}
	return NULL;
}

TEST_F_TIMEOUT(unload, while_others_attach, 40)
{
	struct attacher attacher = { .family = variant->family };
	int unloaded_count = 0;

	close_both(self);
	ASSERT_EQ(pthread_create(&attacher.thread, NULL, attach_always, &attacher), 0);
	for (int i = 0; i < 400 && unloaded_count < 5; i++) {
		int ret = modules_unload("ktlsx");

		EXPECT_TRUE(ret == 0 || ret == -EWOULDBLOCK);
		if (!ret)
			ASSERT_EQ(modules_load_ours(self->parameters), 0);
		unloaded_count += !ret;
		usleep(5000);
	}
	atomic_store(&attacher.stop, true);
	pthread_join(attacher.thread, NULL);
	ktap_diag("attached %u times, unloaded %d times", attacher.attached_count, unloaded_count);
	EXPECT_GT(attacher.attached_count, 0);
}

KTAP_MAIN()
