// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the walk over TCP's receive queue: how many bytes there are, where the
 * next record lies in them, and its copy when it cannot stay there.
 * Must not know: keys, plaintext, who reads. Trusts no byte of the peer and no
 * earlier look: TCP may collapse, overlap or lose what was there before.
 * Concurrency: socket lock held throughout, softirq included.
 * Spec: RFC 8446 section 5.1, RFC 5246 section 6.2.1.
 */
#include "framer.h"

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <net/tcp.h>

/* Part of a run of bytes: what to leave out in front, what to take then. */
struct cut { u32 off, len; };

/*
 * The FIN has a sequence number but is no byte. The urgent mark is ignored:
 * to TLS an urgent byte is one like any other, and must not stall the stream.
 */
static u32 bytes_available(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 avail_len = tp->rcv_nxt - tp->copied_seq;

	if (avail_len && sock_flag(sk, SOCK_DONE))
		avail_len--;
	return avail_len;
}

/*
 * Segments may overlap (a retransmission that carries news), so that each
 * step goes by sequence number; a segment before or beyond it is passed over.
 */
static struct sk_buff *find_segment(struct sock *sk, struct sk_buff *skb,
				    u32 seq, struct cut *cut)
{
	skb_queue_walk_from(&sk->sk_receive_queue, skb) {
		cut->off = seq - TCP_SKB_CB(skb)->seq;
		if (cut->off < skb->len)
			return skb;
	}
	return NULL;
}

static int copy_bytes(struct sock *sk, u32 skip_len, u8 *to, u32 len)
{
	struct sk_buff *skb = sk->sk_receive_queue.next;
	u32 seq = tcp_sk(sk)->copied_seq + skip_len;
	struct cut cut;

	while (len) {
		skb = find_segment(sk, skb, seq, &cut);
		if (unlikely(!skb))
			return -EFAULT;
		cut.len = min(len, skb->len - cut.off);
		if (unlikely(skb_copy_bits(skb, cut.off, to, cut.len)))
			return -EFAULT;
		seq += cut.len;
		to += cut.len;
		len -= cut.len;
	}
	return 0;
}

static bool add_run(struct ktlsx_place *place, struct cut *cut, u8 *base,
		    u32 run_len)
{
	u32 len;

	if (cut->off >= run_len) {
		cut->off -= run_len;
		return true;
	}
	if (unlikely(place->span_count == KTLSX_SRC_SPANS_MAX))
		return false;
	len = min(cut->len, run_len - cut->off);
	place->span[place->span_count].base = base + cut->off;
	place->span[place->span_count++].len = len;
	cut->off = 0;
	cut->len -= len;
	return true;
}

static bool add_flat(struct ktlsx_place *place, struct cut *cut,
		     const struct sk_buff *skb)
{
	const struct skb_shared_info *shared = skb_shinfo(skb);
	unsigned int i;

	if (!add_run(place, cut, skb->data, skb_headlen(skb)))
		return false;
	if (unlikely(!skb_frags_readable(skb)))
		return !cut->len;
	for (i = 0; i < shared->nr_frags && cut->len; i++) {
		const skb_frag_t *frag = &shared->frags[i];

		if (!add_run(place, cut, skb_frag_address(frag),
			     skb_frag_size(frag)))
			return false;
	}
	return true;
}

/* Lists inside lists are left to skb_copy_bits(): false asks for a copy. */
static bool add_segment(struct ktlsx_place *place, struct cut *cut,
			const struct sk_buff *skb)
{
	const struct sk_buff *part;

	if (!add_flat(place, cut, skb))
		return false;
	skb_walk_frags(skb, part) {
		if (!cut->len)
			break;
		if (skb_has_frag_list(part) || !add_flat(place, cut, part))
			return false;
	}
	return !cut->len;
}

static bool gather(struct sock *sk, u32 skip_len, u32 len,
		   struct ktlsx_place *place)
{
	struct sk_buff *skb = sk->sk_receive_queue.next;
	u32 seq = tcp_sk(sk)->copied_seq + skip_len;
	struct cut cut;

	place->record_len = len;
	place->span_count = 0;
	while (len) {
		u32 part_len;

		skb = find_segment(sk, skb, seq, &cut);
		if (unlikely(!skb))
			return false;
		part_len = min(len, skb->len - cut.off);
		cut.len = part_len;
		if (!add_segment(place, &cut, skb))
			return false;
		seq += part_len;
		len -= part_len;
	}
	return true;
}

static int parse(struct ktlsx_framer *framer, const u8 *header)
{
	framer->err = ktlsx_record_parse(framer->suite, header,
					 &framer->record_len);
	if (unlikely(framer->err))
		framer->record_len = 0;
	return framer->err;
}

static int read_header(struct sock *sk, struct ktlsx_framer *framer)
{
	u8 header[KTLSX_RECORD_HEADER_LEN];
	int err;

	err = copy_bytes(sk, 0, header, sizeof(header));
	return unlikely(err) ? err : parse(framer, header);
}

/**
 * ktlsx_framer_hear() - be told of every byte that arrives
 * @sk: socket
 * @framer: its framer
 *
 * TCP keeps quiet about less than SO_RCVLOWAT bytes in its queue. It does not
 * know of those that were taken out of the queue before, and a reader who
 * waits for the rest would not wake. To be undone with ktlsx_framer_unhear().
 *
 * Context: Socket lock held; any context.
 */
void ktlsx_framer_hear(struct sock *sk, struct ktlsx_framer *framer)
{
	if (framer->hearer_count++)
		return;
	framer->lowat = sk->sk_rcvlowat;
	WRITE_ONCE(sk->sk_rcvlowat, 1);
}

/**
 * ktlsx_framer_unhear() - undo one ktlsx_framer_hear()
 * @sk: socket
 * @framer: its framer
 *
 * Context: Socket lock held; any context.
 */
void ktlsx_framer_unhear(struct sock *sk, struct ktlsx_framer *framer)
{
	int lowat = ktlsx_framer_lowat(sk, framer);

	if (!--framer->hearer_count)
		WRITE_ONCE(sk->sk_rcvlowat, lowat);
}

/**
 * ktlsx_framer_lowat() - SO_RCVLOWAT as the user set it
 * @sk: socket
 * @framer: its framer
 *
 * Context: Socket lock held.
 * Return: bytes.
 */
int ktlsx_framer_lowat(const struct sock *sk, const struct ktlsx_framer *framer)
{
	/* Anything but 1 was set by the user in the meantime. */
	if (framer->hearer_count && sk->sk_rcvlowat == 1)
		return framer->lowat;
	return sk->sk_rcvlowat;
}

static struct ktlsx_buf *copy_room(struct sock *sk,
				   struct ktlsx_framer *framer, gfp_t gfp)
{
	unsigned int count = framer->copy_count;
	struct ktlsx_buf *buf;

	if (count) {
		buf = &framer->copy[count - 1];
		if (buf->off < buf->size)
			return buf;
	}
	if (count == KTLSX_COPY_PIECES ||
	    ktlsx_buf_get(sock_net(sk), &framer->copy[count], gfp))
		return NULL;
	if (!count) {
		ktlsx_stat_add(sock_net(sk), KTLSX_STAT_RX_COPY_OUT, 1);
		ktlsx_framer_hear(sk, framer);
	}
	framer->copy_count++;
	ktlsx_sock_charge(sk, &framer->charged,
			  ktlsx_bufs_size(framer->copy, framer->copy_count));
	return &framer->copy[count];
}

/* Copies what is there of the next record, up to @goal_len of it in all. */
static int copy_until(struct sock *sk, struct ktlsx_framer *framer,
		      u32 goal_len, gfp_t gfp, u32 *taken_len)
{
	u32 avail_len = bytes_available(sk);

	while (framer->copy_len < goal_len && *taken_len < avail_len) {
		struct ktlsx_buf *buf = copy_room(sk, framer, gfp);
		u32 part_len;
		int err;

		if (!buf)
			return -ENOMEM;
		part_len = min3(goal_len - framer->copy_len,
				avail_len - *taken_len, buf->size - buf->off);
		err = copy_bytes(sk, *taken_len,
				 page_address(buf->page) + buf->off, part_len);
		if (err)
			return err;
		buf->off += part_len;
		framer->copy_len += part_len;
		*taken_len += part_len;
	}
	return 0;
}

static int copy_record(struct sock *sk, struct ktlsx_framer *framer, gfp_t gfp,
		       u32 *taken_len)
{
	int err;

	if (!framer->record_len) {
		err = copy_until(sk, framer, KTLSX_RECORD_HEADER_LEN, gfp,
				 taken_len);
		if (err || framer->copy_len < KTLSX_RECORD_HEADER_LEN)
			return err;
		err = parse(framer, page_address(framer->copy[0].page));
		if (err)
			return err;
	}
	return copy_until(sk, framer, framer->record_len, gfp, taken_len);
}

static bool is_copied(const struct ktlsx_framer *framer)
{
	return framer->record_len && framer->copy_len == framer->record_len;
}

/*
 * Moves what is there of the next record out of TCP. All in one step: TCP
 * tells the peer of a window that opened by much, not by little and little.
 */
static int copy_out(struct sock *sk, struct ktlsx_framer *framer, gfp_t gfp)
{
	u32 taken_len = 0;
	int err;

	framer->is_postponed = !gfp && !is_copied(framer);
	if (!gfp)
		return is_copied(framer);
	err = copy_record(sk, framer, gfp, &taken_len);
	if (taken_len) {
		tcp_read_done(sk, taken_len);
		framer->seq = tcp_sk(sk)->copied_seq;
	}
	if (err)
		return err;
	return is_copied(framer);
}

static void copy_drop(struct sock *sk, struct ktlsx_framer *framer)
{
	if (!framer->copy_count)
		return;
	while (framer->copy_count)
		ktlsx_buf_put(&framer->copy[--framer->copy_count]);
	framer->copy_len = 0;
	ktlsx_sock_charge(sk, &framer->charged, 0);
	ktlsx_framer_unhear(sk, framer);
}

/*
 * A reader that slept in plain TCP when the keys came may take bytes from
 * under us, and TCP steps over an urgent byte when a second one arrives.
 */
static void notice_theft(struct sock *sk, struct ktlsx_framer *framer)
{
	u32 seq = tcp_sk(sk)->copied_seq;

	if (likely(framer->seq == seq))
		return;
	framer->seq = seq;
	framer->record_len = 0;
	if (framer->copy_count)
		framer->err = -EBADMSG;
}

/**
 * ktlsx_framer_check() - look whether the next record is whole
 * @sk: socket
 * @framer: its framer
 * @gfp: for copying a record out when the window or memory closes first; 0 to
 *	postpone that and set @framer->is_postponed
 *
 * The backlog must postpone: while it is processed TCP takes it for unread, and
 * would not tell the peer that the window opened.
 *
 * Context: Socket lock held; softirq with GFP_ATOMIC.
 * Return: 1 whole; 0 not yet; the first framing error for good (in @err):
 * -EINVAL version, -EMSGSIZE too long, -EBADMSG too short or part of a record
 * was taken by another reader of the TCP stream; not for good: -ENOMEM a copy
 * was needed and there was no memory, -EFAULT bytes that the CPU cannot read.
 */
int ktlsx_framer_check(struct sock *sk, struct ktlsx_framer *framer, gfp_t gfp)
{
	u32 avail_len;

	if (likely(!framer->err))
		notice_theft(sk, framer);
	if (unlikely(framer->err))
		return framer->err;
	if (unlikely(framer->copy_count))
		return copy_out(sk, framer, gfp);

	avail_len = bytes_available(sk);
	if (!framer->record_len && avail_len >= KTLSX_RECORD_HEADER_LEN) {
		int err = read_header(sk, framer);

		if (unlikely(err))
			return err;
	}
	if (framer->record_len && avail_len >= framer->record_len)
		return 1;
	if (likely(!tcp_epollin_ready(sk, INT_MAX)))
		return 0;
	return copy_out(sk, framer, gfp);
}

static int place_ahead(struct sock *sk, struct ktlsx_framer *framer,
		       u32 skip_len, struct ktlsx_place *place)
{
	u32 avail_len = bytes_available(sk);
	u8 header[KTLSX_RECORD_HEADER_LEN];
	u32 record_len;
	int err;

	if (framer->copy_count)
		skip_len -= framer->record_len;
	if (avail_len < skip_len ||
	    avail_len - skip_len < KTLSX_RECORD_HEADER_LEN)
		return 0;
	err = copy_bytes(sk, skip_len, header, sizeof(header));
	if (!err)
		err = ktlsx_record_parse(framer->suite, header, &record_len);
	if (err)
		return err;
	if (avail_len - skip_len < record_len)
		return 0;
	return gather(sk, skip_len, record_len, place);
}

static void place_copy(const struct ktlsx_framer *framer,
		       struct ktlsx_place *place)
{
	unsigned int i;

	place->record_len = framer->record_len;
	place->span_count = framer->copy_count;
	for (i = 0; i < framer->copy_count; i++) {
		place->span[i].base = page_address(framer->copy[i].page);
		place->span[i].len = framer->copy[i].off;
	}
}

/**
 * ktlsx_framer_place() - locate the whole record that is @skip_len bytes on
 * @sk: socket
 * @framer: its framer
 * @skip_len: 0 for the next record; for MSG_PEEK the length of those before
 * @gfp: for gathering a record that lies in too many pieces
 * @place: out
 *
 * The spans are valid until the socket lock is released or the record taken.
 *
 * Context: Process context, socket lock held.
 * Return: 1; 0 no whole record there, or with @skip_len one in too many pieces;
 * errors as ktlsx_framer_check(), with @skip_len none of them for good.
 */
int ktlsx_framer_place(struct sock *sk, struct ktlsx_framer *framer,
		       u32 skip_len, gfp_t gfp, struct ktlsx_place *place)
{
	int ret = ktlsx_framer_check(sk, framer, gfp);

	if (ret <= 0)
		return ret;
	if (skip_len)
		return place_ahead(sk, framer, skip_len, place);
	if (!framer->copy_count) {
		if (likely(gather(sk, 0, framer->record_len, place)))
			return 1;
		ret = copy_out(sk, framer, gfp);
		if (ret <= 0)
			return ret;
	}
	place_copy(framer, place);
	return 1;
}

/**
 * ktlsx_framer_take() - consume the next record, which is whole
 * @sk: socket
 * @framer: its framer
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_framer_take(struct sock *sk, struct ktlsx_framer *framer)
{
	if (unlikely(framer->copy_count))
		copy_drop(sk, framer);
	else
		tcp_read_done(sk, framer->record_len);
	framer->record_len = 0;
	framer->seq = tcp_sk(sk)->copied_seq;
}

/**
 * ktlsx_framer_discard() - throw away what came: nobody will read it
 * @sk: socket
 * @framer: its framer
 * @gfp: 0 to postpone it, as ktlsx_framer_check()
 *
 * In the queue it would close the window, and turn a later FIN into a reset.
 *
 * Context: Socket lock held. The first time in process context, then any.
 */
void ktlsx_framer_discard(struct sock *sk, struct ktlsx_framer *framer, gfp_t gfp)
{
	u32 avail_len = bytes_available(sk);

	framer->is_postponed = !gfp && avail_len;
	if (!gfp)
		return;
	copy_drop(sk, framer);
	if (avail_len)
		tcp_read_done(sk, avail_len);
}

/**
 * ktlsx_framer_fini() - drop what was copied out
 * @sk: socket
 * @framer: its framer
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_framer_fini(struct sock *sk, struct ktlsx_framer *framer)
{
	copy_drop(sk, framer);
}
