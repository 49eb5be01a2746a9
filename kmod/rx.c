// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the receiving state: the one record that is open, the ready flag, the
 * sticky error. Must not know how content leaves (rx_recv.c, rx_splice.c), nor
 * what control records say (rx_control.c).
 * Concurrency: socket lock held, data_ready() in softirq or backlog included;
 * poll reads is_ready, halt and err without it.
 * Spec: RFC 8446 section 5, RFC 5246 section 6.2
 */
#include "rx.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <net/tcp.h>

static struct kmem_cache *cache;

static bool is_worth_reading(struct sock *sk, struct ktlsx_rx *rx, gfp_t gfp)
{
	if (unlikely(rx->halt == KTLSX_HALT_CLOSED)) {
		ktlsx_framer_discard(sk, &rx->framer, gfp);
		return true;
	}
	if (unlikely(rx->halt || rx->is_told))
		return rx->err && !rx->is_told;
	/*
	 * While a record is parked the reader is late, and the window may
	 * close on him: nothing is copied out ahead of need. An error of the
	 * check, for want of memory too, is for a reader to see.
	 */
	return rx->parked.is_parked || rx->err ||
	       ktlsx_framer_check(sk, &rx->framer, gfp);
}

static bool refresh(struct sock *sk, struct ktlsx_rx *rx, gfp_t gfp)
{
	bool is_ready = is_worth_reading(sk, rx, gfp);

	WRITE_ONCE(rx->is_ready, is_ready);
	return is_ready;
}

static void data_ready(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_rx *rx = ctx->rx;

	gfp_t gfp = sock_owned_by_user_nocheck(sk) ? 0 : GFP_ATOMIC;

	/* Somebody who hooked in after us may call on after rx_stop. */
	if (!rx || refresh(sk, rx, gfp))
		ctx->base_callback[KTLSX_DATA_READY](sk);
}

/**
 * ktlsx_rx_release_cb() - proto.release_cb: do what the backlog postponed
 * @sk: socket
 *
 * Context: Socket lock about to be released, BH disabled.
 */
void ktlsx_rx_release_cb(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_rx *rx = ctx->rx;

	if (unlikely(rx->framer.is_postponed)) {
		rx->framer.is_postponed = false;
		if (refresh(sk, rx, GFP_ATOMIC))
			ctx->base_callback[KTLSX_DATA_READY](sk);
	}
	ctx->base_prot->release_cb(sk);
}

/**
 * ktlsx_rx_settle() - leave everything true for whoever comes next
 * @sk: socket
 * @rx: its receiving state
 *
 * To be called before the lock is given up: charges what is parked and
 * recomputes the ready flag.
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_rx_settle(struct sock *sk, struct ktlsx_rx *rx)
{
	const struct ktlsx_parked *parked = &rx->parked;
	bool was_ready = rx->is_ready;

	if (parked->is_parked)
		ktlsx_sock_charge(sk, &rx->charged,
				  ktlsx_bufs_size(parked->buf,
						  parked->buf_count));
	/*
	 * Below SO_RCVLOWAT bytes TCP does not call data_ready(), so that a
	 * record may show up here first; others may be waiting for it.
	 */
	if (refresh(sk, rx, sk->sk_allocation) && !was_ready)
		ktlsx_sock_of(sk)->base_callback[KTLSX_DATA_READY](sk);
}

static void wipe(const struct ktlsx_parked *parked)
{
	u32 left_len = parked->len;
	unsigned int i;

	for (i = 0; i < parked->buf_count; i++) {
		const struct ktlsx_buf *buf = &parked->buf[i];
		u32 len = min(left_len, buf->size);

		memzero_explicit(page_address(buf->page), len);
		left_len -= len;
	}
}

/**
 * ktlsx_parked_drop() - give the buffers of a record back
 * @parked: record; empty afterwards
 * @has_rested: its content was in memory while the lock was free: wipe it,
 *	unless a pipe has it too
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_parked_drop(struct ktlsx_parked *parked, bool has_rested)
{
	if (has_rested && !parked->is_shared)
		wipe(parked);
	while (parked->buf_count)
		ktlsx_buf_put(&parked->buf[--parked->buf_count]);
	parked->is_parked = false;
}

/**
 * ktlsx_rx_consume() - step over content of the parked record
 * @sk: socket
 * @rx: its receiving state
 * @len: bytes; with the last one the record goes
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_rx_consume(struct sock *sk, struct ktlsx_rx *rx, u32 len)
{
	struct ktlsx_parked *parked = &rx->parked;

	parked->off += len;
	if (parked->off < parked->len)
		return;
	ktlsx_parked_drop(parked, rx->charged);
	if (rx->charged)
		ktlsx_sock_charge(sk, &rx->charged, 0);
}

/* Normally one buffer; small pieces when memory is short. */
static int borrow(struct sock *sk, struct ktlsx_parked *into,
		  struct ktlsx_span *dst, u32 len)
{
	u32 room_len = 0;

	into->buf_count = 0;
	while (room_len < len) {
		struct ktlsx_buf *buf = &into->buf[into->buf_count];

		if (into->buf_count == KTLSX_PARK_PIECES ||
		    ktlsx_buf_get(sock_net(sk), buf, sk->sk_allocation)) {
			ktlsx_parked_drop(into, false);
			return -ENOMEM;
		}
		dst[into->buf_count].base = page_address(buf->page);
		dst[into->buf_count].len = buf->size;
		into->buf_count++;
		room_len += buf->size;
	}
	return 0;
}

/**
 * ktlsx_rx_open() - open the record at @rx->place into buffers of its own
 * @sk: socket
 * @rx: its receiving state; @rx->place is used up
 * @ahead: records between the next one and this one
 * @into: filled in, except @into->is_parked; to be given back by
 *	ktlsx_parked_drop()
 *
 * Context: Process context, socket lock held.
 * Return: 0; -ENOMEM; -EBADMSG. On error nothing was borrowed.
 */
int ktlsx_rx_open(struct sock *sk, struct ktlsx_rx *rx, u32 ahead,
		  struct ktlsx_parked *into)
{
	const struct ktlsx_suite *suite = rx->dir.suite;
	const struct ktlsx_aead *aead = rx->dir.aead;
	u32 record_len = rx->place.record_len;
	struct ktlsx_span dst[KTLSX_PARK_PIECES] port_uninitialized;
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_opened opened;
	int err;

	into->is_shared = false;
	into->off = 0;
	err = borrow(sk, into, dst,
		     record_len - suite->prefix_len - KTLSX_TAG_LEN);
	if (err)
		return err;

	engine = ktlsx_aead_enter(aead);
	err = ktlsx_record_open(&rx->dir, ahead, rx->place.span, record_len,
				dst, engine, &opened);
	ktlsx_aead_leave(engine);
	if (unlikely(engine != aead->fast))
		ktlsx_stat_add(sock_net(sk), KTLSX_STAT_RX_FALLBACK, 1);
	if (err) {
		ktlsx_parked_drop(into, false);
		return err;
	}
	into->type = opened.type;
	into->len = opened.content_len;
	return 0;
}

/**
 * ktlsx_rx_fail() - receiving is over, by the peer's fault
 * @sk: socket
 * @rx: its receiving state
 * @err: what every read answers from now on
 *
 * Not in sk_err: the socket must still be able to send the alert.
 *
 * Context: Process context, socket lock held.
 * Return: @err.
 */
int ktlsx_rx_fail(struct sock *sk, struct ktlsx_rx *rx, int err)
{
	WRITE_ONCE(rx->err, err);
	ktlsx_sock_of(sk)->has_failed = true;
	return err;
}

static int fail(struct sock *sk, struct ktlsx_rx *rx, enum ktlsx_stat why,
		int err)
{
	ktlsx_stat_add(sock_net(sk), why, 1);
	return ktlsx_rx_fail(sk, rx, err);
}

static void count(struct sock *sk, struct ktlsx_parked *parked,
		  enum ktlsx_stat way)
{
	if (parked->type != TLS_CT_APPLICATION_DATA)
		way = KTLSX_STAT_RX_CONTROL_RECORDS;
	if (way == KTLSX_UNCOUNTED)
		return;
	ktlsx_stat_add(sock_net(sk), way, 1);
	ktlsx_stat_add(sock_net(sk), way + 1, parked->len);
	parked->is_counted = true;
}

static int park_next(struct sock *sk, struct ktlsx_rx *rx, enum ktlsx_stat way)
{
	struct ktlsx_parked *parked = &rx->parked;
	int ret;

	if (unlikely(rx->err || rx->halt))
		return rx->err;
	ret = ktlsx_framer_place(sk, &rx->framer, 0, sk->sk_allocation,
				 &rx->place);
	if (unlikely(rx->framer.err))
		return fail(sk, rx, KTLSX_STAT_RX_BAD_RECORD, rx->framer.err);
	if (ret <= 0)
		return ret;

	ret = ktlsx_rx_open(sk, rx, 0, parked);
	if (ret == -EBADMSG)
		return fail(sk, rx, KTLSX_STAT_RX_AUTH_FAIL, ret);
	if (ret)
		return ret;
	ktlsx_framer_take(sk, &rx->framer);
	ktlsx_dir_advance(&rx->dir);
	parked->is_parked = true;
	parked->is_counted = false;
	count(sk, parked, way);
	return 1;
}

/**
 * ktlsx_rx_next() - have a record parked, without waiting
 * @sk: socket
 * @rx: its receiving state
 * @way: KTLSX_STAT_RX_RECV_RECORDS, KTLSX_STAT_RX_SPLICE_RECORDS, or
 *	KTLSX_UNCOUNTED
 *
 * Application data without content is passed over, anything else without
 * content is not.
 *
 * Context: Process context, socket lock held. Handles the backlog.
 * Return: 1 parked; 0 no whole record; -EBADMSG, -EMSGSIZE, -EINVAL bad record
 * (sticky); -ENOMEM; -EFAULT bytes that the CPU cannot read; -ERESTARTSYS a
 * signal came while records without content were passed over.
 */
int ktlsx_rx_next(struct sock *sk, struct ktlsx_rx *rx, enum ktlsx_stat way)
{
	if (rx->parked.is_parked) {
		if (unlikely(!rx->parked.is_counted))
			count(sk, &rx->parked, way);
		return 1;
	}
	sk_flush_backlog(sk);
	for (;;) {
		int ret = park_next(sk, rx, way);

		if (ret <= 0)
			return ret;
		if (likely(rx->parked.len) ||
		    rx->parked.type != TLS_CT_APPLICATION_DATA)
			return 1;
		rx->has_passed = true;
		ktlsx_rx_consume(sk, rx, 0);
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
}

static bool may_go_on(const struct sock *sk, const struct ktlsx_rx *rx,
		      u32 rcv_nxt)
{
	if (sk->sk_err || (sk->sk_shutdown & RCV_SHUTDOWN) ||
	    sk->sk_state == TCP_CLOSE)
		return true;
	if (READ_ONCE(rx->parked.is_parked))
		return READ_ONCE(tcp_sk(sk)->rcv_nxt) != rcv_nxt;
	return READ_ONCE(rx->is_ready);
}

static int sleep_for_more(struct sock *sk, struct ktlsx_rx *rx, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	u32 rcv_nxt = tcp_sk(sk)->rcv_nxt;
	int ret;

	ktlsx_rx_settle(sk, rx);
	ktlsx_framer_hear(sk, &rx->framer);
	add_wait_queue(sk_sleep(sk), &wait);
	sk_set_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	ret = sk_wait_event(sk, timeo, may_go_on(sk, rx, rcv_nxt), &wait);
	sk_clear_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	remove_wait_queue(sk_sleep(sk), &wait);
	ktlsx_framer_unhear(sk, &rx->framer);
	return ret < 0 ? ret : 1;
}

/**
 * ktlsx_rx_wait() - wait for a record when there is none
 * @sk: socket
 * @rx: its receiving state; when a record is parked, wait for more bytes
 * @timeo: time left, jiffies; updated
 * @has_some: the caller has something to return, so errors stay for later
 *
 * Other callers may do anything meanwhile: the caller starts anew.
 *
 * Context: Process context, socket lock held; released while it sleeps.
 * Return: 1 look again; 0 end of the stream or, with @has_some, no use in
 * waiting; -EAGAIN; -EINTR or -ERESTARTSYS; -ENOTCONN; -EKEYEXPIRED a KeyUpdate
 * came; the socket's error.
 */
int ktlsx_rx_wait(struct sock *sk, struct ktlsx_rx *rx, long *timeo,
		  bool has_some)
{
	if (has_some) {
		if (!*timeo || sk->sk_err || sk->sk_state == TCP_CLOSE ||
		    rx->halt || (sk->sk_shutdown & RCV_SHUTDOWN) || signal_pending(current))
			return 0;
		return sleep_for_more(sk, rx, timeo);
	}
	if (unlikely(rx->halt))
		return rx->halt == KTLSX_HALT_CLOSED ? 0 : -EKEYEXPIRED;
	/* TCP's order, so that a reset behind the FIN is no error here either. */
	if (sock_flag(sk, SOCK_DONE))
		return 0;
	if (sk->sk_err)
		return sock_error(sk);
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return 0;
	if (sk->sk_state == TCP_CLOSE)
		return -ENOTCONN;
	if (!*timeo)
		return -EAGAIN;
	if (signal_pending(current))
		return sock_intr_errno(*timeo);
	return sleep_for_more(sk, rx, timeo);
}

/**
 * ktlsx_rx_start() - receive by records from here on
 * @sk: attached socket without RX keys
 * @suite: what the keys are for
 * @info: the user's crypto_info struct
 *
 * Records that are queued already belong to it. Wakes pollers if one is whole.
 *
 * Context: Process context, socket lock held.
 * Return: 0; -ENOMEM.
 */
int ktlsx_rx_start(struct sock *sk, const struct ktlsx_suite *suite,
		   const u8 *info)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_rx *rx;

	rx = kmem_cache_zalloc(cache, sk->sk_allocation);
	if (!rx)
		return -ENOMEM;

	ktlsx_dir_init(&rx->dir, suite, info);
	rx->framer.suite = suite;
	ctx->rx = rx;
	ktlsx_sock_hook(sk, KTLSX_DATA_READY, data_ready);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_CURR_RX, 1);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_TOTAL_RX, 1);
	ktlsx_sock_publish(sk, KTLSX_MODE_RX);
	/* After publishing: whoever this wakes must find the new poll. */
	ktlsx_rx_settle(sk, rx);
	return 0;
}

/**
 * ktlsx_rx_stop() - unhook, wipe and free the receiving state
 * @sk: socket that is being closed
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_rx_stop(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_rx *rx = ctx->rx;

	ktlsx_sock_unhook(sk, KTLSX_DATA_READY, data_ready);
	ctx->rx = NULL;
	ktlsx_framer_fini(sk, &rx->framer);
	ktlsx_parked_drop(&rx->parked, true);
	ktlsx_sock_charge(sk, &rx->charged, 0);
	ktlsx_control_fini(sk, &rx->control);
	ktlsx_dir_wipe(&rx->dir);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_CURR_RX, -1);
	kmem_cache_free(cache, rx);
}

/**
 * ktlsx_rx_init() - make the slab cache
 *
 * Context: Process context, at module load.
 * Return: 0; -ENOMEM.
 */
int ktlsx_rx_init(void)
{
	/* The key inside wants its alignment. */
	cache = kmem_cache_create("ktlsx_rx", sizeof(struct ktlsx_rx),
				  __alignof__(struct ktlsx_rx),
				  SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, NULL);
	return cache ? 0 : -ENOMEM;
}

/**
 * ktlsx_rx_exit() - destroy it
 *
 * Context: Process context, at unload.
 */
void ktlsx_rx_exit(void)
{
	kmem_cache_destroy(cache);
}
