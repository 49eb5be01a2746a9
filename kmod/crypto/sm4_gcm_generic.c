// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM4-GCM engine of portable constant-time C: the cipher behind the mode.
 * Must not know: how either works. Concurrency: stateless, the key is read-only.
 * Specification: NIST SP 800-38D; GB/T 32907-2016; RFC 8998.
 */
#include "gcm_generic.h"
#include "ghash_generic.h"
#include "sm4_gcm.h"

static void sm4_expand(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	struct ktlsx_sm4_gcm_key *gcm = (struct ktlsx_sm4_gcm_key *)(void *)key->state;

	(void)raw_len;
	ktlsx_sm4_expand(&gcm->sm4, raw);
}

static void sm4_encrypt(const struct ktlsx_aead_key *key, const u8 *in, u8 *out)
{
	ktlsx_sm4_encrypt_blocks(&ktlsx_sm4_gcm_key_of(key)->sm4, in, out,
				 KTLSX_SM4_BLOCKS_MAX);
}

static const struct ktlsx_gcm_cipher sm4 = {
	.blocks = KTLSX_SM4_BLOCKS_MAX,
	.expand = sm4_expand,
	.encrypt = sm4_encrypt,
	.hash = ktlsx_ghash_update,
};

static void generic_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	ktlsx_gcm_generic_prepare(&sm4, key, raw, raw_len);
}

static void generic_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			 unsigned int count)
{
	ktlsx_gcm_generic_seal(&sm4, key, texts, count);
}

static unsigned int generic_open(const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *texts, unsigned int count)
{
	return ktlsx_gcm_generic_open(&sm4, key, texts, count);
}

static void generic_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	ktlsx_gcm_generic_block(&sm4, key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_sm4_gcm_generic = {
	.name = "generic",
	.cpu_needs = 0,
	.section_len_max = U32_MAX,
	.uses_fpu = false,
	.prepare = generic_prepare,
	.seal = generic_seal,
	.open = generic_open,
	.block = generic_block,
};
