// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages in: what send() and sendmsg() ask for, flag by flag. Must not know
 * how content gets into records. Concurrency: socket lock.
 * Spec: tls.rst "Sending TLS control messages"
 */
#include "tx.h"

#include <net/tcp.h>

#include "../uapi/linux/ktlsx.h"
#include "message.h"

/* MSG_BATCH is the core's own hint, on all messages of sendmmsg() but one. */
#define SEND_FLAGS (MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR | \
		    MSG_BATCH | MSG_CMSG_COMPAT)

static int parse_cmsgs(struct msghdr *msg, u8 *type)
{
	struct cmsghdr *cmsg;

	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_TLS)
			continue;
		if (cmsg->cmsg_type != TLS_SET_RECORD_TYPE ||
		    cmsg->cmsg_len < CMSG_LEN(sizeof(*type)) ||
		    (msg->msg_flags & MSG_MORE))
			return -EINVAL;
		memcpy(type, CMSG_DATA(cmsg), sizeof(*type));
		/* In TLS 1.3 it would read as padding (RFC 8446 5.4). */
		if (*type == TLS_CT_INVALID)
			return -EINVAL;
	}
	return 0;
}

/* A user who says the last word himself does not want ours behind it. */
static bool is_farewell(const struct ktlsx_tx *tx, struct iov_iter text)
{
	size_t len = iov_iter_count(&text);
	enum ktlsx_meaning meaning;
	u8 alert[KTLSX_ALERT_LEN];

	if (copy_from_iter(alert, sizeof(alert), &text) != sizeof(alert))
		return false;
	meaning = ktlsx_alert_judge(tx->dir.suite->version, alert, len);
	return meaning == KTLSX_MEANS_CLOSE || meaning == KTLSX_MEANS_FATAL;
}

static ssize_t send_records(struct sock *sk, struct ktlsx_tx *tx,
			    struct msghdr *msg)
{
	struct ktlsx_feed feed = {
		.iter = &msg->msg_iter,
		.left = msg_data_left(msg),
		.flags = msg->msg_flags,
		.type = TLS_CT_APPLICATION_DATA,
	};
	u8 type = TLS_CT_INVALID;
	bool is_last_word;
	ssize_t ret;
	int err;

	if (msg->msg_flags & ~SEND_FLAGS)
		return -EOPNOTSUPP;
	if ((msg->msg_flags & (MSG_MORE | MSG_EOR)) == (MSG_MORE | MSG_EOR))
		return -EINVAL;
	if (unlikely(msg->msg_controllen)) {
		err = parse_cmsgs(msg, &type);
		if (err)
			return err;
	}
	if (type != TLS_CT_INVALID) {
		feed.type = type;
		/* A typed record never holds what others left open. */
		ktlsx_tx_close_record(sk, tx, MSG_MORE);
	}
	feed.way = feed.type == TLS_CT_APPLICATION_DATA ? KTLSX_WAY_SEND :
							  KTLSX_WAY_CONTROL;
	if (likely(feed.type != TLS_CT_ALERT))
		return ktlsx_tx_feed(sk, &feed);
	is_last_word = is_farewell(tx, msg->msg_iter);
	ret = ktlsx_tx_feed(sk, &feed);
	if (ret == KTLSX_ALERT_LEN && is_last_word)
		tx->has_ended = true;
	return ret;
}

/**
 * ktlsx_tx_sendmsg() - proto.sendmsg of every attached socket
 * @sk: socket
 * @msg: content; TLS_SET_RECORD_TYPE sets its type
 * @size: bytes
 *
 * Attached sockets without keys come here too, so that a caller who waits for
 * the lock while keys are installed is not sent on in the clear.
 *
 * Context: Process context.
 * Return: as ktlsx_tx_feed(); -EOPNOTSUPP unknown flag; -EINVAL bad control
 * message or one with MSG_MORE.
 */
int ktlsx_tx_sendmsg(struct sock *sk, struct msghdr *msg, size_t size)
{
	struct ktlsx_tx *tx;
	int ret;

	lock_sock(sk);
	tx = ktlsx_sock_of(sk)->tx;
	if (tx)
		ret = send_records(sk, tx, msg);
	else
		ret = tcp_sendmsg_locked(sk, msg, size);
	release_sock(sk);
	return ret;
}
