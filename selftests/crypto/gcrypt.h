/* SPDX-License-Identifier: MIT */
/*
 * Owns the independent reference for what OpenSSL 3.0 lacks: libgcrypt as a one-call AEAD.
 * Must not know: our engines. Concurrency: one handle a call.
 */
#ifndef GCRYPT_REFERENCE_H
#define GCRYPT_REFERENCE_H

#include "evp.h"

/* Whether libgcrypt is the reference for @alg. */
bool gcrypt_knows(enum ktlsx_aead_alg alg);

/* As evp_seal() and evp_open(), of which they are a part. */
void gcrypt_seal(struct evp_record *record);
bool gcrypt_open(const struct evp_record *record);

#endif
