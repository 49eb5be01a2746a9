// SPDX-License-Identifier: MIT
/*
 * Owns: the row "what stays after the handshake": peer chain, names, suite,
 * exporter and channel binding, each compared with what the peer says.
 * Must not know: where the library keeps it.
 * Concurrency: none.
 * Follows: RFC 5705, RFC 8446 7.5, RFC 9266.
 */
#include "../ktap.h"
#include "session.h"

#define LABEL		"EXPERIMENTAL-ktlsx"
#define EXPORT_LEN	40

FIXTURE(agreed) { struct session session; };
FIXTURE_VARIANT(agreed) { enum ktlsx_role role; enum dialect_program program; uint16_t version; };
#define BOTH(label, role, program)							\
	FIXTURE_VARIANT_ADD(agreed, tls12_##label) = { role, program, 0x0303 };		\
	FIXTURE_VARIANT_ADD(agreed, tls13_##label) = { role, program, 0x0304 }
BOTH(as_client_of_openssl, KTLSX_CLIENT, OPENSSL);
BOTH(as_client_of_gnutls, KTLSX_CLIENT, GNUTLS);
BOTH(as_server_of_openssl, KTLSX_SERVER, OPENSSL);
BOTH(as_server_of_gnutls, KTLSX_SERVER, GNUTLS);

FIXTURE_SETUP(agreed)
{
	bool is_server = variant->role == KTLSX_SERVER;
	bool is_openssl = variant->program == OPENSSL;
	struct ktlsx_config *config = is_server ? session_server_config("p256") :
						  session_client_config();
	char words[120];
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version,
		.cert = is_server ? "client" : "p256", .asks_certificate = !is_server,
		.is_chatty = is_openssl, .more = words, .alpn = "h2",
	};

	snprintf(words, sizeof(words), is_openssl ? "-keymatexport %s -keymatexportlen %u%s" :
		 "--keymatexport=%s --keymatexportsize=%u%s", LABEL, EXPORT_LEN,
		 is_server && !is_openssl ? " --verbose" : "");
	ASSERT_EQ(ktlsx_config_set_alpn(config, "h2"), 0);
	if (is_server) {
		ASSERT_EQ(ktlsx_config_set_trust(config, pki_path("trust.pem")), 0);
		ASSERT_EQ(ktlsx_config_set_client_auth(config, KTLSX_CLIENT_AUTH_REQUIRED), 0);
	} else {
		session_add_chain(config, "client");
	}
	session_open(&self->session, variant->role, config, &wish);
	session_complete(&self->session);
}

static void expect_chain(struct session *session, const char *leaf)
{
	const char *const chain[] = { leaf, "intermediate" };
	const uint8_t *der;
	size_t der_len;

	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_EQ(ktlsx_peer_certificate(session->conn, i, &der, &der_len), 0);
		EXPECT_TRUE(pki_is(chain[i], der, der_len));
	}
	EXPECT_EQ(ktlsx_peer_certificate(session->conn, 2, &der, &der_len), -ENOENT);
}

TEST_F(agreed, names_and_chain)
{
	struct ktlsx_info info;

	ASSERT_EQ(ktlsx_info(self->session.conn, &info, sizeof(info)), 0);
	EXPECT_EQ(info.version, variant->version);
	EXPECT_STREQ(info.version_name, variant->version == 0x0303 ? "TLSv1.2" : "TLSv1.3");
	EXPECT_STREQ(info.alpn, "h2");
	EXPECT_STREQ(info.server_name, "localhost");
	EXPECT_TRUE(info.has_peer_certificate);
	EXPECT_TRUE(info.is_offloaded);
	EXPECT_FALSE(info.is_resumed);
	expect_chain(&self->session, variant->role == KTLSX_SERVER ? "client" : "p256");
	session_close(&self->session);
}

/* Both suite names and the number belong together, and to what the peer says. */
TEST_F(agreed, suite)
{
	static const char *const said[] = { "Cipher is %s", "Ciphersuite: %s", "CIPHER is %s" };
	struct ktlsx_suite_info suite = { 0 };
	struct ktlsx_info info;
	bool is_said = false;
	char line[100];

	ASSERT_EQ(ktlsx_info(self->session.conn, &info, sizeof(info)), 0);
	for (unsigned int i = 0; !ktlsx_suite_info(i, &suite); i++)
		if (suite.suite == info.suite)
			break;
	EXPECT_EQ(suite.suite, info.suite);
	EXPECT_EQ(suite.version, info.version);
	EXPECT_STREQ(suite.name, info.suite_name);
	EXPECT_STREQ(suite.openssl_name, info.suite_openssl_name);
	EXPECT_EQ(suite.why_not, NULL);
	ASSERT_EQ(ktlsx_write(self->session.conn, "mark!\n", 6), 6);
	if (variant->program == OPENSSL) {
		EXPECT_TRUE(peer_await(&self->session.peer, PEER_OUT, "mark!\n"));
		for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
			snprintf(line, sizeof(line), said[i], info.suite_openssl_name);
			is_said |= !!strstr(self->session.peer.text[PEER_OUT].bytes, line);
		}
		EXPECT_TRUE(is_said);
	}
	session_close(&self->session);
}

static void to_hex(const uint8_t *bytes, size_t len, bool is_upper, char *hex)
{
	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, is_upper ? "%02X" : "%02x", bytes[i]);
}

/* gnutls-cli writes its log when it ends. */
static bool says(struct session *session, const char *text)
{
	enum peer_stream stream = PEER_OUT;

	if (session->program == GNUTLS && session->role == KTLSX_SERVER) {
		session_hang_up(session);
		EXPECT_TRUE(peer_await_end(&session->peer));
		stream = PEER_ERR;
	}
	if (peer_await(&session->peer, stream, text))
		return true;
	ktap_diag("wanted %s", text);
	session_show(session);
	return false;
}

TEST_F(agreed, exporter_is_the_peers)
{
	uint8_t bytes[EXPORT_LEN], again[EXPORT_LEN];
	char hex[2 * EXPORT_LEN + 1];

	ASSERT_EQ(ktlsx_export(self->session.conn, LABEL, NULL, 0, bytes, sizeof(bytes)), 0);
	ASSERT_EQ(ktlsx_export(self->session.conn, LABEL, (const uint8_t *)"c", 1, again,
			       sizeof(again)), 0);
	EXPECT_TRUE(memcmp(bytes, again, sizeof(bytes)));
	to_hex(bytes, sizeof(bytes), variant->program == OPENSSL, hex);
	EXPECT_TRUE(says(&self->session, hex));
	session_close(&self->session);
}

/* The context is there and empty, which TLS 1.2 tells from none (RFC 9266 2). */
TEST_F(agreed, binding)
{
	uint8_t binding[32], exported[32];
	char line[100] = "'tls-exporter': ";

	ASSERT_EQ(ktlsx_binding(self->session.conn, binding), 0);
	ASSERT_EQ(ktlsx_export(self->session.conn, "EXPORTER-Channel-Binding",
			       (const uint8_t *)"", 0, exported, sizeof(exported)), 0);
	EXPECT_MEM_EQ(binding, exported, sizeof(binding));
	to_hex(binding, sizeof(binding), false, line + strlen(line));
	if (variant->program == GNUTLS)
		EXPECT_TRUE(says(&self->session, line));
	session_close(&self->session);
}

/* Without extended master secret TLS 1.2 has no safe binding (RFC 9266 3). */
TEST(no_binding_without_extended_master_secret)
{
	struct dialect_wish wish = {
		.program = GNUTLS, .version = 0x0303, .cert = "p256",
		.priority = ":%NO_SESSION_HASH",
	};
	struct session session;
	uint8_t binding[32];

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_complete(&session);
	EXPECT_EQ(ktlsx_binding(session.conn, binding), -ENOTSUP);
	session_exchange(&session);
	session_close(&session);
}

TEST(nothing_before_the_handshake)
{
	struct dialect_wish wish = { .program = OPENSSL, .cert = "p256" };
	struct session session;
	struct ktlsx_info info;
	const uint8_t *der;
	uint8_t bytes[32];
	size_t der_len;

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_tcp(&session, "localhost");
	EXPECT_EQ(ktlsx_info(session.conn, &info, sizeof(info)), -ENOTCONN);
	EXPECT_EQ(ktlsx_peer_certificate(session.conn, 0, &der, &der_len), -ENOTCONN);
	EXPECT_EQ(ktlsx_export(session.conn, LABEL, NULL, 0, bytes, sizeof(bytes)), -ENOTCONN);
	EXPECT_EQ(ktlsx_binding(session.conn, bytes), -ENOTCONN);
	EXPECT_EQ(ktlsx_session(session.conn, bytes, sizeof(bytes)), -ENOTCONN);
	EXPECT_EQ(ktlsx_fd(session.conn), -ENOTCONN);
	EXPECT_EQ(ktlsx_read(session.conn, bytes, 1), -ENOTCONN);
	EXPECT_EQ(ktlsx_write(session.conn, bytes, 1), -ENOTCONN);
	EXPECT_EQ(ktlsx_rekey(session.conn), -ENOTCONN);
	EXPECT_EQ(ktlsx_shutdown(session.conn), -ENOTCONN);
	session_close(&session);
}

PKI_MAIN()
