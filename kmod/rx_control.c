// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns what control mode makes of control records: which are passed over, which
 * end receiving, what a reader without room for them is told. Must not know how
 * content leaves, nor what the bytes of a message mean (message.c).
 * A KeyUpdate stays parked for a reader with room until new keys come; poll and
 * FIONREAD look, and leave to a read what is to be told.
 * Concurrency: socket lock held, process context.
 * Spec: uapi/linux/ktlsx.h (KTLSX_CONTROL), RFC 8446 sections 5.1 and 6
 */
#include "rx.h"

#include <linux/mm.h>
#include <linux/sched/signal.h>

static const struct ktlsx_version *version_of(const struct ktlsx_rx *rx)
{
	return rx->dir.suite->version;
}

/* Lists @len bytes of the parked record from where the reader is. */
static unsigned int list_text(const struct ktlsx_parked *parked, u32 len,
			      struct ktlsx_span *text)
{
	unsigned int count = 0;
	u32 off = parked->off;
	unsigned int i;

	for (i = 0; i < parked->buf_count && len; i++) {
		const struct ktlsx_buf *buf = &parked->buf[i];

		if (off >= buf->size) {
			off -= buf->size;
			continue;
		}
		text[count].base = page_address(buf->page) + off;
		text[count].len = min(len, buf->size - off);
		len -= text[count++].len;
		off = 0;
	}
	return count;
}

/* Not when a reader with room takes it: then it is his to see what is amiss. */
static bool is_amid(const struct ktlsx_control *control)
{
	return ktlsx_control_is_amid(control) && !control->is_taken;
}

static bool is_for(const struct ktlsx_rx *rx, enum ktlsx_reader reader)
{
	bool is_handshake = rx->parked.type == TLS_CT_HANDSHAKE;

	switch (reader) {
	case KTLSX_READER_HAS_ROOM:
		/* A message of which a part is set aside is so whole. */
		return !is_handshake || !is_amid(&rx->control);
	case KTLSX_READER_LOOKS:
		if (is_handshake && rx->control.is_taken)
			return true;
		fallthrough;
	default:
		return rx->parked.type == TLS_CT_APPLICATION_DATA &&
		       !is_amid(&rx->control);
	}
}

static enum ktlsx_meaning judge(const struct ktlsx_rx *rx)
{
	const struct ktlsx_parked *parked = &rx->parked;
	struct ktlsx_span text[KTLSX_PARK_PIECES] = {};
	u32 len = parked->len - parked->off;
	enum ktlsx_meaning meaning;
	unsigned int count;

	count = list_text(parked, len, text);
	if (parked->type == TLS_CT_HANDSHAKE)
		return ktlsx_messages_judge(&rx->control.message,
					    version_of(rx), text, count);
	if (parked->type != TLS_CT_ALERT)
		return KTLSX_MEANS_BREACH;
	meaning = ktlsx_alert_judge(version_of(rx), text[0].base, len);
	/* RFC 8446 section 5.1; a peer that gives up may do so anywhere. */
	if (is_amid(&rx->control) && meaning != KTLSX_MEANS_FATAL)
		return KTLSX_MEANS_BREACH;
	return meaning;
}

static void pass_over(struct sock *sk, struct ktlsx_rx *rx)
{
	struct ktlsx_parked *parked = &rx->parked;
	u32 len = parked->len - parked->off;
	struct ktlsx_span text[KTLSX_PARK_PIECES];

	if (parked->type == TLS_CT_HANDSHAKE)
		len = ktlsx_control_keep(sk, &rx->control, version_of(rx), text,
					 list_text(parked, len, text));
	ktlsx_rx_consume(sk, rx, len);
}

/* What every read is told from now on. */
static void end_by(struct sock *sk, struct ktlsx_rx *rx,
		   enum ktlsx_meaning meaning, const u8 *alert)
{
	if (meaning == KTLSX_MEANS_CLOSE)
		WRITE_ONCE(rx->halt, KTLSX_HALT_CLOSED);
	else if (meaning == KTLSX_MEANS_FATAL)
		ktlsx_rx_fail(sk, rx, -ECONNRESET);
	else
		ktlsx_rx_fail(sk, rx, -EPROTO);
	if (meaning != KTLSX_MEANS_BREACH)
		ktlsx_control_end(&rx->control, alert);
}

/* Returns 1 when the parked record is for the reader, 0 go on, or an error. */
static int guide(struct sock *sk, struct ktlsx_rx *rx,
		 enum ktlsx_reader reader)
{
	struct ktlsx_parked *parked = &rx->parked;
	enum ktlsx_meaning meaning = judge(rx);

	if (meaning == KTLSX_MEANS_NOTHING) {
		pass_over(sk, rx);
		return 0;
	}
	if (reader == KTLSX_READER_LOOKS)
		return 1;
	if (meaning == KTLSX_MEANS_KEY_UPDATE) {
		pass_over(sk, rx);
		if (reader == KTLSX_READER_HAS_ROOM && is_for(rx, reader))
			return 1;
		return -EKEYEXPIRED;
	}
	end_by(sk, rx, meaning, page_address(parked->buf[0].page));
	ktlsx_rx_consume(sk, rx, parked->len - parked->off);
	return 0;
}

/**
 * ktlsx_rx_next_guided() - ktlsx_rx_next() in control mode
 * @sk: socket
 * @rx: its receiving state
 * @way: as ktlsx_rx_next()
 * @reader: who asks
 *
 * Passes over what no reader without room is to meet. One that looks meets
 * what a read would be told.
 *
 * Context: Process context, socket lock held. Handles the backlog.
 * Return: as ktlsx_rx_next(); -EPROTO, -ECONNRESET for good; -EKEYEXPIRED a
 * KeyUpdate (it stays); 0 also after close_notify.
 */
int ktlsx_rx_next_guided(struct sock *sk, struct ktlsx_rx *rx,
			 enum ktlsx_stat way, enum ktlsx_reader reader)
{
	for (;;) {
		int ret = ktlsx_rx_next(sk, rx, way);

		if (ret <= 0)
			return ret;
		if (likely(is_for(rx, reader)))
			return 1;
		ret = guide(sk, rx, reader);
		if (ret)
			return ret;
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
}

/**
 * ktlsx_rx_expire() - a reader knows of a KeyUpdate
 * @sk: socket
 * @rx: its receiving state; no record is opened until TLS_RX is set anew
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_rx_expire(struct sock *sk, struct ktlsx_rx *rx)
{
	if (rx->halt)
		return;
	WRITE_ONCE(rx->halt, KTLSX_HALT_KEY);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_RX_REKEY_RECEIVED, 1);
}

/**
 * ktlsx_rx_tell() - a call is about to answer
 * @sk: socket
 * @rx: its receiving state
 * @ret: what it found
 * @may_wait: it would have waited
 *
 * After -EKEYEXPIRED poll falls silent. In-tree behaviour for bytes that are no
 * records: that is told once, then there is nothing to read. But nobody sleeps
 * here for what cannot come, and the end of the stream is no end of the text.
 *
 * Context: Process context, socket lock held; before ktlsx_rx_settle().
 * Return: @ret; -EAGAIN.
 */
ssize_t ktlsx_rx_tell(struct sock *sk, struct ktlsx_rx *rx, ssize_t ret,
		      bool may_wait)
{
	if (likely(ret >= 0))
		return ret;
	if (ret == -EKEYEXPIRED)
		ktlsx_rx_expire(sk, rx);
	if (!rx->err || !rx->framer.err || ktlsx_sock_of(sk)->is_control)
		return ret;
	if (rx->is_told && !may_wait && !sk->sk_err &&
	    !(sk->sk_shutdown & RCV_SHUTDOWN))
		return -EAGAIN;
	WRITE_ONCE(rx->is_told, true);
	return ret;
}

/**
 * ktlsx_rx_follow() - notice what a reader with room is about to take
 * @sk: socket
 * @rx: its receiving state, with a parked record
 * @len: how much of it he takes
 *
 * Also without control mode: behind a KeyUpdate no record is opened with the
 * old key, whatever else its record holds (as the in-tree module has it).
 *
 * Context: Process context, socket lock held; before ktlsx_rx_consume().
 */
void ktlsx_rx_follow(struct sock *sk, struct ktlsx_rx *rx, u32 len)
{
	const struct ktlsx_parked *parked = &rx->parked;
	bool is_all = parked->off + len == parked->len;
	struct ktlsx_span text[KTLSX_PARK_PIECES];
	enum ktlsx_meaning meaning;
	const u8 *alert;

	if (parked->type == TLS_CT_HANDSHAKE) {
		if (ktlsx_control_pass(sk, &rx->control, version_of(rx), text,
				       list_text(parked, len, text)))
			ktlsx_rx_expire(sk, rx);
		return;
	}
	if (parked->type != TLS_CT_ALERT || !is_all ||
	    !ktlsx_sock_of(sk)->is_control)
		return;
	alert = page_address(parked->buf[0].page);
	meaning = ktlsx_alert_judge(version_of(rx), alert, parked->len);
	if (meaning == KTLSX_MEANS_CLOSE || meaning == KTLSX_MEANS_FATAL)
		end_by(sk, rx, meaning, alert);
}

/**
 * ktlsx_rx_forget_update() - new keys are about to hold
 * @sk: socket
 * @rx: its receiving state
 *
 * A KeyUpdate that is still parked has done its work: who met it later would
 * take it for another one. Any other record that is parked stays readable.
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_rx_forget_update(struct sock *sk, struct ktlsx_rx *rx)
{
	struct ktlsx_parked *parked = &rx->parked;

	if (parked->is_parked && parked->type == TLS_CT_HANDSHAKE &&
	    judge(rx) == KTLSX_MEANS_KEY_UPDATE)
		ktlsx_rx_consume(sk, rx, parked->len - parked->off);
	ktlsx_control_begin_anew(sk, &rx->control);
	if (rx->halt == KTLSX_HALT_KEY)
		WRITE_ONCE(rx->halt, KTLSX_HALT_NONE);
}

/**
 * ktlsx_rx_end() - what the end of TCP's stream is in control mode
 * @sk: socket
 * @rx: its receiving state
 *
 * Anybody can send a FIN, and a reset that another call was told of looks the
 * same afterwards: without close_notify neither is the end.
 *
 * Context: Process context, socket lock held.
 * Return: 0 after close_notify or the user's own shutdown(); else -EPROTO, for
 * good.
 */
int ktlsx_rx_end(struct sock *sk, struct ktlsx_rx *rx)
{
	if (rx->halt == KTLSX_HALT_CLOSED || rx->is_shut)
		return 0;
	return ktlsx_rx_fail(sk, rx, -EPROTO);
}
