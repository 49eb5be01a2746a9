/* SPDX-License-Identifier: MIT */
/*
 * Owns memory that tells on whoever leaves it: slots between guard pages, cut at random
 * into spans with canaries around them; and the random numbers for that.
 * Must not know: what the bytes mean. Concurrency: an arena belongs to one thread.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kmod/crypto/aead.h"

#define ARENA_SLOTS 24
#define ARENA_SLOT_LEN 20480
#define ARENA_SPANS_MAX (2 * ARENA_SLOTS)

struct arena {
	uint8_t *slots[ARENA_SLOTS];
	struct ktlsx_span spans[ARENA_SPANS_MAX + 1];
	size_t span_count;
	size_t used[ARENA_SPANS_MAX];	/* bytes from a span's slot start to the span */
};

/* Seeds from KTLSX_SEED, or from the clock; prints the seed. */
void arena_seed(void);
uint64_t arena_random(void);
/* Uniform enough in 0 to @limit - 1. */
size_t arena_below(size_t limit);
void arena_fill_random(uint8_t *buf, size_t len);

/* Exits when there is no memory. */
void arena_init(struct arena *arena);
/* Spans of @len bytes in total, each in a slot of its own or empty at a guard page. */
void arena_scatter(struct arena *arena, size_t len);
/* One contiguous run of @len bytes, cut into spans. */
void arena_contiguous(struct arena *arena, size_t len);
/* The same bytes as @of, which is contiguous, cut elsewhere. */
void arena_recut(struct arena *arena, const struct arena *of, size_t len);
void arena_write(const struct arena *arena, const uint8_t *bytes);
/* Whether the spans hold @bytes, or zeros where @bytes is NULL. */
bool arena_holds(const struct arena *arena, const uint8_t *bytes);
bool arena_canaries_alive(const struct arena *arena);

#endif
