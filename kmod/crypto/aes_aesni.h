/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns what the AES engines for vectors share when they prepare a key.
 * Must not know: modes of operation. To be included by vector engines only.
 * Concurrency: nobody else sees the key before it is prepared.
 */
#ifndef KTLSX_CRYPTO_AES_AESNI_H
#define KTLSX_CRYPTO_AES_AESNI_H

#include "aead.h"
#include "aes_generic.h"
#include "vec128.h"

/* With vectors the compiler cannot see to be zero: it would call a string instruction. */
static __always_inline void aes_clear_key(struct ktlsx_aead_key *key)
{
	__m128i zero = _mm_setzero_si128();
	unsigned int i;

	vec128_opaque(&zero);
	for (i = 0; i < sizeof(key->state); i += 64) {
		vec128_store_aligned(key->state + i, zero);
		vec128_store_aligned(key->state + i + 16, zero);
		vec128_store_aligned(key->state + i + 32, zero);
		vec128_store_aligned(key->state + i + 48, zero);
	}
}

/* Described in aes_aesni_key.c. */
void ktlsx_aes_aesni_expand(struct ktlsx_aes_key *aes, const u8 *raw, size_t raw_len);

#endif
