// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the AES-GCM engines for VAES on 256-bit vectors, two blocks in each: with VPCLMULQDQ,
 * and with PCLMULQDQ for emulators that have nothing better.
 * Must not know: TLS, other engines. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 *
 * Sixteen blocks are encrypted while the sixteen before them, parked in a queue, are hashed
 * between the rounds, even and odd blocks in sums of their own. What is less than a group
 * is queued behind it, and the end of a record hashed in one go. The additional data wait at
 * the end of a queue whose empty front hashes to nothing.
 */
#include "aes_gcm_vaes256.h"
#include "cpu.h"
#include "ghash_clmul256.h"

static __always_inline __m128i round_key(const struct ktlsx_gcm_key *key, unsigned int round)
{
	return vec128_load_aligned(key->aes.round_keys[round]);
}

/*
 * Absorbs @blocks blocks from @queue on, at most 16, and brings even and odd together. A last
 * vector that is half used has zeros in its other half, whatever power that meets.
 */
static __always_inline void hash_blocks_wide(struct vaes256_stream *s, const __m256i *queue,
					     unsigned int blocks)
{
	const u8 *powers = (const u8 *)s->key + offsetof(struct ktlsx_gcm_key, powers) +
			   16 * (KTLSX_GCM_POWERS - blocks);
	struct product256 p = { _mm256_setzero_si256(), _mm256_setzero_si256(),
				_mm256_setzero_si256() };
	unsigned int i;
	__m256i sum;

	for (i = 1; i < (blocks + 1) / 2; i++)
		add_product256(&p, queue[i], vec256_load(powers + VEC_LEN * i));
	/* the only one that waits for the hash so far */
	add_product256(&p, _mm256_xor_si256(queue[0], s->acc), vec256_load(powers));
	sum = reduce256(p);
	s->acc = _mm256_zextsi128_si256(_mm_xor_si128(vec256_low(sum), vec256_high(sum)));
}

static __always_inline void hash_blocks_narrow(struct vaes256_stream *s, const u8 *queue,
					       unsigned int blocks)
{
	const u64 (*powers)[2] = s->key->powers + KTLSX_GCM_POWERS - blocks;
	struct product p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };
	__m128i x = vec256_low(s->acc), power;

	for (; blocks; blocks--, queue += 16, powers++) {
		x = _mm_xor_si128(x, vec128_load_aligned(queue));
		power = vec128_load_aligned(powers);
		add_product(&p, x, power, _mm_xor_si128(power, vec128_swap_halves(power)));
		x = _mm_setzero_si128();
	}
	s->acc = _mm256_zextsi128_si256(reduce(p));
}

static noinline void hash_blocks(struct vaes256_stream *s, const __m256i *queue,
				 unsigned int blocks)
{
	if (unlikely(s->narrow))
		hash_blocks_narrow(s, (const u8 *)queue, blocks);
	else
		hash_blocks_wide(s, queue, blocks);
}

/* The compiler must not see that it is zero: it would call a string instruction. */
static __always_inline void clear_vectors(__m256i *vectors, unsigned int count)
{
	__m256i zero = _mm256_setzero_si256();
	unsigned int i;

	vec256_opaque(&zero);
	for (i = 0; i < count; i++)
		vec256_store_aligned(vectors + i, zero);
}

/* The short group comes first: its empty slots meet sums that are still zero. */
static noinline void queue_long_aad(struct vaes256_stream *s, const u8 *aad, size_t aad_len)
{
	u8 *queue = (u8 *)s->queue;
	size_t len, blocks = (aad_len + 15) / 16;
	unsigned int slot = GROUP_BLOCKS - 1 - (blocks - 1) % GROUP_BLOCKS;
	__m128i block;

	s->first = slot / 2;
	for (; aad_len; aad_len -= len, aad += len) {
		if (slot == GROUP_BLOCKS) {
			hash_blocks(s, s->queue, GROUP_BLOCKS);
			s->first = 0;
			slot = 0;
		}
		len = min_t(size_t, aad_len, 16);
		block = len == 16 ? vec128_load(aad) : bounce_load_partial(aad, len);
		vec128_store_aligned(queue + 16 * slot++, vec128_swap_bytes(block));
	}
	barrier_data(queue);
}

static __always_inline void queue_aad(struct vaes256_stream *s, const u8 *aad, size_t aad_len)
{
	__m256i block;

	clear_vectors(s->queue, GROUP);
	if (unlikely(aad_len >= 16)) {
		queue_long_aad(s, aad, aad_len);
		return;
	}
	block = _mm256_inserti128_si256(_mm256_setzero_si256(), bounce_load_partial(aad, aad_len),
					1);
	s->queue[GROUP - 1] = vec256_swap_bytes(block);
	s->first = aad_len ? GROUP - 1 : GROUP;
}

static __always_inline __m128i whiten(const struct ktlsx_gcm_key *key, const u8 *nonce)
{
	return _mm_xor_si128(bounce_load_partial(nonce, KTLSX_AEAD_NONCE_LEN), round_key(key, 0));
}

static __always_inline __m128i encrypt_counter(const struct ktlsx_gcm_key *key, __m128i whitened,
					       u32 counter)
{
	const __m128i bits = _mm_set_epi32((int)__builtin_bswap32(counter), 0, 0, 0);
	__m128i b = _mm_xor_si128(whitened, bits);
	unsigned int round;

	for (round = 1; round < key->aes.rounds; round++)
		b = _mm_aesenc_si128(b, round_key(key, round));
	b = _mm_aesenclast_si128(b, round_key(key, round));
	/* here and now, not wherever the compiler would keep a half-done block */
	vec128_opaque(&b);
	return b;
}

/* Two vectors of key stream. */
static __always_inline void put_keystream_2(const struct vaes256_stream *s, __m256i counter,
					    __m256i keystream[2])
{
	__m256i b0 = vaes256_whiten(s, counter), b1 = vaes256_whiten(s, vaes256_add(counter, 2));
	const u8 (*round_keys)[16] = s->key->aes.round_keys;
	unsigned int round;
	__m256i rk;

	for (round = 1; round < s->key->aes.rounds; round++) {
		rk = vec256_broadcast(round_keys[round]);
		b0 = _mm256_aesenc_epi128(b0, rk);
		b1 = _mm256_aesenc_epi128(b1, rk);
	}
	rk = vec256_broadcast(round_keys[round]);
	keystream[0] = _mm256_aesenclast_epi128(b0, rk);
	keystream[1] = _mm256_aesenclast_epi128(b1, rk);
}

/* Four, in hardly more time. */
static __always_inline void put_keystream_4(const struct vaes256_stream *s, __m256i counter,
					    __m256i keystream[4])
{
	__m256i b0 = vaes256_whiten(s, counter), b1 = vaes256_whiten(s, vaes256_add(counter, 2));
	__m256i b2 = vaes256_whiten(s, vaes256_add(counter, 4));
	__m256i b3 = vaes256_whiten(s, vaes256_add(counter, 6)), rk;
	const u8 (*round_keys)[16] = s->key->aes.round_keys;
	unsigned int round;

	for (round = 1; round < s->key->aes.rounds; round++) {
		rk = vec256_broadcast(round_keys[round]);
		b0 = _mm256_aesenc_epi128(b0, rk);
		b1 = _mm256_aesenc_epi128(b1, rk);
		b2 = _mm256_aesenc_epi128(b2, rk);
		b3 = _mm256_aesenc_epi128(b3, rk);
	}
	rk = vec256_broadcast(round_keys[round]);
	keystream[0] = _mm256_aesenclast_epi128(b0, rk);
	keystream[1] = _mm256_aesenclast_epi128(b1, rk);
	keystream[2] = _mm256_aesenclast_epi128(b2, rk);
	keystream[3] = _mm256_aesenclast_epi128(b3, rk);
}

/* Of @len bytes, a group at most, from block number @block on. */
static noinline void put_keystream(struct vaes256_stream *s, u32 block, size_t len)
{
	__m256i counter = _mm256_broadcastsi128_si256(_mm_cvtsi32_si128((int)block + 2));
	size_t vectors = (len + VEC_LEN - 1) / VEC_LEN;
	__m256i *keystream = s->keystream;

	for (; vectors > 2; vectors -= min_t(size_t, vectors, 4)) {
		put_keystream_4(s, counter, keystream);
		counter = vaes256_add(counter, 8);
		keystream += 4;
	}
	if (vectors)
		put_keystream_2(s, counter, keystream);
	barrier_data(s->keystream);
}

/*
 * The key stream of the record's end is made first, while the first group waits for its
 * rounds: later nothing would hide the time it takes.
 */
static __always_inline void start(struct vaes256_stream *s, const struct ktlsx_aead_key *key,
				  const struct ktlsx_aead_text *text, bool narrow)
{
	const __m256i odd = _mm256_setr_epi32(0, 0, 0, 0, 0, 0, 0, 1 << 24);
	const size_t tail_len = text->text_len % GROUP_LEN;
	__m128i whitened;

	s->narrow = narrow;
	s->key = ktlsx_gcm_key_of(key);
	whitened = whiten(s->key, text->nonce);
	s->acc = _mm256_setzero_si256();
	s->whitened = _mm256_xor_si256(_mm256_broadcastsi128_si256(whitened), odd);
	s->base = s->whitened;
	s->counter = _mm256_setzero_si256();
	s->block = 0;
	s->mask = encrypt_counter(s->key, whitened, 1);
	if (tail_len && !narrow)
		put_keystream(s, (text->text_len - tail_len) / 16, tail_len);
	queue_aad(s, text->aad, text->aad_len);
}

/* 1 to 31 bytes: returns the ciphertext, zero-padded. */
static __always_inline __m256i crypt_partial(__m256i *keystream, const u8 *in, u8 *out, size_t len,
					     bool sealing)
{
	static const u64 ones_then_zeros[8] = { ~0ull, ~0ull, ~0ull, ~0ull };
	__m256i x = bounce256_load_partial(in, len), y;

	vec256_opaque(&x);
	y = _mm256_xor_si256(x, *keystream);
	*keystream = y;
	barrier_data(keystream);
	bounce256_store_partial(out, (const u8 *)keystream, len);
	/* what lies behind the text is bare key stream, and no part of the hash */
	return sealing ? _mm256_and_si256(y, vec256_load((const u8 *)ones_then_zeros + 32 - len)) :
			 x;
}

/* Less than a group, contiguous; its ciphertext goes behind the queue. */
static noinline void crypt_tail(struct vaes256_stream *s, const u8 *in, u8 *out, size_t len,
				bool sealing)
{
	__m256i *queue = s->queue + GROUP, *keystream = s->keystream, x, y;

	for (; len; len -= VEC_LEN, in += VEC_LEN, out += VEC_LEN) {
		if (len < VEC_LEN) {
			x = crypt_partial(keystream, in, out, len, sealing);
			*queue = vec256_swap_bytes(x);
			return;
		}
		x = vec256_load(in);
		vec256_opaque(&x);
		y = _mm256_xor_si256(x, *keystream++);
		vec256_store(out, y);
		*queue++ = vec256_swap_bytes(sealing ? y : x);
	}
}

/* Whole groups, or the end, one step after the other: emulators are not timed. */
static noinline void crypt_narrow(struct vaes256_stream *s, const u8 *in, u8 *out, size_t len,
				  bool sealing)
{
	size_t part;

	for (; len; len -= part, in += part, out += part) {
		part = min_t(size_t, len, GROUP_LEN);
		put_keystream(s, s->block, part);
		crypt_tail(s, in, out, part, sealing);
		if (part < GROUP_LEN)
			return;
		if (s->first < GROUP)
			hash_blocks(s, s->queue + s->first, 2 * (GROUP - s->first));
		hash_blocks(s, s->queue + GROUP, GROUP_BLOCKS);
		s->first = GROUP;
		s->block += GROUP_BLOCKS;
	}
}

static __always_inline void crypt_run(struct vaes256_stream *s, const u8 *in, u8 *out, size_t len,
				      bool sealing)
{
	if (unlikely(s->narrow))
		crypt_narrow(s, in, out, len, sealing);
	else if (len < GROUP_LEN)
		crypt_tail(s, in, out, len, sealing);
	else if (sealing)
		ktlsx_gcm_vaes256_seal_groups(s, in, out, len / GROUP_LEN);
	else
		ktlsx_gcm_vaes256_open_groups(s, in, out, len / GROUP_LEN);
}

/* Across a border of either list; plaintext does not stay in the buffer. */
static noinline void crypt_bounced(struct vaes256_stream *s, struct ktlsx_cursor *src,
				   struct ktlsx_cursor *dst, size_t len, bool sealing)
{
	bounce_gather(src, s->bounce, len);
	crypt_run(s, s->bounce, s->bounce, len, sealing);
	bounce_scatter(dst, s->bounce, len);
	clear_vectors((__m256i *)(void *)s->bounce, GROUP);
}

/* Straight from span to span, except for the group, or the end, that meets a border. */
static __always_inline void run_text(struct vaes256_stream *s, const struct ktlsx_aead_text *text,
				     bool sealing)
{
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	size_t left = text->text_len, len, run;

	for (; left; left -= len) {
		run = min(ktlsx_cursor_run(&src), ktlsx_cursor_run(&dst));
		run = min(run, left);
		len = min_t(size_t, left, GROUP_LEN);
		if (unlikely(run < len)) {
			crypt_bounced(s, &src, &dst, len, sealing);
			continue;
		}
		if (run >= GROUP_LEN)
			len = run / GROUP_LEN * GROUP_LEN;
		crypt_run(s, ktlsx_cursor_here(&src), ktlsx_cursor_here(&dst), len, sealing);
		src.off += len;
		dst.off += len;
	}
}

/* The lengths follow the last block, in the other half of its vector where that is free. */
static __always_inline void hash_end(struct vaes256_stream *s, const struct ktlsx_aead_text *text)
{
	const __m128i lengths = _mm_set_epi64x((long long)text->aad_len * 8,
					       (long long)text->text_len * 8);
	unsigned int tail = (text->text_len % GROUP_LEN + 15) / 16, blocks, excess;
	__m256i *last = &s->queue[GROUP + tail / 2];
	const __m256i *queue = &s->queue[s->first];

	if (tail % 2)
		*last = _mm256_inserti128_si256(*last, lengths, 1);
	else
		*last = _mm256_zextsi128_si256(lengths);
	blocks = 2 * (GROUP - s->first) + tail + 1;
	while (blocks > GROUP_BLOCKS) {
		/* as few as will do: the others are multiplied meanwhile */
		excess = min_t(unsigned int, (blocks - GROUP_BLOCKS + 1) / 2, GROUP);
		hash_blocks(s, queue, 2 * excess);
		queue += excess;
		blocks -= 2 * excess;
	}
	hash_blocks(s, queue, blocks);
}

static __always_inline void wipe(struct vaes256_stream *s)
{
	s->acc = _mm256_setzero_si256();
	s->whitened = _mm256_setzero_si256();
	s->base = _mm256_setzero_si256();
	s->mask = _mm_setzero_si128();
	clear_vectors(s->keystream, GROUP);
	barrier_data(s);
}

/* Returns the tag. */
static noinline __m128i crypt_record(const struct ktlsx_aead_key *key,
				     const struct ktlsx_aead_text *text, bool sealing,
				     bool narrow)
{
	struct vaes256_stream s port_uninitialized;
	__m128i tag;

	start(&s, key, text, narrow);
	run_text(&s, text, sealing);
	hash_end(&s, text);
	tag = _mm_xor_si128(s.mask, vec128_swap_bytes(vec256_low(s.acc)));
	wipe(&s);
	return tag;
}

/**
 * ktlsx_gcm_vaes256_seal() - as ktlsx_aead_seal_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm_vaes256_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			    unsigned int count)
{
	for (; count; count--, texts++)
		vec128_store(texts->tag, crypt_record(key, texts, true, false));
}

static __always_inline bool open_one(const struct ktlsx_aead_key *key,
				     const struct ktlsx_aead_text *text, bool narrow)
{
	__m128i differ = crypt_record(key, text, false, narrow);

	differ = _mm_xor_si128(differ, vec128_load(text->tag));
	port_declassify(&differ, sizeof(differ));
	return _mm_testz_si128(differ, differ);
}

/**
 * ktlsx_gcm_vaes256_open() - as ktlsx_aead_open_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 * Return: how many records verified before the first that did not.
 */
unsigned int ktlsx_gcm_vaes256_open(const struct ktlsx_aead_key *key,
				    const struct ktlsx_aead_text *texts, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (unlikely(!open_one(key, &texts[i], false)))
			return ktlsx_texts_refuse(texts, i, count);
	return count;
}

static void vaes256_pclmul_seal(const struct ktlsx_aead_key *key,
				const struct ktlsx_aead_text *texts, unsigned int count)
{
	for (; count; count--, texts++)
		vec128_store(texts->tag, crypt_record(key, texts, true, true));
}

static unsigned int vaes256_pclmul_open(const struct ktlsx_aead_key *key,
					const struct ktlsx_aead_text *texts, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (unlikely(!open_one(key, &texts[i], true)))
			return ktlsx_texts_refuse(texts, i, count);
	return count;
}

static void vaes256_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	const struct ktlsx_gcm_key *gcm = ktlsx_gcm_key_of(key);

	vec128_store(out, _mm_xor_si128(vec128_load(in),
					encrypt_counter(gcm, whiten(gcm, nonce), index + 2)));
}

const struct ktlsx_aead_engine ktlsx_gcm_vaes256 = {
	.name = "vaes256",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2 | KTLSX_CPU_VAES | KTLSX_CPU_VPCLMUL,
	/* 50 microseconds at one cycle a byte and 1.3 GHz */
	.section_len_max = 65536,
	.uses_fpu = true,
	.prepare = ktlsx_gcm_aesni_prepare,
	.seal = ktlsx_gcm_vaes256_seal,
	.open = ktlsx_gcm_vaes256_open,
	.block = vaes256_block,
};

const struct ktlsx_aead_engine ktlsx_gcm_vaes256_pclmul = {
	.name = "vaes256-pclmul",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2 | KTLSX_CPU_VAES,
	.section_len_max = 32768,
	.uses_fpu = true,
	.prepare = ktlsx_gcm_aesni_prepare,
	.seal = vaes256_pclmul_seal,
	.open = vaes256_pclmul_open,
	.block = vaes256_block,
};
