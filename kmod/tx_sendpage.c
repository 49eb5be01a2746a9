// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages in and out on kernels whose TCP has sendpage: sendfile() and splice()
 * reach a socket by proto.sendpage there, not by sendmsg, and ciphertext pages
 * go to TCP by do_tcp_sendpages(). Built only for such kernels. Must not know
 * of records. Concurrency: as tx.c.
 */
#include "tx.h"

#include <net/tcp.h>

#define SENDPAGE_FLAGS (MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL | \
			MSG_SENDPAGE_NOTLAST | MSG_SENDPAGE_NOPOLICY)

ssize_t ktlsx_tx_push_page(struct sock *sk, struct page *page, u32 off,
			   u32 len, int flags)
{
	/* Nobody writes to a sealed page while TCP holds it. */
	return do_tcp_sendpages(sk, page, off, len,
				flags | MSG_DONTWAIT | MSG_NOSIGNAL |
				MSG_NO_SHARED_FRAGS);
}

static int send_page(struct sock *sk, struct page *page, int offset,
		     size_t size, int flags)
{
	struct ktlsx_feed feed = {
		.page = page,
		.off = offset,
		.left = size,
		.flags = flags,
		.type = TLS_CT_APPLICATION_DATA,
		.way = KTLSX_TX_SENDFILE,
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

void ktlsx_tx_wire_pages(struct proto *prot, struct proto_ops *ops,
			 bool has_keys)
{
	prot->sendpage = tx_sendpage;
	/* Only kernel code calls it, and gets EOPNOTSUPP where it is NULL. */
	if (has_keys)
		ops->sendpage_locked = NULL;
}
