// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the AES-GCM engine for AES-NI and PCLMULQDQ.
 * Must not know: TLS, other engines. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 *
 * Eight blocks are encrypted while the eight before them, parked in a queue, are hashed
 * between the rounds. The queue outlives span borders, so the pipeline does too. Empty
 * leading slots hash to nothing while the accumulator is zero: the additional data wait
 * there for the first eight blocks.
 */
#include "bounce.h"
#include "cpu.h"
#include "gcm.h"
#include "ghash_clmul.h"

#define GROUP 8
#define GROUP_LEN (GROUP * 16)

struct gcm_stream {
	const struct ktlsx_gcm_key *key;
	__m128i acc;			/* GHASH so far, the queue not counted */
	__m128i whitened;		/* (nonce, counter 0) xor round key 0 */
	__m128i mask;			/* counter 1 encrypted, for the tag */
	__m128i queue[GROUP + 1];	/* byte-swapped blocks waiting to be hashed */
	u8 bounce[GROUP_LEN + BOUNCE_SLACK] __aligned(16);
	u32 base;			/* counter of the group's first block, minus 2 */
};

static __always_inline __m128i round_key(const struct ktlsx_gcm_key *key, unsigned int round)
{
	return vec128_load_aligned(key->aes.round_keys[round]);
}

/* A group of zeros. The compiler must not see them: it would call a string instruction. */
static __always_inline void clear_group(void *group)
{
	__m128i zero = _mm_setzero_si128();
	u8 *p = group;

	vec128_opaque(&zero);
	vec128_store_aligned(p, zero);
	vec128_store_aligned(p + 16, zero);
	vec128_store_aligned(p + 32, zero);
	vec128_store_aligned(p + 48, zero);
	vec128_store_aligned(p + 64, zero);
	vec128_store_aligned(p + 80, zero);
	vec128_store_aligned(p + 96, zero);
	vec128_store_aligned(p + 112, zero);
	barrier_data(p);
}

/* Absorbs @count queued blocks at once, at most GROUP + 1. */
static noinline void hash_queue(struct gcm_stream *s, unsigned int count)
{
	const unsigned int first = KTLSX_GCM_POWERS - count;
	struct product p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };
	const u64 (*powers)[2] = s->key->powers + first;
	const u64 *folds = s->key->folds + KTLSX_GCM_FOLDS - count;
	unsigned int i;

	add_product(&p, _mm_xor_si128(s->queue[0], s->acc), vec128_load_aligned(powers[0]),
		    _mm_loadl_epi64((const void *)folds));
	for (i = 1; i < count; i++)
		add_product(&p, s->queue[i], vec128_load_aligned(powers[i]),
			    _mm_loadl_epi64((const void *)(folds + i)));
	s->acc = reduce(p);
}

/* Two of the queued blocks; the first of all takes the hash so far along. */
static __always_inline void hash_pair(const struct gcm_stream *s, struct product *p, unsigned int i)
{
	const unsigned int at = KTLSX_GCM_POWERS - GROUP + i;
	__m128i x = s->queue[i];

	if (!i)
		x = _mm_xor_si128(x, s->acc);
	add_pair(p, x, s->queue[i + 1], &s->key->powers[at],
		 &s->key->folds[KTLSX_GCM_FOLDS - GROUP + i]);
}

static __always_inline void half_round(__m128i b[GROUP / 2], __m128i rk)
{
	b[0] = _mm_aesenc_si128(b[0], rk);
	b[1] = _mm_aesenc_si128(b[1], rk);
	b[2] = _mm_aesenc_si128(b[2], rk);
	b[3] = _mm_aesenc_si128(b[3], rk);
}

static __always_inline void full_round(__m128i b[GROUP], const u8 rk[16])
{
	half_round(b, vec128_load_aligned(rk));
	half_round(b + 4, vec128_load_aligned(rk));
}

static __always_inline __m128i counter_base(const struct gcm_stream *s, u32 base)
{
	u32 whitening = _mm_extract_epi32(s->whitened, 3);

	return _mm_insert_epi32(s->whitened, (int)(whitening ^ __builtin_bswap32(base)), 3);
}

static __always_inline __m128i with_low_bits(__m128i base, u32 bits)
{
	return _mm_xor_si128(base, _mm_set_epi32((int)(bits << 24), 0, 0, 0));
}

/*
 * The first counter of a group is 2 more than a multiple of 8, so each of the eight is
 * one of two bases with its low bits set: no carries, and the whitening comes along.
 */
static __always_inline void set_counters(struct gcm_stream *s, __m128i b[GROUP])
{
	__m128i this = counter_base(s, s->base), next = counter_base(s, s->base + GROUP);

	b[0] = with_low_bits(this, 2);
	b[1] = with_low_bits(this, 3);
	b[2] = with_low_bits(this, 4);
	b[3] = with_low_bits(this, 5);
	b[4] = with_low_bits(this, 6);
	b[5] = with_low_bits(this, 7);
	b[6] = next;
	b[7] = with_low_bits(next, 1);
	s->base += GROUP;
}

/* The queue is fed from registers: neither side's memory is read again. */
static __always_inline void last_round(struct gcm_stream *s, const u8 *in, u8 *out, __m128i b,
				       __m128i rk, unsigned int i, bool sealing)
{
	__m128i x = vec128_load(in + 16 * i);

	vec128_opaque(&x);
	b = _mm_aesenclast_si128(b, _mm_xor_si128(rk, x));
	vec128_store(out + 16 * i, b);
	s->queue[i] = vec128_swap_bytes(sealing ? b : x);
}

static __always_inline void last_rounds(struct gcm_stream *s, const u8 *in, u8 *out,
					__m128i b[GROUP], __m128i rk, bool sealing)
{
	last_round(s, in, out, b[0], rk, 0, sealing);
	last_round(s, in, out, b[1], rk, 1, sealing);
	last_round(s, in, out, b[2], rk, 2, sealing);
	last_round(s, in, out, b[3], rk, 3, sealing);
	last_round(s, in, out, b[4], rk, 4, sealing);
	last_round(s, in, out, b[5], rk, 5, sealing);
	last_round(s, in, out, b[6], rk, 6, sealing);
	last_round(s, in, out, b[7], rk, 7, sealing);
}

/* Nine rounds, with the queue hashed in their midst. */
static __always_inline void stitched_rounds(struct gcm_stream *s, __m128i b[GROUP],
					    const u8 (*round_keys)[16])
{
	struct product p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };

	full_round(b, round_keys[1]);
	hash_pair(s, &p, 0);
	full_round(b, round_keys[2]);
	full_round(b, round_keys[3]);
	hash_pair(s, &p, 2);
	full_round(b, round_keys[4]);
	full_round(b, round_keys[5]);
	hash_pair(s, &p, 4);
	full_round(b, round_keys[6]);
	full_round(b, round_keys[7]);
	hash_pair(s, &p, 6);
	full_round(b, round_keys[8]);
	s->acc = reduce(p);
	full_round(b, round_keys[9]);
}

/* Encrypts or decrypts @count groups and leaves the last one's ciphertext in the queue. */
static __always_inline void run_groups(struct gcm_stream *s, const u8 *in, u8 *out, size_t count,
				       bool sealing)
{
	const u8 (*round_keys)[16];
	__m128i b[GROUP];

	for (; count; count--, in += GROUP_LEN, out += GROUP_LEN) {
		round_keys = s->key->aes.round_keys;
		/* else the compiler keeps round keys across iterations, on the stack */
		__asm__ __volatile__("" : "+r"(round_keys));
		set_counters(s, b);
		if (s->key->aes.rounds == 14) {
			full_round(b, round_keys[1]);
			full_round(b, round_keys[2]);
			full_round(b, round_keys[3]);
			full_round(b, round_keys[4]);
			round_keys += 4;
		}
		stitched_rounds(s, b, round_keys);
		last_rounds(s, in, out, b, vec128_load_aligned(round_keys[10]), sealing);
	}
}

static noinline void seal_groups(struct gcm_stream *s, const u8 *in, u8 *out, size_t count)
{
	run_groups(s, in, out, count, true);
}

static noinline void open_groups(struct gcm_stream *s, const u8 *in, u8 *out, size_t count)
{
	run_groups(s, in, out, count, false);
}

/* The short group comes first: its empty slots meet an accumulator that is still zero. */
static void queue_aad(struct gcm_stream *s, const u8 *aad, size_t aad_len)
{
	unsigned int slot = GROUP;
	size_t len, blocks = (aad_len + 15) / 16;
	__m128i block;

	clear_group(s->queue);
	if (blocks)
		slot = GROUP - 1 - (blocks - 1) % GROUP;
	for (; aad_len; aad_len -= len, aad += len) {
		if (slot == GROUP) {
			hash_queue(s, GROUP);
			slot = 0;
		}
		len = min_t(size_t, aad_len, 16);
		block = len == 16 ? vec128_load(aad) : bounce_load_partial(aad, len);
		s->queue[slot++] = vec128_swap_bytes(block);
	}
}

static __always_inline __m128i whiten(const struct ktlsx_gcm_key *key, const u8 *nonce)
{
	return _mm_xor_si128(bounce_load_partial(nonce, KTLSX_AEAD_NONCE_LEN), round_key(key, 0));
}

static __always_inline __m128i encrypt_counter(const struct gcm_stream *s, u32 counter)
{
	__m128i b = counter_base(s, counter);
	unsigned int round;

	for (round = 1; round < s->key->aes.rounds; round++)
		b = _mm_aesenc_si128(b, round_key(s->key, round));
	b = _mm_aesenclast_si128(b, round_key(s->key, round));
	/* here and now, not wherever the compiler would keep a half-done block */
	vec128_opaque(&b);
	return b;
}

static __always_inline void start(struct gcm_stream *s, const struct ktlsx_aead_key *key,
				  const struct ktlsx_aead_text *text)
{
	s->key = ktlsx_gcm_key_of(key);
	s->acc = _mm_setzero_si128();
	s->whitened = whiten(s->key, text->nonce);
	s->base = 0;
	s->mask = encrypt_counter(s, 1);
	queue_aad(s, text->aad, text->aad_len);
}

/* Half a group at most, in the bounce buffer: not stitched, the two halves overlap anyway. */
static __always_inline void run_half(struct gcm_stream *s, bool sealing)
{
	__m128i b[GROUP / 2], base, rk;
	unsigned int round;

	hash_queue(s, GROUP);
	base = counter_base(s, s->base);
	b[0] = with_low_bits(base, 2);
	b[1] = with_low_bits(base, 3);
	b[2] = with_low_bits(base, 4);
	b[3] = with_low_bits(base, 5);
	for (round = 1; round < s->key->aes.rounds; round++)
		half_round(b, round_key(s->key, round));
	rk = round_key(s->key, round);
	last_round(s, s->bounce, s->bounce, b[0], rk, 0, sealing);
	last_round(s, s->bounce, s->bounce, b[1], rk, 1, sealing);
	last_round(s, s->bounce, s->bounce, b[2], rk, 2, sealing);
	last_round(s, s->bounce, s->bounce, b[3], rk, 3, sealing);
}

/* Less than a group: returns the blocks it left at the front of the queue. */
static __always_inline unsigned int run_tail(struct gcm_stream *s, struct ktlsx_cursor *src,
					     struct ktlsx_cursor *dst, size_t len, bool sealing)
{
	static const u64 ones_then_zeros[4] = { ~0ull, ~0ull, 0, 0 };
	unsigned int blocks = (len + 15) / 16;
	__m128i last;

	clear_group(s->bounce);
	bounce_gather(src, s->bounce, len);
	if (blocks <= GROUP / 2)
		run_half(s, sealing);
	else if (sealing)
		seal_groups(s, s->bounce, s->bounce, 1);
	else
		open_groups(s, s->bounce, s->bounce, 1);
	if (sealing) {
		/* what lies behind the text is bare key stream, and no part of the hash */
		last = vec128_load((const u8 *)ones_then_zeros + (16 * blocks - len));
		last = _mm_and_si128(last, vec128_load(s->bounce + 16 * (blocks - 1)));
		s->queue[blocks - 1] = vec128_swap_bytes(last);
	}
	bounce_scatter(dst, s->bounce, len);
	return blocks;
}

/* Whole groups straight from span to span; one that meets a border goes by the bounce buffer. */
static __always_inline unsigned int run_text(struct gcm_stream *s,
					     const struct ktlsx_aead_text *text, bool sealing)
{
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	size_t left = text->text_len, len, run;
	u8 *in, *out;

	for (; left >= GROUP_LEN; left -= len) {
		run = min(ktlsx_cursor_run(&src), ktlsx_cursor_run(&dst));
		len = min(run, left) / GROUP_LEN * GROUP_LEN;
		in = ktlsx_cursor_here(&src);
		out = ktlsx_cursor_here(&dst);
		if (unlikely(!len)) {
			len = GROUP_LEN;
			in = s->bounce;
			out = s->bounce;
			bounce_gather(&src, s->bounce, len);
		} else {
			src.off += len;
			dst.off += len;
		}
		if (sealing)
			seal_groups(s, in, out, len / GROUP_LEN);
		else
			open_groups(s, in, out, len / GROUP_LEN);
		if (unlikely(out == s->bounce))
			bounce_scatter(&dst, s->bounce, len);
	}
	if (left)
		return run_tail(s, &src, &dst, left, sealing);
	return GROUP;
}

static __always_inline __m128i finish(struct gcm_stream *s, const struct ktlsx_aead_text *text,
				      unsigned int queued)
{
	__m128i tag;

	s->queue[queued] = _mm_set_epi64x((long long)text->aad_len * 8,
					  (long long)text->text_len * 8);
	hash_queue(s, queued + 1);
	tag = _mm_xor_si128(vec128_swap_bytes(s->acc), s->mask);

	s->acc = _mm_setzero_si128();
	s->whitened = _mm_setzero_si128();
	s->mask = _mm_setzero_si128();
	clear_group(s->bounce);
	barrier_data(s);
	return tag;
}

/* Returns the tag. One for both directions: they differ in the inner loops only. */
static noinline __m128i crypt_record(const struct ktlsx_aead_key *key,
				     const struct ktlsx_aead_text *text, bool sealing)
{
	struct gcm_stream s port_uninitialized;
	unsigned int queued;

	start(&s, key, text);
	queued = run_text(&s, text, sealing);
	return finish(&s, text, queued);
}

/**
 * ktlsx_gcm_aesni_seal() - as ktlsx_aead_seal_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm_aesni_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			  unsigned int count)
{
	for (; count; count--, texts++)
		vec128_store(texts->tag, crypt_record(key, texts, true));
}

static __always_inline bool open_one(const struct ktlsx_aead_key *key,
				     const struct ktlsx_aead_text *text)
{
	__m128i differ = crypt_record(key, text, false);

	differ = _mm_xor_si128(differ, vec128_load(text->tag));
	port_declassify(&differ, sizeof(differ));
	return _mm_testz_si128(differ, differ);
}

/**
 * ktlsx_gcm_aesni_open() - as ktlsx_aead_open_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 * Return: how many records verified before the first that did not.
 */
unsigned int ktlsx_gcm_aesni_open(const struct ktlsx_aead_key *key,
				  const struct ktlsx_aead_text *texts, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (unlikely(!open_one(key, &texts[i])))
			return ktlsx_texts_refuse(texts, i, count);
	return count;
}

static void aesni_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	struct gcm_stream s port_uninitialized;

	s.key = ktlsx_gcm_key_of(key);
	s.whitened = whiten(s.key, nonce);
	vec128_store(out, _mm_xor_si128(vec128_load(in), encrypt_counter(&s, index + 2)));
	s.whitened = _mm_setzero_si128();
	barrier_data(&s);
}

const struct ktlsx_aead_engine ktlsx_gcm_aesni = {
	.name = "aesni",
	.cpu_needs = KTLSX_CPU_AESNI,
	/* 50 microseconds even of the first CPUs with these instructions, at 3.5 cycles a byte */
	.section_len_max = 32768,
	.uses_fpu = true,
	.prepare = ktlsx_gcm_aesni_prepare,
	.seal = ktlsx_gcm_aesni_seal,
	.open = ktlsx_gcm_aesni_open,
	.block = aesni_block,
};
