// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM4-CBC engines: which SM3 and which SM4 go together.
 * Must not know: how either works. Concurrency: stateless.
 */
#include "cpu.h"
#include "sm4_cbc.h"
#include "spans.h"

static void seal(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
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

static unsigned int open(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
			 const struct ktlsx_aead_text *texts, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (unlikely(!ktlsx_cbc_open_one(ops, key, &texts[i])))
			return ktlsx_texts_refuse(texts, i, count);
	return count;
}

/* An engine by the name of its ops. It keeps the bound of a section by itself. */
#define ENGINE(ops, label, needs)							\
	static void ops##_seal(const struct ktlsx_aead_key *key,			\
			       const struct ktlsx_aead_text *texts, unsigned int count) \
	{										\
		seal(&(ops), key, texts, count);					\
	}										\
											\
	static unsigned int ops##_open(const struct ktlsx_aead_key *key,		\
				       const struct ktlsx_aead_text *texts,		\
				       unsigned int count)				\
	{										\
		return open(&(ops), key, texts, count);					\
	}										\
											\
	static void ops##_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index, \
				const u8 in[KTLSX_AEAD_BLOCK_LEN],			\
				u8 out[KTLSX_AEAD_BLOCK_LEN])				\
	{										\
		(void)index;								\
		ktlsx_cbc_block(&(ops), key, nonce, in, out);				\
	}										\
											\
	const struct ktlsx_aead_engine ktlsx_sm4_cbc_##ops = {				\
		.name = label,								\
		.cpu_needs = needs,							\
		.section_len_max = U32_MAX,						\
		.uses_fpu = (needs) != 0,						\
		.prepare = ktlsx_sm4_cbc_prepare,					\
		.seal = ops##_seal,							\
		.open = ops##_open,							\
		.block = ops##_block,							\
	}

static const struct ktlsx_cbc_ops generic = {
	.hash = ktlsx_sm3_generic,
	.encrypt = ktlsx_cbc_generic_encrypt,
	.decrypt = ktlsx_cbc_generic_decrypt,
	.lanes = 1,
};

ENGINE(generic, "generic", 0);

static const struct ktlsx_cbc_ops aesni_avx2 = {
	.hash = ktlsx_sm3_avx2,
	.encrypt = ktlsx_cbc_aesni_avx2_encrypt,
	.decrypt = ktlsx_cbc_aesni_avx2_decrypt,
	.run = ktlsx_cbc_aesni_avx2_run,
	.hash_lanes = ktlsx_sm3_x8_avx2,
	.lanes = 8,
	.uses_fpu = true,
};

ENGINE(aesni_avx2, "aesni-avx2", KTLSX_CPU_AESNI | KTLSX_CPU_AVX2);

static const struct ktlsx_cbc_ops gfni256 = {
	.hash = ktlsx_sm3_avx2,
	.encrypt = ktlsx_cbc_gfni256_encrypt,
	.decrypt = ktlsx_cbc_gfni256_decrypt,
	.run = ktlsx_cbc_gfni256_run,
	.hash_lanes = ktlsx_sm3_x8_avx2,
	.lanes = 8,
	.uses_fpu = true,
};

ENGINE(gfni256, "gfni256",
       KTLSX_CPU_AESNI | KTLSX_CPU_AVX2 | KTLSX_CPU_VAES | KTLSX_CPU_VPCLMUL |
       KTLSX_CPU_GFNI);

static const struct ktlsx_cbc_ops gfni512 = {
	.hash = ktlsx_sm3_avx2,
	.encrypt = ktlsx_cbc_gfni512_encrypt,
	.decrypt = ktlsx_cbc_gfni512_decrypt,
	.run = ktlsx_cbc_gfni512_run,
	.hash_lanes = ktlsx_sm3_x16_avx512,
	.lanes = 16,
	.uses_fpu = true,
};

ENGINE(gfni512, "gfni512",
       KTLSX_CPU_AESNI | KTLSX_CPU_AVX2 | KTLSX_CPU_VAES | KTLSX_CPU_VPCLMUL |
       KTLSX_CPU_GFNI | KTLSX_CPU_AVX512);
