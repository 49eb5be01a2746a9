// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the AES-CCM engine for AES-NI.
 * Must not know: TLS, other engines, where records lie. Every function here runs inside a
 * vector section, but for those that ccm.c pauses in.
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
	__m128i mac;		/* whitened: xor round key 0 */
	__m128i counter;	/* last word as a number */
	__m128i known;		/* mask */
	const u8 *in;
	u8 *out;
};

/* Calls @call with 0 to @n - 1, a constant: compilers leave short loops as they are. */
#define EACH_LANE(n, call)		\
	do {				\
		call(0);		\
		if ((n) > 1)		\
			call(1);	\
		if ((n) > 2)		\
			call(2);	\
		if ((n) > 3)		\
			call(3);	\
	} while (0)

static __always_inline void round_of_all(__m128i *b, struct lane_state *s, const unsigned int n,
					 const u8 round_key[16])
{
	__m128i rk = vec128_load_aligned(round_key);

#define LANE_ROUND(i)						\
	do {							\
		b[i] = _mm_aesenc_si128(b[i], rk);		\
		s[i].mac = _mm_aesenc_si128(s[i].mac, rk);	\
	} while (0)
	EACH_LANE(n, LANE_ROUND);
}

/* All of a step but its first and last rounds. */
static __always_inline const u8 (*middle_rounds(__m128i *b, struct lane_state *s,
						const unsigned int n, const u8 (*rk)[16],
						unsigned int rounds))[16]
{
	if (rounds == 14) {
		round_of_all(b, s, n, rk[1]);
		round_of_all(b, s, n, rk[2]);
		round_of_all(b, s, n, rk[3]);
		round_of_all(b, s, n, rk[4]);
		rk += 4;
	}
	round_of_all(b, s, n, rk[1]);
	round_of_all(b, s, n, rk[2]);
	round_of_all(b, s, n, rk[3]);
	round_of_all(b, s, n, rk[4]);
	round_of_all(b, s, n, rk[5]);
	round_of_all(b, s, n, rk[6]);
	round_of_all(b, s, n, rk[7]);
	round_of_all(b, s, n, rk[8]);
	round_of_all(b, s, n, rk[9]);
	return rk + 10;
}

static __always_inline __m128i next_counter(struct lane_state *s, __m128i whitening)
{
	__m128i b = _mm_xor_si128(ccm_swap_last_word(s->counter), whitening);

	s->counter = _mm_add_epi32(s->counter, _mm_set_epi32(1, 0, 0, 0));
	return b;
}

/* What is off the chain is put together first: the last round key carries it in. */
static __always_inline void last_round(struct lane_state *s, __m128i b, const u8 *in, u8 *out,
				       __m128i rk, __m128i rk_and_whitening)
{
	__m128i x = vec128_load(in);

	vec128_opaque(&x);
	b = _mm_aesenclast_si128(b, rk);
	vec128_store(out, _mm_xor_si128(b, x));
	x = _mm_xor_si128(x, rk_and_whitening);
	b = _mm_and_si128(b, s->known);
	s->mac = _mm_aesenclast_si128(s->mac, _mm_xor_si128(x, b));
}

static __always_inline void load_lane(struct lane_state *s, const struct ktlsx_ccm_lane *lane,
				      __m128i whitening)
{
	s->mac = _mm_xor_si128(vec128_load_aligned(lane->mac), whitening);
	s->counter = ccm_swap_last_word(vec128_load_aligned(lane->counter));
	s->known = ccm_mask(lane->known);
	s->in = lane->in;
	s->out = lane->out;
}

static __always_inline void store_lane(struct ktlsx_ccm_lane *lane, const struct lane_state *s,
				       __m128i whitening)
{
	vec128_store_aligned(lane->mac, _mm_xor_si128(s->mac, whitening));
	vec128_store_aligned(lane->counter, ccm_swap_last_word(s->counter));
}

static __always_inline void run_steps(const struct ktlsx_aes_key *aes,
				      struct ktlsx_ccm_lane *const *lanes, const unsigned int n,
				      size_t count)
{
	__m128i whitening = vec128_load_aligned(aes->round_keys[0]), last, b[LANES];
	struct lane_state s[LANES];
	const u8 (*rk)[16];
	size_t at;

#define LOAD(i) load_lane(&s[i], lanes[i], whitening)
	EACH_LANE(n, LOAD);
	for (at = 0; at < 16 * count; at += 16) {
		rk = aes->round_keys;
		/* else the compiler keeps round keys across iterations, on the stack */
		__asm__ __volatile__("" : "+r"(rk));
		whitening = vec128_load_aligned(rk[0]);
#define COUNT(i) (b[i] = next_counter(&s[i], whitening))
		EACH_LANE(n, COUNT);
		rk = middle_rounds(b, s, n, rk, aes->rounds);
		last = vec128_load_aligned(rk[0]);
		whitening = _mm_xor_si128(last, vec128_load_aligned(aes->round_keys[0]));
#define LAST(i) last_round(&s[i], b[i], s[i].in + at, s[i].out + at, last, whitening)
		EACH_LANE(n, LAST);
	}
	whitening = vec128_load_aligned(aes->round_keys[0]);
#define STORE(i) store_lane(lanes[i], &s[i], whitening)
	EACH_LANE(n, STORE);
}

/* A function each: all in one they would have all their arrays in one frame. */
static noinline void run_1(const struct ktlsx_aes_key *aes, struct ktlsx_ccm_lane *const *lanes,
			   size_t count)
{
	run_steps(aes, lanes, 1, count);
}

static noinline void run_2(const struct ktlsx_aes_key *aes, struct ktlsx_ccm_lane *const *lanes,
			   size_t count)
{
	run_steps(aes, lanes, 2, count);
}

static noinline void run_3(const struct ktlsx_aes_key *aes, struct ktlsx_ccm_lane *const *lanes,
			   size_t count)
{
	run_steps(aes, lanes, 3, count);
}

static noinline void run_4(const struct ktlsx_aes_key *aes, struct ktlsx_ccm_lane *const *lanes,
			   size_t count)
{
	run_steps(aes, lanes, LANES, count);
}

static void aesni_steps(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
			unsigned int active, size_t count)
{
	const struct ktlsx_aes_key *aes = (const struct ktlsx_aes_key *)(const void *)key->state;

	if (active == LANES)
		run_4(aes, lanes, count);
	else if (active == 1)
		run_1(aes, lanes, count);
	else if (active == 2)
		run_2(aes, lanes, count);
	else
		run_3(aes, lanes, count);
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
