/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the control-mode tests share: a receiving socket in control mode,
 * and the handshake messages and alerts that are sent to it.
 * Must not know: what a test checks.
 * Concurrency: a struct control belongs to one test.
 * Follows: uapi/linux/ktlsx.h; RFC 8446 4.6, 6. Include ktap.h first.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <linux/ktlsx.h>

#include "conn.h"

#define CONTROL_TICKET		4
#define CONTROL_KEY_UPDATE	24
#define CONTROL_HEADER_LEN	4
/* Long enough for anything on its way to arrive on loopback. */
#define CONTROL_QUIET_MS	15

/* fd is conn.fd[1], which receives; conn.fd[0] is raw. */
struct control {
	struct conn conn;
	int fd;
	int pipe_fd[2];
	uint8_t buf[40000];
	uint8_t got[40000];
	uint8_t ticket[20000];
};

/* Calls without room for a record type. */
enum control_way { CONTROL_RECV, CONTROL_READ, CONTROL_READV, CONTROL_RECVMSG, CONTROL_SPLICE,
		   CONTROL_PEEK, CONTROL_WAYS };

static inline int control_wait_ms(void)
{
	return 5000 * (int)ktap_slow();
}

static inline int control_set(int fd, int option, uint32_t value)
{
	return setsockopt(fd, SOL_TLS, option, &value, sizeof(value));
}

static inline void control_open(struct control *self, const struct conn_suite *suite,
				enum conn_shape shape)
{
	SKIP_INTREE("it has no control mode");
	CONN_TRY(conn_open(&self->conn, suite, shape, AF_INET));
	CONN_TRY(conn_rx(&self->conn));
	self->fd = self->conn.fd[1];
	ASSERT_EQ(control_set(self->fd, KTLSX_CONTROL, 1), 0);
	ASSERT_EQ(pipe(self->pipe_fd), 0);
	conn_fill(self->buf, sizeof(self->buf), 21);
}

/* Another connection in place of the one there is. */
static inline void control_renew(struct control *self)
{
	for (int i = 0; i < 2; i++)
		close(self->conn.fd[i]);
	ASSERT_EQ(conn_pair(self->conn.fd, self->conn.shape, AF_INET), 0);
	ASSERT_EQ(conn_rx(&self->conn), 0);
	self->fd = self->conn.fd[1];
	ASSERT_EQ(control_set(self->fd, KTLSX_CONTROL, 1), 0);
}

static inline void control_put(struct control *self, uint8_t type, const void *buf, size_t len)
{
	ASSERT_GT(conn_send_record(&self->conn, type, buf, len, NULL), 0);
}

static inline void control_put_data(struct control *self, size_t off, size_t len)
{
	control_put(self, REF_DATA, self->buf + off, len);
}

static inline void control_put_alert(struct control *self, uint8_t level, uint8_t description)
{
	const uint8_t alert[] = { level, description };

	control_put(self, REF_ALERT, alert, sizeof(alert));
}

static inline void control_put_key_update(struct control *self, uint8_t value)
{
	const uint8_t message[] = { CONTROL_KEY_UPDATE, 0, 0, 1, value };

	control_put(self, REF_HANDSHAKE, message, sizeof(message));
}

/* Another key for every number; sequence numbers too, so that the codec sees each once. */
static inline void control_make_key(struct ref_key *key, const struct conn_suite *suite,
				    unsigned int number)
{
	ref_key_make(key, suite->version, suite->ref_cipher, 500 + number);
	key->seq = (uint64_t)number << 32;
}

/* A handshake message of @len bytes in all, which depend on @seed; returns @len. */
static inline size_t control_message(uint8_t *out, uint8_t type, size_t len, unsigned int seed)
{
	size_t body_len = len - CONTROL_HEADER_LEN;

	conn_fill(out, len, seed);
	out[0] = type;
	out[1] = body_len >> 16;
	out[2] = body_len >> 8;
	out[3] = body_len;
	return len;
}

static inline void control_put_ticket(struct control *self, size_t len, unsigned int seed)
{
	control_message(self->ticket, CONTROL_TICKET, len, seed);
	control_put(self, REF_HANDSHAKE, self->ticket, len);
}

#include "control_calls.h"

#endif
