/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns what the CCM ciphers for vectors do to one lane, whatever the cipher.
 * Must not know: ciphers. To be included by vector engines only.
 * Concurrency: a lane belongs to one call; the source may change while it is read.
 */
#ifndef KTLSX_CRYPTO_CCM_VEC128_H
#define KTLSX_CRYPTO_CCM_VEC128_H

#include "ccm.h"
#include "vec128.h"

/* The first @len bytes of 16. */
static __always_inline __m128i ccm_mask(unsigned int len)
{
	static const u64 ones_then_zeros[4] = { ~0ull, ~0ull, 0, 0 };

	return vec128_load((const u8 *)ones_then_zeros + 16 - len);
}

/* A counter block with its last word as a number, and back. */
static __always_inline __m128i ccm_swap_last_word(__m128i v)
{
	return _mm_shuffle_epi8(v, _mm_set_epi8(12, 13, 14, 15, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2,
						1, 0));
}

/* The chain's last encryption is @mac: takes in the next block and moves the lane's memory. */
static __always_inline void ccm_finish_step(struct ktlsx_ccm_lane *lane, __m128i stream,
					    __m128i mac, size_t at)
{
	__m128i x = vec128_load(lane->in + at);

	vec128_opaque(&x);
	vec128_store(lane->out + at, _mm_xor_si128(stream, x));
	stream = _mm_and_si128(stream, ccm_mask(lane->known));
	mac = _mm_xor_si128(mac, _mm_xor_si128(stream, x));
	vec128_store_aligned(lane->mac, mac);
}

#endif
