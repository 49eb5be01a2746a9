// SPDX-License-Identifier: MIT
/*
 * Owns: calls on a TLS socket one allocation of which fails: the first, the second, each,
 * until the call gets through without one failing.
 * Must not know: what allocates, and how often.
 * Concurrency: one thread makes the calls, another feeds it where one record does not fit a window.
 * Follows: DESIGN.md 6.10: what is not the peer's fault never ends a connection, nor costs a byte.
 */
#include "ktap.h"
#include "control.h"

#include <sys/ioctl.h>
#include <sys/sendfile.h>

#include "fault.h"

#define BUF_LEN		40000
/* No call of ours allocates more often. */
#define NTH_MAX		400
#define TICKET_LEN	600
/* Longer than TCP waits before it asks again. */
#define QUIET_USEC	3000000

/* fd[0] makes the calls that send, fd[1] those that receive. */
FIXTURE(nth) {
	struct fault fault;
	struct conn conn;
	struct conn_job job;
	struct ref_key next;
	int pipe_fd[2];
	int file;
	off_t file_off;
	uint8_t *wire;
	uint8_t buf[BUF_LEN];
	uint8_t got[BUF_LEN];
	unsigned int failed_count;	/* calls that said so */
	unsigned int short_count;	/* closes that could not send all */
};

/* @finish gets what @call gave: a count, or -errno. */
FIXTURE_VARIANT(nth) {
	const struct conn_suite *suite;
	enum conn_shape shape;
	void (*prepare)(struct nth_self *self);
	long (*call)(struct nth_self *self);
	void (*finish)(struct nth_self *self, long ret);
};

#define CALL_SUITE(label, suite_index, shape_value, prepare_fn, call_fn, finish_fn)	\
	FIXTURE_VARIANT_ADD(nth, label) = {						\
		.suite = &conn_suites[suite_index], .shape = shape_value,		\
		.prepare = prepare_fn, .call = call_fn, .finish = finish_fn,		\
	}
#define CALL_12(name, prepare, call, finish)						\
	CALL_SUITE(name##_12, CONN_12_GCM128, CONN_LO, prepare, call, finish)
#define CALL_13(name, prepare, call, finish)						\
	CALL_SUITE(name##_13, CONN_13_GCM256, CONN_LO, prepare, call, finish)
#define CALL(name, prepare, call, finish)						\
	CALL_12(name, prepare, call, finish);						\
	CALL_13(name, prepare, call, finish)

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long none_to_zero(long ret)
{
	return ret > 0 ? ret : 0;
}

FIXTURE_SETUP(nth)
{
	fault_open(&self->fault);
	SKIP_INTREE("a failing allocation ends the connection");
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_attach(self->conn.fd[0]));
	for (int i = 0; i < 2; i++)
		close(self->conn.fd[i]);
	conn_fill(self->buf, BUF_LEN, 77);
	self->file = conn_memfd(self->buf, BUF_LEN);
	ASSERT_GE(self->file, 0);
}

static void open_pair(struct nth_self *self, const struct nth_variant *variant)
{
	ASSERT_EQ(conn_pair(self->conn.fd, variant->shape, AF_INET), 0);
	for (int i = 0; i < 2; i++) {
		ref_key_make(&self->conn.key[i], variant->suite->version, variant->suite->key_len,
			     900 + i);
		ASSERT_EQ(conn_set_timeout(self->conn.fd[i], SO_RCVTIMEO,
					   QUIET_USEC * ktap_slow()), 0);
	}
	ASSERT_EQ(pipe(self->pipe_fd), 0);
	memset(self->got, 0, BUF_LEN);
	self->file_off = 0;
}

static void close_pair(struct nth_self *self)
{
	for (int i = 0; i < 2; i++) {
		close(self->conn.fd[i]);
		close(self->pipe_fd[i]);
	}
	free(self->wire);
	self->wire = NULL;
}

/* One failure a round, in each round a later one. */
TEST_F_TIMEOUT(nth, each, 60)
{
	unsigned int nth = 0;
	bool fired = true;

	while (fired && ++nth < NTH_MAX) {
		long ret;

		open_pair(self, variant);
		variant->prepare(self);
		fault_arm(&self->fault, nth);
		ret = variant->call(self);
		fired = fault_disarm(&self->fault);
		EXPECT_TRUE(ret >= 0 || (fired && (ret == -ENOMEM || ret == -ENOBUFS || ret == -EAGAIN)));
		if (ret < 0 && !fired)
			ktap_diag("without any failure: %s", strerror(-ret));
		self->failed_count += ret < 0;
		variant->finish(self, ret);
		close_pair(self);
	}
	EXPECT_FALSE(fired);
	ktap_diag("%u allocations failed, and %u calls; %u closes sent less", nth - 1, self->failed_count,
		  self->short_count);
}

static void expect_bytes(int from, int to, const uint8_t *buf, uint8_t *got, size_t len)
{
	ASSERT_EQ(conn_send_all(from, buf, len, 0), len);
	EXPECT_EQ(conn_recv_all(to, got, len, 0), len);
	EXPECT_MEM_EQ(got, buf, len);
}

/* Both ways the connection is as good as new. */
static void expect_alive(struct nth_self *self)
{
	expect_bytes(self->conn.fd[0], self->conn.fd[1], self->buf, self->got, 20000);
	expect_bytes(self->conn.fd[1], self->conn.fd[0], self->buf + 100, self->got, 20000);
}

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

static void prepare_both(struct nth_self *self)
{
	ASSERT_EQ(conn_both(&self->conn), 0);
}

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

static void prepare_queue(struct nth_self *self)
{
	prepare_both(self);
	ASSERT_EQ(conn_send_all(self->conn.fd[0], self->buf, BUF_LEN, 0), BUF_LEN);
}

static void finish_recv(struct nth_self *self, long ret)
{
	size_t done = none_to_zero(ret);

	ASSERT_LE(done, BUF_LEN);
	EXPECT_EQ(conn_recv_all(self->conn.fd[1], self->got + done, BUF_LEN - done, 0),
		  BUF_LEN - done);
	EXPECT_MEM_EQ(self->got, self->buf, BUF_LEN);
	expect_alive(self);
}

static void finish_look(struct nth_self *self, long ret)
{
	(void)ret;
	finish_recv(self, 0);
}

static long call_recv(struct nth_self *self)
{
	return result(recv(self->conn.fd[1], self->got, BUF_LEN, MSG_DONTWAIT));
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
		/* The KeyUpdate would have gone out first: the peer has to be told by hand. */
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
	ASSERT_EQ(conn_send_type(self->conn.fd[0], REF_HANDSHAKE, self->got, TICKET_LEN, 0), TICKET_LEN);
	ASSERT_EQ(conn_send_all(self->conn.fd[0], self->buf, BUF_LEN, 0), BUF_LEN);
}

static void finish_ticket(struct nth_self *self, long ret)
{
	uint8_t ticket[TICKET_LEN], got[TICKET_LEN];

	finish_recv(self, ret);
	control_message(ticket, CONTROL_TICKET, TICKET_LEN, 5);
	EXPECT_EQ(control_get_ticket(self->conn.fd[1], got, sizeof(got)), TICKET_LEN);
	EXPECT_MEM_EQ(got, ticket, TICKET_LEN);
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

static long call_shutdown(struct nth_self *self)
{
	return result(shutdown(self->conn.fd[0], SHUT_WR));
}

static void finish_shutdown(struct nth_self *self, long ret)
{
	if (ret)
		ASSERT_EQ(call_shutdown(self), 0);
	EXPECT_EQ(conn_recv_all(self->conn.fd[1], self->got, BUF_LEN, 0), 1000);
	EXPECT_MEM_EQ(self->got, self->buf, 1000);
}

CALL(shutdown, prepare_open, call_shutdown, finish_shutdown);

static long call_close(struct nth_self *self)
{
	long ret = result(close(self->conn.fd[0]));

	self->conn.fd[0] = -1;
	return ret;
}

/* There is nobody left to tell: the peer may see the record missing, but not a false one or a true end. */
static void finish_close(struct nth_self *self, long ret)
{
	ssize_t got = conn_recv_all(self->conn.fd[1], self->got, BUF_LEN, 0);

	EXPECT_EQ(ret, 0);
	EXPECT_TRUE(got == 1000 || got == -ECONNRESET);
	if (got == 1000)
		EXPECT_MEM_EQ(self->got, self->buf, 1000);
	self->short_count += got != 1000;
}

CALL(close, prepare_open, call_close, finish_close);

int main(int argc, char **argv)
{
	return fault_main(argc, argv);
}
