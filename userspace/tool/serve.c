// SPDX-License-Identifier: MIT
/*
 * Owns: sending one file by sendfile: bare, or as the answer to an HTTP
 * request when the client sends one.
 * Must not know: paths that a client asks for: there is one file.
 * Concurrency: one thread.
 * Spec: RFC 9112 (HTTP/1.1 messages); sendfile(2).
 */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http.h"
#include "progress.h"
#include "wait.h"

/* How long a client may take to say that it wants HTTP. */
#define REQUEST_MS 5000
#define SEND_LEN_MAX 1073741824

/**
 * ktlsx_serve_open() - open the file
 * @serve: gets it
 * @report: is told what went wrong
 * @path: regular file
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_FILE.
 */
enum ktlsx_exit ktlsx_serve_open(struct ktlsx_serve *serve, const struct ktlsx_report *report,
				 const char *path)
{
	struct stat found;

	serve->path = path;
	serve->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (serve->fd < 0 || fstat(serve->fd, &found))
		return ktlsx_report_error(report, KTLSX_EXIT_FILE, "cannot read %s: %s", path,
					  strerror(errno));
	if (!S_ISREG(found.st_mode))
		return ktlsx_report_error(report, KTLSX_EXIT_FILE, "%s is not a regular file",
					  path);
	return KTLSX_EXIT_OK;
}

/*
 * 0 @request is filled; 1 the client wants no HTTP, or does not say; -errno
 * with a text in @stream.
 */
static int read_request(struct ktlsx_stream *stream, struct ktlsx_http_request *request)
{
	char head[KTLSX_HTTP_HEAD_LEN_MAX];
	int64_t end_ms = ktlsx_wait_now_ms() + REQUEST_MS;
	size_t have = 0;

	for (;;) {
		int64_t left_ms = end_ms - ktlsx_wait_now_ms();
		ssize_t got = ktlsx_stream_read(stream, head + have, sizeof(head) - have);
		int err;

		if (got == 0)
			return 1;
		if (got == -EAGAIN || got == -EINTR) {
			err = ktlsx_wait_for(stream->fd, POLLIN, left_ms > 0 ? (int)left_ms : 0);
			if (err == -ETIMEDOUT)
				return 1;
			if (err)
				return err;
			continue;
		}
		if (got < 0)
			return (int)got;
		have += (size_t)got;
		err = ktlsx_http_request(head, have, request);
		if (err != -EAGAIN)
			return err ? 1 : 0;
	}
}

static int answer(const struct ktlsx_serve *serve, struct ktlsx_stream *stream,
		  const struct ktlsx_http_request *request, uint64_t len)
{
	bool is_known = request->method != KTLSX_HTTP_OTHER;
	char head[256];
	int head_len = snprintf(head, sizeof(head),
				"HTTP/1.0 %s\r\nContent-Length: %" PRIu64
				"\r\nContent-Type: application/octet-stream\r\n"
				"Connection: close\r\n\r\n",
				is_known ? "200 OK" : "405 Method Not Allowed\r\nAllow: GET, HEAD",
				is_known ? len : 0);

	return ktlsx_stream_write_all(stream, head, (size_t)head_len, serve->timeout_ms);
}

/* 0 all of it; -ENODATA the file became shorter; other -errno. Text in @stream. */
static int send_file(const struct ktlsx_serve *serve, struct ktlsx_stream *stream, uint64_t len,
		     struct ktlsx_progress *progress)
{
	off_t off = 0;
	int err = 0;

	while (!err && (uint64_t)off < len) {
		uint64_t left = len - (uint64_t)off;
		ssize_t put = ktlsx_stream_sendfile(stream, serve->fd, &off,
						    left < SEND_LEN_MAX ? left : SEND_LEN_MAX);

		if (put > 0)
			ktlsx_progress_add(progress, (uint64_t)put);
		else if (put == -EAGAIN || put == -EINTR)
			err = ktlsx_wait_for(stream->fd, POLLOUT, serve->timeout_ms);
		else
			err = put ? (int)put : -ENODATA;
		if (err == -ETIMEDOUT || err == -ENODATA)
			snprintf(stream->error, sizeof(stream->error), "%s after %lld bytes",
				 err == -ENODATA ? "the file became shorter" :
				 "the client does not read", (long long)off);
	}
	return err;
}

static void tell(const struct ktlsx_serve *serve, const struct ktlsx_report *report,
		 const struct ktlsx_stream *stream, uint64_t len, bool is_http, double seconds)
{
	struct json_object *object;

	ktlsx_report_say(report, "sent %s%s, %" PRIu64 " bytes in %.2f s", serve->path,
			 is_http ? " over HTTP" : "", len, seconds);
	if (!report->is_json)
		return;
	object = ktlsx_stream_json(stream);
	json_object_object_add(object, "event", json_object_new_string("sent"));
	json_object_object_add(object, "http", json_object_new_boolean(is_http));
	json_object_object_add(object, "bytes", json_object_new_int64((int64_t)len));
	json_object_object_add(object, "seconds", json_object_new_double(seconds));
	ktlsx_report_json(report->out, object);
}

static enum ktlsx_exit broken(const struct ktlsx_report *report, const struct ktlsx_stream *stream,
			      int err)
{
	if (err == -EINTR)
		return KTLSX_EXIT_BROKEN;
	return ktlsx_report_error(report, err == -ENODATA ? KTLSX_EXIT_FILE : KTLSX_EXIT_BROKEN,
				  "%s", stream->error);
}

/**
 * ktlsx_serve_run() - send the file over one connection
 * @serve: the file
 * @report: is told how it went
 * @stream: connection after its handshake
 *
 * Return: KTLSX_EXIT_OK all of it is with TCP; KTLSX_EXIT_BROKEN, KTLSX_EXIT_FILE:
 * the connection must not end as if it were.
 */
enum ktlsx_exit ktlsx_serve_run(const struct ktlsx_serve *serve, const struct ktlsx_report *report,
				struct ktlsx_stream *stream)
{
	struct ktlsx_http_request request = { .method = KTLSX_HTTP_GET };
	struct ktlsx_progress progress;
	struct stat found;
	int err = serve->is_raw ? 1 : read_request(stream, &request);
	bool is_http = !err;
	uint64_t len = 0;

	if (err >= 0 && !fstat(serve->fd, &found))
		len = (uint64_t)found.st_size;
	ktlsx_progress_begin(&progress, !report->is_quiet && !report->is_json, len);
	if (is_http)
		err = answer(serve, stream, &request, len);
	if (err >= 0 && request.method == KTLSX_HTTP_GET)
		err = send_file(serve, stream, len, &progress);
	else
		len = 0;
	if (err < 0)
		ktlsx_progress_end(&progress);
	else
		tell(serve, report, stream, len, is_http, ktlsx_progress_end(&progress));
	return err < 0 ? broken(report, stream, err) : KTLSX_EXIT_OK;
}
