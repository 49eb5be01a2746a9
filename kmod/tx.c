// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way out: content into records, records into TCP. A socket holds at most
 * one record: open (content still comes), or sealed and not yet whole in TCP.
 * Must not know how content is received, or how this kernel's TCP takes pages.
 *
 * Everything runs under the socket lock; write_space() in softirq or backlog,
 * where it only hands over what is sealed. Sealing advances the sequence
 * number, so a sealed record is never dropped and never sealed again.
 * Spec: RFC 8446 section 5.1
 */
#include "tx.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/tcp.h>

#include "../uapi/linux/ktlsx.h"

#define SEND_FLAGS (MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR | \
		    MSG_CMSG_COMPAT)
#define FORCED_STALLS_MAX 8

static struct kmem_cache *cache;

static bool has_sealed(const struct ktlsx_tx *tx)
{
	return !tx->is_open && tx->frag_count;
}

static u32 resting_len(const struct ktlsx_tx *tx)
{
	u32 len = 0;
	unsigned int i;

	if (tx->is_open)
		return tx->frags_len;
	for (i = tx->frag_head; i < tx->frag_count; i++)
		len += tx->frag[i].len;
	return len;
}

/* To be called whenever the lock is about to go: rest is charged, work is not. */
static void come_to_rest(struct sock *sk, struct ktlsx_tx *tx)
{
	if (!tx->is_open && tx->buf.page)
		ktlsx_buf_put_partial(&tx->buf);
	if (tx->charged || tx->frag_count)
		ktlsx_sock_charge(sk, &tx->charged, resting_len(tx));
}

static void drop_frags(struct ktlsx_tx *tx)
{
	while (tx->frag_head < tx->frag_count)
		put_page(tx->frag[tx->frag_head++].page);
	tx->frag_head = 0;
	tx->frag_count = 0;
	tx->frags_len = 0;
}

static void drop_sources(struct ktlsx_tx *tx)
{
	unsigned int i;

	for (i = 0; i < tx->source_count; i++)
		if (tx->source[i].page)
			put_page(tx->source[i].page);
	tx->source_count = 0;
	tx->content_len = 0;
}

/* Extend the open record's room to @len bytes in all. */
static int grow(struct sock *sk, struct ktlsx_tx *tx, u32 len)
{
	struct ktlsx_buf *buf = &tx->buf;

	while (tx->frags_len < len) {
		struct ktlsx_frag *last = &tx->frag[tx->frag_count];
		int err = 0;
		u32 n;

		/* The frags hold references of their own. */
		if (buf->page && buf->off == buf->size)
			ktlsx_buf_put(buf);
		if (!buf->page && !tx->frag_count)
			err = ktlsx_buf_get_partial(sock_net(sk), buf,
						    sk->sk_allocation);
		else if (!buf->page)
			err = ktlsx_buf_get(sock_net(sk), buf,
					    sk->sk_allocation);
		if (err)
			return err;

		n = min(len - tx->frags_len, buf->size - buf->off);
		if (tx->frag_count && last[-1].page == buf->page &&
		    last[-1].off + last[-1].len == buf->off) {
			last[-1].len += n;
		} else {
			if (WARN_ON_ONCE(tx->frag_count == KTLSX_TX_FRAGS))
				return -ENOMEM;
			get_page(buf->page);
			last->page = buf->page;
			last->off = buf->off;
			last->len = n;
			tx->frag_count++;
		}
		buf->off += n;
		tx->frags_len += n;
	}
	return 0;
}

/* Give back room that a fault left unused. */
static void trim(struct ktlsx_tx *tx, u32 len)
{
	while (tx->frags_len > len) {
		struct ktlsx_frag *last = &tx->frag[tx->frag_count - 1];
		u32 n = min(last->len, tx->frags_len - len);

		last->len -= n;
		tx->frags_len -= n;
		if (last->page == tx->buf.page)
			tx->buf.off -= n;
		if (!last->len) {
			put_page(last->page);
			tx->frag_count--;
		}
	}
}

/* The run of room that begins @pos bytes into the open record. */
static struct ktlsx_span room_at(const struct ktlsx_tx *tx, u32 pos)
{
	const struct ktlsx_frag *frag = tx->frag;
	struct ktlsx_span run;

	while (pos >= frag->len)
		pos -= frag++->len;
	run.base = page_address(frag->page) + frag->off + pos;
	run.len = frag->len - pos;
	return run;
}

static void add_source(struct ktlsx_tx *tx, struct page *page, u32 off, u32 len)
{
	struct ktlsx_source *last = &tx->source[tx->source_count];

	tx->content_len += len;
	if (tx->source_count && !page && !last[-1].page) {
		last[-1].len += len;
		return;
	}
	last->page = page;
	last->off = off;
	last->len = len;
	tx->source_count++;
}

/* Content that is copied goes to its own place in the record at once. */
static int add_copy(struct ktlsx_tx *tx, struct ktlsx_feed *feed, u32 len)
{
	u32 pos = tx->dir.suite->prefix_len + tx->content_len;
	u32 done = 0;

	while (done < len) {
		struct ktlsx_span run = room_at(tx, pos + done);
		size_t want = min_t(size_t, run.len, len - done);
		size_t got = want;

		if (feed->iter)
			got = copy_from_iter(run.base, want, feed->iter);
		else
			memcpy(run.base, page_address(feed->page) + feed->off +
			       done, want);
		done += got;
		if (got < want)
			break;
	}
	if (!done)
		return -EFAULT;
	add_source(tx, NULL, 0, done);
	return done;
}

static bool may_refer(const struct ktlsx_tx *tx, const struct ktlsx_feed *feed)
{
	/* The last entry stays free for bytes that are copied. */
	return feed->page && sendpage_ok(feed->page) &&
	       tx->source_count < KTLSX_TX_SOURCES - 1;
}

/* Take what fits of @feed into the open record, opening one if need be. */
static int add(struct sock *sk, struct ktlsx_tx *tx, struct ktlsx_feed *feed)
{
	u32 max_len = READ_ONCE(ktlsx_sock_of(sk)->tx_payload_len_max);
	int taken;
	u32 len;

	if (tx->dir.is_exhausted)
		return -EBADMSG;
	if (!tx->is_open) {
		tx->is_open = true;
		tx->type = feed->type;
	}
	len = min_t(size_t, feed->left, max_len - tx->content_len);
	taken = grow(sk, tx, ktlsx_record_len(tx->dir.suite,
					      tx->content_len + len));
	if (!taken && may_refer(tx, feed)) {
		get_page(feed->page);
		add_source(tx, feed->page, feed->off, len);
		taken = len;
	} else if (!taken) {
		taken = add_copy(tx, feed, len);
	}
	if (taken > 0) {
		tx->way = feed->way;
		feed->off += taken;
		feed->left -= taken;
	} else if (!tx->content_len) {
		trim(tx, 0);
		tx->is_open = false;
	}
	return taken;
}

static unsigned int list_sources(const struct ktlsx_tx *tx,
				 struct ktlsx_span *src)
{
	u32 pos = tx->dir.suite->prefix_len;
	unsigned int count = 0;
	unsigned int i;

	for (i = 0; i < tx->source_count; i++) {
		const struct ktlsx_source *source = &tx->source[i];
		u32 left = source->len;

		if (source->page) {
			src[count].base = page_address(source->page) +
					  source->off;
			src[count++].len = left;
			pos += left;
			continue;
		}
		while (left) {
			struct ktlsx_span run = room_at(tx, pos);

			run.len = min_t(size_t, run.len, left);
			src[count++] = run;
			left -= run.len;
			pos += run.len;
		}
	}
	return count;
}

static void count_sealed(struct net *net, const struct ktlsx_tx *tx)
{
	static const enum ktlsx_stat records[] = {
		[KTLSX_TX_SEND] = KTLSX_STAT_TX_SEND_RECORDS,
		[KTLSX_TX_SENDFILE] = KTLSX_STAT_TX_SENDFILE_RECORDS,
		[KTLSX_TX_CONTROL] = KTLSX_STAT_TX_CONTROL_RECORDS,
	};
	static const enum ktlsx_stat bytes[] = {
		[KTLSX_TX_SEND] = KTLSX_STAT_TX_SEND_BYTES,
		[KTLSX_TX_SENDFILE] = KTLSX_STAT_TX_SENDFILE_BYTES,
		[KTLSX_TX_CONTROL] = KTLSX_STAT_TX_CONTROL_BYTES,
	};

	ktlsx_stat_add(net, records[tx->way], 1);
	ktlsx_stat_add(net, bytes[tx->way], tx->content_len);
}

static void seal(struct sock *sk, struct ktlsx_tx *tx)
{
	struct ktlsx_span src[KTLSX_TX_SOURCES + KTLSX_TX_FRAGS + 1];
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_span dst[KTLSX_TX_FRAGS];
	unsigned int src_count;
	unsigned int i;

	trim(tx, ktlsx_record_len(tx->dir.suite, tx->content_len));
	for (i = 0; i < tx->frag_count; i++) {
		dst[i].base = page_address(tx->frag[i].page) + tx->frag[i].off;
		dst[i].len = tx->frag[i].len;
	}
	src_count = list_sources(tx, src);

	engine = ktlsx_aead_enter(tx->dir.aead);
	ktlsx_record_seal(&tx->dir, tx->type, src, src_count, tx->content_len,
			  dst, engine);
	ktlsx_aead_leave(engine);

	if (unlikely(engine != tx->dir.aead->fast))
		ktlsx_stat_add(sock_net(sk), KTLSX_STAT_TX_FALLBACK, 1);
	count_sealed(sock_net(sk), tx);
	drop_sources(tx);
	tx->is_open = false;
}

/* Give TCP what is sealed. Never sleeps; what TCP refuses stays with us. */
static int push(struct sock *sk, struct ktlsx_tx *tx, int flags)
{
	int err = 0;

	if (!has_sealed(tx))
		return 0;
	/* Not TCP's to report: it would take sk_err away from our caller. */
	if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN))
		return -EPIPE;

	WRITE_ONCE(tx->is_pushing, true);
	while (tx->frag_head < tx->frag_count) {
		struct ktlsx_frag *frag = &tx->frag[tx->frag_head];
		bool is_last = tx->frag_head + 1 == tx->frag_count;
		ssize_t n;

		n = ktlsx_tx_push_page(sk, frag->page, frag->off, frag->len,
				       is_last ? flags : flags | MSG_MORE);
		if (n < 0) {
			err = n;
			break;
		}
		frag->off += n;
		frag->len -= n;
		if (!frag->len) {
			put_page(frag->page);
			tx->frag_head++;
		}
	}
	if (!err)
		drop_frags(tx);
	else if (!tx->is_waiting)
		ktlsx_stat_add(sock_net(sk), KTLSX_STAT_TX_PARTIAL_PUSH, 1);
	WRITE_ONCE(tx->is_waiting, err);
	WRITE_ONCE(tx->is_pushing, false);
	return err;
}

static int seal_and_push(struct sock *sk, struct ktlsx_tx *tx, int flags)
{
	int err;

	seal(sk, tx);
	err = push(sk, tx, flags);
	/* The record is accepted; write_space() or the next call goes on. */
	return err == -EAGAIN ? 0 : err;
}

/*
 * Push as close and shutdown must: without a limit and without waiting. TCP
 * queues one more segment while its queue is below the send buffer, and
 * charges without fail once it is above: stand right on that line.
 */
static void push_forced(struct sock *sk, struct ktlsx_tx *tx)
{
	int sndbuf = sk->sk_sndbuf;
	unsigned int stalls = 0;

	WRITE_ONCE(tx->is_forced, true);
	while (has_sealed(tx) && stalls < FORCED_STALLS_MAX) {
		u32 before = resting_len(tx);
		int err;

		WRITE_ONCE(sk->sk_sndbuf, sk->sk_wmem_queued + 1);
		err = push(sk, tx, 0);
		if (err && err != -EAGAIN)
			break;
		stalls = resting_len(tx) == before ? stalls + 1 : 0;
	}
	WRITE_ONCE(sk->sk_sndbuf, sndbuf);
	WRITE_ONCE(tx->is_forced, false);
}

static int wait_for_room(struct sock *sk, struct ktlsx_tx *tx, long *timeo)
{
	for (;;) {
		int err;

		if (tx->is_shut || sk->sk_err ||
		    (sk->sk_shutdown & SEND_SHUTDOWN))
			return -EPIPE;
		err = push(sk, tx, 0);
		if (!err && sk_stream_memory_free(sk))
			return 0;
		if (err && err != -EAGAIN)
			return err;
		come_to_rest(sk, tx);
		err = sk_stream_wait_memory(sk, timeo);
		if (err)
			return err;
	}
}

ssize_t ktlsx_tx_feed(struct sock *sk, struct ktlsx_feed *feed)
{
	long timeo = sock_sndtimeo(sk, feed->flags & MSG_DONTWAIT);
	struct ktlsx_tx *tx = ktlsx_sock_of(sk)->tx;
	bool is_more = feed->flags & MSG_MORE;
	size_t taken = feed->left;
	int err = 0;

	while (feed->left && !err) {
		err = wait_for_room(sk, tx, &timeo);
		if (err)
			break;
		if (tx->is_open && tx->type != feed->type) {
			err = seal_and_push(sk, tx, MSG_MORE);
			continue;
		}
		err = add(sk, tx, feed);
		if (err < 0)
			break;
		err = 0;
		if (tx->content_len >= ktlsx_sock_of(sk)->tx_payload_len_max)
			err = seal_and_push(sk, tx, is_more || feed->left ?
					    MSG_MORE : 0);
	}
	taken -= feed->left;
	/* Also after a fault: what was taken must not stay behind. */
	if (tx->is_open && taken && !is_more)
		seal_and_push(sk, tx, 0);
	come_to_rest(sk, tx);
	return taken ? taken : sk_stream_error(sk, feed->flags, err);
}

static int parse_cmsgs(struct msghdr *msg, u8 *type)
{
	struct cmsghdr *cmsg;

	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_TLS)
			continue;
		if (cmsg->cmsg_type != TLS_SET_RECORD_TYPE ||
		    cmsg->cmsg_len < CMSG_LEN(sizeof(*type)) ||
		    (msg->msg_flags & MSG_MORE))
			return -EINVAL;
		memcpy(type, CMSG_DATA(cmsg), sizeof(*type));
		/* In TLS 1.3 it would read as padding (RFC 8446 5.4). */
		if (*type == TLS_CT_INVALID)
			return -EINVAL;
	}
	return 0;
}

static ssize_t send_records(struct sock *sk, struct ktlsx_tx *tx,
			    struct msghdr *msg)
{
	struct ktlsx_feed feed = {
		.iter = &msg->msg_iter,
		.left = msg_data_left(msg),
		.flags = msg->msg_flags,
		.type = TLS_CT_APPLICATION_DATA,
	};
	u8 type = TLS_CT_INVALID;
	int err;

	if (msg->msg_flags & ~SEND_FLAGS)
		return -EOPNOTSUPP;
	if ((msg->msg_flags & (MSG_MORE | MSG_EOR)) == (MSG_MORE | MSG_EOR))
		return -EINVAL;
	if (unlikely(msg->msg_controllen)) {
		err = parse_cmsgs(msg, &type);
		if (err)
			return err;
	}
	if (type != TLS_CT_INVALID) {
		feed.type = type;
		/* A typed record never holds what others left open. */
		if (tx->is_open)
			seal_and_push(sk, tx, MSG_MORE);
	}
	feed.way = feed.type == TLS_CT_APPLICATION_DATA ? KTLSX_TX_SEND :
							  KTLSX_TX_CONTROL;
	return ktlsx_tx_feed(sk, &feed);
}

int ktlsx_tx_sendmsg(struct sock *sk, struct msghdr *msg, size_t size)
{
	struct ktlsx_tx *tx;
	int ret;

	lock_sock(sk);
	tx = ktlsx_sock_of(sk)->tx;
	if (tx)
		ret = send_records(sk, tx, msg);
	else
		ret = tcp_sendmsg_locked(sk, msg, size);
	release_sock(sk);
	return ret;
}

void ktlsx_tx_splice_eof(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_tx *tx;

	lock_sock(sk);
	tx = ctx->tx;
	if (tx && tx->is_open) {
		seal_and_push(sk, tx, 0);
		come_to_rest(sk, tx);
	}
	release_sock(sk);
	/* Whole records may rest in TCP, waiting for more. */
	if (ctx->base_prot->splice_eof)
		ctx->base_prot->splice_eof(sock);
}

static void flush(struct sock *sk, struct ktlsx_tx *tx)
{
	if (tx->is_open)
		seal(sk, tx);
	push_forced(sk, tx);
}

int ktlsx_tx_shutdown(struct socket *sock, int how)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sock->sk);
	struct sock *sk = sock->sk;

	if (how == SHUT_WR || how == SHUT_RDWR) {
		lock_sock(sk);
		flush(sk, ctx->tx);
		come_to_rest(sk, ctx->tx);
		/* Nobody may get a record in between this and the FIN. */
		ctx->tx->is_shut = true;
		release_sock(sk);
	}
	return ctx->base_ops->shutdown(sock, how);
}

bool ktlsx_tx_has_room(const struct sock *sk, int wake)
{
	const struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	const struct ktlsx_tx *tx = ctx->tx;

	if (READ_ONCE(tx->is_forced))
		return true;
	if (!ctx->base_prot->stream_memory_free(sk, wake))
		return false;
	/*
	 * With nothing in TCP no ACK will come to push what waits: a writer
	 * has to.
	 */
	return !READ_ONCE(tx->is_waiting) || READ_ONCE(tx->is_pushing) ||
	       tcp_rtx_and_write_queues_empty(sk);
}

bool ktlsx_tx_has_open_record(const struct sock *sk)
{
	const struct ktlsx_tx *tx = ktlsx_sock_of(sk)->tx;

	return tx && tx->is_open;
}

/* Softirq or backlog, or TCP inside our own push. */
static void write_space(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_tx *tx = ctx->tx;

	if (has_sealed(tx) && !tx->is_pushing) {
		gfp_t gfp = sk->sk_allocation;

		sk->sk_allocation = GFP_ATOMIC;
		push(sk, tx, 0);
		sk->sk_allocation = gfp;
		ktlsx_sock_charge(sk, &tx->charged, resting_len(tx));
	}
	ctx->base_write_space(sk);
}

int ktlsx_tx_start(struct sock *sk, const struct ktlsx_suite *suite,
		   const u8 *info)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_tx *tx;

	if (sk->sk_write_pending)
		return -EBUSY;
	tx = kmem_cache_zalloc(cache, GFP_KERNEL);
	if (!tx)
		return -ENOMEM;

	ktlsx_dir_init(&tx->dir, suite, info);
	ctx->tx = tx;
	ktlsx_sock_hook(sk, &sk->sk_write_space, &ctx->base_write_space,
			write_space);
	/* write_space() may send while another task's fragment is in use. */
	sk->sk_use_task_frag = false;
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_CURR_TX, 1);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_TOTAL_TX, 1);
	ktlsx_sock_publish(sk, KTLSX_MODE_TX);
	return 0;
}

void ktlsx_tx_stop(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct ktlsx_tx *tx = ctx->tx;

	flush(sk, tx);
	if (has_sealed(tx)) {
		/* A record cut short must not look like the end: reset. */
		sock_set_flag(sk, SOCK_LINGER);
		sk->sk_lingertime = 0;
	}
	ktlsx_sock_unhook(sk, &sk->sk_write_space, ctx->base_write_space,
			  write_space);
	drop_sources(tx);
	drop_frags(tx);
	tx->is_open = false;
	come_to_rest(sk, tx);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_CURR_TX, -1);
	ktlsx_dir_wipe(&tx->dir);
	ctx->tx = NULL;
	kmem_cache_free(cache, tx);
}

int ktlsx_tx_init(void)
{
	cache = kmem_cache_create("ktlsx_tx", sizeof(struct ktlsx_tx), 0,
				  SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, NULL);
	return cache ? 0 : -ENOMEM;
}

void ktlsx_tx_exit(void)
{
	kmem_cache_destroy(cache);
}
