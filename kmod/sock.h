/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The per-socket context and its lifetime: made at attach, given keys, taken
 * apart at close, freed after a grace period when TCP lets the socket go.
 * Knows nothing of how records are sent or received.
 *
 * All state is under the socket lock. Softirq (sk_data_ready, sk_write_space)
 * runs with that lock's spinlock held. Lockless readers (poll, diag) see only
 * what is marked so.
 */
#ifndef KTLSX_SOCK_H
#define KTLSX_SOCK_H

#include <linux/rcupdate.h>
#include <linux/timer.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>

#include "pool.h"
#include "record.h"
#include "stats.h"

struct ktlsx_rx;
struct ktlsx_tx;

/* Which directions have keys: an index into the table of ktlsx_wiring. */
enum ktlsx_mode {
	KTLSX_BASE = 0,
	KTLSX_MODE_TX = 1,
	KTLSX_MODE_RX = 2,
	KTLSX_MODE_COUNT = 4
};

/* Socket callbacks that a direction replaces. */
enum ktlsx_callback {
	KTLSX_DATA_READY,
	KTLSX_WRITE_SPACE,
	KTLSX_CALLBACK_COUNT
};

/**
 * struct ktlsx_wiring - the entry points of a socket family, by mode
 * @prot: protocol functions
 * @ops: socket functions
 */
struct ktlsx_wiring {
	const struct proto *prot[KTLSX_MODE_COUNT];
	const struct proto_ops *ops[KTLSX_MODE_COUNT];
};

/**
 * struct ktlsx_sock - what an attached socket has beyond TCP's own
 * @base_callback: what sk_data_ready was before TLS_RX, and sk_write_space
 *	before TLS_TX
 * @base_prot: TCP's functions; constant
 * @base_ops: TCP's socket functions; constant
 * @wiring: rows to publish; constant
 * @tx: sending state, NULL until TLS_TX; constant from then to close
 * @rx: receiving state, NULL until TLS_RX; constant from then to close
 * @tx_retry: TCP had no memory for what waits; set and stopped under the
 *	socket's spinlock while @tx is there; holds a reference to the socket
 * @sk: the socket, for @tx_retry
 * @version: TLS_1_x_VERSION of the keys, 0 without; read locklessly
 * @cipher_type: TLS_CIPHER_* of the keys, 0 without; read locklessly
 * @mode: directions with keys; read locklessly
 * @tx_payload_len_max: content bytes in a sealed record; read locklessly
 * @tx_zerocopy_ro: TLS_TX_ZEROCOPY_RO as set; has no effect in software
 * @rx_no_pad: TLS_RX_EXPECT_NO_PAD as set; read locklessly
 * @is_control: KTLSX_CONTROL as set; read locklessly
 * @is_write_only: KTLSX_KEYS_WRITE_ONLY as set
 * @has_failed: the peer's bytes ended receiving by an error: nothing more is
 *	said to him unasked
 * @rcu: diag may look at the context without a lock until a grace period ends
 */
struct ktlsx_sock {
	void (*base_callback[KTLSX_CALLBACK_COUNT])(struct sock *sk);
	struct proto *base_prot;
	const struct proto_ops *base_ops;
	const struct ktlsx_wiring *wiring;
	struct ktlsx_tx *tx;
	struct ktlsx_rx *rx;
	struct timer_list tx_retry;
	struct sock *sk;
	u16 version;
	u16 cipher_type;
	u16 tx_payload_len_max;
	u8 mode;
	bool tx_zerocopy_ro;
	bool rx_no_pad;
	bool is_control;
	bool is_write_only;
	bool has_failed;
	struct rcu_head rcu;
};

/**
 * ktlsx_sock_of() - the context of an attached socket
 * @sk: socket
 *
 * Context: Socket lock held, or inside a call that keeps the socket open.
 * Return: the context.
 */
static inline struct ktlsx_sock *ktlsx_sock_of(const struct sock *sk)
{
	return (__force void *)inet_csk(sk)->icsk_ulp_data;
}

int ktlsx_sock_attach(struct sock *sk, const struct ktlsx_wiring *wiring);
void ktlsx_sock_release(struct sock *sk);
void ktlsx_sock_publish(struct sock *sk, enum ktlsx_mode mode);
void ktlsx_sock_unpublish(struct sock *sk);
void ktlsx_sock_hook(struct sock *sk, enum ktlsx_callback which,
		     void (*fn)(struct sock *sk));
void ktlsx_sock_unhook(struct sock *sk, enum ktlsx_callback which,
		       void (*fn)(struct sock *sk));
void ktlsx_sock_charge(struct sock *sk, u32 *charged, u32 now);
int ktlsx_sock_init(void);
void ktlsx_sock_exit(void);

#endif /* KTLSX_SOCK_H */
