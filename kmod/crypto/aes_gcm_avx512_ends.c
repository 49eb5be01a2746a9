// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the ends of records in the AES-GCM engine for 512-bit vectors, short records being
 * nothing but ends: exactly as many vectors as there are, and the block that masks the tag
 * in the last of them.
 * Must not know: spans. Every function here runs inside a vector section.
 * Concurrency: stateless but for the caller's record; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7.
 */
#include "aes_gcm_avx512.h"

/* The text meets what comes out of AES. Returns what is to be hashed. */
static __always_inline __m512i whole_vector(const u8 *in, u8 *out, __m512i b, __m512i rk,
					    bool sealing)
{
	__m512i x = vec512_load(in);

	vec512_opaque(&x);
	b = _mm512_aesenclast_epi128(b, _mm512_xor_si512(rk, x));
	vec512_store(out, b);
	return vec512_swap_bytes(sealing ? b : x);
}

/* As above for the first @len bytes; what lies behind them is neither touched nor hashed. */
static __always_inline __m512i part_of_vector(const u8 *in, u8 *out, size_t len, __m512i *b,
					      __m512i rk, bool sealing)
{
	__mmask64 mask = vec512_first(len);
	__m512i x = _mm512_maskz_loadu_epi8(mask, in);

	vec512_opaque(&x);
	*b = _mm512_aesenclast_epi128(*b, _mm512_xor_si512(rk, x));
	_mm512_mask_storeu_epi8(out, mask, *b);
	return vec512_swap_bytes(sealing ? _mm512_maskz_mov_epi8(mask, *b) : x);
}

/* The lengths are the block behind the last one. */
static __always_inline __m512i with_lengths(__m512i x, __m128i lengths, size_t blocks)
{
	return _mm512_mask_broadcast_i32x4(x, (__mmask16)(15 << 4 * (blocks % 4)), lengths);
}

/* Counter 1, which masks the tag, in the lane that is free at the end. */
static __always_inline __m512i with_mask(const struct gcm512_record *r, __m512i b)
{
	const __m512i one = _mm512_set_epi32(1 << 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

	return _mm512_mask_xor_epi64(b, 0xc0, r->whitened, one);
}

/* The power for the first of so many blocks and the lengths. Loads may run into the strides. */
static __always_inline const u8 *powers_for(const struct gcm512_record *r, size_t blocks)
{
	return (const u8 *)r->key->powers + 16 * (KTLSX_GCM_POWERS - 1 - blocks);
}

static __always_inline void leave_sums(struct gcm512_record *r, const struct products *p,
				       __m512i last)
{
	r->sums = *p;
	r->mask = _mm512_extracti32x4_epi32(last, 3);
}

/*
 * Four vectors on their way, each a quarter of its rounds behind the one before: one comes
 * out of AES at a time, and its hash has the time of three to be computed in.
 */
struct flow {
	struct gcm512_record *r;
	const struct ktlsx_aes_key *aes;
	__m512i base;
	__m512i b[4];
	__m512i last_key;
	const u8 *in;
	u8 *out;
	unsigned int started;
};

static __always_inline __m512i one_round(__m512i b, const u8 rk[16])
{
	return _mm512_aesenc_epi128(b, vec512_spread(rk));
}

/* A quarter of the rounds of those vectors that are there, but for the last round's key. */
static __always_inline __m512i quarter_128(__m512i b[4], const u8 (*rk)[16], bool first,
					   bool second, bool third, bool fourth)
{
	b[3] = fourth ? one_round(b[3], rk[9]) : b[3];
	b[2] = third ? one_round(b[2], rk[6]) : b[2];
	b[1] = second ? one_round(b[1], rk[4]) : b[1];
	b[0] = first ? one_round(b[0], rk[1]) : b[0];
	b[2] = third ? one_round(b[2], rk[7]) : b[2];
	b[1] = second ? one_round(b[1], rk[5]) : b[1];
	b[0] = first ? one_round(b[0], rk[2]) : b[0];
	b[2] = third ? one_round(b[2], rk[8]) : b[2];
	b[0] = first ? one_round(b[0], rk[3]) : b[0];
	return vec512_spread(rk[10]);
}

static __always_inline __m512i quarter_256(__m512i b[4], const u8 (*rk)[16], bool first,
					   bool second, bool third, bool fourth)
{
	b[3] = fourth ? one_round(b[3], rk[12]) : b[3];
	b[2] = third ? one_round(b[2], rk[8]) : b[2];
	b[1] = second ? one_round(b[1], rk[5]) : b[1];
	b[0] = first ? one_round(b[0], rk[1]) : b[0];
	b[3] = fourth ? one_round(b[3], rk[13]) : b[3];
	b[2] = third ? one_round(b[2], rk[9]) : b[2];
	b[1] = second ? one_round(b[1], rk[6]) : b[1];
	b[0] = first ? one_round(b[0], rk[2]) : b[0];
	b[2] = third ? one_round(b[2], rk[10]) : b[2];
	b[1] = second ? one_round(b[1], rk[7]) : b[1];
	b[0] = first ? one_round(b[0], rk[3]) : b[0];
	b[2] = third ? one_round(b[2], rk[11]) : b[2];
	b[0] = first ? one_round(b[0], rk[4]) : b[0];
	return vec512_spread(rk[14]);
}

static __always_inline void quarter(struct flow *f, bool first, bool second, bool third,
				    bool fourth)
{
	const u8 (*rk)[16] = f->aes->round_keys;

	/* else the compiler keeps round keys, on the stack */
	__asm__ __volatile__("" : "+r"(rk));
	if (f->aes->rounds == 14)
		f->last_key = quarter_256(f->b, rk, first, second, third, fourth);
	else
		f->last_key = quarter_128(f->b, rk, first, second, third, fourth);
}

/* Makes room for a vector at the beginning. */
static __always_inline void move_on(struct flow *f)
{
	f->b[3] = f->b[2];
	f->b[2] = f->b[1];
	f->b[1] = f->b[0];
}

static __always_inline void start_vector(struct flow *f)
{
	const struct gcm512_record *r = f->r;
	__m512i next;

	if (unlikely(f->started >= GCM512_GROUP - 1)) {
		next = gcm512_base(r, r->counter + 4 * GCM512_GROUP);
		if (f->started == GCM512_GROUP - 1)
			f->base = _mm512_mask_mov_epi64(f->base, 0xf0, next);
		else
			f->base = next;
	}
	move_on(f);
	f->b[0] = _mm512_xor_si512(f->base, vec512_load(ktlsx_gcm512_steps[2 * f->started]));
	f->started++;
}

static __always_inline void start_flow(struct flow *f, struct gcm512_record *r, const u8 *in,
				       u8 *out)
{
	f->r = r;
	f->aes = &r->key->aes;
	f->base = r->base;
	f->b[0] = f->base;
	f->b[1] = f->base;
	f->b[2] = f->base;
	f->in = in;
	f->out = out;
	f->started = 0;
}

static __always_inline __m512i vector_through(struct flow *f, bool sealing)
{
	__m512i x = whole_vector(f->in, f->out, f->b[3], f->last_key, sealing);

	f->in += 64;
	f->out += 64;
	return x;
}

static __always_inline __m512i part_through(struct flow *f, size_t len, bool sealing)
{
	__m512i x = part_of_vector(f->in, f->out, len, &f->b[3], f->last_key, sealing);

	f->in += 64;
	f->out += 64;
	return x;
}

/* H^4n in each lane. */
static __always_inline __m512i power_for(const struct gcm512_record *r, size_t n)
{
	const u64 (*strides)[2] = r->key->strides + KTLSX_GCM_STRIDES + 4;
	const u64 (*powers)[2] = r->key->powers + KTLSX_GCM_POWERS;

	return vec512_spread(n > 4 ? strides - n : powers - 4 * n);
}

/* Of a full queue. */
static __always_inline void hash_pair(const struct gcm512_record *r, struct products *p,
				      unsigned int i, size_t after)
{
	add_two_products(p, vec512_load_aligned(&r->queue[i]),
			 vec512_load_aligned(&r->queue[i + 1]),
			 power_for(r, GCM512_GROUP + after - i),
			 power_for(r, GCM512_GROUP + after - i - 1));
}

/* The last four vectors, three of them on their way; the text ends in the third or fourth. */
static __always_inline void last_vectors(struct flow *f, size_t len, __m128i lengths,
					 struct products p, bool sealing)
{
	size_t blocks = (len + 15) / 16;
	const u8 *power = powers_for(f->r, blocks);
	__m512i acc, x;

	start_vector(f);
	f->b[0] = with_mask(f->r, f->b[0]);
	quarter(f, true, true, true, true);
	acc = reduce_lanes(p);
	x = vector_through(f, sealing);
	move_on(f);
	quarter(f, false, true, true, true);
	p = products_of(_mm512_xor_si512(x, acc), vec512_load(power));
	x = vector_through(f, sealing);
	move_on(f);
	quarter(f, false, false, true, true);
	add_products(&p, x, vec512_load(power + 64));
	if (blocks % 4)
		x = vector_through(f, sealing);
	else
		x = part_through(f, len - 128, sealing);
	move_on(f);
	quarter(f, false, false, false, true);
	add_products(&p, x, vec512_load(power + 128));
	if (blocks % 4) {
		x = with_lengths(part_through(f, len - 192, sealing), lengths, blocks);
	} else {
		f->b[3] = _mm512_aesenclast_epi128(f->b[3], f->last_key);
		x = _mm512_zextsi128_si512(lengths);
	}
	add_products(&p, x, vec512_load(power + 192));
	leave_sums(f->r, &p, f->b[3]);
}

static __always_inline void rest(struct gcm512_record *r, const u8 *in, u8 *out, size_t len,
				 __m128i lengths, bool sealing)
{
	size_t after = (len + 15) / 64 - 3, left;
	bool full = r->queued == GCM512_GROUP;
	struct products p;
	struct flow f;

	start_flow(&f, r, in, out);
	start_vector(&f);
	quarter(&f, true, false, false, false);
	start_vector(&f);
	quarter(&f, true, true, false, false);
	p = products_of(vec512_load_aligned(&r->queue[7]), power_for(r, after + 1));
	if (full) {
		add_products(&p, vec512_load_aligned(&r->queue[6]), power_for(r, after + 2));
		hash_pair(r, &p, 0, after);
	}
	start_vector(&f);
	quarter(&f, true, true, true, false);
	if (full) {
		hash_pair(r, &p, 2, after);
		hash_pair(r, &p, 4, after);
	} else {
		gcm512_finish(r);
	}
	for (left = after; left; left--) {
		start_vector(&f);
		quarter(&f, true, true, true, true);
		add_products(&p, vector_through(&f, sealing), power_for(r, left));
	}
	last_vectors(&f, len - 64 * after, lengths, p, sealing);
}

static noinline void seal_rest(struct gcm512_record *r, const u8 *in, u8 *out, size_t len,
			       __m128i lengths)
{
	rest(r, in, out, len, lengths, true);
}

static noinline void open_rest(struct gcm512_record *r, const u8 *in, u8 *out, size_t len,
			       __m128i lengths)
{
	rest(r, in, out, len, lengths, false);
}

/**
 * ktlsx_gcm512_rest() - encrypt or decrypt all behind the groups
 * @r: record; in the end it has its sums
 * @in: text
 * @out: text
 * @len: bytes, more than GCM512_SHORT_LEN, at most GCM512_REST_LEN
 * @lengths: the block of lengths, byte-swapped
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm512_rest(struct gcm512_record *r, const u8 *in, u8 *out, size_t len, __m128i lengths)
{
	if (r->sealing)
		seal_rest(r, in, out, len, lengths);
	else
		open_rest(r, in, out, len, lengths);
}

static __always_inline void full_round(__m512i b[3], unsigned int count, const u8 rk[16])
{
	__m512i k = vec512_spread(rk);

	b[0] = _mm512_aesenc_epi128(b[0], k);
	if (count > 1)
		b[1] = _mm512_aesenc_epi128(b[1], k);
	if (count > 2)
		b[2] = _mm512_aesenc_epi128(b[2], k);
}

/* All rounds but the last, whose key it returns. */
static __always_inline __m512i rounds(struct gcm512_record *r, __m512i b[3], unsigned int count)
{
	const u8 (*rk)[16] = r->key->aes.round_keys;

	if (r->key->aes.rounds == 14) {
		full_round(b, count, rk[1]);
		full_round(b, count, rk[2]);
		full_round(b, count, rk[3]);
		full_round(b, count, rk[4]);
		rk += 4;
	}
	full_round(b, count, rk[1]);
	full_round(b, count, rk[2]);
	full_round(b, count, rk[3]);
	full_round(b, count, rk[4]);
	full_round(b, count, rk[5]);
	full_round(b, count, rk[6]);
	gcm512_finish(r);
	full_round(b, count, rk[7]);
	full_round(b, count, rk[8]);
	full_round(b, count, rk[9]);
	return vec512_spread(rk[10]);
}

/* The first block of all and, when it has no vector to be in, the last. */
static __always_inline struct products hash_aad(const struct gcm512_record *r, __m128i aad,
						__m128i lengths, size_t blocks)
{
	const __m128i *powers = (const __m128i *)powers_for(r, 0);
	__m256i x = _mm256_set_m128i(lengths, aad);
	__m256i power = _mm256_set_m128i(powers[0], powers[-1 - (long)blocks]);

	return products_of(_mm512_zextsi256_si512(x), _mm512_zextsi256_si512(power));
}

/* @count vectors, with the one for the mask; a constant, else the states end up in memory. */
static __always_inline void whole_record(struct gcm512_record *r, const u8 *in, u8 *out,
					 size_t len, __m128i aad, __m128i lengths,
					 unsigned int count)
{
	const size_t blocks = (len + 15) / 16, last = 64 * (count - 1);
	const u8 *power = powers_for(r, blocks);
	const bool sealing = r->sealing;
	struct products p;
	__m512i b[3], x, rk;

	b[0] = _mm512_xor_si512(r->base, gcm512_step(0));
	b[1] = _mm512_xor_si512(r->base, gcm512_step(1));
	b[2] = _mm512_xor_si512(r->base, gcm512_step(2));
	b[count - 1] = with_mask(r, b[count - 1]);
	p = hash_aad(r, aad, lengths, blocks);
	rk = rounds(r, b, count);
	if (count > 2) {
		x = whole_vector(in, out, b[0], rk, sealing);
		add_products(&p, x, vec512_load(power));
	}
	if (count > 1) {
		if (blocks % 4)
			x = whole_vector(in + last - 64, out + last - 64, b[count - 2], rk,
					 sealing);
		else
			x = part_of_vector(in + last - 64, out + last - 64, len - last + 64,
					   &b[count - 2], rk, sealing);
		add_products(&p, x, vec512_load(power + last - 64));
	}
	if (count == 1 || blocks % 4) {
		x = part_of_vector(in + last, out + last, len - last, &b[count - 1], rk, sealing);
		add_products(&p, x, vec512_load(power + last));
	} else {
		b[count - 1] = _mm512_aesenclast_epi128(b[count - 1], rk);
	}
	leave_sums(r, &p, b[count - 1]);
}

/**
 * ktlsx_gcm512_short() - encrypt or decrypt a whole short record
 * @r: record; in the end it has its sums
 * @in: text; anything when @len is 0
 * @out: text
 * @len: bytes, at most GCM512_SHORT_LEN
 * @aad: hash of the additional data before its last product
 * @lengths: the block of lengths, byte-swapped
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm512_short(struct gcm512_record *r, const u8 *in, u8 *out, size_t len, __m128i aad,
		  __m128i lengths)
{
	if (len <= 48)
		whole_record(r, in, out, len, aad, lengths, 1);
	else if (len <= 112)
		whole_record(r, in, out, len, aad, lengths, 2);
	else
		whole_record(r, in, out, len, aad, lengths, 3);
}
