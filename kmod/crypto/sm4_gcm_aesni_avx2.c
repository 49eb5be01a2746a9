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
	struct gcm_stream s port_uninitialized;

	for (; count; count--, texts++)
		vec128_store(texts->tag, run_record(&s, key, texts, true));
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

static void aesni_avx2_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			     const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	struct gcm_stream s port_uninitialized;

	s.key = ktlsx_sm4_gcm_key_of(key);
	s.counter = index + 2;
	s.sealing = _mm256_setzero_si256();
	set_up_nonce(&s, nonce);
	stream_16(&s, 0, false);
	crypt_tail(&s, in, out, KTLSX_AEAD_BLOCK_LEN, GROUP / 2);
	barrier_data(&s);
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
