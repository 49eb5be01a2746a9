// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record on its way out. Content that is copied goes to its own place in
 * the record at once and is sealed there; pages are sealed from where they
 * are. Either way ciphertext is written once, into buffers that are laid full
 * end to end. Must not know TCP. Concurrency: socket lock.
 * Spec: RFC 8446 section 5.1
 */
#include "outgoing.h"

#include <linux/mm.h>
#include <linux/net.h>
#include <linux/uio.h>
#include <net/sock.h>

#include "stats.h"

static void drop_frags(struct ktlsx_outgoing *out)
{
	while (out->frag_head < out->frag_count)
		put_page(out->frag[out->frag_head++].page);
	out->frag_head = 0;
	out->frag_count = 0;
	out->frags_len = 0;
}

static void drop_sources(struct ktlsx_outgoing *out)
{
	unsigned int i;

	for (i = 0; i < out->source_count; i++)
		if (out->source[i].page)
			put_page(out->source[i].page);
	out->source_count = 0;
	out->content_len = 0;
}

/* A buffer with room; a partly used one only for the start of a record. */
static int refill(struct sock *sk, struct ktlsx_outgoing *out)
{
	struct ktlsx_buf *buf = &out->buf;

	if (buf->page && buf->off < buf->size)
		return 0;
	/* The frags hold references of their own. */
	if (buf->page)
		ktlsx_buf_put(buf);
	if (!out->frag_count)
		return ktlsx_buf_get_partial(sock_net(sk), buf,
					     sk->sk_allocation);
	return ktlsx_buf_get(sock_net(sk), buf, sk->sk_allocation);
}

/* Extend the room for the record to @len bytes in all. */
static int grow(struct sock *sk, struct ktlsx_outgoing *out, u32 len)
{
	struct ktlsx_buf *buf = &out->buf;

	while (out->frags_len < len) {
		struct ktlsx_frag *last = &out->frag[out->frag_count];
		int err = refill(sk, out);
		u32 n;

		if (err)
			return err;
		n = min(len - out->frags_len, buf->size - buf->off);
		if (out->frag_count && last[-1].page == buf->page &&
		    last[-1].off + last[-1].len == buf->off) {
			last[-1].len += n;
		} else {
			if (WARN_ON_ONCE(out->frag_count == KTLSX_OUT_FRAGS))
				return -ENOMEM;
			get_page(buf->page);
			last->page = buf->page;
			last->off = buf->off;
			last->len = n;
			out->frag_count++;
		}
		buf->off += n;
		out->frags_len += n;
	}
	return 0;
}

/* Give back room that a fault left unused. */
static void trim(struct ktlsx_outgoing *out, u32 len)
{
	while (out->frags_len > len) {
		struct ktlsx_frag *last = &out->frag[out->frag_count - 1];
		u32 n = min(last->len, out->frags_len - len);

		last->len -= n;
		out->frags_len -= n;
		if (last->page == out->buf.page)
			out->buf.off -= n;
		if (!last->len) {
			put_page(last->page);
			out->frag_count--;
		}
	}
}

/* The run of room that begins @pos bytes into the record. */
static struct ktlsx_span room_at(const struct ktlsx_outgoing *out, u32 pos)
{
	const struct ktlsx_frag *frag = out->frag;
	struct ktlsx_span run;

	while (pos >= frag->len)
		pos -= frag++->len;
	run.base = page_address(frag->page) + frag->off + pos;
	run.len = frag->len - pos;
	return run;
}

static void add_source(struct ktlsx_outgoing *out, struct page *page, u32 off,
		       u32 len)
{
	struct ktlsx_source *last = &out->source[out->source_count];

	out->content_len += len;
	if (out->source_count && !page && !last[-1].page) {
		last[-1].len += len;
		return;
	}
	last->page = page;
	last->off = off;
	last->len = len;
	out->source_count++;
}

static int add_copy(struct ktlsx_outgoing *out, const struct ktlsx_suite *suite,
		    const struct ktlsx_feed *feed, u32 len)
{
	u32 pos = suite->prefix_len + out->content_len;
	u32 done = 0;

	while (done < len) {
		struct ktlsx_span run = room_at(out, pos + done);
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
	add_source(out, NULL, 0, done);
	return done;
}

static bool may_refer(const struct ktlsx_outgoing *out,
		      const struct ktlsx_feed *feed)
{
	/* The last entry stays free for bytes that are copied. */
	return feed->page && sendpage_ok(feed->page) &&
	       out->source_count < KTLSX_OUT_SOURCES - 1;
}

/**
 * ktlsx_outgoing_add() - take what fits of offered content
 * @sk: socket
 * @out: record, not sealed; opened if it is not open
 * @suite: what it will be sealed for
 * @content_max: bytes of content that a record may have
 * @feed: what is offered, advanced by what was taken
 *
 * Once this succeeds, sealing cannot fail: all room is there.
 *
 * Context: Process context, socket lock held.
 * Return: bytes taken; -ENOMEM, -EFAULT nothing was taken.
 */
int ktlsx_outgoing_add(struct sock *sk, struct ktlsx_outgoing *out,
		       const struct ktlsx_suite *suite, u32 content_max,
		       struct ktlsx_feed *feed)
{
	int taken;
	u32 len;

	if (!out->is_open) {
		out->is_open = true;
		out->type = feed->type;
	}
	len = min_t(size_t, feed->left, content_max - out->content_len);
	taken = grow(sk, out, ktlsx_record_len(suite, out->content_len + len));
	if (!taken && may_refer(out, feed)) {
		get_page(feed->page);
		add_source(out, feed->page, feed->off, len);
		taken = len;
	} else if (!taken) {
		taken = add_copy(out, suite, feed, len);
	}
	if (taken > 0) {
		out->way = feed->way;
		feed->off += taken;
		feed->left -= taken;
	} else if (!out->content_len) {
		trim(out, 0);
		out->is_open = false;
	}
	return taken;
}

static unsigned int list_sources(const struct ktlsx_outgoing *out, u32 pos,
				 struct ktlsx_span *src)
{
	unsigned int count = 0;
	unsigned int i;

	for (i = 0; i < out->source_count; i++) {
		const struct ktlsx_source *source = &out->source[i];
		u32 left = source->len;

		if (source->page) {
			src[count].base = page_address(source->page) +
					  source->off;
			src[count++].len = left;
			pos += left;
			continue;
		}
		while (left) {
			struct ktlsx_span run = room_at(out, pos);

			run.len = min_t(size_t, run.len, left);
			src[count++] = run;
			left -= run.len;
			pos += run.len;
		}
	}
	return count;
}

static void count_sealed(struct net *net, const struct ktlsx_outgoing *out)
{
	static const enum ktlsx_stat records[] = {
		[KTLSX_WAY_SEND] = KTLSX_STAT_TX_SEND_RECORDS,
		[KTLSX_WAY_SENDFILE] = KTLSX_STAT_TX_SENDFILE_RECORDS,
		[KTLSX_WAY_CONTROL] = KTLSX_STAT_TX_CONTROL_RECORDS,
	};
	static const enum ktlsx_stat bytes[] = {
		[KTLSX_WAY_SEND] = KTLSX_STAT_TX_SEND_BYTES,
		[KTLSX_WAY_SENDFILE] = KTLSX_STAT_TX_SENDFILE_BYTES,
		[KTLSX_WAY_CONTROL] = KTLSX_STAT_TX_CONTROL_BYTES,
	};

	ktlsx_stat_add(net, records[out->way], 1);
	ktlsx_stat_add(net, bytes[out->way], out->content_len);
}

/**
 * ktlsx_outgoing_seal() - seal the open record
 * @sk: socket
 * @out: record, open
 * @dir: keys; advanced
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_outgoing_seal(struct sock *sk, struct ktlsx_outgoing *out,
			 struct ktlsx_dir *dir)
{
	struct ktlsx_span src[KTLSX_OUT_SOURCES + KTLSX_OUT_FRAGS + 1]
		port_uninitialized;
	struct ktlsx_span dst[KTLSX_OUT_FRAGS] port_uninitialized;
	const struct ktlsx_aead_engine *engine;
	unsigned int src_count;
	unsigned int i;

	trim(out, ktlsx_record_len(dir->suite, out->content_len));
	for (i = 0; i < out->frag_count; i++) {
		dst[i].base = page_address(out->frag[i].page) +
			      out->frag[i].off;
		dst[i].len = out->frag[i].len;
	}
	src_count = list_sources(out, dir->suite->prefix_len, src);

	engine = ktlsx_aead_enter(dir->aead);
	ktlsx_record_seal(dir, out->type, src, src_count, out->content_len,
			  dst, engine);
	ktlsx_aead_leave(engine);

	if (unlikely(engine != dir->aead->fast))
		ktlsx_stat_add(sock_net(sk), KTLSX_STAT_TX_FALLBACK, 1);
	count_sealed(sock_net(sk), out);
	drop_sources(out);
	out->is_open = false;
}

/**
 * ktlsx_outgoing_len() - bytes that the record holds in memory
 * @out: record, open, sealed or none
 *
 * Context: Socket lock held.
 * Return: bytes, to be charged while they rest.
 */
u32 ktlsx_outgoing_len(const struct ktlsx_outgoing *out)
{
	u32 len = 0;
	unsigned int i;

	for (i = out->frag_head; i < out->frag_count; i++)
		len += out->frag[i].len;
	return len;
}

/**
 * ktlsx_outgoing_taken() - TCP took bytes of the first frag that was left
 * @out: record, sealed
 * @len: how many
 *
 * Context: Socket lock held.
 */
void ktlsx_outgoing_taken(struct ktlsx_outgoing *out, u32 len)
{
	struct ktlsx_frag *frag = &out->frag[out->frag_head];

	frag->off += len;
	frag->len -= len;
	if (frag->len)
		return;
	put_page(frag->page);
	out->frag_head++;
	if (out->frag_head == out->frag_count)
		drop_frags(out);
}

/**
 * ktlsx_outgoing_rest() - the lock is about to go: keep nothing for speed
 * @out: record, open, sealed or none
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_outgoing_rest(struct ktlsx_outgoing *out)
{
	if (!out->is_open && out->buf.page)
		ktlsx_buf_put_partial(&out->buf);
}

/**
 * ktlsx_outgoing_drop() - let go of everything; the connection is over
 * @out: record, open, sealed or none
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_outgoing_drop(struct ktlsx_outgoing *out)
{
	drop_sources(out);
	drop_frags(out);
	out->is_open = false;
	ktlsx_outgoing_rest(out);
}
