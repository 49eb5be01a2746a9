// SPDX-License-Identifier: MIT
/*
 * Owns: the row "without the module": refused by default, records in userspace
 * when the config allows it.
 * Must not know: how those records are made.
 * Concurrency: none.
 * Follows: ktlsx.h.
 */
#include "../ktap.h"
#include "../conn.h"
#include "session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#define CHUNK_LEN	5000

FIXTURE(fallback) { struct session session; struct ktlsx_config *config; };
FIXTURE_VARIANT(fallback) { enum ktlsx_role role; enum dialect_program program; uint16_t version; };
#define BOTH(label, role, program)							\
	FIXTURE_VARIANT_ADD(fallback, tls12_##label) = { role, program, 0x0303 };	\
	FIXTURE_VARIANT_ADD(fallback, tls13_##label) = { role, program, 0x0304 }
BOTH(as_client_of_openssl, KTLSX_CLIENT, OPENSSL);
BOTH(as_client_of_gnutls, KTLSX_CLIENT, GNUTLS);
BOTH(as_server_of_openssl, KTLSX_SERVER, OPENSSL);
BOTH(as_server_of_gnutls, KTLSX_SERVER, GNUTLS);

FIXTURE_SETUP(fallback)
{
	bool is_server = variant->role == KTLSX_SERVER;
	struct dialect_wish wish = {
		.program = variant->program, .version = variant->version,
		.cert = is_server ? NULL : "p256",
	};

	self->config = is_server ? session_server_config("p256") : session_client_config();
	/* As a kernel answers that has no such module. */
	kernel_fail_option(IPPROTO_TCP, TCP_ULP, ENOENT);
	session_open(&self->session, variant->role, self->config, &wish);
}

static const char *name_of(const struct fallback_variant *variant)
{
	return variant->role == KTLSX_CLIENT ? "localhost" : NULL;
}

TEST_F(fallback, is_refused_by_default)
{
	EXPECT_EQ(session_handshake(&self->session, name_of(variant)), -ENOENT);
	EXPECT_TEXT(ktlsx_error(self->session.conn), "TCP_ULP");
	EXPECT_TEXT(ktlsx_error(self->session.conn), "ENOENT");
	EXPECT_TEXT(ktlsx_error(self->session.conn), "modprobe");
	session_close(&self->session);
}

static void write_all(struct ktlsx_conn *conn, const uint8_t *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		size_t part = len - done < CHUNK_LEN ? len - done : CHUNK_LEN;
		ssize_t ret = ktlsx_write(conn, bytes + done, part);

		ASSERT_GT(ret, 0);
		done += ret;
	}
}

static void send_file(struct ktlsx_conn *conn, const uint8_t *bytes, size_t len)
{
	int file = conn_memfd(bytes, len);
	off_t off = 0;

	ASSERT_GE(file, 0);
	while ((size_t)off < len)
		ASSERT_GT(ktlsx_sendfile(conn, file, &off, len - off), 0);
	EXPECT_EQ(ktlsx_sendfile(conn, file, &off, 1), 0);
	close(file);
}

static void read_all(struct ktlsx_conn *conn, const uint8_t *bytes, size_t len)
{
	uint8_t *got = malloc(len);

	for (size_t done = 0; done < len;) {
		ssize_t ret = ktlsx_read(conn, got + done, len - done);

		ASSERT_GT(ret, 0);
		done += ret;
	}
	EXPECT_MEM_EQ(got, bytes, len);
	free(got);
}

/* Lines, because one of the peers echoes lines. */
static void fill_lines(uint8_t *bytes, size_t len)
{
	conn_fill(bytes, len, 7);
	for (size_t off = 0; off < len; off++)
		bytes[off] = off % 64 == 63 || off == len - 1 ? '\n' : 'a' + bytes[off] % 26;
}

TEST_F(fallback, carries_data_where_it_is_allowed)
{
	struct session *session = &self->session;
	uint8_t *bytes = malloc(SESSION_DATA_LEN);
	size_t half = SESSION_DATA_LEN / 2;
	struct ktlsx_info info;

	fill_lines(bytes, SESSION_DATA_LEN);
	ASSERT_EQ(ktlsx_config_allow_fallback(self->config), 0);
	session_complete(session);
	EXPECT_EQ(ktlsx_fd(session->conn), -ENOTSUP);
	ASSERT_EQ(ktlsx_info(session->conn, &info, sizeof(info)), 0);
	EXPECT_FALSE(info.is_offloaded);
	EXPECT_EQ(info.version, variant->version);
	write_all(session->conn, bytes, half);
	send_file(session->conn, bytes + half, SESSION_DATA_LEN - half);
	if (variant->program == OPENSSL || variant->role == KTLSX_SERVER) {
		EXPECT_TRUE(peer_await_len(&session->peer, PEER_OUT, SESSION_DATA_LEN));
		EXPECT_MEM_EQ(session->peer.text[PEER_OUT].bytes, bytes, SESSION_DATA_LEN);
		ASSERT_EQ(write(session->peer.in, bytes, SESSION_DATA_LEN), SESSION_DATA_LEN);
	}
	read_all(session->conn, bytes, SESSION_DATA_LEN);
	EXPECT_EQ(ktlsx_shutdown(session->conn), 0);
	EXPECT_EQ(ktlsx_write(session->conn, "x", 1), -EPIPE);
	session_close(session);
	free(bytes);
}

/* The same agreement is seen, exporter and all. */
TEST_F(fallback, agrees_on_the_same)
{
	uint8_t exported[32], binding[32];

	ASSERT_EQ(ktlsx_config_allow_fallback(self->config), 0);
	session_complete(&self->session);
	EXPECT_EQ(ktlsx_export(self->session.conn, "EXPERIMENTAL-x", NULL, 0, exported, 32), 0);
	EXPECT_EQ(ktlsx_binding(self->session.conn, binding), 0);
	EXPECT_TRUE(memcmp(exported, binding, 32));
	session_close(&self->session);
}

/* The option is for a missing module; one that is there is used. */
TEST(module_that_is_there_is_used)
{
	struct dialect_wish wish = { .program = OPENSSL, .cert = "p256" };
	struct ktlsx_config *config = session_client_config();
	struct session session;

	ASSERT_EQ(ktlsx_config_allow_fallback(config), 0);
	session_open(&session, KTLSX_CLIENT, config, &wish);
	session_complete(&session);
	EXPECT_GE(ktlsx_fd(session.conn), 0);
	session_exchange(&session);
	session_close(&session);
}

/* No simulation: the kernel itself says whether it has the module. */
TEST(the_real_kernel_decides)
{
	struct dialect_wish wish = { .program = OPENSSL, .cert = "p256" };
	bool has_module = !access("/sys/module/ktlsx", F_OK);
	struct session session;
	int ret;

	kernel_simulate(false);
	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	ret = session_handshake(&session, "localhost");
	if (has_module) {
		EXPECT_EQ(ret, 0);
		session_exchange(&session);
	} else {
		EXPECT_EQ(ret, -ENOENT);
		EXPECT_TEXT(ktlsx_error(session.conn), "modprobe");
	}
	session_close(&session);
}

PKI_MAIN()
