// SPDX-License-Identifier: MIT
/*
 * Owns: what to do about a record that is not application data and came after
 * the handshake: which message leads to what, which alert ends what.
 * Must not know: how records are received.
 * Concurrency: the thread of the connection.
 * Spec: RFC 8446 sections 4.6, 5.1 and 6; RFC 5246 sections 7.2 and 7.4.1.
 */
#include <errno.h>
#include <linux/ktlsx.h>
#include <stdio.h>

#include "alert.h"
#include "conn.h"
#include "wire.h"

#define ALERT_LEN 2
#define LEVEL_FATAL 2

/**
 * ktlsx_reaction_refuse() - end a connection whose peer breaks the protocol
 * @conn: connection in the kernel phase
 * @alert: what the peer is told
 * @what: the user is told, half a sentence
 *
 * Context: the thread of the connection.
 * Return: -EPROTO, with text.
 */
int ktlsx_reaction_refuse(struct ktlsx_conn *conn, uint8_t alert, const char *what)
{
	ktlsx_fail(&conn->error, -EPROTO,
		   "read: EPROTO: %s; the connection was ended with the alert %s", what,
		   ktlsx_alert_name(alert));
	return ktlsx_control_break(conn, -EPROTO, alert);
}

/**
 * ktlsx_reaction_tell_alert() - the text of an alert that ended a connection
 * @conn: connection
 * @call: what met it
 * @description: of the alert, which the peer sent
 *
 * Context: the thread of the connection.
 * Return: -EPROTO.
 */
int ktlsx_reaction_tell_alert(struct ktlsx_conn *conn, const char *call, uint8_t description)
{
	return ktlsx_fail(&conn->error, -EPROTO,
			  "%s: EPROTO: the peer ended the connection with the alert %s (%u): %s",
			  call, ktlsx_alert_name(description), description,
			  ktlsx_alert_meaning(description));
}

static const char *message_name(uint8_t type)
{
	static const char *const names[] = {
		[KTLSX_MESSAGE_HELLO_REQUEST] = "HelloRequest",
		[KTLSX_MESSAGE_CLIENT_HELLO] = "ClientHello",
		[KTLSX_MESSAGE_NEW_SESSION_TICKET] = "NewSessionTicket",
		[KTLSX_MESSAGE_CERTIFICATE_REQUEST] = "CertificateRequest",
		[KTLSX_MESSAGE_KEY_UPDATE] = "KeyUpdate",
	};

	if (type < sizeof(names) / sizeof(names[0]) && names[type])
		return names[type];
	return "of another type";
}

static int refuse_message(struct ktlsx_conn *conn, uint8_t alert)
{
	char what[96];

	snprintf(what, sizeof(what), "the peer sent a handshake message (%s) that %s",
		 message_name(conn->post.header[0]), alert == KTLSX_ALERT_UNEXPECTED_MESSAGE ?
		 "has no place here" : "is malformed");
	return ktlsx_reaction_refuse(conn, alert, what);
}

static int on_ticket(struct ktlsx_conn *conn, const struct ktlsx_post_message *message)
{
	/* What OpenSSL thinks of a ticket is no reason to end the connection. */
	ktlsx_ticket_feed(conn, message->bytes, message->len);
	return 0;
}

/*
 * Without rekey in the module the kernel gives nothing from here on: every read
 * says so, and what was read before stays valid.
 */
static int on_key_update(struct ktlsx_conn *conn, const struct ktlsx_post_message *message)
{
	int err;

	if (!(conn->features & KTLSX_FEATURE_REKEY)) {
		conn->has_stale_rx_key = true;
		return 0;
	}
	err = ktlsx_install_rekey(conn, KTLSX_RX);
	if (err)
		return ktlsx_control_break(conn, err, KTLSX_ALERT_INTERNAL_ERROR);
	if (message->is_answer_wanted)
		conn->is_rekey_asked = true;
	return 0;
}

/* Both directions stay usable: the peer decides whether it wants to go on. */
static int on_renegotiation(struct ktlsx_conn *conn, const struct ktlsx_post_message *message)
{
	(void)message;
	conn->is_refusal_owed = true;
	return 0;
}

static int (*const reactions[])(struct ktlsx_conn *conn,
				const struct ktlsx_post_message *message) = {
	[KTLSX_POST_TICKET] = on_ticket,
	[KTLSX_POST_KEY_UPDATE] = on_key_update,
	[KTLSX_POST_RENEGOTIATION] = on_renegotiation,
};

static int on_handshake(struct ktlsx_conn *conn, const uint8_t *bytes, size_t len)
{
	const struct ktlsx_post_side side = {
		.version = conn->agreed.version,
		.role = conn->config->role,
	};
	struct ktlsx_post_message message;
	uint8_t alert = 0;
	int ret;

	for (;;) {
		ret = ktlsx_post_next(&conn->post, &side, &bytes, &len, &message, &alert);
		if (ret == -EPROTO)
			return refuse_message(conn, alert);
		if (ret < 0) {
			ktlsx_fail(&conn->error, ret,
				   "read: %s: no memory for a message that is half received",
				   ktlsx_errno_name(ret));
			return ktlsx_control_break(conn, ret, KTLSX_ALERT_INTERNAL_ERROR);
		}
		if (ret == 0)
			break;
		ret = reactions[message.kind](conn, &message);
		if (ret)
			return ret;
	}
	/* A ticket may have 64 KiB: it is not kept until the next message. */
	if (ktlsx_post_is_between(&conn->post))
		ktlsx_post_drop(&conn->post);
	return 0;
}

/* TLS 1.3 gives the level no meaning: what is not about closing is fatal. */
static bool is_fatal(const struct ktlsx_conn *conn, uint8_t level, uint8_t description)
{
	if (description == KTLSX_ALERT_CLOSE_NOTIFY)
		return false;
	if (conn->agreed.version >= 0x0304)
		return description != KTLSX_ALERT_USER_CANCELED;
	return level == LEVEL_FATAL;
}

static int on_alert(struct ktlsx_conn *conn, const uint8_t *bytes, size_t len)
{
	if (len != ALERT_LEN)
		return ktlsx_reaction_refuse(conn, KTLSX_ALERT_DECODE_ERROR,
					     "the peer sent a malformed alert");
	if (is_fatal(conn, bytes[0], bytes[1])) {
		ktlsx_reaction_tell_alert(conn, "read", bytes[1]);
		return ktlsx_control_break(conn, -EPROTO, -1);
	}
	if (!ktlsx_post_is_between(&conn->post))
		return ktlsx_reaction_refuse(conn, KTLSX_ALERT_UNEXPECTED_MESSAGE,
					     "the peer sent an alert in the middle of a message");
	if (bytes[1] == KTLSX_ALERT_CLOSE_NOTIFY)
		conn->is_closed_by_peer = true;
	return 0;
}

/**
 * ktlsx_reaction_to_record() - react to a record that is not application data
 * @conn: connection in the kernel phase
 * @type: content type
 * @bytes: its content, whole
 * @len: bytes of it
 *
 * Context: the thread of the connection.
 * Return: 0 reading goes on (see is_closed_by_peer, has_stale_rx_key; what is
 * owed to the peer is for ktlsx_control_pay()); -EPROTO, -ENOMEM, -errno of a
 * rekey, with text: the connection is broken.
 */
int ktlsx_reaction_to_record(struct ktlsx_conn *conn, uint8_t type, const uint8_t *bytes,
			     size_t len)
{
	if (!len)
		return ktlsx_reaction_refuse(conn, KTLSX_ALERT_UNEXPECTED_MESSAGE,
					     "the peer sent an empty control record");
	if (type == KTLSX_RECORD_ALERT)
		return on_alert(conn, bytes, len);
	if (type == KTLSX_RECORD_HANDSHAKE)
		return on_handshake(conn, bytes, len);
	return ktlsx_reaction_refuse(conn, KTLSX_ALERT_UNEXPECTED_MESSAGE,
				     "the peer sent a record of a type that has no place here");
}
