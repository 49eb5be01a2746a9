/* SPDX-License-Identifier: MIT */
/*
 * Heads of HTTP messages: as much of HTTP/1.0 as fetching one file needs.
 * Pure: bytes in, facts out; no socket, no memory.
 */
#ifndef KTLSX_HTTP_H
#define KTLSX_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KTLSX_HTTP_HEAD_LEN_MAX 16384

/**
 * struct ktlsx_http_response - what a response's head says
 * @head_len: bytes of the head, the empty line included
 * @status: 100 to 599
 * @reason_off: where the reason phrase starts
 * @reason_len: its bytes
 * @has_content_len: there is a Content-Length
 * @content_len: and this is it
 * @is_coded: a Transfer-Encoding, which HTTP/1.0 does not have
 */
struct ktlsx_http_response {
	size_t head_len;
	unsigned int status;
	size_t reason_off;
	size_t reason_len;
	bool has_content_len;
	uint64_t content_len;
	bool is_coded;
};

enum ktlsx_http_method {
	KTLSX_HTTP_GET,
	KTLSX_HTTP_HEAD,
	KTLSX_HTTP_OTHER,
};

/**
 * struct ktlsx_http_request - what a request's head says
 * @head_len: bytes of the head, the empty line included
 * @method: how it begins
 */
struct ktlsx_http_request {
	size_t head_len;
	enum ktlsx_http_method method;
};

int ktlsx_http_response(const char *bytes, size_t len, struct ktlsx_http_response *response);
int ktlsx_http_request(const char *bytes, size_t len, struct ktlsx_http_request *request);

#endif /* KTLSX_HTTP_H */
