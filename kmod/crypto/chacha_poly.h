/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the name of the ChaCha20-Poly1305 engine.
 * Must not know: who calls. Read-only.
 */
#ifndef KTLSX_CRYPTO_CHACHA_POLY_H
#define KTLSX_CRYPTO_CHACHA_POLY_H

#include "aead.h"

extern const struct ktlsx_aead_engine ktlsx_chacha_poly_library;

#endif
