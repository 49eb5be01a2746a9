// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM4-GCM engine for GFNI and 512-bit vectors.
 * Must not know: TLS, other engines. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7; RFC 8998; 96-bit nonces only.
 *
 * A chunk of 64 blocks is encrypted while the chunk before it, parked in a queue, is hashed
 * between the rounds, its blocks 4 m + l in a sum of their own for each l. What is left at
 * the end of a record is encrypted by 16 or 32 blocks, whose last encrypts the counter 1.
 */
#include "bounce.h"
#include "cpu.h"
#include "ghash_aad.h"
#include "sm4_gcm_512_bulk.h"

static __always_inline void set_words(const struct gcm_stream *s, __m512i x[4], u32 counter,
				      bool with_mask)
{
	const __m512i index = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4,
					       0);
	__m512i counters = _mm512_add_epi32(_mm512_set1_epi32((int)counter), index);

	x[0] = _mm512_set1_epi32((int)s->nonce_words[0]);
	x[1] = _mm512_set1_epi32((int)s->nonce_words[1]);
	x[2] = _mm512_set1_epi32((int)s->nonce_words[2]);
	if (with_mask)
		counters = _mm512_mask_set1_epi32(counters, _cvtu32_mask16(1u << 15), 1);
	x[3] = SM4_AFFINE(counters, PRE);
}

/* The last word comes out first, each with its highest byte first: the blocks backwards. */
static __always_inline void put_blocks(__m512i *to, __m512i x[4])
{
	sm4_unfold_four(x);
	sm4_words_to_blocks(x);
	vec512_store_aligned(&to[0], vec512_swap_bytes(x[0]));
	vec512_store_aligned(&to[1], vec512_swap_bytes(x[1]));
	vec512_store_aligned(&to[2], vec512_swap_bytes(x[2]));
	vec512_store_aligned(&to[3], vec512_swap_bytes(x[3]));
}

static __always_inline void words_round(__m512i x[4], unsigned int i, u32 key)
{
	sm4_words_round(&x[i % 4], x[(i + 1) % 4], x[(i + 2) % 4], x[(i + 3) % 4], key);
}

/* The key stream of 32 blocks, of which the last counter is 1 when asked for. */
static noinline void stream_32(struct gcm_stream *s, __m512i *to, bool with_mask)
{
	const u32 *keys = s->key->sm4.folded;
	__m512i x[4], y[4];
	unsigned int i;

	set_words(s, x, s->counter, false);
	set_words(s, y, s->counter + 16, with_mask);
	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4, keys += 4) {
		words_round(x, 0, keys[0]);
		words_round(y, 0, keys[0]);
		words_round(x, 1, keys[1]);
		words_round(y, 1, keys[1]);
		words_round(x, 2, keys[2]);
		words_round(y, 2, keys[2]);
		words_round(x, 3, keys[3]);
		words_round(y, 3, keys[3]);
	}
	put_blocks(to, x);
	put_blocks(to + 4, y);
}

/* And of 16, of which it always is. */
static noinline void stream_16(struct gcm_stream *s, __m512i *to)
{
	const u32 *keys = s->key->sm4.folded;
	unsigned int i;
	__m512i x[4];

	set_words(s, x, s->counter, true);
	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4, keys += 4) {
		words_round(x, 0, keys[0]);
		words_round(x, 1, keys[1]);
		words_round(x, 2, keys[2]);
		words_round(x, 3, keys[3]);
	}
	put_blocks(to, x);
}

/* Every block that is not text becomes zero, of key stream nothing is left. */
static __always_inline void crypt_tail(struct gcm_stream *s, const u8 *in, u8 *out, size_t len,
				       unsigned int vecs)
{
	unsigned int i, used = (len + VEC_LEN - 1) / VEC_LEN;
	__m512i x, stream;
	__mmask64 part;

	for (i = 1; i <= used; i++, in += VEC_LEN, out += VEC_LEN, len -= VEC_LEN) {
		part = vec512_first(min_t(size_t, len, VEC_LEN));
		x = _mm512_maskz_loadu_epi8(part, in);
		vec512_opaque(&x);
		stream = _mm512_maskz_mov_epi8(part, vec512_load_aligned(&s->queue[i]));
		_mm512_mask_storeu_epi8(out, part, _mm512_xor_si512(x, stream));
		x = _mm512_ternarylogic_epi64(x, stream, s->sealing, 0x78);
		vec512_store_aligned(&s->queue[i], vec512_swap_bytes(x));
	}
	for (; i <= vecs; i++)
		vec512_store_aligned(&s->queue[i], _mm512_setzero_si512());
}

/* @vecs: of key stream, whose last block is of counter 1 */
static __always_inline void put_mask(struct gcm_stream *s, unsigned int vecs)
{
	s->mask = _mm512_extracti32x4_epi32(vec512_load_aligned(&s->queue[vecs]), 3);
}

/* The key stream of less than a chunk goes to the queue. Returns how many vectors. */
static __always_inline unsigned int stream_tail(struct gcm_stream *s, size_t len)
{
	bool alone = len > CHUNK_LEN - 16;	/* no room for the counter 1 beside the text */
	unsigned int vecs = 0;

	if (unlikely(alone)) {
		stream_16(s, &s->queue[1]);
		put_mask(s, 4);
	}
	if (len > WORDS_LEN_MAX) {
		stream_32(s, &s->queue[1], false);
		s->counter += 32;
		vecs = 8;
		len -= min_t(size_t, len, 32 * 16);
	}
	if (len <= WORDS_LEN_HALF) {
		stream_16(s, &s->queue[1 + vecs]);
		vecs += 4;
	} else {
		stream_32(s, &s->queue[1 + vecs], !alone);
		vecs += 8;
	}
	if (likely(!alone))
		put_mask(s, vecs);
	return vecs;
}

/* Less than a chunk, contiguous. */
static noinline void run_tail(struct gcm_stream *s, const u8 *in, u8 *out, size_t len)
{
	if (s->queued)
		hash_queue(s);
	crypt_tail(s, in, out, len, stream_tail(s, len));
}

/* A chunk or less that meets the border of a span. */
static noinline void run_by_bounce(struct gcm_stream *s, struct ktlsx_cursor *src,
				   struct ktlsx_cursor *dst, size_t len)
{
	u8 bounce[CHUNK_LEN + BOUNCE_SLACK] __aligned(64);
	__m512i zero = _mm512_setzero_si512();
	unsigned int i;

	bounce_gather(src, bounce, len);
	/* from here on only the copy counts */
	barrier_data(bounce);
	if (len < CHUNK_LEN)
		run_tail(s, bounce, bounce, len);
	else
		run_chunks(s, bounce, bounce, 1);
	bounce_scatter(dst, bounce, len);
	vec512_opaque(&zero);
	for (i = 0; i < CHUNK_LEN; i += VEC_LEN)
		vec512_store_aligned(bounce + i, zero);
	barrier_data(bounce);
}

static __always_inline void set_up_nonce(struct gcm_stream *s, const u8 *nonce)
{
	const __m512i places = _mm512_set_epi64(0x0f0f0f0f0e0e0e0e, 0x0d0d0d0d0c0c0c0c,
						0x0b0b0b0b0a0a0a0a, 0x0909090908080808,
						0x0707070706060606, 0x0505050504040404,
						0x0303030302020202, 0x0101010100000000);
	const __m128i reversed = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i bytes = bounce_load_partial(nonce, KTLSX_AEAD_NONCE_LEN);

	bytes = _mm_gf2p8affine_epi64_epi8(bytes, _mm_set1_epi64x((long long)KTLSX_SM4_PRE),
					   KTLSX_SM4_PRE_CONST);
	vec128_store_aligned(s->nonce_words, _mm_shuffle_epi8(bytes, reversed));
	vec512_store_aligned(s->nonce_bytes, _mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes),
								 places));
}

/* The additional data wait where the last vector of a chunk would. */
static __always_inline void set_up_chunks(struct gcm_stream *s, __m512i hash)
{
	__m512i zero = _mm512_setzero_si512();
	unsigned int i;

	vec512_opaque(&zero);
	for (i = 0; i < CHUNK_VECS; i++)
		vec512_store_aligned(&s->queue[i], zero);
	vec512_store_aligned(&s->queue[CHUNK_VECS], hash);
	sm4_spread_keys(s->key->sm4.folded, s->keys);
}

static __always_inline void start(struct gcm_stream *s, const struct ktlsx_aead_key *key,
				  const struct ktlsx_aead_text *text)
{
	__m512i hash;

	s->key = ktlsx_sm4_gcm_key_of(key);
	s->counter = 2;
	s->by_chunks = text->text_len >= CHUNK_LEN;
	s->queued = s->by_chunks;
	set_up_nonce(s, text->nonce);
	hash = _mm512_inserti32x4(_mm512_setzero_si512(),
				  hash_aad(&s->key->hash, text->aad, text->aad_len), 3);
	if (s->by_chunks)
		set_up_chunks(s, hash);
	else
		vec512_store_aligned(&s->queue[0], hash);
}

/* Whole chunks straight from span to span. */
static __always_inline void run_text(struct gcm_stream *s, const struct ktlsx_aead_text *text)
{
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	size_t left = text->text_len, len, run;

	for (; left >= CHUNK_LEN; left -= len) {
		run = min(ktlsx_cursor_run(&src), ktlsx_cursor_run(&dst));
		len = min(run, left) / CHUNK_LEN * CHUNK_LEN;
		if (unlikely(!len)) {
			len = CHUNK_LEN;
			run_by_bounce(s, &src, &dst, len);
			continue;
		}
		run_chunks(s, ktlsx_cursor_here(&src), ktlsx_cursor_here(&dst), len / CHUNK_LEN);
		src.off += len;
		dst.off += len;
	}
	if (left && unlikely(min(ktlsx_cursor_run(&src), ktlsx_cursor_run(&dst)) < left))
		run_by_bounce(s, &src, &dst, left);
	else
		run_tail(s, left ? ktlsx_cursor_here(&src) : NULL,
			 left ? ktlsx_cursor_here(&dst) : NULL, left);
}

/* Brings the hash so far past the first @vecs vectors of the queue, not past their end. */
static __always_inline void hash_vectors(struct gcm_stream *s, unsigned int vecs)
{
	struct products sums = products_of(vec512_load_aligned(&s->queue[0]),
					   vec512_spread(stride(s->key, vecs)));
	unsigned int i;

	for (i = 1; i < vecs; i++)
		add_products(&sums, vec512_load_aligned(&s->queue[i]),
			     vec512_spread(stride(s->key, vecs - i)));
	vec512_store_aligned(&s->queue[vecs],
			     _mm512_xor_si512(reduce_lanes(sums),
					      vec512_load_aligned(&s->queue[vecs])));
}

/* The hash of all, with @blocks in the queue. Powers past the last meet zeros. */
static __always_inline __m128i hash_rest(struct gcm_stream *s, const struct ktlsx_aead_text *text,
					 unsigned int blocks)
{
	const u64 (*power)[2] = s->key->hash.powers + KTLSX_GCM_POWERS;
	__m128i lens = _mm_set_epi64x((long long)text->aad_len * 8, (long long)text->text_len * 8);
	const __m512i *vector = s->queue;
	struct products sums;
	unsigned int done;

	if (blocks > KTLSX_GCM_POWERS - 5) {
		done = (blocks - (KTLSX_GCM_POWERS - 5) + 3) / 4;
		hash_vectors(s, done);
		blocks -= 4 * done;
		vector += done;
	}
	sums = products_of(_mm512_zextsi128_si512(lens),
			   _mm512_zextsi128_si512(vec128_load_aligned(power[-1])));
	power -= blocks + 5;
	for (done = 0; done < blocks + 4; done += 4, power += 4, vector++)
		add_products(&sums, vec512_load_aligned(vector), vec512_load(power));
	return reduce_to_one(sums);
}

/* What the stack held of keys. */
static __always_inline void wipe(struct gcm_stream *s)
{
	__m512i zero = _mm512_setzero_si512();
	unsigned int i;

	vec512_opaque(&zero);
	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4)
		vec512_store_aligned(s->keys[i], zero);
	barrier_data(s);
}

static noinline __m128i run_record(struct gcm_stream *s, const struct ktlsx_aead_key *key,
				   const struct ktlsx_aead_text *text, bool sealing)
{
	__m128i tag;

	vec512_store_aligned(&s->sealing, _mm512_set1_epi64(-(long long)sealing));
	start(s, key, text);
	run_text(s, text);
	tag = hash_rest(s, text, (text->text_len % CHUNK_LEN + 15) / 16);
	if (s->by_chunks)
		wipe(s);
	tag = _mm_xor_si128(vec128_swap_bytes(tag), s->mask);
	s->mask = _mm_setzero_si128();
	barrier_data(s);
	return tag;
}

#include "sm4_gcm_runs.h"

/**
 * ktlsx_sm4_gcm_gfni512_seal() - as ktlsx_aead_seal_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 */
void ktlsx_sm4_gcm_gfni512_seal(const struct ktlsx_aead_key *key,
				const struct ktlsx_aead_text *texts, unsigned int count)
{
	seal_run(key, texts, count);
}

/**
 * ktlsx_sm4_gcm_gfni512_open() - as ktlsx_aead_open_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 * Return: how many records verified before the first that did not.
 */
unsigned int ktlsx_sm4_gcm_gfni512_open(const struct ktlsx_aead_key *key,
					const struct ktlsx_aead_text *texts, unsigned int count)
{
	return open_run(key, texts, count);
}

static void gfni512_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	struct gcm_stream s port_uninitialized;

	s.key = ktlsx_sm4_gcm_key_of(key);
	s.counter = index + 2;
	set_up_nonce(&s, nonce);
	vec512_store_aligned(&s.sealing, _mm512_setzero_si512());
	stream_16(&s, &s.queue[1]);
	crypt_tail(&s, in, out, KTLSX_AEAD_BLOCK_LEN, 4);
}

const struct ktlsx_aead_engine ktlsx_sm4_gcm_gfni512 = {
	.name = "gfni512",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2 | KTLSX_CPU_VAES | KTLSX_CPU_VPCLMUL |
		     KTLSX_CPU_GFNI | KTLSX_CPU_AVX512,
	/* 50 microseconds at a cycle a byte and 1.3 GHz */
	.section_len_max = 65536,
	.uses_fpu = true,
	.prepare = ktlsx_sm4_gcm_aesni_prepare,
	.seal = ktlsx_sm4_gcm_gfni512_seal,
	.open = ktlsx_sm4_gcm_gfni512_open,
	.block = gfni512_block,
};
