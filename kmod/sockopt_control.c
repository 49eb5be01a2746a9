// SPDX-License-Identifier: GPL-2.0-only
/*
 * The options from 0x100 on: control mode, what it set aside, write-only keys,
 * features. Owns the checks of what users hand in; must not know what control
 * mode does. Concurrency: socket lock held by the caller (sockopt.c).
 * Spec: uapi/linux/ktlsx.h
 */
#include "sockopt.h"

#include <linux/uaccess.h>

#include "../uapi/linux/ktlsx.h"
#include "rx.h"

#define FEATURES (KTLSX_FEATURE_CONTROL | KTLSX_FEATURE_KEYS_WRITE_ONLY | \
		  KTLSX_FEATURE_REKEY)

/**
 * ktlsx_sockopt_copy_switch() - the value of an option that is on or off
 * @optval: value
 * @optlen: bytes at @optval
 * @value: filled with 0 or 1
 *
 * Context: Process context.
 * Return: 0; -EINVAL wrong size or value; -EFAULT.
 */
int ktlsx_sockopt_copy_switch(sockptr_t optval, unsigned int optlen, u32 *value)
{
	if (sockptr_is_null(optval) || optlen != sizeof(*value))
		return -EINVAL;
	if (copy_from_sockptr(value, optval, sizeof(*value)))
		return -EFAULT;
	return *value > 1 ? -EINVAL : 0;
}

static int set_control(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	u32 value;
	int err;

	err = ktlsx_sockopt_copy_switch(optval, optlen, &value);
	if (err)
		return err;
	WRITE_ONCE(ctx->is_control, value);
	return 0;
}

static int set_write_only(struct sock *sk, sockptr_t optval,
			  unsigned int optlen)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	u32 value;
	int err;

	err = ktlsx_sockopt_copy_switch(optval, optlen, &value);
	if (err)
		return err;
	if (ctx->is_write_only && !value)
		return -EPERM;
	ctx->is_write_only = value;
	return 0;
}

/**
 * ktlsx_sockopt_control_set() - setsockopt of an option from 0x100 on
 * @sk: attached socket
 * @optname: KTLSX_*
 * @optval: value
 * @optlen: bytes at @optval
 *
 * Context: Process context, socket lock held.
 * Return: 0; -EINVAL wrong size or value; -EPERM keys were made write-only;
 * -EFAULT; -ENOPROTOOPT unknown option, or one that is only read.
 */
int ktlsx_sockopt_control_set(struct sock *sk, int optname, sockptr_t optval,
			      unsigned int optlen)
{
	switch (optname) {
	case KTLSX_CONTROL:
		return set_control(sk, optval, optlen);
	case KTLSX_KEYS_WRITE_ONLY:
		return set_write_only(sk, optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

/**
 * ktlsx_sockopt_put_value() - answer getsockopt with a value of a fixed size
 * @optval: out
 * @len: bytes at @optval; must be just @value_len
 * @value: what it is, on the caller's stack: of objects in our slab caches
 *	nothing may be copied to users, and hardened kernels see to that
 * @value_len: bytes
 *
 * Context: Process context.
 * Return: 0; -EINVAL wrong size; -EFAULT.
 */
int ktlsx_sockopt_put_value(char __user *optval, int len, const void *value,
			    int value_len)
{
	if (len != value_len)
		return -EINVAL;
	return copy_to_user(optval, value, value_len) ? -EFAULT : 0;
}

static int put_switch(char __user *optval, int len, bool is_on)
{
	u32 value = is_on;

	return ktlsx_sockopt_put_value(optval, len, &value, sizeof(value));
}

static int get_features(char __user *optval, int __user *optlen, int len)
{
	const struct ktlsx_features features = {
		.features = FEATURES,
		.tls12_ciphers = ktlsx_suite_ciphers(TLS_1_2_VERSION),
		.tls13_ciphers = ktlsx_suite_ciphers(TLS_1_3_VERSION),
		.payload_len_max = KTLSX_CONTENT_MAX,
		.ticket_count_max = KTLSX_TICKET_COUNT_MAX,
		.tickets_len_max = KTLSX_TICKETS_LEN_MAX,
	};

	if (len < (int)sizeof(features.features))
		return -EINVAL;
	len = min_t(int, len, sizeof(features));
	if (copy_to_user(optval, &features, len) || put_user(len, optlen))
		return -EFAULT;
	return 0;
}

/* The message stays until all of it is with the user. */
static int get_ticket(struct sock *sk, struct ktlsx_rx *rx,
		      char __user *optval, int __user *optlen, int len)
{
	const struct ktlsx_ticket *ticket;

	ticket = rx ? ktlsx_control_oldest(&rx->control) : NULL;
	if (!ticket)
		return -ENODATA;
	if (put_user((int)ticket->len, optlen))
		return -EFAULT;
	if (len < 0 || len < ticket->len)
		return -EMSGSIZE;
	if (copy_to_user(optval, ticket->bytes, ticket->len))
		return -EFAULT;
	ktlsx_control_drop_oldest(sk, &rx->control);
	return 0;
}

static int get_alert(const struct ktlsx_rx *rx, char __user *optval, int len)
{
	struct ktlsx_alert alert;

	if (len != sizeof(alert))
		return -EINVAL;
	if (!rx || !rx->control.has_alert)
		return -ENODATA;
	alert = rx->control.alert;
	return ktlsx_sockopt_put_value(optval, len, &alert, sizeof(alert));
}

/**
 * ktlsx_sockopt_control_get() - getsockopt of an option from 0x100 on
 * @sk: attached socket
 * @optname: KTLSX_*
 * @optval: out
 * @optlen: out: bytes stored or needed
 * @len: bytes at @optval
 *
 * Context: Process context, socket lock held.
 * Return: 0; -EINVAL wrong size; -ENODATA no ticket, no alert; -EMSGSIZE the
 * ticket is longer (@optlen says how long); -EFAULT; -ENOPROTOOPT unknown
 * option.
 */
int ktlsx_sockopt_control_get(struct sock *sk, int optname,
			      char __user *optval, int __user *optlen, int len)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);

	switch (optname) {
	case KTLSX_CONTROL:
		return put_switch(optval, len, ctx->is_control);
	case KTLSX_KEYS_WRITE_ONLY:
		return put_switch(optval, len, ctx->is_write_only);
	case KTLSX_FEATURES:
		return get_features(optval, optlen, len);
	case KTLSX_TICKET:
		return get_ticket(sk, ctx->rx, optval, optlen, len);
	case KTLSX_ALERT:
		return get_alert(ctx->rx, optval, len);
	default:
		return -ENOPROTOOPT;
	}
}
