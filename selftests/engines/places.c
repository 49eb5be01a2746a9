// SPDX-License-Identifier: MIT
/*
 * Owns where the bytes of a record lie: lists of spans with random borders and alignment.
 * Must not know: engines. Concurrency: a list belongs to its caller.
 */
#include "engines.h"

#include <linux/slab.h>

#define ALIGNMENTS 64

/* Random borders: lengths that add up to @len, some of them zero. */
static void cut(struct ktlsx_span spans[PLACES_SPANS_MAX], struct rnd_state *rnd, size_t len)
{
	unsigned int count = 1 + below(rnd, PLACES_SPANS_MAX), i;
	size_t part;

	for (i = 0; i < PLACES_SPANS_MAX; i++) {
		part = i + 1 < count ? below(rnd, len + 1) : len;
		/* short ones too, so that borders fall inside one block */
		if (i + 1 < count && below(rnd, 2))
			part = min_t(size_t, part, below(rnd, 40));
		spans[i].len = part;
		len -= part;
	}
}

static u8 *allocate(struct places *p, unsigned int i, struct rnd_state *rnd, size_t len)
{
	size_t off = below(rnd, ALIGNMENTS);

	p->blocks[i] = kmalloc(off + len, GFP_KERNEL);
	return p->blocks[i] ? (u8 *)p->blocks[i] + off : NULL;
}

/**
 * places_scatter() - make spans with an allocation each
 * @p: all zero; to be freed, whatever is returned
 * @rnd: decides on borders and alignment
 * @len: bytes in all
 *
 * Context: Process context.
 * Return: 0 or -ENOMEM.
 */
int places_scatter(struct places *p, struct rnd_state *rnd, size_t len)
{
	unsigned int i;

	cut(p->spans, rnd, len);
	for (i = 0; i < PLACES_SPANS_MAX; i++) {
		p->spans[i].base = allocate(p, i, rnd, p->spans[i].len);
		if (!p->spans[i].base)
			return -ENOMEM;
	}
	return 0;
}

/**
 * places_share() - make two lists over the same bytes, each with borders of its own
 * @p: all zero; to be freed, whatever is returned
 * @other: all zero; holds no memory
 * @rnd: decides on borders and alignment
 * @len: bytes in all
 *
 * Context: Process context.
 * Return: 0 or -ENOMEM.
 */
int places_share(struct places *p, struct places *other, struct rnd_state *rnd, size_t len)
{
	u8 *at = allocate(p, 0, rnd, len), *at_other = at;
	unsigned int i;

	if (!at)
		return -ENOMEM;
	cut(p->spans, rnd, len);
	cut(other->spans, rnd, len);
	for (i = 0; i < PLACES_SPANS_MAX; i++) {
		p->spans[i].base = at;
		other->spans[i].base = at_other;
		at += p->spans[i].len;
		at_other += other->spans[i].len;
	}
	return 0;
}

/**
 * places_free() - give the memory back; the list is all zero then
 * @p: list
 *
 * Context: Process context.
 */
void places_free(struct places *p)
{
	unsigned int i;

	for (i = 0; i < PLACES_SPANS_MAX; i++)
		kfree(p->blocks[i]);
	memset(p, 0, sizeof(*p));
}

/**
 * places_write() - fill the spans in order
 * @p: list
 * @bytes: source
 * @len: bytes, at most what the spans hold
 *
 * Context: Any.
 */
void places_write(const struct places *p, const u8 *bytes, size_t len)
{
	const struct ktlsx_span *span = p->spans;
	size_t part;

	for (; len; len -= part, bytes += part, span++) {
		part = min(len, span->len);
		memcpy(span->base, bytes, part);
	}
}

/**
 * places_hold() - do the spans hold these bytes?
 * @p: list
 * @bytes: expected; NULL for zeroes
 * @len: bytes, at most what the spans hold
 *
 * Context: Any.
 * Return: whether they do.
 */
bool places_hold(const struct places *p, const u8 *bytes, size_t len)
{
	const struct ktlsx_span *span = p->spans;
	size_t part;

	for (; len; len -= part, span++) {
		part = min(len, span->len);
		if (bytes ? memcmp(span->base, bytes, part) : !!memchr_inv(span->base, 0, part))
			return false;
		bytes = bytes ? bytes + part : NULL;
	}
	return true;
}
