/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns GHASH by single blocks, for the ends of a record.
 * Must not know: ciphers. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: NIST SP 800-38D section 6.4.
 */
#ifndef KTLSX_CRYPTO_GHASH_BLOCKS_H
#define KTLSX_CRYPTO_GHASH_BLOCKS_H

#include "bounce.h"
#include "gcm.h"
#include "ghash_clmul.h"

static __always_inline void add_block(struct product *p, __m128i x, const u64 power[2])
{
	__m128i y = vec128_load_aligned(power);

	add_product(p, x, y, _mm_xor_si128(y, vec128_swap_halves(y)));
}

static __always_inline struct product no_product(void)
{
	return (struct product){ _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };
}

/* Absorbs the blocks of a queue and what comes behind them, sixteen at most. */
static __always_inline __m128i hash_blocks(const struct ktlsx_ghash_key *hash, __m128i carry,
					   const u8 (*queue)[16], unsigned int blocks,
					   __m128i last)
{
	const u64 (*powers)[2] = hash->powers + KTLSX_GCM_POWERS - 1 - blocks;
	struct product p = no_product();
	unsigned int i;

	for (i = 0; i < blocks; i++) {
		carry = _mm_xor_si128(carry, vec128_load_aligned(queue[i]));
		add_block(&p, carry, powers[i]);
		carry = _mm_setzero_si128();
	}
	add_block(&p, _mm_xor_si128(carry, last), powers[i]);
	return reduce(p);
}

#endif
