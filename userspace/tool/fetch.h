/* SPDX-License-Identifier: MIT */
/*
 * One GET over a connection, into a file. One thread.
 */
#ifndef KTLSX_FETCH_H
#define KTLSX_FETCH_H

#include "http.h"
#include "sink.h"
#include "stream.h"

/**
 * struct ktlsx_fetch - what to get, and what came
 * @host: for the Host header, with the port unless that is 443
 * @path: path of the resource
 * @out: file, NULL: stdout
 * @timeout_ms: for each wait
 * @request_len: bytes of the request
 * @response: what the head said
 * @head: the bytes that came with the head, some content perhaps
 * @head_have: how many
 */
struct ktlsx_fetch {
	const char *host;
	const char *path;
	const char *out;
	int timeout_ms;
	size_t request_len;
	struct ktlsx_http_response response;
	char head[KTLSX_HTTP_HEAD_LEN_MAX];
	size_t head_have;
};

bool ktlsx_fetch_may_ask_for(const char *path);
enum ktlsx_exit ktlsx_fetch_run(struct ktlsx_fetch *fetch, const struct ktlsx_report *report,
				struct ktlsx_stream *stream);

#endif /* KTLSX_FETCH_H */
