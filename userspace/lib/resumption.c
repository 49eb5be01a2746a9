// SPDX-License-Identifier: MIT
/*
 * Who may resume which session, and how: tickets, session ids, or not at all.
 * Each session is bound to a context: a digest of the server name and of all
 * that the first handshake proved. Must not know external keys (psk.c).
 * Setters belong to the thread that builds the config, the rest to the thread
 * of the connection; OpenSSL's session cache has its own lock.
 * Spec: RFC 8446 sections 2.2 and 4.6.1, RFC 5077, RFC 6066 section 3.
 */
#include <errno.h>
#include <string.h>

#include "choice.h"
#include "shape.h"

#define TICKET_COUNT_MIN 1
#define TICKET_COUNT_MAX 8
#define STATEFUL_TICKET_COUNT 2
#define CACHE_COUNT_MAX 20000	/* sessions of a few hundred bytes each */

static unsigned int tickets_to_send(const struct ktlsx_config *config)
{
	switch (config->resume) {
	case KTLSX_RESUME_TICKETS:
		return config->ticket_count;
	case KTLSX_RESUME_SESSION_IDS:
		return STATEFUL_TICKET_COUNT;
	default:
		return 0;
	}
}

static long cache_mode(const struct ktlsx_config *config)
{
	if (config->role == KTLSX_SERVER)
		return config->caches_sessions ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF;
	return config->resume == KTLSX_RESUME_NONE ?
		       SSL_SESS_CACHE_OFF :
		       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL;
}

/* TLS 1.2, where the cache of a config that branched here could have it. */
static int never_resume(SSL *ssl, int is_forward_secure)
{
	(void)ssl;
	(void)is_forward_secure;
	return 1;
}

static int (*veto(const struct ktlsx_config *config))(SSL *ssl, int is_forward_secure)
{
	return config->resume == KTLSX_RESUME_NONE ? never_resume : NULL;
}

/**
 * ktlsx_resumption_apply() - tell the SSL_CTX how sessions are resumed
 * @config: new, or just set
 *
 * Return: 0; -ENOMEM.
 */
int ktlsx_resumption_apply(struct ktlsx_config *config)
{
	SSL_CTX *ctx = config->ctx;

	SSL_CTX_set_session_cache_mode(ctx, cache_mode(config));
	SSL_CTX_sess_set_cache_size(ctx, CACHE_COUNT_MAX);
	if (config->resume == KTLSX_RESUME_TICKETS)
		SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
	else
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	return SSL_CTX_set_num_tickets(ctx, tickets_to_send(config)) ? 0 : -ENOMEM;
}

/**
 * ktlsx_resumption_carry() - what SSL_set_SSL_CTX() leaves behind of resumption
 * @config: to serve the connection from now on
 * @ssl: has its SSL_CTX already; cache and ticket keys stay the first one's
 *
 * Return: 0; -ENOMEM.
 */
int ktlsx_resumption_carry(const struct ktlsx_config *config, SSL *ssl)
{
	SSL_clear_options(ssl, SSL_get_options(ssl));
	SSL_set_options(ssl, SSL_CTX_get_options(config->ctx));
	SSL_set_not_resumable_session_callback(ssl, veto(config));
	return SSL_set_num_tickets(ssl, tickets_to_send(config)) ? 0 : -ENOMEM;
}

static bool digest_config(const struct ktlsx_config *config, EVP_MD_CTX *digest)
{
	const uint8_t modes[] = { config->role, config->client_auth, config->is_unverified,
				  config->ocsp };

	return EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
	       EVP_DigestUpdate(digest, modes, sizeof(modes)) &&
	       EVP_DigestUpdate(digest, config->trust_digest, sizeof(config->trust_digest)) &&
	       EVP_DigestUpdate(digest, config->pins, config->pin_count * KTLSX_DIGEST_LEN);
}

static int digest_crls(const struct ktlsx_config *config, EVP_MD_CTX *digest)
{
	for (int i = 0; i < sk_X509_CRL_num(config->crls); i++) {
		const X509_CRL *crl = sk_X509_CRL_value(config->crls, i);
		uint8_t print[KTLSX_DIGEST_LEN];

		if (!X509_CRL_digest(crl, EVP_sha256(), print, NULL) ||
		    !EVP_DigestUpdate(digest, print, sizeof(print)))
			return -ENOMEM;
	}
	return 0;
}

/**
 * ktlsx_resumption_freeze() - sum up what a session of this config rests on
 * @config: being frozen, all else of it is final
 *
 * Return: 0; -ENOMEM.
 */
int ktlsx_resumption_freeze(struct ktlsx_config *config)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	int err = digest && digest_config(config, digest) ? 0 : -ENOMEM;

	if (!err)
		err = ktlsx_chain_identity(config, digest);
	if (!err)
		err = digest_crls(config, digest);
	if (!err && !EVP_DigestFinal_ex(digest, config->identity, NULL))
		err = -ENOMEM;
	EVP_MD_CTX_free(digest);
	return err;
}

/**
 * ktlsx_resumption_bind() - bind a connection's sessions to name and config
 * @config: serves the connection
 * @ssl: has not looked at a session yet
 * @server_name: as asked for, "" without
 *
 * OpenSSL puts this context into each session it makes, and resumes only one
 * that has the same.
 *
 * Return: 0; -ENOMEM.
 */
int ktlsx_resumption_bind(const struct ktlsx_config *config, SSL *ssl, const char *server_name)
{
	struct ktlsx_choice *choice = ktlsx_choice_of(ssl);
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool is_done = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
		       EVP_DigestUpdate(digest, config->identity, sizeof(config->identity)) &&
		       EVP_DigestUpdate(digest, server_name, strlen(server_name)) &&
		       EVP_DigestFinal_ex(digest, choice->context, NULL) &&
		       SSL_set_session_id_context(ssl, choice->context, sizeof(choice->context));

	EVP_MD_CTX_free(digest);
	return is_done ? 0 : -ENOMEM;
}

/**
 * ktlsx_resumption_may_use() - whether a client may try to resume a session
 * @ssl: made by ktlsx_config_ssl()
 * @session: from wherever
 *
 * A resumption verifies nothing anew: the session must come from a connection
 * to the same name, verified in the same way.
 */
bool ktlsx_resumption_may_use(const SSL *ssl, const SSL_SESSION *session)
{
	const struct ktlsx_choice *choice = ktlsx_choice_of(ssl);
	const unsigned char *context;
	unsigned int context_len;

	context = SSL_SESSION_get0_id_context(session, &context_len);
	return choice->config->resume != KTLSX_RESUME_NONE &&
	       context_len == sizeof(choice->context) &&
	       !memcmp(context, choice->context, sizeof(choice->context));
}

static int check_resumption(struct ktlsx_config *config, enum ktlsx_resume mode,
			    unsigned int ticket_count)
{
	bool is_count_right;

	switch (mode) {
	case KTLSX_RESUME_TICKETS:
		is_count_right = config->role == KTLSX_CLIENT ||
				 (ticket_count >= TICKET_COUNT_MIN &&
				  ticket_count <= TICKET_COUNT_MAX);
		break;
	case KTLSX_RESUME_SESSION_IDS:
		is_count_right = true;
		break;
	case KTLSX_RESUME_NONE:
		is_count_right = !ticket_count;
		break;
	default:
		return ktlsx_fail(&config->error, -EINVAL, "resumption: EINVAL: unknown mode %d",
				  mode);
	}
	if (is_count_right)
		return 0;
	return ktlsx_fail(&config->error, -EINVAL,
			  "resumption: EINVAL: %u tickets: a server sends %d to %d, or 0 with KTLSX_RESUME_NONE",
			  ticket_count, TICKET_COUNT_MIN, TICKET_COUNT_MAX);
}

static int set_resumption(struct ktlsx_config *config, enum ktlsx_resume mode,
			  unsigned int ticket_count)
{
	int err = check_resumption(config, mode, ticket_count);

	if (err)
		return err;
	config->resume = mode;
	config->ticket_count = ticket_count;
	config->caches_sessions = mode == KTLSX_RESUME_SESSION_IDS;
	SSL_CTX_set_not_resumable_session_callback(config->ctx, veto(config));
	return ktlsx_resumption_apply(config);
}

/**
 * ktlsx_config_set_resumption() - how later connections may resume this one
 * @config: client or server
 * @mode: default KTLSX_RESUME_TICKETS
 * @ticket_count: server, TLS 1.3: tickets after a full handshake, 1 to 8
 *	(default 2); 0 with KTLSX_RESUME_NONE; ignored with session ids, and by
 *	clients with tickets
 *
 * A session is resumed only under the same server name, by a config with the
 * same certificates, client authentication and trust store.
 *
 * Return: 0; -EINVAL unknown mode, or a count out of range; -EBUSY.
 */
int ktlsx_config_set_resumption(struct ktlsx_config *config, enum ktlsx_resume mode,
				unsigned int ticket_count)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, set_resumption(config, mode, ticket_count));
}
