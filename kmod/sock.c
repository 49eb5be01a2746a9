// SPDX-License-Identifier: GPL-2.0-only
/*
 * The per-socket context. Owns its lifetime, the published row of entry points
 * and the accounting of memory that rests outside TCP's queues. Must not know
 * what tx and rx do. Socket lock held, but for what diag reads.
 */
#include "sock.h"

#include <linux/slab.h>

/*
 * Who may still hold a context, and what ends each hold:
 *  - a system call: keeps the file open, so close cannot have begun;
 *  - sk_data_ready and sk_write_space: unhooked under the socket lock at close,
 *    and they run with that lock's spinlock held;
 *  - poll on another thread: as a system call;
 *  - the timer that sends what TCP had no memory for: stopped at close; one that
 *    runs meanwhile holds the socket, and its softirq the grace period;
 *  - diag (get_info), which looks without a lock: the grace period before the
 *    memory goes back, and rcu_barrier() before the cache goes;
 *  - TCP itself, until the socket is destroyed (FIN_WAIT included): the
 *    module reference that it drops after ktlsx_sock_release().
 */
static struct kmem_cache *cache;

static void publish(struct sock *sk, const struct proto *prot,
		    const struct proto_ops *ops)
{
	struct socket *sock = sk->sk_socket;

	/*
	 * Lockless callers load these pointers and then the context: what the
	 * new functions look at must be visible before the functions are. Pairs
	 * with the address dependency of each call through the pointer.
	 */
	smp_store_release(&sk->sk_prot, (struct proto *)prot);
	if (!sock)
		return;
	/* As for sk_prot. */
	smp_store_release(&sock->ops, ops);
}

/**
 * ktlsx_sock_attach() - make the context and publish the keyless row
 * @sk: socket that runs plain TCP
 * @wiring: entry points for its family
 *
 * Context: Socket lock held.
 * Return: 0; -ENOMEM.
 */
int ktlsx_sock_attach(struct sock *sk, const struct ktlsx_wiring *wiring)
{
	struct ktlsx_sock *ctx;

	ctx = kmem_cache_zalloc(cache, GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;

	ctx->base_prot = sk->sk_prot;
	ctx->base_ops = sk->sk_socket->ops;
	ctx->wiring = wiring;
	ctx->tx_payload_len_max = KTLSX_CONTENT_MAX;
	rcu_assign_pointer(inet_csk(sk)->icsk_ulp_data, (void __force __rcu *)ctx);
	publish(sk, wiring->prot[KTLSX_BASE], wiring->ops[KTLSX_BASE]);
	return 0;
}

static void free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(cache, container_of(rcu, struct ktlsx_sock, rcu));
}

/**
 * ktlsx_sock_release() - free the context; the core's last call for a socket
 * @sk: socket
 *
 * Context: Any; nobody else holds the socket but lockless diag.
 */
void ktlsx_sock_release(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);

	rcu_assign_pointer(inet_csk(sk)->icsk_ulp_data, NULL);
	/* Not kfree_rcu(): kmem_cache_destroy() would not wait for it. */
	call_rcu(&ctx->rcu, free_rcu);
}

/**
 * ktlsx_sock_publish() - let every entry point see a direction's keys
 * @sk: socket whose @tx or @rx was just set
 * @mode: KTLSX_MODE_TX or KTLSX_MODE_RX, added to what is there
 *
 * Context: Socket lock held.
 */
void ktlsx_sock_publish(struct sock *sk, enum ktlsx_mode mode)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	u8 now = ctx->mode | mode;

	WRITE_ONCE(ctx->mode, now);
	publish(sk, ctx->wiring->prot[now], ctx->wiring->ops[now]);
}

/**
 * ktlsx_sock_unpublish() - put TCP's own entry points back
 * @sk: socket that is being closed
 *
 * Context: Socket lock held.
 */
void ktlsx_sock_unpublish(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);

	publish(sk, ctx->base_prot, ctx->base_ops);
}

static void (**slot_of(struct sock *sk, enum ktlsx_callback which))(struct sock *)
{
	return which == KTLSX_DATA_READY ? &sk->sk_data_ready :
					   &sk->sk_write_space;
}

/**
 * ktlsx_sock_hook() - replace a socket callback, keeping the old one
 * @sk: socket
 * @which: which callback
 * @fn: the new one; calls base_callback[@which] when it is done
 *
 * Context: Socket lock held.
 */
void ktlsx_sock_hook(struct sock *sk, enum ktlsx_callback which,
		     void (*fn)(struct sock *sk))
{
	write_lock_bh(&sk->sk_callback_lock);
	ktlsx_sock_of(sk)->base_callback[which] = *slot_of(sk, which);
	/* Whoever sees @fn must see what it needs; both were set before. */
	smp_store_release(slot_of(sk, which), fn);
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * ktlsx_sock_unhook() - put a callback back if it is still ours
 * @sk: socket
 * @which: which callback
 * @fn: what ktlsx_sock_hook() put there
 *
 * Context: Socket lock held.
 */
void ktlsx_sock_unhook(struct sock *sk, enum ktlsx_callback which,
		       void (*fn)(struct sock *sk))
{
	write_lock_bh(&sk->sk_callback_lock);
	/* Somebody may have hooked in after us; then he chains to us no more. */
	if (*slot_of(sk, which) == fn)
		WRITE_ONCE(*slot_of(sk, which),
			   ktlsx_sock_of(sk)->base_callback[which]);
	write_unlock_bh(&sk->sk_callback_lock);
}

/*
 * TCP forces a charge only for a socket that is over a send buffer the user
 * fixed, since such a socket can wait. The bytes to be charged here exist
 * already, so pose as one.
 */
static void schedule_forced(struct sock *sk, int size)
{
	u8 userlocks = sk->sk_userlocks;
	int sndbuf;

	if (sk_wmem_schedule(sk, size))
		return;
	sndbuf = sk->sk_sndbuf;
	sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	WRITE_ONCE(sk->sk_sndbuf, 0);
	sk_wmem_schedule(sk, size);
	WRITE_ONCE(sk->sk_sndbuf, sndbuf);
	sk->sk_userlocks = userlocks;
}

/**
 * ktlsx_sock_charge() - account memory that rests outside TCP's queues
 * @sk: socket
 * @charged: what the holder has charged so far, bytes; updated
 * @now: what it holds now, bytes
 *
 * Never fails: the bytes are there already. To be called before the lock is
 * given up with a changed amount, and with 0 before the holder goes.
 *
 * Context: Socket lock held; any context.
 */
void ktlsx_sock_charge(struct sock *sk, u32 *charged, u32 now)
{
	if (now > *charged) {
		schedule_forced(sk, now - *charged);
		sk_mem_charge(sk, now - *charged);
	} else if (now < *charged) {
		sk_mem_uncharge(sk, *charged - now);
	}
	*charged = now;
}

/**
 * ktlsx_sock_init() - make the slab cache of contexts
 *
 * Context: Process context, at module load.
 * Return: 0; -ENOMEM.
 */
int ktlsx_sock_init(void)
{
	cache = kmem_cache_create("ktlsx_sock", sizeof(struct ktlsx_sock), 0,
				  SLAB_ACCOUNT, NULL);
	return cache ? 0 : -ENOMEM;
}

/**
 * ktlsx_sock_exit() - destroy it, after all grace periods
 *
 * Context: Process context, at unload.
 */
void ktlsx_sock_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(cache);
}
