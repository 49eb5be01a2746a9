/* SPDX-License-Identifier: MIT */
/*
 * Owns: a man in the middle: cuts what either end sends into TLS records, shows
 * each whole record to a hook that may change it, and passes on what is left.
 * Must not know: sockets, SSL objects, what a test checks.
 * Concurrency: one thread a struct middle.
 * Follows: RFC 5246 6.2.1 and 7.4, RFC 8446 5.1 and 4.
 */
#ifndef MIDDLE_H
#define MIDDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIDDLE_HEADER_LEN	5
#define MIDDLE_RECORD_LEN_MAX	(MIDDLE_HEADER_LEN + 16384 + 2048)
#define MIDDLE_LANE_SIZE	(8 * MIDDLE_RECORD_LEN_MAX)
#define MIDDLE_NO_MESSAGE	(-1)

enum middle_way {
	MIDDLE_TO_SERVER,
	MIDDLE_TO_CLIENT,
	MIDDLE_WAY_COUNT,
};

enum middle_type {
	MIDDLE_CCS = 20,
	MIDDLE_ALERT = 21,
	MIDDLE_HANDSHAKE = 22,
	MIDDLE_DATA = 23,
};

/**
 * struct middle_record - a record on its way, as a hook sees it
 * @way: who gets it
 * @nth: number of records that went this way before
 * @type: content type in its header
 * @message: type of the (first) handshake message in it; MIDDLE_NO_MESSAGE when it is
 *	sealed or no handshake record
 * @is_sealed: its content is encrypted
 * @bytes: header and content; a hook may change them
 * @len: bytes in use; a hook may change it
 * @size: room at @bytes
 * @is_last: a hook sets it: the stream ends after this record
 */
struct middle_record {
	enum middle_way way;
	unsigned int nth;
	uint8_t type;
	int message;
	bool is_sealed;
	uint8_t *bytes;
	size_t len;
	size_t size;
	bool is_last;
};

struct middle_hook {
	void (*touch)(void *arg, struct middle_record *record);
	void *arg;
};

/**
 * struct middle_lane - what is on its way to one end
 * @in: bytes of a record that is not whole yet
 * @out: bytes to be passed on, from @out_off
 * @record_count: whole records seen
 * @is_sealed: TLS 1.2: ChangeCipherSpec went by
 * @has_ended: a hook ended the stream
 * @is_garbled: the sender wrote something that is no TLS record
 * @alert: level and description of the last plaintext alert, 0 without one
 */
struct middle_lane {
	uint8_t in[MIDDLE_LANE_SIZE];
	size_t in_len;
	uint8_t out[MIDDLE_LANE_SIZE];
	size_t out_off;
	size_t out_len;
	unsigned int record_count;
	bool is_sealed;
	bool has_ended;
	bool is_garbled;
	uint16_t alert;
};

struct middle {
	struct middle_hook hook;
	struct middle_lane lanes[MIDDLE_WAY_COUNT];
	bool is_tls13;
};

void middle_init(struct middle *middle, const struct middle_hook *hook);
int middle_push(struct middle *middle, enum middle_way way, const void *bytes, size_t len);
size_t middle_peek(const struct middle *middle, enum middle_way way, const uint8_t **bytes);
void middle_drop(struct middle *middle, enum middle_way way, size_t len);

#endif
