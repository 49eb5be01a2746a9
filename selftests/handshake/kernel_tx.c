// SPDX-License-Identifier: MIT
/*
 * Owns: the calls that send on a simulated socket with keys: records out, and
 * the goodbye at its end.
 * Must not know: options (kernel.c), receiving (kernel_rx.c), the library.
 * Concurrency: see kernel.h.
 * Follows: ../../uapi/linux/ktlsx.h (KTLSX_CONTROL), RFC 8446 6.
 */
#include "kernel.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "kernel_socket.h"

#define ALERT_WARNING		1
#define ALERT_FATAL		2
#define CLOSE_NOTIFY		0

ssize_t __real_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);
ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len);
ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __real_sendfile(int out, int in, off_t *off, size_t len);
ssize_t __wrap_sendfile(int out, int in, off_t *off, size_t len);
ssize_t __wrap_sendfile64(int out, int in, off_t *off, size_t len);
int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how);
int __real_close(int fd);
int __wrap_close(int fd);

static struct kernel_socket *sealing(int fd)
{
	struct kernel_socket *sock = kernel_socket(fd);

	return sock && sock->tx.has_key ? sock : NULL;
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
	tx->left_off = 0;
	tx->left_len = 0;
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

ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags)
{
	struct kernel_socket *sock = sealing(fd);

	return sock ? kernel_answer(len ? seal_all(sock, REF_DATA, buf, len, flags) : 0) :
		      __real_send(fd, buf, len, flags);
}

ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
	struct kernel_socket *sock = sealing(fd);

	return sock ? kernel_answer(len ? seal_all(sock, REF_DATA, buf, len, 0) : 0) :
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
	return kernel_answer(done);
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
	return kernel_answer(done);
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
