/* SPDX-License-Identifier: MIT */
/*
 * One certificate chain of a config, as ocsp.c needs it. Constant once added.
 */
#ifndef KTLSX_CHAIN_H
#define KTLSX_CHAIN_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "config.h"
#include "file.h"

/**
 * struct ktlsx_chain - see above; keys and issuers are with the SSL_CTX
 * @leaf: own certificate
 * @staple: OCSP response, empty without
 * @is_sha1: the chain has a signature with SHA-1
 */
struct ktlsx_chain {
	struct ktlsx_chain *next;
	X509 *leaf;
	struct ktlsx_file staple;
	bool is_sha1;
};

const struct ktlsx_chain *ktlsx_chain_of(const struct ktlsx_config *config, const X509 *leaf);

#endif /* KTLSX_CHAIN_H */
