/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recycled record buffers: a bounded per-CPU store of high-order pages that
 * are never zeroed between uses. Knows nothing of records or sockets.
 *
 * A buffer that was given back may still be held by others (retransmit queue,
 * a receiver on loopback, a pipe): it is lent again only once the store's own
 * reference is the last one. Each CPU's store has a spinlock of its own; all
 * calls but ktlsx_buf_drop() need process context.
 */
#ifndef KTLSX_POOL_H
#define KTLSX_POOL_H

#include <linux/mm_types.h>
#include <linux/types.h>
#include <net/net_namespace.h>

#define KTLSX_BUF_ORDER 3		/* 32 KB: a full record and a half */

/**
 * struct ktlsx_buf - a buffer on loan; holds one reference to its page
 * @page: head page, or NULL when there is no buffer
 * @size: bytes
 * @off: bytes already handed out from the front
 */
struct ktlsx_buf {
	struct page *page;
	u32 size;
	u32 off;
};

/**
 * ktlsx_bufs_size() - bytes that buffers take up, used or not
 * @buf: buffers on loan
 * @count: how many
 *
 * Context: Any context.
 * Return: bytes, to be charged while they rest.
 */
static inline u32 ktlsx_bufs_size(const struct ktlsx_buf *buf,
				  unsigned int count)
{
	u32 size = 0;

	while (count--)
		size += buf[count].size;
	return size;
}

int ktlsx_buf_get(struct net *net, struct ktlsx_buf *buf, gfp_t gfp);
int ktlsx_buf_get_partial(struct net *net, struct ktlsx_buf *buf, gfp_t gfp);
void ktlsx_buf_put(struct ktlsx_buf *buf);
void ktlsx_buf_put_partial(struct ktlsx_buf *buf);
int ktlsx_pool_init(void);
void ktlsx_pool_exit(void);

#endif /* KTLSX_POOL_H */
