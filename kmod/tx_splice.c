// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way in for pages on kernels where sendfile() and splice() reach a socket
 * by sendmsg with MSG_SPLICE_PAGES. Built only for such kernels. Must not know
 * how records are made. Concurrency: takes the socket lock, as tx.c.
 */
#include "tx.h"

#include <linux/mm.h>
#include <linux/uio.h>
#include <net/tcp.h>

#define SPLICE_FLAGS (MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR | \
		      MSG_SPLICE_PAGES | MSG_SENDPAGE_NOPOLICY)

/*
 * One page, or what is left of it, from the front of the iterator. The caller
 * of sendmsg holds the pages until it returns; a record that stays open takes
 * references of its own.
 */
static ssize_t feed_page(struct sock *sk, struct msghdr *msg)
{
	struct ktlsx_feed feed = {
		.flags = msg->msg_flags,
		.type = TLS_CT_APPLICATION_DATA,
		.way = KTLSX_WAY_SENDFILE,
	};
	struct page **pages = &feed.page;
	size_t page_off;
	ssize_t len, ret;

	len = iov_iter_extract_pages(&msg->msg_iter, &pages, PAGE_SIZE, 1, 0,
				     &page_off);
	if (len <= 0)
		return len ? len : -EFAULT;
	feed.off = page_off;
	feed.left = len;
	if (iov_iter_count(&msg->msg_iter))
		feed.flags |= MSG_MORE;
	ret = ktlsx_tx_feed(sk, &feed);
	/* What was not taken is not to be lost. */
	if (ret < len)
		iov_iter_revert(&msg->msg_iter, len - max_t(ssize_t, ret, 0));
	return ret;
}

static ssize_t send_pages(struct sock *sk, struct msghdr *msg)
{
	size_t size = msg_data_left(msg);
	ssize_t ret = 0;

	if (msg->msg_flags & ~SPLICE_FLAGS)
		return -EOPNOTSUPP;
	if ((msg->msg_flags & (MSG_MORE | MSG_EOR)) == (MSG_MORE | MSG_EOR))
		return -EINVAL;
	while (msg_data_left(msg) && ret >= 0)
		ret = feed_page(sk, msg);
	size -= msg_data_left(msg);
	/* The page that failed was to end what was promised before it. */
	if (ret < 0 && size && !(msg->msg_flags & MSG_MORE))
		ktlsx_tx_end_batch(sk, ktlsx_sock_of(sk)->tx);
	return size ? size : ret;
}

/* As ktlsx_tx_sendmsg(), this serves attached sockets without keys as well. */
static int tx_sendmsg(struct sock *sk, struct msghdr *msg, size_t size)
{
	int ret;

	/* A control message asks for a record type: such are short, and copied. */
	if (msg->msg_controllen)
		msg->msg_flags &= ~MSG_SPLICE_PAGES;
	if (likely(!(msg->msg_flags & MSG_SPLICE_PAGES)))
		return ktlsx_tx_sendmsg(sk, msg, size);

	lock_sock(sk);
	if (ktlsx_sock_of(sk)->tx)
		ret = send_pages(sk, msg);
	else
		ret = tcp_sendmsg_locked(sk, msg, size);
	release_sock(sk);
	return ret;
}

/**
 * ktlsx_tx_wire_pages() - set the entry points by which pages reach a socket
 * @prot: row of proto functions
 * @ops: row of socket functions
 * @has_keys: the row is for sockets with TX keys
 *
 * Lives in the file that this kernel's TCP needs (tx_splice.c).
 *
 * Context: Process context, at module load.
 */
void ktlsx_tx_wire_pages(struct proto *prot, struct proto_ops *ops,
			 bool has_keys)
{
	prot->sendmsg = tx_sendmsg;
}
