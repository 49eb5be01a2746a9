/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out: what a socket with TX keys does with plaintext. Cuts it into
 * records, seals each into pooled buffers, hands the ciphertext to TCP, and
 * keeps what TCP would not take until it does. Knows nothing of receiving.
 *
 * All state is under the socket lock. No call waits with a record half built
 * by one caller; after each wait everything is derived again.
 */
#ifndef KTLSX_TX_H
#define KTLSX_TX_H

#include <linux/socket.h>

#include "pool.h"
#include "sock.h"

#define KTLSX_TX_FRAGS 7	/* a full record in single pages, unaligned */
#define KTLSX_TX_SOURCES 16	/* what is beyond is copied */

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
enum ktlsx_tx_way {
	KTLSX_TX_SEND,
	KTLSX_TX_SENDFILE,
	KTLSX_TX_CONTROL,
};

/**
 * struct ktlsx_tx - sending state of a socket with TX keys
 * @dir: keys and sequence number
 * @buf: buffer being filled, held only while a record is open
 * @frag: first the sealed record that TCP has not taken whole, or else the
 *	open record; never both
 * @frag_head: first entry not yet given to TCP
 * @frag_count: entries in use, given ones included
 * @frags_len: record bytes that @frag has room for
 * @source: content of the open record, in order
 * @source_count: entries in @source
 * @content_len: bytes in @source
 * @charged: bytes charged to the socket
 * @type: content type of the open record
 * @way: how the last content of the open record came
 * @is_open: a record is open
 * @is_waiting: TCP did not take all of the sealed record; read locklessly
 * @is_shut: shutdown() came: nothing more is taken
 * @is_pushing: a push is under way; write_space must not start another
 * @is_forced: the push under way is not bound by the send buffer
 */
struct ktlsx_tx {
	struct ktlsx_dir dir;
	struct ktlsx_buf buf;
	struct ktlsx_frag frag[KTLSX_TX_FRAGS];
	u8 frag_head;
	u8 frag_count;
	u32 frags_len;
	struct ktlsx_source source[KTLSX_TX_SOURCES];
	u8 source_count;
	u32 content_len;
	u32 charged;
	u8 type;
	u8 way;
	bool is_open;
	bool is_waiting;
	bool is_shut;
	bool is_pushing;
	bool is_forced;
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
	enum ktlsx_tx_way way;
};

/**
 * ktlsx_tx_start() - send by records from here on
 * @sk: attached socket without TX keys
 * @suite: what the keys are for
 * @info: the user's crypto_info struct
 *
 * Context: Process context, socket lock held.
 * Return: 0; -EBUSY another thread sleeps inside a plain send, whose bytes
 * would follow; -ENOMEM.
 */
int ktlsx_tx_start(struct sock *sk, const struct ktlsx_suite *suite,
		   const u8 *info);

/**
 * ktlsx_tx_stop() - flush, unhook, wipe and free the sending state
 * @sk: socket that is being closed
 *
 * Every accepted byte goes to TCP whatever the send buffer says.
 *
 * Context: Process context, socket lock held.
 */
void ktlsx_tx_stop(struct sock *sk);

/**
 * ktlsx_tx_feed() - take content into records and send them
 * @sk: socket with TX keys
 * @feed: what is offered; advanced by what was taken
 *
 * Context: Process context, socket lock held; may release it to wait.
 * Return: bytes taken; -EAGAIN, -EINTR, -ERESTARTSYS, -EPIPE and sk_err as
 * TCP's; -EFAULT; -ENOMEM; -EBADMSG sequence numbers used up.
 */
ssize_t ktlsx_tx_feed(struct sock *sk, struct ktlsx_feed *feed);

/**
 * ktlsx_tx_sendmsg() - proto.sendmsg of every attached socket
 * @sk: socket
 * @msg: content; TLS_SET_RECORD_TYPE sets its type
 * @size: bytes
 *
 * Attached sockets without keys come here too, so that a caller who waits for
 * the lock while keys are installed is not sent on in the clear.
 *
 * Context: Process context.
 * Return: as ktlsx_tx_feed(); -EOPNOTSUPP unknown flag; -EINVAL bad control
 * message or one with MSG_MORE.
 */
int ktlsx_tx_sendmsg(struct sock *sk, struct msghdr *msg, size_t size);

/**
 * ktlsx_tx_splice_eof() - proto.splice_eof: the pipe has no more
 * @sock: socket; a record that was left open for more is sent
 *
 * Context: Process context.
 */
void ktlsx_tx_splice_eof(struct socket *sock);

/**
 * ktlsx_tx_shutdown() - proto_ops.shutdown: flush before the FIN
 * @sock: socket
 * @how: SHUT_RD, SHUT_WR or SHUT_RDWR
 *
 * Context: Process context.
 * Return: TCP's answer.
 */
int ktlsx_tx_shutdown(struct socket *sock, int how);

/**
 * ktlsx_tx_has_room() - proto.stream_memory_free: may more be written?
 * @sk: socket
 * @wake: as TCP's
 *
 * Context: Any context, also without the lock (poll).
 * Return: false while TCP's limits say so or sealed bytes wait for TCP.
 */
bool ktlsx_tx_has_room(const struct sock *sk, int wake);

/**
 * ktlsx_tx_has_open_record() - is content waiting for MSG_MORE's other half?
 * @sk: socket
 *
 * Context: Socket lock held.
 * Return: whether a record is open.
 */
bool ktlsx_tx_has_open_record(const struct sock *sk);

/**
 * ktlsx_tx_push_page() - give TCP a run of sealed bytes
 * @sk: socket
 * @page: head page; TCP takes references of its own
 * @off: from the start of @page
 * @len: bytes
 * @flags: MSG_* for TCP; MSG_DONTWAIT is set
 *
 * Lives in the file that this kernel's TCP needs (tx_sendpage.c).
 *
 * Context: Socket lock held; any context.
 * Return: bytes taken, -EAGAIN, or TCP's error.
 */
ssize_t ktlsx_tx_push_page(struct sock *sk, struct page *page, u32 off,
			   u32 len, int flags);

/**
 * ktlsx_tx_wire_pages() - set the entry points by which pages reach a socket
 * @prot: row of proto functions
 * @ops: row of socket functions
 * @has_keys: the row is for sockets with TX keys
 *
 * Lives in the file that this kernel's TCP needs (tx_sendpage.c).
 *
 * Context: Process context, at module load.
 */
void ktlsx_tx_wire_pages(struct proto *prot, struct proto_ops *ops,
			 bool has_keys);

/**
 * ktlsx_tx_init() - make the slab cache
 *
 * Context: Process context, at module load.
 * Return: 0; -ENOMEM.
 */
int ktlsx_tx_init(void);

/**
 * ktlsx_tx_exit() - destroy it
 *
 * Context: Process context, at unload.
 */
void ktlsx_tx_exit(void);

#endif /* KTLSX_TX_H */
