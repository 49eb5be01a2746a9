// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns what the protocol says about alerts and post-handshake messages. Must
 * not know what is done about them, nor where the bytes come from: it trusts
 * none, and looks no further than a header at a time. No state of its own.
 * Spec: RFC 8446 sections 4.6, 5.1 and 6, RFC 5246 sections 7.2 and 7.4.1.1
 */
#include "message.h"

#define TLS12 0x0303
#define TLS13 0x0304

/* RFC 8446 section B.2 */
enum { LEVEL_WARNING = 1, LEVEL_FATAL = 2, LEVEL_ANY = 0 };
enum { ALERT_CLOSE_NOTIFY = 0, ALERT_USER_CANCELED = 90, ALERT_ANY = -1 };

/* The first row that fits holds; no row means a breach. */
static const struct {
	u16 version;
	int description;
	u8 level;
	enum ktlsx_meaning meaning;
} alerts[] = {
	{ TLS12, ALERT_CLOSE_NOTIFY, LEVEL_WARNING, KTLSX_MEANS_CLOSE },
	{ TLS12, ALERT_ANY, LEVEL_WARNING, KTLSX_MEANS_NOTHING },
	{ TLS12, ALERT_ANY, LEVEL_FATAL, KTLSX_MEANS_FATAL },
	/* RFC 8446 section 6: the level is to be ignored. */
	{ TLS13, ALERT_CLOSE_NOTIFY, LEVEL_ANY, KTLSX_MEANS_CLOSE },
	{ TLS13, ALERT_USER_CANCELED, LEVEL_ANY, KTLSX_MEANS_NOTHING },
	{ TLS13, ALERT_ANY, LEVEL_ANY, KTLSX_MEANS_FATAL },
};

/*
 * The messages that may come unasked; lengths with the header. TLS 1.2 has
 * none: a renegotiation is declined by closing.
 */
static const struct {
	u16 version;
	u8 type;
	u32 len_min;
	u32 len_max;
	enum ktlsx_meaning meaning;
} messages[] = {
	{ TLS13, 4, KTLSX_MESSAGE_HEADER_LEN, KTLSX_MESSAGE_LEN_MAX,
	  KTLSX_MEANS_NOTHING },
	{ TLS13, 24, KTLSX_MESSAGE_HEAD_LEN, KTLSX_MESSAGE_HEAD_LEN,
	  KTLSX_MEANS_KEY_UPDATE },
};

#define KEY_UPDATE_VALUE_MAX 1		/* update_requested */

/**
 * ktlsx_alert_judge() - what an alert record says
 * @version: of the connection
 * @alert: content of the record, KTLSX_ALERT_LEN bytes unless @alert_len says
 *	otherwise
 * @alert_len: bytes of content
 *
 * Context: Any context.
 * Return: NOTHING for a warning; CLOSE; FATAL; BREACH for a wrong length or a
 * level that TLS 1.2 does not have.
 * Spec: RFC 8446 section 6, RFC 5246 section 7.2
 */
enum ktlsx_meaning ktlsx_alert_judge(const struct ktlsx_version *version,
				     const u8 *alert, u32 alert_len)
{
	unsigned int i;

	if (alert_len != KTLSX_ALERT_LEN)
		return KTLSX_MEANS_BREACH;
	for (i = 0; i < ARRAY_SIZE(alerts); i++) {
		if (alerts[i].version != version->version)
			continue;
		if (alerts[i].level != LEVEL_ANY && alerts[i].level != alert[0])
			continue;
		if (alerts[i].description == ALERT_ANY ||
		    alerts[i].description == alert[1])
			return alerts[i].meaning;
	}
	return KTLSX_MEANS_BREACH;
}

/**
 * ktlsx_message_step() - take bytes of one message
 * @message: message; when it is whole, the next one begins
 * @text: what came
 * @len: bytes of it
 *
 * Stops behind the header, so that it can be judged before the rest is taken,
 * and at the end of the message.
 *
 * Context: Any context.
 * Return: bytes taken, not 0 unless @len is.
 */
u32 ktlsx_message_step(struct ktlsx_message *message, const u8 *text, u32 len)
{
	u32 end = KTLSX_MESSAGE_HEADER_LEN;
	u32 off;

	if (ktlsx_message_is_whole(message))
		message->seen_len = 0;
	off = message->seen_len;
	if (ktlsx_message_has_header(message))
		end = ktlsx_message_len(message);
	len = min(len, end - off);
	if (off < KTLSX_MESSAGE_HEAD_LEN)
		memcpy(message->head + off, text,
		       min_t(u32, len, KTLSX_MESSAGE_HEAD_LEN - off));
	message->seen_len += len;
	return len;
}

/**
 * ktlsx_message_judge() - what a message says
 * @message: message whose header came whole
 * @version: of the connection
 *
 * Context: Any context.
 * Return: NOTHING for a ticket; KEY_UPDATE; BREACH for anything else, and for
 * a wrong length or value.
 * Spec: RFC 8446 sections 4.6.1 and 4.6.3
 */
enum ktlsx_meaning ktlsx_message_judge(const struct ktlsx_message *message,
				       const struct ktlsx_version *version)
{
	u32 len = ktlsx_message_len(message);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(messages); i++) {
		if (messages[i].version != version->version ||
		    messages[i].type != message->head[0])
			continue;
		if (len < messages[i].len_min || len > messages[i].len_max)
			return KTLSX_MEANS_BREACH;
		if (messages[i].meaning == KTLSX_MEANS_KEY_UPDATE &&
		    ktlsx_message_is_whole(message) &&
		    message->head[KTLSX_MESSAGE_HEADER_LEN] >
			    KEY_UPDATE_VALUE_MAX)
			return KTLSX_MEANS_BREACH;
		return messages[i].meaning;
	}
	return KTLSX_MEANS_BREACH;
}

/**
 * ktlsx_message_is_key_update() - is it one, well-formed or not?
 * @message: message whose header came whole
 * @version: of the connection
 *
 * Context: Any context.
 * Return: whether its type says so.
 * Spec: RFC 8446 section 4.6.3
 */
bool ktlsx_message_is_key_update(const struct ktlsx_message *message,
				 const struct ktlsx_version *version)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(messages); i++)
		if (messages[i].version == version->version &&
		    messages[i].type == message->head[0])
			return messages[i].meaning == KTLSX_MEANS_KEY_UPDATE;
	return false;
}

/**
 * ktlsx_messages_judge() - what a handshake record says
 * @begun: what earlier records began; not changed
 * @version: of the connection
 * @text: content of the record
 * @count: entries of @text
 *
 * Context: Any context.
 * Return: NOTHING when there are only tickets in it, or parts of messages that
 * may come; KEY_UPDATE when it ends with one that is whole; BREACH for any
 * other message, for a KeyUpdate that does not end its record, and for a
 * record without content.
 * Spec: RFC 8446 section 5.1
 */
enum ktlsx_meaning ktlsx_messages_judge(const struct ktlsx_message *begun,
					const struct ktlsx_version *version,
					const struct ktlsx_span *text,
					unsigned int count)
{
	enum ktlsx_meaning meaning = KTLSX_MEANS_BREACH;
	struct ktlsx_message message = *begun;
	unsigned int i;

	for (i = 0; i < count; i++) {
		size_t off = 0;

		while (off < text[i].len) {
			if (meaning == KTLSX_MEANS_KEY_UPDATE)
				return KTLSX_MEANS_BREACH;
			off += ktlsx_message_step(&message, text[i].base + off,
						  text[i].len - off);
			meaning = KTLSX_MEANS_NOTHING;
			if (!ktlsx_message_has_header(&message))
				continue;
			meaning = ktlsx_message_judge(&message, version);
			if (meaning == KTLSX_MEANS_BREACH)
				return meaning;
			if (!ktlsx_message_is_whole(&message))
				meaning = KTLSX_MEANS_NOTHING;
		}
	}
	return meaning;
}
