// SPDX-License-Identifier: MIT
/*
 * Owns: control mode and NewSessionTicket: set aside, never met by a call that
 * has no room for a record type, bounded, given out in order.
 * Must not know: what is in a ticket.
 * Concurrency: one thread, and one that reads where a test says so.
 * Follows: uapi/linux/ktlsx.h (KTLSX_CONTROL, KTLSX_TICKET); RFC 8446 4.6.1.
 */
#include "ktap.h"
#include "control.h"

FIXTURE(tickets) {
	struct control c;
};

FIXTURE_VARIANT(tickets) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(tickets, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(tickets, mtu1500_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(tickets, small_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_SMALL };

FIXTURE_SETUP(tickets)
{
	control_open(&self->c, variant->suite, variant->shape);
}

/* By every call, first blocking, then not. */
TEST_F_TIMEOUT(tickets, passed_over_by_every_call, 30)
{
	struct control *c = &self->c;

	for (int i = 0; i < 2 * CONTROL_WAYS; i++) {
		control_put_ticket(c, 200 + i, i);
		control_put_data(c, i * 100, 100);
		if (i >= CONTROL_WAYS)
			EXPECT_EQ(control_polled(c, control_wait_ms()), POLLIN);
		EXPECT_EQ(control_read(c, i % CONTROL_WAYS, c->got, 100,
				       i < CONTROL_WAYS ? 0 : MSG_DONTWAIT), 100);
		EXPECT_MEM_EQ(c->got, c->buf + i * 100, 100);
		control_expect_ticket(c, 200 + i, i);
	}
	EXPECT_EQ(control_get_ticket(c->fd, c->got, 1000), -ENODATA);
}

TEST_F(tickets, data_ticket_data_in_one_recv)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 300);
	control_put_ticket(c, 150, 1);
	control_put_data(c, 300, 500);
	control_put_ticket(c, 160, 2);
	control_put_data(c, 800, 200);
	EXPECT_EQ(recv(c->fd, c->got, 1000, MSG_WAITALL), 1000);
	EXPECT_MEM_EQ(c->got, c->buf, 1000);
	control_expect_ticket(c, 150, 1);
	control_expect_ticket(c, 160, 2);
}

TEST_F(tickets, data_ticket_data_in_one_splice)
{
	struct control *c = &self->c;

	control_put_data(c, 0, 300);
	control_put_ticket(c, 150, 1);
	control_put_data(c, 300, 500);
	control_settle();
	EXPECT_EQ(splice(c->fd, NULL, c->pipe_fd[1], NULL, 2000, 0), 800);
	EXPECT_EQ(read(c->pipe_fd[0], c->got, 2000), 800);
	EXPECT_MEM_EQ(c->got, c->buf, 800);
	control_expect_ticket(c, 150, 1);
}

/* In two records, cut at every byte, with data before and behind. */
TEST_F_TIMEOUT(tickets, split_at_every_byte, 60)
{
	enum { LEN = 60 };
	struct control *c = &self->c;
	uint8_t message[LEN];

	for (size_t cut = 1; cut < LEN; cut++) {
		control_message(message, CONTROL_TICKET, LEN, cut);
		control_put_data(c, 0, 5);
		control_put(c, REF_HANDSHAKE, message, cut);
		control_put(c, REF_HANDSHAKE, message + cut, LEN - cut);
		control_put_data(c, 5, 5);
		EXPECT_EQ(recv(c->fd, c->got, 10, MSG_WAITALL), 10);
		EXPECT_MEM_EQ(c->got, c->buf, 10);
		control_expect_ticket(c, LEN, cut);
	}
}

/* The same, and the reader comes between the two records. */
TEST_F_TIMEOUT(tickets, split_and_read_between, 60)
{
	enum { LEN = 40 };
	struct control *c = &self->c;
	uint8_t message[LEN];

	for (size_t cut = 1; cut < LEN; cut += 3) {
		control_message(message, CONTROL_TICKET, LEN, cut);
		control_put(c, REF_HANDSHAKE, message, cut);
		control_settle();
		EXPECT_ERRNO(recv(c->fd, c->got, 10, MSG_DONTWAIT), EAGAIN);
		EXPECT_EQ(control_get_ticket(c->fd, c->got, 1000), -ENODATA);
		control_put(c, REF_HANDSHAKE, message + cut, LEN - cut);
		control_put_data(c, 0, 5);
		EXPECT_EQ(recv(c->fd, c->got, 5, MSG_WAITALL), 5);
		control_expect_ticket(c, LEN, cut);
	}
}

TEST_F_TIMEOUT(tickets, in_records_of_one_byte, 30)
{
	struct control *c = &self->c;
	uint8_t message[50];

	control_message(message, CONTROL_TICKET, sizeof(message), 3);
	for (size_t i = 0; i < sizeof(message); i++)
		control_put(c, REF_HANDSHAKE, message + i, 1);
	control_put_data(c, 0, 5);
	EXPECT_EQ(recv(c->fd, c->got, 5, MSG_WAITALL), 5);
	control_expect_ticket(c, sizeof(message), 3);
}

/* And the third begins in the same record and ends in the next. */
TEST_F(tickets, several_in_one_record)
{
	struct control *c = &self->c;
	uint8_t messages[600];

	control_message(messages, CONTROL_TICKET, 100, 1);
	control_message(messages + 100, CONTROL_TICKET, 200, 2);
	control_message(messages + 300, CONTROL_TICKET, 300, 3);
	control_put(c, REF_HANDSHAKE, messages, 302);
	control_put(c, REF_HANDSHAKE, messages + 302, 298);
	control_put_data(c, 0, 10);
	EXPECT_EQ(recv(c->fd, c->got, 10, 0), 10);
	for (int i = 1; i <= 3; i++)
		control_expect_ticket(c, 100 * i, i);
}

TEST_F(tickets, oldest_dropped_first)
{
	long long all = conn_stat("RxTickets"), dropped = conn_stat("RxTicketsDropped");
	struct control *c = &self->c;

	for (int i = 0; i < KTLSX_TICKET_COUNT_MAX + 3; i++)
		control_put_ticket(c, 100, i);
	control_put_data(c, 0, 10);
	EXPECT_EQ(recv(c->fd, c->got, 10, 0), 10);
	for (int i = 3; i < KTLSX_TICKET_COUNT_MAX + 3; i++)
		control_expect_ticket(c, 100, i);
	EXPECT_EQ(control_get_ticket(c->fd, c->got, 1000), -ENODATA);
	EXPECT_EQ(conn_stat("RxTickets") - all, KTLSX_TICKET_COUNT_MAX + 3);
	EXPECT_EQ(conn_stat("RxTicketsDropped") - dropped, 3);
}

TEST_F(tickets, bytes_are_bounded)
{
	struct control *c = &self->c;

	control_put_ticket(c, 8000, 1);
	control_put_ticket(c, 384, 2);
	control_put_ticket(c, 8000, 3);
	control_put_ticket(c, 8000, 4);	/* just fits when the first one has gone */
	control_put_data(c, 0, 10);
	EXPECT_EQ(recv(c->fd, c->got, 10, 0), 10);
	control_expect_ticket(c, 384, 2);
	control_expect_ticket(c, 8000, 3);
	control_put_ticket(c, 8385, 5);	/* one more than there is room for beside the last */
	control_put_data(c, 0, 10);
	EXPECT_EQ(recv(c->fd, c->got, 10, 0), 10);
	control_expect_ticket(c, 8385, 5);
	EXPECT_EQ(control_get_ticket(c->fd, c->got, 1000), -ENODATA);
}

TEST_F(tickets, largest_kept)
{
	struct control *c = &self->c;

	control_message(c->ticket, CONTROL_TICKET, KTLSX_TICKETS_LEN_MAX, 5);
	control_put(c, REF_HANDSHAKE, c->ticket, KTLSX_TICKETS_LEN_MAX);
	control_put_data(c, 0, 10);
	EXPECT_EQ(recv(c->fd, c->got, 10, 0), 10);
	control_expect_ticket(c, KTLSX_TICKETS_LEN_MAX, 5);
}

/* Sends a message of @len bytes in full records. */
static void put_long(struct control *c, size_t len)
{
	uint8_t *message = malloc(len);

	control_message(message, CONTROL_TICKET, len, 6);
	for (size_t off = 0; off < len; off += REF_PLAIN_MAX)
		control_put(c, REF_HANDSHAKE, message + off,
			    len - off < REF_PLAIN_MAX ? len - off : REF_PLAIN_MAX);
	free(message);
}

struct task {
	struct control *c;
	size_t len;
};

static void *put_long_task(void *arg)
{
	struct task *task = arg;

	put_long(task->c, task->len);
	control_put_data(task->c, 0, 10);
	return NULL;
}

/* A message longer than all that is kept is passed over, whatever records it takes. */
TEST_F_TIMEOUT(tickets, longer_than_kept, 30)
{
	static const size_t lens[] = { KTLSX_TICKETS_LEN_MAX + 1, 40000, 1 << 17 };
	long long dropped = conn_stat("RxTicketsDropped");
	struct control *c = &self->c;

	control_put_ticket(c, 100, 7);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct task task = { c, lens[i] };
		pthread_t thread;

		ASSERT_EQ(pthread_create(&thread, NULL, put_long_task, &task), 0);
		EXPECT_EQ(recv(c->fd, c->got, 10, 0), 10);
		pthread_join(thread, NULL);
		EXPECT_EQ(conn_stat("RxTicketsDropped") - dropped, i + 1);
	}
	control_expect_ticket(c, 100, 7);
	EXPECT_EQ(control_get_ticket(c->fd, c->got, 1000), -ENODATA);
}

/* Refused by its header alone. */
TEST_F(tickets, too_long_is_a_breach)
{
	struct control *c = &self->c;

	control_message(c->ticket, CONTROL_TICKET, 100, 1);
	c->ticket[1] = 2;	/* a body of 2^17 bytes and some: over the limit with its header */
	control_put(c, REF_HANDSHAKE, c->ticket, 100);
	control_expect_for_good(c, EPROTO);
}

TEST_F(tickets, buffer_too_small)
{
	struct control *c = &self->c;
	socklen_t len;

	control_put_ticket(c, 300, 8);
	control_put_data(c, 0, 10);
	EXPECT_EQ(recv(c->fd, c->got, 10, 0), 10);
	for (socklen_t size = 0; size < 300; size += 43) {
		len = size;
		EXPECT_ERRNO(getsockopt(c->fd, SOL_TLS, KTLSX_TICKET, c->got, &len), EMSGSIZE);
		EXPECT_EQ(len, 300);
	}
	len = -1;
	EXPECT_ERRNO(getsockopt(c->fd, SOL_TLS, KTLSX_TICKET, c->got, &len), EMSGSIZE);
	len = 300;
	EXPECT_ERRNO(getsockopt(c->fd, SOL_TLS, KTLSX_TICKET, (void *)16, &len), EFAULT);
	EXPECT_ERRNO(getsockopt(c->fd, SOL_TLS, KTLSX_TICKET, c->got, NULL), EFAULT);
	control_expect_ticket(c, 300, 8);
}

/* Whoever has room gets the record itself, and nothing is set aside. */
TEST_F(tickets, room_for_the_type)
{
	struct control *c = &self->c;
	uint8_t type;

	control_put_ticket(c, 120, 9);
	control_put_data(c, 0, 10);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 1000, 0), 120);
	EXPECT_EQ(type, REF_HANDSHAKE);
	EXPECT_MEM_EQ(c->got, c->ticket, 120);
	EXPECT_EQ(control_get_ticket(c->fd, c->got, 1000), -ENODATA);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 1000, 0), 10);
	EXPECT_EQ(type, REF_DATA);
}

/* A message that was begun one way is ended that way. */
TEST_F(tickets, room_comes_and_goes)
{
	struct control *c = &self->c;
	uint8_t message[100], type;

	control_message(message, CONTROL_TICKET, sizeof(message), 10);
	control_put(c, REF_HANDSHAKE, message, 30);
	control_settle();
	EXPECT_ERRNO(recv(c->fd, c->got, 100, MSG_DONTWAIT), EAGAIN);
	control_put(c, REF_HANDSHAKE, message + 30, 70);
	control_put_data(c, 0, 10);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 10);
	EXPECT_EQ(type, REF_DATA);
	control_expect_ticket(c, sizeof(message), 10);

	control_put(c, REF_HANDSHAKE, message, 30);
	EXPECT_EQ(conn_recv_type(c->fd, &type, c->got, 100, 0), 30);
	control_put(c, REF_HANDSHAKE, message + 30, 70);
	control_settle();
	EXPECT_EQ(control_polled(c, 0), POLLIN);
	control_put_data(c, 10, 10);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 10);
	EXPECT_MEM_EQ(c->got, c->buf + 10, 10);
	EXPECT_EQ(control_get_ticket(c->fd, c->got, 1000), -ENODATA);
}

/* RFC 8446 5.1: nothing may come between the records of one message. */
TEST_F(tickets, data_inside_a_message)
{
	struct control *c = &self->c;

	control_message(c->ticket, CONTROL_TICKET, 100, 11);
	control_put(c, REF_HANDSHAKE, c->ticket, 50);
	control_put_data(c, 0, 10);
	control_expect_for_good(c, EPROTO);
}

TEST_F(tickets, close_notify_inside_a_message)
{
	struct control *c = &self->c;

	control_message(c->ticket, CONTROL_TICKET, 100, 11);
	control_put(c, REF_HANDSHAKE, c->ticket, 50);
	control_put_alert(c, 1, 0);
	control_expect_for_good(c, EPROTO);
}

/* A peer may give up at any time. */
TEST_F(tickets, fatal_alert_inside_a_message)
{
	struct control *c = &self->c;

	control_message(c->ticket, CONTROL_TICKET, 100, 11);
	control_put(c, REF_HANDSHAKE, c->ticket, 50);
	control_put_alert(c, 2, 80);
	control_expect_for_good(c, ECONNRESET);
	EXPECT_EQ(control_get_alert(c->fd), 2 << 8 | 80);
}

TEST_F(tickets, empty_handshake_record)
{
	control_put(&self->c, REF_HANDSHAKE, "", 0);
	control_expect_for_good(&self->c, EPROTO);
}

/* They stay for whoever comes after the end. */
TEST_F(tickets, kept_past_the_end)
{
	struct control *c = &self->c;

	control_put_ticket(c, 100, 12);
	control_put_alert(c, 1, 0);
	EXPECT_EQ(recv(c->fd, c->got, 100, 0), 0);
	control_expect_ticket(c, 100, 12);
}

/* What is set aside is charged to the socket, and uncharged when it goes. */
TEST_F(tickets, charged)
{
	struct control *c = &self->c;
	uint32_t before[9], kept[9], after[9];
	socklen_t len = sizeof(before);

	ASSERT_EQ(getsockopt(c->fd, SOL_SOCKET, SO_MEMINFO, before, &len), 0);
	for (int i = 0; i < 2; i++)
		control_put_ticket(c, 8000, i);
	for (int i = 0; i < control_wait_ms() && conn_stat("RxTickets") < 2; i++) {
		EXPECT_ERRNO(recv(c->fd, c->got, 1, MSG_DONTWAIT), EAGAIN);
		usleep(1000);
	}
	ASSERT_EQ(getsockopt(c->fd, SOL_SOCKET, SO_MEMINFO, kept, &len), 0);
	for (int i = 0; i < 2; i++)
		control_expect_ticket(c, 8000, i);
	ASSERT_EQ(getsockopt(c->fd, SOL_SOCKET, SO_MEMINFO, after, &len), 0);
	/* Index 4: forward allocation, which shrinks by what is charged and grows by pages. */
	EXPECT_NE((kept[4] - before[4]) % 4096, 0);
	EXPECT_EQ((after[4] - before[4]) % 4096, 0);
}

/* Closing wipes and uncharges what nobody fetched: the kernel warns where it does not. */
TEST_F(tickets, closed_with_tickets)
{
	struct control *c = &self->c;

	control_message(c->ticket, CONTROL_TICKET, 5000, 13);
	control_put(c, REF_HANDSHAKE, c->ticket, 5000);
	control_put(c, REF_HANDSHAKE, c->ticket, 2000);
	control_settle();
	EXPECT_ERRNO(recv(c->fd, c->got, 1, MSG_DONTWAIT), EAGAIN);
	EXPECT_EQ(close(c->fd), 0);
}

FIXTURE(tls12) {
	struct control c;
};

FIXTURE_VARIANT(tls12) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(tls12, lo_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(tls12, mtu1500_12_gcm256) = { &conn_suites[CONN_12_GCM256], CONN_MTU1500 };

FIXTURE_SETUP(tls12)
{
	control_open(&self->c, variant->suite, variant->shape);
}

/* TLS 1.2 sends its tickets in the handshake. */
TEST_F(tls12, ticket_is_a_breach)
{
	control_put_ticket(&self->c, 100, 1);
	control_expect_for_good(&self->c, EPROTO);
	EXPECT_EQ(control_get_ticket(self->c.fd, self->c.got, 1000), -ENODATA);
}

KTAP_MAIN()
