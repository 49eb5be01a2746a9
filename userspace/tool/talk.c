// SPDX-License-Identifier: MIT
/*
 * Owns: standard input to the peer, the peer to standard output, until the
 * peer closes. The end of standard input becomes close_notify.
 * Must not know: who the peer is.
 * Concurrency: one thread; the socket does not block, standard output may.
 * Spec: ktlsx(8); RFC 8446 section 6.1 (close_notify closes one direction).
 */
#include "talk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "wait.h"

#define SHUTDOWN_MS 5000

/**
 * struct talk - what is on its way
 * @buf: read from standard input, not yet taken by the peer
 * @off: how much of it is taken
 * @len: how much there is
 * @is_input_over: nothing more comes from standard input
 * @is_stuck: the socket took nothing more
 */
struct talk {
	char buf[16384];
	size_t off;
	size_t len;
	bool is_input_over;
	bool is_stuck;
};

static int write_out(const char *bytes, size_t len)
{
	while (len) {
		ssize_t put = write(STDOUT_FILENO, bytes, len);

		if (put < 0 && errno == EAGAIN)
			ktlsx_wait_for(STDOUT_FILENO, POLLOUT, -1);
		else if (put < 0 && errno != EINTR)
			return -1;
		if (put <= 0)
			continue;
		bytes += put;
		len -= (size_t)put;
	}
	return 0;
}

/*
 * What the peer has sent: 1 more may come, 0 it closed, -EIO standard output,
 * other -errno. In userspace everything: poll does not show what OpenSSL holds.
 */
static int from_peer(struct ktlsx_stream *stream)
{
	char buf[16384];
	ssize_t got;

	do {
		got = ktlsx_stream_read(stream, buf, sizeof(buf));
		if (got > 0 && write_out(buf, (size_t)got)) {
			snprintf(stream->error, sizeof(stream->error),
				 "cannot write standard output: %s", strerror(errno));
			return -EIO;
		}
	} while (got > 0 && !stream->is_offloaded);
	return got > 0 || got == -EAGAIN || got == -EINTR ? 1 : (int)got;
}

static int to_peer(struct talk *talk, struct ktlsx_stream *stream)
{
	ssize_t put = 1;

	while (talk->off < talk->len && put > 0) {
		put = ktlsx_stream_write(stream, talk->buf + talk->off, talk->len - talk->off);
		if (put > 0)
			talk->off += (size_t)put;
	}
	talk->is_stuck = put == -EAGAIN;
	return put < 0 && put != -EAGAIN && put != -EINTR ? (int)put : 0;
}

static int from_input(struct talk *talk, struct ktlsx_stream *stream, bool is_eof_ignored)
{
	ssize_t got = read(STDIN_FILENO, talk->buf, sizeof(talk->buf));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	talk->off = 0;
	talk->len = got > 0 ? (size_t)got : 0;
	if (got > 0)
		return to_peer(talk, stream);
	talk->is_input_over = true;
	if (!is_eof_ignored)
		ktlsx_stream_shutdown(stream, SHUTDOWN_MS);
	return 0;
}

/* One wait and what follows from it; 1 go on, 0 the peer closed, -errno. */
static int step(struct talk *talk, struct ktlsx_stream *stream, bool is_eof_ignored)
{
	struct pollfd fds[2] = {
		{ .fd = stream->fd, .events = (short)(POLLIN | (talk->is_stuck ? POLLOUT : 0)) },
		{ .fd = talk->is_input_over || talk->is_stuck ? -1 : STDIN_FILENO,
		  .events = POLLIN },
	};
	int err = ktlsx_wait_poll(fds, 2, -1);

	if (err == -EINTR)
		return 0;
	if (err < 0)
		return err;
	err = 1;
	if (fds[0].revents & ~POLLOUT)
		err = from_peer(stream);
	if (err == 1 && talk->is_stuck && fds[0].revents)
		err = to_peer(talk, stream) ?: 1;
	if (err == 1 && fds[1].revents)
		err = from_input(talk, stream, is_eof_ignored) ?: 1;
	return err;
}

/**
 * ktlsx_talk_run() - talk until the peer closes
 * @stream: connection after its handshake
 * @report: is told what broke
 * @is_eof_ignored: the end of standard input does not end our sending
 *
 * Return: KTLSX_EXIT_OK the peer closed properly, or we were told to stop;
 * KTLSX_EXIT_BROKEN; KTLSX_EXIT_FILE standard output.
 */
enum ktlsx_exit ktlsx_talk_run(struct ktlsx_stream *stream, const struct ktlsx_report *report,
			       bool is_eof_ignored)
{
	struct talk talk = { .off = 0 };
	int err = from_peer(stream);

	while (err == 1)
		err = step(&talk, stream, is_eof_ignored);
	if (!err)
		return KTLSX_EXIT_OK;
	return ktlsx_report_error(report, err == -EIO ? KTLSX_EXIT_FILE : KTLSX_EXIT_BROKEN,
				  "%s", stream->error);
}
