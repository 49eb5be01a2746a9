// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM4-GCM engine for GFNI, VPCLMULQDQ and 256-bit vectors: its hash, and the
 * cipher it chooses.
 * Must not know: TLS, other engines. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7; RFC 8998; 96-bit nonces only.
 */
#include "cpu.h"
#include "ghash_clmul.h"
#include "sm4_ctr_gfni256.h"

/* Unreduced products of even and of odd blocks */
struct sums {
	__m256i low;
	__m256i mid;
	__m256i high;
};

static __always_inline struct sums no_sums(void)
{
	return (struct sums){ _mm256_setzero_si256(), _mm256_setzero_si256(),
			      _mm256_setzero_si256() };
}

/* Two blocks by two powers, multiplied out: that port has room for a fourth product. */
static __always_inline void hash_pair(struct sums *p, __m256i x, const u64 (*powers)[2])
{
	__m256i power = vec256_load(powers);

	p->low = _mm256_xor_si256(p->low, _mm256_clmulepi64_epi128(x, power, 0x00));
	p->mid = _mm256_xor_si256(p->mid, _mm256_clmulepi64_epi128(x, power, 0x01));
	p->mid = _mm256_xor_si256(p->mid, _mm256_clmulepi64_epi128(x, power, 0x10));
	p->high = _mm256_xor_si256(p->high, _mm256_clmulepi64_epi128(x, power, 0x11));
	vec256_opaque(&p->low);
	vec256_opaque(&p->mid);
	vec256_opaque(&p->high);
}

static __always_inline __m128i both(__m256i x)
{
	return _mm_xor_si128(vec256_low(x), vec256_high(x));
}

static __always_inline __m128i reduce_sums(struct sums sums)
{
	struct product p = { both(sums.low), both(sums.mid), both(sums.high) };

	/* reduce() wants Karatsuba's */
	p.mid = _mm_xor_si128(p.mid, _mm_xor_si128(p.low, p.high));
	return reduce(p);
}

#include "sm4_gcm_256_record.h"
#include "sm4_gcm_runs.h"

/**
 * ktlsx_sm4_gcm_gfni256_seal() - as ktlsx_aead_seal_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 */
void ktlsx_sm4_gcm_gfni256_seal(const struct ktlsx_aead_key *key,
				const struct ktlsx_aead_text *texts, unsigned int count)
{
	seal_run(key, texts, count);
}

/**
 * ktlsx_sm4_gcm_gfni256_open() - as ktlsx_aead_open_run()
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Inside a vector section.
 * Return: how many records verified before the first that did not.
 */
unsigned int ktlsx_sm4_gcm_gfni256_open(const struct ktlsx_aead_key *key,
					const struct ktlsx_aead_text *texts, unsigned int count)
{
	return open_run(key, texts, count);
}

static void gfni256_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	run_block(key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_sm4_gcm_gfni256 = {
	.name = "gfni256",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2 | KTLSX_CPU_VAES | KTLSX_CPU_VPCLMUL |
		     KTLSX_CPU_GFNI,
	/* 50 microseconds at 2 cycles a byte and 1.3 GHz */
	.section_len_max = 32768,
	.uses_fpu = true,
	.prepare = ktlsx_sm4_gcm_aesni_prepare,
	.seal = ktlsx_sm4_gcm_gfni256_seal,
	.open = ktlsx_sm4_gcm_gfni256_open,
	.block = gfni256_block,
};
