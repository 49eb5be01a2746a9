// SPDX-License-Identifier: MIT
/*
 * Owns: what we send beside application data while the kernel has the keys:
 * alerts, KeyUpdate; and what we owe the peer but could not send yet.
 * Must not know: why, and what was received.
 * Concurrency: the thread of the connection.
 * Spec: RFC 8446 sections 4.6.3 and 6; <linux/tls.h>.
 */
#include <errno.h>
#include <linux/ktlsx.h>
#include <string.h>
#include <sys/socket.h>

#include "alert.h"
#include "conn.h"
#include "wire.h"

#define LEVEL_WARNING 1
#define LEVEL_FATAL 2

#define UPDATE_NOT_REQUESTED 0
#define UPDATE_REQUESTED 1

/**
 * ktlsx_control_send() - send one record that is not application data
 * @conn: connection in the kernel phase
 * @type: content type
 * @bytes: its content
 * @len: bytes of it; one record
 * @flags: MSG_DONTWAIT or 0
 *
 * Context: the thread of the connection.
 * Return: 0; -EAGAIN, -EINTR nothing was taken; -errno of sendmsg(2).
 */
int ktlsx_control_send(struct ktlsx_conn *conn, uint8_t type, const uint8_t *bytes, size_t len,
		       int flags)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(1)];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_TLS;
	cmsg->cmsg_type = TLS_SET_RECORD_TYPE;
	cmsg->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cmsg) = type;
	return sendmsg(conn->fd, &msg, flags | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_alert(struct ktlsx_conn *conn, uint8_t level, uint8_t description, int flags)
{
	const uint8_t alert[] = { level, description };

	return ktlsx_control_send(conn, KTLSX_RECORD_ALERT, alert, sizeof(alert), flags);
}

/**
 * ktlsx_control_break() - end a connection that cannot go on
 * @conn: connection in the kernel phase; its error text is set already
 * @err: what every later call answers
 * @alert: fatal alert to send, if the socket takes it at once; -1: none
 *
 * Context: the thread of the connection.
 * Return: @err.
 */
int ktlsx_control_break(struct ktlsx_conn *conn, int err, int alert)
{
	if (alert >= 0)
		send_alert(conn, LEVEL_FATAL, alert, MSG_DONTWAIT);
	shutdown(conn->fd, SHUT_RDWR);
	conn->phase = KTLSX_PHASE_FAILED;
	conn->failed_err = err;
	return err;
}

/**
 * ktlsx_control_rekey() - send a KeyUpdate, then with the next key
 * @conn: TLS 1.3 connection in the kernel phase, of a module with rekey
 * @is_answer_wanted: the peer shall change its key as well
 * @flags: MSG_DONTWAIT or 0
 *
 * Context: the thread of the connection.
 * Return: 0; -errno of sendmsg(2), nothing was sent; another -errno, with text:
 * the connection is broken.
 */
int ktlsx_control_rekey(struct ktlsx_conn *conn, bool is_answer_wanted, int flags)
{
	const uint8_t update[] = {
		KTLSX_MESSAGE_KEY_UPDATE, 0, 0, 1,
		is_answer_wanted ? UPDATE_REQUESTED : UPDATE_NOT_REQUESTED,
	};
	int err;

	err = ktlsx_control_send(conn, KTLSX_RECORD_HANDSHAKE, update, sizeof(update),
				 flags);
	if (err)
		return err;
	/* From here on the peer expects the next key: without it nothing can be sent. */
	err = ktlsx_install_rekey(conn, KTLSX_TX);
	if (err)
		return ktlsx_control_break(conn, err, -1);
	conn->is_rekey_asked = false;
	return 0;
}

/**
 * ktlsx_control_pay() - send what is owed, before anything else is sent
 * @conn: connection in the kernel phase
 * @flags: MSG_DONTWAIT or 0
 *
 * Context: the thread of the connection.
 * Return: 0 nothing is owed any more; -EAGAIN, -EINTR call again; -errno.
 */
int ktlsx_control_pay(struct ktlsx_conn *conn, int flags)
{
	int err = 0;

	if (conn->is_refusal_owed) {
		err = send_alert(conn, LEVEL_WARNING, KTLSX_ALERT_NO_RENEGOTIATION, flags);
		if (!err)
			conn->is_refusal_owed = false;
	}
	if (!err && conn->is_rekey_asked)
		err = ktlsx_control_rekey(conn, false, flags);
	/* Who does not send any more owes nothing; a write finds out by itself. */
	if (err == -EPIPE) {
		conn->is_refusal_owed = false;
		conn->is_rekey_asked = false;
		return 0;
	}
	return err;
}
