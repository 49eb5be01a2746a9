/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the layout of an expanded SM4 key, which all SM4 engines read, and SM4 in portable
 * constant-time C.
 * Must not know: modes of operation. Concurrency: an expanded key is read-only.
 * Specification: GB/T 32907-2016; draft-ribose-cfrg-sm4-10 is it in English.
 */
#ifndef KTLSX_CRYPTO_SM4_H
#define KTLSX_CRYPTO_SM4_H

#include "port.h"

#define KTLSX_SM4_ROUNDS 32
#define KTLSX_SM4_BLOCK_LEN 16
#define KTLSX_SM4_RAW_LEN 16

/* More are not done at once by the portable cipher. */
#define KTLSX_SM4_BLOCKS_MAX 16

/**
 * struct ktlsx_sm4_key - an expanded SM4 key; decryption takes the rounds backwards
 * @round_keys: as the standard numbers them, for encryption; words as it writes them, their
 *              first byte highest
 * @folded: the same in the basis of sm4_basis.h: each byte multiplied by KTLSX_SM4_PRE
 */
struct ktlsx_sm4_key {
	u32 round_keys[KTLSX_SM4_ROUNDS] __aligned(16);
	u32 folded[KTLSX_SM4_ROUNDS];
};

/**
 * ktlsx_sm4_expand() - run the key schedule
 * @key: filled
 * @raw: key
 *
 * Context: Any; constant time.
 * Spec: GB/T 32907 section 7.3.
 */
void ktlsx_sm4_expand(struct ktlsx_sm4_key *key, const u8 raw[KTLSX_SM4_RAW_LEN]);

/**
 * ktlsx_sm4_encrypt_blocks() - encrypt blocks at once; one costs as much as all
 * @key: expanded key
 * @in: blocks
 * @out: as many blocks; may be @in
 * @blocks: how many, at most KTLSX_SM4_BLOCKS_MAX
 *
 * Context: Any; constant time.
 */
void ktlsx_sm4_encrypt_blocks(const struct ktlsx_sm4_key *key, const u8 *in, u8 *out,
			      unsigned int blocks);

/**
 * ktlsx_sm4_decrypt_blocks() - decrypt blocks at once; one costs as much as all
 * @key: expanded key
 * @in: blocks
 * @out: as many blocks; may be @in
 * @blocks: how many, at most KTLSX_SM4_BLOCKS_MAX
 *
 * Context: Any; constant time.
 */
void ktlsx_sm4_decrypt_blocks(const struct ktlsx_sm4_key *key, const u8 *in, u8 *out,
			      unsigned int blocks);

#endif
