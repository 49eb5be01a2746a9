// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM4-CBC engines: which SM3 and which SM4 go together.
 * Must not know: how either works. Concurrency: stateless.
 */
#include "cpu.h"
#include "sm4_cbc_mode.h"

/* Not inlined: the engines share it. */
static noinline void seal(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
			  const struct ktlsx_aead_text *texts, unsigned int count)
{
	unsigned int now;

	for (; count; count -= now, texts += now) {
		now = min(count, ops->lanes);
		if (now > 1)
			ktlsx_cbc_seal_many(ops, key, texts, now);
		else
			ktlsx_cbc_seal_one(ops, key, texts);
	}
}

static noinline unsigned int open(const struct ktlsx_cbc_ops *ops,
				  const struct ktlsx_aead_key *key,
				  const struct ktlsx_aead_text *texts, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (unlikely(!ktlsx_cbc_open_one(ops, key, &texts[i])))
			return ktlsx_texts_refuse(texts, i, count);
	return count;
}

/* Each keeps the bound of a section by itself: section_len_max is for those who do not. */
static const struct ktlsx_cbc_ops generic_ops = {
	.hash = ktlsx_sm3_generic,
	.encrypt = ktlsx_cbc_generic_encrypt,
	.decrypt = ktlsx_cbc_generic_decrypt,
	.lanes = 1,
};

static void generic_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			 unsigned int count)
{
	seal(&generic_ops, key, texts, count);
}

static unsigned int generic_open(const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *texts, unsigned int count)
{
	return open(&generic_ops, key, texts, count);
}

static void generic_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	(void)index;
	ktlsx_cbc_block(&generic_ops, key, nonce, in, out);
}

const struct ktlsx_aead_engine ktlsx_sm4_cbc_generic = {
	.name = "generic",
	.cpu_needs = 0,
	.section_len_max = U32_MAX,
	.uses_fpu = false,
	.prepare = ktlsx_sm4_cbc_prepare,
	.seal = generic_seal,
	.open = generic_open,
	.block = generic_block,
};

static const struct ktlsx_cbc_ops aesni_avx2_ops = {
	.hash = ktlsx_sm3_avx2,
	.encrypt = ktlsx_cbc_aesni_avx2_encrypt,
	.decrypt = ktlsx_cbc_aesni_avx2_decrypt,
	.run = ktlsx_cbc_aesni_avx2_run,
	.hash_lanes = ktlsx_sm3_x8_avx2,
	.lanes = 8,
	.uses_fpu = true,
};

static void aesni_avx2_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			    unsigned int count)
{
	seal(&aesni_avx2_ops, key, texts, count);
}

static unsigned int aesni_avx2_open(const struct ktlsx_aead_key *key,
				    const struct ktlsx_aead_text *texts, unsigned int count)
{
	return open(&aesni_avx2_ops, key, texts, count);
}

static void aesni_avx2_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			     const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	(void)index;
	ktlsx_cbc_block(&aesni_avx2_ops, key, nonce, in, out);
}

const struct ktlsx_aead_engine ktlsx_sm4_cbc_aesni_avx2 = {
	.name = "aesni-avx2",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2,
	.section_len_max = U32_MAX,
	.uses_fpu = true,
	.prepare = ktlsx_sm4_cbc_prepare,
	.seal = aesni_avx2_seal,
	.open = aesni_avx2_open,
	.block = aesni_avx2_block,
};

static const struct ktlsx_cbc_ops gfni256_ops = {
	.hash = ktlsx_sm3_avx2,
	.encrypt = ktlsx_cbc_gfni256_encrypt,
	.decrypt = ktlsx_cbc_gfni256_decrypt,
	.run = ktlsx_cbc_gfni256_run,
	.hash_lanes = ktlsx_sm3_x8_avx2,
	.lanes = 8,
	.uses_fpu = true,
};

static void gfni256_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			 unsigned int count)
{
	seal(&gfni256_ops, key, texts, count);
}

static unsigned int gfni256_open(const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *texts, unsigned int count)
{
	return open(&gfni256_ops, key, texts, count);
}

static void gfni256_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	(void)index;
	ktlsx_cbc_block(&gfni256_ops, key, nonce, in, out);
}

const struct ktlsx_aead_engine ktlsx_sm4_cbc_gfni256 = {
	.name = "gfni256",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2 | KTLSX_CPU_VAES | KTLSX_CPU_GFNI,
	.section_len_max = U32_MAX,
	.uses_fpu = true,
	.prepare = ktlsx_sm4_cbc_prepare,
	.seal = gfni256_seal,
	.open = gfni256_open,
	.block = gfni256_block,
};

static const struct ktlsx_cbc_ops gfni512_ops = {
	.hash = ktlsx_sm3_avx2,
	.encrypt = ktlsx_cbc_gfni512_encrypt,
	.decrypt = ktlsx_cbc_gfni512_decrypt,
	.run = ktlsx_cbc_gfni512_run,
	.hash_lanes = ktlsx_sm3_x16_avx512,
	.lanes = 16,
	.uses_fpu = true,
};

static void gfni512_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			 unsigned int count)
{
	seal(&gfni512_ops, key, texts, count);
}

static unsigned int gfni512_open(const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *texts, unsigned int count)
{
	return open(&gfni512_ops, key, texts, count);
}

static void gfni512_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	(void)index;
	ktlsx_cbc_block(&gfni512_ops, key, nonce, in, out);
}

const struct ktlsx_aead_engine ktlsx_sm4_cbc_gfni512 = {
	.name = "gfni512",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2 | KTLSX_CPU_VAES | KTLSX_CPU_GFNI |
		     KTLSX_CPU_AVX512,
	.section_len_max = U32_MAX,
	.uses_fpu = true,
	.prepare = ktlsx_sm4_cbc_prepare,
	.seal = gfni512_seal,
	.open = gfni512_open,
	.block = gfni512_block,
};
