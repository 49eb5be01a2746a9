/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the moves between a list of spans and an engine's bounce buffer, in vectors: what
 * is stored in other pieces than it is loaded again stalls the loads.
 * Must not know: ciphers. To be included by vector engines only.
 * Concurrency: the source may change while it is copied; then only the copy counts.
 */
#ifndef KTLSX_CRYPTO_BOUNCE_H
#define KTLSX_CRYPTO_BOUNCE_H

#include "spans.h"
#include "vec128.h"

/* What a gather may write behind the bytes it was asked for. */
#define BOUNCE_SLACK 16

/* 0 to 15 bytes, zero-padded; the length is public. */
static __always_inline __m128i bounce_load_partial(const u8 *p, size_t len)
{
	u64 low = 0, high = 0;
	u32 a, b;
	size_t i;

	if (len > 8) {
		memcpy(&low, p, 8);
		memcpy(&high, p + len - 8, 8);
		high >>= 8 * (16 - len);
	} else if (len == 8) {
		memcpy(&low, p, 8);
	} else if (len >= 4) {
		memcpy(&a, p, 4);
		memcpy(&b, p + len - 4, 4);
		low = a | (u64)b << 8 * (len - 4);
	} else {
		for (i = 0; i < len; i++)
			low |= (u64)p[i] << 8 * i;
	}
	return _mm_set_epi64x((long long)high, (long long)low);
}

static __always_inline void bounce_store_partial(u8 *to, const u8 *from, size_t len)
{
	u64 a, b;
	size_t i;

	if (len >= 8) {
		memcpy(&a, from, 8);
		memcpy(&b, from + len - 8, 8);
		memcpy(to, &a, 8);
		memcpy(to + len - 8, &b, 8);
		return;
	}
	for (i = 0; i < len; i++)
		to[i] = from[i];
}

/* Copies @len bytes out of the list, and up to BOUNCE_SLACK zeros behind them. */
static inline void bounce_gather(struct ktlsx_cursor *cursor, u8 *buf, size_t len)
{
	size_t run, i;
	const u8 *p;

	for (; len; len -= run, buf += run) {
		run = min(len, ktlsx_cursor_run(cursor));
		p = ktlsx_cursor_here(cursor);
		for (i = 0; i + 16 <= run; i += 16)
			vec128_store(buf + i, vec128_load(p + i));
		if (run % 16)
			vec128_store(buf + i, bounce_load_partial(p + i, run % 16));
		cursor->off += run;
	}
}

/* Copies @len bytes into the list. */
static inline void bounce_scatter(struct ktlsx_cursor *cursor, const u8 *buf, size_t len)
{
	size_t run, i;
	u8 *p;

	for (; len; len -= run, buf += run) {
		run = min(len, ktlsx_cursor_run(cursor));
		p = ktlsx_cursor_here(cursor);
		for (i = 0; i + 16 <= run; i += 16)
			vec128_store(p + i, vec128_load(buf + i));
		if (run % 16)
			bounce_store_partial(p + i, buf + i, run % 16);
		cursor->off += run;
	}
}

#endif
