// SPDX-License-Identifier: MIT
/*
 * Owns: the calls that install keys, send and receive, each with one allocation failing.
 * Must not know: what allocates, and how often.
 * Concurrency: a thread feeds the receiver where one record does not fit a window.
 * Follows: DESIGN.md 6.10; memory_fail.h.
 */
#include "ktap.h"
#include "memory_fail.h"

#include <sys/ioctl.h>
#include <sys/sendfile.h>

/* Keys: each call again if it failed, then the other keys. */

static void prepare_plain(struct nth_self *self)
{
	(void)self;
}

static long call_attach(struct nth_self *self)
{
	return conn_attach(self->conn.fd[0]);
}

static void finish_attach(struct nth_self *self, long ret)
{
	if (ret)
		expect_bytes(self->conn.fd[0], self->conn.fd[1], self->buf, self->got, 1000);
	else
		ASSERT_EQ(conn_attach(self->conn.fd[0]), -EEXIST);
	if (ret)
		ASSERT_EQ(conn_attach(self->conn.fd[0]), 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]), 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_RX, &self->conn.key[1]), 0);
	ASSERT_EQ(conn_rx(&self->conn), 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[1], TLS_TX, &self->conn.key[1]), 0);
	expect_alive(self);
}

CALL_12(attach, prepare_plain, call_attach, finish_attach);

/* The peer has its keys, and sent a record that waits. */
static void prepare_peer(struct nth_self *self)
{
	ASSERT_EQ(conn_rx(&self->conn), 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[1], TLS_TX, &self->conn.key[1]), 0);
	ASSERT_EQ(send(self->conn.fd[1], self->buf, 1000, 0), 1000);
	ASSERT_EQ(conn_attach(self->conn.fd[0]), 0);
}

static long call_set_tx(struct nth_self *self)
{
	return conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]);
}

static long call_set_rx(struct nth_self *self)
{
	return conn_set_key(self->conn.fd[0], TLS_RX, &self->conn.key[1]);
}

static void expect_first_record(struct nth_self *self)
{
	EXPECT_EQ(conn_recv_all(self->conn.fd[0], self->got, 1000, 0), 1000);
	EXPECT_MEM_EQ(self->got, self->buf, 1000);
	expect_alive(self);
}

static void finish_set_tx(struct nth_self *self, long ret)
{
	if (ret)
		ASSERT_EQ(call_set_tx(self), 0);
	ASSERT_EQ(call_set_rx(self), 0);
	expect_first_record(self);
}

static void finish_set_rx(struct nth_self *self, long ret)
{
	if (ret)
		ASSERT_EQ(call_set_rx(self), 0);
	ASSERT_EQ(call_set_tx(self), 0);
	expect_first_record(self);
}

CALL(set_tx, prepare_peer, call_set_tx, finish_set_tx);
CALL(set_rx, prepare_peer, call_set_rx, finish_set_rx);

/* Sending: what was not taken is sent again from where it stopped. */

static void finish_send(struct nth_self *self, long ret)
{
	size_t done = none_to_zero(ret);

	ASSERT_LE(done, BUF_LEN);
	ASSERT_EQ(conn_send_all(self->conn.fd[0], self->buf + done, BUF_LEN - done, 0),
		  BUF_LEN - done);
	EXPECT_EQ(conn_recv_all(self->conn.fd[1], self->got, BUF_LEN, 0), BUF_LEN);
	EXPECT_MEM_EQ(self->got, self->buf, BUF_LEN);
	expect_alive(self);
}

static long call_send(struct nth_self *self)
{
	return result(send(self->conn.fd[0], self->buf, BUF_LEN, 0));
}

static long call_send_now(struct nth_self *self)
{
	return result(send(self->conn.fd[0], self->buf, BUF_LEN, MSG_DONTWAIT));
}

static long call_send_open(struct nth_self *self)
{
	return result(send(self->conn.fd[0], self->buf, 20000, MSG_MORE));
}

static long call_sendfile(struct nth_self *self)
{
	return result(sendfile(self->conn.fd[0], self->file, &self->file_off, BUF_LEN));
}

static void finish_sendfile(struct nth_self *self, long ret)
{
	EXPECT_EQ(self->file_off, none_to_zero(ret));
	finish_send(self, ret);
}

CALL(send, prepare_both, call_send, finish_send);
CALL(send_now, prepare_both, call_send_now, finish_send);
CALL(send_open, prepare_both, call_send_open, finish_send);
CALL(sendfile, prepare_both, call_sendfile, finish_sendfile);

static void prepare_splice_in(struct nth_self *self)
{
	struct iovec iov = { self->buf, 20000 };

	prepare_both(self);
	ASSERT_EQ(vmsplice(self->pipe_fd[1], &iov, 1, 0), 20000);
	ASSERT_EQ(write(self->pipe_fd[1], self->buf + 20000, 10000), 10000);
}

static long call_splice_in(struct nth_self *self)
{
	return result(splice(self->pipe_fd[0], NULL, self->conn.fd[0], NULL, 30000, 0));
}

static void finish_splice_in(struct nth_self *self, long ret)
{
	size_t done = none_to_zero(ret);

	while (done < 30000) {
		ssize_t more = splice(self->pipe_fd[0], NULL, self->conn.fd[0], NULL,
				      30000 - done, 0);

		ASSERT_GT(more, 0);
		done += more;
	}
	finish_send(self, done);
}

CALL(splice_in, prepare_splice_in, call_splice_in, finish_splice_in);

/* A record of another type goes out whole or not at all. */
static long call_send_type(struct nth_self *self)
{
	return result(conn_send_type(self->conn.fd[0], REF_ALERT, self->buf, 2, 0));
}

static void finish_send_type(struct nth_self *self, long ret)
{
	uint8_t type;

	if (ret < 0)
		ASSERT_EQ(call_send_type(self), 2);
	EXPECT_EQ(conn_recv_type(self->conn.fd[1], &type, self->got, 100, 0), 2);
	EXPECT_EQ(type, REF_ALERT);
	EXPECT_MEM_EQ(self->got, self->buf, 2);
	expect_alive(self);
}

CALL(send_type, prepare_both, call_send_type, finish_send_type);

/* Receiving: whatever was not taken is still there. */

static void finish_look(struct nth_self *self, long ret)
{
	(void)ret;
	finish_recv(self, 0);
}

static long call_recv_part(struct nth_self *self)
{
	return result(recv(self->conn.fd[1], self->got, 100, 0));
}

static long call_recv_all(struct nth_self *self)
{
	return result(recv(self->conn.fd[1], self->got, BUF_LEN, MSG_WAITALL));
}

static long call_peek(struct nth_self *self)
{
	ssize_t ret = result(recv(self->conn.fd[1], self->got, 5000, MSG_PEEK));

	if (ret > 0)
		EXPECT_MEM_EQ(self->got, self->buf, ret);
	return ret;
}

static long call_count(struct nth_self *self)
{
	int len;

	return result(ioctl(self->conn.fd[1], FIONREAD, &len));
}

static long call_splice_out(struct nth_self *self)
{
	return result(splice(self->conn.fd[1], NULL, self->pipe_fd[1], NULL, BUF_LEN, 0));
}

static void finish_splice_out(struct nth_self *self, long ret)
{
	if (ret > 0)
		EXPECT_EQ(read(self->pipe_fd[0], self->got, ret), ret);
	finish_recv(self, ret);
}

CALL(recv, prepare_queue, call_recv, finish_recv);
CALL(recv_part, prepare_queue, call_recv_part, finish_recv);
CALL(recv_all, prepare_queue, call_recv_all, finish_recv);
CALL(peek, prepare_queue, call_peek, finish_look);
CALL(count, prepare_queue, call_count, finish_look);
CALL(splice_out, prepare_queue, call_splice_out, finish_splice_out);

/* A record that never becomes whole in the receive queue. */
static void prepare_window(struct nth_self *self)
{
	size_t wire_len;

	ASSERT_EQ(conn_rx(&self->conn), 0);
	self->wire = conn_seal_all(&self->conn, self->buf, 32000, 16000, &wire_len);
	ASSERT_EQ(conn_send_start(&self->job, self->conn.fd[0], self->wire, wire_len, wire_len), 0);
}

static long call_recv_window(struct nth_self *self)
{
	return result(recv(self->conn.fd[1], self->got, 32000, 0));
}

static void finish_window(struct nth_self *self, long ret)
{
	size_t done = none_to_zero(ret);

	EXPECT_EQ(conn_recv_all(self->conn.fd[1], self->got + done, 32000 - done, 0), 32000 - done);
	EXPECT_MEM_EQ(self->got, self->buf, 32000);
	EXPECT_GT(conn_job_end(&self->job), 32000);
}

CALL_SUITE(window_12, CONN_12_GCM256, CONN_SMALL, prepare_window, call_recv_window, finish_window);
CALL_SUITE(window_13, CONN_13_GCM128, CONN_SMALL, prepare_window, call_recv_window, finish_window);

int main(int argc, char **argv)
{
	return fault_main(argc, argv);
}
