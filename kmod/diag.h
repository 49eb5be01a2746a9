/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ss(8) shows of an attached socket: version, cipher, directions.
 * Runs without the socket lock. Spec: INET_ULP_INFO_TLS of <linux/tls.h>.
 */
#ifndef KTLSX_DIAG_H
#define KTLSX_DIAG_H

#include <linux/types.h>

struct sk_buff;
struct sock;

/**
 * ktlsx_diag_info() - fill in the attributes
 * @sk: socket, perhaps on its way out
 * @skb: netlink message
 *
 * Context: Any context, no lock.
 * Return: 0; -EMSGSIZE no room.
 */
int ktlsx_diag_info(struct sock *sk, struct sk_buff *skb);

/**
 * ktlsx_diag_info_len() - room that ktlsx_diag_info() needs
 * @sk: socket
 *
 * Context: Any context.
 * Return: bytes.
 */
size_t ktlsx_diag_info_len(const struct sock *sk);

#endif /* KTLSX_DIAG_H */
