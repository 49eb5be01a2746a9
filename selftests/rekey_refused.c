// SPDX-License-Identifier: MIT
/*
 * Owns: new keys for receiving as a socket option: what is refused and leaves the
 * old keys as they are, what getsockopt() says afterwards.
 * Must not know: what pauses and wakes (rekey.c).
 * Concurrency: none.
 * Follows: <linux/tls.h>; DESIGN.md 4; reference/ktls-peers.md 1.2.
 */
#include "ktap.h"
#include "rekey_rx.h"

/* Everything that is refused, while it runs and while it is paused. */
static void expect_refusals(struct rekey_self *self, int direction, const struct ref_key *now)
{
	union { union conn_info known; uint8_t bytes[100]; } info;
	socklen_t len = conn_make_info(&self->key, &info.known);
	int fd = self->c.fd;
	struct ref_key other;

	for (socklen_t wrong = 0; wrong < sizeof(info.bytes); wrong++)
		if (wrong != len)
			EXPECT_ERRNO(setsockopt(fd, SOL_TLS, direction, &info, wrong), EINVAL);
	for (size_t i = 0; i < CONN_SUITE_COUNT; i++) {
		ref_key_make(&other, conn_suites[i].version, conn_suites[i].ref_cipher, 1);
		if (&conn_suites[i] != self->c.conn.suite)
			EXPECT_EQ(conn_set_key(fd, direction, &other), -EINVAL);
	}
	EXPECT_ERRNO(setsockopt(fd, SOL_TLS, direction, (void *)16, len), EFAULT);
	EXPECT_ERRNO(setsockopt(fd, SOL_TLS, direction, NULL, len), EINVAL);
	other = *now;
	other.seq--;
	EXPECT_EQ(conn_set_key(fd, direction, &other), -EINVAL);
	other.seq = 0;
	EXPECT_EQ(conn_set_key(fd, direction, &other), -EINVAL);
	other = *now;
	other.iv[7] ^= 1;
	EXPECT_EQ(conn_set_key(fd, direction, &other), -EINVAL);
	other = *now;
	other.salt[0] ^= 1;
	EXPECT_EQ(conn_set_key(fd, direction, &other), -EINVAL);
}

TEST_F(rekey, refused_rx_leaves_the_old)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 100);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 100);
	expect_refusals(self, TLS_RX, &c->conn.key[0]);
	EXPECT_GT(conn_stat("RxRekeyError"), 0);
	control_put_data(c, 0, 100);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 100);
	control_put_key_update(c, 0);
	control_take_key_update(&self->c, 0);
	expect_refusals(self, TLS_RX, &c->conn.key[0]);
	control_expect_paused(&self->c);
	switch_peer(self);
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	control_put_data(c, 0, 100);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 100);
}

/* The same key goes on from where it is, or skips numbers. */
TEST_F(rekey, same_key_higher_number)
{
	struct control *c = &self->c;

	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &c->conn.key[0]), 0);
	control_put_data(c, 0, 100);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 100);
	c->conn.key[0].seq += 5;
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &c->conn.key[0]), 0);
	control_put_data(c, 0, 100);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 100);
}

static void check_state(int fd, int direction, const struct ref_key *key)
{
	union conn_info expected, got;
	socklen_t len = conn_make_info(key, &expected), got_len = len;

	ASSERT_EQ(getsockopt(fd, SOL_TLS, direction, &got, &got_len), 0);
	EXPECT_EQ(got_len, len);
	EXPECT_MEM_EQ(&got, &expected, len);
}

TEST_F(rekey, getsockopt_afterwards)
{
	struct control *c = &self->c;

	control_put_key_update(c, 0);
	control_take_key_update(&self->c, 0);
	check_state(c->fd, TLS_RX, &c->conn.key[0]);
	switch_peer(self);
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	check_state(c->fd, TLS_RX, &self->key);
	control_put_data(c, 0, 100);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 100);
	check_state(c->fd, TLS_RX, &c->conn.key[0]);
}

/* Write-only keys may be written again. */
TEST_F(rekey, write_only)
{
	struct control *c = &self->c;
	union conn_info info;
	socklen_t len = variant->suite->info_len;

	ASSERT_EQ(control_set(c->fd, KTLSX_KEYS_WRITE_ONLY, 1), 0);
	switch_peer(self);
	ASSERT_EQ(conn_set_key(c->fd, TLS_RX, &self->key), 0);
	EXPECT_ERRNO(getsockopt(c->fd, SOL_TLS, TLS_RX, &info, &len), EPERM);
	control_put_data(c, 0, 100);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 100);
}

KTAP_MAIN()
