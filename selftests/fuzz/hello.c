// SPDX-License-Identifier: MIT
/*
 * Owns: fuzzing of the library's reader of ClientHello extensions: what it finds
 * is in the bytes, and what is too short or too long is refused.
 * Must not know: what the library decides by it.
 * Concurrency: single thread.
 * Follows: userspace/lib/hello.h; RFC 6066 3, RFC 7301 3.1.
 */
#include <ctype.h>

#include "fuzz.h"
#include "hello.h"

#define PROTOCOL_LEN_MAX	8

/* One byte less is never whole: all lengths fill what they are in. */
static void fuzz_name(const uint8_t *ext, size_t len)
{
	char name[KTLSX_HELLO_NAME_SIZE];
	uint8_t *copy = fuzz_copy(ext, len);
	int err = ktlsx_hello_server_name(copy, len, name);
	size_t name_len, off;

	CLAIM(err <= 0);
	if (!err) {
		name_len = strnlen(name, sizeof(name));
		CLAIM(name_len && name_len < sizeof(name) && name_len + 5 == len);
		for (off = 0; off < name_len; off++)
			CLAIM(name[off] == (isupper(ext[5 + off]) ? tolower(ext[5 + off]) :
					    (char)ext[5 + off]));
		CLAIM(ktlsx_hello_server_name(copy, len - 1, name) < 0);
	}
	free(copy);
}

static void fuzz_alpn(const uint8_t *ext, size_t len, const char *protocol)
{
	uint8_t *copy = fuzz_copy(ext, len);
	int found = ktlsx_hello_alpn(copy, len, protocol);

	CLAIM(found <= 1);
	if (found == 1)
		CLAIM(memmem(ext, len, protocol, strlen(protocol)));
	free(copy);
}

static void fuzz_lists(const uint8_t *ext, size_t len)
{
	uint8_t *copy = fuzz_copy(ext, len);

	CLAIM(ktlsx_hello_beyond_sha1(copy, len) <= 1);
	CLAIM(ktlsx_hello_version(copy, len, 0x0304) <= 1);
	if (ktlsx_hello_version(copy, len, 0x0304) == 1)
		CLAIM(memmem(ext, len, "\x03\x04", 2));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_input input = { bytes, len };
	char protocol[PROTOCOL_LEN_MAX + 1] = "";
	size_t protocol_len = 1 + fuzz_byte(&input) % PROTOCOL_LEN_MAX, off;

	for (off = 0; off < protocol_len; off++)
		protocol[off] = fuzz_byte(&input) | 1;
	fuzz_name(input.bytes, input.len);
	fuzz_alpn(input.bytes, input.len, protocol);
	fuzz_lists(input.bytes, input.len);
	return 0;
}
