// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the tickets that are set aside: their bounds, their memory, the order in
 * which they go. Must not know who reads, or when a record is looked at.
 * What is kept is charged to the socket and wiped when it goes. A ticket is
 * worth less than the connection: without memory it is dropped, and counted.
 * Concurrency: socket lock held, process context.
 * Spec: uapi/linux/ktlsx.h (KTLSX_TICKET), RFC 8446 section 4.6.1
 */
#include "control.h"

#include <linux/slab.h>
#include <net/sock.h>

#include "sock.h"
#include "stats.h"

static void charge(struct sock *sk, struct ktlsx_control *control)
{
	ktlsx_sock_charge(sk, &control->charged, control->kept_len);
}

static void free_ticket(struct ktlsx_control *control,
			struct ktlsx_ticket *ticket)
{
	control->kept_len -= ticket->len;
	kfree_sensitive(ticket->bytes);
	ticket->bytes = NULL;
	ticket->len = 0;
}

static void count_dropped(struct sock *sk)
{
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_RX_TICKETS_DROPPED, 1);
}

static void shift_out(struct ktlsx_control *control)
{
	free_ticket(control, &control->ticket[0]);
	control->ticket_count--;
	memmove(&control->ticket[0], &control->ticket[1],
		control->ticket_count * sizeof(control->ticket[0]));
	memset(&control->ticket[control->ticket_count], 0,
	       sizeof(control->ticket[0]));
}

/* Room for the message whose header just came; older ones make way for it. */
static void make_room(struct sock *sk, struct ktlsx_control *control)
{
	u32 len = ktlsx_message_len(&control->message);

	if (len > KTLSX_TICKETS_LEN_MAX)
		return;
	while (control->ticket_count &&
	       (control->ticket_count == KTLSX_TICKET_COUNT_MAX ||
		control->kept_len + len > KTLSX_TICKETS_LEN_MAX)) {
		shift_out(control);
		count_dropped(sk);
	}
	control->coming.bytes = kmalloc(len, sk->sk_allocation | __GFP_NOWARN);
	if (!control->coming.bytes)
		return;
	control->coming.len = len;
	control->kept_len += len;
	memcpy(control->coming.bytes, control->message.head,
	       KTLSX_MESSAGE_HEADER_LEN);
}

static void finish(struct sock *sk, struct ktlsx_control *control)
{
	if (control->is_taken) {
		control->is_taken = false;
		return;
	}
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_RX_TICKETS, 1);
	if (!control->coming.bytes) {
		count_dropped(sk);
		return;
	}
	control->ticket[control->ticket_count++] = control->coming;
	memset(&control->coming, 0, sizeof(control->coming));
}

/* One step of ktlsx_control_keep(); returns bytes, 0 before a KeyUpdate. */
static u32 keep_some(struct sock *sk, struct ktlsx_control *control,
		     const struct ktlsx_version *version, const u8 *text,
		     u32 len, u32 record_left_len)
{
	struct ktlsx_message *message = &control->message;
	struct ktlsx_message before = *message;
	u32 taken_len = ktlsx_message_step(message, text, len);
	u32 off = message->seen_len - taken_len;

	if (!ktlsx_message_has_header(message))
		return taken_len;
	if (ktlsx_message_judge(message, version) != KTLSX_MEANS_NOTHING) {
		/* Its header ends the record: the value is still to come. */
		if (taken_len == record_left_len &&
		    !ktlsx_message_is_whole(message))
			return taken_len;
		*message = before;
		return 0;
	}
	if (off < KTLSX_MESSAGE_HEADER_LEN && !control->is_taken)
		make_room(sk, control);
	else if (control->coming.bytes)
		memcpy(control->coming.bytes + off, text, taken_len);
	if (ktlsx_message_is_whole(message))
		finish(sk, control);
	return taken_len;
}

/**
 * ktlsx_control_keep() - set tickets aside
 * @sk: socket
 * @control: its state
 * @version: of the connection
 * @text: content of a handshake record that ktlsx_messages_judge() let pass
 * @count: entries of @text
 *
 * Context: Process context, socket lock held.
 * Return: bytes done with; fewer than there are when a KeyUpdate follows.
 */
u32 ktlsx_control_keep(struct sock *sk, struct ktlsx_control *control,
		       const struct ktlsx_version *version,
		       const struct ktlsx_span *text, unsigned int count)
{
	u32 done_len = 0;
	u32 text_len = 0;
	unsigned int i;

	for (i = 0; i < count; i++)
		text_len += text[i].len;
	for (i = 0; i < count; i++) {
		u32 off = 0;

		while (off < text[i].len) {
			u32 taken_len = keep_some(sk, control, version,
						  text[i].base + off,
						  text[i].len - off,
						  text_len - done_len);

			if (!taken_len)
				goto out;
			off += taken_len;
			done_len += taken_len;
		}
	}
out:
	charge(sk, control);
	return done_len;
}

/**
 * ktlsx_control_pass() - follow what a reader with room takes himself
 * @sk: socket
 * @control: its state
 * @version: of the connection
 * @text: the part of a handshake record that he took
 * @count: entries of @text
 *
 * What it means else is his to judge.
 *
 * Context: Process context, socket lock held.
 * Return: whether a KeyUpdate came whole, also one that is malformed or does
 * not end its record.
 */
bool ktlsx_control_pass(struct sock *sk, struct ktlsx_control *control,
			const struct ktlsx_version *version,
			const struct ktlsx_span *text, unsigned int count)
{
	struct ktlsx_message *message = &control->message;
	bool has_key_update = false;
	unsigned int i;

	if (control->coming.bytes) {
		free_ticket(control, &control->coming);
		charge(sk, control);
	}
	for (i = 0; i < count; i++) {
		u32 off = 0;

		while (off < text[i].len) {
			off += ktlsx_message_step(message, text[i].base + off,
						  text[i].len - off);
			if (ktlsx_message_is_whole(message) &&
			    ktlsx_message_is_key_update(message, version))
				has_key_update = true;
		}
	}
	control->is_taken = ktlsx_control_is_amid(control);
	return has_key_update;
}

/**
 * ktlsx_control_end() - remember the alert that ended receiving
 * @control: state
 * @alert: KTLSX_ALERT_LEN bytes
 *
 * Context: Socket lock held.
 */
void ktlsx_control_end(struct ktlsx_control *control, const u8 *alert)
{
	control->alert.level = alert[0];
	control->alert.description = alert[1];
	control->has_alert = true;
}

/**
 * ktlsx_control_begin_anew() - forget the message that has come in part
 * @sk: socket
 * @control: its state
 *
 * To be called when other keys hold from here on: no message spans them.
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_control_begin_anew(struct sock *sk, struct ktlsx_control *control)
{
	if (control->coming.bytes)
		free_ticket(control, &control->coming);
	control->message.seen_len = 0;
	control->is_taken = false;
	charge(sk, control);
}

/**
 * ktlsx_control_oldest() - the ticket that is given away next
 * @control: state
 *
 * Context: Socket lock held.
 * Return: the ticket, or NULL.
 */
const struct ktlsx_ticket *
ktlsx_control_oldest(const struct ktlsx_control *control)
{
	return control->ticket_count ? &control->ticket[0] : NULL;
}

/**
 * ktlsx_control_drop_oldest() - it was given away
 * @sk: socket
 * @control: its state, not without tickets
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_control_drop_oldest(struct sock *sk, struct ktlsx_control *control)
{
	shift_out(control);
	charge(sk, control);
}

/**
 * ktlsx_control_fini() - wipe and free all
 * @sk: socket
 * @control: its state
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_control_fini(struct sock *sk, struct ktlsx_control *control)
{
	ktlsx_control_begin_anew(sk, control);
	while (control->ticket_count)
		shift_out(control);
	charge(sk, control);
}
