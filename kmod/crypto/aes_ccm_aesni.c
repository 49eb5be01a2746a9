// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the AES-CCM engine for AES-NI.
 * Must not know: TLS, other engines, where records lie. Every function here runs inside a
 * vector section, which ccm.c leaves and enters again between calls.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38C.
 *
 * A step of a lane is two encryptions, of which the MAC's waits for the one before. Four
 * lanes, eight encryptions in flight, are what two AES units with a latency of 3 or 4 keep
 * busy; the registers hold no more.
 */
#include "aes_aesni.h"
#include "ccm_vec128.h"
#include "cpu.h"

#define LANES 4

struct lane_state {
	__m128i stream;		/* counter on its way to key stream */
	__m128i mac;		/* whitened: xor round key 0 */
	__m128i counter;
	__m128i known;		/* mask */
	const u8 *in;
	u8 *out;
};

/* The @n lanes one by one here and below: compilers leave even a loop as short as this one. */
static __always_inline void lane_round(struct lane_state *s, __m128i rk)
{
	s->stream = _mm_aesenc_si128(s->stream, rk);
	s->mac = _mm_aesenc_si128(s->mac, rk);
}

static __always_inline void round_of_all(struct lane_state *s, const unsigned int n,
					 const u8 round_key[16])
{
	__m128i rk = vec128_load_aligned(round_key);

	lane_round(&s[0], rk);
	if (n > 1)
		lane_round(&s[1], rk);
	if (n > 2)
		lane_round(&s[2], rk);
	if (n > 3)
		lane_round(&s[3], rk);
}

/* All of a step but its first and last rounds; returns where the last round key is. */
static __always_inline const u8 (*middle_rounds(struct lane_state *s, const unsigned int n,
						const u8 (*rk)[16], unsigned int rounds))[16]
{
	if (rounds == 14) {
		round_of_all(s, n, rk[1]);
		round_of_all(s, n, rk[2]);
		round_of_all(s, n, rk[3]);
		round_of_all(s, n, rk[4]);
		rk += 4;
	}
	round_of_all(s, n, rk[1]);
	round_of_all(s, n, rk[2]);
	round_of_all(s, n, rk[3]);
	round_of_all(s, n, rk[4]);
	round_of_all(s, n, rk[5]);
	round_of_all(s, n, rk[6]);
	round_of_all(s, n, rk[7]);
	round_of_all(s, n, rk[8]);
	round_of_all(s, n, rk[9]);
	return rk + 10;
}

/* Counts in the last byte only: that is as far as a stretch goes. */
static __always_inline void next_counter(struct lane_state *s, __m128i whitening)
{
	s->stream = _mm_xor_si128(s->counter, whitening);
	s->counter = _mm_add_epi32(s->counter, _mm_set_epi32(1 << 24, 0, 0, 0));
}

static __always_inline void next_counters(struct lane_state *s, const unsigned int n,
					  __m128i whitening)
{
	next_counter(&s[0], whitening);
	if (n > 1)
		next_counter(&s[1], whitening);
	if (n > 2)
		next_counter(&s[2], whitening);
	if (n > 3)
		next_counter(&s[3], whitening);
}

/* What is off the chain is put together first: the last round key carries it in. */
static __always_inline void last_round(struct lane_state *s, size_t at, __m128i rk,
				       __m128i rk_and_whitening)
{
	__m128i x = vec128_load(s->in + at), b;

	vec128_opaque(&x);
	b = _mm_aesenclast_si128(s->stream, rk);
	vec128_store(s->out + at, _mm_xor_si128(b, x));
	x = _mm_xor_si128(x, rk_and_whitening);
	b = _mm_and_si128(b, s->known);
	s->mac = _mm_aesenclast_si128(s->mac, _mm_xor_si128(x, b));
}

static __always_inline void last_rounds(struct lane_state *s, const unsigned int n, size_t at,
					__m128i rk, __m128i whitening)
{
	__m128i both = _mm_xor_si128(rk, whitening);

	last_round(&s[0], at, rk, both);
	if (n > 1)
		last_round(&s[1], at, rk, both);
	if (n > 2)
		last_round(&s[2], at, rk, both);
	if (n > 3)
		last_round(&s[3], at, rk, both);
}

static __always_inline void load_lane(struct lane_state *s, const struct ktlsx_ccm_lane *lane,
				      __m128i whitening)
{
	s->mac = _mm_xor_si128(vec128_load_aligned(lane->mac), whitening);
	s->counter = vec128_load_aligned(lane->counter);
	s->known = ccm_mask(lane->known);
	s->in = lane->in;
	s->out = lane->out;
}

static __always_inline void load_lanes(struct lane_state *s, const unsigned int n,
				       struct ktlsx_ccm_lane *const *lanes, __m128i whitening)
{
	load_lane(&s[0], lanes[0], whitening);
	if (n > 1)
		load_lane(&s[1], lanes[1], whitening);
	if (n > 2)
		load_lane(&s[2], lanes[2], whitening);
	if (n > 3)
		load_lane(&s[3], lanes[3], whitening);
}

static __always_inline void store_lane(struct ktlsx_ccm_lane *lane, const struct lane_state *s,
				       size_t count, __m128i whitening)
{
	__m128i counter = ccm_swap_last_word(vec128_load_aligned(lane->counter));

	counter = _mm_add_epi32(counter, _mm_set_epi32((int)count, 0, 0, 0));
	vec128_store_aligned(lane->counter, ccm_swap_last_word(counter));
	vec128_store_aligned(lane->mac, _mm_xor_si128(s->mac, whitening));
}

static __always_inline void store_lanes(struct ktlsx_ccm_lane *const *lanes,
					const struct lane_state *s, const unsigned int n,
					size_t count, __m128i whitening)
{
	store_lane(lanes[0], &s[0], count, whitening);
	if (n > 1)
		store_lane(lanes[1], &s[1], count, whitening);
	if (n > 2)
		store_lane(lanes[2], &s[2], count, whitening);
	if (n > 3)
		store_lane(lanes[3], &s[3], count, whitening);
}

/* @count steps behind the first @done, in which no lane's counter carries. */
static __always_inline void run_stretch(const struct ktlsx_aes_key *aes,
					struct ktlsx_ccm_lane *const *lanes, const unsigned int n,
					size_t done, size_t count)
{
	const u8 (*rk)[16] = aes->round_keys;
	struct lane_state s[LANES];
	size_t at;

	load_lanes(s, n, lanes, vec128_load_aligned(rk[0]));
	for (at = 16 * done; at < 16 * (done + count); at += 16) {
		rk = aes->round_keys;
		/* else the compiler keeps round keys across iterations, on the stack */
		__asm__ __volatile__("" : "+r"(rk));
		next_counters(s, n, vec128_load_aligned(rk[0]));
		rk = middle_rounds(s, n, rk, aes->rounds);
		last_rounds(s, n, at, vec128_load_aligned(rk[0]),
			    vec128_load_aligned(aes->round_keys[0]));
	}
	store_lanes(lanes, s, n, count, vec128_load_aligned(aes->round_keys[0]));
}

/* A function each: all in one they would have all their arrays in one frame. */
static noinline void run_1(const struct ktlsx_aes_key *aes, struct ktlsx_ccm_lane *const *lanes,
			   size_t done, size_t count)
{
	run_stretch(aes, lanes, 1, done, count);
}

static noinline void run_2(const struct ktlsx_aes_key *aes, struct ktlsx_ccm_lane *const *lanes,
			   size_t done, size_t count)
{
	run_stretch(aes, lanes, 2, done, count);
}

static noinline void run_3(const struct ktlsx_aes_key *aes, struct ktlsx_ccm_lane *const *lanes,
			   size_t done, size_t count)
{
	run_stretch(aes, lanes, 3, done, count);
}

static noinline void run_4(const struct ktlsx_aes_key *aes, struct ktlsx_ccm_lane *const *lanes,
			   size_t done, size_t count)
{
	run_stretch(aes, lanes, LANES, done, count);
}

/* How far no counter carries out of its last byte. */
static __always_inline size_t stretch_len(struct ktlsx_ccm_lane *const *lanes, unsigned int active,
					  size_t most)
{
	unsigned int i;

	for (i = 0; i < active; i++)
		most = min_t(size_t, most, 256u - lanes[i]->counter[15]);
	return most;
}

static void aesni_steps(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
			unsigned int active, size_t count)
{
	const struct ktlsx_aes_key *aes = (const struct ktlsx_aes_key *)(const void *)key->state;
	size_t done, len;

	for (done = 0; done < count; done += len) {
		len = stretch_len(lanes, active, count - done);
		if (active == LANES)
			run_4(aes, lanes, done, len);
		else if (active == 1)
			run_1(aes, lanes, done, len);
		else if (active == 2)
			run_2(aes, lanes, done, len);
		else
			run_3(aes, lanes, done, len);
	}
}

static const struct ktlsx_ccm_cipher aesni_cipher = {
	.steps = aesni_steps,
	.lanes = LANES,
	/* of 224 cycles at most, on the first CPUs with these instructions */
	.steps_max = 512,
};

static void aesni_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	vec128_clear(key->state, sizeof(key->state));
	ktlsx_aes_aesni_expand((struct ktlsx_aes_key *)(void *)key->state, raw, raw_len);
}

static void aesni_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
		       unsigned int count)
{
	ktlsx_ccm_seal(&aesni_cipher, key, texts, count);
}

static unsigned int aesni_open(const struct ktlsx_aead_key *key,
			       const struct ktlsx_aead_text *texts, unsigned int count)
{
	return ktlsx_ccm_open(&aesni_cipher, key, texts, count);
}

static void aesni_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	ktlsx_ccm_block(&aesni_cipher, key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_aes_ccm_aesni = {
	.name = "aesni",
	.cpu_needs = KTLSX_CPU_AESNI,
	/* four records of 16 KB side by side: the section is left and entered on the way */
	.section_len_max = 65536 + 1024,
	.uses_fpu = true,
	.prepare = aesni_prepare,
	.seal = aesni_seal,
	.open = aesni_open,
	.block = aesni_block,
};
