/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a socket in control mode keeps of the control records that its readers
 * have no room for: tickets set aside, the alert that ended receiving, the
 * message that has come in part. Knows nothing of readers or records.
 *
 * All state is under the socket lock. Spec: uapi/linux/ktlsx.h
 */
#ifndef KTLSX_CONTROL_H
#define KTLSX_CONTROL_H

#include "../uapi/linux/ktlsx.h"
#include "message.h"

struct sock;

/**
 * struct ktlsx_ticket - a NewSessionTicket message, header included
 * @bytes: the message, or NULL
 * @len: bytes
 */
struct ktlsx_ticket {
	u8 *bytes;
	u32 len;
};

/**
 * struct ktlsx_control - control records as far as they are done with
 * @message: the message that comes now
 * @coming: room for it, when it is to be kept
 * @ticket: kept messages, oldest first
 * @ticket_count: entries in @ticket
 * @is_taken: a reader with room took part of @message: the rest is his too
 * @has_alert: @alert is filled in
 * @alert: the alert that ended receiving
 * @kept_len: bytes in @ticket and @coming
 * @charged: bytes charged to the socket for them
 */
struct ktlsx_control {
	struct ktlsx_message message;
	struct ktlsx_ticket coming;
	struct ktlsx_ticket ticket[KTLSX_TICKET_COUNT_MAX];
	u8 ticket_count;
	bool is_taken;
	bool has_alert;
	struct ktlsx_alert alert;
	u32 kept_len;
	u32 charged;
};

/**
 * ktlsx_control_is_amid() - has a message come in part?
 * @control: state
 *
 * Context: Socket lock held.
 * Return: whether only another handshake record may follow.
 */
static inline bool ktlsx_control_is_amid(const struct ktlsx_control *control)
{
	return control->message.seen_len &&
	       !ktlsx_message_is_whole(&control->message);
}

u32 ktlsx_control_keep(struct sock *sk, struct ktlsx_control *control,
		       const struct ktlsx_version *version,
		       const struct ktlsx_span *text, unsigned int count);
bool ktlsx_control_pass(struct sock *sk, struct ktlsx_control *control,
			const struct ktlsx_version *version,
			const struct ktlsx_span *text, unsigned int count);
void ktlsx_control_end(struct ktlsx_control *control, const u8 *alert);
void ktlsx_control_begin_anew(struct sock *sk, struct ktlsx_control *control);
const struct ktlsx_ticket *
ktlsx_control_oldest(const struct ktlsx_control *control);
void ktlsx_control_drop_oldest(struct sock *sk, struct ktlsx_control *control);
void ktlsx_control_fini(struct sock *sk, struct ktlsx_control *control);

#endif /* KTLSX_CONTROL_H */
