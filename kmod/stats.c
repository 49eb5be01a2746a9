// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters of each network namespace and /proc/net/ktlsx_stat. Must not
 * know who counts. Per-CPU sums, exact once the writers are quiet.
 */
#include "stats.h"

#include <linux/proc_fs.h>
#include <linux/seq_file.h>

unsigned int ktlsx_stats_net_id;

static const char *const names[KTLSX_STAT_COUNT] = {
	[KTLSX_STAT_CURR_TX] = "CurrTx",
	[KTLSX_STAT_CURR_RX] = "CurrRx",
	[KTLSX_STAT_TOTAL_TX] = "TotalTx",
	[KTLSX_STAT_TOTAL_RX] = "TotalRx",
	[KTLSX_STAT_TX_SEND_RECORDS] = "TxSendRecords",
	[KTLSX_STAT_TX_SEND_BYTES] = "TxSendBytes",
	[KTLSX_STAT_TX_SENDFILE_RECORDS] = "TxSendfileRecords",
	[KTLSX_STAT_TX_SENDFILE_BYTES] = "TxSendfileBytes",
	[KTLSX_STAT_TX_CONTROL_RECORDS] = "TxControlRecords",
	[KTLSX_STAT_TX_CONTROL_BYTES] = "TxControlBytes",
	[KTLSX_STAT_RX_RECV_RECORDS] = "RxRecvRecords",
	[KTLSX_STAT_RX_RECV_BYTES] = "RxRecvBytes",
	[KTLSX_STAT_RX_SPLICE_RECORDS] = "RxSpliceRecords",
	[KTLSX_STAT_RX_SPLICE_BYTES] = "RxSpliceBytes",
	[KTLSX_STAT_RX_CONTROL_RECORDS] = "RxControlRecords",
	[KTLSX_STAT_RX_CONTROL_BYTES] = "RxControlBytes",
	[KTLSX_STAT_RX_AUTH_FAIL] = "RxAuthFail",
	[KTLSX_STAT_RX_BAD_RECORD] = "RxBadRecord",
	[KTLSX_STAT_RX_COPY_OUT] = "RxCopyOut",
	[KTLSX_STAT_TX_FALLBACK] = "TxFallback",
	[KTLSX_STAT_RX_FALLBACK] = "RxFallback",
	[KTLSX_STAT_TX_PARTIAL_PUSH] = "TxPartialPush",
	[KTLSX_STAT_POOL_REUSED] = "PoolReused",
	[KTLSX_STAT_POOL_BUSY] = "PoolBusy",
	[KTLSX_STAT_POOL_ALLOC] = "PoolAlloc",
	[KTLSX_STAT_POOL_SMALL] = "PoolSmall",
	[KTLSX_STAT_RX_TICKETS] = "RxTickets",
	[KTLSX_STAT_RX_TICKETS_DROPPED] = "RxTicketsDropped",
	[KTLSX_STAT_TX_REKEY_OK] = "TxRekeyOk",
	[KTLSX_STAT_TX_REKEY_ERROR] = "TxRekeyError",
	[KTLSX_STAT_RX_REKEY_OK] = "RxRekeyOk",
	[KTLSX_STAT_RX_REKEY_ERROR] = "RxRekeyError",
	[KTLSX_STAT_RX_REKEY_RECEIVED] = "RxRekeyReceived",
};

static struct ktlsx_stats __percpu **net_stats(struct net *net)
{
	return net_generic(net, ktlsx_stats_net_id);
}

static int show(struct seq_file *seq, void *unused)
{
	struct ktlsx_stats __percpu *stats = *net_stats(seq->private);
	enum ktlsx_stat stat;
	int cpu;

	for (stat = 0; stat < KTLSX_STAT_COUNT; stat++) {
		unsigned long sum = 0;

		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(stats, cpu)->value[stat]);
		seq_printf(seq, "%-24s\t%lu\n", names[stat], sum);
	}
	return 0;
}

static int __net_init stats_net_init(struct net *net)
{
	struct ktlsx_stats __percpu **stats = net_stats(net);

	*stats = alloc_percpu(struct ktlsx_stats);
	if (!*stats)
		return -ENOMEM;
	if (!proc_create_net_single("ktlsx_stat", 0444, net->proc_net, show,
				    NULL)) {
		free_percpu(*stats);
		return -ENOMEM;
	}
	return 0;
}

/* No socket of the namespace is left: sockets hold a reference to theirs. */
static void __net_exit stats_net_exit(struct net *net)
{
	remove_proc_entry("ktlsx_stat", net->proc_net);
	free_percpu(*net_stats(net));
}

static struct pernet_operations stats_net_ops = {
	.init = stats_net_init,
	.exit = stats_net_exit,
	.id = &ktlsx_stats_net_id,
	.size = sizeof(struct ktlsx_stats __percpu *),
};

/**
 * ktlsx_stats_init() - register the counters with every network namespace
 *
 * Context: Process context, at module load.
 * Return: 0; -ENOMEM.
 */
int ktlsx_stats_init(void)
{
	return register_pernet_subsys(&stats_net_ops);
}

/**
 * ktlsx_stats_exit() - unregister the counters
 *
 * Context: Process context, at unload, when no socket is left.
 */
void ktlsx_stats_exit(void)
{
	unregister_pernet_subsys(&stats_net_ops);
}
