/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the product of GHASH by carry-less multiplication in both lanes of 256-bit vectors:
 * sums of products, reduced once.
 * Must not know: where blocks come from. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: NIST SP 800-38D section 6.3; the operands are as struct ktlsx_gcm_key says.
 */
#ifndef KTLSX_CRYPTO_GHASH_CLMUL256_H
#define KTLSX_CRYPTO_GHASH_CLMUL256_H

#include "ghash_clmul.h"
#include "vec256.h"

/* Unreduced products */
struct product256 {
	__m256i low;
	__m256i mid;
	__m256i high;
};

/* Else the compiler sums in another order, late, and spills every product. */
static __always_inline void sum_now256(struct product256 *p)
{
	vec256_opaque(&p->low);
	vec256_opaque(&p->mid);
	vec256_opaque(&p->high);
}

/* Four multiplications: that port has room, and Karatsuba's additions would cost more. */
static __always_inline void first_product(struct product256 *p, __m256i x, __m256i power)
{
	p->low = _mm256_clmulepi64_epi128(x, power, 0x00);
	p->mid = _mm256_xor_si256(_mm256_clmulepi64_epi128(x, power, 0x01),
				  _mm256_clmulepi64_epi128(x, power, 0x10));
	p->high = _mm256_clmulepi64_epi128(x, power, 0x11);
	sum_now256(p);
}

static __always_inline void add_product256(struct product256 *p, __m256i x, __m256i power)
{
	p->low = _mm256_xor_si256(p->low, _mm256_clmulepi64_epi128(x, power, 0x00));
	p->mid = _mm256_xor_si256(p->mid, _mm256_clmulepi64_epi128(x, power, 0x01));
	p->mid = _mm256_xor_si256(p->mid, _mm256_clmulepi64_epi128(x, power, 0x10));
	p->high = _mm256_xor_si256(p->high, _mm256_clmulepi64_epi128(x, power, 0x11));
	sum_now256(p);
}

static __always_inline __m256i reduce256(struct product256 p)
{
	const __m256i poly = _mm256_set_epi64x(0, POLY_HIGH, 0, POLY_HIGH);
	__m256i t;

	t = _mm256_clmulepi64_epi128(p.low, poly, 0x00);
	p.mid = _mm256_xor_si256(p.mid, _mm256_xor_si256(vec256_swap_halves(p.low), t));
	t = _mm256_clmulepi64_epi128(p.mid, poly, 0x00);
	return _mm256_xor_si256(p.high, _mm256_xor_si256(vec256_swap_halves(p.mid), t));
}

#endif
