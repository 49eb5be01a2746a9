// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns splice from the socket: lends the pages of the parked record to a pipe.
 * Must not know where records come from. What the pipe has no room for stays
 * parked; what it took is shared, so it is neither wiped nor lent again before
 * the pipe lets go.
 * Concurrency: socket lock held but while ktlsx_rx_stream() sleeps.
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
static ssize_t give_to_pipe(struct sock *sk, struct ktlsx_rx *rx, void *sink,
			    size_t len)
{
	struct ktlsx_parked *parked = &rx->parked;
	struct pipe_inode_info *pipe = sink;
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

	list_pages(parked, len, &spd);
	ret = splice_to_pipe(pipe, &spd);
	if (ret > 0)
		parked->is_shared = true;
	return ret;
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
	long timeo;

	sock_rps_record_flow(sk);
	if (unlikely(*ppos))
		return -ESPIPE;

	lock_sock(sk);
	timeo = sock_rcvtimeo(sk, is_nonblock);
	ret = ktlsx_rx_stream(sk, rx, give_to_pipe, pipe, len, timeo);
	ret = ktlsx_rx_tell(sk, rx, ret, timeo);
	ktlsx_rx_settle(sk, rx);
	release_sock(sk);
	return ret;
}
