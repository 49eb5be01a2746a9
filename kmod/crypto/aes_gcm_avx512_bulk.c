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

#define STEP(n) { 0, 0, 0, (n) << 26 }
const u32 ktlsx_gcm512_steps[2 * GCM512_STEPS + 2][4] __aligned(64) = {
	STEP(0u), STEP(0u), STEP(1u), STEP(1u), STEP(2u), STEP(2u), STEP(3u), STEP(3u),
	STEP(4u), STEP(4u), STEP(5u), STEP(5u), STEP(6u), STEP(6u), STEP(7u), STEP(7u),
	/* the next group */
	STEP(0u), STEP(0u), STEP(1u), STEP(1u), STEP(2u), STEP(2u), STEP(3u), STEP(3u),
};

static __always_inline void set_counters(__m512i b[GROUP], __m512i this, __m512i next)
{
	b[0] = _mm512_xor_si512(this, gcm512_step(0));
	b[1] = _mm512_xor_si512(this, gcm512_step(1));
	b[2] = _mm512_xor_si512(this, gcm512_step(2));
	b[3] = _mm512_xor_si512(this, gcm512_step(3));
	b[4] = _mm512_xor_si512(this, gcm512_step(4));
	b[5] = _mm512_xor_si512(this, gcm512_step(5));
	b[6] = _mm512_xor_si512(this, gcm512_step(6));
	b[7] = _mm512_xor_si512(_mm512_shuffle_i64x2(this, next, 0xe4), gcm512_step(7));
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

static __always_inline void hash_pair(const struct ktlsx_gcm_key *key, const __m512i queue[GROUP],
				      struct products *p, unsigned int i)
{
	add_two_products(p, vec512_load_aligned(&queue[i]), vec512_load_aligned(&queue[i + 1]),
			 power_of(key, i), power_of(key, i + 1));
}

/* Nine rounds, with the queue hashed in their midst. Returns the hash. */
static __always_inline __m512i stitched_rounds(const struct ktlsx_gcm_key *key,
					       const __m512i queue[GROUP], __m512i b[GROUP],
					       const u8 (*round_keys)[16])
{
	struct products p;
	__m512i acc;

	full_round(b, round_keys[1]);
	p = products_of(vec512_load_aligned(&queue[0]), power_of(key, 0));
	add_products(&p, vec512_load_aligned(&queue[1]), power_of(key, 1));
	full_round(b, round_keys[2]);
	full_round(b, round_keys[3]);
	hash_pair(key, queue, &p, 2);
	full_round(b, round_keys[4]);
	full_round(b, round_keys[5]);
	hash_pair(key, queue, &p, 4);
	full_round(b, round_keys[6]);
	full_round(b, round_keys[7]);
	hash_pair(key, queue, &p, 6);
	full_round(b, round_keys[8]);
	acc = reduce_lanes(p);
	full_round(b, round_keys[9]);
	return acc;
}

/*
 * The queue is fed from registers: neither side's memory is read again. @sealing is all ones
 * or zero; a constant costs nothing.
 */
static __always_inline __m512i last_round(const u8 *in, u8 *out, __m512i b, __m512i rk,
					  unsigned int i, __mmask8 sealing)
{
	__m512i x = vec512_load(in + 64 * i);

	vec512_opaque(&x);
	b = _mm512_aesenclast_epi128(b, _mm512_xor_si512(rk, x));
	vec512_store(out + 64 * i, b);
	return vec512_swap_bytes(_mm512_mask_mov_epi64(x, sealing, b));
}

static __always_inline void last_rounds(__m512i queue[GROUP], const u8 *in, u8 *out,
					const __m512i b[GROUP], __m512i rk, __m512i acc,
					__mmask8 sealing)
{
	__m512i x = last_round(in, out, b[0], rk, 0, sealing);

	vec512_store_aligned(&queue[0], _mm512_xor_si512(x, acc));
	vec512_store_aligned(&queue[1], last_round(in, out, b[1], rk, 1, sealing));
	vec512_store_aligned(&queue[2], last_round(in, out, b[2], rk, 2, sealing));
	vec512_store_aligned(&queue[3], last_round(in, out, b[3], rk, 3, sealing));
	vec512_store_aligned(&queue[4], last_round(in, out, b[4], rk, 4, sealing));
	vec512_store_aligned(&queue[5], last_round(in, out, b[5], rk, 5, sealing));
	vec512_store_aligned(&queue[6], last_round(in, out, b[6], rk, 6, sealing));
	vec512_store_aligned(&queue[7], last_round(in, out, b[7], rk, 7, sealing));
}

/* The rounds that only long keys have. */
static __always_inline const u8 (*more_rounds(const struct ktlsx_gcm_key *key, u32 rounds,
					      __m512i b[GROUP]))[16]
{
	const u8 (*round_keys)[16] = key->aes.round_keys;

	/* else the compiler keeps round keys across iterations, on the stack */
	__asm__ __volatile__("" : "+r"(round_keys));
	if (rounds != 14)
		return round_keys;
	full_round(b, round_keys[1]);
	full_round(b, round_keys[2]);
	full_round(b, round_keys[3]);
	full_round(b, round_keys[4]);
	return round_keys + 4;
}

/**
 * ktlsx_gcm512_first_group() - encrypt or decrypt a record's first group
 * @r: record with its additional data queued; in the end it is the group's ciphertext
 * @in: text
 * @out: text
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm512_first_group(struct gcm512_record *r, const u8 *in, u8 *out)
{
	__m512i counters = gcm512_next_counters(r->counters), next = gcm512_base(r, counters);
	__m512i b[GROUP], acc;
	const u8 (*round_keys)[16];

	set_counters(b, r->base, next);
	r->counters = counters;
	r->base = next;
	round_keys = more_rounds(r->key, r->key->aes.rounds, b);
	full_round(b, round_keys[1]);
	full_round(b, round_keys[2]);
	full_round(b, round_keys[3]);
	acc = reduce_lanes(products_of(vec512_load_aligned(gcm512_aad(r)), power_of(r->key, 7)));
	full_round(b, round_keys[4]);
	full_round(b, round_keys[5]);
	gcm512_finish(r);
	full_round(b, round_keys[6]);
	full_round(b, round_keys[7]);
	full_round(b, round_keys[8]);
	full_round(b, round_keys[9]);
	last_rounds(r->queue, in, out, b, vec512_spread(round_keys[10]), acc,
		    r->sealing ? 0xff : 0);
	r->queued = GROUP;
}

static __always_inline void groups(struct gcm512_record *r, const u8 *in, u8 *out, size_t count,
				   __mmask8 sealing)
{
	__m512i counters = r->counters, this = r->base, next, acc, b[GROUP];
	/* loaded once: whatever is loaded after stores to @out may have to wait for them */
	const struct ktlsx_gcm_key *key = r->key;
	const u32 rounds = key->aes.rounds;
	const u8 (*round_keys)[16];

	for (; count; count--, in += GROUP_LEN, out += GROUP_LEN) {
		counters = gcm512_next_counters(counters);
		next = gcm512_base(r, counters);
		set_counters(b, this, next);
		this = next;
		round_keys = more_rounds(key, rounds, b);
		acc = stitched_rounds(key, r->queue, b, round_keys);
		last_rounds(r->queue, in, out, b, vec512_spread(round_keys[10]), acc, sealing);
	}
	r->counters = counters;
	r->base = this;
}

static noinline void seal_groups(struct gcm512_record *r, const u8 *in, u8 *out, size_t count)
{
	groups(r, in, out, count, 0xff);
}

static noinline void open_groups(struct gcm512_record *r, const u8 *in, u8 *out, size_t count)
{
	groups(r, in, out, count, 0);
}

/**
 * ktlsx_gcm512_groups() - encrypt or decrypt groups, hashing the one before each
 * @r: record with a group queued; in the end it is the last one's ciphertext
 * @in: text
 * @out: text
 * @count: groups
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm512_groups(struct gcm512_record *r, const u8 *in, u8 *out, size_t count)
{
	if (r->sealing)
		seal_groups(r, in, out, count);
	else
		open_groups(r, in, out, count);
}
