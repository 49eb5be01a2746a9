// SPDX-License-Identifier: GPL-2.0-only
/*
 * The per-socket context. Owns its lifetime, the published row of entry points
 * and the accounting of memory that rests outside TCP's queues. Must not know
 * what tx and rx do.
 *
 * Who may still hold a context, and what ends each hold:
 *  - a system call: keeps the file open, so close cannot have begun;
 *  - sk_data_ready and sk_write_space: unhooked under the socket lock at close,
 *    and they run with that lock's spinlock held;
 *  - poll on another thread: as a system call;
 *  - diag (get_info), which looks without a lock: the grace period before the
 *    memory goes back, and rcu_barrier() before the cache goes;
 *  - TCP itself, until the socket is destroyed (FIN_WAIT included): the
 *    module reference that it drops after ktlsx_sock_release().
 */
#include "sock.h"

#include <linux/slab.h>

static struct kmem_cache *cache;

static void publish(struct sock *sk, const struct proto *prot,
		    const struct proto_ops *ops)
{
	/*
	 * Lockless callers load these pointers and then the context: what the
	 * new functions look at must be visible before the functions are.
	 */
	smp_store_release(&sk->sk_prot, (struct proto *)prot);
	if (sk->sk_socket)
		smp_store_release(&sk->sk_socket->ops, ops);
}

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

void ktlsx_sock_release(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);

	rcu_assign_pointer(inet_csk(sk)->icsk_ulp_data, NULL);
	/* Not kfree_rcu(): kmem_cache_destroy() would not wait for it. */
	call_rcu(&ctx->rcu, free_rcu);
}

void ktlsx_sock_publish(struct sock *sk, enum ktlsx_mode mode)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);
	u8 now = ctx->mode | mode;

	WRITE_ONCE(ctx->mode, now);
	publish(sk, ctx->wiring->prot[now], ctx->wiring->ops[now]);
}

void ktlsx_sock_unpublish(struct sock *sk)
{
	struct ktlsx_sock *ctx = ktlsx_sock_of(sk);

	publish(sk, ctx->base_prot, ctx->base_ops);
}

void ktlsx_sock_hook(struct sock *sk, void (**slot)(struct sock *sk),
		     void (**saved)(struct sock *sk),
		     void (*fn)(struct sock *sk))
{
	write_lock_bh(&sk->sk_callback_lock);
	*saved = *slot;
	smp_store_release(slot, fn);
	write_unlock_bh(&sk->sk_callback_lock);
}

void ktlsx_sock_unhook(struct sock *sk, void (**slot)(struct sock *sk),
		       void (*saved)(struct sock *sk),
		       void (*fn)(struct sock *sk))
{
	write_lock_bh(&sk->sk_callback_lock);
	/* Somebody may have hooked in after us; then he chains to us no more. */
	if (*slot == fn)
		WRITE_ONCE(*slot, saved);
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

int ktlsx_sock_init(void)
{
	cache = kmem_cache_create("ktlsx_sock", sizeof(struct ktlsx_sock), 0,
				  SLAB_ACCOUNT, NULL);
	return cache ? 0 : -ENOMEM;
}

void ktlsx_sock_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(cache);
}
