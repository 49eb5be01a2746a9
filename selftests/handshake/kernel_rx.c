// SPDX-License-Identifier: MIT
/*
 * Owns: the calls that receive on a simulated socket with keys: records in, and
 * what control records mean to a reader without room for their type.
 * Must not know: options (kernel.c), sending (kernel_tx.c), the library.
 * Concurrency: see kernel.h.
 * Follows: ../../uapi/linux/ktlsx.h (KTLSX_CONTROL), RFC 8446 6.
 */
#include "kernel.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel_socket.h"

#define NEW_SESSION_TICKET	4
#define KEY_UPDATE		24
#define MESSAGE_HEADER_LEN	4
#define ALERT_WARNING		1
#define CLOSE_NOTIFY		0
#define USER_CANCELED		90

ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
ssize_t __real_read(int fd, void *buf, size_t len);
ssize_t __wrap_read(int fd, void *buf, size_t len);
ssize_t __real_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

static struct kernel_socket *opening(int fd)
{
	struct kernel_socket *sock = kernel_socket(fd);

	return sock && sock->rx.has_key ? sock : NULL;
}

/* Reads until the next record is whole. Return: 1, 0 at end of file, or -errno. */
static int receive(struct kernel_socket *sock, int flags)
{
	struct kernel_rx *rx = &sock->rx;
	size_t need = REF_HEADER_LEN;

	for (;;) {
		ssize_t got;

		if (rx->wire_len >= REF_HEADER_LEN)
			need = REF_HEADER_LEN + (rx->wire[3] << 8 | rx->wire[4]);
		if (need > sizeof(rx->wire))
			return -EMSGSIZE;
		if (rx->wire_len == need)
			return 1;
		got = __real_recv(sock->fd, rx->wire + rx->wire_len, need - rx->wire_len,
				  flags & MSG_DONTWAIT);
		if (got <= 0)
			return got ? -errno : 0;
		rx->wire_len += got;
	}
}

static int stick(struct kernel_rx *rx, int err)
{
	rx->err = err;
	return -err;
}

static bool is_passing(int ret)
{
	return ret == -EAGAIN || ret == -EINTR;
}

/* Makes sure that there is content, or a control record. Return: as receive(). */
static int next_record(struct kernel_socket *sock, int flags)
{
	struct kernel_rx *rx = &sock->rx;
	struct ref_record record;
	int ret;

	if (rx->type)
		return 1;
	if (rx->err || rx->is_closed || rx->is_expired)
		return rx->err ? -rx->err : rx->is_closed ? 0 : -EKEYEXPIRED;
	ret = receive(sock, flags);
	if (ret <= 0)
		return !ret || is_passing(ret) ? ret : stick(rx, -ret);
	ret = ref_open(&rx->key, rx->wire, rx->wire_len, &record, rx->plain);
	if (ret)
		return stick(rx, -ret);
	rx->wire_len = 0;
	rx->type = record.type;
	rx->plain_off = 0;
	rx->plain_len = record.plain_len;
	if (rx->type == REF_DATA)
		kernel_count(KERNEL_RX_RECORDS);
	return 1;
}

static void set_ticket_aside(struct kernel_socket *sock, const uint8_t *message, size_t len)
{
	struct kernel_ticket *ticket;

	if (len > KTLSX_TICKETS_LEN_MAX)
		return;
	if (sock->ticket_count == KTLSX_TICKET_COUNT_MAX) {
		free(sock->ticket[0].bytes);
		memmove(sock->ticket, sock->ticket + 1,
			--sock->ticket_count * sizeof(*ticket));
	}
	ticket = &sock->ticket[sock->ticket_count++];
	ticket->bytes = malloc(len);
	ticket->len = len;
	memcpy(ticket->bytes, message, len);
}

/* One whole message for a reader that cannot take it. Return: 0 goes on, or -errno. */
static int meet_message(struct kernel_socket *sock, const uint8_t *message, size_t len)
{
	if (sock->rx.key.version == REF_TLS13 && message[0] == NEW_SESSION_TICKET) {
		set_ticket_aside(sock, message, len);
		return 0;
	}
	return stick(&sock->rx, EPROTO);
}

static int meet_handshake(struct kernel_socket *sock)
{
	struct kernel_rx *rx = &sock->rx;
	size_t len, off = 0;
	int ret = 0;

	sock->message = realloc(sock->message, sock->message_len + rx->plain_len + 1);
	memcpy(sock->message + sock->message_len, rx->plain, rx->plain_len);
	sock->message_len += rx->plain_len;
	while (!ret && sock->message_len - off >= MESSAGE_HEADER_LEN) {
		const uint8_t *message = sock->message + off;

		len = MESSAGE_HEADER_LEN + (message[1] << 16 | message[2] << 8 | message[3]);
		if (sock->message_len - off < len)
			break;
		ret = meet_message(sock, message, len);
		off += len;
	}
	sock->message_len -= off;
	memmove(sock->message, sock->message + off, sock->message_len);
	return ret;
}

static int meet_alert(struct kernel_socket *sock)
{
	struct kernel_rx *rx = &sock->rx;
	bool is_warning = rx->plain[0] == ALERT_WARNING;

	if (rx->plain_len != sizeof(sock->alert))
		return stick(rx, EBADMSG);
	if (rx->plain[1] == USER_CANCELED ||
	    (rx->key.version == REF_TLS12 && is_warning && rx->plain[1] != CLOSE_NOTIFY))
		return 0;
	memcpy(&sock->alert, rx->plain, sizeof(sock->alert));
	if (sock->alert.description != CLOSE_NOTIFY)
		return stick(rx, ECONNRESET);
	rx->is_closed = true;
	return 0;
}

static bool is_key_update(const struct kernel_rx *rx)
{
	return rx->type == REF_HANDSHAKE && rx->key.version == REF_TLS13 && rx->plain_len &&
	       rx->plain[0] == KEY_UPDATE;
}

/* A control record met by a call that has no room for its type. Return: 0 goes on, or -errno. */
static int meet_control(struct kernel_socket *sock)
{
	uint8_t type = sock->rx.type;

	if (!sock->is_control)
		return -EIO;
	/* Stays, so that a call with room for the type can have it. */
	if (is_key_update(&sock->rx))
		return -EKEYEXPIRED;
	sock->rx.type = 0;
	if (type == REF_HANDSHAKE)
		return meet_handshake(sock);
	if (type == REF_ALERT)
		return meet_alert(sock);
	return stick(&sock->rx, EPROTO);
}

static size_t take(struct kernel_rx *rx, void *buf, size_t len, bool is_peek)
{
	size_t left = rx->plain_len - rx->plain_off;
	size_t part = len < left ? len : left;

	memcpy(buf, rx->plain + rx->plain_off, part);
	if (is_peek)
		return part;
	rx->plain_off += part;
	if (rx->plain_off == rx->plain_len)
		rx->type = 0;
	return part;
}

static ssize_t read_data(struct kernel_socket *sock, void *buf, size_t len, int flags)
{
	struct kernel_rx *rx = &sock->rx;
	size_t done = 0;

	while (!done || (flags & MSG_WAITALL && done < len)) {
		int ret = next_record(sock, flags);

		if (!ret && sock->is_control && !rx->is_closed)
			ret = stick(rx, EPROTO);
		if (ret > 0 && rx->type != REF_DATA) {
			if (done && !(flags & MSG_WAITALL))
				break;
			ret = meet_control(sock);
			if (!ret)
				continue;
		}
		if (ret <= 0)
			return done ? (ssize_t)done : ret;
		if (!len)
			return 0;
		done += take(rx, (uint8_t *)buf + done, len - done, flags & MSG_PEEK);
	}
	return done;
}

static void put_type(struct msghdr *msg, uint8_t type)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(msg);

	header->cmsg_level = SOL_TLS;
	header->cmsg_type = TLS_GET_RECORD_TYPE;
	header->cmsg_len = CMSG_LEN(sizeof(type));
	*CMSG_DATA(header) = type;
	msg->msg_controllen = CMSG_SPACE(sizeof(type));
}

static ssize_t read_record(struct kernel_socket *sock, struct msghdr *msg, int flags)
{
	struct kernel_rx *rx = &sock->rx;
	int ret = next_record(sock, flags);
	size_t done = 0;
	uint8_t type = rx->type;

	msg->msg_flags = 0;
	if (ret <= 0) {
		msg->msg_controllen = 0;
		return ret;
	}
	/* No record follows a KeyUpdate until there is a new key. */
	rx->is_expired |= is_key_update(rx);
	put_type(msg, type);
	for (size_t i = 0; i < msg->msg_iovlen && rx->type; i++)
		done += take(rx, msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len, false);
	if (!rx->type && type != REF_DATA)
		msg->msg_flags |= MSG_EOR;
	return done;
}

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
	struct kernel_socket *sock = opening(fd);

	return sock ? kernel_answer(read_data(sock, buf, len, flags)) :
		      __real_recv(fd, buf, len, flags);
}

ssize_t __wrap_read(int fd, void *buf, size_t len)
{
	struct kernel_socket *sock = opening(fd);

	return sock ? kernel_answer(read_data(sock, buf, len, 0)) : __real_read(fd, buf, len);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct kernel_socket *sock = opening(fd);

	if (!sock)
		return __real_recvmsg(fd, msg, flags);
	if (msg->msg_control && msg->msg_controllen >= CMSG_SPACE(1))
		return kernel_answer(read_record(sock, msg, flags));
	msg->msg_flags = 0;
	return kernel_answer(read_data(sock, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len,
				       flags));
}

/* Whether a reader would get something; tickets in front of it are set aside. */
static bool is_readable(struct kernel_socket *sock)
{
	struct kernel_rx *rx = &sock->rx;
	int ret;

	for (;;) {
		ret = next_record(sock, MSG_DONTWAIT);
		if (ret <= 0 || !sock->is_control || rx->type != REF_HANDSHAKE ||
		    rx->key.version != REF_TLS13 || rx->plain[0] != NEW_SESSION_TICKET)
			return ret != -EAGAIN;
		meet_control(sock);
	}
}

/* Takes back what TCP says of a socket whose bytes are no content. */
static int correct(struct pollfd *fds, nfds_t count)
{
	int ready = 0;

	for (nfds_t i = 0; i < count; i++) {
		struct kernel_socket *sock = opening(fds[i].fd);

		if (sock && fds[i].events & POLLIN && is_readable(sock))
			fds[i].revents |= POLLIN;
		else if (sock && sock->rx.key.key_len)
			fds[i].revents &= ~POLLIN;
		ready += !!fds[i].revents;
	}
	return ready;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	int64_t until = now_ms() + timeout_ms;
	int ready, left_ms = timeout_ms;

	/* Content that was opened already waits where TCP does not see it. */
	ready = __real_poll(fds, count, 0);
	if (ready >= 0)
		ready = correct(fds, count);
	while (!ready && left_ms) {
		ready = __real_poll(fds, count, left_ms);
		if (ready > 0)
			ready = correct(fds, count);
		if (timeout_ms > 0)
			left_ms = until > now_ms() ? until - now_ms() : 0;
	}
	return ready;
}
