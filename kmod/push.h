/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How this kernel's TCP takes pages of ciphertext. The file behind it is
 * chosen in Kbuild: push_sendpages.c where TCP has do_tcp_sendpages(), else
 * push_splice.c.
 * Socket lock held.
 */
#ifndef KTLSX_PUSH_H
#define KTLSX_PUSH_H

#include <linux/types.h>

struct page;
struct sock;

ssize_t ktlsx_push_page(struct sock *sk, struct page *page, u32 off, u32 len,
			int flags);

#endif /* KTLSX_PUSH_H */
