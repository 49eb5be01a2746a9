/* SPDX-License-Identifier: MIT */
/*
 * Owns: certificates, keys, revocation lists and OCSP responses for tests, made
 * anew in a temporary folder. Must not know: the library, the peers.
 * Concurrency: pki_make() once, before threads and forks; then only read.
 * Follows: RFC 5280, RFC 6960.
 *
 * Files of a certificate NAME: NAME.pem (itself), NAME.chain.pem (with its
 * intermediate), NAME.key.pem; for those signed by "intermediate" also
 * NAME.good.der, NAME.revoked.der, NAME.stale.der (OCSP). Others: trust.pem
 * (root and rsa_root), crl.pem (lists of root, intermediate and rsa_root; on it:
 * revoked, client_revoked), crl_partial.pem (root's only).
 */
#ifndef PKI_H
#define PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Servers, for localhost, server.test, 127.0.0.1 and ::1 unless said otherwise:
 * rsa (signed by rsa_root), p256, p384, p521, expired, not_yet, wrong_name
 * (elsewhere.example), revoked, unknown (signed by unknown_root), name_a
 * (a.example), name_b (b.example), wild (*.wild.example), sha1 (RSA, signed by
 * rsa_root with SHA-1).
 * Clients: client, client_rsa, client_expired, client_unknown, client_revoked.
 * All but the RSA ones have a P-256 key of their own; rsa, client_rsa and sha1
 * share one, rsa_root has another.
 */
void pki_make(void);
void pki_remove(void);
const char *pki_path(const char *file);
void pki_pin(const char *name, uint8_t *sha256);
bool pki_is(const char *name, const uint8_t *der, size_t der_len);

/* main() of a test program whose tests use certificates. */
#define PKI_MAIN()						\
	int main(int argc, char **argv)				\
	{							\
		int pki_ret;					\
								\
		pki_make();					\
		pki_ret = ktap_main(argc, argv);		\
		pki_remove();					\
		return pki_ret;					\
	}

#endif
