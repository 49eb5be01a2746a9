/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the product of GHASH on four blocks at once: sums of products, reduced once. The
 * middle terms are multiplied out: CPUs with these instructions have one port for products
 * and for shuffles, and Karatsuba's method would need three shuffles to save a product.
 * Must not know: where blocks come from. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: NIST SP 800-38D section 6.3; the operands are as struct ktlsx_ghash_key says.
 */
#ifndef KTLSX_CRYPTO_GHASH_AVX512_H
#define KTLSX_CRYPTO_GHASH_AVX512_H

#include "ghash_clmul.h"
#include "vec512.h"

/* In each lane a sum of unreduced products. */
struct products {
	__m512i low;
	__m512i mid;
	__m512i high;
};

/* Else the compiler sums in another order, late, and spills every product. */
static __always_inline void sums_now(struct products *p)
{
	vec512_opaque(&p->low);
	vec512_opaque(&p->mid);
	vec512_opaque(&p->high);
}

static __always_inline struct products products_of(__m512i x, __m512i power)
{
	struct products p;

	p.low = _mm512_clmulepi64_epi128(x, power, 0x00);
	p.high = _mm512_clmulepi64_epi128(x, power, 0x11);
	p.mid = _mm512_xor_si512(_mm512_clmulepi64_epi128(x, power, 0x01),
				 _mm512_clmulepi64_epi128(x, power, 0x10));
	return p;
}

static __always_inline void add_products(struct products *p, __m512i x, __m512i power)
{
	p->low = _mm512_xor_si512(p->low, _mm512_clmulepi64_epi128(x, power, 0x00));
	p->high = _mm512_xor_si512(p->high, _mm512_clmulepi64_epi128(x, power, 0x11));
	p->mid = vec512_xor3(p->mid, _mm512_clmulepi64_epi128(x, power, 0x01),
			     _mm512_clmulepi64_epi128(x, power, 0x10));
	sums_now(p);
}

/* Two vectors share the additions. */
static __always_inline void add_two_products(struct products *p, __m512i x, __m512i y,
					     __m512i x_power, __m512i y_power)
{
	p->low = vec512_xor3(p->low, _mm512_clmulepi64_epi128(x, x_power, 0x00),
			     _mm512_clmulepi64_epi128(y, y_power, 0x00));
	p->high = vec512_xor3(p->high, _mm512_clmulepi64_epi128(x, x_power, 0x11),
			      _mm512_clmulepi64_epi128(y, y_power, 0x11));
	p->mid = vec512_xor3(p->mid, _mm512_clmulepi64_epi128(x, x_power, 0x01),
			     _mm512_clmulepi64_epi128(x, x_power, 0x10));
	p->mid = vec512_xor3(p->mid, _mm512_clmulepi64_epi128(y, y_power, 0x01),
			     _mm512_clmulepi64_epi128(y, y_power, 0x10));
	sums_now(p);
}

/* As reduce() does it, in each lane. */
static __always_inline __m512i reduce_lanes(struct products p)
{
	static const u64 poly_high[2] __aligned(16) = { POLY_HIGH, POLY_HIGH };
	__m512i mid, poly = vec512_spread(poly_high);

	mid = vec512_xor3(p.mid, vec512_swap_halves(p.low),
			  _mm512_clmulepi64_epi128(p.low, poly, 0x00));
	return vec512_xor3(p.high, vec512_swap_halves(mid),
			   _mm512_clmulepi64_epi128(mid, poly, 0x00));
}

/* The sum of all lanes, reduced: in the order that takes the fewest instructions. */
static __always_inline __m128i reduce_to_one(struct products p)
{
	return vec512_fold(reduce_lanes(p));
}

#endif
