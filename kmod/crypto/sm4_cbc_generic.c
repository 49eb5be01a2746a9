// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns SM4-CBC in portable constant-time C.
 * Must not know: vector instructions, HMAC. Concurrency: stateless, the key is read-only.
 * Specification: NIST SP 800-38A section 6.2 with SM4.
 */
#include "sm4_cbc_mode.h"

#define BLOCK KTLSX_SM4_BLOCK_LEN

static void add_block(u8 *to, const u8 *block)
{
	u64 a[2], b[2];

	memcpy(a, to, BLOCK);
	memcpy(b, block, BLOCK);
	a[0] ^= b[0];
	a[1] ^= b[1];
	memcpy(to, a, BLOCK);
}

/**
 * ktlsx_cbc_generic_encrypt() - as struct ktlsx_cbc_ops
 * @key: round keys
 * @chain: block before
 * @data: plaintext, then ciphertext
 * @blocks: how many
 *
 * Context: Any. Blocks wait for each other: each costs as much as sixteen.
 */
void ktlsx_cbc_generic_encrypt(const struct ktlsx_sm4_key *key, u8 chain[BLOCK], u8 *data,
			       size_t blocks)
{
	for (; blocks; blocks--, data += BLOCK) {
		add_block(data, chain);
		ktlsx_sm4_encrypt_blocks(key, data, data, 1);
		memcpy(chain, data, BLOCK);
	}
}

/**
 * ktlsx_cbc_generic_decrypt() - as struct ktlsx_cbc_ops
 * @key: round keys
 * @chain: ciphertext block before
 * @data: ciphertext, then plaintext
 * @blocks: how many
 *
 * Context: Any.
 */
void ktlsx_cbc_generic_decrypt(const struct ktlsx_sm4_key *key, u8 chain[BLOCK], u8 *data,
			       size_t blocks)
{
	u8 before[(KTLSX_SM4_BLOCKS_MAX + 1) * BLOCK];
	size_t now, i;

	for (; blocks; blocks -= now, data += now * BLOCK) {
		now = min_t(size_t, blocks, KTLSX_SM4_BLOCKS_MAX);
		memcpy(before, chain, BLOCK);
		memcpy(before + BLOCK, data, now * BLOCK);
		ktlsx_sm4_decrypt_blocks(key, data, data, (unsigned int)now);
		for (i = 0; i < now; i++)
			add_block(data + BLOCK * i, before + BLOCK * i);
		memcpy(chain, before + BLOCK * now, BLOCK);
	}
}
