/* SPDX-License-Identifier: MIT */
/*
 * Stapled OCSP responses, for chain.c and trust.c. No state.
 */
#ifndef KTLSX_OCSP_H
#define KTLSX_OCSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct x509_st;	/* X509 */

bool ktlsx_ocsp_is_about(struct x509_st *leaf, const uint8_t *der, size_t der_len);

#endif /* KTLSX_OCSP_H */
