// SPDX-License-Identifier: MIT
/*
 * Owns: the calls on a simulated socket that has keys: records out, records
 * in, what control records mean to a plain read.
 * Must not know: options (kernel.c), the library.
 * Concurrency: see kernel.h; one reader and one writer share no field but @alert.
 * Follows: ../../uapi/linux/ktlsx.h (KTLSX_CONTROL), RFC 8446 6.
 */
#include "kernel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

#include "kernel_socket.h"

#define NEW_SESSION_TICKET	4
#define KEY_UPDATE		24
#define MESSAGE_HEADER_LEN	4
#define ALERT_WARNING		1
#define ALERT_FATAL		2
#define CLOSE_NOTIFY		0
#define USER_CANCELED		90

ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __real_read(int fd, void *buf, size_t len);
ssize_t __real_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __real_send(int fd, const void *buf, size_t len, int flags);
ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __real_sendfile(int out, int in, off_t *off, size_t len);
int __real_shutdown(int fd, int how);
int __real_close(int fd);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_read(int fd, void *buf, size_t len);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_write(int fd, const void *buf, size_t len);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendfile(int out, int in, off_t *off, size_t len);
ssize_t __wrap_sendfile64(int out, int in, off_t *off, size_t len);
int __wrap_shutdown(int fd, int how);
int __wrap_close(int fd);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

static struct kernel_socket *sealing(int fd)
{
	struct kernel_socket *sock = kernel_socket(fd);

	return sock && sock->tx.has_key ? sock : NULL;
}

static struct kernel_socket *opening(int fd)
{
	struct kernel_socket *sock = kernel_socket(fd);

	return sock && sock->rx.has_key ? sock : NULL;
}

static ssize_t answer(ssize_t got)
{
	if (got >= 0)
		return got;
	errno = -got;
	return -1;
}

/* Gives TCP what is sealed already. Return: 0, or -errno. */
static int push(struct kernel_socket *sock, int flags)
{
	struct kernel_tx *tx = &sock->tx;

	while (tx->left_off < tx->left_len) {
		ssize_t done = __real_send(sock->fd, tx->left + tx->left_off,
					   tx->left_len - tx->left_off, flags);

		if (done < 0)
			return -errno;
		tx->left_off += done;
	}
	free(tx->left);
	tx->left = NULL;
	tx->left_off = tx->left_len = 0;
	return 0;
}

/* After close_notify and fatal alerts nothing may be sent. */
static bool ends_sending(uint8_t type, const uint8_t *alert, size_t len)
{
	return type == REF_ALERT && len == 2 &&
	       (alert[0] == ALERT_FATAL || alert[1] == CLOSE_NOTIFY);
}

/* Seals one record. Return: 0 although TCP may take it later, or -errno. */
static int seal(struct kernel_socket *sock, uint8_t type, const void *buf, size_t len, int flags)
{
	struct kernel_tx *tx = &sock->tx;
	int ret = push(sock, flags);

	if (ret)
		return ret;
	tx->left = malloc(len + REF_WIRE_MAX);
	tx->left_len = ref_seal(&tx->key, type, buf, len, NULL, tx->left);
	tx->is_closed |= ends_sending(type, buf, len);
	if (type == REF_DATA)
		kernel_count(KERNEL_TX_RECORDS);
	ret = push(sock, flags);
	return ret == -EAGAIN || ret == -EINTR ? 0 : ret;
}

static ssize_t seal_all(struct kernel_socket *sock, uint8_t type, const uint8_t *buf, size_t len,
			int flags)
{
	size_t done = 0;

	flags &= MSG_DONTWAIT | MSG_NOSIGNAL;
	if (sock->tx.is_closed) {
		if (!(flags & MSG_NOSIGNAL))
			raise(SIGPIPE);
		return -EPIPE;
	}
	do {
		size_t left = len - done;
		size_t part = left < sock->payload_len ? left : sock->payload_len;
		int ret = seal(sock, type, buf + done, part, flags);

		if (ret)
			return done ? (ssize_t)done : ret;
		done += part;
	} while (done < len);
	return done;
}

static void say_goodbye(struct kernel_socket *sock)
{
	static const uint8_t alert[] = { ALERT_WARNING, CLOSE_NOTIFY };

	if (sock->is_control && sock->tx.has_key && !sock->tx.is_closed && !sock->rx.err &&
	    sock->tx.key.key_len)
		seal_all(sock, REF_ALERT, alert, sizeof(alert), MSG_DONTWAIT | MSG_NOSIGNAL);
	sock->tx.is_closed = true;
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

	return sock ? answer(read_data(sock, buf, len, flags)) : __real_recv(fd, buf, len, flags);
}

ssize_t __wrap_read(int fd, void *buf, size_t len)
{
	struct kernel_socket *sock = opening(fd);

	return sock ? answer(read_data(sock, buf, len, 0)) : __real_read(fd, buf, len);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct kernel_socket *sock = opening(fd);

	if (!sock)
		return __real_recvmsg(fd, msg, flags);
	if (msg->msg_control && msg->msg_controllen >= CMSG_SPACE(1))
		return answer(read_record(sock, msg, flags));
	msg->msg_flags = 0;
	return answer(read_data(sock, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len, flags));
}

ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags)
{
	struct kernel_socket *sock = sealing(fd);

	return sock ? answer(len ? seal_all(sock, REF_DATA, buf, len, flags) : 0) :
		      __real_send(fd, buf, len, flags);
}

ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
	struct kernel_socket *sock = sealing(fd);

	return sock ? answer(len ? seal_all(sock, REF_DATA, buf, len, 0) : 0) :
		      __real_write(fd, buf, len);
}

static uint8_t type_of(const struct msghdr *msg)
{
	const struct cmsghdr *header = msg->msg_controllen ? CMSG_FIRSTHDR(msg) : NULL;

	if (header && header->cmsg_level == SOL_TLS && header->cmsg_type == TLS_SET_RECORD_TYPE)
		return *CMSG_DATA(header);
	return REF_DATA;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct kernel_socket *sock = sealing(fd);
	size_t len = 0;
	uint8_t *whole;
	ssize_t done;

	if (!sock)
		return __real_sendmsg(fd, msg, flags);
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		len += msg->msg_iov[i].iov_len;
	whole = malloc(len + 1);
	len = 0;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		memcpy(whole + len, msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
		len += msg->msg_iov[i].iov_len;
	}
	done = seal_all(sock, type_of(msg), whole, len, flags);
	free(whole);
	return answer(done);
}

/* The file gives at most one record a call, so that nothing read is lost. */
ssize_t __wrap_sendfile(int out, int in, off_t *off, size_t len)
{
	struct kernel_socket *sock = sealing(out);
	off_t from = off ? *off : lseek(in, 0, SEEK_CUR);
	uint8_t bytes[REF_PLAIN_MAX];
	ssize_t done = 0;

	if (!sock)
		return __real_sendfile(out, in, off, len);
	done = push(sock, 0);
	if (!done)
		done = pread(in, bytes, len < sizeof(bytes) ? len : sizeof(bytes), from);
	if (done > 0)
		done = seal_all(sock, REF_DATA, bytes, done, 0);
	if (done > 0 && off)
		*off = from + done;
	else if (done > 0)
		lseek(in, done, SEEK_CUR);
	return answer(done);
}

ssize_t __wrap_sendfile64(int out, int in, off_t *off, size_t len)
{
	return __wrap_sendfile(out, in, off, len);
}

int __wrap_shutdown(int fd, int how)
{
	struct kernel_socket *sock = kernel_socket(fd);

	if (sock && how != SHUT_RD)
		say_goodbye(sock);
	return __real_shutdown(fd, how);
}

int __wrap_close(int fd)
{
	struct kernel_socket *sock = kernel_socket(fd);

	if (sock && sock->owner == getpid())
		say_goodbye(sock);
	if (sock)
		kernel_forget(fd);
	return __real_close(fd);
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
