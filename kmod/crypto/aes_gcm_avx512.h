/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns what the files of the AES-GCM engine for 512-bit vectors share: a record on its way.
 * Must not know: spans. To be included by this engine's files only.
 * Concurrency: a record belongs to one call; the key is read-only.
 * Specification: NIST SP 800-38D section 7.
 *
 * Four hashes run side by side, one in each lane, over every fourth block. Powers of the
 * hash key are multiples of four then, the same in all lanes. Only the last blocks of a
 * record, at most 15, are weighted each with its own power, which joins the four.
 */
#ifndef KTLSX_CRYPTO_AES_GCM_AVX512_H
#define KTLSX_CRYPTO_AES_GCM_AVX512_H

#include "gcm.h"
#include "ghash_avx512.h"

#define GCM512_GROUP 8			/* vectors */
#define GCM512_GROUP_LEN (GCM512_GROUP * 64)
/* a record this short is less than four vectors, one free block included */
#define GCM512_SHORT_LEN 176
/* bytes behind the groups, at most */
#define GCM512_REST_LEN (GCM512_SHORT_LEN + GCM512_GROUP_LEN)
/* vectors that start from one base, at most: those behind the groups, with the mask */
#define GCM512_STEPS 11

/**
 * struct gcm512_record - a record on its way
 * @key: its key
 * @whitened: (nonce, 0) xor round key 0, four times
 * @counters: of the base
 * @base: what AES starts with in the next group, but for ktlsx_gcm512_steps[]
 * @queue: byte-swapped vectors waiting to be hashed, the newest at the end; what came before
 *         is hashed already and added to the first. Or the additional data alone, at the end
 * @lengths: the block of lengths, byte-swapped
 * @sums: of the record before this one or, in the end, of this: all products of its hash
 * @mask: and the block that masks its tag
 * @tag: and where the tag belongs, NULL when nothing is left to be done
 * @end_in: the end of the rest, see gcm512_before_end(), or the short record
 * @end_out: where it goes
 * @queued: vectors in @queue, 1 or all
 * @verified: records whose tags were right
 * @sealing: else opening
 * @forged: the tag of the record behind @verified others was not right
 * @bounce: what meets a border
 */
struct gcm512_record {
	const struct ktlsx_gcm_key *key;
	__m512i whitened;
	__m512i counters;
	__m512i base;
	__m512i queue[GCM512_GROUP];
	struct products sums;
	__m128i lengths;
	__m128i mask;
	u8 *tag;
	const u8 *end_in;
	u8 *end_out;
	u32 queued;
	u32 verified;
	bool sealing;
	bool forged;
	u8 bounce[GCM512_REST_LEN + 16] __aligned(64);
};

/*
 * The first counter of a group is 2 more than a multiple of 32. So what AES starts with in
 * vector i is the group's base, counters 2, 3, 0 and 1 above that multiple, xor the four
 * words from ktlsx_gcm512_steps[2 * i] on: the last two lanes are one step ahead. No carries,
 * no bytes to swap, and the whitening comes along. Where the steps start again, in the last
 * two lanes of vector 7, it is the next group's base.
 */
extern const u32 ktlsx_gcm512_steps[2 * GCM512_STEPS + 2][4];

static __always_inline __m512i gcm512_step(unsigned int i)
{
	return vec512_load(ktlsx_gcm512_steps[2 * i]);
}

/* Bytes of a rest before its last two vectors, of which one may be no text but the mask. */
static __always_inline size_t gcm512_before_end(size_t len)
{
	return ((len + 15) / 64 - 1) * 64;
}

/* Where the additional data are until there is text: their hash before its last product. */
static __always_inline __m512i *gcm512_aad(struct gcm512_record *r)
{
	return &r->queue[GCM512_GROUP - 1];
}

/* The counters of a base, little endian in the lowest words of the lanes; the first group's. */
static __always_inline __m512i gcm512_first_counters(void)
{
	return _mm512_set_epi64(0, 1, 0, 0, 0, 3, 0, 2);
}

/* Those of the next group. */
static __always_inline __m512i gcm512_next_counters(__m512i counters)
{
	const long long group = 4 * GCM512_GROUP;

	return _mm512_add_epi32(counters, _mm512_set_epi64(0, group, 0, group, 0, group, 0, group));
}

static __always_inline __m512i gcm512_base(const struct gcm512_record *r, __m512i counters)
{
	return _mm512_xor_si512(r->whitened, vec512_swap_bytes(counters));
}

/*
 * Computes the tag of the record whose sums are there, if any. This waits long for few
 * results: it is best called amid the first rounds of the next record.
 */
static __always_inline void gcm512_finish(struct gcm512_record *r)
{
	__m128i tag;

	if (!r->tag)
		return;
	tag = vec128_swap_bytes(reduce_to_one(r->sums));
	tag = _mm_xor_si128(tag, r->mask);
	if (r->sealing) {
		vec128_store(r->tag, tag);
	} else {
		tag = _mm_xor_si128(tag, vec128_load(r->tag));
		port_declassify(&tag, sizeof(tag));
		if (likely(_mm_testz_si128(tag, tag)))
			r->verified++;
		else
			r->forged = true;
	}
	r->tag = NULL;
}

/* Described where they are. */
void ktlsx_gcm512_first_group(struct gcm512_record *r, const u8 *in, u8 *out);
void ktlsx_gcm512_groups(struct gcm512_record *r, const u8 *in, u8 *out, size_t count);
void ktlsx_gcm512_rest(struct gcm512_record *r, const u8 *in, u8 *out, size_t len);
void ktlsx_gcm512_short(struct gcm512_record *r, size_t len);

#endif
