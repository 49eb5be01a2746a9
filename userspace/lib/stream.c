// SPDX-License-Identifier: MIT
/*
 * Owns: the public calls that move content: which phase answers what, and how
 * content is sent while the kernel does the records.
 * Must not know: how content is received (receive.c), OpenSSL (fallback.c).
 * Concurrency: the thread of the connection. The calls leave errno and the
 * signals of the process alone.
 * Spec: <linux/ktlsx.h>; RFC 8446 sections 4.6.3 and 6.1.
 */
#include <errno.h>
#include <linux/ktlsx.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>

#include "conn.h"

static int fail_call(struct ktlsx_conn *conn, const char *call, int err)
{
	if (err == -EAGAIN || err == -EINTR || conn->phase == KTLSX_PHASE_FAILED)
		return err;
	if (err == -EPIPE)
		return ktlsx_fail(&conn->error, err,
				  "%s: EPIPE: nothing can be sent any more: the peer has closed, or ktlsx_shutdown() was called",
				  call);
	return ktlsx_fail(&conn->error, err, "%s: %s: %s", call, ktlsx_errno_name(err),
			  strerror(-err));
}

static ssize_t read_content(struct ktlsx_conn *conn, void *buf, size_t len)
{
	ssize_t ret = ktlsx_agreed_error(conn);

	if (ret || !len)
		return ret;
	if (conn->phase == KTLSX_PHASE_FALLBACK)
		return ktlsx_fallback_read(conn, buf, len);
	ret = ktlsx_receive(conn, buf, len);
	/* The caller may write to the socket itself next: that must not come first. */
	if (ret >= 0)
		ktlsx_control_pay(conn, MSG_DONTWAIT);
	return ret;
}

/**
 * ktlsx_read() - read content, and handle what a plain read cannot
 * @conn: connection
 * @buf: where content goes
 * @len: bytes of it; 0: nothing is read
 *
 * Tickets become sessions, a KeyUpdate changes the keys, renegotiation is
 * declined. Blocks when the socket does, then until there is content.
 *
 * Context: the thread of the connection.
 * Return: bytes; 0 the peer closed properly (close_notify), for good; -EAGAIN;
 * -EINTR; -EPROTO an alert (the text names it), truncation or a message out of
 * place; -EBADMSG, -EMSGSIZE bad record; -EKEYEXPIRED the peer changed its keys
 * and this module cannot; -ECONNRESET; -ENOTCONN no handshake yet; what the
 * handshake answered, when it failed.
 */
ssize_t ktlsx_read(struct ktlsx_conn *conn, void *buf, size_t len)
{
	int saved_errno = errno;
	ssize_t ret = read_content(conn, buf, len);

	errno = saved_errno;
	return ret;
}

static ssize_t write_content(struct ktlsx_conn *conn, const void *buf, size_t len)
{
	ssize_t ret = ktlsx_agreed_error(conn);

	if (ret)
		return ret;
	if (conn->phase == KTLSX_PHASE_FALLBACK)
		return ktlsx_fallback_write(conn, buf, len);
	ret = ktlsx_control_pay(conn, 0);
	if (!ret && len) {
		ret = send(conn->fd, buf, len, MSG_NOSIGNAL);
		if (ret < 0)
			ret = -errno;
	}
	return ret < 0 ? fail_call(conn, "write", ret) : ret;
}

/**
 * ktlsx_write() - write content
 * @conn: connection
 * @buf: content
 * @len: bytes of it
 *
 * Never raises SIGPIPE. In the fallback, after -EAGAIN the next call must begin
 * with the same bytes: some of them may be on their way already.
 *
 * Context: the thread of the connection.
 * Return: bytes taken, perhaps fewer; -EAGAIN; -EINTR; -EPIPE; -ENOTCONN no
 * handshake yet; -errno of send(2).
 */
ssize_t ktlsx_write(struct ktlsx_conn *conn, const void *buf, size_t len)
{
	int saved_errno = errno;
	ssize_t ret = write_content(conn, buf, len);

	errno = saved_errno;
	return ret;
}

/* sendfile(2) knows no MSG_NOSIGNAL: a SIGPIPE of ours is taken back. */
static ssize_t sendfile_quietly(int fd, int file_fd, off_t *off, size_t len)
{
	const struct timespec now = { 0 };
	sigset_t pipe_set, old_set, pending_set;
	ssize_t ret;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigpending(&pending_set);
	pthread_sigmask(SIG_BLOCK, &pipe_set, &old_set);
	ret = sendfile(fd, file_fd, off, len);
	if (ret < 0)
		ret = -errno;
	if (ret == -EPIPE && !sigismember(&pending_set, SIGPIPE))
		while (sigtimedwait(&pipe_set, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old_set, NULL);
	return ret;
}

static ssize_t send_from_file(struct ktlsx_conn *conn, int file_fd, off_t *off, size_t len)
{
	ssize_t ret = ktlsx_agreed_error(conn);

	if (ret)
		return ret;
	if (conn->phase == KTLSX_PHASE_FALLBACK)
		return ktlsx_fallback_sendfile(conn, file_fd, off, len);
	ret = ktlsx_control_pay(conn, 0);
	if (!ret)
		ret = sendfile_quietly(conn->fd, file_fd, off, len);
	return ret < 0 ? fail_call(conn, "sendfile", ret) : ret;
}

/**
 * ktlsx_sendfile() - send from a file, as sendfile(2)
 * @conn: connection
 * @file_fd: what to send from
 * @off: where to start, updated; NULL: the file's own offset
 * @len: bytes to send at most
 *
 * Never raises SIGPIPE.
 *
 * Context: the thread of the connection.
 * Return: bytes; 0 end of file; -errno as ktlsx_write() and sendfile(2).
 */
ssize_t ktlsx_sendfile(struct ktlsx_conn *conn, int file_fd, off_t *off, size_t len)
{
	int saved_errno = errno;
	ssize_t ret = send_from_file(conn, file_fd, off, len);

	errno = saved_errno;
	return ret;
}

static int rekey(struct ktlsx_conn *conn)
{
	int err = ktlsx_agreed_error(conn);

	if (err)
		return err;
	if (conn->agreed.version < 0x0304)
		return ktlsx_fail(&conn->error, -EOPNOTSUPP,
				  "rekey: EOPNOTSUPP: TLS 1.2 has no KeyUpdate: make a new connection");
	if (conn->phase == KTLSX_PHASE_FALLBACK)
		return ktlsx_fallback_rekey(conn);
	if (!(conn->features & KTLSX_FEATURE_REKEY))
		return ktlsx_fail(&conn->error, -EOPNOTSUPP,
				  "rekey: EOPNOTSUPP: this kernel module cannot change keys: make a new connection");
	err = ktlsx_control_pay(conn, 0);
	if (!err)
		err = ktlsx_control_rekey(conn, true, 0);
	return err ? fail_call(conn, "rekey", err) : 0;
}

/**
 * ktlsx_rekey() - change the keys for sending, ask the peer to change its own
 * @conn: connection
 *
 * Context: the thread of the connection.
 * Return: 0; -EOPNOTSUPP TLS 1.2, or a module without rekey; -EAGAIN; -EINTR;
 * -EPIPE; -ENOTCONN no handshake yet; -errno of setsockopt(2): the connection
 * was ended.
 */
int ktlsx_rekey(struct ktlsx_conn *conn)
{
	int saved_errno = errno;
	int ret = rekey(conn);

	errno = saved_errno;
	return ret;
}

static int shut_down(struct ktlsx_conn *conn)
{
	int err = ktlsx_agreed_error(conn);

	if (err)
		return err;
	if (conn->phase == KTLSX_PHASE_FALLBACK)
		return ktlsx_fallback_shutdown(conn);
	ktlsx_control_pay(conn, MSG_DONTWAIT);
	/* In control mode the kernel puts close_notify before the FIN. */
	if (shutdown(conn->fd, SHUT_WR))
		return fail_call(conn, "shutdown", -errno);
	return 0;
}

/**
 * ktlsx_shutdown() - send close_notify and end sending; reading goes on
 * @conn: connection
 *
 * Context: the thread of the connection.
 * Return: 0; -EAGAIN (fallback only: call again); -EINTR likewise; -ENOTCONN no
 * handshake yet, or the connection is gone.
 */
int ktlsx_shutdown(struct ktlsx_conn *conn)
{
	int saved_errno = errno;
	int ret = shut_down(conn);

	errno = saved_errno;
	return ret;
}
