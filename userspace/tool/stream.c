// SPDX-License-Identifier: MIT
/*
 * Owns: one connection, from handshake to close: system calls on the socket
 * itself where the kernel does the records, for that is what ktlsx is about;
 * the library where it does not, or where an error wants an explanation.
 * Must not know: what is sent, nor why.
 * Concurrency: one thread.
 * Spec: ktlsx.h; KTLSX_CONTROL in <linux/ktlsx.h>.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wait.h"

__attribute__((format(printf, 2, 3)))
static void explain(struct ktlsx_stream *stream, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(stream->error, sizeof(stream->error), format, arguments);
	va_end(arguments);
}

static bool is_transient(ssize_t err)
{
	return err == -EAGAIN || err == -EINTR;
}

/* Which side of a failed handshake is to be looked at. */
static enum ktlsx_exit status_of(int err)
{
	static const int peer_errors[] = {
		-EPROTO, -ETIMEDOUT, -ECONNRESET, -EPIPE, -EMSGSIZE, -ENOTCONN, -ECONNABORTED,
	};

	if (err == -EACCES)
		return KTLSX_EXIT_PEER;
	for (size_t i = 0; i < sizeof(peer_errors) / sizeof(peer_errors[0]); i++)
		if (err == peer_errors[i])
			return KTLSX_EXIT_HANDSHAKE;
	return KTLSX_EXIT_KERNEL;
}

/**
 * ktlsx_stream_open() - begin a connection
 * @stream: filled
 * @config: config
 * @fd: connected socket, non-blocking; the stream's from then on, also after an error
 * @name: client: the server's name; else NULL
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_USAGE with a text.
 */
enum ktlsx_exit ktlsx_stream_open(struct ktlsx_stream *stream, struct ktlsx_config *config,
				  int fd, const char *name)
{
	int err;

	*stream = (struct ktlsx_stream) { .fd = fd };
	err = ktlsx_conn_new(&stream->conn, config, fd, name);
	if (!err)
		return KTLSX_EXIT_OK;
	explain(stream, "%s", ktlsx_config_error(config));
	if (!*stream->error)
		explain(stream, "cannot begin a connection: %s", strerror(-err));
	return KTLSX_EXIT_USAGE;
}

/**
 * ktlsx_stream_handshake() - do the handshake, interruptible by a stop signal
 * @stream: connection
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_HANDSHAKE, _PEER, _KERNEL with a text.
 */
enum ktlsx_exit ktlsx_stream_handshake(struct ktlsx_stream *stream)
{
	struct ktlsx_want want;
	int err, wait_err = 0;

	while ((err = ktlsx_handshake_step(stream->conn, &want)) == -EAGAIN) {
		wait_err = ktlsx_wait_for(stream->fd, want.events, want.timeout_ms);
		if (wait_err && wait_err != -ETIMEDOUT)
			break;
	}
	if (err == -EAGAIN) {
		explain(stream, "handshake: stopped: %s", strerror(-wait_err));
		return KTLSX_EXIT_HANDSHAKE;
	}
	if (!err)
		err = ktlsx_info(stream->conn, &stream->info, sizeof(stream->info));
	if (err) {
		explain(stream, "%s", ktlsx_error(stream->conn));
		return status_of(err);
	}
	stream->is_offloaded = stream->info.is_offloaded;
	return KTLSX_EXIT_OK;
}

/*
 * A plain call says errno only. What lies behind it is for good, so the
 * library's read meets it again, and can tell; a KeyUpdate it even mends.
 */
static ssize_t ask_library(struct ktlsx_stream *stream, const char *step, int err, void *buf,
			   size_t len)
{
	ssize_t got;

	if (is_transient(-err))
		return -err;
	got = ktlsx_read(stream->conn, buf, len);
	if (err == EKEYEXPIRED && (got >= 0 || is_transient(got)))
		return got;
	if (got < 0 && !is_transient(got) && *ktlsx_error(stream->conn)) {
		explain(stream, "%s", ktlsx_error(stream->conn));
		return got;
	}
	explain(stream, "%s: %s: %s", step, strerrorname_np(err),
		err == EPIPE || err == ECONNRESET ? "the peer ended the connection" :
		strerror(err));
	return -err;
}

/**
 * ktlsx_stream_read() - read content
 * @stream: connection
 * @buf: where to
 * @len: its bytes
 *
 * Return: bytes; 0 the peer closed properly; -EAGAIN; -EINTR; other -errno with a text.
 */
ssize_t ktlsx_stream_read(struct ktlsx_stream *stream, void *buf, size_t len)
{
	ssize_t got;

	if (stream->is_offloaded) {
		got = read(stream->fd, buf, len);
		return got < 0 ? ask_library(stream, "read", errno, buf, len) : got;
	}
	got = ktlsx_read(stream->conn, buf, len);
	if (got < 0 && !is_transient(got))
		explain(stream, "%s", ktlsx_error(stream->conn));
	return got;
}

/* A refusal often waits in the receive queue, and says more than EPIPE. */
static ssize_t write_failed(struct ktlsx_stream *stream, const char *step, int err)
{
	char ignored[1024];
	ssize_t got = ask_library(stream, step, err, ignored, sizeof(ignored));

	return got < 0 ? got : -err;
}

/**
 * ktlsx_stream_write() - write content
 * @stream: connection
 * @buf: content
 * @len: its bytes
 *
 * Return: bytes taken; -EAGAIN; -EINTR; other -errno with a text.
 */
ssize_t ktlsx_stream_write(struct ktlsx_stream *stream, const void *buf, size_t len)
{
	ssize_t put;

	if (stream->is_offloaded) {
		put = write(stream->fd, buf, len);
		return put < 0 ? write_failed(stream, "write", errno) : put;
	}
	put = ktlsx_write(stream->conn, buf, len);
	if (put < 0 && !is_transient(put))
		explain(stream, "%s", ktlsx_error(stream->conn));
	return put;
}

/**
 * ktlsx_stream_splice() - move content into a pipe
 * @stream: connection
 * @pipe_fd: empty pipe
 * @len: at most
 *
 * Return: bytes; 0 the peer closed properly; -EAGAIN; -EINTR; -ENOTSUP records
 * are not done by the kernel; other -errno: ktlsx_stream_read() tells which.
 */
ssize_t ktlsx_stream_splice(struct ktlsx_stream *stream, int pipe_fd, size_t len)
{
	ssize_t got;

	if (!stream->is_offloaded)
		return -ENOTSUP;
	got = splice(stream->fd, NULL, pipe_fd, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	return got < 0 ? -errno : got;
}

/**
 * ktlsx_stream_sendfile() - send from a file
 * @stream: connection
 * @file_fd: regular file
 * @off: where from, updated
 * @len: at most
 *
 * Return: bytes; 0 end of file; -EAGAIN; -EINTR; other -errno with a text.
 */
ssize_t ktlsx_stream_sendfile(struct ktlsx_stream *stream, int file_fd, off_t *off, size_t len)
{
	ssize_t put;

	if (stream->is_offloaded) {
		put = sendfile(stream->fd, file_fd, off, len);
		return put < 0 ? write_failed(stream, "sendfile", errno) : put;
	}
	put = ktlsx_sendfile(stream->conn, file_fd, off, len);
	if (put < 0 && !is_transient(put))
		explain(stream, "%s", ktlsx_error(stream->conn));
	return put;
}

/**
 * ktlsx_stream_write_all() - write content, wait where need be
 * @stream: connection
 * @buf: content
 * @len: its bytes
 * @timeout_ms: for each wait
 *
 * Return: 0; -EINTR we are to stop; other -errno with a text.
 */
int ktlsx_stream_write_all(struct ktlsx_stream *stream, const void *buf, size_t len,
			   int timeout_ms)
{
	const char *at = buf;

	while (len) {
		ssize_t put = ktlsx_stream_write(stream, at, len);
		int err = 0;

		if (put >= 0) {
			at += put;
			len -= (size_t)put;
		} else if (is_transient(put)) {
			err = ktlsx_wait_for(stream->fd, POLLOUT, timeout_ms);
			if (err)
				explain(stream, "write: the peer does not read: %s",
					strerror(-err));
		} else {
			err = (int)put;
		}
		if (err)
			return err;
	}
	return 0;
}

/**
 * ktlsx_stream_shutdown() - send close_notify; reading goes on
 * @stream: connection
 * @timeout_ms: for each wait
 *
 * Return: 0; -errno.
 */
int ktlsx_stream_shutdown(struct ktlsx_stream *stream, int timeout_ms)
{
	int err;

	if (stream->is_offloaded)
		return shutdown(stream->fd, SHUT_WR) ? -errno : 0;
	while ((err = ktlsx_shutdown(stream->conn)) == -EAGAIN) {
		err = ktlsx_wait_for(stream->fd, POLLOUT, timeout_ms);
		if (err)
			break;
	}
	return err;
}

/**
 * ktlsx_stream_finish() - end properly: close_notify, then let the peer take everything
 * @stream: connection
 * @timeout_ms: how long the peer may take
 *
 * A close with bytes unread would be a reset, which destroys what is under way.
 */
void ktlsx_stream_finish(struct ktlsx_stream *stream, int timeout_ms)
{
	int64_t end_ms = ktlsx_wait_now_ms() + timeout_ms;
	char ignored[16384];
	ssize_t got;

	if (ktlsx_stream_shutdown(stream, timeout_ms))
		return;
	do {
		int64_t left_ms = end_ms - ktlsx_wait_now_ms();

		if (left_ms <= 0)
			return;
		got = ktlsx_stream_read(stream, ignored, sizeof(ignored));
		if (got == -EAGAIN && ktlsx_wait_for(stream->fd, POLLIN, (int)left_ms))
			return;
	} while (got > 0 || is_transient(got));
}

/**
 * ktlsx_stream_close() - end a connection
 * @stream: connection
 */
void ktlsx_stream_close(struct ktlsx_stream *stream)
{
	ktlsx_conn_free(stream->conn);
	stream->conn = NULL;
	close(stream->fd);
	stream->fd = -1;
}

/**
 * ktlsx_stream_abort() - end a connection so that the peer cannot take it for whole
 * @stream: connection
 *
 * A reset instead of close_notify.
 */
void ktlsx_stream_abort(struct ktlsx_stream *stream)
{
	struct linger reset = { .l_onoff = 1 };

	setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	ktlsx_stream_close(stream);
}

/**
 * ktlsx_stream_json() - what was agreed on, as an object
 * @stream: connection
 *
 * Return: a new object.
 */
struct json_object *ktlsx_stream_json(const struct ktlsx_stream *stream)
{
	const struct ktlsx_info *info = &stream->info;
	struct json_object *object = json_object_new_object();

	ktlsx_report_text(object, "version", info->version_name);
	ktlsx_report_text(object, "suite", info->suite_name);
	ktlsx_report_text(object, "openssl_suite", info->suite_openssl_name);
	ktlsx_report_text(object, "group", info->group_name);
	ktlsx_report_text(object, "alpn", info->alpn);
	ktlsx_report_text(object, "server_name", info->server_name);
	json_object_object_add(object, "resumed", json_object_new_boolean(info->is_resumed));
	json_object_object_add(object, "offloaded", json_object_new_boolean(info->is_offloaded));
	json_object_object_add(object, "peer_certificate",
			       json_object_new_boolean(info->has_peer_certificate));
	return object;
}

/**
 * ktlsx_stream_text() - the same as one phrase
 * @stream: connection
 * @text: where to
 * @size: its bytes
 *
 * Return: @text
 */
const char *ktlsx_stream_text(const struct ktlsx_stream *stream, char *text, size_t size)
{
	const struct ktlsx_info *info = &stream->info;

	snprintf(text, size, "%s %s%s%s%s%s%s, records %s", info->version_name, info->suite_name,
		 info->group_name ? " " : "", info->group_name ? info->group_name : "",
		 info->alpn ? ", ALPN " : "", info->alpn ? info->alpn : "",
		 info->is_resumed ? ", resumed" : "",
		 info->is_offloaded ? "in the kernel" : "in userspace (fallback)");
	return text;
}
