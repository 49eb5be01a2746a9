/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the start of GHASH: the additional data.
 * Must not know: ciphers. To be included by vector engines only. Concurrency: stateless.
 * Specification: NIST SP 800-38D section 7.1.
 */
#ifndef KTLSX_CRYPTO_GHASH_AAD_H
#define KTLSX_CRYPTO_GHASH_AAD_H

#include "ghash_blocks.h"

/* The additional data, block by block, those of TLS being one; the last is only added. */
static noinline __m128i hash_aad(const struct ktlsx_ghash_key *hash, const u8 *aad, size_t len)
{
	__m128i acc = _mm_setzero_si128(), block;
	struct product p;
	size_t part;

	for (; len; len -= part, aad += part) {
		p = no_product();
		add_block(&p, acc, hash->powers[KTLSX_GCM_POWERS - 1]);
		part = min_t(size_t, len, 16);
		block = part == 16 ? vec128_load(aad) : bounce_load_partial(aad, part);
		acc = _mm_xor_si128(reduce(p), vec128_swap_bytes(block));
	}
	return acc;
}

#endif
