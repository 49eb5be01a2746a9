// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the AES-GCM engine for 512-bit vectors (VAES and VPCLMULQDQ): records, their
 * additional data and the borders of their spans.
 * Must not know: TLS, other engines. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 *
 * A record is groups of eight vectors and a rest, or it is short. What was encrypted is hashed
 * amid the rounds of what comes next, be it the next record: the CPU looks ahead about 100
 * instructions, too few to find other rounds while a hash waits for its blocks.
 */
#include "aes_gcm_avx512.h"
#include "cpu.h"
#include "spans.h"

#define GROUP_LEN GCM512_GROUP_LEN

static __always_inline u8 *before(const u8 *p, size_t len)
{
	return (u8 *)((uintptr_t)p - len);
}

/*
 * Copies @len bytes out of the list, a vector at a time, so that no load has to wait for two
 * stores. What a mask hides may lie anywhere, it is not touched.
 */
static noinline void gather(struct ktlsx_cursor *cursor, u8 *buf, size_t len)
{
	size_t have, want, run;
	__mmask64 mask;
	const u8 *p;
	__m512i v;

	for (; len; len -= want, buf += 64) {
		want = min_t(size_t, len, 64);
		v = _mm512_setzero_si512();
		for (have = 0; have < want; have += run) {
			run = min(want - have, ktlsx_cursor_run(cursor));
			mask = _cvtu64_mask64(_cvtmask64_u64(vec512_first(run)) << have);
			p = before(ktlsx_cursor_here(cursor), have);
			v = _mm512_mask_loadu_epi8(v, mask, p);
			cursor->off += run;
		}
		vec512_store_aligned(buf, v);
	}
}

static noinline void scatter(struct ktlsx_cursor *cursor, const u8 *buf, size_t len)
{
	size_t have, want, run;
	__mmask64 mask;
	__m512i v;

	for (; len; len -= want, buf += 64) {
		want = min_t(size_t, len, 64);
		v = vec512_load_aligned(buf);
		for (have = 0; have < want; have += run) {
			run = min(want - have, ktlsx_cursor_run(cursor));
			mask = _cvtu64_mask64(_cvtmask64_u64(vec512_first(run)) << have);
			_mm512_mask_storeu_epi8(before(ktlsx_cursor_here(cursor), have), mask, v);
			cursor->off += run;
		}
	}
}

static __always_inline __m128i times_h(const struct ktlsx_gcm_key *key, __m128i x)
{
	const __m128i h = vec128_load_aligned(key->powers[KTLSX_GCM_POWERS - 1]);
	struct product p;

	p.low = _mm_clmulepi64_si128(x, h, 0x00);
	p.high = _mm_clmulepi64_si128(x, h, 0x11);
	p.mid = _mm_xor_si128(_mm_clmulepi64_si128(x, h, 0x01),
			      _mm_clmulepi64_si128(x, h, 0x10));
	/* reduce() expects the middle as Karatsuba's method leaves it */
	p.mid = _mm_xor_si128(p.mid, _mm_xor_si128(p.low, p.high));
	return reduce(p);
}

static __always_inline __m128i load_partial(const u8 *p, size_t len)
{
	return _mm_maskz_loadu_epi8((__mmask16)_bzhi_u32(0xffff, (u32)len), p);
}

/* The hash of the additional data before its last product. */
static __always_inline __m128i hash_aad(const struct ktlsx_gcm_key *key, const u8 *aad, size_t len)
{
	__m128i acc = _mm_setzero_si128(), x;

	for (; unlikely(len > 16); len -= 16, aad += 16) {
		x = vec128_swap_bytes(vec128_load(aad));
		acc = times_h(key, _mm_xor_si128(acc, x));
	}
	return _mm_xor_si128(acc, vec128_swap_bytes(load_partial(aad, len)));
}

static __always_inline __m128i whiten(const struct ktlsx_gcm_key *key, const u8 *nonce)
{
	return _mm_xor_si128(load_partial(nonce, KTLSX_AEAD_NONCE_LEN),
			     vec128_load_aligned(key->aes.round_keys[0]));
}

static __always_inline void run_groups(struct gcm512_record *r, const u8 *in, u8 *out,
				       size_t count)
{
	if (r->queued == 1) {
		ktlsx_gcm512_first_group(r, in, out);
		in += GROUP_LEN;
		out += GROUP_LEN;
		count--;
	}
	ktlsx_gcm512_groups(r, in, out, count);
}

/* With zeros that the compiler must not see: it would call a string instruction. */
static __always_inline void clear_bounce(struct gcm512_record *r, size_t len)
{
	__m512i zero = _mm512_setzero_si512();
	size_t i;

	vec512_opaque(&zero);
	for (i = 0; i < len; i += 64)
		vec512_store_aligned(r->bounce + i, zero);
	barrier_data(r->bounce);
}

static noinline void bounce_group(struct gcm512_record *r, struct ktlsx_cursor *src,
				  struct ktlsx_cursor *dst)
{
	gather(src, r->bounce, GROUP_LEN);
	run_groups(r, r->bounce, r->bounce, 1);
	scatter(dst, r->bounce, GROUP_LEN);
	clear_bounce(r, GROUP_LEN);
}

/* Groups that lie together on both sides; or one that does not. Returns their bytes. */
static __always_inline size_t run_some(struct gcm512_record *r, struct ktlsx_cursor *src,
				       struct ktlsx_cursor *dst, size_t len)
{
	size_t run = min(ktlsx_cursor_run(src), ktlsx_cursor_run(dst));

	len = min(run, len) & -GROUP_LEN;
	if (unlikely(!len)) {
		bounce_group(r, src, dst);
		return GROUP_LEN;
	}
	run_groups(r, ktlsx_cursor_here(src), ktlsx_cursor_here(dst), len / GROUP_LEN);
	src->off += len;
	dst->off += len;
	return len;
}

/*
 * The rest, or a short record. Most often the border is before the last byte, the type that
 * TLS 1.3 adds: then only the end, and only the side with the border, goes by the bounce buffer.
 */
static __always_inline void run_last(struct gcm512_record *r, struct ktlsx_cursor *src,
				     struct ktlsx_cursor *dst, size_t len)
{
	const size_t src_run = ktlsx_cursor_run(src), dst_run = ktlsx_cursor_run(dst);
	const size_t most = len > GCM512_SHORT_LEN ? gcm512_before_end(len) : 0;
	const size_t straight = unlikely(min(src_run, dst_run) < most) ? 0 : most;
	const u8 *in = ktlsx_cursor_here(src);
	u8 *out = ktlsx_cursor_here(dst);
	const bool by_bounce = straight < most;

	r->end_in = in + most;
	r->end_out = out + most;
	if (unlikely(src_run < len || by_bounce)) {
		src->off += straight;
		gather(src, r->bounce, len - straight);
		in = by_bounce ? r->bounce : in;
		r->end_in = r->bounce + most - straight;
	}
	if (unlikely(dst_run < len || by_bounce)) {
		out = by_bounce ? r->bounce : out;
		r->end_out = r->bounce + most - straight;
	}
	if (len > GCM512_SHORT_LEN)
		ktlsx_gcm512_rest(r, in, out, len);
	else
		ktlsx_gcm512_short(r, len);
	if (unlikely(dst_run < len || by_bounce)) {
		dst->off += straight;
		scatter(dst, r->bounce, len - straight);
	}
	if (unlikely(min(src_run, dst_run) < len))
		clear_bounce(r, len - straight);
}

static __always_inline void run_text(struct gcm512_record *r, const struct ktlsx_aead_text *text)
{
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	size_t left = text->text_len;

	if (unlikely(!left)) {
		r->end_in = r->bounce;
		r->end_out = r->bounce;
		ktlsx_gcm512_short(r, 0);
		return;
	}
	while (left > GCM512_REST_LEN)
		left -= run_some(r, &src, &dst, left - GCM512_REST_LEN + GROUP_LEN - 1);
	run_last(r, &src, &dst, left);
}

/* All but the tag, which is left to be computed. */
static noinline void run_record(struct gcm512_record *r, const struct ktlsx_aead_text *text)
{
	__m128i aad = hash_aad(r->key, text->aad, text->aad_len);

	r->whitened = _mm512_broadcast_i32x4(whiten(r->key, text->nonce));
	r->counters = gcm512_first_counters();
	r->base = gcm512_base(r, r->counters);
	/* the block before the first of the text: the last lane of the vector before it */
	vec512_store_aligned(gcm512_aad(r), _mm512_inserti32x4(_mm512_setzero_si512(), aad, 3));
	r->queued = 1;
	r->lengths = _mm_set_epi64x((long long)text->aad_len * 8, (long long)text->text_len * 8);
	run_text(r, text);
	r->tag = text->tag;
}

static __always_inline void start(struct gcm512_record *r, const struct ktlsx_aead_key *key,
				  bool sealing)
{
	r->key = ktlsx_gcm_key_of(key);
	r->tag = NULL;
	r->sealing = sealing;
	r->verified = 0;
	r->forged = false;
}

static __always_inline void forget(struct gcm512_record *r)
{
	r->whitened = _mm512_setzero_si512();
	r->base = _mm512_setzero_si512();
	/* the hash stands in the first of the queue or is that of the additional data */
	r->queue[0] = _mm512_setzero_si512();
	*gcm512_aad(r) = _mm512_setzero_si512();
	r->sums.low = _mm512_setzero_si512();
	r->sums.mid = _mm512_setzero_si512();
	r->sums.high = _mm512_setzero_si512();
	r->mask = _mm_setzero_si128();
	barrier_data(r);
}

/**
 * ktlsx_gcm_avx512_seal() - as ktlsx_aead_seal_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm_avx512_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			   unsigned int count)
{
	struct gcm512_record r port_uninitialized;
	unsigned int i;

	start(&r, key, true);
	for (i = 0; i < count; i++)
		run_record(&r, &texts[i]);
	gcm512_finish(&r);
	forget(&r);
}

/**
 * ktlsx_gcm_avx512_open() - as ktlsx_aead_open_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 * Return: how many records verified before the first that did not.
 */
unsigned int ktlsx_gcm_avx512_open(const struct ktlsx_aead_key *key,
				   const struct ktlsx_aead_text *texts, unsigned int count)
{
	struct gcm512_record r port_uninitialized;
	unsigned int i;

	start(&r, key, false);
	for (i = 0; i < count && !r.forged; i++)
		run_record(&r, &texts[i]);
	if (likely(!r.forged))
		gcm512_finish(&r);
	forget(&r);
	if (unlikely(r.forged))
		return ktlsx_texts_refuse(texts, r.verified, count);
	return count;
}

static void avx512_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			 const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	const struct ktlsx_gcm_key *gcm = ktlsx_gcm_key_of(key);
	__m128i counter = _mm_cvtsi32_si128((int)(index + 2));
	__m128i b = _mm_xor_si128(whiten(gcm, nonce), vec128_swap_bytes(counter));
	unsigned int round;

	for (round = 1; round < gcm->aes.rounds; round++)
		b = _mm_aesenc_si128(b, vec128_load_aligned(gcm->aes.round_keys[round]));
	b = _mm_aesenclast_si128(b, vec128_load_aligned(gcm->aes.round_keys[round]));
	vec128_store(out, _mm_xor_si128(vec128_load(in), b));
}

const struct ktlsx_aead_engine ktlsx_gcm_avx512 = {
	.name = "avx512",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2 | KTLSX_CPU_VAES | KTLSX_CPU_VPCLMUL |
		     KTLSX_CPU_AVX512,
	/* not 20 microseconds at half a cycle a byte and 2 GHz: the most a section may hold */
	.section_len_max = 65536,
	.uses_fpu = true,
	.prepare = ktlsx_gcm_aesni_prepare,
	.seal = ktlsx_gcm_avx512_seal,
	.open = ktlsx_gcm_avx512_open,
	.block = avx512_block,
};
