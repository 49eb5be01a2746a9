// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the ARIA-GCM engine of portable constant-time C: the cipher behind the mode.
 * Must not know: how either works. Concurrency: stateless, the key is read-only.
 * Specification: NIST SP 800-38D; RFC 5794; RFC 6209.
 */
#include "aria.h"
#include "gcm_generic.h"
#include "ghash_generic.h"

/**
 * ktlsx_aria_gcm_expand() - as expand of struct ktlsx_gcm_cipher
 * @key: zeros; its cipher's part is filled
 * @raw: the ARIA key
 * @raw_len: 16 or 32
 *
 * Context: Any; constant time.
 */
void ktlsx_aria_gcm_expand(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	struct ktlsx_aria_gcm_key *gcm = (struct ktlsx_aria_gcm_key *)(void *)key->state;

	ktlsx_aria_expand(&gcm->aria, raw, raw_len);
}

static void aria_encrypt(const struct ktlsx_aead_key *key, const u8 *in, u8 *out)
{
	ktlsx_aria_encrypt_16(&ktlsx_aria_gcm_key_of(key)->aria, in, out);
}

static const struct ktlsx_gcm_cipher aria = {
	.blocks = KTLSX_ARIA_BLOCKS,
	.expand = ktlsx_aria_gcm_expand,
	.encrypt = aria_encrypt,
	.hash = ktlsx_ghash_update,
};

static void generic_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	ktlsx_gcm_generic_prepare(&aria, key, raw, raw_len);
}

static void generic_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			 unsigned int count)
{
	ktlsx_gcm_generic_seal(&aria, key, texts, count);
}

static unsigned int generic_open(const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *texts, unsigned int count)
{
	return ktlsx_gcm_generic_open(&aria, key, texts, count);
}

static void generic_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	ktlsx_gcm_generic_block(&aria, key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_aria_gcm_generic = {
	.name = "generic",
	.cpu_needs = 0,
	.section_len_max = U32_MAX,
	.uses_fpu = false,
	.prepare = generic_prepare,
	.seal = generic_seal,
	.open = generic_open,
	.block = generic_block,
};
