/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One record on its way out: first open, taking content by copy or by
 * reference, then sealed in pooled buffers, until TCP has it whole. Knows
 * nothing of TCP, waiting, or when to seal. Socket lock held for all calls.
 */
#ifndef KTLSX_OUTGOING_H
#define KTLSX_OUTGOING_H

#include "pool.h"
#include "record.h"

struct iov_iter;
struct sock;

#define KTLSX_OUT_FRAGS 7	/* a full record in single pages, unaligned */
#define KTLSX_OUT_SOURCES 16	/* what is beyond is copied */

/**
 * struct ktlsx_frag - a run of record bytes in a pooled buffer
 * @page: head page, one reference held
 * @off: from the start of @page
 * @len: bytes
 */
struct ktlsx_frag {
	struct page *page;
	u32 off;
	u32 len;
};

/**
 * struct ktlsx_source - a run of content of the open record
 * @page: page to be sealed from, one reference held; NULL: the bytes were
 *	copied to their own place in the record
 * @off: from the start of @page
 * @len: bytes
 */
struct ktlsx_source {
	struct page *page;
	u32 off;
	u32 len;
};

/* By which call the content came: says what to count. */
enum ktlsx_way {
	KTLSX_WAY_SEND,
	KTLSX_WAY_SENDFILE,
	KTLSX_WAY_CONTROL,
};

/**
 * struct ktlsx_outgoing - the one record that a socket has on its way out
 * @buf: buffer being filled, held only while the record is open
 * @frag: where the record's bytes are
 * @frag_head: first entry that TCP has not taken whole
 * @frag_count: entries in use, taken ones included
 * @frags_len: record bytes that @frag has room for
 * @content_len: bytes in @source
 * @source: content of the open record, in order
 * @source_count: entries in @source
 * @type: content type
 * @way: how its last content came
 * @is_open: content may still be added; else, with frags, it is sealed
 */
struct ktlsx_outgoing {
	struct ktlsx_buf buf;
	struct ktlsx_frag frag[KTLSX_OUT_FRAGS];
	u8 frag_head;
	u8 frag_count;
	u8 source_count;
	u8 type;
	u8 way;
	bool is_open;
	u32 frags_len;
	u32 content_len;
	struct ktlsx_source source[KTLSX_OUT_SOURCES];
};

/**
 * struct ktlsx_feed - content offered by one call
 * @iter: user memory to copy from; NULL when @page is given
 * @page: page to be sealed from
 * @off: from the start of @page
 * @left: bytes still to be taken
 * @flags: MSG_* of the call
 * @type: content type
 * @way: what to count it as
 */
struct ktlsx_feed {
	struct iov_iter *iter;
	struct page *page;
	u32 off;
	size_t left;
	int flags;
	u8 type;
	enum ktlsx_way way;
};

/**
 * ktlsx_outgoing_is_sealed() - does a sealed record wait for TCP?
 * @out: record
 *
 * Context: Socket lock held.
 * Return: whether some of it is left.
 */
static inline bool ktlsx_outgoing_is_sealed(const struct ktlsx_outgoing *out)
{
	return !out->is_open && out->frag_count;
}

u32 ktlsx_outgoing_len(const struct ktlsx_outgoing *out);
int ktlsx_outgoing_add(struct sock *sk, struct ktlsx_outgoing *out,
		       const struct ktlsx_suite *suite, u32 content_max,
		       struct ktlsx_feed *feed);
void ktlsx_outgoing_seal(struct sock *sk, struct ktlsx_outgoing *out,
			 struct ktlsx_dir *dir);
void ktlsx_outgoing_taken(struct ktlsx_outgoing *out, u32 len);
void ktlsx_outgoing_rest(struct ktlsx_outgoing *out);
void ktlsx_outgoing_drop(struct ktlsx_outgoing *out);

#endif /* KTLSX_OUTGOING_H */
