/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replacing the keys of a direction while the connection goes on. Knows what
 * must be over before, not who asks. Socket lock held for all calls.
 * Spec: RFC 8446 section 4.6.3
 */
#ifndef KTLSX_REKEY_H
#define KTLSX_REKEY_H

#include <linux/types.h>

struct sock;

int ktlsx_rekey_tx(struct sock *sk, const u8 *info);
int ktlsx_rekey_rx(struct sock *sk, const u8 *info);

#endif /* KTLSX_REKEY_H */
