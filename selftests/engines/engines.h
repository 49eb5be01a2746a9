/* SPDX-License-Identifier: MIT */
/*
 * Owns what the parts of the module of engine tests share: random numbers, places that records
 * lie in, and the trial of one engine.
 * Must not know: the algorithms, but from their table. Concurrency: load time only, one caller.
 */
#ifndef ENGINES_H
#define ENGINES_H

#include <linux/prandom.h>
#include <linux/types.h>

#include "crypto/aead.h"

/* A line of KTAP; what it stands behind tells it from other lines of the kernel log. */
#define ktap(...) pr_info("ktap: " __VA_ARGS__)

#define PLACES_SPANS_MAX 8

/**
 * struct places - spans that hold one side of a record
 * @spans: the list, filled up with empty ones
 * @blocks: what they lie in: each span has an allocation of its own that ends where it ends, so
 *          that KASAN sees a byte too far
 */
struct places {
	struct ktlsx_span spans[PLACES_SPANS_MAX];
	void *blocks[PLACES_SPANS_MAX];
};

/**
 * below() - a random number
 * @rnd: source
 * @limit: at least 1
 *
 * Context: Any.
 * Return: 0 to @limit - 1.
 */
static inline u32 below(struct rnd_state *rnd, u32 limit)
{
	return prandom_u32_state(rnd) % limit;
}

/* Described in places.c. */
int places_scatter(struct places *p, struct rnd_state *rnd, size_t len);
int places_share(struct places *p, struct places *other, struct rnd_state *rnd, size_t len);
void places_free(struct places *p);
void places_write(const struct places *p, const u8 *bytes, size_t len);
bool places_hold(const struct places *p, const u8 *bytes, size_t len);

/* Described in trial.c. */
int trial_run(const struct ktlsx_aead *aead, const struct ktlsx_aead_engine *engine,
	      struct rnd_state *rnd, unsigned int rounds);

#endif
