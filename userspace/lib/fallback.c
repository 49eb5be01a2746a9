// SPDX-License-Identifier: MIT
/*
 * Owns: the stream calls when records are done in userspace: OpenSSL between
 * memory BIOs, the pump between those and the socket; waiting as it would.
 * Must not know: the kernel module.
 * Concurrency: the thread of the connection.
 * Spec: RFC 8446 sections 4.6.3 and 6; errnos as receive.c has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "conn.h"

/* One record a time: more would only wait in memory. */
#define PART_LEN_MAX 16384

/* What OpenSSL's reasons are as errnos; any other one is EPROTO. */
static const struct {
	int reason;
	int answer;
} reasons[] = {
	{ SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, -EBADMSG },
	{ SSL_R_DATA_LENGTH_TOO_LONG, -EMSGSIZE },
	{ SSL_R_ENCRYPTED_LENGTH_TOO_LONG, -EMSGSIZE },
	{ SSL_R_PACKET_LENGTH_TOO_LONG, -EMSGSIZE },
};

static int answer_to(int reason)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].reason == reason)
			return reasons[i].answer;
	return -EPROTO;
}

/*
 * OpenSSL does not go on. Its alert, if it made one, is in the BIO; the cause is
 * the oldest of its errors, as the queue was empty before.
 */
static int fail(struct ktlsx_conn *conn, const char *call)
{
	const char *cause = ERR_reason_error_string(ERR_peek_error());
	int reason = ERR_GET_REASON(ERR_peek_error());
	int alert = reason - SSL_AD_REASON_OFFSET;
	int err = answer_to(reason);

	if (alert > 0 && alert <= UINT8_MAX)
		ktlsx_reaction_tell_alert(conn, call, alert);
	else
		ktlsx_fail(&conn->error, err, "%s: %s: the connection cannot go on: %s", call,
			   ktlsx_errno_name(err), cause ? cause : "OpenSSL gave no reason");
	ERR_clear_error();
	ktlsx_pump_out(&conn->pump, NULL);
	shutdown(conn->fd, SHUT_RDWR);
	conn->phase = KTLSX_PHASE_FAILED;
	conn->failed_err = err;
	return err;
}

/* Two processes with one write key would use a nonce twice. */
static int child_error(struct ktlsx_conn *conn, const char *call)
{
	if (!ktlsx_conn_is_forked(conn))
		return 0;
	return ktlsx_fail(&conn->error, -EPERM,
			  "%s: EPERM: a child after fork() may only free a connection", call);
}

/* The socket's own time limit, for poll(). */
static int limit_ms(int fd, int option)
{
	struct timeval limit = { 0 };
	socklen_t len = sizeof(limit);
	long long ms;

	if (getsockopt(fd, SOL_SOCKET, option, &limit, &len) || (!limit.tv_sec && !limit.tv_usec))
		return -1;
	ms = limit.tv_sec * 1000LL + (limit.tv_usec + 999) / 1000;
	return ms > INT_MAX ? INT_MAX : ms;
}

/* Waits as a call on the socket would. Returns 0; -EAGAIN, -EINTR. */
static int wait_for(struct ktlsx_conn *conn, short events)
{
	struct pollfd polled = { .fd = conn->fd, .events = events };
	int flags = fcntl(conn->fd, F_GETFL);
	int ret;

	if (flags < 0 || flags & O_NONBLOCK)
		return -EAGAIN;
	ret = poll(&polled, 1, limit_ms(conn->fd, events & POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO));
	if (ret < 0)
		return -errno;
	return ret ? 0 : -EAGAIN;
}

/* Sends what is in the BIO. Returns 0; -EAGAIN, -EINTR; -errno, with text. */
static int flush(struct ktlsx_conn *conn)
{
	int err;

	for (;;) {
		err = ktlsx_pump_out(&conn->pump, &conn->error);
		if (err != -EAGAIN)
			return err;
		err = wait_for(conn, POLLOUT);
		if (err)
			return err;
	}
}

/* Returns 0 there is more for OpenSSL; -EPROTO truncation; -errno. */
static int next_record(struct ktlsx_conn *conn)
{
	int ret;

	for (;;) {
		/* Answers of OpenSSL's own; if they cannot be sent, reading still can go on. */
		bool is_sent = ktlsx_pump_out(&conn->pump, NULL) != -EAGAIN;

		ret = ktlsx_pump_in(&conn->pump, &conn->error);
		if (ret > 0)
			return 0;
		if (ret == 0)
			return ktlsx_fail(&conn->error, -EPROTO,
					  "read: EPROTO: the peer ended the stream without close_notify: what was received may be truncated");
		if (ret != -EAGAIN)
			return ret;
		ret = wait_for(conn, is_sent ? POLLIN : POLLIN | POLLOUT);
		if (ret)
			return ret;
	}
}

/**
 * ktlsx_fallback_read() - ktlsx_read() over the SSL object
 * @conn: connection in the fallback phase
 * @buf: where content goes
 * @len: bytes of it, not 0
 *
 * Context: the thread of the connection; sleeps when the socket blocks.
 * Return: as ktlsx_read().
 */
ssize_t ktlsx_fallback_read(struct ktlsx_conn *conn, void *buf, size_t len)
{
	int err = child_error(conn, "read");
	bool is_last = false;
	size_t got_len;

	if (err)
		return err;
	for (;;) {
		ERR_clear_error();
		if (SSL_read_ex(conn->ssl, buf, len, &got_len)) {
			ktlsx_pump_out(&conn->pump, NULL);
			return got_len;
		}
		switch (SSL_get_error(conn->ssl, 0)) {
		case SSL_ERROR_ZERO_RETURN:
			return 0;
		case SSL_ERROR_WANT_READ:
			break;
		default:
			return fail(conn, "read");
		}
		if (is_last)
			return err;
		err = next_record(conn);
		if (err == -EAGAIN || err == -EINTR)
			return err;
		/* What the pump would not take is in the BIO: OpenSSL makes its alert of it. */
		is_last = err;
	}
}

/* Seals and sends one record. Returns the bytes of @buf in it, or -errno. */
static ssize_t write_part(struct ktlsx_conn *conn, const void *buf, size_t len)
{
	size_t part_len;
	int err = flush(conn);

	if (!conn->sealed_len && !err) {
		ERR_clear_error();
		if (!SSL_write_ex(conn->ssl, buf, len < PART_LEN_MAX ? len : PART_LEN_MAX,
				  &conn->sealed_len))
			return fail(conn, "write");
		err = flush(conn);
	}
	if (err)
		return err;
	part_len = conn->sealed_len < len ? conn->sealed_len : len;
	conn->sealed_len -= part_len;
	return part_len;
}

static bool is_shut_down(const struct ktlsx_conn *conn)
{
	return SSL_get_shutdown(conn->ssl) & SSL_SENT_SHUTDOWN;
}

static int may_send(struct ktlsx_conn *conn, const char *call)
{
	if (is_shut_down(conn))
		return ktlsx_fail(&conn->error, -EPIPE,
				  "%s: EPIPE: sending was ended by ktlsx_shutdown()", call);
	return child_error(conn, call);
}

/**
 * ktlsx_fallback_write() - ktlsx_write() over the SSL object
 * @conn: connection in the fallback phase
 * @buf: content
 * @len: bytes of it; 0: send what waits to be sent
 *
 * A record is told to the caller when all of it was given to the socket: else
 * its end would wait for a call that may never come. Until then sealed_len
 * remembers it, and the next call begins with the same bytes.
 *
 * Context: the thread of the connection; sleeps when the socket blocks.
 * Return: as ktlsx_write().
 */
ssize_t ktlsx_fallback_write(struct ktlsx_conn *conn, const void *buf, size_t len)
{
	const uint8_t *bytes = buf;
	size_t done_len = 0;
	int err = may_send(conn, "write");

	if (err)
		return err;
	if (!len)
		return flush(conn);
	while (done_len < len) {
		ssize_t part_len = write_part(conn, bytes + done_len, len - done_len);

		if (part_len < 0)
			return done_len ? (ssize_t)done_len : part_len;
		done_len += part_len;
	}
	return done_len;
}

/* Returns bytes that went out, 0 at the end of the file, or -errno. */
static ssize_t send_part(struct ktlsx_conn *conn, int file_fd, off_t off, size_t len)
{
	uint8_t part[PART_LEN_MAX];
	ssize_t part_len = pread(file_fd, part, len < sizeof(part) ? len : sizeof(part), off);

	if (part_len < 0)
		return ktlsx_fail(&conn->error, -errno, "sendfile: %s: the file cannot be read",
				  ktlsx_errno_name(errno));
	return part_len ? ktlsx_fallback_write(conn, part, part_len) : 0;
}

/**
 * ktlsx_fallback_sendfile() - ktlsx_sendfile() over the SSL object
 * @conn: connection in the fallback phase
 * @file_fd: what to send from
 * @off: where to start, updated; NULL: the file's own offset
 * @len: bytes to send at most
 *
 * Context: the thread of the connection; sleeps when the socket blocks.
 * Return: as ktlsx_sendfile().
 */
ssize_t ktlsx_fallback_sendfile(struct ktlsx_conn *conn, int file_fd, off_t *off, size_t len)
{
	off_t at = off ? *off : lseek(file_fd, 0, SEEK_CUR);
	size_t done_len = 0;
	ssize_t part_len = 0;

	if (at < 0)
		return ktlsx_fail(&conn->error, -EINVAL,
				  "sendfile: EINVAL: the file has no offset: is it a pipe?");
	while (done_len < len) {
		part_len = send_part(conn, file_fd, at + done_len, len - done_len);
		if (part_len <= 0)
			break;
		done_len += part_len;
	}
	if (off)
		*off = at + done_len;
	else if (done_len)
		lseek(file_fd, at + done_len, SEEK_SET);
	return done_len ? (ssize_t)done_len : part_len;
}

/**
 * ktlsx_fallback_shutdown() - ktlsx_shutdown() over the SSL object
 * @conn: connection in the fallback phase
 *
 * Context: the thread of the connection; sleeps when the socket blocks.
 * Return: 0; -EAGAIN, -EINTR call again; -errno.
 */
int ktlsx_fallback_shutdown(struct ktlsx_conn *conn)
{
	int err = child_error(conn, "shutdown");

	if (err)
		return err;
	ERR_clear_error();
	if (!is_shut_down(conn) && SSL_shutdown(conn->ssl) < 0)
		return fail(conn, "shutdown");
	err = flush(conn);
	if (err)
		return err;
	if (shutdown(conn->fd, SHUT_WR))
		return ktlsx_fail(&conn->error, -errno, "shutdown: %s: the connection is gone",
				  ktlsx_errno_name(errno));
	return 0;
}

/**
 * ktlsx_fallback_rekey() - ktlsx_rekey() over the SSL object
 * @conn: TLS 1.3 connection in the fallback phase
 *
 * Context: the thread of the connection; sleeps when the socket blocks.
 * Return: as ktlsx_rekey().
 */
int ktlsx_fallback_rekey(struct ktlsx_conn *conn)
{
	int err = may_send(conn, "rekey");

	if (!err)
		err = flush(conn);
	if (!err && !conn->is_update_sealed) {
		ERR_clear_error();
		if (!SSL_key_update(conn->ssl, SSL_KEY_UPDATE_REQUESTED) ||
		    SSL_do_handshake(conn->ssl) != 1)
			return fail(conn, "rekey");
		conn->is_update_sealed = true;
		err = flush(conn);
	}
	if (!err)
		conn->is_update_sealed = false;
	return err;
}
