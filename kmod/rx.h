/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way in: recvmsg (rx_recv.c), splice (rx_splice.c), poll, FIONREAD and the
 * data_ready callback (rx.c) of a socket with RX keys. Opens each record into
 * a buffer of its own ("parked") and copies from there: no byte is shown before
 * its tag has verified.
 *
 * Everything but poll runs under the socket lock; poll reads only the ready
 * flag. Errors from the peer's bytes are sticky here, not in sk_err, so that
 * an alert can still be sent.
 */
#ifndef KTLSX_RX_H
#define KTLSX_RX_H

#include <linux/poll.h>
#include <linux/socket.h>

#include "framer.h"
#include "sock.h"

struct pipe_inode_info;

#define KTLSX_PARK_PIECES 5

/**
 * struct ktlsx_parked - one verified record that nobody has read to its end
 * @buf: pieces that hold its content
 * @buf_count: pieces
 * @off: content bytes already read
 * @len: content bytes in all
 * @type: content type
 * @is_parked: there is one
 * @is_shared: a pipe holds references to pieces: must not be wiped
 */
struct ktlsx_parked {
	struct ktlsx_buf buf[KTLSX_PARK_PIECES];
	u8 buf_count;
	u8 type;
	bool is_parked;
	bool is_shared;
	u32 off;
	u32 len;
};

/**
 * struct ktlsx_rx - receiving state of a socket with RX keys
 * @dir: keys and sequence number
 * @framer: where the next record is
 * @parked: the record being read
 * @err: first error that the peer's bytes caused; sticky; read locklessly
 * @is_ready: a read would return something now; written under the socket
 *	lock, read by poll without
 * @charged: bytes charged to the socket for @parked; not 0 means that its
 *	content rested in memory while the lock was free
 * @place: scratch for locating a record, too large for the stack
 */
struct ktlsx_rx {
	struct ktlsx_dir dir;
	struct ktlsx_framer framer;
	struct ktlsx_parked parked;
	int err;
	bool is_ready;
	u32 charged;
	struct ktlsx_place place;
};

/**
 * ktlsx_rx_start() - receive by records from here on
 * @sk: attached socket without RX keys
 * @suite: what the keys are for
 * @info: the user's crypto_info struct
 *
 * Records that are queued already belong to it. Wakes pollers if one is whole.
 *
 * Context: Process context, socket lock held.
 * Return: 0; -ENOMEM.
 */
int ktlsx_rx_start(struct sock *sk, const struct ktlsx_suite *suite,
		   const u8 *info);

/**
 * ktlsx_rx_stop() - unhook, wipe and free the receiving state
 * @sk: socket that is being closed
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_rx_stop(struct sock *sk);

/**
 * ktlsx_rx_next() - have a record parked, without waiting
 * @sk: socket
 * @rx: its receiving state
 * @way: KTLSX_STAT_RX_RECV_RECORDS or KTLSX_STAT_RX_SPLICE_RECORDS
 *
 * Application data without content is passed over, anything else without
 * content is not.
 *
 * Context: Process context, socket lock held. Handles the backlog.
 * Return: 1 parked; 0 no whole record; -EBADMSG, -EMSGSIZE, -EINVAL bad record
 * (sticky); -ENOMEM; -EFAULT bytes that the CPU cannot read; -ERESTARTSYS a
 * signal came while records without content were passed over.
 */
int ktlsx_rx_next(struct sock *sk, struct ktlsx_rx *rx, enum ktlsx_stat way);

/**
 * ktlsx_rx_wait() - wait for a record when there is none
 * @sk: socket
 * @rx: its receiving state; when a record is parked, wait for more bytes
 * @timeo: time left, jiffies; updated
 * @has_some: the caller has something to return, so errors stay for later
 *
 * Other callers may do anything meanwhile: the caller starts anew.
 *
 * Context: Process context, socket lock held; released while it sleeps.
 * Return: 1 look again; 0 end of the stream or, with @has_some, no use in
 * waiting; -EAGAIN; -EINTR or -ERESTARTSYS; -ENOTCONN; the socket's error.
 */
int ktlsx_rx_wait(struct sock *sk, struct ktlsx_rx *rx, long *timeo,
		  bool has_some);

/**
 * ktlsx_rx_open() - open the record at @rx->place into buffers of its own
 * @sk: socket
 * @rx: its receiving state; @rx->place is used up
 * @ahead: records between the next one and this one
 * @into: filled in, except @into->is_parked; to be given back by
 *	ktlsx_parked_drop()
 *
 * Context: Process context, socket lock held.
 * Return: 0; -ENOMEM; -EBADMSG. On error nothing was borrowed.
 */
int ktlsx_rx_open(struct sock *sk, struct ktlsx_rx *rx, u32 ahead,
		  struct ktlsx_parked *into);

/**
 * ktlsx_parked_drop() - give the buffers of a record back
 * @parked: record; empty afterwards
 * @has_rested: its content was in memory while the lock was free: wipe it,
 *	unless a pipe has it too
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_parked_drop(struct ktlsx_parked *parked, bool has_rested);

/**
 * ktlsx_rx_consume() - step over content of the parked record
 * @rx: receiving state
 * @len: bytes; with the last one the record goes
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_rx_consume(struct ktlsx_rx *rx, u32 len);

/**
 * ktlsx_rx_settle() - leave everything true for whoever comes next
 * @sk: socket
 * @rx: its receiving state
 *
 * To be called before the lock is given up: charges what is parked and
 * recomputes the ready flag.
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_rx_settle(struct sock *sk, struct ktlsx_rx *rx);

/**
 * ktlsx_rx_recvmsg() - proto.recvmsg of a socket with RX keys
 * @sk: socket
 * @msg: where the content and the record type go
 * @len: bytes wanted
 * @flags: MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, MSG_ERRQUEUE, MSG_CMSG_COMPAT...
 *
 * Context: Process context.
 * Return: content bytes; 0 at the end of the stream; -EAGAIN; -EINTR or
 * -ERESTARTSYS; -EIO control record and no room for its type (it stays);
 * -EBADMSG, -EMSGSIZE, -EINVAL bad record (sticky); -EFAULT; -EOPNOTSUPP
 * MSG_OOB; -ENOMEM (nothing is lost).
 */
int ktlsx_rx_recvmsg(struct sock *sk, struct msghdr *msg, size_t len,
		     int flags);

/**
 * ktlsx_rx_splice_read() - proto_ops.splice_read
 * @sock: socket
 * @ppos: not used by sockets
 * @pipe: where content pages go
 * @len: bytes wanted
 * @flags: SPLICE_F_*
 *
 * Context: Process context.
 * Return: as ktlsx_rx_recvmsg(); -EINVAL control record (it stays).
 */
ssize_t ktlsx_rx_splice_read(struct socket *sock, loff_t *ppos,
			     struct pipe_inode_info *pipe, size_t len,
			     unsigned int flags);

/**
 * ktlsx_rx_poll() - proto_ops.poll
 * @file: file
 * @sock: socket
 * @wait: poll table
 *
 * Context: Process context, no lock.
 * Return: poll mask.
 */
__poll_t ktlsx_rx_poll(struct file *file, struct socket *sock,
		       struct poll_table_struct *wait);

/**
 * ktlsx_rx_is_readable() - proto.sock_is_readable
 * @sk: socket
 *
 * Context: Any context.
 * Return: whether a read would return something.
 */
bool ktlsx_rx_is_readable(struct sock *sk);

/**
 * ktlsx_rx_ioctl() - proto_ops.ioctl: FIONREAD counts content bytes
 * @sock: socket
 * @cmd: SIOCINQ is ours, all else is TCP's
 * @arg: user pointer
 *
 * Context: Process context.
 * Return: 0 or an errno, as TCP's.
 */
int ktlsx_rx_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg);

/**
 * ktlsx_rx_peek_len() - proto_ops.peek_len
 * @sock: socket
 *
 * Context: Any context.
 * Return: content bytes that are parked.
 */
int ktlsx_rx_peek_len(struct socket *sock);

/**
 * ktlsx_rx_init() - make the slab cache
 *
 * Context: Process context, at module load.
 * Return: 0; -ENOMEM.
 */
int ktlsx_rx_init(void);

/**
 * ktlsx_rx_exit() - destroy it
 *
 * Context: Process context, at unload.
 */
void ktlsx_rx_exit(void);

#endif /* KTLSX_RX_H */
