/* SPDX-License-Identifier: MIT */
/*
 * Owns: the shape of the loopback device of this network namespace.
 * Must not know: sockets under test, TLS.
 * Concurrency: called by one thread, before or between connections.
 * Follows: rtnetlink(7), ethtool ioctl, tc-netem(8).
 */
#ifndef NETSHAPE_H
#define NETSHAPE_H

/* Each: 0 or -errno. */
int netshape_lo_up(void);
int netshape_mtu(int mtu_len);
int netshape_offloads_off(void);	/* tso, gso, gro */
int netshape_netem(unsigned int delay_usec, double loss, double reorder);	/* shares of 1 */

#endif
