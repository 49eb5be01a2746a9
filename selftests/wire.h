/* SPDX-License-Identifier: MIT */
/*
 * Owns: a TCP peer that is no kernel: it speaks through a tun device and decides
 * about each segment, its place in the sequence, its flags and urgent pointer.
 * Must not know: TLS, what a test checks.
 * Concurrency: a struct wire belongs to one thread.
 * Follows: RFC 791, RFC 9293; no options, so windows are at most 65535 bytes.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WIRE_FIN	0x01
#define WIRE_SYN	0x02
#define WIRE_RST	0x04
#define WIRE_PSH	0x08
#define WIRE_ACK	0x10
#define WIRE_URG	0x20

/* Sequence numbers are relative: 0 is the first byte behind the SYN. */
struct wire {
	int tun;
	uint16_t port;		/* of the kernel's side */
	uint32_t start;		/* our sequence number of byte 0 */
	uint32_t peer_next;	/* what we have of the kernel's stream */
	uint32_t acked_len;	/* how many of our bytes the kernel has acknowledged */
	uint32_t window_len;	/* how many more it would take */
};

/**
 * wire_open() - in the namespace of this process: a tun device, and a connection over it
 * @rcvbuf_len: SO_RCVBUF of the kernel's socket, 0 to leave it
 * @fd: out: the kernel's socket
 * Return: 0 or -errno; -EOPNOTSUPP when the kernel has no tun devices.
 */
int wire_open(struct wire *wire, int rcvbuf_len, int *fd);

/**
 * wire_send() - one segment
 * @off: place of its first byte in our stream
 * @flags: WIRE_*; ACK is always set
 * @urgent_off: with WIRE_URG: what lies behind the urgent byte, from @off on
 */
int wire_send(struct wire *wire, uint32_t off, const void *data, size_t len, uint8_t flags,
	      uint16_t urgent_off);

/* Takes in what the kernel sent, for up to @wait_ms; 0 or -errno, -ECONNRESET for its RST. */
int wire_listen(struct wire *wire, int wait_ms);

#endif
