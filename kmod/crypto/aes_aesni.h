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

/* Described in aes_aesni_key.c. */
void ktlsx_aes_aesni_expand(struct ktlsx_aes_key *aes, const u8 *raw, size_t raw_len);

#endif
