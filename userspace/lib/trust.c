// SPDX-License-Identifier: MIT
/*
 * Who may sign the peer's chain: trust store, revocation lists, client
 * authentication. Must not know names and pins (peer.c) nor OCSP (ocsp.c).
 * Setters belong to the thread that builds the config; the rest reads only.
 * Spec: RFC 5280, RFC 8446 section 4.3.2.
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "shape.h"

#define SYSTEM_STORE "the system's"
#define CA_NAME_COUNT_MAX 100	/* more would only swell each hello: then none is sent */
#define HASHED_NAME_LEN 8

static int store_cert(X509_STORE *store, struct stack_st_X509_NAME *names, X509 *cert)
{
	X509_NAME *name = X509_NAME_dup(X509_get_subject_name(cert));

	if (!name || !X509_STORE_add_cert(store, cert) || !sk_X509_NAME_push(names, name)) {
		X509_NAME_free(name);
		return -ENOMEM;
	}
	return 0;
}

/* Returns the number of certificates, or -errno. */
static int parse_store(const struct ktlsx_file *file, X509_STORE *store,
		       struct stack_st_X509_NAME *names)
{
	BIO *bio = BIO_new_mem_buf(file->bytes, file->len);
	int count = 0, err = bio ? 0 : -ENOMEM;
	X509 *cert;

	while (!err && (cert = PEM_read_bio_X509_AUX(bio, NULL, ktlsx_file_no_password, NULL))) {
		err = store_cert(store, names, cert);
		X509_free(cert);
		count++;
	}
	if (!err && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		err = -EINVAL;
	BIO_free(bio);
	return err ? err : count;
}

static int load_file(struct ktlsx_config *config, const char *path, X509_STORE *store,
		     struct stack_st_X509_NAME *names)
{
	struct ktlsx_file file;
	int err = ktlsx_file_read(&file, path, &config->error);
	int count;

	if (err)
		return err;
	count = parse_store(&file, store, names);
	if (!EVP_Digest(file.bytes, file.len, config->trust_digest, NULL, EVP_sha256(), NULL))
		count = -ENOMEM;
	ktlsx_file_drop(&file);
	if (count > 0)
		return 0;
	return ktlsx_fail_openssl(&config->error, count ? count : -EINVAL,
				  "trust store %s: EINVAL: has no certificates in PEM", path);
}

/* Names as "openssl rehash" makes them: eight digits, a dot, a number. */
static int count_hashed(DIR *dir)
{
	const struct dirent *entry;
	int count = 0;

	while ((entry = readdir(dir)))
		count += strspn(entry->d_name, "0123456789abcdef") == HASHED_NAME_LEN &&
			 entry->d_name[HASHED_NAME_LEN] == '.';
	return count;
}

static int load_dir(struct ktlsx_config *config, const char *path, X509_STORE *store,
		    struct stack_st_X509_NAME *names)
{
	DIR *dir = opendir(path);
	int count = dir ? count_hashed(dir) : -errno;

	if (dir)
		closedir(dir);
	if (count < 0)
		return ktlsx_fail(&config->error, count, "trust store %s: %s: cannot be read", path,
				  ktlsx_errno_name(count));
	if (!count)
		return ktlsx_fail(&config->error, -EINVAL,
				  "trust store %s: EINVAL: has no certificate under a hashed name: run \"openssl rehash\" on it",
				  path);
	if (!X509_STORE_load_path(store, path) ||
	    !EVP_Digest(path, strlen(path), config->trust_digest, NULL, EVP_sha256(), NULL))
		return -ENOMEM;
	if (config->role == KTLSX_SERVER && count <= CA_NAME_COUNT_MAX)
		SSL_add_dir_cert_subjects_to_stack(names, path);
	return 0;
}

static int load_system(struct ktlsx_config *config, X509_STORE *store)
{
	if (!X509_STORE_set_default_paths(store) ||
	    !EVP_Digest(SYSTEM_STORE, strlen(SYSTEM_STORE), config->trust_digest, NULL,
			EVP_sha256(), NULL))
		return -ENOMEM;
	return 0;
}

static int load_store(struct ktlsx_config *config, const char *path, X509_STORE *store,
		      struct stack_st_X509_NAME *names)
{
	struct stat stat_buf;

	if (!path)
		return load_system(config, store);
	if (!stat(path, &stat_buf) && S_ISDIR(stat_buf.st_mode))
		return load_dir(config, path, store, names);
	return load_file(config, path, store, names);
}

/* Takes both arguments over. */
static void use_store(struct ktlsx_config *config, X509_STORE *store,
		      struct stack_st_X509_NAME *names)
{
	SSL_CTX_set_cert_store(config->ctx, store);
	config->has_trust = true;
	if (sk_X509_NAME_num(names) > CA_NAME_COUNT_MAX) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		names = NULL;
	}
	SSL_CTX_set_client_CA_list(config->ctx, names);
}

static int set_trust(struct ktlsx_config *config, const char *path)
{
	X509_STORE *store = X509_STORE_new();
	struct stack_st_X509_NAME *names = sk_X509_NAME_new_null();
	int err = store && names ? load_store(config, path, store, names) : -ENOMEM;

	if (!err) {
		use_store(config, store, names);
		return 0;
	}
	X509_STORE_free(store);
	sk_X509_NAME_pop_free(names, X509_NAME_free);
	return err;
}

/**
 * ktlsx_config_set_trust() - choose the trust store
 * @config: client or server
 * @path: PEM file, or folder with hashed names; NULL: the system's
 *
 * Who may sign the peer's chain. For a client the default is the system's; a
 * server that asks for certificates must set one. A later call replaces it. A
 * file is read once, now; a folder when certificates are looked for.
 *
 * Return: 0; -errno of reading; -EINVAL no certificate in it; -ENOMEM; -EBUSY.
 */
int ktlsx_config_set_trust(struct ktlsx_config *config, const char *path)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, set_trust(config, path));
}

static int parse_crls(const struct ktlsx_file *file, struct stack_st_X509_CRL *crls)
{
	BIO *bio = BIO_new_mem_buf(file->bytes, file->len);
	int count = 0, err = bio ? 0 : -ENOMEM;
	X509_CRL *crl;

	while (!err && (crl = PEM_read_bio_X509_CRL(bio, NULL, ktlsx_file_no_password, NULL))) {
		if (!sk_X509_CRL_push(crls, crl)) {
			X509_CRL_free(crl);
			err = -ENOMEM;
		}
		count++;
	}
	if (!err && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		err = -EINVAL;
	BIO_free(bio);
	return err ? err : count;
}

static int add_crl(struct ktlsx_config *config, const char *path)
{
	struct ktlsx_file file;
	int err = ktlsx_file_read(&file, path, &config->error);
	int count;

	if (err)
		return err;
	if (!config->crls)
		config->crls = sk_X509_CRL_new_null();
	count = config->crls ? parse_crls(&file, config->crls) : -ENOMEM;
	ktlsx_file_drop(&file);
	if (count > 0)
		return 0;
	return ktlsx_fail_openssl(&config->error, count ? count : -EINVAL,
				  "%s: EINVAL: is not a revocation list in PEM", path);
}

/**
 * ktlsx_config_add_crl() - add a revocation list
 * @config: client, or server that asks for certificates
 * @path: PEM file, one list or several; read once, now
 *
 * From then on every certificate of a chain is checked, and one without a
 * current list of its issuer is refused.
 *
 * Return: 0; -errno of reading; -EINVAL no list in it; -ENOMEM; -EBUSY.
 */
int ktlsx_config_add_crl(struct ktlsx_config *config, const char *path)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, add_crl(config, path));
}

static int set_client_auth(struct ktlsx_config *config, enum ktlsx_client_auth mode)
{
	int err = ktlsx_config_need_role(config, KTLSX_SERVER, "client authentication");

	if (err)
		return err;
	if (mode != KTLSX_CLIENT_AUTH_NONE && mode != KTLSX_CLIENT_AUTH_OPTIONAL &&
	    mode != KTLSX_CLIENT_AUTH_REQUIRED)
		return ktlsx_fail(&config->error, -EINVAL,
				  "client authentication: EINVAL: unknown mode %d", mode);
	config->client_auth = mode;
	return 0;
}

/**
 * ktlsx_config_set_client_auth() - ask clients for a certificate
 * @config: server; needs a trust store, too
 * @mode: default KTLSX_CLIENT_AUTH_NONE
 *
 * Return: 0; -EINVAL unknown mode, or a client config; -EBUSY.
 */
int ktlsx_config_set_client_auth(struct ktlsx_config *config, enum ktlsx_client_auth mode)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, set_client_auth(config, mode));
}

static int use_crls(struct ktlsx_config *config)
{
	X509_STORE *store = SSL_CTX_get_cert_store(config->ctx);

	for (int i = 0; i < sk_X509_CRL_num(config->crls); i++) {
		if (!X509_STORE_add_crl(store, sk_X509_CRL_value(config->crls, i)))
			return -ENOMEM;
	}
	if (config->crls &&
	    !X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(config->ctx),
					 X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
		return -ENOMEM;
	return 0;
}

static int freeze_server(struct ktlsx_config *config)
{
	static const int modes[] = {
		[KTLSX_CLIENT_AUTH_NONE] = SSL_VERIFY_NONE,
		[KTLSX_CLIENT_AUTH_OPTIONAL] = SSL_VERIFY_PEER,
		[KTLSX_CLIENT_AUTH_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};

	if (config->client_auth != KTLSX_CLIENT_AUTH_NONE && !config->has_trust)
		return ktlsx_fail(&config->error, -EINVAL,
				  "client authentication: EINVAL: nobody is trusted to sign clients' certificates: call ktlsx_config_set_trust()");
	if (config->client_auth == KTLSX_CLIENT_AUTH_REQUIRED && config->psk)
		return ktlsx_fail(&config->error, -EINVAL,
				  "client authentication: EINVAL: a client with a pre-shared key sends no certificate: use another config for one of the two");
	SSL_CTX_set_verify(config->ctx, modes[config->client_auth], NULL);
	return 0;
}

static int freeze_client(struct ktlsx_config *config)
{
	if (config->pin_count && (config->is_unverified || config->crls))
		return ktlsx_fail(&config->error, -EINVAL,
				  "pins: EINVAL: a pinned key stands for itself, neither revocation lists nor no verification go with it: leave one of the two out");
	if (config->has_trust || config->pin_count || config->is_unverified)
		return 0;
	return set_trust(config, NULL);
}

/**
 * ktlsx_trust_freeze() - put trust store and lists into force
 * @config: being frozen
 *
 * Return: 0; -EINVAL something is missing or contradicts; -ENOMEM.
 */
int ktlsx_trust_freeze(struct ktlsx_config *config)
{
	int err = config->role == KTLSX_SERVER ? freeze_server(config) : freeze_client(config);

	return err ? err : use_crls(config);
}

/**
 * ktlsx_trust_carry() - what SSL_set_SSL_CTX() leaves behind of verification
 * @config: to serve the connection from now on
 * @ssl: has its SSL_CTX, and with it store and list of CAs, already
 *
 * Return: 0; -ENOMEM.
 */
int ktlsx_trust_carry(const struct ktlsx_config *config, SSL *ssl)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	SSL_set_verify(ssl, SSL_CTX_get_verify_mode(config->ctx), NULL);
	X509_VERIFY_PARAM_clear_flags(param, X509_VERIFY_PARAM_get_flags(param));
	return X509_VERIFY_PARAM_set1(param, SSL_CTX_get0_param(config->ctx)) ? 0 : -ENOMEM;
}

/**
 * ktlsx_trust_drop() - free what trust.c and peer.c keep
 * @config: being freed
 */
void ktlsx_trust_drop(struct ktlsx_config *config)
{
	sk_X509_CRL_pop_free(config->crls, X509_CRL_free);
	OPENSSL_free(config->pins);
}
