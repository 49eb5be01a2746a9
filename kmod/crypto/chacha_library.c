// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the way to the kernel library's ChaCha20 and Poly1305, which picks vectors by itself.
 * Must not know: how they are put together. Concurrency: a state belongs to one call.
 * Specification: RFC 8439 sections 2.4 and 2.5. Not part of userspace builds.
 */
#include <crypto/chacha.h>
#include <crypto/poly1305.h>

#include "chacha_library.h"

static_assert(sizeof(struct chacha_state) <= sizeof_field(struct ktlsx_chacha_library, chacha));
static_assert(sizeof(struct poly1305_desc_ctx) <= sizeof_field(struct ktlsx_chacha_library, poly));

static struct chacha_state *chacha_of(struct ktlsx_chacha_library *library)
{
	return (struct chacha_state *)(void *)library->chacha;
}

static struct poly1305_desc_ctx *poly_of(struct ktlsx_chacha_library *library)
{
	return (struct poly1305_desc_ctx *)(void *)library->poly;
}

void ktlsx_chacha_start(struct ktlsx_chacha_library *library, const u8 key[KTLSX_CHACHA_KEY_LEN],
			const u8 nonce[KTLSX_CHACHA_NONCE_LEN], u32 counter)
{
	u8 iv[CHACHA_IV_SIZE];
	u32 words[8];

	memcpy(words, key, sizeof(words));
	memcpy(iv, &counter, sizeof(counter));
	memcpy(iv + sizeof(counter), nonce, KTLSX_CHACHA_NONCE_LEN);
	chacha_init(chacha_of(library), words, iv);
	memzero_explicit(words, sizeof(words));
}

void ktlsx_chacha_crypt(struct ktlsx_chacha_library *library, u8 *buf, size_t len)
{
	chacha20_crypt(chacha_of(library), buf, buf, len);
}

void ktlsx_poly1305_start(struct ktlsx_chacha_library *library,
			  const u8 key[KTLSX_POLY1305_KEY_LEN])
{
	poly1305_init(poly_of(library), key);
}

void ktlsx_poly1305_update(struct ktlsx_chacha_library *library, const u8 *buf, size_t len)
{
	poly1305_update(poly_of(library), buf, len);
}

void ktlsx_poly1305_finish(struct ktlsx_chacha_library *library,
			   u8 tag[KTLSX_POLY1305_TAG_LEN])
{
	poly1305_final(poly_of(library), tag);
}
