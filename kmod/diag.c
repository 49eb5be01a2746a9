// SPDX-License-Identifier: GPL-2.0-only
/*
 * Socket diagnostics. Reads plain facts of the context, never tx or rx: those
 * may be freed while it looks; the context stays for a grace period. Must not
 * know more than the header of sock.h.
 */
#include "diag.h"

#include <linux/inet_diag.h>
#include <net/netlink.h>

#include "../uapi/linux/ktlsx.h"
#include "sock.h"

static int put_info(const struct ktlsx_sock *ctx, struct sk_buff *skb)
{
	u16 payload_len_max = READ_ONCE(ctx->tx_payload_len_max);
	u16 cipher_type = READ_ONCE(ctx->cipher_type);
	u16 version = READ_ONCE(ctx->version);
	u8 mode = READ_ONCE(ctx->mode);

	if (version && nla_put_u16(skb, TLS_INFO_VERSION, version))
		return -EMSGSIZE;
	if (cipher_type && nla_put_u16(skb, TLS_INFO_CIPHER, cipher_type))
		return -EMSGSIZE;
	if (nla_put_u16(skb, TLS_INFO_TXCONF,
			mode & KTLSX_MODE_TX ? TLS_CONF_SW : TLS_CONF_BASE) ||
	    nla_put_u16(skb, TLS_INFO_RXCONF,
			mode & KTLSX_MODE_RX ? TLS_CONF_SW : TLS_CONF_BASE))
		return -EMSGSIZE;
	if (READ_ONCE(ctx->rx_no_pad) &&
	    nla_put_flag(skb, TLS_INFO_RX_NO_PAD))
		return -EMSGSIZE;
	if (payload_len_max != KTLSX_CONTENT_MAX &&
	    nla_put_u16(skb, KTLSX_TLS_INFO_TX_MAX_PAYLOAD_LEN,
			payload_len_max))
		return -EMSGSIZE;
	return 0;
}

/**
 * ktlsx_diag_info() - fill in the attributes
 * @sk: socket, perhaps on its way out
 * @skb: netlink message
 *
 * Context: Any context, no lock.
 * Return: 0; -EMSGSIZE no room.
 */
int ktlsx_diag_info(struct sock *sk, struct sk_buff *skb)
{
	const struct ktlsx_sock *ctx;
	struct nlattr *nest;
	int err = 0;

	nest = nla_nest_start_noflag(skb, INET_ULP_INFO_TLS);
	if (!nest)
		return -EMSGSIZE;

	rcu_read_lock();
	ctx = (__force void *)rcu_dereference(inet_csk(sk)->icsk_ulp_data);
	if (ctx)
		err = put_info(ctx, skb);
	rcu_read_unlock();

	if (err || !ctx)
		nla_nest_cancel(skb, nest);
	else
		nla_nest_end(skb, nest);
	return err;
}

/**
 * ktlsx_diag_info_len() - room that ktlsx_diag_info() needs
 * @sk: socket
 *
 * Context: Any context.
 * Return: bytes.
 */
size_t ktlsx_diag_info_len(const struct sock *sk)
{
	return nla_total_size(0) +		/* INET_ULP_INFO_TLS */
	       5 * nla_total_size(sizeof(u16)) +
	       nla_total_size(0);		/* TLS_INFO_RX_NO_PAD */
}
