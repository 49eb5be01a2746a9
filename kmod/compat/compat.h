/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Force-included into every kernel object: what newer kernels have, under the
 * newest kernel's name and meaning. KTLSX_HAVE_* come from probe.mk, which
 * looks for the declaration itself. Must not know of ktlsx.
 */
#ifndef KTLSX_COMPAT_H
#define KTLSX_COMPAT_H

#include <linux/list.h>
#include <linux/printk.h>
#include <linux/version.h>

#include "pick.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "ktlsx needs Linux 6.1 or newer"
#endif

#ifndef KTLSX_HAVE_SHRINKER_ALLOC
#include <linux/slab.h>
#include <linux/shrinker.h>

static inline struct shrinker *shrinker_alloc(unsigned int flags,
					      const char *name)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (shrinker) {
		shrinker->flags = flags;
		shrinker->seeks = DEFAULT_SEEKS;
	}
	return shrinker;
}

/* Failing, it leaves a shrinker that is never asked, which is no disaster. */
static inline void shrinker_register(struct shrinker *shrinker)
{
	if (register_shrinker(shrinker, "ktlsx"))
		pr_warn("ktlsx: no shrinker: memory for it ran out\n");
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}
#endif

#ifndef KTLSX_HAVE_SKB_FRAGS_READABLE
#include <linux/skbuff.h>

static inline bool skb_frags_readable(const struct sk_buff *skb)
{
	return true;
}
#endif

#ifndef KTLSX_HAVE_CHACHA_STATE
#include <crypto/chacha.h>

struct chacha_state {
	u32 x[CHACHA_STATE_WORDS];
};

static inline void ktlsx_compat_chacha_init(struct chacha_state *state, const u32 *key,
					    const u8 *iv)
{
	chacha_init(state->x, key, iv);
}

#define chacha_init ktlsx_compat_chacha_init

static inline void ktlsx_compat_chacha20_crypt(struct chacha_state *state, u8 *dst, const u8 *src,
					       unsigned int bytes)
{
	chacha20_crypt(state->x, dst, src, bytes);
}

#define chacha20_crypt ktlsx_compat_chacha20_crypt
#endif

#include <net/sock.h>

/* sock_rps_record_flow() left net/sock.h for a header of its own. */
#ifdef KTLSX_HAVE_NET_RPS
#include <net/rps.h>
#endif

/* Kernels without the field decide by sk_allocation alone. */
static inline void sk_disallow_task_frag(struct sock *sk)
{
#ifdef KTLSX_HAVE_SK_USE_TASK_FRAG
	sk->sk_use_task_frag = false;
#endif
}

#endif /* KTLSX_COMPAT_H */
