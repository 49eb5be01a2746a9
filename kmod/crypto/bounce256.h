/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the moves of pieces of a 256-bit vector between a list of spans and registers.
 * Must not know: ciphers. To be included by vector engines only.
 * Concurrency: the source may change while it is read: each byte is loaded once.
 */
#ifndef KTLSX_CRYPTO_BOUNCE256_H
#define KTLSX_CRYPTO_BOUNCE256_H

#include "bounce.h"
#include "vec256.h"

/* 0 to 31 bytes, zero-padded; the length is public. */
static __always_inline __m256i bounce256_load_partial(const u8 *p, size_t len)
{
	const size_t whole = len / 16 * 16;
	const __m128i rest = bounce_load_partial(p + whole, len - whole);

	return whole ? _mm256_set_m128i(rest, vec128_load(p)) : _mm256_zextsi128_si256(rest);
}

/* 0 to 31 bytes. */
static __always_inline void bounce256_store_partial(u8 *to, const u8 *from, size_t len)
{
	if (len >= 16) {
		vec128_store(to, vec128_load(from));
		to += 16;
		from += 16;
	}
	bounce_store_partial(to, from, len % 16);
}

#endif
