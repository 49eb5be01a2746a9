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

int ktlsx_diag_info(struct sock *sk, struct sk_buff *skb);
size_t ktlsx_diag_info_len(const struct sock *sk);

#endif /* KTLSX_DIAG_H */
