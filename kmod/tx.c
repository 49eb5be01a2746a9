// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way out: content into records, records into TCP. A socket holds at most
 * one record: open (content still comes), or sealed and not yet whole in TCP.
 * Must not know how content is received, or how this kernel's TCP takes pages.
 *
 * Everything runs under the socket lock; write_space() in softirq or backlog,
 * where it only hands over what is sealed. Sealing advances the sequence
 * number, so a sealed record is never dropped and never sealed again.
 * Spec: RFC 8446 section 5.1
 */
#include "tx.h"

#include <linux/slab.h>
#include <net/tcp.h>

#include "../uapi/linux/ktlsx.h"
#include "message.h"
#include "push.h"

/* MSG_BATCH is the core's own hint, on all messages of sendmmsg() but one. */
#define SEND_FLAGS (MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR | \
		    MSG_BATCH | MSG_CMSG_COMPAT)
#define HOLD_BACK_ROOM (4 * KTLSX_CONTENT_MAX)

static struct kmem_cache *cache;

/**
 * ktlsx_tx_rest() - the lock is about to go: rest is charged, work is not
 * @sk: socket
 * @tx: its sending state
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_tx_rest(struct sock *sk, struct ktlsx_tx *tx)
{
	ktlsx_outgoing_rest(&tx->out);
	if (tx->charged || tx->out.frag_count)
		ktlsx_sock_charge(sk, &tx->charged,
				  ktlsx_outgoing_len(&tx->out));
}

/*
 * MSG_MORE lets TCP hold a short segment back. Only while the next record is
 * sure to find room: else this socket would wait for room, and room for TCP's
 * timer.
 */
static bool may_hold_back(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 unsent_len = READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_nxt);

	return sk_stream_wspace(sk) > HOLD_BACK_ROOM &&
	       tcp_notsent_lowat(tp) > HOLD_BACK_ROOM &&
	       unsent_len < tcp_notsent_lowat(tp) - HOLD_BACK_ROOM;
}

/*
 * While the caller promises more. A record is a few bytes longer than what
 * fills TCP's segments evenly, and MSG_MORE alone does not hold its tail: the
 * next ACK would send it as a segment of its own. TCP's own timer bounds this.
 */
static void set_cork(struct sock *sk, struct ktlsx_tx *tx, bool is_on)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (is_on && !(tp->nonagle & TCP_NAGLE_CORK)) {
		tp->nonagle |= TCP_NAGLE_CORK;
		tx->is_corked = true;
	} else if (!is_on && tx->is_corked) {
		tp->nonagle &= ~TCP_NAGLE_CORK;
		tx->is_corked = false;
	}
}

/**
 * ktlsx_tx_push() - give TCP what is sealed
 * @sk: socket
 * @tx: its sending state
 * @flags: MSG_MORE when more is sure to follow, or 0
 *
 * What TCP refuses stays with us.
 *
 * Context: Socket lock held; any context. Never sleeps.
 * Return: 0 when all of it went; -EAGAIN, -EPIPE or sk_err.
 */
int ktlsx_tx_push(struct sock *sk, struct ktlsx_tx *tx, int flags)
{
	struct ktlsx_outgoing *out = &tx->out;
	int err = 0;

	if (!ktlsx_outgoing_is_sealed(out))
		return 0;
	/* Not TCP's to report: it would take sk_err away from our caller. */
	if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN))
		return -EPIPE;
	if ((flags & MSG_MORE) && !may_hold_back(sk))
		flags = 0;
	set_cork(sk, tx, flags & MSG_MORE);

	WRITE_ONCE(tx->is_pushing, true);
	while (out->frag_count) {
		struct ktlsx_frag *frag = &out->frag[out->frag_head];
		bool is_last = out->frag_head + 1 == out->frag_count;
		ssize_t n;

		n = ktlsx_push_page(sk, frag->page, frag->off, frag->len,
				    is_last ? flags : flags | MSG_MORE);
		if (n < 0) {
			err = n;
			break;
		}
		ktlsx_outgoing_taken(out, n);
	}
	if (err && !tx->is_waiting)
		ktlsx_stat_add(sock_net(sk), KTLSX_STAT_TX_PARTIAL_PUSH, 1);
	WRITE_ONCE(tx->is_waiting, err);
	WRITE_ONCE(tx->is_pushing, false);
	return err;
}

/*
 * With nothing in TCP no ACK will come and push what waits. An empty queue has
 * room, so it was memory that was short: insist.
 */
static int push_or_insist(struct sock *sk, struct ktlsx_tx *tx, int flags)
{
	gfp_t gfp = sk->sk_allocation;
	int err;

	err = ktlsx_tx_push(sk, tx, flags);
	if (likely(err != -EAGAIN) || !gfpflags_allow_blocking(gfp) ||
	    !tcp_rtx_and_write_queues_empty(sk))
		return err;
	sk->sk_allocation = gfp | __GFP_NOFAIL;
	err = ktlsx_tx_push(sk, tx, flags);
	sk->sk_allocation = gfp;
	return err;
}

static int seal_and_push(struct sock *sk, struct ktlsx_tx *tx, int flags)
{
	int err;

	ktlsx_outgoing_seal(sk, &tx->out, &tx->dir);
	err = push_or_insist(sk, tx, flags);
	/* The record is accepted; write_space() or the next call goes on. */
	return err == -EAGAIN ? 0 : err;
}

static int wait_for_room(struct sock *sk, struct ktlsx_tx *tx, long *timeo)
{
	for (;;) {
		int err;

		if (tx->is_shut || sk->sk_err ||
		    (sk->sk_shutdown & SEND_SHUTDOWN))
			return -EPIPE;
		err = push_or_insist(sk, tx, 0);
		if (!err && sk_stream_memory_free(sk))
			return 0;
		if (err && err != -EAGAIN)
			return err;
		ktlsx_tx_rest(sk, tx);
		err = sk_stream_wait_memory(sk, timeo);
		if (err)
			return err;
	}
}

/* One step: into the open record what fits, sealing it when it is full. */
static int take(struct sock *sk, struct ktlsx_tx *tx, struct ktlsx_feed *feed)
{
	u32 content_max = ktlsx_sock_of(sk)->tx_payload_len_max;
	struct ktlsx_outgoing *out = &tx->out;
	int ret;

	if (ktlsx_dir_is_exhausted(&tx->dir))
		return -EBADMSG;
	if (out->is_open && out->type != feed->type)
		return seal_and_push(sk, tx, MSG_MORE);
	ret = ktlsx_outgoing_add(sk, out, tx->dir.suite, content_max, feed);
	if (ret < 0)
		return ret;
	if (out->content_len < content_max)
		return 0;
	return seal_and_push(sk, tx, feed->left ? MSG_MORE :
						  feed->flags & MSG_MORE);
}

/**
 * ktlsx_tx_feed() - take content into records and send them
 * @sk: socket with TX keys
 * @feed: what is offered; advanced by what was taken
 *
 * Context: Process context, socket lock held; may release it to wait.
 * Return: bytes taken; -EAGAIN, -EINTR, -ERESTARTSYS, -EPIPE and sk_err as
 * TCP's; -EFAULT; -ENOMEM; -EBADMSG sequence numbers used up.
 */
ssize_t ktlsx_tx_feed(struct sock *sk, struct ktlsx_feed *feed)
{
	long timeo = sock_sndtimeo(sk, feed->flags & MSG_DONTWAIT);
	struct ktlsx_tx *tx = ktlsx_sock_of(sk)->tx;
	size_t taken = feed->left;
	int err = 0;

	while (feed->left && !err) {
		err = wait_for_room(sk, tx, &timeo);
		if (!err)
			err = take(sk, tx, feed);
	}
	taken -= feed->left;
	/* Also after a fault: what was taken must not stay behind. */
	if (tx->out.is_open && taken && !(feed->flags & MSG_MORE))
		seal_and_push(sk, tx, 0);
	/* An error came in between: what TCP holds back goes with the next ACK. */
	if (unlikely(tx->is_corked && !(feed->flags & MSG_MORE)))
		set_cork(sk, tx, false);
	ktlsx_tx_rest(sk, tx);
	return taken ? taken : sk_stream_error(sk, feed->flags, err);
}

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
		if (tx->out.is_open)
			seal_and_push(sk, tx, MSG_MORE);
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

/**
 * ktlsx_tx_close_record() - let no more content into the open record
 * @sk: socket
 * @tx: its sending state
 *
 * Context: Process context, socket lock held. May wait for memory.
 */
void ktlsx_tx_close_record(struct sock *sk, struct ktlsx_tx *tx)
{
	if (!tx->out.is_open)
		return;
	seal_and_push(sk, tx, 0);
	ktlsx_tx_rest(sk, tx);
}

/**
 * ktlsx_tx_end_batch() - more was promised, and does not come
 * @sk: socket
 * @tx: its sending state
 *
 * Context: Process context, socket lock held. May wait for memory.
 */
void ktlsx_tx_end_batch(struct sock *sk, struct ktlsx_tx *tx)
{
	ktlsx_tx_close_record(sk, tx);
	set_cork(sk, tx, false);
}

/**
 * ktlsx_tx_splice_eof() - proto.splice_eof: the pipe has no more
 * @sock: socket; a record that was left open for more is sent
 *
 * Context: Process context.
 */
void ktlsx_tx_splice_eof(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_tx *tx;

	lock_sock(sk);
	tx = ctx->tx;
	if (tx)
		ktlsx_tx_end_batch(sk, tx);
	release_sock(sk);
	/* Whole records may rest in TCP, waiting for more. */
	if (ctx->base_prot->splice_eof)
		ctx->base_prot->splice_eof(sock);
}

/**
 * ktlsx_tx_has_room() - proto.stream_memory_free: may more be written?
 * @sk: socket
 * @wake: as TCP's
 *
 * Context: Any context, also without the lock (poll).
 * Return: false while TCP's limits say so or sealed bytes wait for TCP.
 */
bool ktlsx_tx_has_room(const struct sock *sk, int wake)
{
	const struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	const struct ktlsx_tx *tx = ctx->tx;

	if (READ_ONCE(tx->is_forced))
		return true;
	if (!ctx->base_prot->stream_memory_free(sk, wake))
		return false;
	/*
	 * With nothing in TCP no ACK will come to push what waits: a writer
	 * has to.
	 */
	return !READ_ONCE(tx->is_waiting) || READ_ONCE(tx->is_pushing) ||
	       tcp_rtx_and_write_queues_empty(sk);
}

/**
 * ktlsx_tx_uncork() - the user is about to set TCP_CORK himself
 * @sk: socket with TX keys
 *
 * Context: Process context, socket lock not held.
 */
void ktlsx_tx_uncork(struct sock *sk)
{
	lock_sock(sk);
	set_cork(sk, ktlsx_sock_of(sk)->tx, false);
	release_sock(sk);
}

/**
 * ktlsx_tx_has_open_record() - is content waiting for MSG_MORE's other half?
 * @sk: socket
 *
 * Context: Socket lock held.
 * Return: whether a record is open.
 */
bool ktlsx_tx_has_open_record(const struct sock *sk)
{
	const struct ktlsx_tx *tx = ktlsx_sock_of(sk)->tx;

	return tx && tx->out.is_open;
}

/* Softirq or backlog, or TCP inside our own push. */
static void write_space(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_tx *tx = ctx->tx;

	if (ktlsx_outgoing_is_sealed(&tx->out) && !tx->is_pushing) {
		gfp_t gfp = sk->sk_allocation;

		sk->sk_allocation = GFP_ATOMIC;
		ktlsx_tx_push(sk, tx, 0);
		sk->sk_allocation = gfp;
		ktlsx_sock_charge(sk, &tx->charged, ktlsx_outgoing_len(&tx->out));
	}
	ctx->base_callback[KTLSX_WRITE_SPACE](sk);
}

/**
 * ktlsx_tx_start() - send by records from here on
 * @sk: attached socket without TX keys
 * @suite: what the keys are for
 * @info: the user's crypto_info struct
 *
 * Context: Process context, socket lock held.
 * Return: 0; -EBUSY another thread sleeps inside a plain send, whose bytes
 * would follow; -ENOMEM.
 */
int ktlsx_tx_start(struct sock *sk, const struct ktlsx_suite *suite,
		   const u8 *info)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_tx *tx;

	if (sk->sk_write_pending)
		return -EBUSY;
	tx = kmem_cache_zalloc(cache, GFP_KERNEL);
	if (!tx)
		return -ENOMEM;

	ktlsx_dir_init(&tx->dir, suite, info);
	ctx->tx = tx;
	ktlsx_sock_hook(sk, KTLSX_WRITE_SPACE, write_space);
	/* write_space() may send while another task's fragment is in use. */
	sk_disallow_task_frag(sk);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_CURR_TX, 1);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_TOTAL_TX, 1);
	ktlsx_sock_publish(sk, KTLSX_MODE_TX);
	return 0;
}

/**
 * ktlsx_tx_stop() - unhook, wipe and free the sending state
 * @sk: socket that is being closed, after ktlsx_tx_finish()
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_tx_stop(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_tx *tx = ctx->tx;

	ktlsx_sock_unhook(sk, KTLSX_WRITE_SPACE, write_space);
	ktlsx_outgoing_drop(&tx->out);
	ktlsx_tx_rest(sk, tx);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_CURR_TX, -1);
	ktlsx_dir_wipe(&tx->dir);
	ctx->tx = NULL;
	kmem_cache_free(cache, tx);
}

/**
 * ktlsx_tx_init() - make the slab cache
 *
 * Context: Process context, at module load.
 * Return: 0; -ENOMEM.
 */
int ktlsx_tx_init(void)
{
	/* The key inside wants its alignment. */
	cache = kmem_cache_create("ktlsx_tx", sizeof(struct ktlsx_tx),
				  __alignof__(struct ktlsx_tx),
				  SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, NULL);
	return cache ? 0 : -ENOMEM;
}

/**
 * ktlsx_tx_exit() - destroy it
 *
 * Context: Process context, at unload.
 */
void ktlsx_tx_exit(void)
{
	kmem_cache_destroy(cache);
}
