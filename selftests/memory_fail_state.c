// SPDX-License-Identifier: MIT
/*
 * Owns: new keys, control mode and the end of a connection, each with one allocation failing.
 * Must not know: what allocates, and how often.
 * Concurrency: none.
 * Follows: DESIGN.md 6.10; memory_fail.h.
 */
#include "ktap.h"
#include "memory_fail.h"

/* New keys: where they did not get in, the old ones hold. */

static void prepare_rekey(struct nth_self *self)
{
	prepare_both(self);
	control_make_key(&self->next, self->conn.suite, 1);
}

static long call_rekey_tx(struct nth_self *self)
{
	return conn_set_key(self->conn.fd[0], TLS_TX, &self->next);
}

static void take_update(struct nth_self *self)
{
	static const uint8_t update[] = { CONTROL_KEY_UPDATE, 0, 0, 1, 0 };
	uint8_t type;

	ASSERT_EQ(conn_send_type(self->conn.fd[0], REF_HANDSHAKE, update, 5, 0), 5);
	ASSERT_EQ(conn_recv_type(self->conn.fd[1], &type, self->got, 100, 0), 5);
}

static long call_rekey_rx(struct nth_self *self)
{
	return conn_set_key(self->conn.fd[1], TLS_RX, &self->next);
}

static void finish_rekey_tx(struct nth_self *self, long ret)
{
	if (!ret) {
		/* Nobody told the peer: that it cannot read this shows that the new key holds. */
		EXPECT_EQ(send(self->conn.fd[0], self->buf, 1000, 0), 1000);
		EXPECT_ERRNO(recv(self->conn.fd[1], self->got, 1000, 0), EBADMSG);
		return;
	}
	expect_alive(self);
	take_update(self);
	ASSERT_EQ(call_rekey_tx(self), 0);
	ASSERT_EQ(call_rekey_rx(self), 0);
	expect_alive(self);
}

CALL_13(rekey_tx, prepare_rekey, call_rekey_tx, finish_rekey_tx);

/* The peer knows already, so that nothing is sent between the failure and the next try. */
static void prepare_rekey_told(struct nth_self *self)
{
	prepare_rekey(self);
	take_update(self);
}

static void finish_rekey_told(struct nth_self *self, long ret)
{
	if (ret)
		ASSERT_EQ(call_rekey_tx(self), 0);
	ASSERT_EQ(call_rekey_rx(self), 0);
	expect_alive(self);
}

CALL_13(rekey_tx_told, prepare_rekey_told, call_rekey_tx, finish_rekey_told);

static void prepare_rekey_rx(struct nth_self *self)
{
	prepare_rekey(self);
	take_update(self);
	ASSERT_EQ(call_rekey_tx(self), 0);
	ASSERT_EQ(send(self->conn.fd[0], self->buf, 1000, 0), 1000);
}

static void finish_rekey_rx(struct nth_self *self, long ret)
{
	if (ret) {
		EXPECT_ERRNO(recv(self->conn.fd[1], self->got, 1000, 0), EKEYEXPIRED);
		ASSERT_EQ(call_rekey_rx(self), 0);
	}
	EXPECT_EQ(conn_recv_all(self->conn.fd[1], self->got, 1000, 0), 1000);
	EXPECT_MEM_EQ(self->got, self->buf, 1000);
	expect_alive(self);
}

CALL_13(rekey_rx, prepare_rekey_rx, call_rekey_rx, finish_rekey_rx);

/* Control mode: what it sets aside is not lost either. */

static long call_control(struct nth_self *self)
{
	return result(control_set(self->conn.fd[1], KTLSX_CONTROL, 1));
}

static void finish_control(struct nth_self *self, long ret)
{
	if (ret)
		ASSERT_EQ(call_control(self), 0);
	expect_alive(self);
}

CALL(control, prepare_both, call_control, finish_control);

static void prepare_ticket(struct nth_self *self)
{
	prepare_both(self);
	ASSERT_EQ(call_control(self), 0);
	control_message(self->got, CONTROL_TICKET, TICKET_LEN, 5);
	ASSERT_EQ(conn_send_type(self->conn.fd[0], REF_HANDSHAKE, self->got, TICKET_LEN, 0),
		  TICKET_LEN);
	ASSERT_EQ(conn_send_all(self->conn.fd[0], self->buf, BUF_LEN, 0), BUF_LEN);
}

/* A ticket is a gift: it may be dropped for want of memory, but then it is counted. */
static void finish_ticket(struct nth_self *self, long ret)
{
	uint8_t ticket[TICKET_LEN], got[TICKET_LEN];
	ssize_t len;

	finish_recv(self, ret);
	len = control_get_ticket(self->conn.fd[1], got, sizeof(got));
	control_message(ticket, CONTROL_TICKET, TICKET_LEN, 5);
	if (len == TICKET_LEN)
		EXPECT_MEM_EQ(got, ticket, TICKET_LEN);
	else
		EXPECT_EQ(len, -ENODATA);
	self->dropped_count += len < 0;
	EXPECT_EQ(conn_stat("RxTicketsDropped"), self->dropped_count);
}

CALL_13(ticket, prepare_ticket, call_recv, finish_ticket);

static void prepare_get_ticket(struct nth_self *self)
{
	prepare_ticket(self);
	ASSERT_EQ(conn_recv_all(self->conn.fd[1], self->got, 1, MSG_PEEK), 1);
}

static long call_get_ticket(struct nth_self *self)
{
	return control_get_ticket(self->conn.fd[1], self->got, TICKET_LEN);
}

static void finish_get_ticket(struct nth_self *self, long ret)
{
	if (ret < 0)
		EXPECT_EQ(call_get_ticket(self), TICKET_LEN);
	finish_recv(self, 0);
}

CALL_13(get_ticket, prepare_get_ticket, call_get_ticket, finish_get_ticket);

/* The end: the open record goes out with the call, or with the next one. */

static void prepare_open(struct nth_self *self)
{
	prepare_both(self);
	ASSERT_EQ(send(self->conn.fd[0], self->buf, 1000, MSG_MORE), 1000);
}

static void expect_end(struct nth_self *self)
{
	uint8_t byte;

	EXPECT_EQ(recv(self->conn.fd[1], &byte, 1, 0), 0);
}

static long call_shutdown(struct nth_self *self)
{
	return result(shutdown(self->conn.fd[0], SHUT_WR));
}

static void finish_shutdown(struct nth_self *self, long ret)
{
	if (ret)
		ASSERT_EQ(call_shutdown(self), 0);
	EXPECT_EQ(conn_recv_all(self->conn.fd[1], self->got, 1000, 0), 1000);
	EXPECT_MEM_EQ(self->got, self->buf, 1000);
	expect_end(self);
}

CALL(shutdown, prepare_open, call_shutdown, finish_shutdown);

static long call_close(struct nth_self *self)
{
	long ret = result(close(self->conn.fd[0]));

	self->conn.fd[0] = -1;
	return ret;
}

/* There is nobody left to tell: the peer gets the record, or a reset. */
static void finish_close(struct nth_self *self, long ret)
{
	ssize_t got = conn_recv_all(self->conn.fd[1], self->got, 1000, 0);

	EXPECT_EQ(ret, 0);
	EXPECT_TRUE(got == 1000 || got == -ECONNRESET);
	self->short_count += got != 1000;
	if (got != 1000)
		return;
	EXPECT_MEM_EQ(self->got, self->buf, 1000);
	expect_end(self);
}

CALL(close, prepare_open, call_close, finish_close);

int main(int argc, char **argv)
{
	return fault_main(argc, argv);
}
