/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns AES in portable constant-time C, and the layout of an expanded AES key.
 * Must not know: modes of operation. Concurrency: an expanded key is read-only.
 * Specification: FIPS 197.
 */
#ifndef KTLSX_CRYPTO_AES_GENERIC_H
#define KTLSX_CRYPTO_AES_GENERIC_H

#include "port.h"

#define KTLSX_AES_ROUND_KEYS 15

/**
 * struct ktlsx_aes_key - an expanded AES key, encryption only
 * @round_keys: as FIPS 197 writes them, byte for byte; aligned as AES-NI wants
 * @rounds: 10 or 14
 * @unused: keeps what follows aligned to 16 bytes
 * @sliced: the same for the bit-sliced cipher, each bit plane in every fourth bit
 */
struct ktlsx_aes_key {
	u8 round_keys[KTLSX_AES_ROUND_KEYS][16] __aligned(16);
	u32 rounds;
	u32 unused[3];
	u64 sliced[KTLSX_AES_ROUND_KEYS][2];
};

/**
 * ktlsx_aes_expand() - run the key schedule
 * @key: filled
 * @raw: key
 * @raw_len: 16 or 32 bytes
 *
 * Context: Any; constant time.
 * Spec: FIPS 197 section 5.2.
 */
void ktlsx_aes_expand(struct ktlsx_aes_key *key, const u8 *raw, size_t raw_len);

/**
 * ktlsx_aes_encrypt_4() - encrypt four blocks at once
 * @key: expanded key
 * @in: four blocks
 * @out: four blocks; may be @in
 *
 * Context: Any; constant time.
 */
void ktlsx_aes_encrypt_4(const struct ktlsx_aes_key *key, const u8 in[64], u8 out[64]);

#endif
