// SPDX-License-Identifier: MIT
/*
 * Owns: fuzzing of the command's reader of HTTP heads: more bytes never change
 * what was understood, and what it points at lies within the head.
 * Must not know: HTTP.
 * Concurrency: single thread.
 * Follows: userspace/tool/http.h.
 */
#include <errno.h>

#include "fuzz.h"
#include "http.h"

static int response(const uint8_t *bytes, size_t len, struct ktlsx_http_response *out)
{
	uint8_t *copy = fuzz_copy(bytes, len);
	int err = ktlsx_http_response((char *)copy, len, out);

	free(copy);
	CLAIM(err <= 0);
	if (err)
		return err;
	CLAIM(out->head_len <= len && out->head_len <= KTLSX_HTTP_HEAD_LEN_MAX);
	CLAIM(out->status >= 100 && out->status <= 599);
	CLAIM(out->reason_off <= out->head_len);
	CLAIM(out->reason_len <= out->head_len - out->reason_off);
	return 0;
}

static int request(const uint8_t *bytes, size_t len, struct ktlsx_http_request *out)
{
	uint8_t *copy = fuzz_copy(bytes, len);
	int err = ktlsx_http_request((char *)copy, len, out);

	free(copy);
	CLAIM(err <= 0);
	CLAIM(err || out->head_len <= len);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_input input = { bytes, len };
	size_t part_len = fuzz_byte(&input);
	struct ktlsx_http_response whole, part;
	struct ktlsx_http_request whole_request, part_request;
	int err = response(input.bytes, input.len, &whole);

	part_len = part_len < input.len ? part_len : input.len;
	if (!err && whole.head_len <= part_len) {
		CLAIM(!response(input.bytes, part_len, &part));
		CLAIM(part.head_len == whole.head_len && part.status == whole.status);
		CLAIM(part.content_len == whole.content_len);
	} else if (!err) {
		CLAIM(response(input.bytes, part_len, &part) == -EAGAIN);
	}
	err = request(input.bytes, input.len, &whole_request);
	if (!err && whole_request.head_len > part_len)
		CLAIM(request(input.bytes, part_len, &part_request) == -EAGAIN);
	return 0;
}
