// SPDX-License-Identifier: MIT
/*
 * Owns: reading while the kernel does the records: one recvmsg() after the
 * other until there is content, what each errno of the kernel means.
 * Must not know: what control records lead to (reaction.c), OpenSSL.
 * Concurrency: the thread of the connection.
 * Spec: <linux/ktlsx.h>; RFC 8446 sections 5.1, 5.2 and 6.
 */
#include <errno.h>
#include <linux/ktlsx.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/socket.h>

#include "alert.h"
#include "conn.h"
#include "wire.h"

/* A peer that sends nothing but control records keeps a reader busy for ever. */
#define CONTROL_RECORDS_MAX 256

/* Bytes of content in the largest record. */
#define CONTENT_LEN_MAX 16384

/* What one recvmsg() gave. */
struct received {
	uint8_t type;
	bool has_type;
	bool is_record_end;
};

/**
 * struct failure - what an errno of the receiving kernel means
 * @err: from recvmsg()
 * @answer: to the caller
 * @alert: to the peer; -1 none
 * @is_final: nothing can be received or sent any more
 * @text: cause and remedy
 */
struct failure {
	int err;
	int answer;
	int alert;
	bool is_final;
	const char *text;
};

static const struct failure failures[] = {
	{ EBADMSG, -EBADMSG, KTLSX_ALERT_BAD_RECORD_MAC, true,
	  "a record was changed on its way, or sealed with another key" },
	{ EMSGSIZE, -EMSGSIZE, KTLSX_ALERT_RECORD_OVERFLOW, true,
	  "the peer sent a record longer than TLS allows" },
	{ EINVAL, -EPROTO, KTLSX_ALERT_PROTOCOL_VERSION, true,
	  "the peer sent what is not a record of this TLS version" },
	{ EPROTO, -EPROTO, -1, false,
	  "the stream ended without close_notify (cut?), or a plain read met a stray message" },
	{ ECONNRESET, -ECONNRESET, -1, true, "the peer reset the connection" },
};

/* The alert that ended receiving, be it met by a plain read; false: none. */
static bool read_last_alert(const struct ktlsx_conn *conn, struct ktlsx_alert *alert)
{
	socklen_t len = sizeof(*alert);

	return !getsockopt(conn->fd, SOL_TLS, KTLSX_ALERT, alert, &len);
}

static int fail_by_alert(struct ktlsx_conn *conn)
{
	struct ktlsx_alert alert;

	if (!read_last_alert(conn, &alert) || alert.description == KTLSX_ALERT_CLOSE_NOTIFY)
		return 0;
	ktlsx_reaction_tell_alert(conn, "read", alert.description);
	return ktlsx_control_break(conn, -EPROTO, -1);
}

static int fail_read(struct ktlsx_conn *conn, int err)
{
	int told;

	if (err == -EAGAIN || err == -EINTR || conn->phase == KTLSX_PHASE_FAILED)
		return err;
	if (err == -ECONNRESET) {
		told = fail_by_alert(conn);
		if (told)
			return told;
	}
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		const struct failure *failure = &failures[i];

		if (failure->err != -err)
			continue;
		ktlsx_fail(&conn->error, failure->answer, "read: %s: %s",
			   ktlsx_errno_name(failure->answer), failure->text);
		if (failure->is_final)
			return ktlsx_control_break(conn, failure->answer, failure->alert);
		return failure->answer;
	}
	return ktlsx_fail(&conn->error, err, "read: %s: %s", ktlsx_errno_name(err),
			  strerror(-err));
}

static int fail_stale_key(struct ktlsx_conn *conn)
{
	return ktlsx_fail(&conn->error, -EKEYEXPIRED,
			  "read: EKEYEXPIRED: the peer changed its keys (KeyUpdate) and this kernel module cannot: end the connection");
}

static struct received describe(struct msghdr *msg)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	struct received received = { .is_record_end = msg->msg_flags & MSG_EOR };

	if (cmsg && cmsg->cmsg_level == SOL_TLS && cmsg->cmsg_type == TLS_GET_RECORD_TYPE) {
		received.has_type = true;
		received.type = *CMSG_DATA(cmsg);
	}
	return received;
}

/* Returns bytes, or -errno. */
static ssize_t receive(struct ktlsx_conn *conn, void *buf, size_t len, int flags,
		       struct received *received)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(1)];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	ssize_t got_len = recvmsg(conn->fd, &msg, flags);

	if (got_len < 0)
		return -errno;
	*received = describe(&msg);
	return got_len;
}

/*
 * The first part of a control record is in the caller's buffer, where it must
 * not stay; the kernel has the rest at hand. Returns its length, or -1: a part
 * is lost.
 */
static ssize_t gather(struct ktlsx_conn *conn, void *buf, size_t have,
		      struct received *received, uint8_t *record)
{
	uint8_t type = received->type;

	if (have <= CONTENT_LEN_MAX)
		memcpy(record, buf, have);
	OPENSSL_cleanse(buf, have);
	if (have > CONTENT_LEN_MAX)
		return -1;
	while (!received->is_record_end) {
		ssize_t got_len = receive(conn, record + have, CONTENT_LEN_MAX - have,
					  MSG_DONTWAIT, received);

		if (got_len == -EINTR)
			continue;
		if (got_len <= 0 || received->type != type)
			return -1;
		have += got_len;
	}
	return have;
}

static int take_control_record(struct ktlsx_conn *conn, void *buf, size_t have,
			       struct received *received)
{
	uint8_t record[CONTENT_LEN_MAX];
	uint8_t type = received->type;
	ssize_t len = gather(conn, buf, have, received, record);
	int err;

	if (len < 0)
		err = ktlsx_reaction_refuse(conn, KTLSX_ALERT_INTERNAL_ERROR,
					    "the kernel gave a control record in part only");
	else
		err = ktlsx_reaction_to_record(conn, type, record, len);
	OPENSSL_cleanse(record, sizeof(record));
	return err;
}

/* Another reader of the socket took the KeyUpdate: whether it asked for ours is unknown. */
static int take_unseen_update(struct ktlsx_conn *conn)
{
	int err;

	if (!(conn->features & KTLSX_FEATURE_REKEY))
		return fail_stale_key(conn);
	err = ktlsx_install_rekey(conn, KTLSX_RX);
	if (err)
		return ktlsx_control_break(conn, err, KTLSX_ALERT_INTERNAL_ERROR);
	conn->is_rekey_asked = true;
	return 0;
}

static bool owes(const struct ktlsx_conn *conn)
{
	return conn->is_rekey_asked || conn->is_refusal_owed;
}

/* What is owed waits until the queue is empty: a burst of KeyUpdates gets one answer. */
static ssize_t receive_and_pay(struct ktlsx_conn *conn, void *buf, size_t len,
			       struct received *received)
{
	ssize_t got_len;
	int err;

	if (!owes(conn))
		return receive(conn, buf, len, 0, received);
	got_len = receive(conn, buf, len, MSG_DONTWAIT, received);
	if (got_len != -EAGAIN)
		return got_len;
	err = ktlsx_control_pay(conn, MSG_DONTWAIT);
	if (err && err != -EAGAIN)
		return err;
	return receive(conn, buf, len, 0, received);
}

static ssize_t take_data(struct ktlsx_conn *conn, void *buf, size_t got_len)
{
	if (ktlsx_post_is_between(&conn->post))
		return got_len;
	OPENSSL_cleanse(buf, got_len);
	return ktlsx_reaction_refuse(conn, KTLSX_ALERT_UNEXPECTED_MESSAGE,
				     "the peer sent content in the middle of a message");
}

/* Proper when a plain read has met close_notify; else anybody may have cut it. */
static int end_of_stream(struct ktlsx_conn *conn)
{
	struct ktlsx_alert alert;

	if (!read_last_alert(conn, &alert) || alert.description != KTLSX_ALERT_CLOSE_NOTIFY)
		return ktlsx_fail(&conn->error, -EPROTO,
				  "read: EPROTO: the peer ended the stream without close_notify: what was received may be truncated");
	conn->is_closed_by_peer = true;
	return 0;
}

/* Sets @is_done unless there is nothing yet to tell the caller. */
static ssize_t read_record(struct ktlsx_conn *conn, void *buf, size_t len, bool *is_done)
{
	struct received received = { 0 };
	ssize_t got_len;
	int err;

	*is_done = true;
	if (conn->is_closed_by_peer)
		return 0;
	if (conn->has_stale_rx_key)
		return fail_stale_key(conn);
	got_len = receive_and_pay(conn, buf, len, &received);
	if (got_len == -EKEYEXPIRED || (got_len >= 0 && received.has_type &&
					received.type != KTLSX_RECORD_DATA)) {
		err = got_len < 0 ? take_unseen_update(conn) :
				    take_control_record(conn, buf, got_len, &received);
		*is_done = err;
		return err;
	}
	if (got_len < 0)
		return fail_read(conn, got_len);
	if (got_len)
		return take_data(conn, buf, got_len);
	*is_done = !received.has_type;
	return received.has_type ? 0 : end_of_stream(conn);
}

/**
 * ktlsx_receive() - read content from the kernel
 * @conn: connection in the kernel phase
 * @buf: where content goes; nothing else stays there
 * @len: bytes of it, not 0
 *
 * Context: the thread of the connection; sleeps when the socket blocks.
 * Return: bytes; 0 closed properly; -errno as ktlsx_read(), with text but for
 * -EAGAIN and -EINTR.
 */
ssize_t ktlsx_receive(struct ktlsx_conn *conn, void *buf, size_t len)
{
	for (unsigned int i = 0; i < CONTROL_RECORDS_MAX; i++) {
		bool is_done;
		ssize_t ret = read_record(conn, buf, len, &is_done);

		if (is_done)
			return ret;
	}
	return ktlsx_reaction_refuse(conn, KTLSX_ALERT_UNEXPECTED_MESSAGE,
				     "the peer sends control records only, too many in a row");
}
