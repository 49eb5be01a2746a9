// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ciphertext pages to TCP on kernels whose tcp_sendmsg_locked() takes pages by
 * MSG_SPLICE_PAGES. Must not know of records. Concurrency: socket lock held by
 * the caller.
 */
#include "push.h"

#include <linux/bvec.h>
#include <linux/uio.h>
#include <net/tcp.h>

/**
 * ktlsx_push_page() - give TCP a run of bytes in a page
 * @sk: socket
 * @page: head page; TCP takes references of its own
 * @off: from the start of @page, bytes
 * @len: bytes
 * @flags: MSG_MORE, or 0
 *
 * Nobody may write to the bytes as long as TCP holds the page.
 *
 * Context: Socket lock held; any context. Never sleeps.
 * Return: bytes taken; -EAGAIN; -EPIPE or sk_err, which it consumes.
 */
ssize_t ktlsx_push_page(struct sock *sk, struct page *page, u32 off, u32 len,
			int flags)
{
	struct msghdr msg = {
		.msg_flags = flags | MSG_SPLICE_PAGES | MSG_DONTWAIT |
			     MSG_NOSIGNAL | MSG_NO_SHARED_FRAGS,
	};
	struct bio_vec vec;

	bvec_set_page(&vec, page, len, off);
	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, len);
	return tcp_sendmsg_locked(sk, &msg, len);
}
