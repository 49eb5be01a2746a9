// SPDX-License-Identifier: MIT
/*
 * Owns: control mode and how receiving ends: close_notify, alerts, a stream that
 * is cut, and what calls with room for the type see of it.
 * Must not know: what is sent at the end (control_close.c).
 * Concurrency: none.
 * Follows: uapi/linux/ktlsx.h (KTLSX_CONTROL, KTLSX_ALERT); RFC 8446 6, RFC 5246 7.2.
 */
#include "ktap.h"
#include "control.h"

FIXTURE(end) {
	struct control c;
};

FIXTURE_VARIANT(end) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(end, lo_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(end, lo_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_LO };
FIXTURE_VARIANT_ADD(end, small_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_SMALL };
FIXTURE_VARIANT_ADD(end, mtu1500_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_MTU1500 };

FIXTURE_SETUP(end)
{
	control_open(&self->c, variant->suite, variant->shape);
}

static void send_fin(struct control *c)
{
	ASSERT_EQ(shutdown(c->conn.fd[0], SHUT_WR), 0);
}

/* Half a record and nothing more of it. */
static void put_half(struct control *c)
{
	uint8_t wire[REF_WIRE_MAX];
	size_t len = ref_seal(&c->conn.key[0], REF_DATA, c->buf, 1000, NULL, wire);

	ASSERT_EQ(conn_send_all(c->conn.fd[0], wire, len / 2, 0), len / 2);
}

/* What came first is read first; the end is for the next call, whatever call that is. */
static void expect_data_then(struct control *c, enum control_way way)
{
	EXPECT_EQ(control_read(c, way, c->got, 1000, way == CONTROL_SPLICE ? 0 : MSG_WAITALL),
		  300);
	EXPECT_MEM_EQ(c->got, c->buf, 300);
}

TEST_F(end, close_notify_is_the_end)
{
	struct control *c = &self->c;

	EXPECT_EQ(control_get_alert(c->fd), -ENODATA);
	control_put_data(c, 0, 300);
	control_put_alert(c, 1, 0);
	expect_data_then(c, CONTROL_RECV);
	control_expect_end(c);
	EXPECT_EQ(recv(c->fd, c->got, 100, MSG_DONTWAIT), 0);
	EXPECT_EQ(control_get_alert(c->fd), 1 << 8);
	send_fin(c);
	control_settle();
	control_expect_end(c);
}

TEST_F(end, close_notify_by_splice)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 300);
	control_put_alert(c, 1, 0);
	EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
	EXPECT_EQ(splice(c->fd, NULL, c->pipe_fd[1], NULL, 1000, 0), 300);
	EXPECT_EQ(splice(c->fd, NULL, c->pipe_fd[1], NULL, 1000, 0), 0);
	control_expect_end(c);
}

TEST_F(end, close_notify_by_peek)
{
	struct control *c = &self->c;

	control_put_alert(c, 1, 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, MSG_PEEK), 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, MSG_PEEK), 0);
	control_expect_end(c);
}

/* Whole records, a bad one, and bytes that are no record: none is opened or an error. */
TEST_F(end, close_notify_then_garbage)
{
	const struct ref_twist bad = { .bad_tag = true };
	long long opened = conn_stat("RxRecvRecords");
	struct control *c = &self->c;

	control_put_alert(c, 1, 0);
	control_put_data(c, 0, 300);
	ASSERT_GT(conn_send_record(&c->conn, REF_DATA, c->buf, 100, &bad), 0);
	ASSERT_EQ(conn_send_all(c->conn.fd[0], c->buf, 3000, 0), 3000);
	control_settle();
	control_expect_end(c);
	ASSERT_EQ(conn_send_all(c->conn.fd[0], c->buf, 3000, 0), 3000);
	control_settle();
	control_expect_end(c);
	EXPECT_EQ(conn_stat("RxRecvRecords"), opened);
	EXPECT_EQ(conn_stat("RxAuthFail"), 0);
	EXPECT_EQ(conn_stat("RxBadRecord"), 0);
}

/* What follows is dropped: a peer who goes on for long neither blocks nor fills memory. */
TEST_F_TIMEOUT(end, close_notify_then_much, 30)
{
	struct control *c = &self->c;
	struct conn_job job;
	uint8_t *much = calloc(1, 3 << 20);

	control_put_alert(c, 1, 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 0);
	ASSERT_EQ(conn_send_start(&job, c->conn.fd[0], much, 3 << 20, 100000), 0);
	EXPECT_EQ(conn_job_end(&job), 3 << 20);
	control_expect_end(c);
	free(much);
}

/* Nothing unread is left behind, so close() ends with a FIN and not with a reset. */
TEST_F(end, close_notify_and_garbage_then_close)
{
	struct control *c = &self->c;
	char byte;

	control_put_alert(c, 1, 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 0);
	ASSERT_EQ(conn_send_all(c->conn.fd[0], c->buf, 3000, 0), 3000);
	control_settle();
	ASSERT_EQ(close(c->fd), 0);
	EXPECT_EQ(recv(c->conn.fd[0], &byte, 1, 0), 0);
}

/* A call with room takes the record, and then it is the end for him as well. */
TEST_F(end, close_notify_with_room)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put_alert(c, 1, 0);
	control_put_data(c, 0, 100);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 2);
	EXPECT_EQ(type, REF_ALERT);
	EXPECT_EQ(control_get_alert(c->fd), 1 << 8);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 0);
	EXPECT_EQ(type, 0);
	control_expect_end(c);
}

TEST_F(end, close_notify_then_room)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put_alert(c, 1, 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 0);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 0);
	EXPECT_EQ(type, 0);
}

TEST_F(end, fatal_alert)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 300);
	control_put_alert(c, 2, 40);
	control_put_data(c, 300, 100);
	expect_data_then(c, CONTROL_RECVMSG);
	control_expect_for_good(c, ECONNRESET);
	EXPECT_EQ(control_get_alert(c->fd), 2 << 8 | 40);
	send_fin(c);
	control_settle();
	control_expect_for_good(c, ECONNRESET);
}

TEST_F(end, fatal_alert_by_splice)
{
	struct control *c = &self->c;

	control_put_alert(c, 2, 40);
	EXPECT_ERRNO(splice(c->fd, NULL, c->pipe_fd[1], NULL, 1000, 0), ECONNRESET);
	EXPECT_ERRNO(recv(c->fd, c->got, 100, MSG_DONTWAIT), ECONNRESET);
}

TEST_F(end, fatal_alert_with_room)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put_alert(c, 2, 40);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 2);
	EXPECT_EQ(type, REF_ALERT);
	EXPECT_EQ(control_get_alert(c->fd), 2 << 8 | 40);
	EXPECT_ERRNO(conn_recv_type(c->fd, &type, c->got, 100, 0), ECONNRESET);
	control_expect_for_good(c, ECONNRESET);
}

/* In TLS 1.2 the level decides, in TLS 1.3 the description (RFC 8446 6). */
TEST_F(end, warnings)
{
	bool is_12 = variant->suite->version == REF_TLS12;
	struct control *c = &self->c;

	control_put_data(c, 0, 100);
	for (int i = 0; i < 20; i++)
		control_put_alert(c, 1, 90);
	if (is_12)
		control_put_alert(c, 1, 100);
	control_put_data(c, 100, 200);
	EXPECT_EQ(recv(c->fd, c->got, 300, MSG_WAITALL), 300);
	EXPECT_MEM_EQ(c->got, c->buf, 300);
	EXPECT_EQ(control_get_alert(c->fd), -ENODATA);
	if (is_12)
		return;
	control_put_alert(c, 2, 90);
	control_put_data(c, 0, 10);
	EXPECT_EQ(recv(c->fd, c->got, 10, 0), 10);
	control_put_alert(c, 1, 100);
	control_expect_for_good(c, ECONNRESET);
	EXPECT_EQ(control_get_alert(c->fd), 1 << 8 | 100);
}

TEST_F(end, close_notify_of_another_level)
{
	bool is_12 = variant->suite->version == REF_TLS12;
	struct control *c = &self->c;

	control_put_alert(c, 2, 0);
	if (is_12)
		control_expect_for_good(c, ECONNRESET);
	else
		control_expect_end(c);
	EXPECT_EQ(control_get_alert(c->fd), 2 << 8);
}

TEST_F(end, alert_of_no_level)
{
	bool is_12 = variant->suite->version == REF_TLS12;
	struct control *c = &self->c;

	control_put_alert(c, 3, 40);
	control_expect_for_good(c, is_12 ? EPROTO : ECONNRESET);
}

/* Of 0, 1, 3 and many bytes; each on a connection of its own. */
TEST_F(end, malformed_alert)
{
	static const size_t lens[] = { 0, 1, 3, 4, 1000 };
	struct control *c = &self->c;

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		control_renew(c);
		control_put_data(c, 0, 300);
		control_put(c, REF_ALERT, "\2\50\0", lens[i] < 4 ? lens[i] : 4);
		expect_data_then(c, CONTROL_RECV);
		control_expect_for_good(c, EPROTO);
		EXPECT_EQ(control_get_alert(c->fd), -ENODATA);
	}
}

/* The stream ends without a word: cut, whoever did it. */
TEST_F(end, cut_off)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 300);
	send_fin(c);
	expect_data_then(c, CONTROL_READV);
	control_expect_for_good(c, EPROTO);
}

TEST_F(end, cut_off_by_splice)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 300);
	send_fin(c);
	expect_data_then(c, CONTROL_SPLICE);
	EXPECT_ERRNO(splice(c->fd, NULL, c->pipe_fd[1], NULL, 1000, 0), EPROTO);
	control_expect_for_good(c, EPROTO);
}

TEST_F(end, cut_off_in_a_record)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 300);
	put_half(c);
	send_fin(c);
	expect_data_then(c, CONTROL_RECV);
	control_expect_for_good(c, EPROTO);
}

TEST_F(end, cut_off_with_nothing)
{
	send_fin(&self->c);
	control_expect_for_good(&self->c, EPROTO);
}

/* Who has room sees all there was to see himself: TCP's end of file. */
TEST_F(end, cut_off_with_room)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put_data(c, 0, 300);
	send_fin(c);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 1000, MSG_WAITALL), 300);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 1000, 0), 0);
	EXPECT_EQ(type, 0);
	EXPECT_ERRNO(recv(c->fd, c->got, 1000, 0), EPROTO);
}

static void send_reset(struct control *c)
{
	const struct linger now = { .l_onoff = 1 };

	ASSERT_EQ(setsockopt(c->conn.fd[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	ASSERT_EQ(close(c->conn.fd[0]), 0);
	control_settle();
}

/* A reset is TCP's own error, once; it never turns into an end that looks like a good one. */
TEST_F(end, reset)
{
	send_reset(&self->c);
	EXPECT_ERRNO(recv(self->c.fd, self->c.got, 1000, 0), ECONNRESET);
	control_expect_for_good(&self->c, EPROTO);
}

TEST_F(end, reset_told_to_another_call)
{
	struct control *c = &self->c;
	socklen_t len = sizeof(int);
	int err = 0;

	send_reset(c);
	ASSERT_EQ(getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	EXPECT_EQ(err, ECONNRESET);
	control_expect_for_good(c, EPROTO);
}

TEST_F(end, reset_after_close_notify)
{
	struct control *c = &self->c;

	control_put_alert(c, 1, 0);
	EXPECT_EQ(recv(c->fd, c->got, 1000, 0), 0);
	send_reset(c);
	control_expect_end(c);
}

/* The user's own shutdown is no attack: TCP's 0, the peer's FIN before or after. */
TEST_F(end, own_shutdown)
{
	struct control *c = &self->c;

	ASSERT_EQ(shutdown(c->fd, SHUT_RD), 0);
	control_expect_end(c);
	send_fin(c);
	control_settle();
	control_expect_end(c);
}

TEST_F(end, own_shutdown_of_both)
{
	struct control *c = &self->c;

	ASSERT_EQ(shutdown(c->fd, SHUT_RDWR), 0);
	send_fin(c);
	control_settle();
	control_expect_end(c);
}

/* The end lasts when the mode is switched off. */
TEST_F(end, outlasts_the_mode)
{
	struct control *c = &self->c;

	control_put_alert(c, 1, 0);
	control_put_data(c, 0, 100);
	EXPECT_EQ(recv(c->fd, c->got, 1000, 0), 0);
	ASSERT_EQ(control_set(c->fd, KTLSX_CONTROL, 0), 0);
	control_expect_end(c);
}

/* Without the mode nothing has changed. */
TEST_F(end, mode_off)
{
	struct control *c = &self->c;
	uint8_t type;

	ASSERT_EQ(control_set(c->fd, KTLSX_CONTROL, 0), 0);
	control_put_alert(c, 1, 0);
	EXPECT_ERRNO(recv(c->fd, c->got, 1000, 0), EIO);
	EXPECT_ERRNO(splice(c->fd, NULL, c->pipe_fd[1], NULL, 1000, 0), EINVAL);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 1000, 0), 2);
	EXPECT_EQ(control_get_alert(c->fd), -ENODATA);
	send_fin(c);
	EXPECT_EQ(recv(c->fd, c->got, 1000, 0), 0);
}

/* What a call without the mode left behind is met by the mode when it comes. */
TEST_F(end, mode_on_late)
{
	struct control *c = &self->c;

	ASSERT_EQ(control_set(c->fd, KTLSX_CONTROL, 0), 0);
	control_put_alert(c, 1, 0);
	EXPECT_ERRNO(recv(c->fd, c->got, 1000, 0), EIO);
	ASSERT_EQ(control_set(c->fd, KTLSX_CONTROL, 1), 0);
	control_expect_end(c);
}

/* A bad record stays what it was, and no alert is made up for it. */
TEST_F(end, bad_record)
{
	const struct ref_twist bad = { .bad_tag = true };
	struct control *c = &self->c;

	ASSERT_GT(conn_send_record(&c->conn, REF_DATA, c->buf, 100, &bad), 0);
	control_put_alert(c, 1, 0);
	control_expect_for_good(c, EBADMSG);
	EXPECT_EQ(control_get_alert(c->fd), -ENODATA);
}

KTAP_MAIN()
