// SPDX-License-Identifier: MIT
/*
 * Owns: the two sides of a duel, made of a few words: the library's config and
 * OpenSSL's context. Must not know: sockets, what a test checks.
 * Concurrency: one thread makes and frees them.
 * Follows: ktlsx.h.
 */
#include "duel.h"

#include <stdio.h>
#include <stdlib.h>

#include "pki.h"

#define SLICE_STRIDE	23

/**
 * duel_stride() - how far apart the cases of a long row are that are tried
 * @stride: on an ordinary machine
 * Under valgrind ($KTLSX_SLICE) and in an emulator ($KTLSX_SLOW) a sample has to do.
 */
size_t duel_stride(size_t stride)
{
	return getenv("KTLSX_SLICE") || getenv("KTLSX_SLOW") ? SLICE_STRIDE : stride;
}

static void load(SSL_CTX *ctx, const char *certificate)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.chain.pem", certificate);
	duel_need(SSL_CTX_use_certificate_chain_file(ctx, pki_path(file)) > 0, "load a chain");
	snprintf(file, sizeof(file), "%s.key.pem", certificate);
	duel_need(SSL_CTX_use_PrivateKey_file(ctx, pki_path(file), SSL_FILETYPE_PEM) > 0,
		  "load a key");
}

static SSL_CTX *make_peer_ctx(const struct duel_kind *kind)
{
	bool is_server = kind->role == KTLSX_CLIENT;
	const char *own = is_server ? kind->certificate : kind->client_certificate;
	SSL_CTX *ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

	duel_need(ctx, "make an SSL_CTX");
	SSL_CTX_set_min_proto_version(ctx, kind->version);
	SSL_CTX_set_max_proto_version(ctx, kind->version);
	SSL_CTX_set_session_id_context(ctx, (const uint8_t *)"duel", 4);
	SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_KTLS);
	duel_need(SSL_CTX_load_verify_file(ctx, pki_path("trust.pem")) > 0, "load a trust store");
	if (own)
		load(ctx, own);
	if (!is_server || kind->client_certificate)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	if (kind->suites)
		duel_need(SSL_CTX_set_cipher_list(ctx, kind->suites) > 0, "set suites");
	if (kind->groups && is_server)
		duel_need(SSL_CTX_set1_groups_list(ctx, kind->groups) > 0, "set groups");
	if (is_server)
		SSL_CTX_set_dh_auto(ctx, 1);
	if (kind->fragment_mode)
		duel_need(SSL_CTX_set_tlsext_max_fragment_length(ctx, kind->fragment_mode) > 0,
			  "ask for short records");
	return ctx;
}

static void add_chain(struct ktlsx_config *config, const char *name)
{
	char chain[64], key[64], chain_path[512];

	snprintf(chain, sizeof(chain), "%s.chain.pem", name);
	snprintf(key, sizeof(key), "%s.key.pem", name);
	snprintf(chain_path, sizeof(chain_path), "%s", pki_path(chain));
	duel_need(!ktlsx_config_add_chain(config, chain_path, pki_path(key), NULL),
		  ktlsx_config_error(config));
}

static struct ktlsx_config *make_config(const struct duel_kind *kind)
{
	bool is_server = kind->role == KTLSX_SERVER;
	const char *own = is_server ? kind->certificate : kind->client_certificate;
	struct ktlsx_config *config;

	duel_need(!ktlsx_config_new(&config, kind->role), "make a config");
	if (own)
		add_chain(config, own);
	if (!is_server || kind->client_certificate)
		duel_need(!ktlsx_config_set_trust(config, pki_path("trust.pem")), "trust");
	if (is_server && kind->client_certificate)
		duel_need(!ktlsx_config_set_client_auth(config, KTLSX_CLIENT_AUTH_REQUIRED),
			  "ask for certificates");
	if (kind->suites)
		duel_need(!ktlsx_config_set_suites(config, kind->suites),
			  ktlsx_config_error(config));
	if (kind->groups && is_server)
		duel_need(!ktlsx_config_set_groups(config, kind->groups),
			  ktlsx_config_error(config));
	if (kind->may_fall_back)
		duel_need(!ktlsx_config_allow_fallback(config), "allow the fallback");
	return config;
}

/**
 * duel_sides_make() - a config of the library and a context of OpenSSL's
 * @sides: filled; for duel_sides_free()
 */
void duel_sides_make(struct duel_sides *sides, const struct duel_kind *kind)
{
	sides->role = kind->role;
	sides->config = make_config(kind);
	sides->peer = make_peer_ctx(kind);
}

void duel_sides_free(struct duel_sides *sides)
{
	ktlsx_config_free(sides->config);
	SSL_CTX_free(sides->peer);
}
