// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the change of keys: in one step under the socket lock, after which no
 * byte is sealed or opened with the old ones. All that can fail is checked
 * before. Must not know how records are made.
 * Concurrency: socket lock held; whoever slept meanwhile looks at all anew.
 * Spec: RFC 8446 sections 4.6.3, 5.3 and 7.2; <linux/tls.h>
 */
#include "rekey.h"

#include "rx.h"
#include "tx.h"

static void replace(struct ktlsx_dir *dir, const u8 *info)
{
	const struct ktlsx_suite *suite = dir->suite;

	ktlsx_dir_wipe(dir);
	ktlsx_dir_init(dir, suite, info);
}

/**
 * ktlsx_rekey_tx() - seal with other keys from the next record on
 * @sk: socket with TX keys
 * @info: crypto_info struct of the same version and cipher
 *
 * The open record is sealed first; what is sealed goes out as it is.
 *
 * Context: Process context, socket lock held. May wait for memory.
 * Return: 0; -EINVAL a nonce would be used twice: the old keys stay.
 */
int ktlsx_rekey_tx(struct sock *sk, const u8 *info)
{
	struct ktlsx_tx *tx = ktlsx_sock_of(sk)->tx;

	/* Before the check: it takes a sequence number. */
	ktlsx_tx_close_record(sk, tx, 0);
	if (!ktlsx_dir_may_follow(&tx->dir, info))
		return -EINVAL;
	replace(&tx->dir, info);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_TX_REKEY_OK, 1);
	return 0;
}

/**
 * ktlsx_rekey_rx() - open with other keys from the next record on
 * @sk: socket with RX keys
 * @info: crypto_info struct of the same version and cipher
 *
 * What was opened already stays readable. Wakes pollers if a record is whole.
 *
 * Context: Process context, socket lock held.
 * Return: 0; -EINVAL a record could be replayed: the old keys stay.
 */
int ktlsx_rekey_rx(struct sock *sk, const u8 *info)
{
	struct ktlsx_rx *rx = ktlsx_sock_of(sk)->rx;

	if (!ktlsx_dir_may_follow(&rx->dir, info))
		return -EINVAL;
	ktlsx_rx_forget_update(sk, rx);
	replace(&rx->dir, info);
	ktlsx_stat_add(sock_net(sk), KTLSX_STAT_RX_REKEY_OK, 1);
	ktlsx_rx_settle(sk, rx);
	return 0;
}
