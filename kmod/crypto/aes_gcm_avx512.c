// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the AES-GCM engine for 512-bit vectors (VAES and VPCLMULQDQ): records, their
 * additional data and the borders of their spans.
 * Must not know: TLS, other engines. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 *
 * Most of a record goes in groups of eight vectors, the rest, a group more or less, in
 * exactly as many vectors as it has. No step waits for the one before: rounds of
 * the next vectors, or of the next record, fill the time in which a hash is reduced.
 */
#include "aes_gcm_avx512.h"
#include "cpu.h"
#include "spans.h"

#define GROUP_LEN GCM512_GROUP_LEN

/* Where the next bytes come from and go to. */
struct place {
	struct ktlsx_cursor src;
	struct ktlsx_cursor dst;
	const u8 *in;
	u8 *out;
};

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
	__m512i v;

	for (; len; len -= want, buf += 64) {
		want = min_t(size_t, len, 64);
		v = _mm512_setzero_si512();
		for (have = 0; have < want; have += run) {
			run = min(want - have, ktlsx_cursor_run(cursor));
			mask = _cvtu64_mask64(_cvtmask64_u64(vec512_first(run)) << have);
			v = _mm512_mask_loadu_epi8(v, mask, before(ktlsx_cursor_here(cursor), have));
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

/* Zeros the compiler must not see: it would call a string instruction. */
static __always_inline void clear_bounce(struct gcm512_record *r)
{
	__m512i zero = _mm512_setzero_si512();

	vec512_opaque(&zero);
	vec512_store_aligned(r->bounce, zero);
	vec512_store_aligned(r->bounce + 64, zero);
	vec512_store_aligned(r->bounce + 128, zero);
	vec512_store_aligned(r->bounce + 192, zero);
	vec512_store_aligned(r->bounce + 256, zero);
	vec512_store_aligned(r->bounce + 320, zero);
	vec512_store_aligned(r->bounce + 384, zero);
	vec512_store_aligned(r->bounce + 448, zero);
	vec512_store_aligned(r->bounce + 512, zero);
	barrier_data(r->bounce);
}

/*
 * Finds out how many of the next @len bytes lie together on both sides, in units of @unit.
 * When there is no unit before a border, one goes by the bounce buffer.
 */
static __always_inline size_t take(struct gcm512_record *r, struct place *p, size_t len,
				   size_t unit)
{
	size_t run = min(ktlsx_cursor_run(&p->src), ktlsx_cursor_run(&p->dst));

	len = min(run, len) / unit * unit;
	if (unlikely(!len)) {
		gather(&p->src, r->bounce, unit);
		p->in = r->bounce;
		p->out = r->bounce;
		return unit;
	}
	p->in = ktlsx_cursor_here(&p->src);
	p->out = ktlsx_cursor_here(&p->dst);
	p->src.off += len;
	p->dst.off += len;
	return len;
}

/* To be called when the bytes are done. */
static __always_inline void give(struct gcm512_record *r, struct place *p, size_t len)
{
	if (unlikely(p->out == r->bounce)) {
		scatter(&p->dst, r->bounce, len);
		clear_bounce(r);
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

static __always_inline __m128i hash_aad(const struct ktlsx_gcm_key *key, const u8 *aad, size_t len)
{
	__m128i acc = _mm_setzero_si128(), x;

	for (; unlikely(len > 16); len -= 16, aad += 16) {
		x = vec128_swap_bytes(vec128_load(aad));
		acc = times_h(key, _mm_xor_si128(acc, x));
	}
	if (likely(len)) {
		x = vec128_swap_bytes(load_partial(aad, len));
		acc = times_h(key, _mm_xor_si128(acc, x));
	}
	return acc;
}

static __always_inline __m128i whiten(const struct ktlsx_gcm_key *key, const u8 *nonce)
{
	return _mm_xor_si128(load_partial(nonce, KTLSX_AEAD_NONCE_LEN),
			     vec128_load_aligned(key->aes.round_keys[0]));
}

static __always_inline void start(struct gcm512_record *r, const struct ktlsx_aead_key *key,
				  const struct ktlsx_aead_text *text, bool sealing)
{
	const struct ktlsx_gcm_key *gcm = ktlsx_gcm_key_of(key);

	r->key = gcm;
	r->whitened = _mm512_broadcast_i32x4(whiten(gcm, text->nonce));
	r->acc = _mm512_zextsi128_si512(hash_aad(gcm, text->aad, text->aad_len));
	r->sealing = sealing ? ~0ull : 0;
	r->queued = 0;
	r->counter = 2;
}

/* Groups that lie together on both sides. The first has none before it to hash. */
static __always_inline void run_groups(struct gcm512_record *r, const u8 *in, u8 *out,
				       size_t count, bool sealing)
{
	if (!r->queued) {
		gcm512_crypt_vectors(r, in, out, GCM512_GROUP);
		if (!--count)
			return;
		in += GROUP_LEN;
		out += GROUP_LEN;
	}
	if (sealing)
		gcm512_seal_groups(r, in, out, count);
	else
		gcm512_open_groups(r, in, out, count);
}

/* Not more than GCM512_REST: all vectors that do not belong to the last blocks, then those. */
static __always_inline __m128i run_last(struct gcm512_record *r, const u8 *in, u8 *out,
					size_t len, __m128i lengths)
{
	size_t blocks = (len + 15) / 16, vectors;

	if (blocks > GCM512_LAST) {
		vectors = blocks / 4 - 3;
		gcm512_crypt_vectors(r, in, out, (unsigned int)vectors);
		in += 64 * vectors;
		out += 64 * vectors;
		len -= 64 * vectors;
	}
	gcm512_hash_queue(r);
	return gcm512_finish(r, in, out, len, lengths);
}

static __always_inline __m128i run_record(struct gcm512_record *r,
					  const struct ktlsx_aead_text *text, bool sealing)
{
	struct place p = { { text->src, 0 }, { text->dst, 0 }, r->bounce, r->bounce };
	size_t left = text->text_len, len;
	__m128i lengths, tag;

	for (; left > GCM512_REST; left -= len) {
		len = take(r, &p, left - GCM512_REST + GROUP_LEN - 1, GROUP_LEN);
		run_groups(r, p.in, p.out, len / GROUP_LEN, sealing);
		give(r, &p, len);
	}
	if (likely(left))
		take(r, &p, left, left);
	lengths = _mm_set_epi64x((long long)text->aad_len * 8, (long long)text->text_len * 8);
	tag = run_last(r, p.in, p.out, left, lengths);
	give(r, &p, left);

	r->acc = _mm512_setzero_si512();
	r->whitened = _mm512_setzero_si512();
	barrier_data(r);
	return tag;
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

	for (; count; count--, texts++) {
		start(&r, key, texts, true);
		vec128_store(texts->tag, run_record(&r, texts, true));
	}
}

static __always_inline bool open_one(struct gcm512_record *r, const struct ktlsx_aead_key *key,
				     const struct ktlsx_aead_text *text)
{
	__m128i differ;

	start(r, key, text, false);
	differ = _mm_xor_si128(run_record(r, text, false), vec128_load(text->tag));
	port_declassify(&differ, sizeof(differ));
	return _mm_testz_si128(differ, differ);
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

	for (i = 0; i < count; i++)
		if (unlikely(!open_one(&r, key, &texts[i])))
			return ktlsx_texts_refuse(texts, i, count);
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
	/* less than 20 microseconds at half a cycle a byte and 2 GHz: the most a section may hold */
	.section_len_max = 65536,
	.uses_fpu = true,
	.prepare = ktlsx_gcm_aesni_prepare,
	.seal = ktlsx_gcm_avx512_seal,
	.open = ktlsx_gcm_avx512_open,
	.block = avx512_block,
};
