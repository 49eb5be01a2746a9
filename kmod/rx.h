/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way in: recvmsg (rx_recv.c), splice (rx_splice.c), kernel consumers
 * (rx_read_sock.c), poll and FIONREAD (rx_poll.c), control mode (rx_control.c)
 * and the data_ready callback (rx.c).
 * Opens each record into a buffer of its own ("parked") and copies from there:
 * no byte is shown before its tag has verified.
 *
 * Everything but poll runs under the socket lock; poll reads the ready flag,
 * and takes the lock in control mode. Errors from the peer's bytes are sticky
 * here, not in sk_err, so that an alert can still be sent.
 */
#ifndef KTLSX_RX_H
#define KTLSX_RX_H

#include <linux/poll.h>
#include <linux/socket.h>

#include "control.h"
#include "framer.h"
#include "sock.h"

struct pipe_inode_info;

#define KTLSX_PARK_PIECES 5
/* For ktlsx_rx_next(): who looks does not take; it is counted as it is taken. */
#define KTLSX_UNCOUNTED KTLSX_STAT_COUNT

/**
 * struct ktlsx_parked - one verified record that nobody has read to its end
 * @buf: pieces that hold its content
 * @buf_count: pieces
 * @off: content bytes already read
 * @len: content bytes in all
 * @type: content type
 * @is_parked: there is one
 * @is_counted: it is in the counters
 * @is_shared: a pipe holds references to pieces: must not be wiped
 */
struct ktlsx_parked {
	struct ktlsx_buf buf[KTLSX_PARK_PIECES];
	u8 buf_count;
	u8 type;
	bool is_parked;
	bool is_counted;
	bool is_shared;
	u32 off;
	u32 len;
};

/* Why no record is opened although nothing is wrong. */
enum ktlsx_halt {
	KTLSX_HALT_NONE,
	KTLSX_HALT_CLOSED,	/* close_notify came: for good */
	KTLSX_HALT_KEY,		/* a KeyUpdate came, and a reader knows */
};

/* Who asks for a record, in control mode. */
enum ktlsx_reader {
	KTLSX_READER_LOOKS,	/* poll, FIONREAD: nothing is told yet */
	KTLSX_READER_PLAIN,	/* has no room for a record type */
	KTLSX_READER_HAS_ROOM,
};

/**
 * struct ktlsx_rx - receiving state of a socket with RX keys
 * @dir: keys and sequence number
 * @framer: where the next record is
 * @parked: the record being read
 * @err: first error that the peer's bytes caused; sticky; read locklessly
 * @is_told: @err is one of framing and a reader knows; read locklessly
 * @halt: enum ktlsx_halt; read locklessly
 * @is_shut: the user shut reading down
 * @has_passed: application data without content was passed over since the
 *	reader cleared this
 * @is_ready: a read would return something now; written under the socket
 *	lock, read by poll without
 * @charged: bytes charged to the socket for @parked; not 0 means that its
 *	content rested in memory while the lock was free
 * @control: what control mode keeps
 * @place: scratch for locating a record, too large for the stack
 */
struct ktlsx_rx {
	struct ktlsx_dir dir;
	struct ktlsx_framer framer;
	struct ktlsx_parked parked;
	int err;
	bool is_told;
	u8 halt;
	bool is_shut;
	bool has_passed;
	bool is_ready;
	u32 charged;
	struct ktlsx_control control;
	struct ktlsx_place place;
};

/*
 * Takes up to @len bytes from the front of @rx->parked, which is application
 * data. Returns how many; 0 it wants no more; or an errno.
 */
typedef ssize_t (*ktlsx_rx_sink_fn)(struct sock *sk, struct ktlsx_rx *rx,
				    void *sink, size_t len);

int ktlsx_rx_start(struct sock *sk, const struct ktlsx_suite *suite,
		   const u8 *info);
void ktlsx_rx_stop(struct sock *sk);
int ktlsx_rx_next(struct sock *sk, struct ktlsx_rx *rx, enum ktlsx_stat way);
int ktlsx_rx_wait(struct sock *sk, struct ktlsx_rx *rx, long *timeo,
		  bool has_some);
int ktlsx_rx_open(struct sock *sk, struct ktlsx_rx *rx, u32 ahead,
		  struct ktlsx_parked *into);
void ktlsx_parked_drop(struct ktlsx_parked *parked, bool has_rested);
void ktlsx_rx_consume(struct sock *sk, struct ktlsx_rx *rx, u32 len);
void ktlsx_rx_settle(struct sock *sk, struct ktlsx_rx *rx);
int ktlsx_rx_fail(struct sock *sk, struct ktlsx_rx *rx, int err);
ssize_t ktlsx_rx_tell(struct sock *sk, struct ktlsx_rx *rx, ssize_t ret,
		      bool may_wait);
int ktlsx_rx_next_guided(struct sock *sk, struct ktlsx_rx *rx,
			 enum ktlsx_stat way, enum ktlsx_reader reader);
void ktlsx_rx_follow(struct sock *sk, struct ktlsx_rx *rx, u32 len);
void ktlsx_rx_expire(struct sock *sk, struct ktlsx_rx *rx);
void ktlsx_rx_forget_update(struct sock *sk, struct ktlsx_rx *rx);
int ktlsx_rx_end(struct sock *sk, struct ktlsx_rx *rx);
ssize_t ktlsx_rx_stream(struct sock *sk, struct ktlsx_rx *rx,
			ktlsx_rx_sink_fn give, void *sink, size_t len,
			long timeo);
int ktlsx_rx_recvmsg(struct sock *sk, struct msghdr *msg, size_t len,
		     int flags);
ssize_t ktlsx_rx_splice_read(struct socket *sock, loff_t *ppos,
			     struct pipe_inode_info *pipe, size_t len,
			     unsigned int flags);
int ktlsx_rx_read_sock(struct sock *sk, read_descriptor_t *desc,
		       sk_read_actor_t actor);
__poll_t ktlsx_rx_poll(struct file *file, struct socket *sock,
		       struct poll_table_struct *wait);
void ktlsx_rx_release_cb(struct sock *sk);
bool ktlsx_rx_is_readable(struct sock *sk);
int ktlsx_rx_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg);
int ktlsx_rx_peek_len(struct socket *sock);
int ktlsx_rx_init(void);
void ktlsx_rx_exit(void);

#endif /* KTLSX_RX_H */
