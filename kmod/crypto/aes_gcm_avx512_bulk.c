// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the long middle of records in the AES-GCM engine for 512-bit vectors: eight vectors
 * are encrypted while the eight before them are hashed between the rounds.
 * Must not know: where records begin and end. All here runs inside a vector section.
 * Concurrency: stateless but for the caller's record; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7.
 */
#include "aes_gcm_avx512.h"

#define GROUP GCM512_GROUP
#define GROUP_LEN GCM512_GROUP_LEN

/*
 * The first counter of a group is 2 more than a multiple of 32. So the group's vectors are
 * counters 2, 3, 0, 1 above that multiple, and then a constant: twice what the four words
 * below say, as the last two lanes are one step ahead. No carries, no bytes to swap, and
 * the whitening comes along. The last step of all belongs to the next group.
 */
#define STEP(n) { 0, 0, 0, (n) << 26 }, { 0, 0, 0, (n) << 26 }
static const u32 steps[2 * GROUP + 2][4] __aligned(64) = {
	STEP(0u), STEP(1u), STEP(2u), STEP(3u), STEP(4u), STEP(5u), STEP(6u), STEP(7u), STEP(0u),
};

static __always_inline __m512i step(unsigned int i)
{
	return vec512_load(steps[2 * i]);
}

static __always_inline void set_counters(__m512i b[GROUP], __m512i this, __m512i next)
{
	b[0] = _mm512_xor_si512(this, step(0));
	b[1] = _mm512_xor_si512(this, step(1));
	b[2] = _mm512_xor_si512(this, step(2));
	b[3] = _mm512_xor_si512(this, step(3));
	b[4] = _mm512_xor_si512(this, step(4));
	b[5] = _mm512_xor_si512(this, step(5));
	b[6] = _mm512_xor_si512(this, step(6));
	b[7] = _mm512_xor_si512(_mm512_mask_mov_epi64(this, 0xf0, next), step(7));
}

static __always_inline void full_round(__m512i b[GROUP], const u8 rk[16])
{
	__m512i k = vec512_spread(rk);

	b[0] = _mm512_aesenc_epi128(b[0], k);
	b[1] = _mm512_aesenc_epi128(b[1], k);
	b[2] = _mm512_aesenc_epi128(b[2], k);
	b[3] = _mm512_aesenc_epi128(b[3], k);
	b[4] = _mm512_aesenc_epi128(b[4], k);
	b[5] = _mm512_aesenc_epi128(b[5], k);
	b[6] = _mm512_aesenc_epi128(b[6], k);
	b[7] = _mm512_aesenc_epi128(b[7], k);
}

/* H^32 for the first vector of a group, H^4 for the last. */
static __always_inline __m512i power_of(const struct ktlsx_gcm_key *key, unsigned int i)
{
	if (i < 4)
		return vec512_spread(key->strides[KTLSX_GCM_STRIDES - 4 + i]);
	return vec512_spread(key->powers[4 * (i - 4)]);
}

static __always_inline void hash_pair(const struct gcm512_record *r, struct products *p,
				      unsigned int i)
{
	add_two_products(p, vec512_load_aligned(&r->queue[i]),
			 vec512_load_aligned(&r->queue[i + 1]), power_of(r->key, i),
			 power_of(r->key, i + 1));
}

static __always_inline void hash_first_pair(const struct gcm512_record *r, struct products *p,
					    __m512i acc)
{
	__m512i x = _mm512_xor_si512(acc, vec512_load_aligned(&r->queue[0]));

	*p = products_of(x, power_of(r->key, 0));
	add_products(p, vec512_load_aligned(&r->queue[1]), power_of(r->key, 1));
}

/* Nine rounds, with the queue hashed in their midst. Returns the hash. */
static __always_inline __m512i stitched_rounds(const struct gcm512_record *r, __m512i b[GROUP],
					       const u8 (*round_keys)[16], __m512i acc)
{
	struct products p;

	full_round(b, round_keys[1]);
	hash_first_pair(r, &p, acc);
	full_round(b, round_keys[2]);
	full_round(b, round_keys[3]);
	hash_pair(r, &p, 2);
	full_round(b, round_keys[4]);
	full_round(b, round_keys[5]);
	hash_pair(r, &p, 4);
	full_round(b, round_keys[6]);
	full_round(b, round_keys[7]);
	hash_pair(r, &p, 6);
	full_round(b, round_keys[8]);
	acc = reduce_lanes(p);
	full_round(b, round_keys[9]);
	return acc;
}

/* The queue is fed from registers: neither side's memory is read again. */
static __always_inline void last_round(struct gcm512_record *r, const u8 *in, u8 *out, __m512i b,
				       __m512i rk, unsigned int i, bool sealing)
{
	__m512i x = vec512_load(in + 64 * i);

	vec512_opaque(&x);
	b = _mm512_aesenclast_epi128(b, _mm512_xor_si512(rk, x));
	vec512_store(out + 64 * i, b);
	vec512_store_aligned(&r->queue[i], vec512_swap_bytes(sealing ? b : x));
}

static __always_inline void last_rounds(struct gcm512_record *r, const u8 *in, u8 *out,
					__m512i b[GROUP], __m512i rk, bool sealing)
{
	last_round(r, in, out, b[0], rk, 0, sealing);
	last_round(r, in, out, b[1], rk, 1, sealing);
	last_round(r, in, out, b[2], rk, 2, sealing);
	last_round(r, in, out, b[3], rk, 3, sealing);
	last_round(r, in, out, b[4], rk, 4, sealing);
	last_round(r, in, out, b[5], rk, 5, sealing);
	last_round(r, in, out, b[6], rk, 6, sealing);
	last_round(r, in, out, b[7], rk, 7, sealing);
}

static __always_inline void run_groups(struct gcm512_record *r, const u8 *in, u8 *out,
				       size_t count, bool sealing)
{
	const __m512i per_group = _mm512_maskz_set1_epi32(0x1111, 4 * GROUP);
	const __m512i lanes = _mm512_set_epi64(0, 1, 0, 0, 0, 3, 0, 2);
	__m512i counters, this, next, acc = r->acc, b[GROUP];
	const u8 (*round_keys)[16];

	counters = _mm512_add_epi32(lanes, _mm512_maskz_set1_epi32(0x1111, (int)r->counter - 2));
	this = gcm512_first_state(r, counters);
	r->counter += (u32)count * 4 * GROUP;
	for (; count; count--, in += GROUP_LEN, out += GROUP_LEN) {
		round_keys = r->key->aes.round_keys;
		/* else the compiler keeps round keys across iterations, on the stack */
		__asm__ __volatile__("" : "+r"(round_keys));
		counters = _mm512_add_epi32(counters, per_group);
		next = gcm512_first_state(r, counters);
		set_counters(b, this, next);
		this = next;
		if (r->key->aes.rounds == 14) {
			full_round(b, round_keys[1]);
			full_round(b, round_keys[2]);
			full_round(b, round_keys[3]);
			full_round(b, round_keys[4]);
			round_keys += 4;
		}
		acc = stitched_rounds(r, b, round_keys, acc);
		last_rounds(r, in, out, b, vec512_spread(round_keys[10]), sealing);
	}
	r->acc = acc;
}

void gcm512_seal_groups(struct gcm512_record *r, const u8 *in, u8 *out, size_t count)
{
	run_groups(r, in, out, count, true);
}

void gcm512_open_groups(struct gcm512_record *r, const u8 *in, u8 *out, size_t count)
{
	run_groups(r, in, out, count, false);
}
