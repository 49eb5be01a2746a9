/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Choose a callback by the type of the slot it goes into, so that a changed
 * signature needs no version and survives backports. Both candidates must
 * compile on every kernel. No state, no concurrency.
 */
#ifndef KTLSX_COMPAT_PICK_H
#define KTLSX_COMPAT_PICK_H

#include <linux/types.h>

struct msghdr;
struct sk_buff;
struct sock;

#define KTLSX_PICK(slot, fn_new, fn_old)				\
	__builtin_choose_expr(						\
		__builtin_types_compatible_p(typeof(slot),		\
					     typeof(&(fn_new))),	\
		fn_new, fn_old)

/* proto.recvmsg lost @addr_len, which TCP never looked at. */
#define KTLSX_RECVMSG_WITH_ADDR_LEN(name, fn)				\
	static int name(struct sock *sk, struct msghdr *msg, size_t len,	\
			int flags, int *addr_len)			\
	{								\
		return fn(sk, msg, len, flags);				\
	}

/* tcp_ulp_ops.get_info and get_info_size gained @net_admin. */
#define KTLSX_GET_INFO_WITH_ADMIN(name, fn)				\
	static int name(struct sock *sk, struct sk_buff *skb, bool net_admin) \
	{								\
		return fn(sk, skb);					\
	}
#define KTLSX_GET_INFO_SIZE_WITH_ADMIN(name, fn)			\
	static size_t name(const struct sock *sk, bool net_admin)	\
	{								\
		return fn(sk);						\
	}

#endif /* KTLSX_COMPAT_PICK_H */
