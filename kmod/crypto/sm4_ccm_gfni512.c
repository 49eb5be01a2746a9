// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM4-CCM engine for GFNI and 512-bit vectors.
 * Must not know: TLS, other engines, where records lie. Every function here runs inside a
 * vector section, which ccm.c leaves and enters again between calls.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38C; RFC 8998.
 */
#include "cpu.h"
#include "sm4_ccm_gfni256.h"
#include "sm4_gfni512.h"

/* Of a set: sixteen blocks in four vectors */
#define WIDE_LANES 8

static __always_inline void four_wide_rounds(__m512i x[4], const u32 keys[4])
{
	sm4_words_round(&x[0], x[1], x[2], x[3], keys[0]);
	sm4_words_round(&x[1], x[2], x[3], x[0], keys[1]);
	sm4_words_round(&x[2], x[3], x[0], x[1], keys[2]);
	sm4_words_round(&x[3], x[0], x[1], x[2], keys[3]);
}

/* In the basis; two loads of what was stored in two pieces do not wait for it. */
static __always_inline __m512i load_pair(const __m256i stage[2])
{
	__m512i pair = _mm512_castsi256_si512(stage[0]);

	return SM4_AFFINE(_mm512_inserti64x4(pair, stage[1], 1), PRE);
}

static __always_inline void store_pair(__m256i stage[2], __m512i pair)
{
	vec512_store_aligned(stage, vec512_swap_bytes(SM4_AFFINE(pair, PRE_BACK)));
}

/* From lanes, counter and MAC of two to a vector, to words. */
static __always_inline void load_wide_set(__m512i x[4], const __m256i stage[WIDE_LANES])
{
	x[0] = load_pair(stage);
	x[1] = load_pair(stage + 2);
	x[2] = load_pair(stage + 4);
	x[3] = load_pair(stage + 6);
	sm4_words_to_blocks(x);
}

/* And back; the last word comes first, as a number. */
static __always_inline void store_wide_set(__m256i stage[WIDE_LANES], __m512i x[4])
{
	sm4_words_to_blocks(x);
	store_pair(stage, x[0]);
	store_pair(stage + 2, x[1]);
	store_pair(stage + 4, x[2]);
	store_pair(stage + 6, x[3]);
}

static __always_inline void encrypt_one_wide_set(__m256i *stage, const u32 *keys)
{
	unsigned int round;
	__m512i x[4];

	load_wide_set(x, stage);
	for (round = 0; round < KTLSX_SM4_ROUNDS; round += 4)
		four_wide_rounds(x, keys + round);
	store_wide_set(stage, x);
}

static __always_inline void encrypt_two_wide_sets(__m256i *stage, const u32 *keys)
{
	__m512i a[4], b[4];
	unsigned int round;

	load_wide_set(a, stage);
	load_wide_set(b, stage + WIDE_LANES);
	for (round = 0; round < KTLSX_SM4_ROUNDS; round += 4) {
		four_wide_rounds(a, keys + round);
		four_wide_rounds(b, keys + round);
	}
	store_wide_set(stage, a);
	store_wide_set(stage + WIDE_LANES, b);
}

static noinline void run_4(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
			   unsigned int active, size_t count)
{
	sm4_ccm_run_steps(key, lanes, active, count, encrypt_one_set);
}

static noinline void run_8(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
			   unsigned int active, size_t count)
{
	sm4_ccm_run_steps(key, lanes, active, count, encrypt_one_wide_set);
}

static noinline void run_16(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
			    unsigned int active, size_t count)
{
	sm4_ccm_run_steps(key, lanes, active, count, encrypt_two_wide_sets);
}

/* What waits for itself does not gain by wider vectors. */
static void sm4_steps(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
		      unsigned int active, size_t count)
{
	if (active <= SET_LANES)
		run_4(key, lanes, active, count);
	else if (active <= WIDE_LANES)
		run_8(key, lanes, active, count);
	else
		run_16(key, lanes, active, count);
	sm4_ccm_clear_frame();
}

static const struct ktlsx_ccm_cipher gfni512_cipher = {
	.steps = sm4_steps,
	.lanes = 2 * WIDE_LANES,
	.steps_max = 192,
};

static void gfni512_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	(void)raw_len;
	sm4_ccm_prepare(key, raw);
}

static void gfni512_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			 unsigned int count)
{
	ktlsx_ccm_seal(&gfni512_cipher, key, texts, count);
}

static unsigned int gfni512_open(const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *texts, unsigned int count)
{
	return ktlsx_ccm_open(&gfni512_cipher, key, texts, count);
}

static void gfni512_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	ktlsx_ccm_block(&gfni512_cipher, key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_sm4_ccm_gfni512 = {
	.name = "gfni512",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2 | KTLSX_CPU_VAES | KTLSX_CPU_VPCLMUL |
		     KTLSX_CPU_GFNI | KTLSX_CPU_AVX512,
	/* a run of whole records: the section is left and entered on the way */
	.section_len_max = 65536 + 1024,
	.uses_fpu = true,
	.prepare = gfni512_prepare,
	.seal = gfni512_seal,
	.open = gfni512_open,
	.block = gfni512_block,
};
