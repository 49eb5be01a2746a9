// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the ends of records in the AES-GCM engine for 512-bit vectors, short records being
 * nothing but ends: exactly as many vectors as there are, and the block that masks the tag
 * among them.
 * Must not know: spans. Every function here runs inside a vector section.
 * Concurrency: stateless but for the caller's record; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7.
 */
#include "aes_gcm_avx512.h"

/* Loops and arrays would end up in memory: these are for a constant @count. */
static __always_inline void one_round(__m512i *b, unsigned int count, __m512i rk)
{
	b[0] = _mm512_aesenc_epi128(b[0], rk);
	if (count > 1)
		b[1] = _mm512_aesenc_epi128(b[1], rk);
	if (count > 2)
		b[2] = _mm512_aesenc_epi128(b[2], rk);
	if (count > 3)
		b[3] = _mm512_aesenc_epi128(b[3], rk);
	if (count > 4)
		b[4] = _mm512_aesenc_epi128(b[4], rk);
	if (count > 5) {
		b[5] = _mm512_aesenc_epi128(b[5], rk);
		b[6] = _mm512_aesenc_epi128(b[6], rk);
		b[7] = _mm512_aesenc_epi128(b[7], rk);
	}
}

/* All rounds but the last, whose key it returns. */
static __always_inline __m512i rounds(__m512i *b, unsigned int count,
				      const struct ktlsx_aes_key *aes)
{
	const u8 (*rk)[16] = aes->round_keys + 1, (*last)[16] = aes->round_keys + aes->rounds;

	do {
		one_round(b, count, vec512_spread(*rk));
	} while (++rk != last);
	return vec512_spread(*last);
}

static __always_inline __m512i next_counters(__m512i counters)
{
	return _mm512_add_epi32(counters, _mm512_maskz_set1_epi32(0x1111, 4));
}

static __always_inline void set_counters(const struct gcm512_record *r, __m512i *b,
					 unsigned int count)
{
	__m512i counters = gcm512_counters(r->counter);
	
	b[0] = gcm512_first_state(r, counters);
	if (count > 1)
		b[1] = gcm512_first_state(r, counters = next_counters(counters));
	if (count > 2)
		b[2] = gcm512_first_state(r, counters = next_counters(counters));
	if (count > 3)
		b[3] = gcm512_first_state(r, counters = next_counters(counters));
	if (count > 4)
		b[4] = gcm512_first_state(r, counters = next_counters(counters));
	if (count > 5) {
		b[5] = gcm512_first_state(r, counters = next_counters(counters));
		b[6] = gcm512_first_state(r, counters = next_counters(counters));
		b[7] = gcm512_first_state(r, counters = next_counters(counters));
	}
}

static __always_inline void last_round(struct gcm512_record *r, const u8 *in, u8 *out, __m512i b,
				       __m512i rk, unsigned int i)
{
	__m512i x = vec512_load(in + 64 * i);

	vec512_opaque(&x);
	b = _mm512_aesenclast_epi128(b, _mm512_xor_si512(rk, x));
	vec512_store(out + 64 * i, b);
	x = _mm512_mask_mov_epi64(x, (__mmask8)r->sealing, b);
	vec512_store_aligned(&r->queue[r->queued + i], vec512_swap_bytes(x));
}

static __always_inline void crypt(struct gcm512_record *r, const u8 *in, u8 *out,
				  unsigned int count)
{
	__m512i b[GCM512_GROUP], rk;

	set_counters(r, b, count);
	rk = rounds(b, count, &r->key->aes);
	last_round(r, in, out, b[0], rk, 0);
	if (count > 1)
		last_round(r, in, out, b[1], rk, 1);
	if (count > 2)
		last_round(r, in, out, b[2], rk, 2);
	if (count > 3)
		last_round(r, in, out, b[3], rk, 3);
	if (count > 4)
		last_round(r, in, out, b[4], rk, 4);
	if (count > 5) {
		last_round(r, in, out, b[5], rk, 5);
		last_round(r, in, out, b[6], rk, 6);
		last_round(r, in, out, b[7], rk, 7);
	}
}

void gcm512_crypt_vectors(struct gcm512_record *r, const u8 *in, u8 *out, unsigned int count)
{
	if (count == GCM512_GROUP)
		crypt(r, in, out, GCM512_GROUP);
	else if (count == 1)
		crypt(r, in, out, 1);
	else if (count == 2)
		crypt(r, in, out, 2);
	else if (count == 3)
		crypt(r, in, out, 3);
	else if (count == 4)
		crypt(r, in, out, 4);
	else
		crypt(r, in, out, 5);
	r->queued += count;
	r->counter += 4 * count;
}

void gcm512_hash_queue(struct gcm512_record *r)
{
	const u64 (*power)[2] = r->key->powers;
	unsigned int left = r->queued;
	const __m512i *x = r->queue;
	struct products p = {
		_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()
	};
	__m512i acc = r->acc;

	if (!left)
		return;
	/* strides end at H^20, the powers start with H^16 */
	if (left > 4) {
		power = r->key->strides + (KTLSX_GCM_STRIDES + 4 - left);
		for (; left > 4; left--, x++, power++) {
			add_products(&p, _mm512_xor_si512(acc, vec512_load_aligned(x)),
				     vec512_spread(power));
			acc = _mm512_setzero_si512();
		}
		power = r->key->powers;
	} else {
		power = r->key->powers + (KTLSX_GCM_POWERS - 4 * left);
	}
	for (; left; left--, x++, power += 4) {
		add_products(&p, _mm512_xor_si512(acc, vec512_load_aligned(x)),
			     vec512_spread(power));
		acc = _mm512_setzero_si512();
	}
	r->acc = reduce_lanes(p);
	r->queued = 0;
}

/* One of the last vectors, with the block for the tag at its end when it is the very last. */
struct last_vector {
	__m512i b;
	__m512i x;
	__mmask64 mask;
};

static __always_inline __m512i hashed_vector(const struct gcm512_record *r, const u8 *in, u8 *out,
					     __m512i *b, __m512i rk, unsigned int i, size_t len)
{
	__mmask64 mask = vec512_first(len > 64 * i ? len - 64 * i : 0);
	__m512i x = _mm512_maskz_loadu_epi8(mask, in + 64 * i);

	vec512_opaque(&x);
	*b = _mm512_aesenclast_epi128(*b, _mm512_xor_si512(rk, x));
	_mm512_mask_storeu_epi8(out + 64 * i, mask, *b);
	/* what lies behind the text is bare key stream, and no part of the hash */
	x = _mm512_mask_mov_epi8(x, mask & _cvtu64_mask64(r->sealing), *b);
	return vec512_swap_bytes(x);
}

static __always_inline void hash_last(struct products *p, __m512i x, const u64 (*power)[2])
{
	add_products(p, x, vec512_load(power));
}

static __always_inline __m128i finish(const struct gcm512_record *r, const u8 *in, u8 *out,
				      size_t len, __m128i lengths, const unsigned int count)
{
	const u64 (*power)[2] = r->key->powers + (KTLSX_GCM_POWERS - 1 - (len + 15) / 16);
	__m512i counters = gcm512_counters(r->counter), b[4], rk, x;
	struct products p;
	__m128i mask;

	if (count > 1) {
		b[0] = gcm512_first_state(r, counters);
		counters = next_counters(counters);
	}
	if (count > 2) {
		b[1] = gcm512_first_state(r, counters);
		counters = next_counters(counters);
	}
	if (count > 3) {
		b[2] = gcm512_first_state(r, counters);
		counters = next_counters(counters);
	}
	/* lane 3 is free */
	counters = _mm512_mask_mov_epi32(counters, 0x1000, _mm512_set1_epi32(1));
	b[count - 1] = gcm512_first_state(r, counters);
	rk = rounds(b, count, &r->key->aes);

	p = products_of(_mm512_zextsi128_si512(lengths),
			vec512_load(r->key->powers[KTLSX_GCM_POWERS - 1]));
	x = hashed_vector(r, in, out, &b[0], rk, 0, len);
	hash_last(&p, _mm512_xor_si512(x, r->acc), power);
	if (count > 1)
		hash_last(&p, hashed_vector(r, in, out, &b[1], rk, 1, len), power + 4);
	if (count > 2)
		hash_last(&p, hashed_vector(r, in, out, &b[2], rk, 2, len), power + 8);
	if (count > 3)
		hash_last(&p, hashed_vector(r, in, out, &b[3], rk, 3, len), power + 12);
	mask = _mm512_extracti32x4_epi32(b[count - 1], 3);
	return _mm_xor_si128(vec128_swap_bytes(reduce_to_one(p)), mask);
}

__m128i gcm512_finish(const struct gcm512_record *r, const u8 *in, u8 *out, size_t len,
		      __m128i lengths)
{
	if (len <= 48)
		return finish(r, in, out, len, lengths, 1);
	if (len <= 112)
		return finish(r, in, out, len, lengths, 2);
	if (len <= 176)
		return finish(r, in, out, len, lengths, 3);
	return finish(r, in, out, len, lengths, 4);
}
