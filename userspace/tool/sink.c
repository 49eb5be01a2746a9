// SPDX-License-Identifier: MIT
/*
 * Owns: the file of a download. Content goes there by splice, from the socket
 * through a pipe; it has another name, FILE.part, until it is whole.
 * Must not know: what the content is, nor when it is whole.
 * Concurrency: none.
 * Spec: splice(2), rename(2).
 */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wait.h"

#define PIPE_LEN 1048576

/* Devices and pipes are written to; a file is replaced when the new one is whole. */
static int open_file(struct ktlsx_sink *sink, const char *path)
{
	struct stat found;
	int flags = O_WRONLY | O_CLOEXEC;

	if (!stat(path, &found)) {
		if (!S_ISREG(found.st_mode))
			return open(path, flags);
		if (!realpath(path, sink->path))
			return -1;
	} else if (snprintf(sink->path, sizeof(sink->path), "%s", path) >=
		   (int)sizeof(sink->path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(sink->part, sizeof(sink->part), "%s.part", sink->path);
	return open(sink->part, flags | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
}

/**
 * ktlsx_sink_open() - open the place for a download
 * @sink: filled
 * @report: is told what went wrong
 * @path: file; NULL: stdout
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_FILE.
 */
enum ktlsx_exit ktlsx_sink_open(struct ktlsx_sink *sink, const struct ktlsx_report *report,
				const char *path)
{
	memset(sink, 0, sizeof(*sink));
	sink->name = path ? path : "standard output";
	sink->may_splice = true;
	sink->fd = path ? open_file(sink, path) : STDOUT_FILENO;
	if (sink->fd < 0)
		return ktlsx_report_error(report, KTLSX_EXIT_FILE, "cannot write %s: %s",
					  *sink->part ? sink->part : path,
					  strerror(errno));
	if (pipe2(sink->pipe, O_CLOEXEC))
		return ktlsx_report_error(report, KTLSX_EXIT_FILE, "cannot make a pipe: %s",
					  strerror(errno));
	/* Fewer, larger splices; the limit of this user may forbid it, the pipe works anyway. */
	fcntl(sink->pipe[1], F_SETPIPE_SZ, PIPE_LEN);
	return KTLSX_EXIT_OK;
}

/**
 * ktlsx_sink_write() - write bytes that are here
 * @sink: open sink
 * @bytes: content
 * @len: its bytes
 *
 * Return: 0; -errno.
 */
int ktlsx_sink_write(struct ktlsx_sink *sink, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t put = write(sink->fd, at, len);

		if (put < 0 && errno == EAGAIN)
			ktlsx_wait_for(sink->fd, POLLOUT, -1);
		else if (put < 0 && errno != EINTR)
			return -errno;
		if (put <= 0)
			continue;
		at += put;
		len -= (size_t)put;
		sink->copied_len += (uint64_t)put;
	}
	return 0;
}

/* A terminal, or a file opened for appending, does not take splice. */
static int empty_pipe_by_hand(struct ktlsx_sink *sink, size_t len)
{
	char buf[16384];

	sink->may_splice = false;
	while (len) {
		ssize_t got = read(sink->pipe[0], buf, len < sizeof(buf) ? len : sizeof(buf));
		int err = got > 0 ? ktlsx_sink_write(sink, buf, (size_t)got) : -EIO;

		if (err)
			return err;
		len -= (size_t)got;
	}
	return 0;
}

static int empty_pipe(struct ktlsx_sink *sink, size_t len)
{
	while (len) {
		ssize_t put = splice(sink->pipe[0], NULL, sink->fd, NULL, len,
				     SPLICE_F_MOVE | SPLICE_F_MORE);

		if (put < 0 && errno == EINVAL)
			return empty_pipe_by_hand(sink, len);
		if (put < 0 && errno == EAGAIN)
			ktlsx_wait_for(sink->fd, POLLOUT, -1);
		else if (put < 0 && errno != EINTR)
			return -errno;
		if (put <= 0)
			continue;
		len -= (size_t)put;
		sink->spliced_len += (uint64_t)put;
	}
	return 0;
}

static ssize_t take_by_hand(struct ktlsx_sink *sink, struct ktlsx_stream *stream, size_t len)
{
	char buf[16384];
	ssize_t got = ktlsx_stream_read(stream, buf, len < sizeof(buf) ? len : sizeof(buf));
	int err = got > 0 ? ktlsx_sink_write(sink, buf, (size_t)got) : 0;

	if (err)
		snprintf(stream->error, sizeof(stream->error), "cannot write %s: %s", sink->name,
			 strerror(-err));
	return err ? -EIO : got;
}

/**
 * ktlsx_sink_take() - move what a connection has into the file
 * @sink: open sink
 * @stream: connection
 * @len: at most
 *
 * Return: bytes; 0 the peer closed properly; -EAGAIN; -EINTR; -EIO the file
 * takes no more; other -errno from the peer. The text is in @stream.
 */
ssize_t ktlsx_sink_take(struct ktlsx_sink *sink, struct ktlsx_stream *stream, size_t len)
{
	ssize_t got;
	int err;

	if (!sink->may_splice)
		return take_by_hand(sink, stream, len);
	got = ktlsx_stream_splice(stream, sink->pipe[1], len < PIPE_LEN ? len : PIPE_LEN);
	if (got == -EAGAIN || got == -EINTR || got == 0)
		return got;
	if (got < 0)
		return take_by_hand(sink, stream, len);
	err = empty_pipe(sink, (size_t)got);
	if (err)
		snprintf(stream->error, sizeof(stream->error), "cannot write %s: %s", sink->name,
			 strerror(-err));
	return err ? -EIO : got;
}

static void close_all(struct ktlsx_sink *sink)
{
	close(sink->pipe[0]);
	close(sink->pipe[1]);
	if (sink->fd != STDOUT_FILENO)
		close(sink->fd);
	sink->fd = -1;
}

/**
 * ktlsx_sink_commit() - the content is whole
 * @sink: closed
 *
 * Return: 0; -errno: it has not got its name.
 */
int ktlsx_sink_commit(struct ktlsx_sink *sink)
{
	int err = 0;

	if (*sink->path && rename(sink->part, sink->path))
		err = -errno;
	close_all(sink);
	return err;
}

/**
 * ktlsx_sink_keep_part() - the content is not whole
 * @sink: closed; an empty file is removed
 *
 * Return: true when there is a FILE.part to look at.
 */
bool ktlsx_sink_keep_part(struct ktlsx_sink *sink)
{
	bool has_part = *sink->path && sink->spliced_len + sink->copied_len;

	if (*sink->path && !has_part)
		unlink(sink->part);
	close_all(sink);
	return has_part;
}
