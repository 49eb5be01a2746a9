// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns one call of recvmsg: what is copied where, what the control message
 * says, when it is enough. Must not know where records come from.
 * Concurrency: socket lock held but while ktlsx_rx_wait() sleeps; after that
 * everything is looked at anew, for another reader may have been there.
 * Spec: <linux/tls.h>; in-tree behaviour for record types and errnos
 */
#include "rx.h"

#include <linux/errqueue.h>
#include <linux/in.h>
#include <linux/mm.h>
#include <linux/tls.h>
#include <linux/uio.h>
#include <net/tcp.h>

/* One call: all its bytes have one content type. */
struct reading {
	struct msghdr *msg;
	size_t room_len;
	int flags;
	int target_len;
	int copied_len;
	long timeo;
	u8 type;
	bool is_announced;
	bool has_room;
};

/* Returns 1; 0 a record that is not for this call; -EIO no room for its type. */
static int announce(struct reading *reading, u8 type)
{
	struct msghdr *msg = reading->msg;
	int err;

	if (reading->is_announced)
		return type == reading->type && type == TLS_CT_APPLICATION_DATA;
	reading->is_announced = true;
	reading->type = type;
	if (type == TLS_CT_APPLICATION_DATA && !msg->msg_controllen)
		return 1;
	err = put_cmsg(msg, SOL_TLS, TLS_GET_RECORD_TYPE, sizeof(type), &type);
	if (type != TLS_CT_APPLICATION_DATA &&
	    (err || msg->msg_flags & MSG_CTRUNC))
		return -EIO;
	return 1;
}

static u32 copy_content(const struct ktlsx_parked *parked, u32 len,
			struct iov_iter *to)
{
	u32 off = parked->off;
	u32 done_len = 0;
	unsigned int i;

	for (i = 0; i < parked->buf_count && done_len < len; i++) {
		const struct ktlsx_buf *buf = &parked->buf[i];
		u32 part_len, part_done_len;

		if (off >= buf->size) {
			off -= buf->size;
			continue;
		}
		part_len = min(len - done_len, buf->size - off);
		part_done_len = copy_to_iter(page_address(buf->page) + off,
					     part_len, to);
		done_len += part_done_len;
		if (part_done_len < part_len)
			break;
		off = 0;
	}
	return done_len;
}

/* Returns how much of @parked went to the reader; less than it could: a fault. */
static u32 hand_over(struct reading *reading, const struct ktlsx_parked *parked,
		     bool *has_faulted)
{
	u32 len = min_t(size_t, reading->room_len, parked->len - parked->off);
	u32 done_len = len;

	if (likely(!(reading->flags & MSG_TRUNC)))
		done_len = copy_content(parked, len, &reading->msg->msg_iter);
	reading->copied_len += done_len;
	reading->room_len -= done_len;
	*has_faulted = done_len < len;
	return done_len;
}

static bool is_control(const struct sock *sk)
{
	return unlikely(ktlsx_sock_of(sk)->is_control);
}

static int next_record(struct sock *sk, struct ktlsx_rx *rx,
		       const struct reading *reading)
{
	if (is_control(sk))
		return ktlsx_rx_next_guided(sk, rx, KTLSX_STAT_RX_RECV_RECORDS,
					    reading->has_room ?
						    KTLSX_READER_HAS_ROOM :
						    KTLSX_READER_PLAIN);
	return ktlsx_rx_next(sk, rx, KTLSX_STAT_RX_RECV_RECORDS);
}

/*
 * In-tree behaviour: whoever asks for types is told of application data that
 * has no content, in that a record of another type does not join it. A plain
 * reader is not: to him 0 bytes are the end.
 */
static void announce_passed(struct ktlsx_rx *rx, struct reading *reading)
{
	if (unlikely(rx->has_passed) && reading->has_room &&
	    !reading->is_announced)
		announce(reading, TLS_CT_APPLICATION_DATA);
	rx->has_passed = false;
}

/* Returns 1 when a record is parked, else how the call ends. */
static int await_record(struct sock *sk, struct ktlsx_rx *rx,
			struct reading *reading)
{
	rx->has_passed = false;
	for (;;) {
		int ret = next_record(sk, rx, reading);

		announce_passed(rx, reading);
		if (ret)
			return ret;
		if (reading->copied_len >= reading->target_len)
			return 0;
		ret = ktlsx_rx_wait(sk, rx, &reading->timeo,
				    reading->copied_len);
		if (!ret && is_control(sk) && !reading->copied_len &&
		    !reading->has_room)
			return ktlsx_rx_end(sk, rx);
		if (ret <= 0)
			return ret;
	}
}

/* Returns 1 when the next record may follow, else how the call ends. */
static int take_record(struct sock *sk, struct ktlsx_rx *rx,
		       struct reading *reading)
{
	struct ktlsx_parked *parked = &rx->parked;
	bool has_faulted;
	u32 done_len;
	int ret;

	ret = announce(reading, parked->type);
	if (ret <= 0)
		return ret;
	done_len = hand_over(reading, parked, &has_faulted);
	if (unlikely(parked->type != TLS_CT_APPLICATION_DATA))
		ktlsx_rx_follow(sk, rx, done_len);
	ktlsx_rx_consume(sk, rx, done_len);
	if (unlikely(has_faulted))
		return -EFAULT;
	if (likely(reading->type == TLS_CT_APPLICATION_DATA))
		return 1;
	if (!parked->is_parked)
		reading->msg->msg_flags |= MSG_EOR;
	return 0;
}

static int receive(struct sock *sk, struct ktlsx_rx *rx,
		   struct reading *reading)
{
	int ret;

	do {
		ret = await_record(sk, rx, reading);
		if (ret > 0)
			ret = take_record(sk, rx, reading);
	} while (ret > 0 && reading->room_len);
	return min(ret, 0);
}

/* Returns 1 when the record at rx->place was shown and another may follow. */
static int show_ahead(struct sock *sk, struct ktlsx_rx *rx,
		      struct reading *reading, u32 ahead)
{
	struct ktlsx_parked glance;
	bool has_faulted = true;

	if (ktlsx_rx_open(sk, rx, ahead, &glance))
		return 0;
	if (glance.type == TLS_CT_APPLICATION_DATA)
		hand_over(reading, &glance, &has_faulted);
	ktlsx_parked_drop(&glance, false);
	return !has_faulted;
}

/*
 * Show application data behind the parked record. Nothing is consumed and
 * nothing sticks: a record that is bad or of another type ends the look.
 */
static void peek_ahead(struct sock *sk, struct ktlsx_rx *rx,
		       struct reading *reading)
{
	u32 parked_off = rx->parked.off;
	u64 seq = rx->dir.seq;
	u32 skip_len = 0;
	u32 ahead = 0;

	while (reading->room_len) {
		u32 record_len;
		int ret;

		ret = ktlsx_framer_place(sk, &rx->framer, skip_len,
					 sk->sk_allocation, &rx->place);
		if (ret > 0) {
			record_len = rx->place.record_len;
			if (!show_ahead(sk, rx, reading, ahead++))
				return;
			skip_len += record_len;
			if (signal_pending(current))
				return;
			cond_resched();
			continue;
		}
		if (ret < 0 || reading->copied_len >= reading->target_len ||
		    ktlsx_rx_wait(sk, rx, &reading->timeo, true) <= 0)
			return;
		/* Another reader took what this one has shown already. */
		if (!rx->parked.is_parked || rx->parked.off != parked_off ||
		    rx->dir.seq != seq)
			return;
	}
}

static int peek(struct sock *sk, struct ktlsx_rx *rx, struct reading *reading)
{
	bool has_faulted;
	int ret;

	ret = await_record(sk, rx, reading);
	if (ret <= 0)
		return ret;
	ret = announce(reading, rx->parked.type);
	if (ret <= 0)
		return ret;
	hand_over(reading, &rx->parked, &has_faulted);
	if (has_faulted)
		return -EFAULT;
	if (reading->type == TLS_CT_APPLICATION_DATA)
		peek_ahead(sk, rx, reading);
	return 0;
}

static int target_len(const struct sock *sk, const struct ktlsx_rx *rx,
		      size_t len, int flags)
{
	if (!(flags & MSG_WAITALL))
		len = min_t(size_t, len, ktlsx_framer_lowat(sk, &rx->framer));
	return len;
}

/**
 * ktlsx_rx_recvmsg() - proto.recvmsg of a socket with RX keys
 * @sk: socket
 * @msg: where the content and the record type go
 * @len: bytes wanted
 * @flags: MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, MSG_ERRQUEUE, MSG_CMSG_COMPAT...
 *
 * Context: Process context.
 * Return: content bytes; 0 at the end of the stream; -EAGAIN; -EINTR or
 * -ERESTARTSYS; -EIO control record and no room for its type (it stays);
 * -EBADMSG, -EMSGSIZE, -EINVAL bad record (sticky; of framing, then -EAGAIN for
 * who does not wait); -EFAULT; -EOPNOTSUPP MSG_OOB; -ENOMEM (nothing is lost);
 * -EKEYEXPIRED a KeyUpdate was read and TLS_RX not set since. In control mode,
 * without room for a record type, instead of -EIO: -ECONNRESET fatal alert,
 * -EPROTO any other message or the end of the stream without close_notify (both for good);
 * -EKEYEXPIRED also at the KeyUpdate itself (it stays).
 */
int ktlsx_rx_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	struct ktlsx_rx *rx = ktlsx_sock_of(sk)->rx;
	struct reading reading = {
		.msg = msg,
		.room_len = len,
		.flags = flags,
		.has_room = msg->msg_controllen,
	};
	bool may_wait;
	int ret;

	if (unlikely(flags & MSG_ERRQUEUE))
		return sock_recv_errqueue(sk, msg, len, SOL_IP, IP_RECVERR);
	if (unlikely(flags & MSG_OOB))
		return -EOPNOTSUPP;
	/* In-tree behaviour, unlike TCP's: a read of nothing does not wait. */
	if (unlikely(!len))
		return 0;

	lock_sock(sk);
	reading.target_len = target_len(sk, rx, len, flags);
	reading.timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	may_wait = reading.timeo;
	if (flags & MSG_PEEK)
		ret = peek(sk, rx, &reading);
	else
		ret = receive(sk, rx, &reading);
	ret = ktlsx_rx_tell(sk, rx, reading.copied_len ?: ret, may_wait);
	ktlsx_rx_settle(sk, rx);
	release_sock(sk);
	return ret;
}
