// SPDX-License-Identifier: MIT
/*
 * Owns: where secrets of a connection are in the memory of the process: in the
 * library's locked pages while it lives, nowhere afterwards, never in a child.
 * Must not know: where the library keeps what (memory_scan.h asks the kernel).
 * Concurrency: the peer is a child process, so that its memory is not ours.
 * Follows: RFC 8446 7.1, RFC 5246 6.3.
 */
#include "../ktap.h"

#include <poll.h>
#include <sys/socket.h>
#include <linux/tls.h>

#include <openssl/ssl.h>

#include "duel.h"
#include "kernel.h"
#include "memory_scan.h"
#include "pki.h"

#define TIMEOUT_S	60
#define GCM_IV_LEN	12
#define LABEL_LEN_MAX	40

/* What the peer tells: a label of the key log format and a masked secret. */
struct told {
	char label[LABEL_LEN_MAX];
	size_t len;
	uint8_t masked[SCAN_SECRET_LEN_MAX];
};

FIXTURE(secrets) {
	struct ktlsx_config *config;
	struct ktlsx_conn *conn;
	int fd;
	struct told told[8];
	unsigned int told_count;
	struct scan_list list;
};

FIXTURE_VARIANT(secrets) {
	struct duel_kind kind;
	bool has_tickets;
};

#define VARIANT(label, whose, number, names, tickets)					\
	FIXTURE_VARIANT_ADD(secrets, label) = { {					\
		.role = whose, .version = number, .certificate = "p256", .suites = names	\
	}, tickets }

VARIANT(client_tls12_gcm128, KTLSX_CLIENT, 0x0303, "ECDHE-ECDSA-AES128-GCM-SHA256", false);
VARIANT(client_tls12_gcm256, KTLSX_CLIENT, 0x0303, "ECDHE-ECDSA-AES256-GCM-SHA384", false);
VARIANT(client_tls13, KTLSX_CLIENT, 0x0304, NULL, false);
VARIANT(server_tls12_gcm128, KTLSX_SERVER, 0x0303, "ECDHE-ECDSA-AES128-GCM-SHA256", false);
VARIANT(server_tls12_gcm256, KTLSX_SERVER, 0x0303, "ECDHE-ECDSA-AES256-GCM-SHA384", false);
VARIANT(server_tls12_tickets, KTLSX_SERVER, 0x0303, NULL, true);
VARIANT(server_tls13, KTLSX_SERVER, 0x0304, NULL, false);
VARIANT(server_tls13_tickets, KTLSX_SERVER, 0x0304, NULL, true);

static int telling;	/* the child's end of the pipe */

static unsigned int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void on_keylog(const SSL *ssl, const char *line)
{
	const char *hex = strrchr(line, ' ') + 1;
	struct told told = { .len = strlen(hex) / 2 };
	size_t off;

	(void)ssl;
	snprintf(told.label, sizeof(told.label), "%.*s", (int)strcspn(line, " "), line);
	for (off = 0; off < told.len; off++)
		told.masked[off] = (digit(hex[2 * off]) << 4 | digit(hex[2 * off + 1])) ^ SCAN_MASK;
	if (write(telling, &told, sizeof(told)) != sizeof(told))
		_exit(1);
}

/* The peer: a handshake, then it waits until the test is over. */
static void be_peer(const struct duel_sides *sides, int fd)
{
	SSL *ssl = SSL_new(sides->peer);
	char byte;

	SSL_CTX_set_keylog_callback(sides->peer, on_keylog);
	fcntl(fd, F_SETFL, 0);
	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, "localhost");
	if ((sides->role == KTLSX_CLIENT ? SSL_accept(ssl) : SSL_connect(ssl)) != 1)
		_exit(1);
	close(telling);
	while (read(fd, &byte, 1) > 0)
		;
	_exit(0);
}

static void listen_to_peer(struct secrets_self *self, int from)
{
	while (read(from, &self->told[self->told_count], sizeof(struct told)) ==
	       sizeof(struct told))
		ASSERT_LT(++self->told_count, 8);
	close(from);
}

/* Keys and whole IVs out of the structs that setsockopt() took. */
static void list_installs(struct secrets_self *self)
{
	const struct kernel_install *install;
	uint8_t iv[GCM_IV_LEN];
	size_t key_len, head = sizeof(struct tls_crypto_info);
	unsigned int index;

	ASSERT_EQ(kernel_install_count(), 2);
	for (index = 0; index < 2; index++) {
		install = kernel_install(index);
		key_len = install->cipher == TLS_CIPHER_AES_GCM_128 ? 16 : 32;
		scan_add(&self->list, install->option == TLS_TX ? "key to send" : "key to receive",
			 install->masked + head + 8, key_len);
		if (install->version != TLS_1_3_VERSION)
			continue;
		memcpy(iv, install->masked + head + 8 + key_len, 4);
		memcpy(iv + 4, install->masked + head, 8);
		scan_add(&self->list, "IV", iv, sizeof(iv));
	}
}

/*
 * OpenSSL's construct_stateless_ticket() frees the session that it sealed without
 * wiping it: a TLS 1.2 server with tickets has the master secret on its heap, and
 * no public call reaches it. Whoever reads that heap has the ticket's key as well.
 */
static bool leaves_master(const struct secrets_variant *variant)
{
	return variant->has_tickets && variant->kind.version == 0x0303;
}

static void list_told(struct secrets_self *self)
{
	unsigned int index;

	ASSERT_GT(self->told_count, 0);
	for (index = 0; index < self->told_count; index++)
		scan_add(&self->list, self->told[index].label, self->told[index].masked,
			 self->told[index].len);
}

FIXTURE_SETUP(secrets)
{
	struct duel_sides sides;
	int fd[2], pipe_fd[2];
	pid_t pid;

#ifdef __SANITIZE_ADDRESS__
	SKIP("AddressSanitizer makes mlock() do nothing, and keeps what was freed");
#endif
	ASSERT_EQ(SCAN_MASK, KERNEL_MASK);
	kernel_reset();
	kernel_keep_masked_only(true);
	duel_sides_make(&sides, &variant->kind);
	duel_tcp(fd);
	ASSERT_EQ(pipe(pipe_fd), 0);
	pid = fork();
	ASSERT_GE(pid, 0);
	telling = pipe_fd[1];
	if (!pid) {
		close(fd[0]);
		be_peer(&sides, fd[1]);
	}
	close(pipe_fd[1]);
	SSL_CTX_free(sides.peer);
	self->config = sides.config;
	self->fd = fd[0];
	close(fd[1]);
	if (!variant->has_tickets)
		ASSERT_EQ(ktlsx_config_set_resumption(self->config, KTLSX_RESUME_NONE, 0), 0);
	ASSERT_EQ(ktlsx_conn_new(&self->conn, self->config, self->fd,
				 variant->kind.role == KTLSX_CLIENT ? "localhost" : NULL), 0);
	ASSERT_EQ(ktlsx_handshake(self->conn, 0), 0);
	list_installs(self);
	listen_to_peer(self, pipe_fd[0]);
	if (!leaves_master(variant))
		list_told(self);
}

static void show(const struct scan_result *result)
{
	unsigned int index;

	for (index = 0; index < result->count; index++)
		if (!result->finding[index].is_vault)
			ktap_diag("%s%s at %#lx in %s", result->finding[index].secret->name,
				  result->finding[index].is_hex ? " (hex)" : "",
				  (unsigned long)result->finding[index].at,
				  result->finding[index].mapping);
}

static void expect_only_in_vault(struct secrets_self *self)
{
	struct scan_result result;

	scan_memory(&self->list, &result);
	show(&result);
	ktap_diag("%zu bytes looked at, %zu of them locked; %u findings there", result.len,
		  result.vault_len, result.vault_count);
	EXPECT_GT(result.vault_len, 0);
	EXPECT_EQ(result.count, result.vault_count);
}

static void expect_nowhere(struct secrets_self *self)
{
	struct scan_result result;

	scan_memory(&self->list, &result);
	show(&result);
	EXPECT_EQ(result.count, 0);
}

/* A copy that is nowhere but on the heap: the search would find one. */
TEST_F_TIMEOUT(secrets, search_finds, TIMEOUT_S)
{
	struct scan_secret *secret = &self->list.secret[0];
	struct scan_result result;
	uint8_t *copy = malloc(secret->len);
	char *hex = malloc(2 * secret->len + 1);
	size_t off;

	for (off = 0; off < secret->len; off++) {
		copy[off] = secret->masked[off] ^ SCAN_MASK;
		sprintf(hex + 2 * off, "%02x", copy[off]);
	}
	scan_memory(&self->list, &result);
	EXPECT_GE(result.count, result.vault_count + 2);
	free(copy);
	free(hex);
}

TEST_F_TIMEOUT(secrets, only_in_locked_pages, TIMEOUT_S)
{
	expect_only_in_vault(self);
	ktlsx_conn_free(self->conn);
	expect_nowhere(self);
	ktlsx_config_free(self->config);
	expect_nowhere(self);
}

/* What is looked for is there, as long as the connection needs it. */
TEST_F_TIMEOUT(secrets, kept_while_needed, TIMEOUT_S)
{
	struct scan_result result;

	scan_memory(&self->list, &result);
	/* Keys are the kernel's alone: their secrets are what is kept. */
	EXPECT_EQ(result.vault_count > 0, !leaves_master(variant));
}

TEST_F_TIMEOUT(secrets, wiped_in_a_child, TIMEOUT_S)
{
	pid_t pid = fork();
	int status = 0;

	ASSERT_GE(pid, 0);
	if (!pid) {
		expect_nowhere(self);
		ktlsx_conn_free(self->conn);
		ktlsx_config_free(self->config);
		expect_nowhere(self);
		_exit(0);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	expect_only_in_vault(self);
	/* The child's freeing ended nothing of ours. */
	EXPECT_EQ(ktlsx_fd(self->conn), self->fd);
}

PKI_MAIN()
