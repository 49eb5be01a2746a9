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
static __always_inline const u8 *powers_for(const struct ktlsx_gcm_key *key, size_t blocks)
{
	return (const u8 *)key->powers + 16 * (KTLSX_GCM_POWERS - 1 - blocks);
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
	const struct gcm512_record *r;
	/* loaded once: what is loaded after stores to @out may have to wait for them */
	const struct ktlsx_gcm_key *key;
	const u8 (*round_keys)[16];	/* behind the rounds that only long keys have */
	bool sealing;			/* a constant */
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

/* The rounds that only long keys have, of the vector that was started last. */
static __always_inline void more_rounds(struct flow *f)
{
	const u8 (*rk)[16] = f->round_keys;

	if (rk == f->key->aes.round_keys)
		return;
	f->b[0] = one_round(f->b[0], rk[-3]);
	f->b[0] = one_round(f->b[0], rk[-2]);
	f->b[0] = one_round(f->b[0], rk[-1]);
	f->b[0] = one_round(f->b[0], rk[0]);
}

/* A quarter of the rounds of those vectors that are there, but for the very last round. */
static __always_inline void quarter(struct flow *f, bool first, bool second, bool third,
				    bool fourth)
{
	const u8 (*rk)[16] = f->round_keys;
	__m512i *b = f->b;

	/* else the compiler keeps round keys, on the stack */
	__asm__ __volatile__("" : "+r"(rk));
	b[3] = fourth ? one_round(b[3], rk[8]) : b[3];
	b[2] = third ? one_round(b[2], rk[5]) : b[2];
	b[1] = second ? one_round(b[1], rk[2]) : b[1];
	b[0] = first ? one_round(b[0], rk[1]) : b[0];
	b[3] = fourth ? one_round(b[3], rk[9]) : b[3];
	b[2] = third ? one_round(b[2], rk[6]) : b[2];
	b[1] = second ? one_round(b[1], rk[3]) : b[1];
	b[2] = third ? one_round(b[2], rk[7]) : b[2];
	b[1] = second ? one_round(b[1], rk[4]) : b[1];
	f->last_key = vec512_spread(rk[10]);
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
		next = gcm512_base(r, gcm512_next_counters(r->counters));
		if (f->started == GCM512_GROUP - 1)
			f->base = _mm512_shuffle_i64x2(f->base, next, 0xe4);
		else
			f->base = next;
	}
	move_on(f);
	f->b[0] = _mm512_xor_si512(f->base, gcm512_step(f->started));
	f->started++;
}

static __always_inline void start_flow(struct flow *f, const struct gcm512_record *r,
				       const u8 *in, u8 *out)
{
	f->r = r;
	f->key = r->key;
	f->round_keys = f->key->aes.round_keys + (f->key->aes.rounds - 10);
	f->base = r->base;
	f->b[0] = f->base;
	f->b[1] = f->base;
	f->b[2] = f->base;
	f->in = in;
	f->out = out;
	f->started = 0;
}

static __always_inline __m512i vector_through(struct flow *f)
{
	__m512i x = whole_vector(f->in, f->out, f->b[3], f->last_key, f->sealing);

	f->in += 64;
	f->out += 64;
	return x;
}

static __always_inline __m512i part_through(struct flow *f, size_t len)
{
	__m512i x = part_of_vector(f->in, f->out, len, &f->b[3], f->last_key, f->sealing);

	f->in += 64;
	f->out += 64;
	return x;
}

/* Where H^4n is: the powers begin with H^16, the strides with H^64. */
#define POWER(n) (16 * (KTLSX_GCM_POWERS - 4 * (n)))
#define STRIDE(n) (16 * (KTLSX_GCM_POWERS + KTLSX_GCM_STRIDES + 4 - (n)))

/* H^4n in each lane. A table is quicker than a branch. */
static __always_inline __m512i power_for(const struct ktlsx_gcm_key *key, size_t n)
{
	static const u16 places[] = {
		0, POWER(1), POWER(2), POWER(3), POWER(4), STRIDE(5), STRIDE(6), STRIDE(7),
		STRIDE(8), STRIDE(9), STRIDE(10), STRIDE(11), STRIDE(12), STRIDE(13), STRIDE(14),
		STRIDE(15), STRIDE(16),
	};

	return vec512_spread((const u8 *)key->powers + places[n]);
}

static __always_inline void hash_pair(const struct gcm512_record *r, struct products *p,
				      unsigned int i, size_t after)
{
	add_two_products(p, vec512_load_aligned(&r->queue[i]),
			 vec512_load_aligned(&r->queue[i + 1]),
			 power_for(r->key, after + GCM512_GROUP - i),
			 power_for(r->key, after + GCM512_GROUP - 1 - i));
}

/* What is queued, a group or the additional data, when @after vectors follow it. */
static __always_inline struct products hash_queue(struct gcm512_record *r, size_t after)
{
	struct products p;

	if (r->queued == 1) {
		gcm512_finish(r);
		return products_of(vec512_load_aligned(gcm512_aad(r)),
				   power_for(r->key, after + 1));
	}
	p = products_of(vec512_load_aligned(&r->queue[0]), power_for(r->key, after + 8));
	add_products(&p, vec512_load_aligned(&r->queue[1]), power_for(r->key, after + 7));
	hash_pair(r, &p, 2, after);
	hash_pair(r, &p, 4, after);
	hash_pair(r, &p, 6, after);
	return p;
}

/* The last three vectors; @x comes before them, to be weighted like them. */
static __always_inline void last_vectors(struct flow *f, struct gcm512_record *r, __m512i x,
					 size_t len)
{
	size_t blocks = (len + 15) / 16;
	const u8 *power = powers_for(f->key, blocks);
	struct products p;

	move_on(f);
	quarter(f, false, true, true, true);
	p = products_of(x, vec512_load(power));
	x = vector_through(f);
	move_on(f);
	quarter(f, false, false, true, true);
	add_products(&p, x, vec512_load(power + 64));
	f->in = r->end_in;
	f->out = r->end_out;
	if (blocks % 4)
		x = vector_through(f);
	else
		x = part_through(f, len - 128);
	move_on(f);
	quarter(f, false, false, false, true);
	add_products(&p, x, vec512_load(power + 128));
	if (blocks % 4) {
		x = with_lengths(part_through(f, len - 192), r->lengths, blocks);
	} else {
		f->b[3] = _mm512_aesenclast_epi128(f->b[3], f->last_key);
		x = _mm512_zextsi128_si512(r->lengths);
	}
	add_products(&p, x, vec512_load(power + 192));
	leave_sums(r, &p, f->b[3]);
}

static __always_inline void rest(struct gcm512_record *r, const u8 *in, u8 *out, size_t len,
				 bool sealing)
{
	size_t after = (len + 15) / 64 - 3, left;
	struct flow f = { .sealing = sealing };
	struct products p;
	__m512i x;

	start_flow(&f, r, in, out);
	start_vector(&f);
	more_rounds(&f);
	quarter(&f, true, false, false, false);
	start_vector(&f);
	more_rounds(&f);
	quarter(&f, true, true, false, false);
	start_vector(&f);
	more_rounds(&f);
	quarter(&f, true, true, true, false);
	p = hash_queue(r, after);
	for (left = after;; left--) {
		start_vector(&f);
		if (!left)
			f.b[0] = with_mask(r, f.b[0]);
		more_rounds(&f);
		quarter(&f, true, true, true, true);
		x = vector_through(&f);
		if (!left)
			break;
		add_products(&p, x, power_for(f.key, left));
	}
	x = _mm512_xor_si512(x, reduce_lanes(p));
	last_vectors(&f, r, x, len - 64 * after);
}

static noinline void seal_rest(struct gcm512_record *r, const u8 *in, u8 *out, size_t len)
{
	rest(r, in, out, len, true);
}

static noinline void open_rest(struct gcm512_record *r, const u8 *in, u8 *out, size_t len)
{
	rest(r, in, out, len, false);
}

/**
 * ktlsx_gcm512_rest() - encrypt or decrypt all behind the groups
 * @r: record; in the end it has its sums
 * @in: text, but for its end
 * @out: text, but for its end
 * @len: bytes, more than GCM512_SHORT_LEN, at most GCM512_REST_LEN
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm512_rest(struct gcm512_record *r, const u8 *in, u8 *out, size_t len)
{
	if (r->sealing)
		seal_rest(r, in, out, len);
	else
		open_rest(r, in, out, len);
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
static __always_inline __m512i rounds(const struct ktlsx_aes_key *aes, __m512i b[3],
				      unsigned int count)
{
	const u8 (*rk)[16] = aes->round_keys + 1, (*last)[16] = aes->round_keys + aes->rounds;

	do {
		full_round(b, count, *rk);
	} while (++rk != last);
	return vec512_spread(*last);
}

/* The first block of all and the last. */
static __always_inline struct products hash_ends(struct gcm512_record *r, size_t blocks)
{
	const __m128i *powers = (const __m128i *)powers_for(r->key, 0);
	const __m128i *aad = (const __m128i *)gcm512_aad(r) + 3;
	__m256i x = _mm256_set_m128i(r->lengths, *aad);
	__m256i power = _mm256_set_m128i(powers[0], powers[-1 - (long)blocks]);

	return products_of(_mm512_zextsi256_si512(x), _mm512_zextsi256_si512(power));
}

static __always_inline void hash_part(struct gcm512_record *r, struct products *p, size_t len,
				      __m512i *b, __m512i rk, unsigned int i)
{
	const u8 *power = powers_for(r->key, (len + 15) / 16) + 64 * i;
	size_t left = len > 64 * i ? len - 64 * i : 0;
	__m512i x;

	x = part_of_vector(r->end_in + 64 * i, r->end_out + 64 * i, left, &b[i], rk, r->sealing);
	add_products(p, x, vec512_load(power));
}

/* @count vectors, with the one for the mask; a constant, else the states end up in memory. */
static __always_inline void whole_record(struct gcm512_record *r, size_t len, unsigned int count)
{
	struct products p;
	__m512i b[3], rk;

	b[0] = _mm512_xor_si512(r->base, gcm512_step(0));
	b[1] = _mm512_xor_si512(r->base, gcm512_step(1));
	b[2] = _mm512_xor_si512(r->base, gcm512_step(2));
	b[count - 1] = with_mask(r, b[count - 1]);
	p = hash_ends(r, (len + 15) / 16);
	gcm512_finish(r);
	rk = rounds(&r->key->aes, b, count);
	hash_part(r, &p, len, b, rk, 0);
	hash_part(r, &p, len, b, rk, 1);
	if (count > 2)
		hash_part(r, &p, len, b, rk, 2);
	leave_sums(r, &p, b[count - 1]);
}

/**
 * ktlsx_gcm512_short() - encrypt or decrypt a whole short record
 * @r: record with its additional data queued; in the end it has its sums
 * @len: bytes, at most GCM512_SHORT_LEN
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm512_short(struct gcm512_record *r, size_t len)
{
	if (len <= 112)
		whole_record(r, len, 2);
	else
		whole_record(r, len, 3);
}
