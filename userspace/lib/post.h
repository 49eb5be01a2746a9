/* SPDX-License-Identifier: MIT */
/*
 * Reads the handshake messages that come after the handshake, split over
 * records or several in one. Pure and bounded: no socket, no keys, no error
 * text; says what a message is, not what to do about it.
 * Spec: RFC 8446 sections 4.6 and 5.1, RFC 5246 section 7.4.
 */
#ifndef KTLSX_POST_H
#define KTLSX_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/ktlsx.h"
#include "wire.h"

enum ktlsx_post_kind {
	KTLSX_POST_TICKET,
	KTLSX_POST_KEY_UPDATE,
	KTLSX_POST_RENEGOTIATION,	/* content is skipped */
};

/**
 * struct ktlsx_post - a message being read; all zero is a good start
 * @header: type and length of the message
 * @header_have: bytes of it so far
 * @message: all of it as far as it is kept; NULL while nothing is
 * @body_have: bytes of the content so far
 */
struct ktlsx_post {
	uint8_t header[KTLSX_MESSAGE_HEADER_LEN];
	size_t header_have;
	uint8_t *message;
	size_t body_have;
};

/**
 * struct ktlsx_post_message - one whole message
 * @kind: what it is
 * @bytes: from its header on, until the next call; NULL when it was skipped
 * @len: of @bytes
 * @is_answer_wanted: KeyUpdate with update_requested
 */
struct ktlsx_post_message {
	enum ktlsx_post_kind kind;
	const uint8_t *bytes;
	size_t len;
	bool is_answer_wanted;
};

/* What a reader must know about the connection. */
struct ktlsx_post_side {
	uint16_t version;
	enum ktlsx_role role;
};

int ktlsx_post_next(struct ktlsx_post *post, const struct ktlsx_post_side *side,
		    const uint8_t **bytes, size_t *len, struct ktlsx_post_message *message,
		    uint8_t *alert);
bool ktlsx_post_is_between(const struct ktlsx_post *post);
void ktlsx_post_drop(struct ktlsx_post *post);

#endif /* KTLSX_POST_H */
