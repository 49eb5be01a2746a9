/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the next record lies in TCP's receive queue. Works in place, derives
 * its position from copied_seq each time, bounds every index; when a record
 * cannot become whole in the queue, copies it out. Knows nothing of keys,
 * content or readers.
 *
 * All calls: socket lock held (its spinlock in softirq).
 * Spec: RFC 8446 section 5.1, RFC 5246 section 6.2.1
 */
#ifndef KTLSX_FRAMER_H
#define KTLSX_FRAMER_H

#include "pool.h"
#include "record.h"
#include "sock.h"

#define KTLSX_COPY_PIECES 5	/* a record in single pages */

/**
 * struct ktlsx_framer - framing state of one socket
 * @suite: for header limits
 * @err: first framing error; stops the framer for good
 * @record_len: bytes of the next record, 0 while its header is incomplete
 * @seq: copied_seq when the framer last looked; others may take bytes too
 * @copy: pieces that hold a record which is being copied out; off is how much
 *	of a piece is filled
 * @copy_count: pieces in @copy; 0 when the record lies in the queue
 * @is_postponed: a copy is due as soon as the backlog is processed
 * @copy_len: bytes copied out so far
 * @charged: bytes charged to the socket for @copy
 * @hearer_count: who wants to hear of every byte, see ktlsx_framer_hear()
 * @lowat: SO_RCVLOWAT of the user, put aside while there are hearers
 */
struct ktlsx_framer {
	const struct ktlsx_suite *suite;
	int err;
	u32 record_len;
	u32 seq;
	struct ktlsx_buf copy[KTLSX_COPY_PIECES];
	u8 copy_count;
	bool is_postponed;
	u32 copy_len;
	u32 charged;
	u32 hearer_count;
	int lowat;
};

/**
 * struct ktlsx_place - where one whole record lies
 * @span: its bytes, in order
 * @span_count: entries used
 * @record_len: bytes in all
 */
struct ktlsx_place {
	struct ktlsx_span span[KTLSX_SRC_SPANS_MAX];
	unsigned int span_count;
	u32 record_len;
};

int ktlsx_framer_check(struct sock *sk, struct ktlsx_framer *framer, gfp_t gfp);
int ktlsx_framer_place(struct sock *sk, struct ktlsx_framer *framer,
		       u32 skip_len, gfp_t gfp, struct ktlsx_place *place);
void ktlsx_framer_take(struct sock *sk, struct ktlsx_framer *framer);
void ktlsx_framer_discard(struct sock *sk, struct ktlsx_framer *framer,
			  gfp_t gfp);
void ktlsx_framer_hear(struct sock *sk, struct ktlsx_framer *framer);
void ktlsx_framer_unhear(struct sock *sk, struct ktlsx_framer *framer);
int ktlsx_framer_lowat(const struct sock *sk,
		       const struct ktlsx_framer *framer);
void ktlsx_framer_fini(struct sock *sk, struct ktlsx_framer *framer);

#endif /* KTLSX_FRAMER_H */
