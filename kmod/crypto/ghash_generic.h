/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns GHASH in portable constant-time C.
 * Must not know: ciphers, spans. Concurrency: stateless.
 * Specification: NIST SP 800-38D section 6.4.
 */
#ifndef KTLSX_CRYPTO_GHASH_GENERIC_H
#define KTLSX_CRYPTO_GHASH_GENERIC_H

#include "gcm.h"

/**
 * ktlsx_ghash_prepare() - compute the powers of the hash key
 * @key: filled
 * @h: the hash key: the zero block, encrypted
 *
 * Context: Any; constant time.
 */
void ktlsx_ghash_prepare(struct ktlsx_ghash_key *key, const u8 h[16]);

/**
 * ktlsx_ghash_update() - absorb bytes, zero-padded to whole blocks
 * @key: powers
 * @acc: hash state, low 64 bits first; zero at the start
 * @data: bytes
 * @len: bytes at @data; only the last call before other data may be no multiple of 16
 *
 * Context: Any; constant time.
 */
void ktlsx_ghash_update(const struct ktlsx_ghash_key *key, u64 acc[2], const u8 *data, size_t len);

/**
 * ktlsx_ghash_finish() - absorb the lengths
 * @key: powers
 * @acc: hash state
 * @aad_len: bytes of additional data
 * @text_len: bytes of text
 * @out: the hash, 16 bytes
 *
 * Context: Any; constant time.
 */
void ktlsx_ghash_finish(const struct ktlsx_ghash_key *key, u64 acc[2], u64 aad_len, u64 text_len,
			u8 out[16]);

#endif
