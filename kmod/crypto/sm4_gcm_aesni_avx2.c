// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM4-GCM engine for AES-NI, PCLMULQDQ and 256-bit vectors: its hash, and the
 * cipher it chooses.
 * Must not know: TLS, other engines. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7; RFC 8998; 96-bit nonces only.
 */
#include "cpu.h"
#include "ghash_clmul.h"
#include "sm4_ctr_avx2.h"

struct sums {
	struct product p;
};

static __always_inline struct sums no_sums(void)
{
	return (struct sums){ { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() } };
}

static __always_inline void hash_block(struct product *p, __m128i x, const u64 power[2])
{
	__m128i y = vec128_load_aligned(power);

	add_product(p, x, y, _mm_xor_si128(y, vec128_swap_halves(y)));
}

static __always_inline void hash_pair(struct sums *sums, __m256i x, const u64 (*powers)[2])
{
	hash_block(&sums->p, vec256_low(x), powers[0]);
	hash_block(&sums->p, vec256_high(x), powers[1]);
}

static __always_inline __m128i reduce_sums(struct sums sums)
{
	return reduce(sums.p);
}

#include "sm4_gcm_256_record.h"
#include "sm4_gcm_runs.h"

/**
 * ktlsx_sm4_gcm_aesni_avx2_seal() - as ktlsx_aead_seal_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 */
void ktlsx_sm4_gcm_aesni_avx2_seal(const struct ktlsx_aead_key *key,
				   const struct ktlsx_aead_text *texts, unsigned int count)
{
	seal_run(key, texts, count);
}

/**
 * ktlsx_sm4_gcm_aesni_avx2_open() - as ktlsx_aead_open_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 * Return: how many records verified before the first that did not.
 */
unsigned int ktlsx_sm4_gcm_aesni_avx2_open(const struct ktlsx_aead_key *key,
					   const struct ktlsx_aead_text *texts, unsigned int count)
{
	return open_run(key, texts, count);
}

static void aesni_avx2_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			     const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	run_block(key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_sm4_gcm_aesni_avx2 = {
	.name = "aesni-avx2",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2,
	/* 50 microseconds of the first CPUs with these instructions, at 8 cycles a byte */
	.section_len_max = 16384 + 256,
	.uses_fpu = true,
	.prepare = ktlsx_sm4_gcm_aesni_prepare,
	.seal = ktlsx_sm4_gcm_aesni_avx2_seal,
	.open = ktlsx_sm4_gcm_aesni_avx2_open,
	.block = aesni_avx2_block,
};
