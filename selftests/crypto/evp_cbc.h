/* SPDX-License-Identifier: MIT */
/*
 * Owns the independent reference for SM4-CBC with HMAC-SM3.
 * Must not know: our engines. Concurrency: one context a thread.
 */
#ifndef EVP_CBC_REFERENCE_H
#define EVP_CBC_REFERENCE_H

#include "evp.h"

struct evp_record;

/* As evp_seal() and evp_open(), of which they are a part. The padding is what fills sealed_len. */
void evp_cbc_seal(EVP_CIPHER_CTX *ctx, const struct evp_record *record);

bool evp_cbc_open(EVP_CIPHER_CTX *ctx, const struct evp_record *record);
/* Encrypts sealed_len bytes that have MAC and padding, right or wrong. */
void evp_cbc_encrypt(EVP_CIPHER_CTX *ctx, const struct evp_record *record);

#endif
