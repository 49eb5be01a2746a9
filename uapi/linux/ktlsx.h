/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The user interface of ktlsx: a superset of <linux/tls.h>.
 *
 * SOL_TLS options 1 to 5, control messages 1 and 2, the tls12_crypto_info_*
 * structs, cipher ids 51 to 58 and TLS_INFO_* are the in-tree ones: same
 * number, layout and errno on every kernel, whatever that kernel's own header
 * knows. Everything that is only ours starts at 0x100.
 *
 * A program switches by the name it gives to TCP_ULP alone: "ktlsx", or "tls"
 * where ktlsx holds that name as well.
 */
#ifndef _UAPI_LINUX_KTLSX_H
#define _UAPI_LINUX_KTLSX_H

#include <linux/types.h>
#include <linux/tls.h>

/* The level of all options below; userspace headers do not always have it. */
#ifndef SOL_TLS
#define SOL_TLS 282
#endif

/*
 * TLS_TX_MAX_PAYLOAD_LEN, __u16, set and get, any user, keys not needed.
 * The largest number of content bytes in a sealed record: 64 to 16384 for
 * TLS 1.2, 63 to 16384 for TLS 1.3 (where the limit of RFC 8449 counts the
 * content type). EINVAL: other size or value. EBUSY: a record is open.
 */
#ifndef TLS_TX_MAX_PAYLOAD_LEN
#define TLS_TX_MAX_PAYLOAD_LEN 5
#endif

/* Attributes of INET_ULP_INFO_TLS that some kernels' headers lack. */
#define KTLSX_TLS_INFO_TX_MAX_PAYLOAD_LEN 7	/* __u16 */

/* Names to give to setsockopt(fd, SOL_TCP, TCP_ULP, ...). */
#define KTLSX_ULP_NAME "ktlsx"
#define KTLSX_ULP_NAME_TLS "tls"

#endif /* _UAPI_LINUX_KTLSX_H */
