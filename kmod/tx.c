// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way out: content into records, records into TCP. A socket holds at most
 * one record: open (content still comes), or sealed and not yet whole in TCP.
 * Must not know how content is received, or how this kernel's TCP takes pages.
 *
 * Everything runs under the socket lock; write_space() in softirq or backlog
 * and retry() in a timer, where they only hand over what is sealed. Sealing
 * advances the sequence number, so a sealed record is never dropped and never
 * sealed again.
 * Spec: RFC 8446 section 5.1
 */
#include "tx.h"

#include <linux/slab.h>
#include <net/tcp.h>

#include "push.h"

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
 * room, so it was memory that was short: insist, or, where it cannot be waited
 * for, ask again after a while, as TCP does.
 */
static int push_or_insist(struct sock *sk, struct ktlsx_tx *tx, int flags)
{
	gfp_t gfp = sk->sk_allocation;
	int err;

	err = ktlsx_tx_push(sk, tx, flags);
	if (likely(err != -EAGAIN) || !tcp_rtx_and_write_queues_empty(sk))
		return err;
	if (!gfpflags_allow_blocking(gfp)) {
		sk_reset_timer(sk, &ktlsx_sock_of(sk)->tx_retry,
			       jiffies + TCP_RESOURCE_PROBE_INTERVAL);
		return err;
	}
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

/**
 * ktlsx_tx_close_record() - let no more content into the open record
 * @sk: socket
 * @tx: its sending state
 * @flags: MSG_MORE when another record is sure to follow, or 0
 *
 * Context: Process context, socket lock held. May wait for memory.
 */
void ktlsx_tx_close_record(struct sock *sk, struct ktlsx_tx *tx, int flags)
{
	if (!tx->out.is_open)
		return;
	seal_and_push(sk, tx, flags);
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
	ktlsx_tx_close_record(sk, tx, 0);
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

static void push_atomic(struct sock *sk, struct ktlsx_tx *tx)
{
	gfp_t gfp = sk->sk_allocation;

	sk->sk_allocation = GFP_ATOMIC;
	push_or_insist(sk, tx, 0);
	sk->sk_allocation = gfp;
	ktlsx_sock_charge(sk, &tx->charged, ktlsx_outgoing_len(&tx->out));
}

/* Softirq or backlog, or TCP inside our own push. */
static void write_space(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_tx *tx = ctx->tx;

	if (ktlsx_outgoing_is_sealed(&tx->out) && !tx->is_pushing)
		push_atomic(sk, tx);
	ctx->base_callback[KTLSX_WRITE_SPACE](sk);
}

/*
 * The timer holds the socket, the grace period of softirqs the context; the
 * sending state may be gone, which the spinlock tells.
 */
static void retry(struct timer_list *timer)
{
	struct ktlsx_sock *ctx = container_of(timer, struct ktlsx_sock, tx_retry);
	struct sock *sk = ctx->sk;

	bh_lock_sock(sk);
	if (ctx->tx && sock_owned_by_user(sk))
		sk_reset_timer(sk, timer, jiffies + TCP_RESOURCE_PROBE_INTERVAL);
	else if (ctx->tx)
		push_atomic(sk, ctx->tx);
	bh_unlock_sock(sk);
	sock_put(sk);
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
	ctx->sk = sk;
	timer_setup(&ctx->tx_retry, retry, 0);
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

	/* A retry() that finds the lock taken must not set its timer again. */
	local_bh_disable();
	bh_lock_sock(sk);
	ctx->tx = NULL;
	sk_stop_timer(sk, &ctx->tx_retry);
	bh_unlock_sock(sk);
	local_bh_enable();
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
