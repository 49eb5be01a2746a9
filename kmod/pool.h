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
 * ktlsx_buf_get() - borrow an unshared buffer
 * @net: whose counters to use
 * @buf: filled in
 * @gfp: allocation flags; a smaller buffer is better than sleeping for long
 *
 * The content is whatever the last user left: overwrite before anyone sees it.
 *
 * Context: Process context with GFP_KERNEL; any with GFP_ATOMIC.
 * Return: 0; -ENOMEM when not even one page was to be had.
 */
int ktlsx_buf_get(struct net *net, struct ktlsx_buf *buf, gfp_t gfp);

/**
 * ktlsx_buf_get_partial() - borrow a buffer that may be partly used
 * @net: whose counters to use
 * @buf: filled in; bytes before @buf->off belong to others
 * @gfp: as in ktlsx_buf_get()
 *
 * Context: Process context.
 * Return: 0 or -ENOMEM, as ktlsx_buf_get().
 */
int ktlsx_buf_get_partial(struct net *net, struct ktlsx_buf *buf, gfp_t gfp);

/**
 * ktlsx_buf_put() - give a buffer and its reference back
 * @buf: emptied
 *
 * Others may hold references of their own for as long as they like.
 *
 * Context: Any context but hard interrupts.
 */
void ktlsx_buf_put(struct ktlsx_buf *buf);

/**
 * ktlsx_buf_put_partial() - give back a buffer whose tail is unused
 * @buf: emptied; the next ktlsx_buf_get_partial() on this CPU goes on there
 *
 * Context: Any context but hard interrupts.
 */
void ktlsx_buf_put_partial(struct ktlsx_buf *buf);

/**
 * ktlsx_pool_init() - make the store
 *
 * Context: Process context, at module load.
 * Return: 0; -ENOMEM.
 */
int ktlsx_pool_init(void);

/**
 * ktlsx_pool_exit() - give every buffer back to the page allocator, wiped
 *
 * Context: Process context, at unload, when no socket is left.
 */
void ktlsx_pool_exit(void);

#endif /* KTLSX_POOL_H */
