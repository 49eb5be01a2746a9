// SPDX-License-Identifier: MIT
/*
 * Owns: the row "resumption": session id, TLS 1.2 ticket, TLS 1.3 ticket,
 * external PSK, in both roles; and what must not be resumed.
 * Must not know: how a session is kept.
 * Concurrency: none.
 * Follows: RFC 5246 7.3, RFC 5077, RFC 8446 2.2 and 4.2.11.
 */
#include "../ktap.h"
#include "session.h"

#define PSK_IDENTITY	"sesame"
#define PSK_HEX		"00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"
#define SESSION_SIZE	16384
/* As s_client prints an empty one, up to the next line. */
#define NO_SESSION_ID	"Session-ID: %c    Session-ID-ctx"

FIXTURE(resume) { struct session session; struct dialect_wish wish; };
FIXTURE_VARIANT(resume)
{
	enum ktlsx_role role;
	enum dialect_program program;
	uint16_t version;
	enum ktlsx_resume mode;
};

#define KIND(label, version, mode)							\
	FIXTURE_VARIANT_ADD(resume, label##_as_client_of_openssl) =			\
		{ KTLSX_CLIENT, OPENSSL, version, mode };				\
	FIXTURE_VARIANT_ADD(resume, label##_as_client_of_gnutls) =			\
		{ KTLSX_CLIENT, GNUTLS, version, mode };				\
	FIXTURE_VARIANT_ADD(resume, label##_as_server_of_openssl) =			\
		{ KTLSX_SERVER, OPENSSL, version, mode };				\
	FIXTURE_VARIANT_ADD(resume, label##_as_server_of_gnutls) =			\
		{ KTLSX_SERVER, GNUTLS, version, mode }
KIND(tls12_session_id, 0x0303, KTLSX_RESUME_SESSION_IDS);
KIND(tls12_ticket, 0x0303, KTLSX_RESUME_TICKETS);
KIND(tls13_ticket, 0x0304, KTLSX_RESUME_TICKETS);

static const char *more_words(const struct resume_variant *variant)
{
	bool is_id = variant->mode == KTLSX_RESUME_SESSION_IDS;

	if (variant->role == KTLSX_CLIENT)
		return !is_id ? NULL : variant->program == OPENSSL ? "-no_ticket" : "--noticket";
	if (variant->program == OPENSSL)
		return is_id ? "-no_ticket" : NULL;
	return is_id ? "--resume --noticket" :
	       variant->version == 0x0304 ? "--resume --waitresumption" : "--resume";
}

FIXTURE_SETUP(resume)
{
	bool is_server = variant->role == KTLSX_SERVER;
	struct ktlsx_config *config = is_server ? session_server_config("p256") :
						  session_client_config();

	self->wish = (struct dialect_wish){
		.program = variant->program, .version = variant->version,
		.cert = is_server ? NULL : "p256", .more = more_words(variant),
	};
	if (is_server && variant->program == OPENSSL)
		self->wish.more = dialect_words("%s -sess_out %s",
						self->wish.more ? self->wish.more : "",
						pki_path("session"));
	if (is_server)
		ASSERT_EQ(ktlsx_config_set_resumption(config, variant->mode, 2), 0);
	session_open(&self->session, variant->role, config, &self->wish);
}

static int is_resumed(const struct session *session)
{
	struct ktlsx_info info;

	ASSERT_EQ(ktlsx_info(session->conn, &info, sizeof(info)), 0);
	return info.is_resumed;
}

/* The second run of s_client takes what the first one left. */
static void resume_openssl_client(struct session *session, struct dialect_wish *wish)
{
	session_complete(session);
	EXPECT_FALSE(is_resumed(session));
	session_exchange(session);
	wish->more = dialect_words("-sess_in %s", pki_path("session"));
	session_restart_peer(session, wish);
	session_complete(session);
}

/* gnutls-cli --resume does both connections itself. */
static void resume_gnutls_client(struct session *session)
{
	char byte;

	session_complete(session);
	EXPECT_FALSE(is_resumed(session));
	/* It says goodbye; so do we. */
	EXPECT_EQ(read(ktlsx_fd(session->conn), &byte, 1), 0);
	session_hang_up(session);
	session_complete(session);
}

static void resume_server(struct session *session)
{
	uint8_t *bytes = malloc(SESSION_SIZE);
	ssize_t len;

	session_complete(session);
	EXPECT_FALSE(is_resumed(session));
	session_exchange(session);
	len = ktlsx_session(session->conn, bytes, SESSION_SIZE);
	ASSERT_GT(len, 0);
	ASSERT_LE(len, SESSION_SIZE);
	session_come_back(session, bytes, len);
	free(bytes);
}

TEST_F(resume, second_connection)
{
	if (variant->role == KTLSX_CLIENT)
		resume_server(&self->session);
	else if (variant->program == OPENSSL)
		resume_openssl_client(&self->session, &self->wish);
	else
		resume_gnutls_client(&self->session);
	EXPECT_TRUE(is_resumed(&self->session));
	session_exchange(&self->session);
	session_close(&self->session);
}

/* A server that resumes nothing gives nothing to resume. */
FIXTURE(none) { struct session session; struct dialect_wish wish; };
FIXTURE_VARIANT(none) { uint16_t version; };
FIXTURE_VARIANT_ADD(none, tls12) = { 0x0303 };
FIXTURE_VARIANT_ADD(none, tls13) = { 0x0304 };
FIXTURE_SETUP(none)
{
	struct ktlsx_config *config = session_server_config("p256");

	ASSERT_EQ(ktlsx_config_set_resumption(config, KTLSX_RESUME_NONE, 0), 0);
	self->wish = (struct dialect_wish){
		.program = OPENSSL, .version = variant->version, .is_chatty = true,
		.more = "-ign_eof",
	};
	session_open(&self->session, KTLSX_SERVER, config, &self->wish);
}

TEST_F(none, no_ticket_and_no_id)
{
	char no_id[sizeof(NO_SESSION_ID)];

	snprintf(no_id, sizeof(no_id), NO_SESSION_ID, '\n');
	session_complete(&self->session);
	ASSERT_EQ(write(ktlsx_fd(self->session.conn), "end of data\n", 12), 12);
	EXPECT_TRUE(peer_await(&self->session.peer, PEER_OUT, "end of data"));
	EXPECT_FALSE(strstr(self->session.peer.text[PEER_OUT].bytes, "TLS session ticket:"));
	if (variant->version == 0x0303)
		EXPECT_TRUE(strstr(self->session.peer.text[PEER_OUT].bytes, no_id));
	else
		EXPECT_FALSE(strstr(self->session.peer.text[PEER_OUT].bytes,
				    "Post-Handshake New Session Ticket arrived"));
	session_close(&self->session);
}

FIXTURE(psk) { struct session session; struct ktlsx_config *config; };
FIXTURE_VARIANT(psk) { enum ktlsx_role role; enum dialect_program program; };
FIXTURE_VARIANT_ADD(psk, as_client_of_openssl) = { KTLSX_CLIENT, OPENSSL };
FIXTURE_VARIANT_ADD(psk, as_client_of_gnutls) = { KTLSX_CLIENT, GNUTLS };
FIXTURE_VARIANT_ADD(psk, as_server_of_openssl) = { KTLSX_SERVER, OPENSSL };
FIXTURE_VARIANT_ADD(psk, as_server_of_gnutls) = { KTLSX_SERVER, GNUTLS };

static const char *psk_words(enum ktlsx_role role, enum dialect_program program)
{
	FILE *file;

	if (program == OPENSSL)
		return "-psk_identity " PSK_IDENTITY " -psk " PSK_HEX;
	if (role == KTLSX_SERVER)
		return "--pskusername=" PSK_IDENTITY " --pskkey=" PSK_HEX;
	file = fopen(pki_path("psk.txt"), "w");
	ASSERT_TRUE(file);
	fprintf(file, "%s:%s\n", PSK_IDENTITY, PSK_HEX);
	fclose(file);
	return dialect_words("--pskpasswd=%s", pki_path("psk.txt"));
}

static void set_psk(struct ktlsx_config *config, uint8_t first_byte)
{
	uint8_t key[32];

	for (size_t i = 0; i < sizeof(key); i++) {
		int got = sscanf(&PSK_HEX[2 * i], "%2hhx", &key[i]);

		ASSERT_EQ(got, 1);
	}
	key[0] ^= first_byte;
	ASSERT_EQ(ktlsx_config_set_psk(config, PSK_IDENTITY, key, sizeof(key)), 0);
}

FIXTURE_SETUP(psk)
{
	struct dialect_wish wish = {
		.program = variant->program, .version = 0x0304, .trust = "",
		.suite = "TLS_AES_128_GCM_SHA256",
		.more = psk_words(variant->role, variant->program),
		.priority = ":-KX-ALL:+ECDHE-PSK:+DHE-PSK:+PSK",
	};

	ASSERT_EQ(ktlsx_config_new(&self->config, variant->role), 0);
	session_open(&self->session, variant->role, self->config, &wish);
}

TEST_F(psk, external_key)
{
	struct ktlsx_info info;
	int ret;

	set_psk(self->config, 0);
	ret = session_handshake(&self->session, NULL);
	if (ret)
		session_show(&self->session);
	ASSERT_EQ(ret, 0);
	ASSERT_EQ(ktlsx_info(self->session.conn, &info, sizeof(info)), 0);
	EXPECT_FALSE(info.has_peer_certificate);
	EXPECT_STREQ(info.suite_name, "TLS_AES_128_GCM_SHA256");
	session_exchange(&self->session);
	session_close(&self->session);
}

TEST_F(psk, wrong_key_is_refused)
{
	set_psk(self->config, 0x80);
	EXPECT_EQ(session_handshake(&self->session, NULL), -EPROTO);
	EXPECT_TRUE(*ktlsx_error(self->session.conn));
	session_close(&self->session);
}

/* Name A asks for no certificate, name B needs one: a session of A is none of B. */
FIXTURE(names) { struct session session; struct dialect_wish wish; };
FIXTURE_VARIANT(names) { uint16_t version; enum ktlsx_resume mode; };
FIXTURE_VARIANT_ADD(names, tls12_session_id) = { 0x0303, KTLSX_RESUME_SESSION_IDS };
FIXTURE_VARIANT_ADD(names, tls12_ticket) = { 0x0303, KTLSX_RESUME_TICKETS };
FIXTURE_VARIANT_ADD(names, tls13_ticket) = { 0x0304, KTLSX_RESUME_TICKETS };
FIXTURE_SETUP(names)
{
	struct ktlsx_config *config = session_server_config("p256");
	struct ktlsx_config *a = session_server_config("name_a");
	struct ktlsx_config *b = session_server_config("name_b");

	ASSERT_EQ(ktlsx_config_set_trust(b, pki_path("trust.pem")), 0);
	ASSERT_EQ(ktlsx_config_set_client_auth(b, KTLSX_CLIENT_AUTH_REQUIRED), 0);
	ASSERT_EQ(ktlsx_config_set_resumption(config, variant->mode, 2), 0);
	ASSERT_EQ(ktlsx_config_set_resumption(a, variant->mode, 2), 0);
	ASSERT_EQ(ktlsx_config_set_resumption(b, variant->mode, 2), 0);
	ASSERT_EQ(ktlsx_config_add_server(config, "a.example", NULL, a), 0);
	ASSERT_EQ(ktlsx_config_add_server(config, "b.example", NULL, b), 0);
	ktlsx_config_free(a);
	ktlsx_config_free(b);
	self->wish = (struct dialect_wish){
		.program = OPENSSL, .version = variant->version, .name = "a.example",
		.more = dialect_words("-sess_out %s", pki_path("session")),
	};
	session_open(&self->session, KTLSX_SERVER, config, &self->wish);
	session_complete(&self->session);
	session_exchange(&self->session);
	self->wish.more = dialect_words("-sess_in %s", pki_path("session"));
}

TEST_F(names, session_of_a_resumes_at_a)
{
	session_restart_peer(&self->session, &self->wish);
	session_complete(&self->session);
	EXPECT_TRUE(is_resumed(&self->session));
	session_exchange(&self->session);
	session_close(&self->session);
}

TEST_F(names, session_of_a_is_not_resumed_at_b)
{
	self->wish.name = "b.example";
	self->wish.cert = "client";
	session_restart_peer(&self->session, &self->wish);
	session_complete(&self->session);
	EXPECT_FALSE(is_resumed(&self->session));
	session_exchange(&self->session);
	session_close(&self->session);
}

TEST_F(names, session_of_a_gives_no_way_around_the_certificate_of_b)
{
	self->wish.name = "b.example";
	session_restart_peer(&self->session, &self->wish);
	EXPECT_LT(session_handshake(&self->session, NULL), 0);
	EXPECT_EQ(ktlsx_fd(self->session.conn), -ENOTCONN);
	session_close(&self->session);
}

PKI_MAIN()
