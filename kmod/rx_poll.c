// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns what is said about receiving without reading: poll, FIONREAD, peek_len.
 * Must not know where records come from, nor how they are read.
 * Concurrency: no lock for what the ready flag and the parked record tell; the
 * socket lock where a record has to be opened first.
 */
#include "rx.h"

#include <linux/poll.h>
#include <linux/sockios.h>
#include <linux/uaccess.h>
#include <net/tcp.h>

#include <asm/ioctls.h>

static int content_left(const struct ktlsx_rx *rx)
{
	const struct ktlsx_parked *parked = &rx->parked;

	if (!READ_ONCE(parked->is_parked) ||
	    READ_ONCE(parked->type) != TLS_CT_APPLICATION_DATA)
		return 0;
	return READ_ONCE(parked->len) - READ_ONCE(parked->off);
}

/* Have in front what the next read would give; it is told of errors, not us. */
static void look(struct sock *sk, struct ktlsx_rx *rx)
{
	lock_sock(sk);
	if (unlikely(ktlsx_sock_of(sk)->is_control))
		ktlsx_rx_next_guided(sk, rx, KTLSX_UNCOUNTED,
				     KTLSX_READER_LOOKS);
	else
		ktlsx_rx_next(sk, rx, KTLSX_UNCOUNTED);
	ktlsx_rx_settle(sk, rx);
	release_sock(sk);
}

/**
 * ktlsx_rx_poll() - proto_ops.poll
 * @file: file
 * @sock: socket
 * @wait: poll table
 *
 * In control mode a whole record may be one that no read returns, which shows
 * only when it is open.
 *
 * Context: Process context, no lock; takes it in control mode.
 * Return: poll mask.
 */
__poll_t ktlsx_rx_poll(struct file *file, struct socket *sock,
		       struct poll_table_struct *wait)
{
	struct sock *sk = sock->sk;
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	__poll_t mask = ctx->base_ops->poll(file, sock, wait);

	mask &= ~(EPOLLIN | EPOLLRDNORM);
	if (unlikely(READ_ONCE(ctx->is_control)) && ktlsx_rx_is_readable(sk) &&
	    !content_left(ctx->rx))
		look(sk, ctx->rx);
	/* A reader who knows of the KeyUpdate would be told of it for ever. */
	if (ktlsx_rx_is_readable(sk) ||
	    ((READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN) &&
	     READ_ONCE(ctx->rx->halt) != KTLSX_HALT_KEY))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(ctx->rx->err) && !READ_ONCE(ctx->rx->is_told))
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLERR;
	return mask;
}

/**
 * ktlsx_rx_is_readable() - proto.sock_is_readable
 * @sk: socket
 *
 * Context: Any context.
 * Return: whether a read would return something.
 */
bool ktlsx_rx_is_readable(struct sock *sk)
{
	return READ_ONCE(ktlsx_sock_of(sk)->rx->is_ready);
}

/**
 * ktlsx_rx_ioctl() - proto_ops.ioctl: FIONREAD counts content bytes
 * @sock: socket
 * @cmd: SIOCINQ is ours, all else is TCP's
 * @arg: user pointer
 *
 * Context: Process context.
 * Return: 0 or an errno, as TCP's.
 */
int ktlsx_rx_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct sock *sk = sock->sk;
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	int answer;

	if (cmd != SIOCINQ)
		return ctx->base_ops->ioctl(sock, cmd, arg);

	look(sk, ctx->rx);
	answer = content_left(ctx->rx);
	return put_user(answer, (int __user *)arg);
}

/**
 * ktlsx_rx_peek_len() - proto_ops.peek_len
 * @sock: socket
 *
 * Context: Any context.
 * Return: content bytes that are parked.
 */
int ktlsx_rx_peek_len(struct socket *sock)
{
	return content_left(ktlsx_sock_of(sock->sk)->rx);
}
