// SPDX-License-Identifier: GPL-2.0-only
/*
 * SOL_TLS options. Owns the checks of what users hand in, in the order that
 * decides which errno they see; must not know how keys are used. Every key is
 * read and written under the socket lock, and wiped from the stack.
 * Spec: <linux/tls.h>, uapi/linux/ktlsx.h, RFC 8449 section 4
 */
#include "sockopt.h"

#include <linux/skmsg.h>
#include <linux/tcp.h>
#include <linux/uaccess.h>

#include "../uapi/linux/ktlsx.h"
#include "rekey.h"
#include "rx.h"
#include "tx.h"

#define WAITER_TRIES_MAX 20	/* one tick each */

static bool has_psock(struct sock *sk)
{
	bool ret;

	rcu_read_lock();
	ret = sk_psock(sk);
	rcu_read_unlock();
	return ret;
}

/* What the header of a crypto_info struct asks for, if it may be asked. */
static int find_suite(const struct ktlsx_sock *ctx,
		      const struct tls_crypto_info *header, unsigned int optlen,
		      const struct ktlsx_suite **suite)
{
	const struct ktlsx_version *version;
	const struct ktlsx_cipher *cipher;

	version = ktlsx_version_find(header->version);
	if (!version)
		return -EINVAL;
	if (ctx->mode && (ctx->version != header->version ||
			  ctx->cipher_type != header->cipher_type))
		return -EINVAL;
	cipher = ktlsx_cipher_find(header->cipher_type);
	if (!cipher || optlen != cipher->info_len)
		return -EINVAL;
	*suite = ktlsx_suite_find(version, cipher);
	return *suite ? 0 : -EINVAL;
}

static bool has_keys(const struct ktlsx_sock *ctx, int optname)
{
	return optname == TLS_TX ? !!ctx->tx : !!ctx->rx;
}

static int start(struct sock *sk, int optname, const struct ktlsx_suite *suite,
		 const u8 *info)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	int err;

	if (has_keys(ctx, optname))
		return optname == TLS_TX ? ktlsx_rekey_tx(sk, info) :
					   ktlsx_rekey_rx(sk, info);
	WRITE_ONCE(ctx->version, suite->version->version);
	WRITE_ONCE(ctx->cipher_type, suite->cipher->cipher_type);
	err = optname == TLS_TX ? ktlsx_tx_start(sk, suite, info) :
				  ktlsx_rx_start(sk, suite, info);
	if (err && !ctx->mode) {
		WRITE_ONCE(ctx->version, 0);
		WRITE_ONCE(ctx->cipher_type, 0);
	}
	return err;
}

/*
 * A sender who entered TCP's own sendmsg before the attach may be asleep in
 * lock_sock(): unlike those who came later, he would go on in the clear. Let
 * whoever waits for the lock pass first.
 */
static int let_waiters_pass(struct sock *sk)
{
	unsigned int tries;

	/* Its waiters come and go under the spinlock that we gave back last. */
	for (tries = 0; waitqueue_active(&sk->sk_lock.wq); tries++) {
		if (tries == WAITER_TRIES_MAX)
			return -EBUSY;
		release_sock(sk);
		schedule_timeout_uninterruptible(1);
		lock_sock(sk);
	}
	return 0;
}

static int set_checked_keys(struct sock *sk, int optname, sockptr_t optval,
			    unsigned int optlen)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	const struct ktlsx_suite *suite;
	u8 info[KTLSX_CRYPTO_INFO_MAX];
	struct tls_crypto_info header;
	int err;

	if (has_psock(sk) || tcp_sk(sk)->repair)
		return -EINVAL;
	if (sockptr_is_null(optval) || optlen < sizeof(header))
		return -EINVAL;
	if (has_keys(ctx, optname) &&
	    !ktlsx_version_find(ctx->version)->may_rekey)
		return -EBUSY;
	if (copy_from_sockptr(&header, optval, sizeof(header)))
		return -EFAULT;
	err = find_suite(ctx, &header, optlen, &suite);
	if (err)
		return err;

	/* The header was checked: what it says now may be something else. */
	memcpy(info, &header, sizeof(header));
	if (copy_from_sockptr_offset(info + sizeof(header), optval,
				     sizeof(header), optlen - sizeof(header)))
		err = -EFAULT;
	else
		err = start(sk, optname, suite, info);
	memzero_explicit(info, sizeof(info));
	return err;
}

static int set_keys(struct sock *sk, int optname, sockptr_t optval,
		    unsigned int optlen)
{
	bool is_rekey = has_keys(ktlsx_sock_of(sk), optname);
	int err = 0;

	/* First of all, since it gives up the lock. */
	if (optname == TLS_TX && !is_rekey)
		err = let_waiters_pass(sk);
	if (!err)
		err = set_checked_keys(sk, optname, optval, optlen);
	if (err && is_rekey)
		ktlsx_stat_add(sock_net(sk), optname == TLS_TX ?
			       KTLSX_STAT_TX_REKEY_ERROR :
			       KTLSX_STAT_RX_REKEY_ERROR, 1);
	return err;
}

static int set_zerocopy_ro(struct sock *sk, sockptr_t optval,
			   unsigned int optlen)
{
	u32 value;
	int err;

	err = ktlsx_sockopt_copy_switch(optval, optlen, &value);
	if (err)
		return err;
	ktlsx_sock_of(sk)->tx_zerocopy_ro = value;
	return 0;
}

/* A hint that the in-tree code needs; ours never guesses at padding. */
static int set_no_pad(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	u32 value;
	int ret;

	if (ctx->version != TLS_1_3_VERSION || sockptr_is_null(optval) ||
	    optlen < sizeof(value))
		return -EINVAL;
	if (copy_from_sockptr(&value, optval, sizeof(value)))
		return -EFAULT;
	if (value > 1)
		return -EINVAL;
	ret = check_zeroed_sockptr(optval, sizeof(value),
				   optlen - sizeof(value));
	if (ret < 1)
		return ret ? ret : -EINVAL;
	if (!ctx->rx)
		return -EINVAL;
	WRITE_ONCE(ctx->rx_no_pad, value);
	return 0;
}

static int set_payload_len_max(struct sock *sk, sockptr_t optval,
			       unsigned int optlen)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	const struct ktlsx_version *version;
	u16 value;

	if (ktlsx_tx_has_open_record(sk))
		return -EBUSY;
	if (sockptr_is_null(optval) || optlen != sizeof(value))
		return -EINVAL;
	if (copy_from_sockptr(&value, optval, sizeof(value)))
		return -EFAULT;
	/* Without keys yet, the stricter of the two limits holds. */
	version = ktlsx_version_find(ctx->version ? ctx->version :
						    TLS_1_2_VERSION);
	if (value < version->payload_len_min || value > KTLSX_CONTENT_MAX)
		return -EINVAL;
	WRITE_ONCE(ctx->tx_payload_len_max, value);
	return 0;
}

/**
 * ktlsx_sockopt_set() - setsockopt at level SOL_TLS
 * @sk: attached socket
 * @optname: TLS_*, KTLSX_*
 * @optval: value
 * @optlen: bytes at @optval
 *
 * Context: Process context, socket lock not held.
 * Return: 0; -EINVAL wrong size, value, version or cipher, not the version or
 * cipher of the other direction, a psock is attached, or the socket is in
 * repair mode, or new keys use a nonce twice (all of these leave the old keys
 * as they are); -EBUSY TLS 1.2 keys are there already, a plain send sleeps or
 * waits, or a record is open (TLS_TX_MAX_PAYLOAD_LEN); -EFAULT; -ENOMEM;
 * -ENOPROTOOPT unknown option; for KTLSX_* as ktlsx_sockopt_control_set().
 */
int ktlsx_sockopt_set(struct sock *sk, int optname, sockptr_t optval,
		      unsigned int optlen)
{
	int err;

	lock_sock(sk);
	switch (optname) {
	case TLS_TX:
	case TLS_RX:
		err = set_keys(sk, optname, optval, optlen);
		break;
	case TLS_TX_ZEROCOPY_RO:
		err = set_zerocopy_ro(sk, optval, optlen);
		break;
	case TLS_RX_EXPECT_NO_PAD:
		err = set_no_pad(sk, optval, optlen);
		break;
	case TLS_TX_MAX_PAYLOAD_LEN:
		err = set_payload_len_max(sk, optval, optlen);
		break;
	default:
		err = ktlsx_sockopt_control_set(sk, optname, optval, optlen);
		break;
	}
	release_sock(sk);
	return err;
}

static int get_keys(struct sock *sk, int optname, char __user *optval, int len)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	const struct ktlsx_dir *dir = NULL;
	u8 info[KTLSX_CRYPTO_INFO_MAX];
	int err = 0;

	if (!optval || len < (int)sizeof(struct tls_crypto_info))
		return -EINVAL;
	if (ctx->is_write_only && len > (int)sizeof(struct tls_crypto_info))
		return -EPERM;
	if (optname == TLS_TX && ctx->tx)
		dir = &ctx->tx->dir;
	else if (optname == TLS_RX && ctx->rx)
		dir = &ctx->rx->dir;
	if (!dir)
		return -EBUSY;
	if (len != sizeof(struct tls_crypto_info) &&
	    len != dir->suite->cipher->info_len)
		return -EINVAL;

	ktlsx_dir_export(dir, info);
	if (copy_to_user(optval, info, len))
		err = -EFAULT;
	memzero_explicit(info, sizeof(info));
	return err;
}

static int get_zerocopy_ro(struct sock *sk, char __user *optval, int len)
{
	unsigned int value = ktlsx_sock_of(sk)->tx_zerocopy_ro;

	return ktlsx_sockopt_put_value(optval, len, &value, sizeof(value));
}

static int get_no_pad(struct sock *sk, char __user *optval,
		      int __user *optlen, int len)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	int value = ctx->rx_no_pad;

	if (ctx->version != TLS_1_3_VERSION || !ctx->rx ||
	    len < (int)sizeof(value))
		return -EINVAL;
	if (put_user(sizeof(value), optlen))
		return -EFAULT;
	return ktlsx_sockopt_put_value(optval, sizeof(value), &value,
				       sizeof(value));
}

static int get_payload_len_max(struct sock *sk, char __user *optval, int len)
{
	u16 value = ktlsx_sock_of(sk)->tx_payload_len_max;

	return ktlsx_sockopt_put_value(optval, len, &value, sizeof(value));
}

/**
 * ktlsx_sockopt_get() - getsockopt at level SOL_TLS
 * @sk: attached socket
 * @optname: TLS_*, KTLSX_*
 * @optval: out
 * @optlen: in: bytes at @optval
 *
 * Keys are given in full, with the current IV and sequence number, or as the
 * bare struct tls_crypto_info, by size.
 *
 * Context: Process context, socket lock not held.
 * Return: 0; -EINVAL wrong size, or an option that the version does not have;
 * -EBUSY no keys yet; -EPERM keys that may only be written; -EFAULT;
 * -ENOPROTOOPT unknown option; for KTLSX_* as ktlsx_sockopt_control_get().
 */
int ktlsx_sockopt_get(struct sock *sk, int optname, char __user *optval,
		      int __user *optlen)
{
	int err;
	int len;

	if (get_user(len, optlen))
		return -EFAULT;

	lock_sock(sk);
	switch (optname) {
	case TLS_TX:
	case TLS_RX:
		err = get_keys(sk, optname, optval, len);
		break;
	case TLS_TX_ZEROCOPY_RO:
		err = get_zerocopy_ro(sk, optval, len);
		break;
	case TLS_RX_EXPECT_NO_PAD:
		err = get_no_pad(sk, optval, optlen, len);
		break;
	case TLS_TX_MAX_PAYLOAD_LEN:
		err = get_payload_len_max(sk, optval, len);
		break;
	default:
		err = ktlsx_sockopt_control_get(sk, optname, optval, optlen,
						len);
		break;
	}
	release_sock(sk);
	return err;
}
