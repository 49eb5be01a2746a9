/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the test "consumer" asks of its kernel module, by ioctl on
 * /dev/ktlsx_consumer. Must not know: ktlsx. Concurrency: one program at a time.
 */
#ifndef KTLSX_CONSUMER_H
#define KTLSX_CONSUMER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define CONSUMER_NODE "/dev/ktlsx_consumer"
#define CONSUMER_LEN_MAX (1 << 20)

#define CONSUMER_KEEP 0x1	/* hold on to every skb until CONSUMER_KEPT */
#define CONSUMER_SOFTIRQ 0x2	/* call as from softirq */

/*
 * @fd: socket
 * @flags: CONSUMER_*
 * @len: bytes wanted in all
 * @step_len: bytes taken of one skb at a time, 0 for all of it
 * @fail: what the actor answers, in place of taking anything, if not 0
 * @buf: where they go
 * @ret: out: what read_sock returned
 * @calls: out: how often the actor ran
 */
struct consumer_read {
	__s32 fd;
	__u32 flags;
	__u32 len;
	__u32 step_len;
	__s32 fail;
	__s32 ret;
	__u32 calls;
	__u32 reserved;
	__u64 buf;
};

/* Read once, as read_sock does it. */
#define CONSUMER_READ _IOWR('k', 1, struct consumer_read)
/* Take sk_user_data and sk_data_ready of the socket; or give them back. */
#define CONSUMER_HOOK _IOW('k', 2, __s32)
#define CONSUMER_UNHOOK _IO('k', 3)
/* How often sk_data_ready came. */
#define CONSUMER_READY _IO('k', 4)
/* Copy out again what the kept skbs hold, and let them go; @buf, @len. */
#define CONSUMER_KEPT _IOWR('k', 5, struct consumer_read)

#endif /* KTLSX_CONSUMER_H */
