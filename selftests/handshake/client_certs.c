// SPDX-License-Identifier: MIT
/*
 * Owns: the row "client certificates": none, optional, required; good and bad
 * ones; in both roles and versions.
 * Must not know: how a chain is verified.
 * Concurrency: none.
 * Follows: RFC 5246 7.4.6, RFC 8446 4.4.2.
 */
#include "../ktap.h"
#include "session.h"

/* A server of ours judges the client. */
FIXTURE(judge) { struct session session; };
FIXTURE_VARIANT(judge)
{
	enum dialect_program program;
	uint16_t version;
	enum ktlsx_client_auth mode;
	const char *cert;
	bool is_welcome;
	const char *alert;	/* what the client is told, as OpenSSL spells it */
};

#define JUDGE(label, mode, cert, is_welcome, alert)					\
	FIXTURE_VARIANT_ADD(judge, tls12_openssl_##label) =				\
		{ OPENSSL, 0x0303, mode, cert, is_welcome, alert };			\
	FIXTURE_VARIANT_ADD(judge, tls13_openssl_##label) =				\
		{ OPENSSL, 0x0304, mode, cert, is_welcome, alert };			\
	FIXTURE_VARIANT_ADD(judge, tls12_gnutls_##label) =				\
		{ GNUTLS, 0x0303, mode, cert, is_welcome, NULL };			\
	FIXTURE_VARIANT_ADD(judge, tls13_gnutls_##label) =				\
		{ GNUTLS, 0x0304, mode, cert, is_welcome, NULL }
#define OPTIONAL	KTLSX_CLIENT_AUTH_OPTIONAL
#define REQUIRED	KTLSX_CLIENT_AUTH_REQUIRED
JUDGE(not_asked, KTLSX_CLIENT_AUTH_NONE, "client", true, NULL);
JUDGE(optional_none, OPTIONAL, NULL, true, NULL);
JUDGE(optional_good, OPTIONAL, "client", true, NULL);
JUDGE(optional_unknown_ca, OPTIONAL, "client_unknown", false, "unknown ca");
JUDGE(required_good, REQUIRED, "client", true, NULL);
JUDGE(required_rsa, REQUIRED, "client_rsa", true, NULL);
JUDGE(required_none, REQUIRED, NULL, false, NULL);
JUDGE(required_expired, REQUIRED, "client_expired", false, "certificate expired");
JUDGE(required_unknown_ca, REQUIRED, "client_unknown", false, "unknown ca");
JUDGE(required_server_certificate, REQUIRED, "p256", false, NULL);

FIXTURE_SETUP(judge)
{
	struct ktlsx_config *config = session_server_config("p256");
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version, .cert = variant->cert,
	};

	ASSERT_EQ(ktlsx_config_set_trust(config, pki_path("trust.pem")), 0);
	ASSERT_EQ(ktlsx_config_set_client_auth(config, variant->mode), 0);
	session_open(&self->session, KTLSX_SERVER, config, &wish);
}

static void expect_certificate(struct session *session, const char *cert)
{
	const uint8_t *der = NULL;
	size_t der_len = 0;
	struct ktlsx_info info;

	ASSERT_EQ(ktlsx_info(session->conn, &info, sizeof(info)), 0);
	EXPECT_EQ(info.has_peer_certificate, !!cert);
	if (!cert) {
		EXPECT_EQ(ktlsx_peer_certificate(session->conn, 0, &der, &der_len), -ENOENT);
		return;
	}
	ASSERT_EQ(ktlsx_peer_certificate(session->conn, 0, &der, &der_len), 0);
	EXPECT_TRUE(pki_is(cert, der, der_len));
}

TEST_F(judge, client)
{
	struct session *session = &self->session;
	int ret;

	if (variant->is_welcome) {
		session_complete(session);
		expect_certificate(session,
				   variant->mode == KTLSX_CLIENT_AUTH_NONE ? NULL : variant->cert);
		session_exchange(session);
		session_close(session);
		return;
	}
	ret = session_handshake(session, NULL);
	EXPECT_EQ(ret, -EACCES);
	EXPECT_TRUE(*ktlsx_error(session->conn));
	EXPECT_EQ(ktlsx_fd(session->conn), -ENOTCONN);
	if (variant->alert)
		EXPECT_TRUE(peer_await(&session->peer, PEER_ERR, variant->alert));
	session_close(session);
}

/* Servers of others judge us: in TLS 1.3 we learn it from the first read. */
FIXTURE(judged) { struct session session; };
FIXTURE_VARIANT(judged)
{
	enum dialect_program program;
	uint16_t version;
	const char *cert;
	const char *alert;	/* NULL: welcome */
};

#define JUDGED(label, cert, openssl_alert, gnutls_alert)				\
	FIXTURE_VARIANT_ADD(judged, tls12_openssl_##label) =				\
		{ OPENSSL, 0x0303, cert, openssl_alert };				\
	FIXTURE_VARIANT_ADD(judged, tls13_openssl_##label) =				\
		{ OPENSSL, 0x0304, cert, openssl_alert };				\
	FIXTURE_VARIANT_ADD(judged, tls12_gnutls_##label) =				\
		{ GNUTLS, 0x0303, cert, gnutls_alert };					\
	FIXTURE_VARIANT_ADD(judged, tls13_gnutls_##label) =				\
		{ GNUTLS, 0x0304, cert, gnutls_alert }
JUDGED(good, "client", NULL, NULL);
/* gnutls-serv has one alert for all it does not like. */
JUDGED(expired, "client_expired", "certificate_expired", "access_denied");
JUDGED(unknown_ca, "client_unknown", "unknown_ca", "access_denied");

FIXTURE_SETUP(judged)
{
	struct ktlsx_config *config = session_client_config();
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version, .cert = "p256",
		.asks_certificate = true,
	};

	if (variant->cert)
		session_add_chain(config, variant->cert);
	session_open(&self->session, KTLSX_CLIENT, config, &wish);
}

TEST_F(judged, by_server)
{
	struct session *session = &self->session;
	uint8_t byte;
	int ret;

	if (!variant->alert) {
		session_complete(session);
		session_exchange(session);
		session_close(session);
		return;
	}
	ret = session_handshake(session, "localhost");
	if (variant->version == 0x0304) {
		EXPECT_EQ(ret, 0);
		ret = ktlsx_read(session->conn, &byte, 1);
	}
	EXPECT_EQ(ret, -EPROTO);
	EXPECT_TEXT(ktlsx_error(session->conn), variant->alert);
	session_close(session);
}

/* None at all, where one is required. */
FIXTURE(lacking) { struct session session; };
FIXTURE_VARIANT(lacking) { enum dialect_program program; uint16_t version; const char *alert; };
FIXTURE_VARIANT_ADD(lacking, tls12_openssl) = { OPENSSL, 0x0303, "handshake_failure" };
FIXTURE_VARIANT_ADD(lacking, tls13_openssl) = { OPENSSL, 0x0304, "certificate_required" };
FIXTURE_VARIANT_ADD(lacking, tls12_gnutls) = { GNUTLS, 0x0303, "decode_error" };
FIXTURE_VARIANT_ADD(lacking, tls13_gnutls) = { GNUTLS, 0x0304, "certificate_required" };
FIXTURE_SETUP(lacking)
{
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version, .cert = "p256",
		.asks_certificate = true,
	};

	session_open(&self->session, KTLSX_CLIENT, session_client_config(), &wish);
}

TEST_F(lacking, certificate)
{
	uint8_t byte;
	int ret = session_handshake(&self->session, "localhost");

	if (variant->version == 0x0304) {
		EXPECT_EQ(ret, 0);
		ret = ktlsx_read(self->session.conn, &byte, 1);
	}
	EXPECT_EQ(ret, -EPROTO);
	EXPECT_TEXT(ktlsx_error(self->session.conn), variant->alert);
	session_close(&self->session);
}

/* A server that asks for certificates has to know who may sign them. */
TEST(asking_needs_a_trust_store)
{
	struct ktlsx_config *config = session_server_config("p256");
	struct ktlsx_conn *conn = NULL;
	uint16_t port;
	int listener = peer_listen(&port);
	struct peer peer = { .port = port, .is_reaped = false };
	int fd = peer_connect(&peer);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(ktlsx_config_set_client_auth(config, REQUIRED), 0);
	EXPECT_EQ(ktlsx_conn_new(&conn, config, fd, NULL), -EINVAL);
	EXPECT_EQ(conn, NULL);
	EXPECT_TRUE(*ktlsx_config_error(config));
	ktlsx_config_free(config);
	close(fd);
	close(listener);
}

PKI_MAIN()
