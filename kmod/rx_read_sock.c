// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns reading by kernel consumers (NVMe/TCP and the like): each record is
 * shown to their actor as an skb that refers to its pages. Must not know where
 * records come from. What the actor leaves stays parked; it may keep the skb,
 * so that the pages are shared from then on, as with a pipe.
 * Concurrency: the consumer holds the socket lock; nothing here waits.
 */
#include "rx.h"

#include <linux/mm.h>
#include <linux/skbuff.h>
#include <net/tcp.h>

struct consumer {
	read_descriptor_t *desc;
	sk_read_actor_t actor;
};

static struct sk_buff *show(struct sock *sk, const struct ktlsx_parked *parked)
{
	struct sk_buff *skb = alloc_skb(0, sk->sk_allocation);
	u32 left_len = parked->len;
	unsigned int i;

	if (!skb)
		return NULL;
	for (i = 0; i < parked->buf_count && left_len; i++) {
		const struct ktlsx_buf *buf = &parked->buf[i];
		u32 part_len = min(left_len, buf->size);

		get_page(buf->page);
		skb_add_rx_frag(skb, i, buf->page, 0, part_len, buf->size);
		left_len -= part_len;
	}
	return skb;
}

/* Returns what the actor took; 0 also when it wants no more. */
static ssize_t give_to_actor(struct sock *sk, struct ktlsx_rx *rx, void *sink,
			     size_t len)
{
	struct ktlsx_parked *parked = &rx->parked;
	struct consumer *consumer = sink;
	struct sk_buff *skb;
	int ret;

	if (!consumer->desc->count)
		return 0;
	skb = show(sk, parked);
	if (!skb)
		return -ENOMEM;
	ret = consumer->actor(consumer->desc, skb, parked->off,
			      parked->len - parked->off);
	consume_skb(skb);
	if (ret > 0)
		parked->is_shared = true;
	return ret;
}

/**
 * ktlsx_rx_read_sock() - proto_ops.read_sock
 * @sk: socket
 * @desc: the consumer's; it ends the call by a count of 0
 * @actor: the consumer's
 *
 * Context: Process context, socket lock held.
 * Return: bytes taken; 0 end of the stream; -EAGAIN no whole record; -EINVAL
 * control record (it stays); -EOPNOTSUPP called from softirq, where nothing
 * can be opened; else as ktlsx_rx_recvmsg(), or what @actor said.
 */
int ktlsx_rx_read_sock(struct sock *sk, read_descriptor_t *desc,
		       sk_read_actor_t actor)
{
	struct consumer consumer = { .desc = desc, .actor = actor };
	struct ktlsx_rx *rx = ktlsx_sock_of(sk)->rx;
	ssize_t ret;

	if (!sock_owned_by_user_nocheck(sk))
		return -EOPNOTSUPP;
	ret = ktlsx_rx_stream(sk, rx, give_to_actor, &consumer, INT_MAX, 0);
	ret = ktlsx_rx_tell(sk, rx, ret, false);
	ktlsx_rx_settle(sk, rx);
	return ret;
}
