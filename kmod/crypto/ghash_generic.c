// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns GHASH in portable constant-time C: no table and no branch sees a secret.
 * Must not know: AES, spans. Concurrency: stateless.
 * Specification: NIST SP 800-38D sections 6.3 and 6.4.
 *
 * The carry-less product comes from the integer multiplier: operands are split
 * into four sets of every fourth bit, so that column sums stay below 16 and never
 * reach the next bit of their own set.
 */
#include "ghash_generic.h"

#define EVERY_FOURTH 0x1111111111111111ull
/* x^128 + x^7 + x^2 + x + 1 reflected, without the two end terms */
#define POLY_HIGH 0xc200000000000000ull

struct product {
	u64 low;
	u64 high;
};

/* Bits @set, @set + 4, ... of the product of two operands split by position. */
static __always_inline struct product column_set(const u64 a[4], const u64 b[4], unsigned int set)
{
	unsigned __int128 sum = 0;
	struct product p;
	unsigned int i;

	for (i = 0; i < 4; i++)
		sum ^= (unsigned __int128)a[i] * b[(set - i) & 3];
	p.low = (u64)sum & (EVERY_FOURTH << set);
	p.high = (u64)(sum >> 64) & (EVERY_FOURTH << set);
	return p;
}

static struct product multiply_64(u64 a, u64 b)
{
	struct product p = { 0, 0 }, q;
	u64 as[4], bs[4], mask;
	unsigned int i;

	/* sixteen terms in one column would carry into the next: @a keeps fifteen a set */
	for (i = 0; i < 4; i++) {
		as[i] = a & (EVERY_FOURTH >> 4 << i);
		bs[i] = b & (EVERY_FOURTH << i);
	}
	for (i = 0; i < 4; i++) {
		q = column_set(as, bs, i);
		p.low |= q.low;
		p.high |= q.high;
	}
	for (i = 60; i < 64; i++) {
		mask = 0 - (a >> i & 1);
		p.low ^= (b << i) & mask;
		p.high ^= (b >> (64 - i)) & mask;
	}
	return p;
}

/* Clears the lowest 64 of 256 bits by adding a multiple of the polynomial. */
static __always_inline void fold_word(u64 lowest, u64 *next, u64 *above)
{
	*next ^= lowest << 63 ^ lowest << 62 ^ lowest << 57;
	*above ^= lowest ^ lowest >> 1 ^ lowest >> 2 ^ lowest >> 7;
}

/* @acc times the field element whose reflected product with x is @hx */
static void multiply(u64 acc[2], const u64 hx[2], u64 fold)
{
	struct product low = multiply_64(acc[0], hx[0]);
	struct product high = multiply_64(acc[1], hx[1]);
	struct product mid = multiply_64(acc[0] ^ acc[1], fold);
	u64 w[4];

	mid.low ^= low.low ^ high.low;
	mid.high ^= low.high ^ high.high;
	w[0] = low.low;
	w[1] = low.high ^ mid.low;
	w[2] = high.low ^ mid.high;
	w[3] = high.high;
	fold_word(w[0], &w[1], &w[2]);
	fold_word(w[1], &w[2], &w[3]);
	acc[0] = w[2];
	acc[1] = w[3];
}

static u64 fold_of(const u64 power[2])
{
	return power[0] ^ power[1];
}

static void put_product(u64 to[2], const u64 power[2], const u64 by[2])
{
	memcpy(to, power, 2 * sizeof(*to));
	multiply(to, by, fold_of(by));
}

void ktlsx_ghash_prepare(struct ktlsx_ghash_key *key, const u8 h[16])
{
	u64 high = port_get_be64(h), low = port_get_be64(h + 8);
	u64 carry = 0 - (high >> 63);
	u64 *hx = key->powers[KTLSX_GCM_POWERS - 1];
	const u64 *step = key->powers[KTLSX_GCM_POWERS - 4];
	unsigned int i;

	hx[1] = (high << 1 | low >> 63) ^ (carry & POLY_HIGH);
	hx[0] = low << 1 ^ (carry & 1);
	for (i = KTLSX_GCM_POWERS - 1; i--;)
		put_product(key->powers[i], key->powers[i + 1], hx);
	/* H^20 follows H^16, which is the first of the powers */
	put_product(key->strides[KTLSX_GCM_STRIDES - 1], key->powers[0], step);
	for (i = KTLSX_GCM_STRIDES - 1; i--;)
		put_product(key->strides[i], key->strides[i + 1], step);
	for (i = 0; i < KTLSX_GCM_FOLDS; i++)
		key->folds[i] = fold_of(key->powers[KTLSX_GCM_POWERS - KTLSX_GCM_FOLDS + i]);
}

static void absorb(const struct ktlsx_ghash_key *key, u64 acc[2], u64 high, u64 low)
{
	acc[1] ^= high;
	acc[0] ^= low;
	multiply(acc, key->powers[KTLSX_GCM_POWERS - 1], key->folds[KTLSX_GCM_FOLDS - 1]);
}

void ktlsx_ghash_update(const struct ktlsx_ghash_key *key, u64 acc[2], const u8 *data, size_t len)
{
	u8 last[16] = { 0 };

	for (; len >= 16; len -= 16, data += 16)
		absorb(key, acc, port_get_be64(data), port_get_be64(data + 8));
	if (len) {
		memcpy(last, data, len);
		absorb(key, acc, port_get_be64(last), port_get_be64(last + 8));
	}
}

void ktlsx_ghash_finish(const struct ktlsx_ghash_key *key, u64 acc[2], u64 aad_len, u64 text_len,
			u8 out[16])
{
	absorb(key, acc, aad_len * 8, text_len * 8);
	port_put_be64(out, acc[1]);
	port_put_be64(out + 8, acc[0]);
}
