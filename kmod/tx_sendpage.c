// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way in for pages on kernels where sendfile() and splice() reach a socket
 * by proto.sendpage, not by sendmsg. Built only for such kernels. Must not know
 * how records are made. Concurrency: takes the socket lock, as tx.c.
 */
#include "tx.h"

#include <net/tcp.h>

#define SENDPAGE_FLAGS (MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL | \
			MSG_SENDPAGE_NOTLAST | MSG_SENDPAGE_NOPOLICY)

static int send_page(struct sock *sk, struct page *page, int offset,
		     size_t size, int flags)
{
	struct ktlsx_feed feed = {
		.page = page,
		.off = offset,
		.left = size,
		.flags = flags,
		.type = TLS_CT_APPLICATION_DATA,
		.way = KTLSX_WAY_SENDFILE,
	};

	if (flags & ~SENDPAGE_FLAGS)
		return -EOPNOTSUPP;
	if (flags & MSG_SENDPAGE_NOTLAST)
		feed.flags |= MSG_MORE;
	return ktlsx_tx_feed(sk, &feed);
}

/* As sendmsg, this serves attached sockets without keys as well. */
static int tx_sendpage(struct sock *sk, struct page *page, int offset,
		       size_t size, int flags)
{
	int ret;

	lock_sock(sk);
	if (ktlsx_sock_of(sk)->tx)
		ret = send_page(sk, page, offset, size, flags);
	else
		ret = tcp_sendpage_locked(sk, page, offset, size, flags);
	release_sock(sk);
	return ret;
}

/**
 * ktlsx_tx_wire_pages() - set the entry points by which pages reach a socket
 * @prot: row of proto functions
 * @ops: row of socket functions
 * @has_keys: the row is for sockets with TX keys
 *
 * Lives in the file that this kernel's TCP needs (tx_sendpage.c).
 *
 * Context: Process context, at module load.
 */
void ktlsx_tx_wire_pages(struct proto *prot, struct proto_ops *ops,
			 bool has_keys)
{
	prot->sendpage = tx_sendpage;
	/* Only kernel code calls it, and gets EOPNOTSUPP where it is NULL. */
	if (has_keys)
		ops->sendpage_locked = NULL;
}
