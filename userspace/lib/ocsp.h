/* SPDX-License-Identifier: MIT */
/*
 * Stapled OCSP responses, for chain.c and trust.c. No state.
 */
#ifndef KTLSX_OCSP_H
#define KTLSX_OCSP_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool ktlsx_ocsp_is_about(const uint8_t *der, size_t der_len, X509 *leaf);

#endif /* KTLSX_OCSP_H */
