// SPDX-License-Identifier: MIT
/*
 * Owns: descriptors that are no connected TCP socket, or not any more, and
 * kernels that do not give the ULP: each has an error and a sentence of its own.
 * Must not know: TLS; no byte is exchanged here.
 * Concurrency: single thread.
 * Follows: ktlsx.h.
 */
#include "../ktap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <linux/ktlsx.h>

#include "duel.h"
#include "kernel.h"
#include "pki.h"

#ifndef TCP_ULP
#define TCP_ULP		31
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif
#define LIMIT_MS	500

FIXTURE(wrong_socket) {
	struct ktlsx_config *config;
	char text[400];
	int err;
};

FIXTURE_VARIANT(wrong_socket) {
	enum ktlsx_role role;
};

FIXTURE_VARIANT_ADD(wrong_socket, client) = { KTLSX_CLIENT };
FIXTURE_VARIANT_ADD(wrong_socket, server) = { KTLSX_SERVER };

FIXTURE_SETUP(wrong_socket)
{
	struct duel_kind kind = { .role = variant->role, .version = 0x0304,
				  .certificate = "p256" };
	struct duel_sides sides;

	duel_sides_make(&sides, &kind);
	SSL_CTX_free(sides.peer);
	self->config = sides.config;
	ASSERT_EQ(ktlsx_config_set_limits(self->config, 65536, LIMIT_MS * ktap_slow()), 0);
}

/* What the first call that refuses @fd answers; 1 when none does. */
static void try_fd(struct wrong_socket_self *self, enum ktlsx_role role, int fd)
{
	const char *name = role == KTLSX_CLIENT ? "localhost" : NULL;
	struct ktlsx_conn *conn = NULL;

	self->err = ktlsx_conn_new(&conn, self->config, fd, name);
	snprintf(self->text, sizeof(self->text), "%s", ktlsx_config_error(self->config));
	if (self->err) {
		EXPECT_EQ(conn, NULL);
		return;
	}
	self->err = ktlsx_handshake(conn, 0);
	snprintf(self->text, sizeof(self->text), "%s", ktlsx_error(conn));
	EXPECT_LT(ktlsx_fd(conn), 0);
	EXPECT_EQ(kernel_install_count(), 0);
	ktlsx_conn_free(conn);
}

static void expect(struct wrong_socket_self *self, int err, const char *words)
{
	unsigned int failures = ktap_verdict->failure_count;

	EXPECT_EQ(self->err, -err);
	EXPECT_NE(strstr(self->text, strerrorname_np(err)), NULL);
	EXPECT_NE(strcasestr(self->text, words), NULL);
	ktap_diag("%s%s", ktap_verdict->failure_count == failures ? "" : "above: ", self->text);
}

TEST_F(wrong_socket, closed)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	close(fd);
	try_fd(self, variant->role, fd);
	expect(self, EBADF, "descriptor");
	try_fd(self, variant->role, -1);
	expect(self, EBADF, "descriptor");
}

TEST_F(wrong_socket, closed_after_conn_new)
{
	struct ktlsx_conn *conn;
	int fd[2];

	duel_tcp(fd);
	ASSERT_EQ(ktlsx_conn_new(&conn, self->config, fd[0],
				 variant->role == KTLSX_CLIENT ? "localhost" : NULL), 0);
	close(fd[0]);
	self->err = ktlsx_handshake(conn, 0);
	snprintf(self->text, sizeof(self->text), "%s", ktlsx_error(conn));
	expect(self, EBADF, "descriptor");
	ktlsx_conn_free(conn);
}

TEST_F(wrong_socket, file)
{
	try_fd(self, variant->role, memfd_create("file", MFD_CLOEXEC));
	expect(self, ENOTSOCK, "socket");
}

TEST_F(wrong_socket, pipe)
{
	int fd[2];

	ASSERT_EQ(pipe(fd), 0);
	try_fd(self, variant->role, fd[0]);
	expect(self, ENOTSOCK, "socket");
}

TEST_F(wrong_socket, udp)
{
	try_fd(self, variant->role, socket(AF_INET, SOCK_DGRAM, 0));
	expect(self, EOPNOTSUPP, "UDP");
}

TEST_F(wrong_socket, unix_stream)
{
	int fd[2];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	try_fd(self, variant->role, fd[0]);
	expect(self, EOPNOTSUPP, "Unix");
}

TEST_F(wrong_socket, mptcp)
{
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);

	if (fd < 0)
		SKIP("this kernel has no MPTCP: %s", strerror(errno));
	try_fd(self, variant->role, fd);
	expect(self, EOPNOTSUPP, "MPTCP");
}

TEST_F(wrong_socket, never_connected)
{
	try_fd(self, variant->role, socket(AF_INET, SOCK_STREAM, 0));
	expect(self, ENOTCONN, "not connected");
}

TEST_F(wrong_socket, listening)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ASSERT_EQ(listen(fd, 1), 0);
	try_fd(self, variant->role, fd);
	expect(self, ENOTCONN, "listens");
}

/* The peer's FIN came first: the socket is not ESTABLISHED any more. */
TEST_F(wrong_socket, closed_by_peer)
{
	char byte;
	int fd[2];

	duel_tcp(fd);
	shutdown(fd[1], SHUT_WR);
	while (recv(fd[0], &byte, 1, MSG_PEEK) < 0)
		;
	try_fd(self, variant->role, fd[0]);
	expect(self, ENOTCONN, "closed");
}

TEST_F(wrong_socket, has_ulp_already)
{
	int fd[2];

	duel_tcp(fd);
	ASSERT_EQ(setsockopt(fd[0], IPPROTO_TCP, TCP_ULP, KTLSX_ULP_NAME,
			     strlen(KTLSX_ULP_NAME)), 0);
	try_fd(self, variant->role, fd[0]);
	expect(self, EEXIST, "another ULP");
}

TEST_F(wrong_socket, no_module)
{
	int fd[2];

	/* Where the module is absent this is the kernel's own answer. */
	kernel_simulate(false);
	if (!access("/sys/module/ktlsx", F_OK))
		kernel_fail_option(IPPROTO_TCP, TCP_ULP, ENOENT);
	duel_tcp(fd);
	try_fd(self, variant->role, fd[0]);
	expect(self, ENOENT, "modprobe ktlsx");
}

TEST_F(wrong_socket, no_permission)
{
	int fd[2];

	kernel_fail_option(IPPROTO_TCP, TCP_ULP, EPERM);
	duel_tcp(fd);
	try_fd(self, variant->role, fd[0]);
	expect(self, EPERM, "root");
}

/* Features the module does not have are not relied on. */
TEST_F(wrong_socket, old_module)
{
	int fd[2];

	kernel_fail_option(SOL_TLS, KTLSX_FEATURES, ENOPROTOOPT);
	duel_tcp(fd);
	try_fd(self, variant->role, fd[0]);
	expect(self, ENOPROTOOPT, "older");
}

PKI_MAIN()
