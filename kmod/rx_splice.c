// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns splice from the socket: lends the pages of the parked record to a pipe.
 * Must not know where records come from. What the pipe has no room for stays
 * parked; what it took is shared, so it is neither wiped nor lent again before
 * the pipe lets go.
 * Concurrency: socket lock held but while ktlsx_rx_wait() sleeps.
 */
#include "rx.h"

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pipe_fs_i.h>
#include <linux/splice.h>

static void release_page(struct splice_pipe_desc *spd, unsigned int i)
{
	put_page(spd->pages[i]);
}

static void list_pages(const struct ktlsx_parked *parked, size_t len,
		       struct splice_pipe_desc *spd)
{
	u32 left_len = min_t(size_t, len, parked->len - parked->off);
	u32 off = parked->off;
	unsigned int i;

	for (i = 0; i < parked->buf_count && left_len; i++) {
		const struct ktlsx_buf *buf = &parked->buf[i];
		struct partial_page *part = &spd->partial[spd->nr_pages];

		if (off >= buf->size) {
			off -= buf->size;
			continue;
		}
		part->offset = off;
		part->len = min(left_len, buf->size - off);
		part->private = 0;
		get_page(buf->page);
		spd->pages[spd->nr_pages++] = buf->page;
		left_len -= part->len;
		off = 0;
	}
}

/* Returns bytes that the pipe took; -EAGAIN it is full; -EPIPE nobody reads. */
static ssize_t give_to_pipe(struct sock *sk, struct ktlsx_rx *rx,
			    struct pipe_inode_info *pipe, size_t len)
{
	struct ktlsx_parked *parked = &rx->parked;
	struct partial_page partial[KTLSX_PARK_PIECES];
	struct page *pages[KTLSX_PARK_PIECES];
	struct splice_pipe_desc spd = {
		.pages = pages,
		.partial = partial,
		.nr_pages_max = KTLSX_PARK_PIECES,
		.ops = &nosteal_pipe_buf_ops,
		.spd_release = release_page,
	};
	ssize_t ret;

	/* In-tree behaviour: only application data is a stream of bytes. */
	if (parked->type != TLS_CT_APPLICATION_DATA)
		return -EINVAL;
	list_pages(parked, len, &spd);
	ret = splice_to_pipe(pipe, &spd);
	if (ret <= 0)
		return ret;
	parked->is_shared = true;
	ktlsx_rx_consume(sk, rx, ret);
	return ret;
}

static int next_record(struct sock *sk, struct ktlsx_rx *rx)
{
	if (unlikely(ktlsx_sock_of(sk)->is_control))
		return ktlsx_rx_next_guided(sk, rx,
					    KTLSX_STAT_RX_SPLICE_RECORDS,
					    KTLSX_READER_PLAIN);
	return ktlsx_rx_next(sk, rx, KTLSX_STAT_RX_SPLICE_RECORDS);
}

static int wait_for_record(struct sock *sk, struct ktlsx_rx *rx, long *timeo)
{
	int ret = ktlsx_rx_wait(sk, rx, timeo, false);

	if (!ret && unlikely(ktlsx_sock_of(sk)->is_control))
		ret = ktlsx_rx_end(sk, rx);
	return ret;
}

static ssize_t splice_records(struct sock *sk, struct ktlsx_rx *rx,
			      struct pipe_inode_info *pipe, size_t len,
			      long timeo)
{
	size_t spliced_len = 0;
	ssize_t ret = 0;

	while (spliced_len < len) {
		ret = next_record(sk, rx);
		if (!ret && !spliced_len) {
			ret = wait_for_record(sk, rx, &timeo);
			if (ret > 0)
				continue;
		}
		if (ret <= 0)
			break;
		ret = give_to_pipe(sk, rx, pipe, len - spliced_len);
		if (ret <= 0)
			break;
		spliced_len += ret;
	}
	return spliced_len ?: ret;
}

/**
 * ktlsx_rx_splice_read() - proto_ops.splice_read
 * @sock: socket
 * @ppos: not used by sockets
 * @pipe: where content pages go
 * @len: bytes wanted
 * @flags: SPLICE_F_*
 *
 * Context: Process context.
 * Return: as ktlsx_rx_recvmsg(); -EINVAL control record (it stays), unless in
 * control mode.
 */
ssize_t ktlsx_rx_splice_read(struct socket *sock, loff_t *ppos,
			     struct pipe_inode_info *pipe, size_t len,
			     unsigned int flags)
{
	struct sock *sk = sock->sk;
	struct ktlsx_rx *rx = ktlsx_sock_of(sk)->rx;
	bool is_nonblock = (flags & SPLICE_F_NONBLOCK) ||
			   (sock->file->f_flags & O_NONBLOCK);
	ssize_t ret;

	sock_rps_record_flow(sk);
	if (unlikely(*ppos))
		return -ESPIPE;

	lock_sock(sk);
	ret = splice_records(sk, rx, pipe, len, sock_rcvtimeo(sk, is_nonblock));
	ktlsx_rx_told(sk, rx, ret);
	ktlsx_rx_settle(sk, rx);
	release_sock(sk);
	return ret;
}
