// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM4-CCM engine for AES-NI and AVX2.
 * Must not know: TLS, other engines, where records lie. Every function here runs inside a
 * vector section, which ccm.c leaves and enters again between calls.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38C; RFC 8998.
 */
#include "cpu.h"
#include "sm4_aesni_avx2.h"
#include "sm4_ccm_256.h"

/* Words of different blocks: bytes go back where ShiftRows took them from. */
static __always_inline void narrow_round(__m128i *a, __m128i b, __m128i c, __m128i d, u32 key)
{
	__m128i t = _mm_xor_si128(_mm_xor_si128(b, c), _mm_xor_si128(d, _mm_set1_epi32((int)key)));

	t = _mm_aesenclast_si128(t, _mm_setzero_si128());
	t = _mm_shuffle_epi8(t, vec128_load_aligned(sm4_avx2.rows_back[0]));
	*a = _mm_xor_si128(*a, sm4_added(t));
}

/* Counter and MAC of one lane: their words fill half of 128 bits, and wider vectors are slower. */
static __always_inline void encrypt_one_lane(__m256i *stage, const u32 *keys)
{
	__m256i both = sm4_fold256(*stage);
	__m128i counter = vec256_low(both), mac = vec256_high(both), x[4];
	unsigned int round;

	x[0] = _mm_unpacklo_epi32(counter, mac);
	x[1] = vec128_swap_halves(x[0]);
	x[2] = _mm_unpackhi_epi32(counter, mac);
	x[3] = vec128_swap_halves(x[2]);
	for (round = 0; round < KTLSX_SM4_ROUNDS; round += 4, keys += 4) {
		narrow_round(&x[0], x[1], x[2], x[3], keys[0]);
		narrow_round(&x[1], x[2], x[3], x[0], keys[1]);
		narrow_round(&x[2], x[3], x[0], x[1], keys[2]);
		narrow_round(&x[3], x[0], x[1], x[2], keys[3]);
	}
	x[0] = _mm_unpacklo_epi32(x[0], x[1]);
	x[2] = _mm_unpacklo_epi32(x[2], x[3]);
	both = _mm256_castsi128_si256(_mm_unpacklo_epi64(x[0], x[2]));
	both = _mm256_inserti128_si256(both, _mm_unpackhi_epi64(x[0], x[2]), 1);
	/* the last word comes first, as a number */
	*stage = vec256_swap_bytes(sm4_unfold256(both));
}

static __always_inline void encrypt_one_set(__m256i *stage, const u32 *keys)
{
	unsigned int round;
	__m256i x[4];

	load_set(x, stage);
	for (round = 0; round < KTLSX_SM4_ROUNDS; round += 4)
		four_rounds(x, keys + round);
	store_set(stage, x);
}

static noinline void run_one(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
			     size_t count)
{
	sm4_ccm_run_steps(key, lanes, 1, count, encrypt_one_lane);
}

static noinline void run_few(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
			     unsigned int active, size_t count)
{
	sm4_ccm_run_steps(key, lanes, active, count, encrypt_one_set);
}

static noinline void run_many(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
			      unsigned int active, size_t count)
{
	sm4_ccm_run_steps(key, lanes, active, count, encrypt_two_sets);
}

static void sm4_steps(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
		      unsigned int active, size_t count)
{
	if (active == 1)
		run_one(key, lanes, count);
	else if (active <= SET_LANES)
		run_few(key, lanes, active, count);
	else
		run_many(key, lanes, active, count);
	sm4_ccm_clear_frame();
}

static const struct ktlsx_ccm_cipher aesni_avx2_cipher = {
	.steps = sm4_steps,
	.lanes = 2 * SET_LANES,
	.steps_max = 128,
};

static void aesni_avx2_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	(void)raw_len;
	sm4_ccm_prepare(key, raw);
}

static void aesni_avx2_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			    unsigned int count)
{
	ktlsx_ccm_seal(&aesni_avx2_cipher, key, texts, count);
}

static unsigned int aesni_avx2_open(const struct ktlsx_aead_key *key,
				    const struct ktlsx_aead_text *texts, unsigned int count)
{
	return ktlsx_ccm_open(&aesni_avx2_cipher, key, texts, count);
}

static void aesni_avx2_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			     const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	ktlsx_ccm_block(&aesni_avx2_cipher, key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_sm4_ccm_aesni_avx2 = {
	.name = "aesni-avx2",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2,
	/* a run of whole records: the section is left and entered on the way */
	.section_len_max = 65536 + 1024,
	.uses_fpu = true,
	.prepare = aesni_avx2_prepare,
	.seal = aesni_avx2_seal,
	.open = aesni_avx2_open,
	.block = aesni_avx2_block,
};
