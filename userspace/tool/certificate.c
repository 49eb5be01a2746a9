// SPDX-License-Identifier: MIT
/*
 * Owns: making a throw-away certificate; its key is never on a disk.
 * Must not know: what it is for.
 * Concurrency: none.
 * Spec: RFC 5280.
 */
#include "certificate.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define VALID_S 3600

static bool fill(X509 *x509, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(x509);
	static const unsigned char common_name[] = "ktlsx doctor";

	return X509_set_version(x509, X509_VERSION_3) &&
	       ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) &&
	       X509_gmtime_adj(X509_getm_notBefore(x509), -VALID_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(x509), VALID_S) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) &&
	       X509_set_issuer_name(x509, name) && X509_set_pubkey(x509, key) &&
	       X509_sign(x509, key, EVP_sha256()) > 0;
}

static bool take_pin(X509 *x509, uint8_t *pin)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
	bool has_pin = len > 0 && EVP_Digest(der, (size_t)len, pin, NULL, EVP_sha256(), NULL);

	OPENSSL_free(der);
	return has_pin;
}

static bool write_pem(int fd, X509 *x509, EVP_PKEY *key)
{
	FILE *file = fdopen(dup(fd), "w");
	bool is_written = file && PEM_write_X509(file, x509) &&
			  PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);

	return file && !fclose(file) && is_written;
}

/**
 * ktlsx_certificate_make() - make a key and certificate
 * @certificate: filled
 *
 * Return: 0; -ENOMEM OpenSSL could not; -errno no memory file.
 */
int ktlsx_certificate_make(struct ktlsx_certificate *certificate)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();
	bool is_made;

	certificate->fd = memfd_create("ktlsx-certificate", MFD_CLOEXEC);
	if (certificate->fd < 0)
		certificate->fd = -errno;
	snprintf(certificate->path, sizeof(certificate->path), "/proc/self/fd/%d",
		 certificate->fd);
	is_made = certificate->fd >= 0 && key && x509 && fill(x509, key) &&
		  take_pin(x509, certificate->pin) && write_pem(certificate->fd, x509, key);
	X509_free(x509);
	EVP_PKEY_free(key);
	if (is_made)
		return 0;
	if (certificate->fd < 0)
		return certificate->fd;
	close(certificate->fd);
	return -ENOMEM;
}

/**
 * ktlsx_certificate_drop() - drop both
 * @certificate: what ktlsx_certificate_make() made
 */
void ktlsx_certificate_drop(struct ktlsx_certificate *certificate)
{
	close(certificate->fd);
	certificate->fd = -1;
}
