// SPDX-License-Identifier: MIT
/*
 * Owns runs of bytes cut into blocks of their own.
 * Must not know: what the bytes mean. Concurrency: an object belongs to one thread.
 */
#include "pieces.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

bool pieces_all_are(const uint8_t *bytes, size_t len, uint8_t value)
{
	while (len && bytes[len - 1] == value)
		len--;
	return !len;
}

static void place(struct pieces *p, size_t len)
{
	unsigned int i = p->count++;

	p->before[i] = 5 * arena_below(4);
	p->after[i] = 16 * arena_below(2);
	len += p->before[i] + p->after[i];
	free(p->block[i]);
	p->block[i] = malloc(len + !len);
	if (!p->block[i])
		abort();
	memset(p->block[i], PIECES_CANARY, len);
	p->span[i].base = p->block[i] + p->before[i];
	p->span[i].len = len - p->before[i] - p->after[i];
}

void pieces_cut_at(struct pieces *p, size_t len, const size_t *cut, unsigned int cut_count)
{
	size_t off = 0;

	p->count = 0;
	for (unsigned int i = 0; i < cut_count; off = cut[i++])
		place(p, cut[i] - off);
	place(p, len - off);
}

/* Mostly near an end: there lie header, nonce, type and tag. */
static size_t random_border(size_t len)
{
	size_t end = arena_below(min_t(size_t, len, 40) + 1);

	switch (arena_below(3)) {
	case 0:
		return end;
	case 1:
		return len - end;
	default:
		return arena_below(len + 1);
	}
}

static int by_size(const void *a, const void *b)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	return (left > right) - (left < right);
}

void pieces_cut(struct pieces *p, size_t len, unsigned int count_max)
{
	size_t cut[PIECES_MAX];
	unsigned int cut_count = arena_below(3) ? arena_below(count_max) : count_max - 1;

	for (unsigned int i = 0; i < cut_count; i++)
		cut[i] = random_border(len);
	qsort(cut, cut_count, sizeof(*cut), by_size);
	pieces_cut_at(p, len, cut, cut_count);
}

void pieces_write(const struct pieces *p, const uint8_t *bytes)
{
	for (unsigned int i = 0; i < p->count; bytes += p->span[i++].len)
		memcpy(p->span[i].base, bytes, p->span[i].len);
}

bool pieces_read(const struct pieces *p, uint8_t *bytes)
{
	bool is_intact = true;

	for (unsigned int i = 0; i < p->count; bytes += p->span[i++].len) {
		const struct ktlsx_span *span = &p->span[i];

		memcpy(bytes, span->base, span->len);
		is_intact &= pieces_all_are(p->block[i], p->before[i], PIECES_CANARY) &&
			     pieces_all_are(span->base + span->len, p->after[i], PIECES_CANARY);
	}
	return is_intact;
}
