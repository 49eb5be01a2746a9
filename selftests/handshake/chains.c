// SPDX-License-Identifier: MIT
/*
 * Owns: the row "several chains on one server": which certificate a client
 * gets, by signature algorithms, name, protocol; SHA-1 for those alone that
 * know nothing better.
 * Must not know: how the choice is made.
 * Concurrency: none.
 * Follows: RFC 8446 4.4.2.2, RFC 6066 3, RFC 7301.
 */
#include "../ktap.h"
#include "session.h"

#define ONLY_SHA1	"-sigalgs RSA+SHA1:ECDSA+SHA1 -cipher DEFAULT@SECLEVEL=0"
#define ALSO_SHA1	"-sigalgs RSA+SHA1:RSA+SHA256:RSA-PSS+SHA256 -cipher DEFAULT@SECLEVEL=0"
#define GNUTLS_SHA1	":-SIGN-ALL:+SIGN-RSA-SHA1:%VERIFY_ALLOW_SIGN_WITH_SHA1"

/* The client says which certificate it got: gnutls-cli when it ends. */
static void expect_given(struct session *session, const char *cert)
{
	static const char *const forms[] = { "CN = %s\n", "CN=%s\n", "`CN=%s'" };
	const struct peer_text *text = &session->peer.text[PEER_ERR];
	bool is_given = false;
	char line[80];

	session_hang_up(session);
	EXPECT_TRUE(peer_await_end(&session->peer));
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(line, sizeof(line), forms[i], cert);
		is_given |= strstr(text->bytes, line) ? true : false;
	}
	if (!is_given)
		session_show(session);
	EXPECT_TRUE(is_given);
}

FIXTURE(algorithms) { struct session session; };
FIXTURE_VARIANT(algorithms) { struct dialect_wish wish; const char *cert; };
#define OPENSSL_OFFERS(v, words) { .program = OPENSSL, .version = v, .more = words }
#define GNUTLS_OFFERS(v, words) { .program = GNUTLS, .version = v, .priority = words }
FIXTURE_VARIANT_ADD(algorithms, tls13_rsa_openssl) = {
	OPENSSL_OFFERS(0x0304, "-sigalgs RSA-PSS+SHA256:RSA+SHA256"), "rsa"
};

FIXTURE_VARIANT_ADD(algorithms, tls13_ecdsa_openssl) = {
	OPENSSL_OFFERS(0x0304, "-sigalgs ECDSA+SHA256:RSA+SHA256"), "p256"
};

FIXTURE_VARIANT_ADD(algorithms, tls12_rsa_openssl) = {
	OPENSSL_OFFERS(0x0303, "-sigalgs RSA-PSS+SHA256:RSA+SHA256"), "rsa"
};

FIXTURE_VARIANT_ADD(algorithms, tls12_ecdsa_openssl) = {
	OPENSSL_OFFERS(0x0303, "-sigalgs ECDSA+SHA256"), "p256"
};

FIXTURE_VARIANT_ADD(algorithms, tls13_rsa_gnutls) = {
	GNUTLS_OFFERS(0x0304, ":-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-SHA256"), "rsa"
};

FIXTURE_VARIANT_ADD(algorithms, tls13_ecdsa_gnutls) = {
	GNUTLS_OFFERS(0x0304, ":-SIGN-ALL:+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA256"),
	 "p256"
};

FIXTURE_SETUP(algorithms)
{
	struct ktlsx_config *config = session_server_config("rsa");

	session_add_chain(config, "p256");
	session_open(&self->session, KTLSX_SERVER, config, &variant->wish);
}

TEST_F(algorithms, choose_the_chain)
{
	session_complete(&self->session);
	session_exchange(&self->session);
	expect_given(&self->session, variant->cert);
	session_close(&self->session);
}

FIXTURE(sni) { struct session session; };
FIXTURE_VARIANT(sni) { struct dialect_wish wish; const char *cert; };
#define ASKS(program_value, version_value, name_value)					\
	{ .program = program_value, .version = version_value, .name = name_value, .trust = "" }
FIXTURE_VARIANT_ADD(sni, a_openssl) = { ASKS(OPENSSL, 0x0304, "a.example"), "name_a" };
FIXTURE_VARIANT_ADD(sni, b_openssl) = { ASKS(OPENSSL, 0x0303, "b.example"), "name_b" };
FIXTURE_VARIANT_ADD(sni, a_gnutls) = { ASKS(GNUTLS, 0x0303, "a.example"), "name_a" };
FIXTURE_VARIANT_ADD(sni, b_gnutls) = { ASKS(GNUTLS, 0x0304, "b.example"), "name_b" };
FIXTURE_VARIANT_ADD(sni, capitals) = { ASKS(OPENSSL, 0x0304, "B.Example"), "name_b" };
FIXTURE_VARIANT_ADD(sni, wildcard) = { ASKS(OPENSSL, 0x0304, "x.wild.example"), "wild" };
FIXTURE_VARIANT_ADD(sni, wildcard_is_one_label) = {
	ASKS(OPENSSL, 0x0304, "x.y.wild.example"), "p256"
};

FIXTURE_VARIANT_ADD(sni, wildcard_is_a_label) = { ASKS(OPENSSL, 0x0304, "wild.example"), "p256" };
FIXTURE_VARIANT_ADD(sni, unknown_name) = { ASKS(OPENSSL, 0x0304, "c.example"), "p256" };

static void add_server(struct ktlsx_config *config, const char *name, const char *alpn,
		       const char *cert)
{
	struct ktlsx_config *other = session_server_config(cert);

	if (alpn)
		ASSERT_EQ(ktlsx_config_set_alpn(other, alpn), 0);
	ASSERT_EQ(ktlsx_config_add_server(config, name, alpn, other), 0);
	ktlsx_config_free(other);
}

FIXTURE_SETUP(sni)
{
	struct ktlsx_config *config = session_server_config("p256");

	add_server(config, "a.example", NULL, "name_a");
	add_server(config, "b.example", NULL, "name_b");
	add_server(config, "*.wild.example", NULL, "wild");
	session_open(&self->session, KTLSX_SERVER, config, &variant->wish);
}

TEST_F(sni, chooses_the_server)
{
	struct ktlsx_info info;

	session_complete(&self->session);
	ASSERT_EQ(ktlsx_info(self->session.conn, &info, sizeof(info)), 0);
	EXPECT_TRUE(info.server_name && !strcasecmp(info.server_name, variant->wish.name));
	session_exchange(&self->session);
	expect_given(&self->session, variant->cert);
	session_close(&self->session);
}

TEST(same_name_twice_is_refused)
{
	struct ktlsx_config *config = session_server_config("p256");
	struct ktlsx_config *other = session_server_config("name_a");

	ASSERT_EQ(ktlsx_config_add_server(config, "a.example", NULL, other), 0);
	EXPECT_EQ(ktlsx_config_add_server(config, "a.example", NULL, other), -EEXIST);
	EXPECT_EQ(ktlsx_config_add_server(config, NULL, NULL, other), -EINVAL);
	EXPECT_EQ(ktlsx_config_set_alpn(other, "h2"), -EBUSY);
	ktlsx_config_free(other);
	ktlsx_config_free(config);
}

FIXTURE(alpn) { struct session session; };
FIXTURE_VARIANT(alpn) { struct dialect_wish wish; const char *agreed, *cert; };
#define OFFERS(program_value, version_value, alpn_value)				\
	{ .program = program_value, .version = version_value, .alpn = alpn_value }
FIXTURE_VARIANT_ADD(alpn, servers_order) = {
	OFFERS(OPENSSL, 0x0304, "http/1.1,h2"), "h2", "p256"
};

FIXTURE_VARIANT_ADD(alpn, one) = { OFFERS(OPENSSL, 0x0303, "http/1.1"), "http/1.1", "p256" };
FIXTURE_VARIANT_ADD(alpn, one_gnutls) = { OFFERS(GNUTLS, 0x0304, "h2"), "h2", "p256" };
FIXTURE_VARIANT_ADD(alpn, none) = { OFFERS(OPENSSL, 0x0304, NULL), NULL, "p256" };
FIXTURE_VARIANT_ADD(alpn, other_server) = {
	OFFERS(OPENSSL, 0x0304, "special"), "special", "p384"
};

FIXTURE_VARIANT_ADD(alpn, other_server_tls12) = {
	OFFERS(OPENSSL, 0x0303, "h2,special"), "special", "p384"
};

FIXTURE_SETUP(alpn)
{
	struct ktlsx_config *config = session_server_config("p256");

	ASSERT_EQ(ktlsx_config_set_alpn(config, "h2,http/1.1"), 0);
	add_server(config, NULL, "special", "p384");
	session_open(&self->session, KTLSX_SERVER, config, &variant->wish);
}

/* @agreed: the protocol, or NULL for none */
static void expect_agreed(struct session *session, const char *agreed)
{
	struct ktlsx_info info;

	session_complete(session);
	ASSERT_EQ(ktlsx_info(session->conn, &info, sizeof(info)), 0);
	if (agreed)
		EXPECT_STREQ(info.alpn, agreed);
	else
		EXPECT_FALSE(info.alpn);
	session_exchange(session);
}

TEST_F(alpn, as_server)
{
	expect_agreed(&self->session, variant->agreed);
	expect_given(&self->session, variant->cert);
	session_close(&self->session);
}

TEST(alpn_without_common_protocol_is_refused)
{
	struct ktlsx_config *config = session_server_config("p256");
	struct dialect_wish wish = OFFERS(OPENSSL, 0x0304, "smtp");
	struct session session;

	ASSERT_EQ(ktlsx_config_set_alpn(config, "h2,http/1.1"), 0);
	session_open(&session, KTLSX_SERVER, config, &wish);
	EXPECT_EQ(session_handshake(&session, NULL), -EPROTO);
	EXPECT_TRUE(peer_await(&session.peer, PEER_ERR, "no application protocol"));
	session_close(&session);
}

FIXTURE(client_alpn) { struct session session; };
FIXTURE_VARIANT(client_alpn) { struct dialect_wish wish; const char *agreed; };
FIXTURE_VARIANT_ADD(client_alpn, openssl) = {
	{ .program = OPENSSL, .cert = "p256", .alpn = "http/1.1" }, "http/1.1"
};

FIXTURE_VARIANT_ADD(client_alpn, gnutls) = {
	{ .program = GNUTLS, .cert = "p256", .alpn = "http/1.1" }, "http/1.1"
};

FIXTURE_VARIANT_ADD(client_alpn, openssl_knows_none) = {
	{ .program = OPENSSL, .cert = "p256" }, NULL
};

FIXTURE_SETUP(client_alpn)
{
	struct ktlsx_config *config = session_client_config();

	ASSERT_EQ(ktlsx_config_set_alpn(config, "h2,http/1.1"), 0);
	session_open(&self->session, KTLSX_CLIENT, config, &variant->wish);
}

TEST_F(client_alpn, as_client)
{
	expect_agreed(&self->session, variant->agreed);
	session_close(&self->session);
}

/* Who offers nothing but SHA-1 gets the SHA-1 chain, if there is one. */
FIXTURE(sha1) { struct session session; };
FIXTURE_VARIANT(sha1)
{
	struct dialect_wish wish;
	bool is_allowed;
	const char *cert;	/* NULL: refused */
};

#define TLS12	.version = 0x0303
FIXTURE_VARIANT_ADD(sha1, only_sha1_openssl) = {
	{ .program = OPENSSL, TLS12, .more = ONLY_SHA1, .trust = "" }, true, "sha1"
};

FIXTURE_VARIANT_ADD(sha1, only_sha1_gnutls) = {
	{ .program = GNUTLS, TLS12, .priority = GNUTLS_SHA1, .trust = "" }, true, "sha1"
};

FIXTURE_VARIANT_ADD(sha1, also_sha1_openssl) = {
	{ .program = OPENSSL, TLS12, .more = ALSO_SHA1 }, true, "rsa"
};

FIXTURE_VARIANT_ADD(sha1, tls13_openssl) = {
	{ .program = OPENSSL, .version = 0x0304 }, true, "rsa"
};

FIXTURE_VARIANT_ADD(sha1, only_sha1_not_allowed_openssl) = {
	{ .program = OPENSSL, TLS12, .more = ONLY_SHA1, .trust = "" }, false, NULL
};

FIXTURE_VARIANT_ADD(sha1, only_sha1_not_allowed_gnutls) = {
	{ .program = GNUTLS, TLS12, .priority = GNUTLS_SHA1, .trust = "" }, false, NULL
};

FIXTURE_SETUP(sha1)
{
	struct ktlsx_config *config = session_server_config("rsa"), *other;

	if (variant->is_allowed) {
		other = session_server_config("sha1");
		ASSERT_EQ(ktlsx_config_insecure_set_sha1_server(config, other), 0);
		ktlsx_config_free(other);
	}
	session_open(&self->session, KTLSX_SERVER, config, &variant->wish);
}

TEST_F(sha1, client)
{
	if (variant->cert) {
		session_complete(&self->session);
		session_exchange(&self->session);
		expect_given(&self->session, variant->cert);
	} else {
		EXPECT_EQ(session_handshake(&self->session, NULL), -EPROTO);
		EXPECT_TRUE(*ktlsx_error(self->session.conn));
	}
	session_close(&self->session);
}

PKI_MAIN()
