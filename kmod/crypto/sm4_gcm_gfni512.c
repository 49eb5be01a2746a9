// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM4-GCM engine for GFNI and 512-bit vectors.
 * Must not know: TLS, other engines. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7; RFC 8998; 96-bit nonces only.
 *
 * A chunk of 64 blocks is encrypted while the chunk before it, parked in a queue, is hashed
 * between the rounds, its blocks 4 m + l in a sum of their own for each l. What is left at
 * the end of a record is encrypted by 16, 32 or 64 blocks, whose last encrypts the counter 1.
 */
#include "bounce.h"
#include "cpu.h"
#include "ghash_avx512.h"
#include "sm4_gcm.h"
#include "sm4_gfni512.h"

#define VEC_LEN 64
#define CHUNK_VECS 16
#define CHUNK_LEN (CHUNK_VECS * VEC_LEN)
/* What is encrypted by 16 or 32 blocks, one of them the counter 1 */
#define WORDS_LEN_HALF (15 * 16)
#define WORDS_LEN_MAX (31 * 16)

struct gcm_stream {
	/*
	 * First the hash so far: sums of the blocks l modulo 4, of which each still wants the
	 * 4 - l powers that bring it to the end of its vector. Then blocks waiting to be
	 * hashed, their bytes swapped.
	 */
	__m512i queue[CHUNK_VECS + 1];
	u32 keys[KTLSX_SM4_ROUNDS][4] __aligned(64);
	u32 nonce_bytes[4][4] __aligned(64);	/* in the basis, each byte four times */
	u32 nonce_words[4] __aligned(16);	/* in the basis; the last is of no use */
	const struct ktlsx_sm4_gcm_key *key;
	u32 counter;				/* of the next block */
	bool by_chunks;				/* the queue and the keys are set up */
};

struct pipeline {
	struct products sums;
	const u8 *power;
	const __m512i *vector;
};

/* H^(4 n), n at most 16 */
static __always_inline const u64 *stride(const struct ktlsx_sm4_gcm_key *key, unsigned int n)
{
	return n > 4 ? key->hash.strides[16 - n] : key->hash.powers[16 - 4 * n];
}

static __always_inline void hash_next(struct pipeline *p, unsigned int step)
{
	add_products(&p->sums, vec512_load_aligned(p->vector), vec512_spread(p->power));
	p->vector++;
	p->power += step;
}

static __always_inline void hash_begin(const struct gcm_stream *s, struct pipeline *p)
{
	p->sums.low = _mm512_setzero_si512();
	p->sums.mid = _mm512_setzero_si512();
	p->sums.high = _mm512_setzero_si512();
	p->power = (const void *)s->key->hash.strides;
	p->vector = s->queue;
}

static __always_inline void hash_end(struct gcm_stream *s, const struct pipeline *p)
{
	s->queue[0] = _mm512_xor_si512(reduce_lanes(p->sums), s->queue[CHUNK_VECS]);
}

static noinline void hash_queue(struct gcm_stream *s)
{
	struct pipeline p;
	unsigned int i;

	hash_begin(s, &p);
	for (i = 0; i < KTLSX_GCM_STRIDES; i++)
		hash_next(&p, 16);
	p.power = (const void *)s->key->hash.powers;
	for (; i < CHUNK_VECS; i++)
		hash_next(&p, 64);
	hash_end(s, &p);
}

static __always_inline void four_rounds(__m512i y[4][4], const u32 keys[4][4], struct pipeline *p,
					unsigned int step)
{
	sm4_bytes_round(y[0], y[1], y[2], y[3], keys[0]);
	hash_next(p, step);
	sm4_bytes_round(y[1], y[2], y[3], y[0], keys[1]);
	sm4_bytes_round(y[2], y[3], y[0], y[1], keys[2]);
	hash_next(p, step);
	sm4_bytes_round(y[3], y[0], y[1], y[2], keys[3]);
}

static __always_inline void set_nonce(const struct gcm_stream *s, __m512i y[4], unsigned int word)
{
	y[0] = _mm512_set1_epi32((int)s->nonce_bytes[word][0]);
	y[1] = _mm512_set1_epi32((int)s->nonce_bytes[word][1]);
	y[2] = _mm512_set1_epi32((int)s->nonce_bytes[word][2]);
	y[3] = _mm512_set1_epi32((int)s->nonce_bytes[word][3]);
}

static __always_inline void set_counters(__m512i y[4], u32 counter)
{
	const __m512i index = _mm512_add_epi8(
		_mm512_broadcast_i32x4(_mm_set_epi8(60, 56, 52, 48, 44, 40, 36, 32, 28, 24, 20, 16,
						    12, 8, 4, 0)),
		_mm512_set_epi64(0x0303030303030303, 0x0303030303030303, 0x0202020202020202,
				 0x0202020202020202, 0x0101010101010101, 0x0101010101010101, 0, 0));
	const __m512i first = _mm512_set1_epi8((char)counter);
	u32 high = counter >> 8, next = high + 1;
	__mmask64 carry;

	y[3] = _mm512_add_epi8(first, index);
	carry = _mm512_cmplt_epu8_mask(y[3], first);
	y[2] = _mm512_mask_set1_epi8(_mm512_set1_epi8((char)high), carry, (char)next);
	y[1] = _mm512_mask_set1_epi8(_mm512_set1_epi8((char)(high >> 8)), carry,
				     (char)(next >> 8));
	y[0] = _mm512_mask_set1_epi8(_mm512_set1_epi8((char)(high >> 16)), carry,
				     (char)(next >> 16));
}

static __always_inline void fold(__m512i y[4])
{
	y[0] = SM4_AFFINE(y[0], PRE);
	y[1] = SM4_AFFINE(y[1], PRE);
	y[2] = SM4_AFFINE(y[2], PRE);
	y[3] = SM4_AFFINE(y[3], PRE);
}

static __always_inline void unfold(__m512i y[4])
{
	y[0] = SM4_AFFINE(y[0], PRE_BACK);
	y[1] = SM4_AFFINE(y[1], PRE_BACK);
	y[2] = SM4_AFFINE(y[2], PRE_BACK);
	y[3] = SM4_AFFINE(y[3], PRE_BACK);
}

static __always_inline void put_four(__m512i to[4], const __m512i from[4])
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
}

/* The key stream of 64 blocks, while the queue is hashed; the last word comes out first. */
static __always_inline void next_stream(struct gcm_stream *s, __m512i stream[CHUNK_VECS],
					__m512i y[4][4])
{
	const u32 (*keys)[4] = s->keys;
	unsigned int i, step = 16;
	struct pipeline p;

	hash_begin(s, &p);
	fold(y[3]);
	for (i = 0; i < KTLSX_SM4_ROUNDS / 4; i++, keys += 4) {
		if (i == KTLSX_GCM_STRIDES / 2) {
			p.power = (const void *)s->key->hash.powers;
			step = 64;
		}
		four_rounds(y, keys, &p, step);
	}
	hash_end(s, &p);
	unfold(y[0]);
	unfold(y[1]);
	unfold(y[2]);
	unfold(y[3]);
	put_four(stream, y[3]);
	put_four(stream + 4, y[2]);
	put_four(stream + 8, y[1]);
	put_four(stream + 12, y[0]);
	sm4_transpose(stream);
}

/* The key stream of chunks on its way out, while the next one is computed. */
struct parked {
	__m512i y[4][4];
	const u8 *in;
	u8 *out;
};

/* Of one word of the cipher's last four: from single bytes to words, 16 to a vector. */
static __always_inline void unpark_word(__m512i y[4])
{
	__m512i a, b, c, d;

	a = SM4_AFFINE(vec512_load_aligned(&y[0]), PRE_BACK);
	b = SM4_AFFINE(vec512_load_aligned(&y[1]), PRE_BACK);
	c = SM4_AFFINE(vec512_load_aligned(&y[2]), PRE_BACK);
	d = SM4_AFFINE(vec512_load_aligned(&y[3]), PRE_BACK);
	/* pairs of bytes, then of pairs; positions 0 to 3, 4 to 7, ... of each lane */
	y[0] = _mm512_unpacklo_epi16(_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d));
	y[1] = _mm512_unpackhi_epi16(_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d));
	y[2] = _mm512_unpacklo_epi16(_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d));
	y[3] = _mm512_unpackhi_epi16(_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d));
}

/* The queue is fed from registers: neither side's memory is read again. */
static __always_inline void crypt_vector(struct gcm_stream *s, const struct parked *parked,
					 __m512i stream, unsigned int i, bool sealing)
{
	__m512i x = vec512_load(parked->in + VEC_LEN * i);

	vec512_opaque(&x);
	stream = _mm512_xor_si512(stream, x);
	vec512_store(parked->out + VEC_LEN * i, stream);
	vec512_store_aligned(&s->queue[1 + i], vec512_swap_bytes(sealing ? stream : x));
}

/* A quarter of the blocks; the last word comes out first. */
static __always_inline void unpark_blocks(struct gcm_stream *s, const struct parked *parked,
					  unsigned int quarter, bool sealing)
{
	__m512i x[4] = { parked->y[3][quarter], parked->y[2][quarter], parked->y[1][quarter],
			 parked->y[0][quarter] };

	sm4_words_to_blocks(x);
	crypt_vector(s, parked, x[0], 4 * quarter, sealing);
	crypt_vector(s, parked, x[1], 4 * quarter + 1, sealing);
	crypt_vector(s, parked, x[2], 4 * quarter + 2, sealing);
	crypt_vector(s, parked, x[3], 4 * quarter + 3, sealing);
}

/* Encrypts or decrypts @count chunks and leaves the last one's ciphertext in the queue. */
static __always_inline void run_chunks(struct gcm_stream *s, const u8 *in, u8 *out, size_t count,
				       bool sealing)
{
	struct parked parked;
	__m512i y[4][4], last;
	const u32 (*keys)[4];
	unsigned int i;
	struct pipeline p;
	bool busy = false;

	for (; count; count--, in += CHUNK_LEN, out += CHUNK_LEN) {
		set_nonce(s, y[0], 0);
		set_nonce(s, y[1], 1);
		set_nonce(s, y[2], 2);
		set_counters(y[3], s->counter);
		s->counter += CHUNK_LEN / 16;
		fold(y[3]);
		keys = s->keys;
		hash_begin(s, &p);
		last = s->queue[CHUNK_VECS];
		for (i = 0; i < 4; i++, keys += 4) {
			four_rounds(y, keys, &p, 16);
			if (busy)
				unpark_word(parked.y[i]);
		}
		unsigned int step = 16;
		for (i = 0; i < 4; i++, keys += 4) {
			if (i == 2) {
				p.power = (const void *)s->key->hash.powers;
				step = 64;
			}
			four_rounds(y, keys, &p, step);
			if (busy)
				unpark_blocks(s, &parked, i, sealing);
		}
		if (busy)
			s->queue[0] = _mm512_xor_si512(reduce_lanes(p.sums), last);
		put_four(parked.y[0], y[0]);
		put_four(parked.y[1], y[1]);
		put_four(parked.y[2], y[2]);
		put_four(parked.y[3], y[3]);
		parked.in = in;
		parked.out = out;
		busy = true;
	}
	hash_queue(s);
	for (i = 0; i < 4; i++)
		unpark_word(parked.y[i]);
	for (i = 0; i < 4; i++)
		unpark_blocks(s, &parked, i, sealing);
	last = _mm512_setzero_si512();
	vec512_opaque(&last);
	for (i = 0; i < 4; i++) {
		vec512_store_aligned(&parked.y[i][0], last);
		vec512_store_aligned(&parked.y[i][1], last);
		vec512_store_aligned(&parked.y[i][2], last);
		vec512_store_aligned(&parked.y[i][3], last);
	}
	barrier_data(&parked);
}

static noinline void seal_chunks(struct gcm_stream *s, const u8 *in, u8 *out, size_t count)
{
	run_chunks(s, in, out, count, true);
}

static noinline void open_chunks(struct gcm_stream *s, const u8 *in, u8 *out, size_t count)
{
	run_chunks(s, in, out, count, false);
}

/* Leaves the key stream in the queue; of the counter 1 in the last block, where asked for. */
static noinline void stream_64(struct gcm_stream *s, bool with_mask)
{
	const __mmask64 last = _cvtu64_mask64((u64)with_mask << 63);
	__m512i y[4][4], stream[CHUNK_VECS];

	set_nonce(s, y[0], 0);
	set_nonce(s, y[1], 1);
	set_nonce(s, y[2], 2);
	set_counters(y[3], s->counter);
	y[3][0] = _mm512_mask_set1_epi8(y[3][0], last, 0);
	y[3][1] = _mm512_mask_set1_epi8(y[3][1], last, 0);
	y[3][2] = _mm512_mask_set1_epi8(y[3][2], last, 0);
	y[3][3] = _mm512_mask_set1_epi8(y[3][3], last, 1);
	next_stream(s, stream, y);
	put_four(&s->queue[1], stream);
	put_four(&s->queue[5], stream + 4);
	put_four(&s->queue[9], stream + 8);
	put_four(&s->queue[13], stream + 12);
}

static __always_inline void set_words(const struct gcm_stream *s, __m512i x[4], u32 counter,
				      bool last)
{
	const __m512i index = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4,
					       0);
	__m512i counters = _mm512_add_epi32(_mm512_set1_epi32((int)counter), index);

	x[0] = _mm512_set1_epi32((int)s->nonce_words[0]);
	x[1] = _mm512_set1_epi32((int)s->nonce_words[1]);
	x[2] = _mm512_set1_epi32((int)s->nonce_words[2]);
	if (last)
		counters = _mm512_mask_set1_epi32(counters, _cvtu32_mask16(1u << 15), 1);
	x[3] = SM4_AFFINE(counters, PRE);
}

/* The last word comes out first, each with its highest byte first: the blocks backwards. */
static __always_inline void put_blocks(__m512i *to, __m512i x[4])
{
	unfold(x);
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

static noinline void stream_32(struct gcm_stream *s)
{
	const u32 *keys = s->key->sm4.folded;
	__m512i x[4], y[4];
	unsigned int i;

	set_words(s, x, s->counter, false);
	set_words(s, y, s->counter + 16, true);
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
	put_blocks(&s->queue[1], x);
	put_blocks(&s->queue[5], y);
}

static noinline void stream_16(struct gcm_stream *s)
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
	put_blocks(&s->queue[1], x);
}

/* Every block that is not text becomes zero, of key stream nothing is left. */
static __always_inline void crypt_tail(struct gcm_stream *s, const u8 *in, u8 *out, size_t len,
				       unsigned int vecs, bool sealing)
{
	__m512i x, stream, zero = _mm512_setzero_si512();
	unsigned int i, used = (len + VEC_LEN - 1) / VEC_LEN;
	__mmask64 part;

	for (i = 1; i <= used; i++, in += VEC_LEN, out += VEC_LEN, len -= VEC_LEN) {
		part = vec512_first(min_t(size_t, len, VEC_LEN));
		x = _mm512_maskz_loadu_epi8(part, in);
		vec512_opaque(&x);
		stream = _mm512_maskz_mov_epi8(part, vec512_load_aligned(&s->queue[i]));
		stream = _mm512_xor_si512(x, stream);
		_mm512_mask_storeu_epi8(out, part, stream);
		if (sealing)
			x = stream;
		vec512_store_aligned(&s->queue[i], vec512_swap_bytes(x));
	}
	for (; i <= vecs; i++)
		vec512_store_aligned(&s->queue[i], zero);
}

/* To encrypt by 64 blocks. The additional data wait where the last of a chunk would. */
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

static __always_inline __m128i last_block(const struct gcm_stream *s, unsigned int vecs)
{
	return _mm512_extracti32x4_epi32(vec512_load_aligned(&s->queue[vecs]), 3);
}

/* When the text leaves no room for the counter 1: by itself, before. */
static noinline __m128i stream_all_64(struct gcm_stream *s)
{
	__m128i mask;

	hash_queue(s);
	stream_16(s);
	mask = last_block(s, 4);
	set_up_chunks(s, vec512_load_aligned(&s->queue[0]));
	stream_64(s, false);
	return mask;
}

static __always_inline __m128i stream_tail(struct gcm_stream *s, size_t len, unsigned int *vecs)
{
	if (s->by_chunks && len <= WORDS_LEN_MAX)
		hash_queue(s);
	if (len <= WORDS_LEN_HALF) {
		*vecs = 4;
		stream_16(s);
	} else if (len <= WORDS_LEN_MAX) {
		*vecs = 8;
		stream_32(s);
	} else {
		*vecs = CHUNK_VECS;
		if (unlikely(len > CHUNK_LEN - 16))
			return stream_all_64(s);
		stream_64(s, true);
	}
	return last_block(s, *vecs);
}

/* Less than a chunk, contiguous. Returns the counter 1 encrypted. */
static __always_inline __m128i run_tail(struct gcm_stream *s, const u8 *in, u8 *out, size_t len,
					bool sealing)
{
	unsigned int vecs;
	__m128i mask = stream_tail(s, len, &vecs);

	crypt_tail(s, in, out, len, vecs, sealing);
	return mask;
}

/* A chunk or less that meets the border of a span. */
static noinline __m128i run_by_bounce(struct gcm_stream *s, struct ktlsx_cursor *src,
				      struct ktlsx_cursor *dst, size_t len, bool sealing)
{
	u8 bounce[CHUNK_LEN + BOUNCE_SLACK] __aligned(64);
	__m128i mask = _mm_setzero_si128();
	__m512i zero = _mm512_setzero_si512();
	unsigned int i;

	vec512_opaque(&zero);
	bounce_gather(src, bounce, len);
	if (len < CHUNK_LEN)
		mask = run_tail(s, bounce, bounce, len, sealing);
	else if (sealing)
		seal_chunks(s, bounce, bounce, 1);
	else
		open_chunks(s, bounce, bounce, 1);
	bounce_scatter(dst, bounce, len);
	for (i = 0; i < CHUNK_LEN; i += VEC_LEN)
		vec512_store_aligned(bounce + i, zero);
	barrier_data(bounce);
	return mask;
}

/* The additional data, block by block: those of TLS are one. */
static __always_inline __m128i hash_aad(const struct ktlsx_sm4_gcm_key *key, const u8 *aad,
					size_t len)
{
	const __m128i power = vec128_load_aligned(key->hash.powers[KTLSX_GCM_POWERS - 1]);
	__m128i acc = _mm_setzero_si128(), block;
	struct product p;
	size_t part;

	for (; len; len -= part, aad += part) {
		p = (struct product){ _mm_setzero_si128(), _mm_setzero_si128(),
				      _mm_setzero_si128() };
		add_product(&p, acc, power, _mm_xor_si128(power, vec128_swap_halves(power)));
		part = min_t(size_t, len, 16);
		block = part == 16 ? vec128_load(aad) : bounce_load_partial(aad, part);
		acc = _mm_xor_si128(reduce(p), vec128_swap_bytes(block));
	}
	return acc;
}

static __always_inline void set_up_nonce(struct gcm_stream *s, const u8 *nonce)
{
	const __m512i places = _mm512_set_epi64(
		0x0f0f0f0f0e0e0e0e, 0x0d0d0d0d0c0c0c0c, 0x0b0b0b0b0a0a0a0a, 0x0909090908080808,
		0x0707070706060606, 0x0505050504040404, 0x0303030302020202, 0x0101010100000000);
	const __m128i reversed = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i bytes = bounce_load_partial(nonce, KTLSX_AEAD_NONCE_LEN);

	bytes = _mm_gf2p8affine_epi64_epi8(bytes, _mm_set1_epi64x((long long)KTLSX_SM4_PRE),
					   KTLSX_SM4_PRE_CONST);
	vec128_store_aligned(s->nonce_words, _mm_shuffle_epi8(bytes, reversed));
	vec512_store_aligned(s->nonce_bytes, _mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes),
								 places));
}

static __always_inline void start(struct gcm_stream *s, const struct ktlsx_aead_key *key,
				  const struct ktlsx_aead_text *text)
{
	__m512i hash;

	s->key = ktlsx_sm4_gcm_key_of(key);
	s->counter = 2;
	s->by_chunks = text->text_len > WORDS_LEN_MAX;
	set_up_nonce(s, text->nonce);
	hash = _mm512_inserti32x4(_mm512_setzero_si512(),
				  hash_aad(s->key, text->aad, text->aad_len), 3);
	if (s->by_chunks)
		set_up_chunks(s, hash);
	else
		vec512_store_aligned(&s->queue[0], hash);
}

/* Whole chunks straight from span to span. Returns the counter 1 encrypted. */
static __always_inline __m128i run_text(struct gcm_stream *s, const struct ktlsx_aead_text *text,
					bool sealing)
{
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	size_t left = text->text_len, len, run;

	for (; left >= CHUNK_LEN; left -= len) {
		run = min(ktlsx_cursor_run(&src), ktlsx_cursor_run(&dst));
		len = min(run, left) / CHUNK_LEN * CHUNK_LEN;
		if (unlikely(!len)) {
			len = CHUNK_LEN;
			run_by_bounce(s, &src, &dst, len, sealing);
			continue;
		}
		if (sealing)
			seal_chunks(s, ktlsx_cursor_here(&src), ktlsx_cursor_here(&dst),
				    len / CHUNK_LEN);
		else
			open_chunks(s, ktlsx_cursor_here(&src), ktlsx_cursor_here(&dst),
				    len / CHUNK_LEN);
		src.off += len;
		dst.off += len;
	}
	if (!left)
		return run_tail(s, NULL, NULL, 0, sealing);
	run = min(ktlsx_cursor_run(&src), ktlsx_cursor_run(&dst));
	if (unlikely(run < left))
		return run_by_bounce(s, &src, &dst, left, sealing);
	return run_tail(s, ktlsx_cursor_here(&src), ktlsx_cursor_here(&dst), left, sealing);
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

static __always_inline __m128i run_record(struct gcm_stream *s, const struct ktlsx_aead_key *key,
					  const struct ktlsx_aead_text *text, bool sealing)
{
	__m128i mask, tag;

	start(s, key, text);
	mask = run_text(s, text, sealing);
	tag = hash_rest(s, text, (text->text_len % CHUNK_LEN + 15) / 16);
	if (s->by_chunks)
		wipe(s);
	return _mm_xor_si128(vec128_swap_bytes(tag), mask);
}

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
	struct gcm_stream s port_uninitialized;

	for (; count; count--, texts++)
		vec128_store(texts->tag, run_record(&s, key, texts, true));
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
	struct gcm_stream s port_uninitialized;
	__m128i differ;
	unsigned int i;

	for (i = 0; i < count; i++) {
		differ = run_record(&s, key, &texts[i], false);
		differ = _mm_xor_si128(differ, vec128_load(texts[i].tag));
		port_declassify(&differ, sizeof(differ));
		if (unlikely(!_mm_testz_si128(differ, differ)))
			return ktlsx_texts_refuse(texts, i, count);
	}
	return count;
}

static void gfni512_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	struct gcm_stream s port_uninitialized;

	s.key = ktlsx_sm4_gcm_key_of(key);
	s.counter = index + 2;
	set_up_nonce(&s, nonce);
	stream_16(&s);
	crypt_tail(&s, in, out, KTLSX_AEAD_BLOCK_LEN, 4, true);
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
