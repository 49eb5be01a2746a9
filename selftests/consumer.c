// SPDX-License-Identifier: MIT
/*
 * Owns: a consumer inside the kernel (selftests/consumer) that reads records by
 * read_sock, with callbacks that were there before the keys.
 * Must not know: how records are opened.
 * Concurrency: none.
 * Follows: DESIGN.md 4 and 6; in-tree read_sock (reference/ktls-peers.md 1.2).
 */
#include "ktap.h"
#include "conn.h"
#include "consumer/consumer.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define TEXT_LEN	(3 * REF_PLAIN_MAX)
#define MODULE		"/modules/ktlsx_consumer.ko"

FIXTURE(consumer) {
	struct conn conn;
	int node;
	int fd;
	uint8_t text[TEXT_LEN];
	uint8_t got[TEXT_LEN];
};

FIXTURE_VARIANT(consumer) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_VARIANT(consumer, lo_13_gcm128, CONN_13_GCM128, CONN_LO);
CONN_VARIANT(consumer, lo_12_gcm256, CONN_12_GCM256, CONN_LO);
CONN_VARIANT(consumer, small_13_gcm256, CONN_13_GCM256, CONN_SMALL);

/* The module goes when the guest does: each test finds it there or loads it. */
static int open_node(void)
{
	int module = open(MODULE, O_RDONLY | O_CLOEXEC);

	if (module < 0)
		return -ENOENT;
	if (syscall(SYS_finit_module, module, "", 0) && errno != EEXIST)
		return -errno;
	close(module);
	return open(CONSUMER_NODE, O_RDWR | O_CLOEXEC);
}

FIXTURE_SETUP(consumer)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	self->fd = self->conn.fd[1];
	self->node = open_node();
	if (self->node == -ENOENT)
		SKIP("no module of a consumer here (" MODULE "): run it in a guest");
	ASSERT_GE(self->node, 0);
	conn_fill(self->text, sizeof(self->text), 4);
}

static int consume(struct consumer_self *self, struct consumer_read *ask)
{
	ask->fd = self->fd;
	ask->buf = (uintptr_t)self->got;
	ASSERT_EQ(ioctl(self->node, CONSUMER_READ, ask), 0);
	return ask->ret;
}

static void put(struct consumer_self *self, size_t off, size_t len)
{
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->text + off, len, NULL), 0);
}

/* Waits until a record is whole. */
static void settle(struct consumer_self *self)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };

	ASSERT_EQ(poll(&pfd, 1, 5000), 1);
}

TEST_F(consumer, reads)
{
	struct consumer_read ask = { .len = TEXT_LEN };
	size_t got_len = 0;

	ASSERT_EQ(conn_rx(&self->conn), 0);
	EXPECT_EQ(consume(self, &ask), -EAGAIN);
	for (size_t off = 0; off < TEXT_LEN; off += REF_PLAIN_MAX) {
		put(self, off, REF_PLAIN_MAX);
		settle(self);
		ASSERT_EQ(consume(self, &ask), REF_PLAIN_MAX);
		EXPECT_MEM_EQ(self->got, self->text + off, REF_PLAIN_MAX);
		got_len += ask.ret;
	}
	EXPECT_EQ(got_len, TEXT_LEN);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	settle(self);
	EXPECT_EQ(consume(self, &ask), 0);
}

/* What the actor leaves stays, for it and for others. */
TEST_F(consumer, takes_part)
{
	struct consumer_read ask = { .len = 1000, .step_len = 70 };

	ASSERT_EQ(conn_rx(&self->conn), 0);
	put(self, 0, 500);
	put(self, 500, 1500);
	usleep(100000);
	EXPECT_EQ(consume(self, &ask), 1000);
	EXPECT_GT(ask.calls, 10);
	EXPECT_MEM_EQ(self->got, self->text, 1000);
	EXPECT_EQ(recv(self->fd, self->got, 300, 0), 300);
	EXPECT_MEM_EQ(self->got, self->text + 1000, 300);
	EXPECT_EQ(consume(self, &ask), 700);
	EXPECT_MEM_EQ(self->got, self->text + 1300, 700);
	EXPECT_EQ(consume(self, &ask), -EAGAIN);
}

TEST_F(consumer, actor_fails)
{
	struct consumer_read ask = { .len = 1000, .fail = -EPROTO };

	ASSERT_EQ(conn_rx(&self->conn), 0);
	put(self, 0, 500);
	settle(self);
	EXPECT_EQ(consume(self, &ask), -EPROTO);
	ask.fail = 0;
	EXPECT_EQ(consume(self, &ask), 500);
	EXPECT_MEM_EQ(self->got, self->text, 500);
}

/* Records without content are passed over; a control record stays for recvmsg(). */
TEST_F(consumer, empty_and_control)
{
	struct consumer_read ask = { .len = 1000 };
	uint8_t type;

	ASSERT_EQ(conn_rx(&self->conn), 0);
	put(self, 0, 0);
	put(self, 0, 0);
	put(self, 0, 100);
	put(self, 0, 0);
	ASSERT_GT(conn_send_record(&self->conn, REF_HANDSHAKE, "ticket", 6, NULL), 0);
	put(self, 100, 100);
	usleep(100000);
	EXPECT_EQ(consume(self, &ask), 100);
	EXPECT_EQ(consume(self, &ask), -EINVAL);
	EXPECT_EQ(consume(self, &ask), -EINVAL);
	EXPECT_EQ(conn_recv_type(self->fd, &type, self->got, 100, 0), 6);
	EXPECT_EQ(type, REF_HANDSHAKE);
	EXPECT_EQ(consume(self, &ask), 100);
	EXPECT_MEM_EQ(self->got, self->text + 100, 100);
}

TEST_F(consumer, bad_record)
{
	const struct ref_twist bad = { .bad_tag = true };
	struct consumer_read ask = { .len = 1000 };

	ASSERT_EQ(conn_rx(&self->conn), 0);
	put(self, 0, 100);
	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->text, 100, &bad), 0);
	usleep(100000);
	EXPECT_EQ(consume(self, &ask), 100);
	EXPECT_EQ(consume(self, &ask), -EBADMSG);
	EXPECT_EQ(ask.calls, 0);
	EXPECT_EQ(consume(self, &ask), -EBADMSG);
}

/* Nothing can be opened in softirq, and that is said before anything is touched. */
TEST_F(consumer, from_softirq)
{
	struct consumer_read ask = { .len = 1000, .flags = CONSUMER_SOFTIRQ };

	ASSERT_EQ(conn_rx(&self->conn), 0);
	put(self, 0, 100);
	settle(self);
	EXPECT_EQ(consume(self, &ask), -EOPNOTSUPP);
	EXPECT_EQ(recv(self->fd, self->got, 1000, 0), 100);
	EXPECT_MEM_EQ(self->got, self->text, 100);
}

/* An skb that is kept holds its bytes, whatever comes later. */
TEST_F(consumer, keeps)
{
	struct consumer_read ask = { .len = 9000, .flags = CONSUMER_KEEP };
	struct consumer_read kept = { .len = 9000, .buf = (uintptr_t)self->got };

	ASSERT_EQ(conn_rx(&self->conn), 0);
	for (int i = 0; i < 3; i++) {
		put(self, 3000 * i, 3000);
		settle(self);
		ASSERT_EQ(consume(self, &ask), 3000);
	}
	for (int i = 0; i < 20; i++) {
		put(self, 0, 3000);
		EXPECT_EQ(recv(self->fd, self->got, 3000, MSG_WAITALL), 3000);
	}
	ASSERT_EQ(ioctl(self->node, CONSUMER_KEPT, &kept), 0);
	EXPECT_EQ(kept.ret, 9000);
	EXPECT_MEM_EQ(self->got, self->text, 9000);
}

/* sunrpc and NVMe/TCP take the socket before the handshake, and so before the keys. */
TEST_F(consumer, hooked_before_the_keys)
{
	struct consumer_read ask = { .len = 1000 };
	int before;

	ASSERT_EQ(ioctl(self->node, CONSUMER_HOOK, self->fd), 0);
	ASSERT_EQ(conn_rx(&self->conn), 0);
	before = ioctl(self->node, CONSUMER_READY);
	put(self, 0, 300);
	usleep(100000);
	EXPECT_GT(ioctl(self->node, CONSUMER_READY), before);
	EXPECT_EQ(consume(self, &ask), 300);
	EXPECT_MEM_EQ(self->got, self->text, 300);
	/* It puts back what it found, over what TLS_RX hooked: a read still finds records. */
	ASSERT_EQ(ioctl(self->node, CONSUMER_UNHOOK), 0);
	put(self, 300, 300);
	usleep(100000);
	EXPECT_EQ(recv(self->fd, self->got, 300, MSG_DONTWAIT), 300);
	EXPECT_MEM_EQ(self->got, self->text + 300, 300);
}

/* ... and NVMe/TCP replaces what TLS_RX hooked: read_sock finds the records all the same. */
TEST_F(consumer, hooked_behind_the_keys)
{
	struct consumer_read ask = { .len = TEXT_LEN };
	size_t got_len = 0;

	ASSERT_EQ(conn_rx(&self->conn), 0);
	ASSERT_EQ(ioctl(self->node, CONSUMER_HOOK, self->fd), 0);
	put(self, 0, 5000);
	for (int turn = 0; turn < 100 && got_len < 5000; turn++) {
		if (consume(self, &ask) > 0) {
			EXPECT_MEM_EQ(self->got, self->text + got_len, ask.ret);
			got_len += ask.ret;
		} else {
			EXPECT_EQ(ask.ret, -EAGAIN);
			usleep(20000);
		}
	}
	EXPECT_EQ(got_len, 5000);
	EXPECT_GT(ioctl(self->node, CONSUMER_READY), 0);
	ASSERT_EQ(ioctl(self->node, CONSUMER_UNHOOK), 0);
}

KTAP_MAIN()
