// SPDX-License-Identifier: MIT
/*
 * Who the peer of one connection must be: its name, or its pinned key, or
 * anybody; and the sentence that says why it was not. Must not know where trust
 * comes from.
 * Setters belong to the thread that builds the config, the rest to the thread
 * of the connection.
 * Spec: RFC 9525, RFC 6066 section 3, RFC 7671 section 5.1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "choice.h"
#include "shape.h"

#define NAME_LEN_MAX 253
#define LABEL_LEN_MAX 63

/* TLSA 3 1 1: the server's own key, its SubjectPublicKeyInfo, SHA-256. */
#define TLSA_USAGE 3
#define TLSA_SELECTOR 1
#define TLSA_MATCHING 1

static bool is_address(const char *name)
{
	uint8_t address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* A leading dot would let OpenSSL match any host of a domain. */
static bool is_dns_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	if (!*name || strlen(name) > NAME_LEN_MAX)
		return false;
	for (;;) {
		size_t label_len = strspn(name, allowed);

		if (!label_len || label_len > LABEL_LEN_MAX)
			return false;
		if (!name[label_len])
			return true;
		if (name[label_len] != '.')
			return false;
		name += label_len + 1;
	}
}

static int expect_address(SSL *ssl, const char *name)
{
	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) ? 0 : -ENOMEM;
}

static int expect_name(SSL *ssl, const char *name)
{
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
				       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return SSL_set1_host(ssl, name) ? 0 : -ENOMEM;
}

static int expect_pins(const struct ktlsx_config *config, SSL *ssl)
{
	if (SSL_dane_enable(ssl, NULL) <= 0)
		return -ENOMEM;
	for (unsigned int i = 0; i < config->pin_count; i++) {
		if (SSL_dane_tlsa_add(ssl, TLSA_USAGE, TLSA_SELECTOR, TLSA_MATCHING,
				      config->pins[i], KTLSX_DIGEST_LEN) <= 0)
			return -ENOMEM;
	}
	return 0;
}

static int refuse_certificate(int is_ok, X509_STORE_CTX *store)
{
	(void)is_ok;
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

static int expect_nobody(const struct ktlsx_config *config, SSL *ssl, struct ktlsx_error *error)
{
	if (!config->psk)
		return ktlsx_fail(error, -EINVAL,
				  "name: EINVAL: a client must name the server it expects, unless it has a pin, a pre-shared key, or no verification");
	SSL_set_verify(ssl, SSL_VERIFY_PEER, refuse_certificate);
	return 0;
}

static int expect(const struct ktlsx_config *config, SSL *ssl, const char *name,
		  struct ktlsx_error *error)
{
	if (config->is_unverified)
		return 0;
	if (config->pin_count)
		return expect_pins(config, ssl);
	if (!name)
		return expect_nobody(config, ssl, error);
	return is_address(name) ? expect_address(ssl, name) : expect_name(ssl, name);
}

/**
 * ktlsx_trust_expect() - tell a client's SSL object who its peer must be
 * @config: frozen
 * @ssl: new
 * @name: DNS name (also sent as SNI) or address; NULL
 * @error: text of a failure
 *
 * Return: 0; -EINVAL @name is neither, or missing; -ENOMEM.
 */
int ktlsx_trust_expect(const struct ktlsx_config *config, SSL *ssl, const char *name,
		       struct ktlsx_error *error)
{
	int err;

	if (name && !is_address(name) && !is_dns_name(name))
		return ktlsx_fail(error, -EINVAL,
				  "name: EINVAL: \"%.64s\" is neither a DNS name (letters, digits, \"-\", \"_\", single dots between; others as \"xn--\") nor an address",
				  name);
	err = expect(config, ssl, name, error);
	if (err)
		return err;
	if (name && !is_address(name) && !SSL_set_tlsext_host_name(ssl, name))
		return -ENOMEM;
	return ktlsx_resumption_bind(config, ssl, name ? name : "");
}

static int add_pin(struct ktlsx_config *config, const uint8_t *sha256)
{
	int err = ktlsx_config_need_role(config, KTLSX_CLIENT, "pin");
	uint8_t (*pins)[KTLSX_DIGEST_LEN];

	if (err)
		return err;
	pins = OPENSSL_realloc(config->pins, (config->pin_count + 1) * sizeof(*pins));
	if (!pins)
		return -ENOMEM;
	memcpy(pins[config->pin_count], sha256, sizeof(*pins));
	config->pins = pins;
	config->pin_count++;
	if (SSL_CTX_dane_enable(config->ctx) <= 0)
		return -ENOMEM;
	SSL_CTX_dane_set_flags(config->ctx, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	return 0;
}

/**
 * ktlsx_config_add_pin() - accept the peer with this public key
 * @config: client
 * @sha256: 32 bytes: SHA-256 of its SubjectPublicKeyInfo; copied
 *
 * Instead of one that a trust store vouches for; may be called several times,
 * one match is enough. Name and dates are not checked then (RFC 7671 5.1).
 *
 * Return: 0; -ENOMEM; -EINVAL a server config; -EBUSY.
 */
int ktlsx_config_add_pin(struct ktlsx_config *config, const uint8_t *sha256)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, add_pin(config, sha256));
}

static int set_unverified(struct ktlsx_config *config)
{
	int err = ktlsx_config_need_role(config, KTLSX_CLIENT, "no verification");

	if (err)
		return err;
	SSL_CTX_set_verify(config->ctx, SSL_VERIFY_NONE, NULL);
	config->is_unverified = true;
	return 0;
}

/**
 * ktlsx_config_insecure_no_verify() - accept any certificate
 * @config: client
 *
 * Insecure: whoever is on the path can be the peer.
 *
 * Return: 0; -EINVAL a server config; -EBUSY.
 */
int ktlsx_config_insecure_no_verify(struct ktlsx_config *config)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, set_unverified(config));
}

static const char *result_cause(long result)
{
	switch (result) {
	case X509_V_OK:
		return NULL;
	case X509_V_ERR_DANE_NO_MATCH:
		return "its public key is none of those that are pinned";
	case X509_V_ERR_APPLICATION_VERIFICATION:
		return "it shows a certificate, but the config has a pre-shared key, no name";
	default:
		return X509_verify_cert_error_string(result);
	}
}

/**
 * ktlsx_trust_cause() - why our verification refused the peer
 * @ssl: its handshake just failed; OpenSSL's error queue still has the reason
 *
 * Return: part of a sentence, lives as long as @ssl; NULL: it failed for
 * something else.
 */
const char *ktlsx_trust_cause(const SSL *ssl)
{
	const struct ktlsx_choice *choice = ktlsx_choice_of(ssl);
	int reason = ERR_GET_REASON(ERR_peek_last_error());

	if (*choice->cause)
		return choice->cause;
	if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE)
		return NULL;
	if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		return "it sent no certificate, and the config requires one";
	return result_cause(SSL_get_verify_result(ssl));
}
