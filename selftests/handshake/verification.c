// SPDX-License-Identifier: MIT
/*
 * Owns: the row "verification": chain, name, dates, revocation list, stapled
 * OCSP response, pinned key.
 * Must not know: how a chain is verified.
 * Concurrency: none.
 * Follows: RFC 5280 6, RFC 6125, RFC 6066 8, RFC 7671 5.1.
 */
#include "../ktap.h"
#include "session.h"

enum measure { NO_CRL, CRL, CRL_PARTIAL, PIN, WRONG_PIN, NO_VERIFY };

FIXTURE(check) { struct session session; };
FIXTURE_VARIANT(check)
{
	enum dialect_program program;
	uint16_t version;
	enum measure measure;
	const char *cert, *name;
	const char *text;	/* of the refusal; NULL: accepted */
};

#define CHECK(label, ...)								\
	FIXTURE_VARIANT_ADD(check, tls12_openssl_##label) = { OPENSSL, 0x0303, __VA_ARGS__ };	\
	FIXTURE_VARIANT_ADD(check, tls13_openssl_##label) = { OPENSSL, 0x0304, __VA_ARGS__ };	\
	FIXTURE_VARIANT_ADD(check, tls13_gnutls_##label) = { GNUTLS, 0x0304, __VA_ARGS__ }
CHECK(good, NO_CRL, "p256", "localhost", NULL);
CHECK(good_address, NO_CRL, "p256", "127.0.0.1", NULL);
CHECK(good_wildcard, NO_CRL, "wild", "x.wild.example", NULL);
CHECK(unknown_ca, NO_CRL, "unknown", "localhost", "issuer");
CHECK(wrong_name, NO_CRL, "wrong_name", "localhost", "hostname");
CHECK(wrong_address, NO_CRL, "p256", "127.0.0.2", "address");
CHECK(wildcard_is_one_label, NO_CRL, "wild", "x.y.wild.example", "hostname");
CHECK(expired, NO_CRL, "expired", "localhost", "expired");
CHECK(not_yet_valid, NO_CRL, "not_yet", "localhost", "not yet valid");
CHECK(client_certificate, NO_CRL, "client", "localhost", "purpose");
CHECK(revoked_nobody_asked, NO_CRL, "revoked", "localhost", NULL);
CHECK(crl_good, CRL, "p256", "localhost", NULL);
CHECK(crl_revoked, CRL, "revoked", "localhost", "revoked");
CHECK(crl_missing, CRL_PARTIAL, "p256", "localhost", "CRL");
CHECK(pin, PIN, "unknown", "localhost", NULL);
CHECK(pin_wrong_name, PIN, "wrong_name", "localhost", NULL);
CHECK(pin_expired, PIN, "expired", "localhost", NULL);
CHECK(pin_without_name, PIN, "unknown", NULL, NULL);
CHECK(pin_wrong, WRONG_PIN, "p256", "localhost", "pin");
CHECK(no_verification, NO_VERIFY, "expired", "elsewhere.example", NULL);

static struct ktlsx_config *make_config(enum measure measure, const char *cert)
{
	struct ktlsx_config *config = session_client_config();
	uint8_t sha256[32];

	pki_pin(measure == WRONG_PIN ? "p384" : cert, sha256);
	if (measure == CRL)
		ASSERT_EQ(ktlsx_config_add_crl(config, pki_path("crl.pem")), 0);
	if (measure == CRL_PARTIAL)
		ASSERT_EQ(ktlsx_config_add_crl(config, pki_path("crl_partial.pem")), 0);
	if (measure == PIN || measure == WRONG_PIN)
		ASSERT_EQ(ktlsx_config_add_pin(config, sha256), 0);
	if (measure == NO_VERIFY)
		ASSERT_EQ(ktlsx_config_insecure_no_verify(config), 0);
	return config;
}

FIXTURE_SETUP(check)
{
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version, .cert = variant->cert,
	};

	session_open(&self->session, KTLSX_CLIENT, make_config(variant->measure, variant->cert),
		     &wish);
}

TEST_F(check, server)
{
	int ret = session_handshake(&self->session, variant->name);

	if (variant->text) {
		EXPECT_EQ(ret, -EACCES);
		EXPECT_TEXT(ktlsx_error(self->session.conn), variant->text);
		EXPECT_EQ(ktlsx_fd(self->session.conn), -ENOTCONN);
	} else {
		if (ret)
			session_show(&self->session);
		ASSERT_EQ(ret, 0);
		session_exchange(&self->session);
	}
	session_close(&self->session);
}

/* Whether a server staples, what it staples, and what the client makes of it. */
FIXTURE(ocsp) { struct session session; };
FIXTURE_VARIANT(ocsp)
{
	enum dialect_program program;
	uint16_t version;
	enum ktlsx_ocsp mode;
	const char *response;	/* NULL: none */
	bool is_accepted;
};

#define OCSP(label, ...)								\
	FIXTURE_VARIANT_ADD(ocsp, tls12_openssl_##label) = { OPENSSL, 0x0303, __VA_ARGS__ };	\
	FIXTURE_VARIANT_ADD(ocsp, tls13_openssl_##label) = { OPENSSL, 0x0304, __VA_ARGS__ };	\
	FIXTURE_VARIANT_ADD(ocsp, tls13_gnutls_##label) = { GNUTLS, 0x0304, __VA_ARGS__ }
OCSP(if_stapled_good, KTLSX_OCSP_IF_STAPLED, "p256.good.der", true);
OCSP(if_stapled_none, KTLSX_OCSP_IF_STAPLED, NULL, true);
OCSP(if_stapled_revoked, KTLSX_OCSP_IF_STAPLED, "p256.revoked.der", false);
OCSP(if_stapled_stale, KTLSX_OCSP_IF_STAPLED, "p256.stale.der", false);
OCSP(if_stapled_of_another, KTLSX_OCSP_IF_STAPLED, "p384.good.der", false);
OCSP(required_good, KTLSX_OCSP_REQUIRED, "p256.good.der", true);
OCSP(required_none, KTLSX_OCSP_REQUIRED, NULL, false);
OCSP(ignored_revoked, KTLSX_OCSP_IGNORE, "p256.revoked.der", true);

static const char *staple(enum dialect_program program, const char *response)
{
	const char *path = response ? pki_path(response) : NULL;

	if (!path)
		return NULL;
	return program == OPENSSL ? dialect_words("-status_file %s", path) :
		dialect_words("--ignore-ocsp-response-errors --ocsp-response=%s", path);
}

FIXTURE_SETUP(ocsp)
{
	struct ktlsx_config *config = session_client_config();
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version, .cert = "p256",
		.more = staple(variant->program, variant->response),
	};

	ASSERT_EQ(ktlsx_config_set_ocsp(config, variant->mode), 0);
	session_open(&self->session, KTLSX_CLIENT, config, &wish);
}

TEST_F(ocsp, stapled_by_server)
{
	if (variant->is_accepted) {
		session_complete(&self->session);
		session_exchange(&self->session);
	} else {
		EXPECT_EQ(session_handshake(&self->session, "localhost"), -EACCES);
		EXPECT_TEXT(ktlsx_error(self->session.conn), "OCSP");
	}
	session_close(&self->session);
}

/* Our own server staples, and the client says what it got. */
FIXTURE(stapling) { struct session session; };
FIXTURE_VARIANT(stapling) { enum dialect_program program; uint16_t version; };
FIXTURE_VARIANT_ADD(stapling, tls12_openssl) = { OPENSSL, 0x0303 };
FIXTURE_VARIANT_ADD(stapling, tls13_openssl) = { OPENSSL, 0x0304 };
FIXTURE_VARIANT_ADD(stapling, tls13_gnutls) = { GNUTLS, 0x0304 };
FIXTURE_SETUP(stapling)
{
	struct ktlsx_config *config = session_server_config(NULL);
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version,
		.is_chatty = variant->program == OPENSSL,
		.more = variant->program == OPENSSL ? "-status" : "--ocsp",
	};

	ASSERT_EQ(ktlsx_config_add_chain(config, pki_path("p256.chain.pem"),
					 pki_path("p256.key.pem"), pki_path("p256.good.der")), 0);
	session_open(&self->session, KTLSX_SERVER, config, &wish);
}

/* gnutls-cli writes its log when it ends. */
static void expect_told(struct session *session, const char *text)
{
	session_hang_up(session);
	EXPECT_TRUE(peer_await_end(&session->peer));
	if (!peer_await(&session->peer, PEER_ERR, text))
		session_show(session);
	EXPECT_TRUE(peer_await(&session->peer, PEER_ERR, text));
}

TEST_F(stapling, as_server)
{
	session_complete(&self->session);
	if (variant->program == OPENSSL)
		EXPECT_TRUE(peer_await(&self->session.peer, PEER_OUT, "Cert Status: good"));
	else
		expect_told(&self->session, "OCSP status request");
	session_close(&self->session);
}

/* A chain and a response that do not belong together are found out early. */
TEST(name_is_needed_to_verify)
{
	struct ktlsx_config *config = session_client_config();
	struct ktlsx_conn *conn = NULL;
	struct peer peer = { .is_reaped = false };
	int listener = peer_listen(&peer.port);
	int fd = peer_connect(&peer);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(ktlsx_conn_new(&conn, config, fd, NULL), -EINVAL);
	EXPECT_TRUE(*ktlsx_config_error(config));
	EXPECT_EQ(conn, NULL);
	ktlsx_config_free(config);
	close(fd);
	close(listener);
}

PKI_MAIN()
