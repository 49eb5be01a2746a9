/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out: what a socket with TX keys does with plaintext. Cuts it into
 * records, hands the sealed ones to TCP, and keeps what TCP would not take
 * until it does (tx.c); takes messages (tx_sendmsg.c); says goodbye (tx_end.c).
 * Knows nothing of receiving.
 *
 * All state is under the socket lock. No call waits with a record half built
 * by one caller; after each wait everything is derived again.
 */
#ifndef KTLSX_TX_H
#define KTLSX_TX_H

#include <linux/socket.h>

#include "outgoing.h"
#include "sock.h"

/**
 * struct ktlsx_tx - sending state of a socket with TX keys
 * @dir: keys and sequence number
 * @out: the record on its way out
 * @charged: bytes charged to the socket for @out
 * @is_waiting: TCP did not take all of the sealed record; read locklessly
 * @is_shut: shutdown() came: nothing more is taken
 * @has_ended: close_notify or a fatal alert was sent
 * @is_pushing: a push is under way; write_space must not start another
 * @is_corked: TCP_NAGLE_CORK was set by us, not by the user
 * @is_forced: the push under way is not bound by the send buffer
 */
struct ktlsx_tx {
	struct ktlsx_dir dir;
	struct ktlsx_outgoing out;
	u32 charged;
	bool is_waiting;
	bool is_shut;
	bool has_ended;
	bool is_pushing;
	bool is_corked;
	bool is_forced;
};

int ktlsx_tx_start(struct sock *sk, const struct ktlsx_suite *suite,
		   const u8 *info);
void ktlsx_tx_stop(struct sock *sk);
ssize_t ktlsx_tx_feed(struct sock *sk, struct ktlsx_feed *feed);
int ktlsx_tx_sendmsg(struct sock *sk, struct msghdr *msg, size_t size);
void ktlsx_tx_splice_eof(struct socket *sock);
void ktlsx_tx_rest(struct sock *sk, struct ktlsx_tx *tx);
int ktlsx_tx_push(struct sock *sk, struct ktlsx_tx *tx, int flags);
void ktlsx_tx_close_record(struct sock *sk, struct ktlsx_tx *tx, int flags);
void ktlsx_tx_end_batch(struct sock *sk, struct ktlsx_tx *tx);
void ktlsx_tx_shut(struct sock *sk);
void ktlsx_tx_finish(struct sock *sk);
bool ktlsx_tx_has_room(const struct sock *sk, int wake);
void ktlsx_tx_uncork(struct sock *sk);
bool ktlsx_tx_has_open_record(const struct sock *sk);
int ktlsx_tx_init(void);
void ktlsx_tx_exit(void);

/* In the file that this kernel's TCP needs: tx_sendpage.c or tx_splice.c. */
void ktlsx_tx_wire_pages(struct proto *prot, struct proto_ops *ops,
			 bool has_keys);

#endif /* KTLSX_TX_H */
