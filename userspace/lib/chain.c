// SPDX-License-Identifier: MIT
/*
 * The certificate chains a config shows to its peers, their keys, and the OCSP
 * responses to staple. Must not know how peers are verified.
 * Added by the thread that builds the config, read only afterwards.
 * Spec: RFC 8446 section 4.4.2, RFC 5246 section 7.4.2, RFC 7468.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "chain.h"
#include "file.h"
#include "ocsp.h"
#include "shape.h"

/* A chain and its key between being read and being used. */
struct material {
	X509 *leaf;
	struct stack_st_X509 *issuers;
	EVP_PKEY *key;
	struct ktlsx_file staple;
};

static void material_drop(struct material *material)
{
	X509_free(material->leaf);
	sk_X509_pop_free(material->issuers, X509_free);
	EVP_PKEY_free(material->key);
	ktlsx_file_drop(&material->staple);
}

/* The end of a PEM file looks like an error, too. */
static bool is_end_of_pem(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static int parse_issuers(BIO *bio, struct material *material)
{
	X509 *cert;

	material->issuers = sk_X509_new_null();
	if (!material->issuers)
		return -ENOMEM;
	while ((cert = PEM_read_bio_X509(bio, NULL, ktlsx_file_no_password, NULL))) {
		if (!sk_X509_push(material->issuers, cert)) {
			X509_free(cert);
			return -ENOMEM;
		}
	}
	return is_end_of_pem() ? 0 : -EINVAL;
}

static int parse_chain(const struct ktlsx_file *file, struct material *material)
{
	BIO *bio = BIO_new_mem_buf(file->bytes, file->len);
	int err = -EINVAL;

	if (!bio)
		return -ENOMEM;
	material->leaf = PEM_read_bio_X509_AUX(bio, NULL, ktlsx_file_no_password, NULL);
	if (material->leaf)
		err = parse_issuers(bio, material);
	BIO_free(bio);
	return err;
}

static int read_chain(struct ktlsx_config *config, const char *path, struct material *material)
{
	struct ktlsx_file file;
	int err = ktlsx_file_read(&file, path, &config->error);

	if (err)
		return err;
	err = parse_chain(&file, material);
	ktlsx_file_drop(&file);
	if (err)
		err = ktlsx_fail_openssl(&config->error, err,
					 "%s: %s: is not a chain of certificates in PEM, the server's or client's own first",
					 path,
					 ktlsx_errno_name(err));
	return err;
}

static int read_key(struct ktlsx_config *config, const char *path, struct material *material)
{
	struct ktlsx_file file;
	int err = ktlsx_file_read(&file, path, &config->error);
	BIO *bio;

	if (err)
		return err;
	bio = BIO_new_mem_buf(file.bytes, file.len);
	if (bio)
		material->key = PEM_read_bio_PrivateKey(bio, NULL, ktlsx_file_no_password, NULL);
	BIO_free(bio);
	ktlsx_file_drop(&file);
	if (material->key)
		return 0;
	return ktlsx_fail_openssl(&config->error, bio ? -EINVAL : -ENOMEM,
				  "%s: EINVAL: is not a private key in PEM without a password",
				  path);
}

static int read_staple(struct ktlsx_config *config, const char *path, struct material *material)
{
	int err = ktlsx_file_read(&material->staple, path, &config->error);

	if (err)
		return err;
	if (ktlsx_ocsp_is_about(material->leaf, material->staple.bytes, material->staple.len))
		return 0;
	return ktlsx_fail(&config->error, -EINVAL,
			  "%s: EINVAL: is not an OCSP response (DER) about this certificate", path);
}

static bool use_material(SSL_CTX *ctx, const struct material *material)
{
	return SSL_CTX_use_cert_and_key(ctx, material->leaf, material->key, material->issuers, 0);
}

/*
 * The security level refuses signatures with SHA-1 as soon as they are loaded,
 * but only freezing can tell whether this config may have them.
 */
static int use_chain(struct ktlsx_config *config, const struct material *material, bool *is_sha1)
{
	int level = SSL_CTX_get_security_level(config->ctx);

	*is_sha1 = false;
	if (use_material(config->ctx, material))
		return 0;
	if (ERR_GET_REASON(ERR_peek_last_error()) != SSL_R_CA_MD_TOO_WEAK)
		return -EINVAL;
	SSL_CTX_set_security_level(config->ctx, 0);
	*is_sha1 = use_material(config->ctx, material);
	SSL_CTX_set_security_level(config->ctx, level);
	return *is_sha1 ? 0 : -EINVAL;
}

static int keep_chain(struct ktlsx_config *config, const char *path, struct material *material)
{
	struct ktlsx_chain *chain = calloc(1, sizeof(*chain));
	int err = chain ? use_chain(config, material, &chain->is_sha1) : -ENOMEM;

	if (err) {
		free(chain);
		return ktlsx_fail_openssl(&config->error, err,
					  "%s: %s: cannot be used: chain and key must belong together, one chain for each type of key",
					  path,
					  ktlsx_errno_name(err));
	}
	X509_up_ref(material->leaf);
	chain->leaf = material->leaf;
	chain->staple = material->staple;
	material->staple = (struct ktlsx_file){ 0 };
	chain->next = config->chains;
	config->chains = chain;
	return 0;
}

static int add_chain(struct ktlsx_config *config, const char *chain_path, const char *key_path,
		     const char *ocsp_path)
{
	struct material material = { 0 };
	int err = read_chain(config, chain_path, &material);

	if (!err)
		err = read_key(config, key_path, &material);
	if (!err && ocsp_path)
		err = read_staple(config, ocsp_path, &material);
	if (!err)
		err = keep_chain(config, chain_path, &material);
	material_drop(&material);
	return err;
}

/**
 * ktlsx_config_add_chain() - add a certificate chain and its key
 * @config: client or server
 * @chain_path: PEM file, own certificate first
 * @key_path: PEM file, not encrypted
 * @ocsp_path: server: DER file of an OCSP response to staple, or NULL
 *
 * A server may add several of different key types (RSA, ECDSA): the client's
 * signature_algorithms decide. A client sends the one that matches when a
 * server asks. The files are read once, now.
 *
 * Return: 0; -ENOENT, -EACCES, ... a file cannot be read; -EINVAL a file is not
 * what it should be, or key and certificate do not belong together, or there
 * is a chain with a key of this type; -ENOMEM; -EBUSY.
 */
int ktlsx_config_add_chain(struct ktlsx_config *config, const char *chain_path,
			   const char *key_path, const char *ocsp_path)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, add_chain(config, chain_path, key_path, ocsp_path));
}

/**
 * ktlsx_chain_freeze() - check that a config has the chains it needs
 * @config: being frozen
 *
 * Return: 0; -EINVAL a server has nothing to show, or a chain is signed with
 * SHA-1.
 */
int ktlsx_chain_freeze(struct ktlsx_config *config)
{
	if (config->role == KTLSX_SERVER && !config->chains && !config->psk && !config->branches)
		return ktlsx_fail(&config->error, -EINVAL,
				  "server: EINVAL: it has no certificate: call ktlsx_config_add_chain() or ktlsx_config_set_psk()");
	for (const struct ktlsx_chain *chain = config->chains; chain; chain = chain->next) {
		if (chain->is_sha1 && !config->may_sign_sha1)
			return ktlsx_fail(&config->error, -EINVAL,
					  "chain: EINVAL: it is signed with SHA-1: only ktlsx_config_insecure_set_sha1_server() may serve it");
	}
	return 0;
}

/**
 * ktlsx_chain_identity() - put the certificate set into a digest
 * @config: any
 * @digest: SHA-256 under way
 *
 * Return: 0; -ENOMEM.
 */
int ktlsx_chain_identity(const struct ktlsx_config *config, EVP_MD_CTX *digest)
{
	for (const struct ktlsx_chain *chain = config->chains; chain; chain = chain->next) {
		uint8_t print[KTLSX_DIGEST_LEN];

		if (!X509_digest(chain->leaf, EVP_sha256(), print, NULL) ||
		    !EVP_DigestUpdate(digest, print, sizeof(print)))
			return -ENOMEM;
	}
	return 0;
}

/**
 * ktlsx_chain_of() - the chain that a certificate is the first of
 * @config: serves the connection
 * @leaf: its certificate
 *
 * Return: the chain; NULL it is none of this config.
 */
const struct ktlsx_chain *ktlsx_chain_of(const struct ktlsx_config *config, const X509 *leaf)
{
	const struct ktlsx_chain *chain = config->chains;

	while (chain && X509_cmp(chain->leaf, leaf))
		chain = chain->next;
	return chain;
}

/**
 * ktlsx_chain_drop() - free the chains
 * @config: being freed
 */
void ktlsx_chain_drop(struct ktlsx_config *config)
{
	while (config->chains) {
		struct ktlsx_chain *chain = config->chains;

		config->chains = chain->next;
		X509_free(chain->leaf);
		ktlsx_file_drop(&chain->staple);
		free(chain);
	}
}
