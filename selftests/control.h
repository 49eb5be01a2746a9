/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the control-mode tests share: a receiving socket in control mode,
 * handshake messages and alerts to send to it, and the calls that have no room
 * for a record type, each under a number.
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

/* As recv(); what splice() took comes out of the pipe; peeked bytes are taken afterwards. */
static inline ssize_t control_read(struct control *self, enum control_way way, void *buf,
				   size_t len, int flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int splice_flags = flags & MSG_DONTWAIT ? SPLICE_F_NONBLOCK : 0;
	ssize_t ret;

	if (way == CONTROL_READ || way == CONTROL_READV)
		fcntl(self->fd, F_SETFL, flags & MSG_DONTWAIT ? O_NONBLOCK : 0);
	switch (way) {
	case CONTROL_READ:
		return read(self->fd, buf, len);
	case CONTROL_READV:
		return readv(self->fd, &iov, 1);
	case CONTROL_RECVMSG:
		return recvmsg(self->fd, &msg, flags);
	case CONTROL_SPLICE:
		ret = splice(self->fd, NULL, self->pipe_fd[1], NULL, len, splice_flags);
		return ret > 0 ? read(self->pipe_fd[0], buf, ret) : ret;
	case CONTROL_PEEK:
		ret = recv(self->fd, buf, len, flags | MSG_PEEK);
		return ret > 0 ? recv(self->fd, buf, ret, flags) : ret;
	default:
		return recv(self->fd, buf, len, flags);
	}
}

/* Return: bytes of the ticket, or -errno. */
static inline ssize_t control_get_ticket(int fd, void *buf, size_t size)
{
	socklen_t len = size;

	return getsockopt(fd, SOL_TLS, KTLSX_TICKET, buf, &len) ? -errno : (ssize_t)len;
}

static inline void control_expect_ticket(struct control *self, size_t len, unsigned int seed)
{
	uint8_t got[20000];

	control_message(self->ticket, CONTROL_TICKET, len, seed);
	EXPECT_EQ(control_get_ticket(self->fd, got, sizeof(got)), len);
	EXPECT_MEM_EQ(got, self->ticket, len);
}

/* Return: level << 8 | description, or -errno. */
static inline int control_get_alert(int fd)
{
	struct ktlsx_alert alert = { 0 };
	socklen_t len = sizeof(alert);

	if (getsockopt(fd, SOL_TLS, KTLSX_ALERT, &alert, &len))
		return -errno;
	return alert.level << 8 | alert.description;
}

static inline short control_polled(struct control *self, int timeout_ms)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };

	EXPECT_GE(poll(&pfd, 1, timeout_ms), 0);
	return pfd.revents;
}

/* What was sent has arrived: so many bytes of TLS records went to the receiver. */
static inline void control_settle(void)
{
	usleep(CONTROL_QUIET_MS * 1000 * ktap_slow());
}

/* Every call gives this error, again and again. */
static inline void control_expect_for_good(struct control *self, int code)
{
	for (int i = 0; i < 2 * CONTROL_WAYS; i++)
		EXPECT_ERRNO(control_read(self, i % CONTROL_WAYS, self->got, 100, 0), code);
}

static inline void control_expect_end(struct control *self)
{
	for (int i = 0; i < 2 * CONTROL_WAYS; i++)
		EXPECT_EQ(control_read(self, i % CONTROL_WAYS, self->got, 100, 0), 0);
}

#endif
