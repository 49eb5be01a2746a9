// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns how sending ends: the open record is sealed, what waits is forced out,
 * and in control mode close_notify follows, once. Must not know how records
 * are filled, nor why receiving may have failed.
 * Concurrency: socket lock held, process context. Waits for memory, never for
 * the peer: shutdown() and close() must not block on him here.
 * Spec: RFC 8446 section 6.1, RFC 5246 section 7.2.1
 */
#include "tx.h"

#include <linux/uio.h>
#include <net/tcp.h>

#include "message.h"

#define FORCED_STALLS_MAX 8

/*
 * Push as close and shutdown must: without a limit, and not waiting for room. TCP
 * queues one more segment while its queue is below the send buffer, and
 * charges without fail once it is above: stand right on that line.
 */
static void push_forced(struct sock *sk, struct ktlsx_tx *tx)
{
	int sndbuf = sk->sk_sndbuf;
	gfp_t gfp = sk->sk_allocation;
	unsigned int stalls = 0;

	/* There is no later call that would try again. */
	if (gfpflags_allow_blocking(gfp))
		sk->sk_allocation = gfp | __GFP_NOFAIL;
	WRITE_ONCE(tx->is_forced, true);
	while (ktlsx_outgoing_is_sealed(&tx->out) && stalls < FORCED_STALLS_MAX) {
		u32 before = ktlsx_outgoing_len(&tx->out);
		int err;

		WRITE_ONCE(sk->sk_sndbuf, sk->sk_wmem_queued + 1);
		err = ktlsx_tx_push(sk, tx, 0);
		if (err && err != -EAGAIN)
			break;
		stalls = ktlsx_outgoing_len(&tx->out) == before ? stalls + 1 : 0;
	}
	WRITE_ONCE(sk->sk_sndbuf, sndbuf);
	WRITE_ONCE(tx->is_forced, false);
	sk->sk_allocation = gfp;
}

/* Also false where TCP takes no more, or the peer is past listening. */
static bool may_say_goodbye(const struct sock *sk, const struct ktlsx_tx *tx)
{
	const struct ktlsx_sock *ctx = ktlsx_sock_of(sk);

	return ctx->is_control && !ctx->has_failed && !tx->has_ended &&
	       !sk->sk_err && !(sk->sk_shutdown & SEND_SHUTDOWN) &&
	       sk->sk_state != TCP_CLOSE &&
	       !ktlsx_outgoing_is_sealed(&tx->out) &&
	       !ktlsx_dir_is_exhausted(&tx->dir);
}

static void say_goodbye(struct sock *sk, struct ktlsx_tx *tx)
{
	static const u8 close_notify[KTLSX_ALERT_LEN] = { 1, 0 };
	struct kvec vec = {
		.iov_base = (void *)close_notify,
		.iov_len = sizeof(close_notify),
	};
	struct iov_iter iter;
	struct ktlsx_feed feed = {
		.iter = &iter,
		.left = sizeof(close_notify),
		.type = TLS_CT_ALERT,
		.way = KTLSX_WAY_CONTROL,
	};

	iov_iter_kvec(&iter, WRITE, &vec, 1, sizeof(close_notify));
	/* Without memory the peer sees a FIN alone: he takes it for a cut. */
	if (ktlsx_outgoing_add(sk, &tx->out, tx->dir.suite, KTLSX_CONTENT_MAX,
			       &feed) < 0)
		return;
	ktlsx_outgoing_seal(sk, &tx->out, &tx->dir);
	tx->has_ended = true;
	push_forced(sk, tx);
}

static void flush(struct sock *sk, struct ktlsx_tx *tx)
{
	if (tx->out.is_open)
		ktlsx_outgoing_seal(sk, &tx->out, &tx->dir);
	push_forced(sk, tx);
}

/**
 * ktlsx_tx_shut() - nothing more is to be sent
 * @sk: socket with TX keys, about to send its FIN
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_tx_shut(struct sock *sk)
{
	struct ktlsx_tx *tx = ktlsx_sock_of(sk)->tx;

	flush(sk, tx);
	if (may_say_goodbye(sk, tx))
		say_goodbye(sk, tx);
	ktlsx_tx_rest(sk, tx);
	/* Nobody may get a record in between this and the FIN. */
	tx->is_shut = true;
}

static bool is_aborting(const struct sock *sk)
{
	return sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime;
}

/**
 * ktlsx_tx_finish() - the last close: what was accepted goes to TCP
 * @sk: socket with TX keys
 *
 * Whatever the send buffer says.
 *
 * Context: Process context, socket lock held; ktlsx_tx_stop() follows.
 */
void ktlsx_tx_finish(struct sock *sk)
{
	struct ktlsx_tx *tx = ktlsx_sock_of(sk)->tx;

	flush(sk, tx);
	if (may_say_goodbye(sk, tx) && !is_aborting(sk))
		say_goodbye(sk, tx);
	if (ktlsx_outgoing_is_sealed(&tx->out)) {
		/* A record cut short must not look like the end: reset. */
		sock_set_flag(sk, SOCK_LINGER);
		sk->sk_lingertime = 0;
	}
}
