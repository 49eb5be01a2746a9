// SPDX-License-Identifier: MIT
/*
 * Stapled OCSP: a server sends the response of the chain in use, a client asks
 * for one and judges it. Must not know where either was read from.
 * The callbacks run in the thread of their connection and change only its
 * choice; the rest belongs to the thread that builds the config.
 * Spec: RFC 6066 section 8, RFC 6960, RFC 8446 section 4.4.2.1.
 */
#include "ocsp.h"

#include <errno.h>
#include <openssl/ocsp.h>
#include <stdio.h>

#include "chain.h"
#include "choice.h"
#include "shape.h"

#define CLOCK_SKEW_S 300
#define AGE_MAX_S 86400		/* of a response that does not say until when it holds */

/**
 * ktlsx_ocsp_is_about() - whether an OCSP response is about a certificate
 * @leaf: the certificate
 * @der: the bytes
 * @der_len: their number
 *
 * Looks at the serial number only; whether the response is good is up to those
 * who get it.
 */
bool ktlsx_ocsp_is_about(X509 *leaf, const uint8_t *der, size_t der_len)
{
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, (long)der_len);
	OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
	bool is_about = false;

	for (int i = 0; basic && i < OCSP_resp_count(basic); i++) {
		const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic, i));
		ASN1_INTEGER *serial = NULL;

		OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)id);
		is_about |= !ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf));
	}
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	return is_about;
}

/* Server: staple what belongs to the certificate in use. */
static int send_staple(SSL *ssl, void *arg)
{
	const X509 *leaf = SSL_get_certificate(ssl);
	const struct ktlsx_chain *chain = leaf ? ktlsx_chain_of(arg, leaf) : NULL;
	uint8_t *copy;

	if (!chain || !chain->staple.len)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(chain->staple.bytes, chain->staple.len);
	if (!copy)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)chain->staple.len);
	return SSL_TLSEXT_ERR_OK;
}

static const char *judge_times(OCSP_SINGLERESP *single)
{
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
	int reason, status;

	status = OCSP_single_get0_status(single, &reason, NULL, &this_update, &next_update);
	if (!this_update || !OCSP_check_validity(this_update, next_update, CLOCK_SKEW_S,
						 next_update ? -1 : AGE_MAX_S))
		return "the stapled OCSP response is not valid at this time";
	switch (status) {
	case V_OCSP_CERTSTATUS_GOOD:
		return NULL;
	case V_OCSP_CERTSTATUS_REVOKED:
		return "the stapled OCSP response says that the certificate is revoked";
	default:
		return "the stapled OCSP response does not know the certificate";
	}
}

/* The responder chooses the hash that names the certificate. */
static bool is_single_about(OCSP_SINGLERESP *single, X509 *leaf, X509 *issuer)
{
	OCSP_CERTID *id = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single);
	ASN1_OBJECT *hash = NULL;
	const EVP_MD *digest;
	OCSP_CERTID *ours;
	bool is_about;

	OCSP_id_get0_info(NULL, &hash, NULL, NULL, id);
	digest = hash ? EVP_get_digestbyobj(hash) : NULL;
	ours = digest ? OCSP_cert_to_id(digest, leaf, issuer) : NULL;
	is_about = ours && !OCSP_id_cmp(ours, id);
	OCSP_CERTID_free(ours);
	return is_about;
}

static const char *judge_content(SSL *ssl, OCSP_BASICRESP *basic)
{
	struct stack_st_X509 *chain = SSL_get0_verified_chain(ssl);
	X509 *leaf, *issuer;

	if (sk_X509_num(chain) < 1)
		return "there is no verified chain that the stapled OCSP response could belong to";
	leaf = sk_X509_value(chain, 0);
	issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);
	if (OCSP_basic_verify(basic, chain, SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), 0) <= 0)
		return "the stapled OCSP response is not signed by somebody who may";
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);

		if (is_single_about(single, leaf, issuer))
			return judge_times(single);
	}
	return "the stapled OCSP response is about another certificate";
}

static const char *judge_staple(SSL *ssl, const uint8_t *der, long der_len)
{
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, der_len);
	OCSP_BASICRESP *basic = NULL;
	const char *cause;

	if (response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(response);
	cause = basic ? judge_content(ssl, basic) : "the stapled OCSP response is malformed";
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	return cause;
}

/*
 * Client: runs once the peer's chain is verified, with or without a staple. A
 * resumed session has none: it was judged when it was made.
 */
static int check_staple(SSL *ssl, void *arg)
{
	struct ktlsx_choice *choice = ktlsx_choice_of(ssl);
	const struct ktlsx_config *config = arg;
	const unsigned char *der = NULL;
	const char *cause = NULL;
	long der_len;

	if (SSL_session_reused(ssl))
		return 1;
	der_len = SSL_get_tlsext_status_ocsp_resp(ssl, &der);
	if (der && der_len > 0)
		cause = judge_staple(ssl, der, der_len);
	else if (config->ocsp == KTLSX_OCSP_REQUIRED)
		cause = "the server stapled no OCSP response, and the config requires one";
	if (!cause)
		return 1;
	snprintf(choice->cause, sizeof(choice->cause), "%s", cause);
	return 0;
}

/**
 * ktlsx_ocsp_freeze() - put stapling into force
 * @config: being frozen
 *
 * Return: 0; -EINVAL a client cannot judge responses for want of a trust store.
 */
int ktlsx_ocsp_freeze(struct ktlsx_config *config)
{
	if (config->role == KTLSX_SERVER) {
		SSL_CTX_set_tlsext_status_cb(config->ctx, send_staple);
		SSL_CTX_set_tlsext_status_arg(config->ctx, config);
		return 0;
	}
	if (config->ocsp == KTLSX_OCSP_IGNORE)
		return 0;
	if (config->is_unverified || config->pin_count)
		return ktlsx_fail(&config->error, -EINVAL,
				  "OCSP: EINVAL: a response is judged by a trust store, which pins or no verification replace: leave one of the two out");
	SSL_CTX_set_tlsext_status_type(config->ctx, TLSEXT_STATUSTYPE_ocsp);
	SSL_CTX_set_tlsext_status_cb(config->ctx, check_staple);
	SSL_CTX_set_tlsext_status_arg(config->ctx, config);
	return 0;
}

static int set_ocsp(struct ktlsx_config *config, enum ktlsx_ocsp mode)
{
	int err = ktlsx_config_need_role(config, KTLSX_CLIENT, "OCSP");

	if (err)
		return err;
	if (mode != KTLSX_OCSP_IGNORE && mode != KTLSX_OCSP_IF_STAPLED &&
	    mode != KTLSX_OCSP_REQUIRED)
		return ktlsx_fail(&config->error, -EINVAL, "OCSP: EINVAL: unknown mode %d", mode);
	config->ocsp = mode;
	return 0;
}

/**
 * ktlsx_config_set_ocsp() - whether a stapled OCSP response is asked for and needed
 * @config: client
 * @mode: default KTLSX_OCSP_IGNORE
 *
 * Return: 0; -EINVAL unknown mode, or a server config; -EBUSY.
 */
int ktlsx_config_set_ocsp(struct ktlsx_config *config, enum ktlsx_ocsp mode)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, set_ocsp(config, mode));
}
