/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns walking along a list of spans: how far it is contiguous, and copying
 * across borders.
 * Must not know: ciphers. Concurrency: a cursor belongs to one call.
 */
#ifndef KTLSX_CRYPTO_SPANS_H
#define KTLSX_CRYPTO_SPANS_H

#include "aead.h"

/**
 * struct ktlsx_cursor - a place in a list of spans
 * @span: the span it is in; not to be looked at when no byte is left to walk
 * @off: bytes of @span already passed
 */
struct ktlsx_cursor {
	const struct ktlsx_span *span;
	size_t off;
};

/**
 * ktlsx_cursor_run() - skip empty spans and measure the contiguous bytes ahead
 * @cursor: place; at least one byte must be left in the list
 *
 * Context: Any.
 * Return: bytes from ktlsx_cursor_here() to the end of its span, never zero.
 */
static inline size_t ktlsx_cursor_run(struct ktlsx_cursor *cursor)
{
	while (unlikely(cursor->off == cursor->span->len)) {
		cursor->span++;
		cursor->off = 0;
	}
	return cursor->span->len - cursor->off;
}

static inline u8 *ktlsx_cursor_here(const struct ktlsx_cursor *cursor)
{
	return cursor->span->base + cursor->off;
}

/**
 * ktlsx_cursor_gather() - copy bytes out of the list and pass them
 * @cursor: moved behind the bytes
 * @buf: filled
 * @len: bytes, which the list must have
 *
 * Context: Any.
 */
void ktlsx_cursor_gather(struct ktlsx_cursor *cursor, u8 *buf, size_t len);

/**
 * ktlsx_cursor_scatter() - copy bytes into the list and pass them
 * @cursor: moved behind the bytes
 * @buf: source
 * @len: bytes, for which the list must have room
 *
 * Context: Any.
 */
void ktlsx_cursor_scatter(struct ktlsx_cursor *cursor, const u8 *buf, size_t len);

/**
 * ktlsx_cursor_skip() - pass bytes
 * @cursor: moved behind the bytes
 * @len: bytes, which the list must have
 *
 * Context: Any.
 */
void ktlsx_cursor_skip(struct ktlsx_cursor *cursor, size_t len);

/**
 * ktlsx_spans_wipe() - zero the first bytes of a list
 * @spans: list
 * @len: bytes, for which the list must have room
 *
 * Context: Any.
 */
void ktlsx_spans_wipe(const struct ktlsx_span *spans, size_t len);

/**
 * ktlsx_texts_refuse() - what becomes of a run in which a record does not verify
 * @texts: the run
 * @bad: index of the first record that does not verify
 * @count: records in the run
 *
 * Context: Any.
 * Return: @bad; the destinations from there on are zeroed.
 */
unsigned int ktlsx_texts_refuse(const struct ktlsx_aead_text *texts, unsigned int bad,
				unsigned int count);

/**
 * ktlsx_tag_matches() - compare tags in constant time
 * @expected: secret: the tag the record should have
 * @tag: the tag it has
 *
 * Context: Any.
 * Return: whether they are the same, which may be known.
 */
bool ktlsx_tag_matches(const u8 expected[KTLSX_AEAD_TAG_LEN], const u8 tag[KTLSX_AEAD_TAG_LEN]);

#endif
