// SPDX-License-Identifier: MIT
/*
 * Owns: curl against a server of ours, nginx against a client of ours: files in
 * both directions over plain descriptors.
 * Must not know: HTTP, beyond the few lines it needs.
 * Concurrency: none.
 * Follows: RFC 9112.
 */
#include "../ktap.h"
#include "../conn.h"
#include "session.h"

#include <sys/sendfile.h>
#include <sys/stat.h>

#define FILE_LEN	300001
#define HEAD_SIZE	4096

FIXTURE(web) { struct session session; uint8_t *bytes; };
FIXTURE_VARIANT(web) { uint16_t version; };
FIXTURE_VARIANT_ADD(web, tls12) = { 0x0303 };
FIXTURE_VARIANT_ADD(web, tls13) = { 0x0304 };
FIXTURE_SETUP(web)
{
	conn_netns(CONN_LO);
	memset(&self->session, 0, sizeof(self->session));
	self->session.fd = -1;
	self->session.listener = -1;
	self->bytes = malloc(FILE_LEN);
	conn_fill(self->bytes, FILE_LEN, 11);
}

static const char *tls_words(uint16_t version)
{
	return version == 0x0303 ? "--tlsv1.2 --tls-max 1.2" : "--tlsv1.3";
}

static void start_curl(struct session *session, uint16_t version, const char *more)
{
	struct peer_args args = { .count = 0 };

	session->role = KTLSX_SERVER;
	session->listener = peer_listen(&session->port);
	peer_say(&args, "curl --silent --show-error --http1.1 %s --cacert %s", tls_words(version),
		 pki_path("trust.pem"));
	if (more)
		peer_say(&args, "%s", more);
	peer_say(&args, "https://localhost:%u/file", session->port);
	peer_start(&session->peer, &args);
	session->config = session_server_config("p256");
	session_complete(session);
}

/* Reads up to the empty line that ends a head; not one byte more. */
static void read_head(int fd, char *head)
{
	size_t len = 0;

	while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4)) {
		ASSERT_LT(len, HEAD_SIZE - 1);
		ASSERT_EQ(read(fd, head + len, 1), 1);
		len++;
	}
	head[len] = '\0';
}

static void write_text(int fd, const char *text)
{
	ASSERT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

TEST_F(web, curl_gets_a_file_by_sendfile)
{
	int file = conn_memfd(self->bytes, FILE_LEN), fd;
	struct session *session = &self->session;
	char head[HEAD_SIZE];
	off_t off = 0;

	start_curl(session, variant->version, NULL);
	fd = ktlsx_fd(session->conn);
	read_head(fd, head);
	EXPECT_EQ(strncmp(head, "GET /file HTTP/1.1\r\n", 20), 0);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", FILE_LEN);
	write_text(fd, head);
	while (off < FILE_LEN)
		ASSERT_GT(sendfile(fd, file, &off, FILE_LEN - off), 0);
	EXPECT_TRUE(peer_await_end(&session->peer));
	EXPECT_EQ(session->peer.status, 0);
	ASSERT_EQ(session->peer.text[PEER_OUT].len, FILE_LEN);
	EXPECT_MEM_EQ(session->peer.text[PEER_OUT].bytes, self->bytes, FILE_LEN);
	session_close(session);
}

static void save(const char *path, const uint8_t *bytes, size_t len)
{
	FILE *file = fopen(path, "w");

	ASSERT_TRUE(file);
	ASSERT_EQ(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

TEST_F(web, curl_sends_a_file)
{
	struct session *session = &self->session;
	uint8_t *got = malloc(FILE_LEN);
	char head[HEAD_SIZE], more[300];

	save(pki_path("upload"), self->bytes, FILE_LEN);
	snprintf(more, sizeof(more), "-H Expect: --upload-file %s", pki_path("upload"));
	start_curl(session, variant->version, more);
	read_head(ktlsx_fd(session->conn), head);
	EXPECT_EQ(strncmp(head, "PUT /file HTTP/1.1\r\n", 20), 0);
	ASSERT_EQ(recv(ktlsx_fd(session->conn), got, FILE_LEN, MSG_WAITALL), FILE_LEN);
	EXPECT_MEM_EQ(got, self->bytes, FILE_LEN);
	write_text(ktlsx_fd(session->conn),
		   "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	EXPECT_TRUE(peer_await_end(&session->peer));
	EXPECT_EQ(session->peer.status, 0);
	session_close(session);
	free(got);
}

/* The end of the body is the end of the connection: close_notify must tell it from a cut. */
TEST_F(web, curl_sees_the_end)
{
	struct session *session = &self->session;
	char head[HEAD_SIZE];

	start_curl(session, variant->version, NULL);
	read_head(ktlsx_fd(session->conn), head);
	write_text(ktlsx_fd(session->conn),
		   "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it");
	session_hang_up(session);
	EXPECT_TRUE(peer_await_end(&session->peer));
	EXPECT_EQ(session->peer.status, 0);
	EXPECT_STREQ(session->peer.text[PEER_OUT].bytes, "all of it");
	session_close(session);
}

static void start_nginx(struct session *session, uint16_t version)
{
	struct peer_args args = { .count = 0 };
	const char *path = pki_path("nginx.conf");
	FILE *file = fopen(path, "w");

	ASSERT_TRUE(file);
	session->role = KTLSX_CLIENT;
	session->port = peer_free_port();
	fprintf(file,
		"daemon off; master_process off; pid %s; error_log stderr;\n"
		"events { worker_connections 16; }\n"
		"http { access_log off; server { listen 127.0.0.1:%u ssl; root %s;\n"
		"ssl_protocols %s; ssl_certificate %s; ssl_certificate_key %s;\n"
		"client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s;\n"
		"uwsgi_temp_path %s; scgi_temp_path %s; } }\n",
		pki_path("nginx.pid"), session->port, pki_path(""),
		version == 0x0303 ? "TLSv1.2" : "TLSv1.3", pki_path("p256.chain.pem"),
		pki_path("p256.key.pem"), pki_path("t1"), pki_path("t2"), pki_path("t3"),
		pki_path("t4"), pki_path("t5"));
	fclose(file);
	peer_say(&args, "nginx -e stderr -c %s", path);
	peer_start(&session->peer, &args);
	session->peer.port = session->port;
	session->config = session_client_config();
	session_complete(session);
}

TEST_F(web, nginx_gives_a_file)
{
	struct session *session = &self->session;
	uint8_t *got = malloc(FILE_LEN);
	char head[HEAD_SIZE];
	char byte;
	int fd;

	save(pki_path("file"), self->bytes, FILE_LEN);
	/* nginx' worker is not root. */
	chmod(pki_path(""), 0755);
	start_nginx(session, variant->version);
	fd = ktlsx_fd(session->conn);
	write_text(fd, "GET /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	read_head(fd, head);
	EXPECT_EQ(strncmp(head, "HTTP/1.1 200 OK\r\n", 17), 0);
	ASSERT_EQ(recv(fd, got, FILE_LEN, MSG_WAITALL), FILE_LEN);
	EXPECT_MEM_EQ(got, self->bytes, FILE_LEN);
	EXPECT_EQ(read(fd, &byte, 1), 0);
	session_close(session);
	free(got);
}

PKI_MAIN()
