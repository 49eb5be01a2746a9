/* SPDX-License-Identifier: MIT */
/*
 * Owns: the calls that have no room for a record type, each under a number, and
 * what control mode set aside. Only control.h includes this file.
 * Must not know: what a test checks.
 * Concurrency: a struct control belongs to one test.
 * Follows: uapi/linux/ktlsx.h.
 */
#ifndef CONTROL_CALLS_H
#define CONTROL_CALLS_H

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

/* A reader with room takes the KeyUpdate that comes next. */
static inline void control_take_key_update(struct control *self, uint8_t value)
{
	uint8_t type;

	EXPECT_EQ(conn_recv_type(self->fd, &type, self->got, 100, 0), 5);
	EXPECT_EQ(type, REF_HANDSHAKE);
	EXPECT_EQ(self->got[4], value);
}

/* Nothing is opened before there are new keys, and nobody is woken. */
static inline void control_expect_paused(struct control *self)
{
	uint8_t type;

	control_expect_for_good(self, EKEYEXPIRED);
	EXPECT_ERRNO(conn_recv_type(self->fd, &type, self->got, 100, 0), EKEYEXPIRED);
	EXPECT_EQ(control_polled(self, CONTROL_QUIET_MS), 0);
}

#endif
