/* SPDX-License-Identifier: MIT */
/*
 * Owns: what more than one call of the tests of failing allocations does before and after.
 * Must not know: what allocates. Only memory_fail.h includes this file.
 * Concurrency: one thread.
 * Follows: DESIGN.md 6.10.
 */
#ifndef MEMORY_FAIL_STEPS_H
#define MEMORY_FAIL_STEPS_H

static inline void expect_bytes(int from, int to, const uint8_t *buf, uint8_t *got, size_t len)
{
	ASSERT_EQ(conn_send_all(from, buf, len, 0), len);
	EXPECT_EQ(conn_recv_all(to, got, len, 0), len);
	EXPECT_MEM_EQ(got, buf, len);
}

/* Both ways the connection is as good as new. */
static inline void expect_alive(struct nth_self *self)
{
	expect_bytes(self->conn.fd[0], self->conn.fd[1], self->buf, self->got, 20000);
	expect_bytes(self->conn.fd[1], self->conn.fd[0], self->buf + 100, self->got, 20000);
}

static inline void prepare_both(struct nth_self *self)
{
	ASSERT_EQ(conn_both(&self->conn), 0);
}

static inline void prepare_queue(struct nth_self *self)
{
	prepare_both(self);
	ASSERT_EQ(conn_send_all(self->conn.fd[0], self->buf, BUF_LEN, 0), BUF_LEN);
}

static inline void finish_recv(struct nth_self *self, long ret)
{
	size_t done = none_to_zero(ret);

	ASSERT_LE(done, BUF_LEN);
	EXPECT_EQ(conn_recv_all(self->conn.fd[1], self->got + done, BUF_LEN - done, 0),
		  BUF_LEN - done);
	EXPECT_MEM_EQ(self->got, self->buf, BUF_LEN);
	expect_alive(self);
}

static inline long call_recv(struct nth_self *self)
{
	return result(recv(self->conn.fd[1], self->got, BUF_LEN, MSG_DONTWAIT));
}

#endif
