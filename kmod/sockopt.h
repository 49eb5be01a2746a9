/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOL_TLS options of an attached socket: copy in, check, hand to tx and rx.
 * Takes the socket lock itself; sockopt_control.c, with the options from 0x100
 * on, is called with it. Spec: uapi/linux/ktlsx.h, <linux/tls.h>.
 */
#ifndef KTLSX_SOCKOPT_H
#define KTLSX_SOCKOPT_H

#include <linux/sockptr.h>

struct sock;

int ktlsx_sockopt_set(struct sock *sk, int optname, sockptr_t optval,
		      unsigned int optlen);
int ktlsx_sockopt_get(struct sock *sk, int optname, char __user *optval,
		      int __user *optlen);
int ktlsx_sockopt_copy_switch(sockptr_t optval, unsigned int optlen, u32 *value);
int ktlsx_sockopt_put_value(char __user *optval, int len, const void *value,
			    int value_len);
int ktlsx_sockopt_control_set(struct sock *sk, int optname, sockptr_t optval,
			      unsigned int optlen);
int ktlsx_sockopt_control_get(struct sock *sk, int optname,
			      char __user *optval, int __user *optlen, int len);

#endif /* KTLSX_SOCKOPT_H */
