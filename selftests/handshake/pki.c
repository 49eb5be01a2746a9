// SPDX-License-Identifier: MIT
/*
 * Owns: the table of certificates and the files made of it (see pki.h).
 * Must not know: the library, the peers.
 * Concurrency: see pki.h.
 * Follows: RFC 5280, RFC 6960.
 */
#include "pki.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define DAY_S		86400L
#define PATH_SIZE	200
#define HERE		"DNS:localhost,DNS:server.test,IP:127.0.0.1,IP:::1"
#define CERT_COUNT	(sizeof(certs) / sizeof(certs[0]))
#define V3		2

enum purpose { AUTHORITY, SERVER, CLIENT };
enum trait { PLAIN, SHA1_SIGNED, REVOKED };

/* An issuer stands before what it signs; a key is made, or that of another one. */
static struct cert {
	const char *name, *issuer, *key_kind, *key_of;
	const char *names;		/* subjectAltName */
	enum purpose purpose;
	int from_day, to_day;		/* relative to today */
	enum trait trait;
	X509 *x509;
	EVP_PKEY *key;
} certs[] = {
	{ "root", "root", "P-256", NULL, NULL, AUTHORITY,
	  -20, 30, .trait = PLAIN },
	{ "intermediate", "root", "P-256", NULL, NULL, AUTHORITY,
	  -20, 30, .trait = PLAIN },
	{ "rsa_root", "rsa_root", "RSA", NULL, NULL, AUTHORITY,
	  -20, 30, .trait = PLAIN },
	{ "unknown_root", "unknown_root", "P-256", NULL, NULL, AUTHORITY,
	  -20, 30, .trait = PLAIN },
	{ "rsa", "rsa_root", "RSA", NULL, HERE, SERVER,
	  -1, 30, .trait = PLAIN },
	{ "p256", "intermediate", "P-256", NULL, HERE, SERVER,
	  -1, 30, .trait = PLAIN },
	{ "p384", "intermediate", "P-384", NULL, HERE, SERVER,
	  -1, 30, .trait = PLAIN },
	{ "p521", "intermediate", "P-521", NULL, HERE, SERVER,
	  -1, 30, .trait = PLAIN },
	{ "expired", "intermediate", "P-256", NULL, HERE, SERVER,
	  -10, -1, .trait = PLAIN },
	{ "not_yet", "intermediate", "P-256", NULL, HERE, SERVER,
	  1, 10, .trait = PLAIN },
	{ "wrong_name", "intermediate", "P-256", NULL, "DNS:elsewhere.example", SERVER,
	  -1, 30, .trait = PLAIN },
	{ "revoked", "intermediate", "P-256", NULL, HERE, SERVER,
	  -1, 30, .trait = REVOKED },
	{ "unknown", "unknown_root", "P-256", NULL, HERE, SERVER,
	  -1, 30, .trait = PLAIN },
	{ "name_a", "intermediate", "P-256", NULL, "DNS:a.example", SERVER,
	  -1, 30, .trait = PLAIN },
	{ "name_b", "intermediate", "P-256", NULL, "DNS:b.example", SERVER,
	  -1, 30, .trait = PLAIN },
	{ "wild", "intermediate", "P-256", NULL, "DNS:*.wild.example", SERVER,
	  -1, 30, .trait = PLAIN },
	{ "sha1", "rsa_root", NULL, "rsa", HERE, SERVER,
	  -1, 30, .trait = SHA1_SIGNED },
	{ "client", "intermediate", "P-256", NULL, "email:c@example.org", CLIENT,
	  -1, 30, .trait = PLAIN },
	{ "client_rsa", "rsa_root", NULL, "rsa", "email:r@example.org", CLIENT,
	  -1, 30, .trait = PLAIN },
	{ "client_expired", "intermediate", "P-256", NULL, "email:e@example.org", CLIENT,
	  -10, -1, .trait = PLAIN },
	{ "client_unknown", "unknown_root", "P-256", NULL, "email:u@example.org", CLIENT,
	  -1, 30, .trait = PLAIN },
	{ "client_revoked", "intermediate", "P-256", NULL, "email:v@example.org", CLIENT,
	  -1, 30, .trait = REVOKED },
};

static char dir[PATH_SIZE];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "test certificates: %s failed\n", what);
	abort();
}

/**
 * pki_path() - path of one of the files that pki.h names
 * @file: its name
 * Return: a string that lives as long as the process.
 */
const char *pki_path(const char *file)
{
	static struct kept_path {
		struct kept_path *next;
		char path[PATH_SIZE + 100];
	} *kept;
	struct kept_path *fresh = malloc(sizeof(*fresh));

	must(fresh, "memory");
	snprintf(fresh->path, sizeof(fresh->path), "%s/%s", dir, file);
	do
		fresh->next = __atomic_load_n(&kept, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&kept, &fresh->next, fresh, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
	return fresh->path;
}

static FILE *create(const char *name, const char *suffix)
{
	char path[PATH_SIZE + 100];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	file = fopen(path, "we");
	must(file, path);
	return file;
}

static struct cert *find(const char *name)
{
	for (size_t i = 0; i < CERT_COUNT; i++)
		if (!strcmp(certs[i].name, name))
			return &certs[i];
	must(false, name);
	return NULL;
}

static void make_key(struct cert *cert)
{
	if (cert->key_of)
		cert->key = find(cert->key_of)->key;
	else if (!strcmp(cert->key_kind, "RSA"))
		cert->key = EVP_RSA_gen(2048);
	else
		cert->key = EVP_EC_gen(cert->key_kind);
	must(cert->key, "key");
}

static void extend(X509 *x509, X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);

	must(extension && X509_add_ext(x509, extension, -1), value);
	X509_EXTENSION_free(extension);
}

static void extend_all(const struct cert *cert, const struct cert *issuer)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer->x509, cert->x509, NULL, NULL, 0);
	extend(cert->x509, &context, NID_subject_key_identifier, "hash");
	if (cert != issuer)
		extend(cert->x509, &context, NID_authority_key_identifier, "keyid");
	if (cert->names)
		extend(cert->x509, &context, NID_subject_alt_name, cert->names);
	if (cert->purpose == AUTHORITY) {
		extend(cert->x509, &context, NID_basic_constraints, "critical,CA:TRUE");
		extend(cert->x509, &context, NID_key_usage,
		       "critical,keyCertSign,cRLSign,digitalSignature");
		return;
	}
	extend(cert->x509, &context, NID_basic_constraints, "critical,CA:FALSE");
	/* keyEncipherment: for RSA key exchange. */
	extend(cert->x509, &context, NID_key_usage, "critical,digitalSignature,keyEncipherment");
	extend(cert->x509, &context, NID_ext_key_usage,
	       cert->purpose == CLIENT ? "clientAuth" : "serverAuth");
}

static void make_cert(struct cert *cert)
{
	const struct cert *issuer = find(cert->issuer);
	const EVP_MD *digest;
	X509_NAME *subject;

	make_key(cert);
	cert->x509 = X509_new();
	must(cert->x509 && X509_set_version(cert->x509, V3), "certificate");
	subject = X509_get_subject_name(cert->x509);
	must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
					(const unsigned char *)cert->name, -1, -1, 0), "name");
	ASN1_INTEGER_set(X509_get_serialNumber(cert->x509), cert - certs + 1);
	X509_gmtime_adj(X509_getm_notBefore(cert->x509), cert->from_day * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(cert->x509), cert->to_day * DAY_S);
	must(X509_set_issuer_name(cert->x509, X509_get_subject_name(issuer->x509)), "issuer");
	must(X509_set_pubkey(cert->x509, cert->key), "public key");
	extend_all(cert, issuer);
	digest = cert->trait == SHA1_SIGNED ? EVP_sha1() : EVP_sha256();
	must(X509_sign(cert->x509, issuer->key, digest), "signature");
}

static void write_cert(const struct cert *cert)
{
	FILE *own = create(cert->name, ".pem");
	FILE *chain = create(cert->name, ".chain.pem");
	FILE *key = create(cert->name, ".key.pem");

	must(PEM_write_X509(own, cert->x509), "file");
	must(PEM_write_X509(chain, cert->x509), "file");
	if (!strcmp(cert->issuer, "intermediate"))
		must(PEM_write_X509(chain, find("intermediate")->x509), "file");
	must(PEM_write_PrivateKey(key, cert->key, NULL, NULL, 0, NULL, NULL), "file");
	fclose(own);
	fclose(chain);
	fclose(key);
}

static void write_trust(void)
{
	FILE *file = create("trust", ".pem");

	must(PEM_write_X509(file, find("root")->x509), "file");
	must(PEM_write_X509(file, find("rsa_root")->x509), "file");
	fclose(file);
}

static ASN1_TIME *make_time(int day)
{
	ASN1_TIME *when = ASN1_TIME_adj(NULL, time(NULL), day, -60);

	must(when, "time");
	return when;
}

static X509_CRL *make_crl(const struct cert *issuer)
{
	ASN1_TIME *last = make_time(0), *next = make_time(10);
	X509_CRL *crl = X509_CRL_new();

	must(crl && X509_CRL_set_version(crl, 1), "list");
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509));
	X509_CRL_set1_lastUpdate(crl, last);
	X509_CRL_set1_nextUpdate(crl, next);
	for (size_t i = 0; i < CERT_COUNT; i++) {
		X509_REVOKED *revoked;

		if (certs[i].trait != REVOKED || find(certs[i].issuer) != issuer)
			continue;
		revoked = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(certs[i].x509));
		X509_REVOKED_set_revocationDate(revoked, last);
		X509_CRL_add0_revoked(crl, revoked);
	}
	X509_CRL_sort(crl);
	must(X509_CRL_sign(crl, issuer->key, EVP_sha256()), "signature of the list");
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	return crl;
}

static void write_crls(const char *name, const char *const *issuers, size_t count)
{
	FILE *file = create(name, ".pem");

	for (size_t i = 0; i < count; i++) {
		X509_CRL *crl = make_crl(find(issuers[i]));

		must(PEM_write_X509_CRL(file, crl), "file");
		X509_CRL_free(crl);
	}
	fclose(file);
}

static void write_ocsp(const struct cert *cert, const char *suffix, int status, int from_day,
		       int to_day)
{
	const struct cert *issuer = find(cert->issuer);
	ASN1_TIME *from = make_time(from_day), *to = make_time(to_day);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), cert->x509, issuer->x509);
	FILE *file = create(cert->name, suffix);
	OCSP_RESPONSE *response;
	unsigned char *der = NULL;
	int len;

	must(OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_NOSTATUS,
				    status == V_OCSP_CERTSTATUS_REVOKED ? from : NULL, from, to),
	     "status");
	must(OCSP_basic_sign(basic, issuer->x509, issuer->key, EVP_sha256(), NULL, 0),
	     "signature of the response");
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	len = i2d_OCSP_RESPONSE(response, &der);
	must(len > 0 && fwrite(der, len, 1, file) == 1, "file");
	fclose(file);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
}

static void write_all(void)
{
	static const char *const issuers[] = { "root", "intermediate", "rsa_root" };

	for (size_t i = 0; i < CERT_COUNT; i++) {
		write_cert(&certs[i]);
		if (strcmp(certs[i].issuer, "intermediate"))
			continue;
		write_ocsp(&certs[i], ".good.der", V_OCSP_CERTSTATUS_GOOD, 0, 5);
		write_ocsp(&certs[i], ".revoked.der", V_OCSP_CERTSTATUS_REVOKED, 0, 5);
		write_ocsp(&certs[i], ".stale.der", V_OCSP_CERTSTATUS_GOOD, -10, -5);
	}
	write_trust();
	write_crls("crl", issuers, 3);
	write_crls("crl_partial", issuers, 1);
}

/**
 * pki_make() - makes all certificates and writes all files; aborts when it cannot
 */
void pki_make(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/ktlsx-pki.XXXXXX", parent ? parent : "/tmp");
	must(mkdtemp(dir), dir);
	for (size_t i = 0; i < CERT_COUNT; i++)
		make_cert(&certs[i]);
	write_all();
}

/**
 * pki_remove() - removes the folder and everything in it
 */
void pki_remove(void)
{
	DIR *listing = opendir(dir);
	struct dirent *entry;

	while (listing && (entry = readdir(listing)))
		if (unlinkat(dirfd(listing), entry->d_name, 0))
			unlinkat(dirfd(listing), entry->d_name, AT_REMOVEDIR);
	if (listing)
		closedir(listing);
	rmdir(dir);
	for (size_t i = 0; i < CERT_COUNT; i++) {
		X509_free(certs[i].x509);
		if (!certs[i].key_of)
			EVP_PKEY_free(certs[i].key);
	}
}

/**
 * pki_pin() - what ktlsx_config_add_pin() wants for a certificate
 * @name: as in pki.h
 * @sha256: out, 32 bytes: the digest of its SubjectPublicKeyInfo
 */
void pki_pin(const char *name, uint8_t *sha256)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(find(name)->key, &der);
	unsigned int digest_len;

	must(len > 0 && EVP_Digest(der, len, sha256, &digest_len, EVP_sha256(), NULL), "pin");
	OPENSSL_free(der);
}

/**
 * pki_is() - whether these bytes are that certificate
 */
bool pki_is(const char *name, const uint8_t *der, size_t der_len)
{
	unsigned char *own = NULL;
	int own_len = i2d_X509(find(name)->x509, &own);
	bool is_same = own_len > 0 && (size_t)own_len == der_len && !memcmp(own, der, der_len);

	OPENSSL_free(own);
	return is_same;
}
