/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOL_TLS options of an attached socket: copy in, check, hand to tx and rx.
 * Takes the socket lock itself. Spec: uapi/linux/ktlsx.h, <linux/tls.h>.
 */
#ifndef KTLSX_SOCKOPT_H
#define KTLSX_SOCKOPT_H

#include <linux/sockptr.h>

struct sock;

/**
 * ktlsx_sockopt_set() - setsockopt at level SOL_TLS
 * @sk: attached socket
 * @optname: TLS_*
 * @optval: value
 * @optlen: bytes at @optval
 *
 * Context: Process context, socket lock not held.
 * Return: 0; -EINVAL wrong size, value, version or cipher, not the version or
 * cipher of the other direction, a psock is attached, or the socket is in
 * repair mode; -EBUSY keys are there already, a plain send sleeps, or a record
 * is open (TLS_TX_MAX_PAYLOAD_LEN); -ENOENT a cipher that this build lacks;
 * -EFAULT; -ENOMEM; -ENOPROTOOPT unknown option.
 */
int ktlsx_sockopt_set(struct sock *sk, int optname, sockptr_t optval,
		      unsigned int optlen);

/**
 * ktlsx_sockopt_get() - getsockopt at level SOL_TLS
 * @sk: attached socket
 * @optname: TLS_*
 * @optval: out
 * @optlen: in: bytes at @optval
 *
 * Keys are given in full, with the current IV and sequence number, or as the
 * bare struct tls_crypto_info, by size.
 *
 * Context: Process context, socket lock not held.
 * Return: 0; -EINVAL wrong size, or an option that the version does not have;
 * -EBUSY no keys yet; -EFAULT; -ENOPROTOOPT unknown option.
 */
int ktlsx_sockopt_get(struct sock *sk, int optname, char __user *optval,
		      int __user *optlen);

#endif /* KTLSX_SOCKOPT_H */
