/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the names under which ChaCha20-Poly1305 calls somebody else's ChaCha20 and Poly1305:
 * the kernel library's (chacha_library.c), OpenSSL's in a userspace program
 * (selftests/crypto/chacha_library.c).
 * Must not know: how they are put together. Concurrency: a state belongs to one call.
 * Specification: RFC 8439 sections 2.4 and 2.5.
 */
#ifndef KTLSX_CRYPTO_CHACHA_LIBRARY_H
#define KTLSX_CRYPTO_CHACHA_LIBRARY_H

#include "port.h"

#define KTLSX_CHACHA_KEY_LEN 32
#define KTLSX_CHACHA_NONCE_LEN 12
#define KTLSX_CHACHA_BLOCK_LEN 64
#define KTLSX_POLY1305_KEY_LEN 32
#define KTLSX_POLY1305_TAG_LEN 16

/**
 * struct ktlsx_chacha_library - a stream and a MAC under way, secret
 * @chacha: the library's own
 * @poly: the library's own
 */
struct ktlsx_chacha_library {
	u64 chacha[8];
	u64 poly[64];
};

/**
 * ktlsx_chacha_start() - begin a key stream
 * @library: its stream is replaced
 * @key: secret
 * @nonce: of the record
 * @counter: of the first block
 *
 * Context: Any, outside of a vector section. The same holds for all functions here: the
 *          library opens its own where it wants one.
 */
void ktlsx_chacha_start(struct ktlsx_chacha_library *library, const u8 key[KTLSX_CHACHA_KEY_LEN],
			const u8 nonce[KTLSX_CHACHA_NONCE_LEN], u32 counter);

/**
 * ktlsx_chacha_crypt() - encrypt or decrypt the next bytes
 * @library: its stream moves on
 * @buf: in place
 * @len: whole blocks, but for the last call of a stream
 *
 * Context: Any, outside of a vector section.
 */
void ktlsx_chacha_crypt(struct ktlsx_chacha_library *library, u8 *buf, size_t len);

/**
 * ktlsx_poly1305_start() - begin a MAC
 * @library: its MAC is replaced
 * @key: secret, for this MAC alone
 *
 * Context: Any, outside of a vector section.
 */
void ktlsx_poly1305_start(struct ktlsx_chacha_library *library,
			  const u8 key[KTLSX_POLY1305_KEY_LEN]);

/**
 * ktlsx_poly1305_update() - the next bytes under the MAC
 * @library: its MAC moves on
 * @buf: bytes
 * @len: how many
 *
 * Context: Any, outside of a vector section.
 */
void ktlsx_poly1305_update(struct ktlsx_chacha_library *library, const u8 *buf, size_t len);

/**
 * ktlsx_poly1305_finish() - the MAC
 * @library: its MAC ends
 * @tag: filled
 *
 * Context: Any, outside of a vector section.
 */
void ktlsx_poly1305_finish(struct ktlsx_chacha_library *library,
			   u8 tag[KTLSX_POLY1305_TAG_LEN]);

#endif
