/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a network namespace and their file, /proc/net/ktlsx_stat.
 * Knows nothing of who counts what. Per-CPU, lock-free, safe in softirq.
 */
#ifndef KTLSX_STATS_H
#define KTLSX_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

/* One name each in stats.c, in this order. */
enum ktlsx_stat {
	KTLSX_STAT_CURR_TX,
	KTLSX_STAT_CURR_RX,
	KTLSX_STAT_TOTAL_TX,
	KTLSX_STAT_TOTAL_RX,
	KTLSX_STAT_TX_SEND_RECORDS,
	KTLSX_STAT_TX_SEND_BYTES,
	KTLSX_STAT_TX_SENDFILE_RECORDS,
	KTLSX_STAT_TX_SENDFILE_BYTES,
	KTLSX_STAT_TX_CONTROL_RECORDS,
	KTLSX_STAT_TX_CONTROL_BYTES,
	KTLSX_STAT_RX_RECV_RECORDS,
	KTLSX_STAT_RX_RECV_BYTES,
	KTLSX_STAT_RX_SPLICE_RECORDS,
	KTLSX_STAT_RX_SPLICE_BYTES,
	KTLSX_STAT_RX_CONTROL_RECORDS,
	KTLSX_STAT_RX_CONTROL_BYTES,
	KTLSX_STAT_RX_AUTH_FAIL,
	KTLSX_STAT_RX_BAD_RECORD,
	KTLSX_STAT_RX_COPY_OUT,
	KTLSX_STAT_TX_FALLBACK,
	KTLSX_STAT_RX_FALLBACK,
	KTLSX_STAT_TX_PARTIAL_PUSH,
	KTLSX_STAT_POOL_REUSED,
	KTLSX_STAT_POOL_BUSY,
	KTLSX_STAT_POOL_ALLOC,
	KTLSX_STAT_POOL_SMALL,
	KTLSX_STAT_RX_TICKETS,
	KTLSX_STAT_RX_TICKETS_DROPPED,
	KTLSX_STAT_TX_REKEY_OK,
	KTLSX_STAT_TX_REKEY_ERROR,
	KTLSX_STAT_RX_REKEY_OK,
	KTLSX_STAT_RX_REKEY_ERROR,
	KTLSX_STAT_RX_REKEY_RECEIVED,
	KTLSX_STAT_COUNT
};

struct ktlsx_stats {
	unsigned long value[KTLSX_STAT_COUNT];
};

extern unsigned int ktlsx_stats_net_id;

/**
 * ktlsx_stat_add() - count
 * @net: network namespace of the socket
 * @stat: what
 * @n: how many; negative for the CURR gauges
 *
 * Context: Any context.
 */
static inline void ktlsx_stat_add(struct net *net, enum ktlsx_stat stat, long n)
{
	struct ktlsx_stats __percpu **stats = net_generic(net, ktlsx_stats_net_id);

	this_cpu_add((*stats)->value[stat], n);
}

int ktlsx_stats_init(void);
void ktlsx_stats_exit(void);

#endif /* KTLSX_STATS_H */
