// SPDX-License-Identifier: MIT
/*
 * Owns OpenSSL's ChaCha20 and Poly1305 in the place of the kernel library's, so that the mode
 * that is built from them can be tested here.
 * Must not know: the mode. Concurrency: each thread has its own contexts, one call at a time.
 */
#include "../../kmod/crypto/chacha_library.h"

#include <openssl/evp.h>
#include <stdlib.h>

static _Thread_local struct {
	EVP_CIPHER_CTX *chacha;
	EVP_MAC_CTX *poly;
} contexts;

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define written(p, len) __msan_unpoison(p, len)
#endif
#endif
#ifndef written
#define written(p, len) do { } while (0)
#endif

static void must(int ok)
{
	if (ok > 0)
		return;
	fprintf(stderr, "OpenSSL has no ChaCha20 or no Poly1305\n");
	abort();
}

void ktlsx_chacha_start(struct ktlsx_chacha_library *library, const u8 key[KTLSX_CHACHA_KEY_LEN],
			const u8 nonce[KTLSX_CHACHA_NONCE_LEN], u32 counter)
{
	u8 iv[16];

	(void)library;
	if (!contexts.chacha) {
		contexts.chacha = EVP_CIPHER_CTX_new();
		must(EVP_CipherInit_ex(contexts.chacha, EVP_chacha20(), NULL, NULL, NULL, 1));
	}
	memcpy(iv, &counter, sizeof(counter));
	memcpy(iv + sizeof(counter), nonce, KTLSX_CHACHA_NONCE_LEN);
	must(EVP_CipherInit_ex(contexts.chacha, NULL, NULL, key, iv, 1));
}

void ktlsx_chacha_crypt(struct ktlsx_chacha_library *library, u8 *buf, size_t len)
{
	int n = 0;

	(void)library;
	must(EVP_CipherUpdate(contexts.chacha, buf, &n, buf, (int)len));
	written(buf, len);
}

void ktlsx_poly1305_start(struct ktlsx_chacha_library *library,
			  const u8 key[KTLSX_POLY1305_KEY_LEN])
{
	EVP_MAC *mac;

	(void)library;
	if (!contexts.poly) {
		mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
		contexts.poly = EVP_MAC_CTX_new(mac);
		EVP_MAC_free(mac);
	}
	must(EVP_MAC_init(contexts.poly, key, KTLSX_POLY1305_KEY_LEN, NULL));
}

void ktlsx_poly1305_update(struct ktlsx_chacha_library *library, const u8 *buf, size_t len)
{
	(void)library;
	if (len)
		must(EVP_MAC_update(contexts.poly, buf, len));
}

void ktlsx_poly1305_finish(struct ktlsx_chacha_library *library,
			   u8 tag[KTLSX_POLY1305_TAG_LEN])
{
	size_t len = 0;

	(void)library;
	must(EVP_MAC_final(contexts.poly, tag, &len, KTLSX_POLY1305_TAG_LEN));
	written(tag, KTLSX_POLY1305_TAG_LEN);
}
