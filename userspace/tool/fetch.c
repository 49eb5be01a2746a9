// SPDX-License-Identifier: MIT
/*
 * Owns: one GET: request, head, content into a sink; when it is whole.
 * Must not know: how records are made, nor how content gets to the file.
 * Concurrency: one thread.
 * Spec: RFC 9112 (HTTP/1.1 messages, of which HTTP/1.0 is a part), section 8
 * on incomplete ones.
 */
#include "fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "progress.h"
#include "wait.h"

/**
 * ktlsx_fetch_may_ask_for() - can that path stand in a request line?
 * @path: what was typed
 *
 * Return: true; false: it does not begin with "/", or has blanks or worse.
 */
bool ktlsx_fetch_may_ask_for(const char *path)
{
	if (*path != '/' || strlen(path) > 4096)
		return false;
	for (; *path; path++)
		if (*path <= 0x20 || *path > 0x7e)
			return false;
	return true;
}

static enum ktlsx_exit broken(const struct ktlsx_report *report, const struct ktlsx_stream *stream)
{
	return ktlsx_report_error(report, KTLSX_EXIT_BROKEN, "%s", stream->error);
}

/* 0, or why the wait has ended without anything; the text is in @stream. */
static int wait_for_peer(struct ktlsx_stream *stream, int timeout_ms)
{
	int err = ktlsx_wait_for(stream->fd, POLLIN, timeout_ms);

	if (err)
		snprintf(stream->error, sizeof(stream->error),
			 "the peer sends nothing for %d s: %s: --timeout waits longer",
			 timeout_ms / 1000, strerrorname_np(-err));
	return err;
}

static enum ktlsx_exit ask(struct ktlsx_fetch *fetch, const struct ktlsx_report *report,
			   struct ktlsx_stream *stream)
{
	char request[5120];
	int len = snprintf(request, sizeof(request),
			   "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: ktlsx/%s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
			   fetch->path, fetch->host, KTLSX_VERSION);

	fetch->request_len = (size_t)len;
	if (ktlsx_stream_write_all(stream, request, fetch->request_len, fetch->timeout_ms))
		return broken(report, stream);
	return KTLSX_EXIT_OK;
}

static const char *head_problem(int err)
{
	switch (err) {
	case -EMSGSIZE:
		return "the head of the answer is too long";
	case 0:
		return "the server closed before it answered";
	default:
		return "the answer is not HTTP: does an HTTPS server listen there?";
	}
}

static enum ktlsx_exit read_head(struct ktlsx_fetch *fetch, const struct ktlsx_report *report,
				 struct ktlsx_stream *stream)
{
	int err = -EAGAIN;
	ssize_t got = 1;

	while (err == -EAGAIN && got) {
		got = ktlsx_stream_read(stream, fetch->head + fetch->head_have,
					sizeof(fetch->head) - fetch->head_have);
		if (got == -EAGAIN || got == -EINTR)
			got = wait_for_peer(stream, fetch->timeout_ms) ?: -EAGAIN;
		if (got < 0 && got != -EAGAIN)
			return broken(report, stream);
		if (got <= 0)
			continue;
		fetch->head_have += (size_t)got;
		err = ktlsx_http_response(fetch->head, fetch->head_have, &fetch->response);
	}
	if (!err)
		return KTLSX_EXIT_OK;
	return ktlsx_report_error(report, KTLSX_EXIT_ANSWER, "%s", head_problem(got ? err : 0));
}

static enum ktlsx_exit judge_head(struct ktlsx_fetch *fetch, const struct ktlsx_report *report)
{
	const struct ktlsx_http_response *response = &fetch->response;
	int reason_len = response->reason_len < 200 ? (int)response->reason_len : 200;

	if (response->status / 100 != 2)
		return ktlsx_report_error(report, KTLSX_EXIT_ANSWER, "the server answers %u %.*s",
					  response->status, reason_len,
					  fetch->head + response->reason_off);
	if (response->is_coded)
		return ktlsx_report_error(report, KTLSX_EXIT_ANSWER,
					  "the server answers with a Transfer-Encoding, which HTTP/1.0 does not have");
	return KTLSX_EXIT_OK;
}

static uint64_t left_of(const struct ktlsx_fetch *fetch, uint64_t done_len)
{
	return fetch->response.has_content_len ? fetch->response.content_len - done_len :
	       UINT64_MAX;
}

static int take_first(struct ktlsx_fetch *fetch, struct ktlsx_stream *stream,
		      struct ktlsx_sink *sink, struct ktlsx_progress *progress)
{
	uint64_t len = fetch->head_have - fetch->response.head_len;
	int err;

	if (len > left_of(fetch, 0))
		len = left_of(fetch, 0);
	err = ktlsx_sink_write(sink, fetch->head + fetch->response.head_len, len);
	if (err)
		snprintf(stream->error, sizeof(stream->error), "cannot write %s: %s", sink->name,
			 strerror(-err));
	ktlsx_progress_add(progress, len);
	return err ? -EIO : 0;
}

/* 0 it is whole; -EIO the file; other -errno the peer. The text is in @stream. */
static int take_content(struct ktlsx_fetch *fetch, struct ktlsx_stream *stream,
			struct ktlsx_sink *sink, struct ktlsx_progress *progress)
{
	int err = take_first(fetch, stream, sink, progress);

	while (!err && left_of(fetch, progress->done_len)) {
		uint64_t left = left_of(fetch, progress->done_len);
		ssize_t got = ktlsx_sink_take(sink, stream, left < SSIZE_MAX ? left : SSIZE_MAX);

		if (!got)
			break;
		if (got > 0)
			ktlsx_progress_add(progress, (uint64_t)got);
		else if (got == -EAGAIN || got == -EINTR)
			err = wait_for_peer(stream, fetch->timeout_ms);
		else
			err = (int)got;
	}
	if (err || !fetch->response.has_content_len || !left_of(fetch, progress->done_len))
		return err;
	snprintf(stream->error, sizeof(stream->error),
		 "the server closed after %" PRIu64 " of %" PRIu64 " bytes", progress->done_len,
		 fetch->response.content_len);
	return -EPROTO;
}

static enum ktlsx_exit give_up(const struct ktlsx_report *report, struct ktlsx_stream *stream,
			       struct ktlsx_sink *sink, int err)
{
	bool has_part = ktlsx_sink_keep_part(sink);
	uint64_t len = sink->spliced_len + sink->copied_len;

	return ktlsx_report_error(report, err == -EIO ? KTLSX_EXIT_FILE : KTLSX_EXIT_BROKEN,
				  "%s; %s (%" PRIu64 " bytes) is not the whole", stream->error,
				  has_part ? sink->part : sink->name, len);
}

static void tell(const struct ktlsx_fetch *fetch, const struct ktlsx_report *report,
		 const struct ktlsx_stream *stream, const struct ktlsx_sink *sink, double seconds)
{
	uint64_t len = sink->spliced_len + sink->copied_len;
	struct json_object *object;

	ktlsx_report_say(report, "%u, %" PRIu64 " bytes (%" PRIu64 " by splice) in %.2f s to %s",
			 fetch->response.status, len, sink->spliced_len, seconds, sink->name);
	if (!report->is_json)
		return;
	object = ktlsx_stream_json(stream);
	json_object_object_add(object, "event", json_object_new_string("fetched"));
	json_object_object_add(object, "http_status",
			       json_object_new_int((int)fetch->response.status));
	json_object_object_add(object, "request_bytes", json_object_new_uint64(fetch->request_len));
	json_object_object_add(object, "head_bytes",
			       json_object_new_uint64(fetch->response.head_len));
	json_object_object_add(object, "bytes", json_object_new_uint64(len));
	json_object_object_add(object, "spliced_bytes", json_object_new_uint64(sink->spliced_len));
	json_object_object_add(object, "seconds", json_object_new_double(seconds));
	ktlsx_report_text(object, "file", fetch->out);
	ktlsx_report_json(report->out, object);
}

static enum ktlsx_exit receive(struct ktlsx_fetch *fetch, const struct ktlsx_report *report,
			       struct ktlsx_stream *stream)
{
	struct ktlsx_sink sink;
	struct ktlsx_progress progress;
	enum ktlsx_exit status = ktlsx_sink_open(&sink, report, fetch->out);
	double seconds;
	int err;

	if (status)
		return status;
	ktlsx_progress_begin(&progress, !report->is_quiet && !report->is_json,
			     fetch->response.content_len);
	err = take_content(fetch, stream, &sink, &progress);
	seconds = ktlsx_progress_end(&progress);
	if (err)
		return give_up(report, stream, &sink, err);
	err = ktlsx_sink_commit(&sink);
	if (err)
		return ktlsx_report_error(report, KTLSX_EXIT_FILE, "cannot rename %s to %s: %s",
					  sink.part, sink.path, strerror(-err));
	tell(fetch, report, stream, &sink, seconds);
	return KTLSX_EXIT_OK;
}

/**
 * ktlsx_fetch_run() - get one resource
 * @fetch: what to get
 * @report: is told how it went
 * @stream: connection after its handshake
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_BROKEN, _ANSWER, _FILE.
 */
enum ktlsx_exit ktlsx_fetch_run(struct ktlsx_fetch *fetch, const struct ktlsx_report *report,
				struct ktlsx_stream *stream)
{
	enum ktlsx_exit status = ask(fetch, report, stream);

	if (!status)
		status = read_head(fetch, report, stream);
	if (!status)
		status = judge_head(fetch, report);
	return status ? status : receive(fetch, report, stream);
}
