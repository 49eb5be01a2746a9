// SPDX-License-Identifier: MIT
/*
 * Owns: the ChaCha20 and Poly1305 that this static program lacks: libcrypto cannot be linked
 * into it without a warning, and only AES-GCM is priced here.
 * Must not know: anything. Concurrency: none returns.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../kmod/crypto/chacha_library.h"

static _Noreturn void absent(void)
{
	fputs("path: built without ChaCha20-Poly1305, price it with `make bench-crypto`\n", stderr);
	abort();
}

void ktlsx_chacha_start(struct ktlsx_chacha_library *library, const u8 key[KTLSX_CHACHA_KEY_LEN],
			const u8 nonce[KTLSX_CHACHA_NONCE_LEN], u32 counter)
{
	(void)library;
	(void)key;
	(void)nonce;
	(void)counter;
	absent();
}

void ktlsx_chacha_crypt(struct ktlsx_chacha_library *library, u8 *buf, size_t len)
{
	(void)library;
	(void)buf;
	(void)len;
	absent();
}

void ktlsx_poly1305_start(struct ktlsx_chacha_library *library,
			  const u8 key[KTLSX_POLY1305_KEY_LEN])
{
	(void)library;
	(void)key;
	absent();
}

void ktlsx_poly1305_update(struct ktlsx_chacha_library *library, const u8 *buf, size_t len)
{
	(void)library;
	(void)buf;
	(void)len;
	absent();
}

void ktlsx_poly1305_finish(struct ktlsx_chacha_library *library, u8 tag[KTLSX_POLY1305_TAG_LEN])
{
	(void)library;
	(void)tag;
	absent();
}
