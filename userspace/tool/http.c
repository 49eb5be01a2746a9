// SPDX-License-Identifier: MIT
/*
 * Owns: reading the head of an HTTP request or response, strictly where a
 * mistake would change what is a file's content, leniently elsewhere.
 * Must not know: where bytes come from. Reads nothing behind @len.
 * Concurrency: none; pure functions.
 * Spec: RFC 9112 sections 2 to 6, RFC 9110 section 8.6 (Content-Length).
 */
#include "http.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

struct span {
	const char *at;
	size_t len;
};

static bool starts_with(struct span text, const char *word)
{
	return text.len >= strlen(word) && !strncasecmp(text.at, word, strlen(word));
}

/* The next line without its end; false when no whole line is left. */
static bool next_line(struct span *rest, struct span *line)
{
	const char *end = rest->len ? memchr(rest->at, '\n', rest->len) : NULL;

	if (!end)
		return false;
	line->at = rest->at;
	line->len = (size_t)(end - rest->at);
	rest->len -= line->len + 1;
	rest->at = end + 1;
	if (line->len && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

/* Digits only, and not more than an off_t counts. */
static bool number(struct span text, uint64_t *value)
{
	*value = 0;
	if (!text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9' || *value > (INT64_MAX - 9) / 10)
			return false;
		*value = *value * 10 + (uint64_t)(text.at[i] - '0');
	}
	return true;
}

static struct span trimmed(struct span text)
{
	while (text.len && (*text.at == ' ' || *text.at == '\t')) {
		text.at++;
		text.len--;
	}
	while (text.len && strchr(" \t", text.at[text.len - 1]))
		text.len--;
	return text;
}

/* One "name: value"; two lengths that differ are an attack, not a choice. */
static int field(struct span line, struct ktlsx_http_response *response)
{
	const char *colon = memchr(line.at, ':', line.len);
	uint64_t length;
	struct span value;

	if (!colon || colon == line.at || memchr(line.at, '\0', line.len))
		return -EPROTO;
	value.at = colon + 1;
	value.len = line.len - (size_t)(value.at - line.at);
	line.len = (size_t)(colon - line.at);
	if (line.len == strlen("transfer-encoding") && starts_with(line, "transfer-encoding"))
		response->is_coded = true;
	if (line.len != strlen("content-length") || !starts_with(line, "content-length"))
		return 0;
	if (!number(trimmed(value), &length))
		return -EPROTO;
	if (response->has_content_len && response->content_len != length)
		return -EPROTO;
	response->has_content_len = true;
	response->content_len = length;
	return 0;
}

/* "HTTP/1.1 200 OK" */
static int status_line(struct span line, const char *bytes, struct ktlsx_http_response *response)
{
	uint64_t status;

	if (!starts_with(line, "HTTP/1.") || line.len < 12 || line.at[8] != ' ')
		return -EPROTO;
	if (!number((struct span) { line.at + 9, 3 }, &status) || status < 100 || status > 599)
		return -EPROTO;
	if (line.len > 12 && line.at[12] != ' ')
		return -EPROTO;
	response->status = (unsigned int)status;
	line.at += line.len > 12 ? 13 : 12;
	line.len -= line.len > 12 ? 13 : 12;
	response->reason_off = (size_t)(line.at - bytes);
	response->reason_len = line.len;
	return 0;
}

static int unfinished(size_t len)
{
	return len >= KTLSX_HTTP_HEAD_LEN_MAX ? -EMSGSIZE : -EAGAIN;
}

/* As long as what came could still become @word. */
static bool may_become(const char *bytes, size_t len, const char *word)
{
	return !memcmp(bytes, word, len < strlen(word) ? len : strlen(word));
}

/**
 * ktlsx_http_response() - read the head of a response
 * @bytes: what has come so far
 * @len: how much that is
 * @response: filled when the head is whole
 *
 * Return: 0; -EAGAIN more is needed; -EPROTO that is no HTTP/1 response, or its
 * length is not clear; -EMSGSIZE a head of KTLSX_HTTP_HEAD_LEN_MAX or more.
 */
int ktlsx_http_response(const char *bytes, size_t len, struct ktlsx_http_response *response)
{
	struct span rest = { bytes, len }, line;
	int err;

	memset(response, 0, sizeof(*response));
	if (!may_become(bytes, len, "HTTP/1."))
		return -EPROTO;
	if (!next_line(&rest, &line))
		return unfinished(len);
	err = status_line(line, bytes, response);
	while (!err) {
		if (!next_line(&rest, &line))
			return unfinished(len);
		if (!line.len)
			break;
		err = field(line, response);
	}
	response->head_len = len - rest.len;
	return err;
}

/* A method, a space, a target that begins like a path or a URL. */
static int request_line(struct span line, struct ktlsx_http_request *request)
{
	const char *space = memchr(line.at, ' ', line.len);
	struct span tail;

	if (!space)
		return -EPROTO;
	tail = (struct span) { space + 1, line.len - (size_t)(space + 1 - line.at) };
	space = memchr(tail.at, ' ', tail.len);
	if (!space)
		return -EPROTO;
	tail = (struct span) { space + 1, tail.len - (size_t)(space + 1 - tail.at) };
	if (!starts_with(tail, "HTTP/1."))
		return -EPROTO;
	request->method = KTLSX_HTTP_OTHER;
	if (starts_with(line, "GET "))
		request->method = KTLSX_HTTP_GET;
	else if (starts_with(line, "HEAD "))
		request->method = KTLSX_HTTP_HEAD;
	return 0;
}

/* 3 to 16 capital letters and a space, as far as that can be seen yet. */
static bool looks_like_request(const char *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && i < 16 && bytes[i] >= 'A' && bytes[i] <= 'Z')
		i++;
	return i == len || (i >= 3 && bytes[i] == ' ');
}

/**
 * ktlsx_http_request() - read the head of a request
 * @bytes: what has come so far
 * @len: how much that is
 * @request: filled when the head is whole
 *
 * Return: 0; -EAGAIN more is needed; -EPROTO that is no HTTP/1 request;
 * -EMSGSIZE a head of KTLSX_HTTP_HEAD_LEN_MAX or more.
 */
int ktlsx_http_request(const char *bytes, size_t len, struct ktlsx_http_request *request)
{
	struct span rest = { bytes, len }, line;
	int err;

	memset(request, 0, sizeof(*request));
	if (!looks_like_request(bytes, len))
		return -EPROTO;
	if (!next_line(&rest, &line))
		return unfinished(len);
	err = request_line(line, request);
	while (!err && line.len)
		if (!next_line(&rest, &line))
			return unfinished(len);
	request->head_len = len - rest.len;
	return err;
}
