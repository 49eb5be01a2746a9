// SPDX-License-Identifier: MIT
/*
 * Owns: new keys in a connection that goes on: what is sealed and opened with
 * which, what pauses and wakes, what is refused and leaves the old keys as they are.
 * Must not know: how control mode treats other messages.
 * Concurrency: writers, readers and pollers that are at it while keys change.
 * Follows: RFC 8446 4.6.3; DESIGN.md 4; reference/ktls-peers.md 1.2.
 */
#include "ktap.h"
#include "rekey_rx.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

TEST_F(rekey, pauses_without_control_mode)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 100);
	control_put_key_update(c, 1);
	switch_peer(self);
	control_put_data(c, 100, 100);
	EXPECT_EQ(recv(c->fd, c->got, 1000, MSG_WAITALL), 100);
	EXPECT_ERRNO(recv(c->fd, c->got, 1000, 0), EIO);
	control_take_key_update(&self->c, 1);
	control_expect_paused(&self->c);
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 100);
	EXPECT_MEM_EQ(c->got, c->buf + 100, 100);
	EXPECT_EQ(conn_stat("RxAuthFail"), 0);
}

TEST_F(rekey, pauses_in_control_mode)
{
	struct control *c = &self->c;

	ASSERT_EQ(control_set(c->fd, KTLSX_CONTROL, 1), 0);
	control_put_data(c, 0, 100);
	control_put_key_update(c, 0);
	switch_peer(self);
	control_put_ticket(c, 50, 1);
	control_put_data(c, 100, 100);
	EXPECT_EQ(recv(c->fd, c->got, 1000, MSG_WAITALL), 100);
	EXPECT_ERRNO(recv(c->fd, c->got, 1000, 0), EKEYEXPIRED);
	control_expect_for_good(c, EKEYEXPIRED);
	/* Taken or not: new keys end the pause. */
	if (variant->shape != CONN_LO) {
		control_take_key_update(&self->c, 0);
		control_expect_paused(&self->c);
	}
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 100);
	EXPECT_MEM_EQ(c->got, c->buf + 100, 100);
	control_expect_ticket(c, 50, 1);
}

/* Keys that come before anybody has read the KeyUpdate. */
TEST_F(rekey, update_not_taken)
{
	struct control *c = &self->c;
	uint8_t type;
	int len;

	for (uint32_t mode = 0; mode < 2; mode++) {
		ASSERT_EQ(control_set(c->fd, KTLSX_CONTROL, mode), 0);
		control_put_key_update(c, 0);
		EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
		ASSERT_EQ(ioctl(c->fd, FIONREAD, &len), 0);
		switch_peer(self);
		ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
		EXPECT_ERRNO(conn_recv_type(c->fd, &type, c->got, 100, MSG_DONTWAIT), EAGAIN);
		control_put_data(c, 0, 100);
		EXPECT_EQ(recv(c->fd, c->got, 1000, 0), 100);
		control_make_key(&self->key, variant->suite, 2);
	}
}

/* A record of the old key that was read in part stays readable. */
TEST_F(rekey, parked_record)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 100);
	EXPECT_EQ(recv(c->fd, c->got, 30, 0), 30);
	switch_peer(self);
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	control_put_data(c, 100, 100);
	EXPECT_EQ(recv(c->fd, c->got + 30, 170, MSG_WAITALL), 170);
	EXPECT_MEM_EQ(c->got, c->buf, 200);
}

TEST_F(rekey, half_a_record_queued)
{
	struct control *c = &self->c;
	uint8_t wire[REF_WIRE_MAX];
	size_t len;

	control_put_key_update(c, 0);
	switch_peer(self);
	len = ref_seal(&c->conn.key[0], REF_DATA, c->buf, 16384, NULL, wire);
	ASSERT_EQ(conn_send_all(c->conn.fd[0], wire, len / 2, 0), len / 2);
	control_take_key_update(&self->c, 0);
	control_settle();
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	EXPECT_EQ(control_polled(c, CONTROL_QUIET_MS), 0);
	ASSERT_EQ(conn_send_all(c->conn.fd[0], wire + len / 2, len - len / 2, 0), len - len / 2);
	EXPECT_EQ(recv(c->fd, c->got, 16384, MSG_WAITALL), 16384);
	EXPECT_MEM_EQ(c->got, c->buf, 16384);
}

TEST_F(rekey, splice_and_peek)
{
	struct control *c = &self->c;

	control_put_key_update(c, 0);
	switch_peer(self);
	control_put_data(c, 0, 200);
	control_take_key_update(&self->c, 0);
	EXPECT_ERRNO(splice(c->fd, NULL, c->pipe_fd[1], NULL, 1000, 0), EKEYEXPIRED);
	EXPECT_ERRNO(recv(c->fd, c->got, 100, MSG_PEEK), EKEYEXPIRED);
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, MSG_PEEK), 100);
	EXPECT_MEM_EQ(c->got, c->buf, 100);
	EXPECT_EQ(control_read(c, CONTROL_SPLICE, c->got, 200, 0), 200);
	EXPECT_MEM_EQ(c->got, c->buf, 200);
}

/* A look at what comes later does not look past the KeyUpdate. */
TEST_F(rekey, peek_stops_at_it)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 100);
	control_put_key_update(c, 0);
	switch_peer(self);
	control_put_data(c, 100, 100);
	control_settle();
	EXPECT_EQ(recv(c->fd, c->got, 1000, MSG_PEEK), 100);
	EXPECT_EQ(recv(c->fd, c->got, 1000, 0), 100);
	control_take_key_update(&self->c, 0);
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	EXPECT_EQ(recv(c->fd, c->got, 1000, 0), 100);
	EXPECT_EQ(conn_stat("RxAuthFail"), 0);
}

/*
 * Behind a KeyUpdate that is malformed or does not end its record nothing is opened with
 * the old key either. The record is the reader's to judge, as in the in-tree module.
 */
TEST_F(rekey, update_not_at_the_record_end)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put(c, REF_HANDSHAKE, "\x18\0\0\1\0\4\0\0\0", 9);
	control_put_data(c, 0, 100);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 9);
	EXPECT_EQ(type, REF_HANDSHAKE);
	control_expect_paused(&self->c);
}

TEST_F(rekey, malformed_update)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put(c, REF_HANDSHAKE, "\x18\0\0\2\0\0", 6);
	control_put_data(c, 0, 100);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 6);
	control_expect_paused(&self->c);
}

TEST_F(rekey, update_in_pieces)
{
	struct control *c = &self->c;
	uint8_t messages[105], type;

	control_message(messages, CONTROL_TICKET, 100, 1);
	memcpy(messages + 100, "\x18\0\0\1\0", 5);
	control_put(c, REF_HANDSHAKE, messages, 103);
	control_put(c, REF_HANDSHAKE, messages + 103, 2);
	switch_peer(self);
	control_put_data(c, 0, 100);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 40, 0), 40);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 63);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 1, 0), 1);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 1);
	control_expect_paused(&self->c);
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 100);
}

/* Whoever waits, in whatever way, is woken by the new keys when there is something to read. */
static void *set_key_later(void *arg)
{
	struct rekey_self *self = arg;

	usleep(40000);
	EXPECT_EQ(conn_set_key(self->c.fd, TLS_RX, &self->key), 0);
	return NULL;
}

TEST_F(rekey, wakes_pollers)
{
	struct control *c = &self->c;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		control_put_key_update(c, 0);
		switch_peer(self);
		control_put_data(c, 0, 100);
		control_take_key_update(&self->c, 0);
		control_settle();
		if (i) {
			ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event), 0);
			EXPECT_EQ(epoll_wait(epoll, &event, 1, CONTROL_QUIET_MS), 0);
		}
		EXPECT_EQ(control_polled(c, CONTROL_QUIET_MS), 0);
		ASSERT_EQ(pthread_create(&thread, NULL, set_key_later, self), 0);
		if (i)
			EXPECT_EQ(epoll_wait(epoll, &event, 1, control_wait_ms()), 1);
		else
			EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
		pthread_join(thread, NULL);
		EXPECT_EQ(recv(c->fd, c->got, 100, MSG_DONTWAIT), 100);
		control_make_key(&self->key, variant->suite, 2);
	}
}

static void *read_blocked(void *arg)
{
	struct rekey_self *self = arg;
	uint8_t got[100];
	ssize_t len = recv(self->c.fd, got, sizeof(got), 0);

	return (void *)(intptr_t)(len < 0 ? -errno : len);
}

/* A reader that was asleep when another one took the KeyUpdate is told as well. */
TEST_F(rekey, tells_a_blocked_reader)
{
	struct control *c = &self->c;
	pthread_t thread;
	uint8_t type;
	void *ret;

	ASSERT_EQ(pthread_create(&thread, NULL, read_blocked, self), 0);
	control_settle();
	control_put_key_update(c, 0);
	EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
	conn_recv_type(c->fd, &type, c->got, 100, MSG_DONTWAIT);
	ASSERT_EQ(pthread_join(thread, &ret), 0);
	/* He may have come first, and met a control record. */
	EXPECT_TRUE((intptr_t)ret == -EKEYEXPIRED || (intptr_t)ret == -EIO);
}

TEST_F_TIMEOUT(rekey, many_times, 40)
{
	struct control *c = &self->c;

	for (int i = 0; i < 100; i++) {
		size_t len = 1 + i * 37 % 3000;

		control_put_data(c, 0, len);
		control_put_key_update(c, i % 2);
		switch_peer(self);
		EXPECT_EQ(recv(c->fd, c->got, len, MSG_WAITALL), len);
		EXPECT_MEM_EQ(c->got, c->buf, len);
		control_take_key_update(&self->c, i % 2);
		ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
		control_make_key(&self->key, variant->suite, i + 2);
	}
	EXPECT_EQ(conn_stat("RxRekeyOk"), 100);
	EXPECT_EQ(conn_stat("RxRekeyReceived"), 100);
	EXPECT_EQ(conn_stat("RxRekeyError"), 0);
}

/* close_notify is for good, whatever keys come. */
TEST_F(rekey, not_after_the_end)
{
	struct control *c = &self->c;

	ASSERT_EQ(control_set(c->fd, KTLSX_CONTROL, 1), 0);
	control_put_alert(c, 1, 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 0);
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	control_expect_end(c);
}

TEST_F(rekey, feature_bit)
{
	uint64_t features = 0;
	socklen_t len = sizeof(features);

	ASSERT_EQ(getsockopt(self->c.fd, SOL_TLS, KTLSX_FEATURES, &features, &len), 0);
	EXPECT_EQ(features & KTLSX_FEATURE_REKEY, KTLSX_FEATURE_REKEY);
}

struct pumping {
	struct rekey_self *self;
	const struct conn_suite *suite;
	bool is_over;
};

static void *poll_all_along(void *arg)
{
	struct pumping *pumping = arg;

	while (!__atomic_load_n(&pumping->is_over, __ATOMIC_ACQUIRE))
		control_polled(&pumping->self->c, 1);
	return NULL;
}

#define ROUNDS		20
#define ROUND_LEN	20000

static void *send_rounds(void *arg)
{
	struct pumping *pumping = arg;
	struct control *c = &pumping->self->c;

	for (int i = 0; i < ROUNDS; i++) {
		for (size_t off = 0; off < ROUND_LEN; off += 5000)
			control_put_data(c, off, 5000);
		control_put_key_update(c, 0);
		control_make_key(&c->conn.key[0], pumping->suite, i + 1);
	}
	return NULL;
}

/* One sends and changes keys without waiting, one polls, one reads and follows. */
TEST_F_TIMEOUT(rekey, data_in_flight, 60)
{
	struct pumping pumping = { .self = self, .suite = variant->suite };
	struct control *c = &self->c;
	struct ref_key key;
	pthread_t threads[2];

	ASSERT_EQ(control_set(c->fd, KTLSX_CONTROL, 1), 0);
	ASSERT_EQ(pthread_create(&threads[0], NULL, send_rounds, &pumping), 0);
	ASSERT_EQ(pthread_create(&threads[1], NULL, poll_all_along, &pumping), 0);
	for (int i = 0; i < ROUNDS; i++) {
		memset(c->got, 0, ROUND_LEN);
		EXPECT_EQ(conn_recv_all(c->fd, c->got, ROUND_LEN, 0), ROUND_LEN);
		EXPECT_MEM_EQ(c->got, c->buf, ROUND_LEN);
		EXPECT_ERRNO(recv(c->fd, c->got, 1, 0), EKEYEXPIRED);
		control_make_key(&key, variant->suite, i + 1);
		ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &key), 0);
	}
	__atomic_store_n(&pumping.is_over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

KTAP_MAIN()
