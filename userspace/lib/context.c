// SPDX-License-Identifier: MIT
/*
 * The SSL_CTX of a config, and the SSL objects made of it. A fresh SSL_CTX
 * carries what the system's openssl.cnf says: everything that could weaken or
 * disturb us is set anew here. Must not know what the user chose.
 * A context is made with its config; SSL objects by any thread, once the config
 * is frozen.
 * Spec: SSL_CTX_new(3), SSL_CTX_set_options(3), config(5) "SSL Configuration".
 */
#include <errno.h>
#include <openssl/err.h>

#include "choice.h"
#include "conn.h"
#include "handshake.h"
#include "shape.h"

#ifndef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
#define SSL_OP_NO_TX_CERTIFICATE_COMPRESSION 0
#define SSL_OP_NO_RX_CERTIFICATE_COMPRESSION 0
#endif

/* The only options in force; SSL_OP_ENABLE_KTLS above all is not among them. */
#define OPTIONS (SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |			\
		 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_ENABLE_MIDDLEBOX_COMPAT |	\
		 SSL_OP_NO_TX_CERTIFICATE_COMPRESSION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION)

#define MODES (SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |	\
	       SSL_MODE_AUTO_RETRY | SSL_MODE_NO_AUTO_CHAIN)

#define FRAGMENT_LEN 16384

/* A name that was asked for is acknowledged (RFC 6066 section 3), and kept with the session. */
static int acknowledge_name(SSL *ssl, int *alert, void *arg)
{
	(void)alert;
	(void)arg;
	return *ktlsx_choice_server_name(ssl) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static void set_callbacks(struct ktlsx_config *config)
{
	SSL_CTX *ctx = config->ctx;

	SSL_CTX_set_keylog_callback(ctx, ktlsx_handshake_keylog);
	if (config->role == KTLSX_CLIENT) {
		SSL_CTX_sess_set_new_cb(ctx, ktlsx_ticket_new_session);
		return;
	}
	SSL_CTX_set_client_hello_cb(ctx, ktlsx_branch_on_hello, config);
	SSL_CTX_set_tlsext_servername_callback(ctx, acknowledge_name);
}

static bool reset_context(SSL_CTX *ctx)
{
	SSL_CTX_clear_options(ctx, SSL_CTX_get_options(ctx));
	SSL_CTX_set_options(ctx, OPTIONS);
	SSL_CTX_clear_mode(ctx, SSL_CTX_get_mode(ctx));
	SSL_CTX_set_mode(ctx, MODES);
	SSL_CTX_set_read_ahead(ctx, 0);
	SSL_CTX_set_quiet_shutdown(ctx, 0);
	SSL_CTX_set_post_handshake_auth(ctx, 0);
	if (SSL_CTX_get_security_level(ctx) < 1)
		SSL_CTX_set_security_level(ctx, 1);
	return SSL_CTX_set_max_early_data(ctx, 0) && SSL_CTX_set_recv_max_early_data(ctx, 0) &&
	       SSL_CTX_set_block_padding(ctx, 0) && SSL_CTX_set_max_pipelines(ctx, 1) &&
	       SSL_CTX_set_max_send_fragment(ctx, FRAGMENT_LEN) &&
	       SSL_CTX_set_split_send_fragment(ctx, FRAGMENT_LEN);
}

/**
 * ktlsx_context_new() - make the SSL_CTX of a new config
 * @config: its role is set
 *
 * Return: 0; -ENOMEM, also when OpenSSL cannot be used at all.
 */
int ktlsx_context_new(struct ktlsx_config *config)
{
	bool is_client = config->role == KTLSX_CLIENT;
	SSL_CTX *ctx = SSL_CTX_new(is_client ? TLS_client_method() : TLS_server_method());

	if (!ctx)
		return -ENOMEM;
	config->ctx = ctx;
	if (!reset_context(ctx) ||
	    (is_client &&
	     !SSL_CTX_set_tlsext_max_fragment_length(ctx, TLSEXT_max_fragment_length_DISABLED)))
		return -ENOMEM;
	SSL_CTX_set_verify(ctx, is_client ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	set_callbacks(config);
	return ktlsx_resumption_apply(config);
}

static int shape_ssl(struct ktlsx_config *config, const char *name, SSL *ssl,
		     struct ktlsx_error *error)
{
	int err = ktlsx_choice_attach(ssl, config);

	if (err)
		return err;
	ktlsx_psk_carry(config, ssl);
	if (config->role == KTLSX_CLIENT) {
		SSL_set_connect_state(ssl);
		return ktlsx_trust_expect(config, ssl, name, error);
	}
	SSL_set_accept_state(ssl);
	if (name)
		return ktlsx_fail(error, -EINVAL,
				  "name: EINVAL: a server expects no name of its peer: pass NULL");
	return 0;
}

/**
 * ktlsx_config_ssl() - make the SSL object of a connection
 * @config: is frozen by this; may be shared by threads
 * @name: client: DNS name or address of the server, or NULL; server: NULL
 * @ssl: out; to be freed before the reference to @config is dropped; NULL on
 *	error. BIOs and app data are the caller's to set.
 * @error: text of a failure; NULL is fine
 *
 * Return: 0; -EINVAL @name is wrong, or missing, or @config lacks something;
 * -ENOMEM.
 */
int ktlsx_config_ssl(struct ktlsx_config *config, const char *name, SSL **ssl,
		     struct ktlsx_error *error)
{
	int err = ktlsx_config_freeze(config, error);

	*ssl = NULL;
	if (err)
		return err;
	ERR_set_mark();
	*ssl = SSL_new(config->ctx);
	err = *ssl ? shape_ssl(config, name, *ssl, error) : -ENOMEM;
	ERR_pop_to_mark();
	if (err == -ENOMEM)
		ktlsx_fail(error, err, "connection: ENOMEM: no memory for its TLS state");
	if (err) {
		SSL_free(*ssl);
		*ssl = NULL;
	}
	return err;
}
