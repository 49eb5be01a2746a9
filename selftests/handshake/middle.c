// SPDX-License-Identifier: MIT
/*
 * Owns: a man in the middle: cuts what either end sends into TLS records, shows
 * each whole record to a hook that may change it, and passes on what is left.
 * Must not know: sockets, SSL objects, what a test checks.
 * Concurrency: one thread a struct middle.
 * Follows: RFC 5246 6.2.1 and 7.4, RFC 8446 5.1 and 4.
 */
#include "middle.h"

#include <errno.h>
#include <string.h>

#define SERVER_HELLO		2
#define MESSAGE_HEADER_LEN	4
#define RANDOM_LEN		32
#define EXT_SUPPORTED_VERSIONS	43

static unsigned int get16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

/* RFC 8446 4.2.1: a server that picked TLS 1.3 says so in this extension alone. */
static bool hello_is_tls13(const uint8_t *hello, size_t len)
{
	size_t off = MESSAGE_HEADER_LEN + 2 + RANDOM_LEN;

	if (len < off + 1)
		return false;
	off += 1 + hello[off] + 2 + 1 + 2;
	while (off + 4 <= len) {
		if (get16(hello + off) == EXT_SUPPORTED_VERSIONS)
			return true;
		off += 4 + get16(hello + off + 2);
	}
	return false;
}

static bool is_sealed(const struct middle *middle, const struct middle_lane *lane, uint8_t type)
{
	return middle->is_tls13 ? type == MIDDLE_DATA : lane->is_sealed;
}

/* What the middle itself remembers of a record, before the hook changes it. */
static void note(struct middle *middle, struct middle_lane *lane, struct middle_record *record)
{
	const uint8_t *content = record->bytes + MIDDLE_HEADER_LEN;
	size_t content_len = record->len - MIDDLE_HEADER_LEN;

	record->is_sealed = is_sealed(middle, lane, record->type);
	record->message = MIDDLE_NO_MESSAGE;
	if (record->is_sealed)
		return;
	if (record->type == MIDDLE_HANDSHAKE && content_len) {
		record->message = content[0];
		if (content[0] == SERVER_HELLO && hello_is_tls13(content, content_len))
			middle->is_tls13 = true;
	}
	if (record->type == MIDDLE_CCS)
		lane->is_sealed = true;
	if (record->type == MIDDLE_ALERT && content_len == 2)
		lane->alert = get16(content);
}

/* The second byte of the version is free: OpenSSL answers with the one it was sent. */
static bool is_header(const uint8_t *at)
{
	return at[0] >= MIDDLE_CCS && at[0] <= MIDDLE_DATA && at[1] == 3 &&
	       MIDDLE_HEADER_LEN + get16(at + 3) <= MIDDLE_RECORD_LEN_MAX;
}

static int pass(struct middle_lane *lane, const uint8_t *bytes, size_t len)
{
	if (lane->out_off && lane->out_len + len > sizeof(lane->out)) {
		lane->out_len -= lane->out_off;
		memmove(lane->out, lane->out + lane->out_off, lane->out_len);
		lane->out_off = 0;
	}
	if (lane->out_len + len > sizeof(lane->out))
		return -ENOBUFS;
	memcpy(lane->out + lane->out_len, bytes, len);
	lane->out_len += len;
	return 0;
}

static int show(struct middle *middle, enum middle_way way, const uint8_t *bytes, size_t len)
{
	struct middle_lane *lane = &middle->lanes[way];
	uint8_t room[2 * MIDDLE_RECORD_LEN_MAX];
	struct middle_record record = {
		.way = way,
		.nth = lane->record_count++,
		.type = bytes[0],
		.bytes = room,
		.len = len,
		.size = sizeof(room),
	};
	int err;

	memcpy(room, bytes, len);
	note(middle, lane, &record);
	if (middle->hook.touch)
		middle->hook.touch(middle->hook.arg, &record);
	err = pass(lane, record.bytes, record.len);
	lane->has_ended = record.is_last;
	return err;
}

/**
 * middle_init() - nothing seen yet
 * @hook: called for each whole record; NULL passes all
 */
void middle_init(struct middle *middle, const struct middle_hook *hook)
{
	struct middle_lane *lane;
	int way;

	middle->hook = hook ? *hook : (struct middle_hook){ 0 };
	middle->is_tls13 = false;
	for (way = 0; way < MIDDLE_WAY_COUNT; way++) {
		lane = &middle->lanes[way];
		lane->in_len = 0;
		lane->out_off = 0;
		lane->out_len = 0;
		lane->record_count = 0;
		lane->is_sealed = false;
		lane->has_ended = false;
		lane->is_garbled = false;
		lane->alert = 0;
	}
}

/**
 * middle_push() - bytes that one end sent
 * @way: who they are for
 * What is no TLS record is noted and passed on as it is.
 * Return: 0; -ENOBUFS when the other end takes nothing.
 */
int middle_push(struct middle *middle, enum middle_way way, const void *bytes, size_t len)
{
	struct middle_lane *lane = &middle->lanes[way];
	size_t off = 0, record_len;
	int err = 0;

	if (lane->has_ended)
		return 0;
	if (lane->is_garbled)
		return pass(lane, bytes, len);
	if (lane->in_len + len > sizeof(lane->in))
		return -ENOBUFS;
	memcpy(lane->in + lane->in_len, bytes, len);
	lane->in_len += len;
	while (!err && !lane->has_ended && lane->in_len - off >= MIDDLE_HEADER_LEN) {
		if (!is_header(lane->in + off)) {
			lane->is_garbled = true;
			err = pass(lane, lane->in + off, lane->in_len - off);
			off = lane->in_len;
			break;
		}
		record_len = MIDDLE_HEADER_LEN + get16(lane->in + off + 3);
		if (lane->in_len - off < record_len)
			break;
		err = show(middle, way, lane->in + off, record_len);
		off += record_len;
	}
	lane->in_len -= off;
	memmove(lane->in, lane->in + off, lane->in_len);
	return err;
}

/**
 * middle_peek() - what is to be passed on
 * Return: bytes at @bytes, which stay until middle_drop().
 */
size_t middle_peek(const struct middle *middle, enum middle_way way, const uint8_t **bytes)
{
	const struct middle_lane *lane = &middle->lanes[way];

	*bytes = lane->out + lane->out_off;
	return lane->out_len - lane->out_off;
}

/**
 * middle_drop() - the other end took @len bytes of what middle_peek() showed
 */
void middle_drop(struct middle *middle, enum middle_way way, size_t len)
{
	middle->lanes[way].out_off += len;
}
