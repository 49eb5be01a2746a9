// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach, the names, and the tables of entry points: wires everything and does
 * nothing else. The tables are written at load (IPv6 socket functions: at the
 * first IPv6 attach) and constant afterwards.
 */
#include "ulp.h"

#include <linux/module.h>
#include <linux/mutex.h>
#include <net/inet_common.h>
#include <net/tcp.h>
#include <net/transp_v6.h>

#include "../uapi/linux/ktlsx.h"
#include "diag.h"
#include "rx.h"
#include "sockopt.h"
#include "tx.h"

enum family { FAMILY_V4, FAMILY_V6, FAMILY_COUNT };

static struct proto prots[FAMILY_COUNT][KTLSX_MODE_COUNT];
static struct proto_ops opses[FAMILY_COUNT][KTLSX_MODE_COUNT];
static struct ktlsx_wiring wirings[FAMILY_COUNT];

/* inet6_stream_ops, once an IPv6 socket has shown it; not exported. */
static const struct proto_ops *v6_base_ops;
static DEFINE_MUTEX(v6_mutex);

/* Both guard who has the name "tls": sysfs, load and the module notifier. */
static DEFINE_MUTEX(names_mutex);
static bool is_up;
static bool has_tls_name;
static bool own_tls = true;

static int ulp_setsockopt(struct sock *sk, int level, int optname,
			  sockptr_t optval, unsigned int optlen)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);

	if (level == SOL_TLS)
		return ktlsx_sockopt_set(sk, optname, optval, optlen);
	/* Repair reads and writes sequence numbers behind our back. */
	if (level == SOL_TCP && optname == TCP_REPAIR && ctx->mode)
		return -EOPNOTSUPP;
	if (level == SOL_TCP && optname == TCP_CORK &&
	    (ctx->mode & KTLSX_MODE_TX))
		ktlsx_tx_uncork(sk);
	return ctx->base_prot->setsockopt(sk, level, optname, optval, optlen);
}

static int ulp_getsockopt(struct sock *sk, int level, int optname,
			  char __user *optval, int __user *optlen)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);

	if (level == SOL_TLS)
		return ktlsx_sockopt_get(sk, optname, optval, optlen);
	/* It consumes ciphertext from the receive queue. */
	if (level == SOL_TCP && optname == TCP_ZEROCOPY_RECEIVE &&
	    (ctx->mode & KTLSX_MODE_RX))
		return -EOPNOTSUPP;
	return ctx->base_prot->getsockopt(sk, level, optname, optval, optlen);
}

/* The stream is ours until the socket dies: another must not begin on it. */
static int ulp_disconnect(struct sock *sk, int flags)
{
	return -EOPNOTSUPP;
}

static int ulp_shutdown(struct socket *sock, int how)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sock->sk);
	struct sock *sk = sock->sk;

	lock_sock(sk);
	if (ctx->tx && (how == SHUT_WR || how == SHUT_RDWR))
		ktlsx_tx_shut(sk);
	if (ctx->rx && (how == SHUT_RD || how == SHUT_RDWR))
		ctx->rx->is_shut = true;
	release_sock(sk);
	return ctx->base_ops->shutdown(sock, how);
}

static void ulp_close(struct sock *sk, long timeout)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	struct proto *base_prot = ctx->base_prot;

	lock_sock(sk);
	if (ctx->tx) {
		ktlsx_tx_finish(sk);
		ktlsx_tx_stop(sk);
	}
	if (ctx->rx)
		ktlsx_rx_stop(sk);
	/* Before TCP's close: with SO_LINGER 0 that calls sk_prot->disconnect. */
	ktlsx_sock_unpublish(sk);
	release_sock(sk);
	base_prot->close(sk, timeout);
}

static int refuse_read_skb(struct sock *sk, skb_read_actor_t recv_actor)
{
	return -EOPNOTSUPP;
}

KTLSX_RECVMSG_WITH_ADDR_LEN(rx_recvmsg_addr_len, ktlsx_rx_recvmsg)

/*
 * Every entry point by which bytes could pass a record layer, and what becomes
 * of it on a socket with keys. What is not named is TCP's own.
 *
 * out  send*, write*          proto.sendmsg             ours
 *      sendfile, splice       proto.sendpage            ours (tx_sendpage.c)
 *                             or proto.sendmsg          ours (tx_splice.c)
 *      end of a sendfile      proto.splice_eof          ours
 *      kernel, lock held      ops.sendmsg_locked        refused, EOPNOTSUPP
 *      kernel, lock held      ops.sendpage_locked       refused, EOPNOTSUPP
 *      MSG_OOB, MSG_ZEROCOPY  proto.sendmsg             refused, EOPNOTSUPP
 *      shutdown               ops.shutdown              ours, then TCP's
 *      close                  proto.close               ours, then TCP's
 *      EPOLLOUT, waits        proto.stream_memory_free  ours and TCP's
 *      SIOCOUTQ               ops.ioctl                 TCP's: bytes on the wire
 * in   recv*, read*           proto.recvmsg             ours
 *      splice, sendfile       ops.splice_read           ours
 *      poll, epoll, select    ops.poll                  TCP's, EPOLLIN ours
 *      busy poll, psock       proto.sock_is_readable    ours
 *      release of the lock    proto.release_cb          ours, then TCP's
 *      SIOCINQ, FIONREAD      ops.ioctl                 ours: content bytes
 *      shutdown               ops.shutdown              ours, then TCP's
 *      kernel                 ops.peek_len              ours: content bytes
 *      kernel, lock held      ops.read_sock             ours
 *      softirq                ops.read_sock, read_skb   refused, EOPNOTSUPP
 *      mmap                   ops.mmap                  refused, ENODEV
 *      TCP_ZEROCOPY_RECEIVE   proto.getsockopt          refused, EOPNOTSUPP
 *      TCP_INQ                proto.recvmsg             no such cmsg is sent
 *      MSG_ERRQUEUE           proto.recvmsg             TCP's
 * both TCP_REPAIR             proto.setsockopt          refused, EOPNOTSUPP
 *      connect(AF_UNSPEC)     proto.disconnect          refused, EOPNOTSUPP
 *      listen, accept         the core: no clone        refused, EINVAL
 *      sockmap, KCM, a psock  the core, sockopt.c       refused, EINVAL
 */
static void wire_all(struct proto *prot, struct proto_ops *ops, bool has_tx)
{
	prot->setsockopt = ulp_setsockopt;
	prot->getsockopt = ulp_getsockopt;
	prot->disconnect = ulp_disconnect;
	prot->close = ulp_close;
	prot->sendmsg = ktlsx_tx_sendmsg;
	ktlsx_tx_wire_pages(prot, ops, has_tx);
}

static void wire_tx(struct proto *prot, struct proto_ops *ops)
{
	prot->splice_eof = ktlsx_tx_splice_eof;
	prot->stream_memory_free = ktlsx_tx_has_room;
	ops->shutdown = ulp_shutdown;
	ops->sendmsg_locked = NULL;
}

static void wire_rx(struct proto *prot, struct proto_ops *ops)
{
	prot->recvmsg = KTLSX_PICK(prot->recvmsg, ktlsx_rx_recvmsg,
				   rx_recvmsg_addr_len);
	prot->sock_is_readable = ktlsx_rx_is_readable;
	prot->release_cb = ktlsx_rx_release_cb;
	ops->shutdown = ulp_shutdown;
	ops->splice_read = ktlsx_rx_splice_read;
	ops->poll = ktlsx_rx_poll;
	ops->ioctl = ktlsx_rx_ioctl;
	ops->peek_len = ktlsx_rx_peek_len;
	ops->read_sock = ktlsx_rx_read_sock;
	ops->read_skb = refuse_read_skb;
	ops->mmap = sock_no_mmap;
}

static void wire_family(enum family family, const struct proto *base_prot,
			const struct proto_ops *base_ops)
{
	unsigned int mode;

	for (mode = 0; mode < KTLSX_MODE_COUNT; mode++) {
		struct proto *prot = &prots[family][mode];
		struct proto_ops *ops = &opses[family][mode];

		*prot = *base_prot;
		*ops = *base_ops;
		wire_all(prot, ops, mode & KTLSX_MODE_TX);
		if (mode & KTLSX_MODE_TX)
			wire_tx(prot, ops);
		if (mode & KTLSX_MODE_RX)
			wire_rx(prot, ops);
		wirings[family].prot[mode] = prot;
		wirings[family].ops[mode] = ops;
	}
}

/* Learn the IPv6 socket functions from the first socket that has them. */
static const struct proto_ops *learn_v6_ops(const struct proto_ops *ops)
{
	mutex_lock(&v6_mutex);
	if (!v6_base_ops && ops->family == PF_INET6 && ops->poll == tcp_poll) {
		wire_family(FAMILY_V6, &tcpv6_prot, ops);
		/* Who sees it may use the tables: pairs with wiring_for(). */
		smp_store_release(&v6_base_ops, ops);
	}
	mutex_unlock(&v6_mutex);
	return v6_base_ops;
}

/* The wiring for a socket that runs TCP itself, or NULL for any other. */
static const struct ktlsx_wiring *wiring_for(const struct sock *sk)
{
	const struct proto *prot = READ_ONCE(sk->sk_prot);
	const struct proto_ops *ops;
	const struct proto_ops *v6_ops;

	if (!sk->sk_socket)
		return NULL;
	ops = READ_ONCE(sk->sk_socket->ops);
	if (prot == &tcp_prot && ops == &inet_stream_ops)
		return &wirings[FAMILY_V4];
	if (prot != &tcpv6_prot)
		return NULL;
	/* Pairs with learn_v6_ops(). */
	v6_ops = smp_load_acquire(&v6_base_ops);
	if (!v6_ops)
		v6_ops = learn_v6_ops(ops);
	return ops == v6_ops ? &wirings[FAMILY_V6] : NULL;
}

/* Socket lock held; the core checked that no ULP is attached (EEXIST). */
static int ulp_attach(struct sock *sk)
{
	const struct ktlsx_wiring *wiring;

	if (sk->sk_state != TCP_ESTABLISHED)
		return -ENOTCONN;
	wiring = wiring_for(sk);
	if (!wiring)
		return -EOPNOTSUPP;
	return ktlsx_sock_attach(sk, wiring);
}

KTLSX_GET_INFO_WITH_ADMIN(info_admin, ktlsx_diag_info)
KTLSX_GET_INFO_SIZE_WITH_ADMIN(info_len_admin, ktlsx_diag_info_len)

#define ULP(ulp_name)							\
	{								\
		.name = ulp_name,					\
		.owner = THIS_MODULE,					\
		.init = ulp_attach,					\
		.release = ktlsx_sock_release,				\
		.get_info = KTLSX_PICK(((struct tcp_ulp_ops *)0)->get_info, \
				       info_admin, ktlsx_diag_info),	\
		.get_info_size = KTLSX_PICK(				\
			((struct tcp_ulp_ops *)0)->get_info_size,	\
			info_len_admin, ktlsx_diag_info_len),		\
	}

static struct tcp_ulp_ops ulp_ktlsx = ULP(KTLSX_ULP_NAME);
static struct tcp_ulp_ops ulp_tls = ULP(KTLSX_ULP_NAME_TLS);

static void take_tls_name(void)
{
	lockdep_assert_held(&names_mutex);
	if (has_tls_name)
		return;
	if (tcp_register_ulp(&ulp_tls)) {
		pr_info("ktlsx: the ULP name \"tls\" is taken (by tls.ko?): programs must ask for \"ktlsx\", or unload tls and write 1 to own_tls\n");
		return;
	}
	has_tls_name = true;
}

static void drop_tls_name(void)
{
	lockdep_assert_held(&names_mutex);
	if (has_tls_name)
		tcp_unregister_ulp(&ulp_tls);
	has_tls_name = false;
}

static int set_own_tls(const char *value, const struct kernel_param *param)
{
	int err;

	mutex_lock(&names_mutex);
	err = param_set_bool(value, param);
	/* At load the value waits for ktlsx_ulp_init(). */
	if (!err && is_up) {
		if (own_tls)
			take_tls_name();
		else
			drop_tls_name();
	}
	mutex_unlock(&names_mutex);
	return err;
}

static const struct kernel_param_ops own_tls_ops = {
	.set = set_own_tls,
	.get = param_get_bool,
};
module_param_cb(own_tls, &own_tls_ops, &own_tls, 0644);
MODULE_PARM_DESC(own_tls, "Hold the ULP name \"tls\" as well, when it is free");

/*
 * The in-tree tls.ko ignores that its name was taken, and on unload deletes a
 * list entry that it never added: a BUG with the ULP list locked. So when it
 * comes to life beside us, pin it, for good. Its init runs between the two
 * states seen here: a name that was ours in either was perhaps ours in there.
 */
static int watch_modules(struct notifier_block *block, unsigned long action,
			 void *data)
{
	static bool had_name_before;
	struct module *module = data;

	if ((action != MODULE_STATE_COMING && action != MODULE_STATE_LIVE) ||
	    strcmp(module->name, "tls"))
		return NOTIFY_DONE;
	mutex_lock(&names_mutex);
	if (action == MODULE_STATE_COMING)
		had_name_before = has_tls_name;
	else if ((has_tls_name || had_name_before) && try_module_get(module))
		pr_info("ktlsx: tls.ko came second to the name \"tls\" and is pinned: unloading it would crash this kernel\n");
	mutex_unlock(&names_mutex);
	return NOTIFY_OK;
}

static struct notifier_block watcher = { .notifier_call = watch_modules };

/**
 * ktlsx_ulp_init() - build the tables and register the names
 *
 * "ktlsx" always; "tls" when it is free and own_tls allows.
 *
 * Context: Process context, at module load.
 * Return: 0; -EEXIST "ktlsx" is taken; notifier errors.
 */
int ktlsx_ulp_init(void)
{
	int err;

	wire_family(FAMILY_V4, &tcp_prot, &inet_stream_ops);
	err = register_module_notifier(&watcher);
	if (err)
		return err;
	err = tcp_register_ulp(&ulp_ktlsx);
	if (err) {
		pr_err("ktlsx: the ULP name \"ktlsx\" is taken: is another build of this module loaded?\n");
		unregister_module_notifier(&watcher);
		return err;
	}
	mutex_lock(&names_mutex);
	is_up = true;
	if (own_tls)
		take_tls_name();
	mutex_unlock(&names_mutex);
	return 0;
}

/**
 * ktlsx_ulp_exit() - give the names back
 *
 * No socket is attached: each pins the module until TCP destroys it.
 *
 * Context: Process context, at unload.
 */
void ktlsx_ulp_exit(void)
{
	mutex_lock(&names_mutex);
	is_up = false;
	drop_tls_name();
	mutex_unlock(&names_mutex);
	tcp_unregister_ulp(&ulp_ktlsx);
	unregister_module_notifier(&watcher);
}

MODULE_ALIAS_TCP_ULP("ktlsx");
