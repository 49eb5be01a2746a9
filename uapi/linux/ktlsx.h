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

/*
 * KTLSX_CONTROL, __u32, 0 or 1, set and get, any user, keys not needed, off
 * after attach. On: calls that have no room for a record type (read, recv,
 * splice, sendfile from the socket) never meet a control record:
 *   NewSessionTicket   set aside, see KTLSX_TICKET; reading goes on
 *   close_notify       0, for good; whatever follows it is dropped
 *   fatal alert        ECONNRESET, for good; see KTLSX_ALERT
 *   warning alert      (TLS 1.2, or user_canceled) reading goes on
 *   KeyUpdate          EKEYEXPIRED until TLS_RX is set anew
 *   any other message  EPROTO, for good
 *   end of the stream without close_notify: EPROTO, for good (truncation)
 * Calls with room for the type get each record as it is, as without it; after
 * a KeyUpdate they too get EKEYEXPIRED. poll() shows POLLIN only when a read
 * would return something. shutdown(SHUT_WR) and the last close send
 * close_notify without blocking, unless the connection has failed.
 * EINVAL: other size or value.
 */
#define KTLSX_CONTROL 0x100

/*
 * KTLSX_KEYS_WRITE_ONLY, __u32, 1, set and get, any user, keys not needed.
 * From then on TLS_TX and TLS_RX answer getsockopt() with EPERM when asked for
 * more than struct tls_crypto_info. There is no way back: EPERM for 0.
 * EINVAL: other size or value.
 */
#define KTLSX_KEYS_WRITE_ONLY 0x101

/*
 * KTLSX_FEATURES, struct ktlsx_features, get only, any user: what the running
 * module can do. A shorter buffer gets the front of the struct, a longer one
 * is told the real length. EINVAL: less than the first member.
 */
#define KTLSX_FEATURES 0x102

/*
 * KTLSX_TICKET, get only, any user: takes the oldest NewSessionTicket message
 * that was set aside, from its handshake header on. At most
 * KTLSX_TICKET_COUNT_MAX messages and KTLSX_TICKETS_LEN_MAX bytes are kept; the
 * oldest go first, a message that is longer is not kept at all (counters
 * RxTickets, RxTicketsDropped). ENODATA: none. EMSGSIZE: the buffer is too
 * small; the length needed is stored and the message stays.
 */
#define KTLSX_TICKET 0x103
#define KTLSX_TICKET_COUNT_MAX 8
#define KTLSX_TICKETS_LEN_MAX 16384

/*
 * KTLSX_ALERT, struct ktlsx_alert, get only, any user: the alert that ended
 * receiving in control mode, close_notify included. ENODATA: none yet.
 * EINVAL: other size.
 */
#define KTLSX_ALERT 0x104

/* Bits of ktlsx_features.features. */
#define KTLSX_FEATURE_CONTROL 0x1		/* KTLSX_CONTROL and what it says */
#define KTLSX_FEATURE_KEYS_WRITE_ONLY 0x2
#define KTLSX_FEATURE_REKEY 0x4		/* TLS_TX, TLS_RX again, TLS 1.3 */

/*
 * @features: KTLSX_FEATURE_*
 * @tls12_ciphers: bit n set: cipher TLS_CIPHER_AES_GCM_128 + n (51 + n) works
 *	with TLS 1.2
 * @tls13_ciphers: likewise with TLS 1.3
 * @payload_len_max: content bytes in the largest record
 * @ticket_count_max: KTLSX_TICKET_COUNT_MAX of this module
 * @tickets_len_max: KTLSX_TICKETS_LEN_MAX of this module
 * @reserved: 0
 */
struct ktlsx_features {
	__u64 features;
	__u64 tls12_ciphers;
	__u64 tls13_ciphers;
	__u32 payload_len_max;
	__u32 ticket_count_max;
	__u32 tickets_len_max;
	__u32 reserved;
};

struct ktlsx_alert {
	__u8 level;		/* 1 warning, 2 fatal; TLS 1.3 gives it no meaning */
	__u8 description;	/* RFC 8446 section 6 */
};

/* Attributes of INET_ULP_INFO_TLS that some kernels' headers lack. */
#define KTLSX_TLS_INFO_TX_MAX_PAYLOAD_LEN 7	/* __u16 */

/* Names to give to setsockopt(fd, SOL_TCP, TCP_ULP, ...). */
#define KTLSX_ULP_NAME "ktlsx"
#define KTLSX_ULP_NAME_TLS "tls"

#endif /* _UAPI_LINUX_KTLSX_H */
