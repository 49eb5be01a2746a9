// SPDX-License-Identifier: MIT
/*
 * Owns memory that tells on whoever leaves it.
 * Must not know: what the bytes mean. Concurrency: an arena belongs to one thread.
 */
#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE_LEN 4096
#define CANARY_LEN 32
#define CANARY 0xa5

static uint64_t state = 1;

void arena_seed(void)
{
	const char *text = getenv("KTLSX_SEED");

	state = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) * 2654435761u;
	printf("# KTLSX_SEED=%llu\n", (unsigned long long)state);
	state |= 1;
}

/* G. Marsaglia's xorshift */
uint64_t arena_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x9e3779b97f4a7c15ull;
}

size_t arena_below(size_t limit)
{
	return (size_t)((arena_random() >> 32) * limit >> 32);
}

void arena_fill_random(uint8_t *buf, size_t len)
{
	uint64_t word;
	size_t run;

	for (; len; len -= run, buf += run) {
		word = arena_random();
		run = min(len, sizeof(word));
		memcpy(buf, &word, run);
	}
}

void arena_init(struct arena *arena)
{
	size_t stride = ARENA_SLOT_LEN + PAGE_LEN, i;
	uint8_t *base;

	memset(arena, 0, sizeof(*arena));
	base = mmap(NULL, ARENA_SLOTS * stride + PAGE_LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (base == MAP_FAILED)
		exit(1);
	for (i = 0; i < ARENA_SLOTS; i++) {
		arena->slots[i] = base + i * stride + PAGE_LEN;
		if (mprotect(arena->slots[i], ARENA_SLOT_LEN, PROT_READ | PROT_WRITE))
			exit(1);
	}
}

static size_t canary_before(const struct arena *arena, size_t i)
{
	return min_t(size_t, arena->used[i], CANARY_LEN);
}

static size_t canary_after(const struct arena *arena, size_t i)
{
	return min_t(size_t, ARENA_SLOT_LEN - arena->used[i] - arena->spans[i].len, CANARY_LEN);
}

/* Against one of the two guard pages, or anywhere between. */
static void place(struct arena *arena, size_t slot, size_t len)
{
	size_t room = ARENA_SLOT_LEN - len, i = arena->span_count++;
	static const unsigned int choices = 4;
	struct ktlsx_span *span = &arena->spans[i];

	switch (arena_below(choices)) {
	case 0:
		arena->used[i] = 0;
		break;
	case 1:
		arena->used[i] = room;
		break;
	default:
		arena->used[i] = arena_below(min_t(size_t, room + 1, 200));
	}
	span->base = arena->slots[slot] + arena->used[i];
	span->len = len;
	memset(span->base - canary_before(arena, i), CANARY, canary_before(arena, i));
	memset(span->base + len, CANARY, canary_after(arena, i));
}

/* An empty span may point anywhere, even where nothing can be read. */
static void place_empty(struct arena *arena)
{
	arena->spans[arena->span_count].base = arena->slots[0] - 1;
	arena->spans[arena->span_count++].len = 0;
}

/* Mostly a few pieces; at times many, tiny or near a whole block. */
static size_t piece_len(size_t left, size_t slots_left, unsigned int style)
{
	if (slots_left == 1)
		return left;
	if (style < 6)
		return arena_below(left + 1);
	if (style < 8)
		return min(left, arena_below(20));
	return min(left, 16 * arena_below(20) + arena_below(3));
}

void arena_scatter(struct arena *arena, size_t len)
{
	unsigned int style = (unsigned int)arena_below(10);
	size_t slots = ARENA_SLOTS, slot, run;

	if (style < 2)
		slots = 1;
	else if (style < 6)
		slots = 1 + arena_below(6);
	arena->span_count = 0;
	for (slot = 0; slot < slots; slot++, len -= run) {
		run = piece_len(len, slots - slot, style);
		place(arena, slot, run);
		if (!arena_below(16))
			place_empty(arena);
	}
}

static void cut(struct arena *arena, uint8_t *base, size_t len)
{
	unsigned int style = (unsigned int)arena_below(10);
	size_t pieces = style < 2 ? 1 : 1 + arena_below(ARENA_SLOTS), run;

	arena->span_count = 0;
	for (; pieces; pieces--, base += run, len -= run) {
		run = piece_len(len, pieces, style);
		arena->spans[arena->span_count].base = base;
		arena->spans[arena->span_count++].len = run;
	}
}

void arena_contiguous(struct arena *arena, size_t len)
{
	arena->span_count = 0;
	place(arena, 0, len);
	cut(arena, arena->spans[0].base, len);
}

void arena_recut(struct arena *arena, const struct arena *of, size_t len)
{
	cut(arena, of->spans[0].base, len);
}

void arena_write(const struct arena *arena, const uint8_t *bytes)
{
	size_t i;

	for (i = 0; i < arena->span_count; bytes += arena->spans[i++].len)
		if (arena->spans[i].len)
			memcpy(arena->spans[i].base, bytes, arena->spans[i].len);
}

static bool all_are(const uint8_t *p, size_t len, uint8_t value)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != value)
			return false;
	return true;
}

bool arena_holds(const struct arena *arena, const uint8_t *bytes)
{
	const struct ktlsx_span *span = arena->spans;
	size_t i;

	for (i = 0; i < arena->span_count; i++, span++) {
		if (!span->len)
			continue;
		if (!bytes ? !all_are(span->base, span->len, 0) :
			     memcmp(span->base, bytes, span->len))
			return false;
		if (bytes)
			bytes += span->len;
	}
	return true;
}

bool arena_canaries_alive(const struct arena *arena)
{
	const struct ktlsx_span *span = arena->spans;
	size_t i, before;

	for (i = 0; i < arena->span_count; i++, span++) {
		if (!span->len)
			continue;
		before = canary_before(arena, i);
		if (!all_are(span->base - before, before, CANARY) ||
		    !all_are(span->base + span->len, canary_after(arena, i), CANARY))
			return false;
	}
	return true;
}
