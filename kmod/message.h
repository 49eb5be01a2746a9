/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a control record means: alerts, and the handshake messages that come
 * after the handshake. Bytes in, meaning out: no socket, no memory of its own;
 * builds in userspace too. The caller serialises the use of a message.
 * Spec: RFC 8446 sections 4.6, 5.1 and 6, RFC 5246 sections 7.2 and 7.4.1.1
 */
#ifndef KTLSX_MESSAGE_H
#define KTLSX_MESSAGE_H

#include "suite.h"

#define KTLSX_ALERT_LEN 2
#define KTLSX_MESSAGE_HEADER_LEN 4
#define KTLSX_MESSAGE_HEAD_LEN 5	/* and the value of a KeyUpdate */
#define KTLSX_MESSAGE_LEN_MAX 0x20000	/* tickets that are used are far shorter */

/* What a record or message says to somebody who only wants the content. */
enum ktlsx_meaning {
	KTLSX_MEANS_NOTHING,	/* a ticket, a warning: go on */
	KTLSX_MEANS_CLOSE,	/* close_notify */
	KTLSX_MEANS_FATAL,	/* the peer gave up */
	KTLSX_MEANS_KEY_UPDATE,	/* what follows has other keys */
	KTLSX_MEANS_BREACH,	/* the peer does not keep to the protocol */
};

/**
 * struct ktlsx_message - a handshake message that comes in piece by piece
 * @head: its first bytes, as far as they came
 * @seen_len: bytes that came, header included; 0 between messages
 */
struct ktlsx_message {
	u8 head[KTLSX_MESSAGE_HEAD_LEN];
	u32 seen_len;
};

/**
 * ktlsx_message_len() - bytes of the message, header included
 * @message: message whose header came whole
 *
 * Context: Any context.
 * Return: bytes.
 */
static inline u32 ktlsx_message_len(const struct ktlsx_message *message)
{
	return KTLSX_MESSAGE_HEADER_LEN +
	       (message->head[1] << 16 | message->head[2] << 8 |
		message->head[3]);
}

/**
 * ktlsx_message_has_header() - is it known what the message is?
 * @message: message
 *
 * Context: Any context.
 * Return: whether its header came whole.
 */
static inline bool ktlsx_message_has_header(const struct ktlsx_message *message)
{
	return message->seen_len >= KTLSX_MESSAGE_HEADER_LEN;
}

/**
 * ktlsx_message_is_whole() - did all of it come?
 * @message: message
 *
 * Context: Any context.
 * Return: whether the next byte belongs to another message.
 */
static inline bool ktlsx_message_is_whole(const struct ktlsx_message *message)
{
	return ktlsx_message_has_header(message) &&
	       message->seen_len == ktlsx_message_len(message);
}

enum ktlsx_meaning ktlsx_alert_judge(const struct ktlsx_version *version,
				     const u8 *alert, u32 alert_len);
u32 ktlsx_message_step(struct ktlsx_message *message, const u8 *text, u32 len);
enum ktlsx_meaning ktlsx_message_judge(const struct ktlsx_message *message,
				       const struct ktlsx_version *version);
bool ktlsx_message_is_key_update(const struct ktlsx_message *message,
				 const struct ktlsx_version *version);
enum ktlsx_meaning ktlsx_messages_judge(const struct ktlsx_message *begun,
					const struct ktlsx_version *version,
					const struct ktlsx_span *text,
					unsigned int count);

#endif /* KTLSX_MESSAGE_H */
