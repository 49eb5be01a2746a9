// SPDX-License-Identifier: MIT
/*
 * Reads those extensions of a ClientHello that decide which config serves it:
 * server_name, ALPN, signature_algorithms, supported_versions. As strict as
 * OpenSSL, so that both see the same name. Must not know configs or OpenSSL.
 * Pure functions over the caller's bytes.
 * Spec: RFC 6066 section 3, RFC 7301 section 3.1, RFC 5246 section 7.4.1.4.1,
 * RFC 8446 sections 4.2.1 and 4.2.3.
 */
#include "hello.h"

#include <errno.h>
#include <string.h>

#define NAME_TYPE_HOST 0
#define HASH_SHA1 2		/* 0: none, 1: MD5; above: SHA-2, and what came later */

/* What is still to be read. */
struct rest {
	const uint8_t *bytes;
	size_t len;
};

/* Takes a vector with a length of @size bytes in front; false: it is not whole. */
static bool take_vector(struct rest *from, size_t size, struct rest *vector)
{
	size_t len = 0;

	if (from->len < size)
		return false;
	for (size_t i = 0; i < size; i++)
		len = len << 8 | from->bytes[i];
	if (from->len - size < len)
		return false;
	*vector = (struct rest){ from->bytes + size, len };
	from->bytes += size + len;
	from->len -= size + len;
	return true;
}

/* The one vector that fills @from to the end, and is not empty. */
static bool take_only_vector(struct rest from, size_t size, struct rest *vector)
{
	return take_vector(&from, size, vector) && !from.len && vector->len;
}

static char lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/**
 * ktlsx_hello_server_name() - read the extension server_name
 * @ext: its bytes
 * @ext_len: their number
 * @name: out: 256 bytes, the host name in lower case, terminated
 *
 * Return: 0; -EPROTO malformed: not exactly one host name of 1 to 255 bytes
 * without NUL.
 */
int ktlsx_hello_server_name(const uint8_t *ext, size_t ext_len, char *name)
{
	struct rest list, host;

	if (!take_only_vector((struct rest){ ext, ext_len }, 2, &list) ||
	    list.bytes[0] != NAME_TYPE_HOST ||
	    !take_only_vector((struct rest){ list.bytes + 1, list.len - 1 }, 2, &host) ||
	    host.len >= KTLSX_HELLO_NAME_SIZE || memchr(host.bytes, 0, host.len))
		return -EPROTO;
	for (size_t i = 0; i < host.len; i++)
		name[i] = lower(host.bytes[i]);
	name[host.len] = '\0';
	return 0;
}

/**
 * ktlsx_hello_alpn() - look for a protocol in the extension ALPN
 * @ext: its bytes
 * @ext_len: their number
 * @protocol: terminated
 *
 * Return: 1 it is offered; 0 it is not; -EPROTO malformed.
 */
int ktlsx_hello_alpn(const uint8_t *ext, size_t ext_len, const char *protocol)
{
	size_t protocol_len = strlen(protocol);
	struct rest list, item;
	int is_offered = 0;

	if (!take_only_vector((struct rest){ ext, ext_len }, 2, &list))
		return -EPROTO;
	while (list.len) {
		if (!take_vector(&list, 1, &item) || !item.len)
			return -EPROTO;
		if (item.len == protocol_len && !memcmp(item.bytes, protocol, protocol_len))
			is_offered = 1;
	}
	return is_offered;
}

/**
 * ktlsx_hello_beyond_sha1() - whether signature_algorithms has more than SHA-1
 * @ext: its bytes
 * @ext_len: their number
 *
 * The first byte of a code point is the hash in TLS 1.2, and above all hashes
 * of then in whatever was added later.
 *
 * Return: 1 it has; 0 SHA-1, MD5 and none only; -EPROTO malformed.
 */
int ktlsx_hello_beyond_sha1(const uint8_t *ext, size_t ext_len)
{
	struct rest list;

	if (!take_only_vector((struct rest){ ext, ext_len }, 2, &list) || list.len % 2)
		return -EPROTO;
	for (size_t off = 0; off < list.len; off += 2) {
		if (list.bytes[off] > HASH_SHA1)
			return 1;
	}
	return 0;
}

/**
 * ktlsx_hello_version() - look for a version in supported_versions
 * @ext: the extension's bytes
 * @ext_len: their number
 * @version: 0x0304 and the like
 *
 * Return: 1 it is offered; 0 it is not; -EPROTO malformed.
 */
int ktlsx_hello_version(const uint8_t *ext, size_t ext_len, uint16_t version)
{
	struct rest list;

	if (!take_only_vector((struct rest){ ext, ext_len }, 1, &list) || list.len % 2)
		return -EPROTO;
	for (size_t off = 0; off < list.len; off += 2) {
		if ((list.bytes[off] << 8 | list.bytes[off + 1]) == version)
			return 1;
	}
	return 0;
}
