// SPDX-License-Identifier: MIT
/*
 * Owns: the row "versions and groups": both TLS versions, each group, both
 * roles, HelloRetryRequest, the key exchanges that have to be asked for.
 * Must not know: how a handshake is done.
 * Concurrency: none.
 * Follows: RFC 5246, RFC 8422, RFC 8446.
 */
#include "../ktap.h"
#include "session.h"

FIXTURE(matrix) { struct session session; };
FIXTURE_VARIANT(matrix)
{
	enum ktlsx_role role;
	enum dialect_program program;
	uint16_t version;
	const char *cert, *suite, *group, *group_name;
};

/* As a handshake's result names them (IANA). */
#define P256	"P-256", "secp256r1"
#define P384	"P-384", "secp384r1"
#define P521	"P-521", "secp521r1"
#define X25519	"X25519", "x25519"

#define ROW(label, ...)	FIXTURE_VARIANT_ADD(matrix, label) = { __VA_ARGS__ }
#define PEERS(label, ...)								\
	ROW(label##_as_client_of_openssl, KTLSX_CLIENT, OPENSSL, __VA_ARGS__);		\
	ROW(label##_as_client_of_gnutls, KTLSX_CLIENT, GNUTLS, __VA_ARGS__);		\
	ROW(label##_as_server_of_openssl, KTLSX_SERVER, OPENSSL, __VA_ARGS__);		\
	ROW(label##_as_server_of_gnutls, KTLSX_SERVER, GNUTLS, __VA_ARGS__)
/* Between them the rows have every suite that the module carries. */
#define GROUPS(label, version, cert, suite1, suite2)					\
	PEERS(label##_p256, version, cert, suite1, P256);				\
	PEERS(label##_p384, version, cert, suite2, P384);				\
	PEERS(label##_p521, version, cert, suite1, P521);				\
	PEERS(label##_x25519, version, cert, suite2, X25519)

#define RSA_SUITE1	"ECDHE-RSA-AES128-GCM-SHA256"
#define RSA_SUITE2	"ECDHE-RSA-AES256-GCM-SHA384"
GROUPS(tls12_ecdhe_rsa, 0x0303, "rsa", RSA_SUITE1, RSA_SUITE2);
/* TLS 1.2: the groups a client offers are also those of certificates it takes. */
#define X25519_P256	"X25519:P-256", "x25519"
#define ECDSA_SUITE1	"ECDHE-ECDSA-AES128-GCM-SHA256"
#define ECDSA_SUITE2	"ECDHE-ECDSA-AES256-GCM-SHA384"
PEERS(tls12_ecdhe_ecdsa_p256, 0x0303, "p256", ECDSA_SUITE1, P256);
PEERS(tls12_ecdhe_ecdsa_p384, 0x0303, "p384", ECDSA_SUITE2, P384);
PEERS(tls12_ecdhe_ecdsa_p521, 0x0303, "p521", ECDSA_SUITE1, P521);
PEERS(tls12_ecdhe_ecdsa_x25519, 0x0303, "p256", ECDSA_SUITE2, X25519_P256);
GROUPS(tls13, 0x0304, "p256", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384");

FIXTURE_SETUP(matrix)
{
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version,
		.group = variant->group, .suite = variant->suite,
	};
	struct ktlsx_config *config;

	if (variant->role == KTLSX_SERVER) {
		config = session_server_config(variant->cert);
	} else {
		config = session_client_config();
		wish.cert = variant->cert;
	}
	ASSERT_EQ(ktlsx_config_set_groups(config, variant->group), 0);
	session_open(&self->session, variant->role, config, &wish);
}

TEST_F(matrix, handshake_and_data)
{
	struct ktlsx_info info;

	session_complete(&self->session);
	ASSERT_EQ(ktlsx_info(self->session.conn, &info, sizeof(info)), 0);
	EXPECT_EQ(info.version, variant->version);
	EXPECT_STREQ(info.suite_openssl_name, variant->suite);
	EXPECT_STREQ(info.group_name, variant->group_name);
	EXPECT_TRUE(info.is_offloaded);
	EXPECT_FALSE(info.is_resumed);
	session_exchange(&self->session);
	session_close(&self->session);
}

FIXTURE(retry) { struct session session; };
FIXTURE_VARIANT(retry) { enum ktlsx_role role; enum dialect_program program; };
FIXTURE_VARIANT_ADD(retry, as_client_of_openssl) = { KTLSX_CLIENT, OPENSSL };
FIXTURE_VARIANT_ADD(retry, as_client_of_gnutls) = { KTLSX_CLIENT, GNUTLS };
FIXTURE_VARIANT_ADD(retry, as_server_of_openssl) = { KTLSX_SERVER, OPENSSL };
FIXTURE_VARIANT_ADD(retry, as_server_of_gnutls) = { KTLSX_SERVER, GNUTLS };
/* The client has a share of X25519 only, the server takes P-384 only. */
FIXTURE_SETUP(retry)
{
	bool is_server = variant->role == KTLSX_SERVER;
	struct dialect_wish wish = {
		.program = variant->program, .version = 0x0304,
		.group = is_server ? "X25519:P-384" : "P-384",
		.cert = is_server ? NULL : "p256",
		.more = variant->program == GNUTLS && is_server ? "--single-key-share" : NULL,
	};
	struct ktlsx_config *config = is_server ? session_server_config("p256") :
						  session_client_config();

	ASSERT_EQ(ktlsx_config_set_groups(config, is_server ? "P-384" : "X25519:P-384"), 0);
	session_open(&self->session, variant->role, config, &wish);
}

TEST_F(retry, hello_retry_request)
{
	struct ktlsx_info info;

	session_complete(&self->session);
	ASSERT_EQ(ktlsx_info(self->session.conn, &info, sizeof(info)), 0);
	EXPECT_EQ(info.version, 0x0304);
	EXPECT_STREQ(info.group_name, "secp384r1");
	session_exchange(&self->session);
	session_close(&self->session);
}

/* Key exchanges that a config has to ask for: each refused without. */
FIXTURE(exchange) { struct session session; struct ktlsx_config *config; };
FIXTURE_VARIANT(exchange)
{
	enum ktlsx_role role;
	enum dialect_program program;
	const char *suite;
	bool is_rsa;
};

#define DHE	"DHE-RSA-AES128-GCM-SHA256", false
#define RSA	"AES256-GCM-SHA384", true
FIXTURE_VARIANT_ADD(exchange, dhe_as_client_of_openssl) = { KTLSX_CLIENT, OPENSSL, DHE };
FIXTURE_VARIANT_ADD(exchange, dhe_as_client_of_gnutls) = { KTLSX_CLIENT, GNUTLS, DHE };
FIXTURE_VARIANT_ADD(exchange, dhe_as_server_of_openssl) = { KTLSX_SERVER, OPENSSL, DHE };
FIXTURE_VARIANT_ADD(exchange, dhe_as_server_of_gnutls) = { KTLSX_SERVER, GNUTLS, DHE };
FIXTURE_VARIANT_ADD(exchange, rsa_as_client_of_openssl) = { KTLSX_CLIENT, OPENSSL, RSA };
FIXTURE_VARIANT_ADD(exchange, rsa_as_client_of_gnutls) = { KTLSX_CLIENT, GNUTLS, RSA };
FIXTURE_VARIANT_ADD(exchange, rsa_as_server_of_openssl) = { KTLSX_SERVER, OPENSSL, RSA };
FIXTURE_VARIANT_ADD(exchange, rsa_as_server_of_gnutls) = { KTLSX_SERVER, GNUTLS, RSA };
FIXTURE_SETUP(exchange)
{
	struct dialect_wish wish = {
		.program = variant->program, .version = 0x0303, .suite = variant->suite,
		.cert = variant->role == KTLSX_CLIENT ? "rsa" : NULL,
	};

	self->config = variant->role == KTLSX_SERVER ? session_server_config("rsa") :
						       session_client_config();
	session_open(&self->session, variant->role, self->config, &wish);
}

TEST_F(exchange, is_refused_by_default)
{
	int ret = session_handshake(&self->session,
				    variant->role == KTLSX_CLIENT ? "localhost" : NULL);

	EXPECT_EQ(ret, -EPROTO);
	EXPECT_TRUE(*ktlsx_error(self->session.conn));
	session_close(&self->session);
}

TEST_F(exchange, works_when_asked_for)
{
	struct ktlsx_info info;

	if (variant->is_rsa)
		ASSERT_EQ(ktlsx_config_insecure_allow_rsa_key_exchange(self->config), 0);
	else
		ASSERT_EQ(ktlsx_config_set_suites(self->config, variant->suite), 0);
	session_complete(&self->session);
	ASSERT_EQ(ktlsx_info(self->session.conn, &info, sizeof(info)), 0);
	EXPECT_STREQ(info.suite_openssl_name, variant->suite);
	session_exchange(&self->session);
	session_close(&self->session);
}

/* Naming a suite with RSA key exchange is not enough: the insecure call is. */
TEST(rsa_exchange_needs_the_insecure_call)
{
	struct ktlsx_config *config = session_server_config("rsa");

	EXPECT_NE(ktlsx_config_set_suites(config, "AES256-GCM-SHA384"), 0);
	EXPECT_TRUE(*ktlsx_config_error(config));
	ktlsx_config_free(config);
}

PKI_MAIN()
