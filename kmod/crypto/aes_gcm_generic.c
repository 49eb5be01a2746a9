// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the AES-GCM engine of portable constant-time C: the cipher behind the mode.
 * Must not know: how either works. Concurrency: stateless, the key is read-only.
 * Specification: NIST SP 800-38D; FIPS 197.
 */
#include "gcm_generic.h"
#include "ghash_generic.h"

static void aes_expand(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	struct ktlsx_gcm_key *gcm = (struct ktlsx_gcm_key *)(void *)key->state;

	ktlsx_aes_expand(&gcm->aes, raw, raw_len);
}

static void aes_encrypt(const struct ktlsx_aead_key *key, const u8 *in, u8 *out)
{
	ktlsx_aes_encrypt_4(&ktlsx_gcm_key_of(key)->aes, in, out);
}

static const struct ktlsx_gcm_cipher aes = {
	.blocks = 4,
	.expand = aes_expand,
	.encrypt = aes_encrypt,
	.hash = ktlsx_ghash_update,
};

static void generic_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	ktlsx_gcm_generic_prepare(&aes, key, raw, raw_len);
}

static void generic_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			 unsigned int count)
{
	ktlsx_gcm_generic_seal(&aes, key, texts, count);
}

static unsigned int generic_open(const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *texts, unsigned int count)
{
	return ktlsx_gcm_generic_open(&aes, key, texts, count);
}

static void generic_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	ktlsx_gcm_generic_block(&aes, key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_gcm_generic = {
	.name = "generic",
	.cpu_needs = 0,
	.section_len_max = U32_MAX,
	.uses_fpu = false,
	.prepare = generic_prepare,
	.seal = generic_seal,
	.open = generic_open,
	.block = generic_block,
};
