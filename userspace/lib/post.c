// SPDX-License-Identifier: MIT
/*
 * Owns: reading the handshake messages that may come after the handshake, from
 * records that split and join them as they like; which are legal, how long.
 * Must not know: sockets, keys, connections, what a message leads to.
 * Concurrency: a reader belongs to one connection.
 * Spec: RFC 8446 sections 4.6, 5.1 and 6.2; RFC 5246 sections 7.4.1 and A.4.
 */
#include "post.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "wire.h"

#define UPDATE_REQUESTED 1

/**
 * struct rule - a message that may come
 * @version: in which TLS
 * @receiver: who may get it
 * @type: of the handshake message
 * @kind: what we call it
 * @len_min: bytes of its content, at least
 * @len_max: at most
 * @is_kept: its content matters
 * @ends_record: nothing may follow it under the same key
 */
struct rule {
	uint16_t version;
	enum ktlsx_role receiver;
	uint8_t type;
	enum ktlsx_post_kind kind;
	uint32_t len_min;
	uint32_t len_max;
	bool is_kept;
	bool ends_record;
};

/* A ticket has 14 bytes of lengths and numbers, 2^16 of ticket, some extensions. */
static const struct rule rules[] = {
	{ 0x0304, KTLSX_CLIENT, KTLSX_MESSAGE_NEW_SESSION_TICKET, KTLSX_POST_TICKET,
	  14, (1 << 16) + (1 << 9), true, false },
	{ 0x0304, KTLSX_CLIENT, KTLSX_MESSAGE_KEY_UPDATE, KTLSX_POST_KEY_UPDATE, 1, 1, true, true },
	{ 0x0304, KTLSX_SERVER, KTLSX_MESSAGE_KEY_UPDATE, KTLSX_POST_KEY_UPDATE, 1, 1, true, true },
	{ 0x0303, KTLSX_CLIENT, KTLSX_MESSAGE_HELLO_REQUEST, KTLSX_POST_RENEGOTIATION,
	  0, 0, false, false },
	{ 0x0303, KTLSX_SERVER, KTLSX_MESSAGE_CLIENT_HELLO, KTLSX_POST_RENEGOTIATION,
	  0, 1 << 17, false, false },
};

static const struct rule *find_rule(const struct ktlsx_post_side *side, uint8_t type)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];

		if (rule->version == side->version && rule->receiver == side->role &&
		    rule->type == type)
			return rule;
	}
	return NULL;
}

static size_t body_len(const struct ktlsx_post *post)
{
	return (size_t)post->header[1] << 16 | (size_t)post->header[2] << 8 | post->header[3];
}

/* Moves up to @want bytes of the record to @to (NULL: nowhere); returns how many. */
static size_t take(const uint8_t **bytes, size_t *len, uint8_t *to, size_t want)
{
	size_t part_len = *len < want ? *len : want;

	if (to && part_len)
		memcpy(to, *bytes, part_len);
	*bytes += part_len;
	*len -= part_len;
	return part_len;
}

static int refuse(uint8_t *alert, uint8_t description)
{
	*alert = description;
	return -EPROTO;
}

static int make_room(struct ktlsx_post *post, const struct rule *rule, uint8_t *alert)
{
	size_t len = body_len(post);

	if (len < rule->len_min || len > rule->len_max)
		return refuse(alert, KTLSX_ALERT_DECODE_ERROR);
	if (!rule->is_kept)
		return 0;
	post->message = malloc(KTLSX_MESSAGE_HEADER_LEN + len);
	if (!post->message)
		return -ENOMEM;
	memcpy(post->message, post->header, KTLSX_MESSAGE_HEADER_LEN);
	return 0;
}

/* A wrong type is refused at its one byte: its length is not waited for. */
static int take_header(struct ktlsx_post *post, const struct ktlsx_post_side *side,
		       const uint8_t **bytes, size_t *len, uint8_t *alert)
{
	const struct rule *rule;

	post->header_have += take(bytes, len, post->header + post->header_have,
				  KTLSX_MESSAGE_HEADER_LEN - post->header_have);
	if (!post->header_have)
		return 0;
	rule = find_rule(side, post->header[0]);
	if (!rule)
		return refuse(alert, KTLSX_ALERT_UNEXPECTED_MESSAGE);
	if (post->header_have < KTLSX_MESSAGE_HEADER_LEN)
		return 0;
	return make_room(post, rule, alert);
}

static void take_body(struct ktlsx_post *post, const uint8_t **bytes, size_t *len)
{
	uint8_t *to = NULL;

	if (post->message)
		to = post->message + KTLSX_MESSAGE_HEADER_LEN + post->body_have;
	post->body_have += take(bytes, len, to, body_len(post) - post->body_have);
}

static int hand_out(const struct ktlsx_post *post, const struct rule *rule, bool is_record_end,
		    struct ktlsx_post_message *message, uint8_t *alert)
{
	memset(message, 0, sizeof(*message));
	message->kind = rule->kind;
	if (rule->ends_record && !is_record_end)
		return refuse(alert, KTLSX_ALERT_UNEXPECTED_MESSAGE);
	if (rule->is_kept) {
		message->bytes = post->message;
		message->len = KTLSX_MESSAGE_HEADER_LEN + post->body_have;
	}
	if (rule->kind == KTLSX_POST_KEY_UPDATE) {
		uint8_t request = post->message[KTLSX_MESSAGE_HEADER_LEN];

		if (request > UPDATE_REQUESTED)
			return refuse(alert, KTLSX_ALERT_ILLEGAL_PARAMETER);
		message->is_answer_wanted = request == UPDATE_REQUESTED;
	}
	return 1;
}

static bool has_header(const struct ktlsx_post *post)
{
	return post->header_have == KTLSX_MESSAGE_HEADER_LEN;
}

static bool is_whole(const struct ktlsx_post *post)
{
	return has_header(post) && post->body_have == body_len(post);
}

/**
 * ktlsx_post_next() - read on in a record of handshake messages
 * @post: the reader; the message that it gave last is dropped
 * @side: whose messages these are
 * @bytes: what is left of the record, moved on
 * @len: bytes of it, moved on
 * @message: filled when a message is whole
 * @alert: filled with -EPROTO: the alert that says why
 *
 * Context: the thread of the connection.
 * Return: 1 a message is whole: call again; 0 the record is used up; -EPROTO a
 * message that is not legal here; -ENOMEM. After an error the reader is of no
 * more use.
 */
int ktlsx_post_next(struct ktlsx_post *post, const struct ktlsx_post_side *side,
		    const uint8_t **bytes, size_t *len, struct ktlsx_post_message *message,
		    uint8_t *alert)
{
	int err;

	if (is_whole(post))
		ktlsx_post_drop(post);
	if (!has_header(post)) {
		err = take_header(post, side, bytes, len, alert);
		if (err || !has_header(post))
			return err;
	}
	take_body(post, bytes, len);
	if (!is_whole(post))
		return 0;
	return hand_out(post, find_rule(side, post->header[0]), !*len, message, alert);
}

/**
 * ktlsx_post_is_between() - is no message half read?
 * @post: the reader
 *
 * Context: the thread of the connection.
 * Return: true when a record of another type may come.
 */
bool ktlsx_post_is_between(const struct ktlsx_post *post)
{
	return !post->header_have || is_whole(post);
}

/**
 * ktlsx_post_drop() - wipe and free what was read, start anew
 * @post: the reader
 *
 * Context: the thread of the connection.
 */
void ktlsx_post_drop(struct ktlsx_post *post)
{
	if (post->message)
		OPENSSL_cleanse(post->message, KTLSX_MESSAGE_HEADER_LEN + post->body_have);
	free(post->message);
	memset(post, 0, sizeof(*post));
}
