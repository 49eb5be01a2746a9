/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the product of GHASH by carry-less multiplication: sums of products, reduced once.
 * Must not know: where blocks come from. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: NIST SP 800-38D section 6.3; the operands are as struct ktlsx_ghash_key says.
 */
#ifndef KTLSX_CRYPTO_GHASH_CLMUL_H
#define KTLSX_CRYPTO_GHASH_CLMUL_H

#include "vec128.h"

/* x^128 + x^7 + x^2 + x + 1 reflected, without the two end terms */
#define POLY_HIGH ((long long)(0xc2ull << 56))

/* Karatsuba sums of unreduced products */
struct product {
	__m128i low;
	__m128i mid;
	__m128i high;
};

/* Else the compiler sums in another order, late, and spills every product. */
static __always_inline void sum_now(struct product *p)
{
	vec128_opaque(&p->low);
	vec128_opaque(&p->mid);
	vec128_opaque(&p->high);
}

static __always_inline void add_product(struct product *p, __m128i x, __m128i power, __m128i fold)
{
	__m128i halves = _mm_xor_si128(vec128_swap_halves(x), x);

	p->low = _mm_xor_si128(p->low, _mm_clmulepi64_si128(x, power, 0x00));
	p->high = _mm_xor_si128(p->high, _mm_clmulepi64_si128(x, power, 0x11));
	p->mid = _mm_xor_si128(p->mid, _mm_clmulepi64_si128(halves, fold, 0x00));
	sum_now(p);
}

/* Two blocks share the work of adding their halves; @folds holds both folds. */
static __always_inline void add_pair(struct product *p, __m128i x, __m128i y,
				     const u64 (*powers)[2], const u64 *folds)
{
	__m128i halves = _mm_xor_si128(_mm_unpacklo_epi64(x, y), _mm_unpackhi_epi64(x, y));
	__m128i power = vec128_load_aligned(powers[0]), fold = vec128_load_aligned(folds);

	p->low = _mm_xor_si128(p->low, _mm_clmulepi64_si128(x, power, 0x00));
	p->high = _mm_xor_si128(p->high, _mm_clmulepi64_si128(x, power, 0x11));
	power = vec128_load_aligned(powers[1]);
	p->low = _mm_xor_si128(p->low, _mm_clmulepi64_si128(y, power, 0x00));
	p->high = _mm_xor_si128(p->high, _mm_clmulepi64_si128(y, power, 0x11));
	p->mid = _mm_xor_si128(p->mid, _mm_clmulepi64_si128(halves, fold, 0x00));
	p->mid = _mm_xor_si128(p->mid, _mm_clmulepi64_si128(halves, fold, 0x11));
	sum_now(p);
}

static __always_inline __m128i reduce(struct product p)
{
	const __m128i poly = _mm_set_epi64x(0, POLY_HIGH);
	__m128i low = p.low, mid = _mm_xor_si128(p.mid, _mm_xor_si128(p.low, p.high));
	__m128i t;

	/* low.high and high.low take the halves of the middle, each after its word is folded */
	t = _mm_clmulepi64_si128(low, poly, 0x00);
	mid = _mm_xor_si128(mid, _mm_xor_si128(vec128_swap_halves(low), t));
	t = _mm_clmulepi64_si128(mid, poly, 0x00);
	return _mm_xor_si128(p.high, _mm_xor_si128(vec128_swap_halves(mid), t));
}

#endif
