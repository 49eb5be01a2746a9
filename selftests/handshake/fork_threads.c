// SPDX-License-Identifier: MIT
/*
 * Owns: the thread and fork rules: a config is shared by threads, a child may
 * only free, and what it frees harms nobody.
 * Must not know: how the library counts references.
 * Concurrency: the subject. ThreadSanitizer is not used: OpenSSL's own locks
 * are not built for it.
 * Follows: ktlsx.h.
 */
#include "../ktap.h"
#include "../conn.h"
#include "forge.h"
#include "session.h"

#define THREAD_COUNT	4
#define ROUND_COUNT	5

struct worker {
	pthread_t thread;
	struct ktlsx_config *client, *server;
	int failure;	/* the first, 0 for none */
};

struct side {
	struct ktlsx_config *config;
	const char *name;
	int fd;
	int ret;
};

/* One end: a handshake, a line out, a line in. */
static void *run_side(void *arg)
{
	struct side *side = arg;
	struct ktlsx_conn *conn;
	char line[6];

	side->ret = ktlsx_conn_new(&conn, side->config, side->fd, side->name);
	if (!side->ret)
		side->ret = ktlsx_handshake(conn, 0);
	if (!side->ret && ktlsx_write(conn, "hello", 6) != 6)
		side->ret = -EIO;
	for (size_t done = 0; !side->ret && done < sizeof(line);) {
		ssize_t got = ktlsx_read(conn, line + done, sizeof(line) - done);

		if (got <= 0)
			side->ret = got ? (int)got : -EPIPE;
		else
			done += got;
	}
	if (!side->ret && strcmp(line, "hello"))
		side->ret = -EBADMSG;
	ktlsx_conn_free(conn);
	return NULL;
}

/* Both ends are the library's, each in a thread. */
static int one_round(struct ktlsx_config *client, struct ktlsx_config *server)
{
	struct side a = { .config = client, .name = "localhost" }, b = { .config = server };
	pthread_t thread;
	int fd[2];

	if (conn_pair(fd, CONN_LO, AF_INET))
		return -ENOTCONN;
	a.fd = fd[0];
	b.fd = fd[1];
	if (pthread_create(&thread, NULL, run_side, &b))
		return -EAGAIN;
	run_side(&a);
	pthread_join(thread, NULL);
	close(fd[0]);
	close(fd[1]);
	return a.ret ? a.ret : b.ret;
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (int i = 0; i < ROUND_COUNT && !worker->failure; i++)
		worker->failure = one_round(worker->client, worker->server);
	return NULL;
}

TEST_TIMEOUT(threads_share_configs, 60)
{
	struct worker workers[THREAD_COUNT];
	struct ktlsx_config *client, *server;

	conn_netns(CONN_LO);
	client = session_client_config();
	server = session_server_config("p256");
	for (int i = 0; i < THREAD_COUNT; i++) {
		workers[i] = (struct worker){ .client = client, .server = server };
		ASSERT_EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < THREAD_COUNT; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_EQ(workers[i].failure, 0);
	}
	EXPECT_EQ(ktlsx_config_set_versions(client, 0x0303, 0x0303), -EBUSY);
	EXPECT_EQ(ktlsx_config_set_alpn(server, "h2"), -EBUSY);
	ktlsx_config_free(client);
	ktlsx_config_free(server);
}

/* The references of connections keep a config alive. */
TEST(config_freed_before_its_connections)
{
	struct dialect_wish wish = { .program = OPENSSL, .cert = "p256" };
	struct session session;

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_tcp(&session, "localhost");
	ktlsx_config_free(session.config);
	session.config = NULL;
	ASSERT_EQ(ktlsx_handshake(session.conn, 0), 0);
	session_exchange(&session);
	session_close(&session);
}

static void expect_child_ok(pid_t pid)
{
	int status;

	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 0);
}

static void free_in_child(struct session *session)
{
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		ktlsx_conn_free(session->conn);
		ktlsx_config_free(session->config);
		_exit(0);
	}
	expect_child_ok(pid);
}

TEST(child_frees_and_the_parent_goes_on)
{
	struct dialect_wish wish = { .program = OPENSSL, .version = 0x0304, .cert = "p256" };
	struct session session;

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_complete(&session);
	free_in_child(&session);
	session_exchange(&session);
	session_close(&session);
}

TEST(child_frees_in_the_middle_of_a_handshake)
{
	struct dialect_wish wish = { .program = OPENSSL, .version = 0x0303, .cert = "p256" };
	struct session session;
	struct ktlsx_want want;

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_tcp(&session, "localhost");
	/* A quick peer could be done within our first step. */
	ASSERT_EQ(kill(session.peer.pid, SIGSTOP), 0);
	EXPECT_EQ(ktlsx_handshake_step(session.conn, &want), -EAGAIN);
	ASSERT_EQ(kill(session.peer.pid, SIGCONT), 0);
	free_in_child(&session);
	ASSERT_EQ(ktlsx_handshake(session.conn, 0), 0);
	session_exchange(&session);
	session_close(&session);
}

/* No call changes errno, whatever happens. */
TEST(errno_is_left_alone)
{
	struct dialect_wish wish = { .program = OPENSSL, .cert = "p256" };
	struct session session;
	struct ktlsx_info info;
	char byte;

	session_open(&session, KTLSX_CLIENT, session_client_config(), &wish);
	session_tcp(&session, "localhost");
	errno = ENOTTY;
	EXPECT_EQ(ktlsx_read(session.conn, &byte, 1), -ENOTCONN);
	EXPECT_EQ(errno, ENOTTY);
	EXPECT_EQ(ktlsx_handshake(session.conn, 0), 0);
	EXPECT_EQ(errno, ENOTTY);
	EXPECT_EQ(ktlsx_write(session.conn, "x", 1), 1);
	EXPECT_EQ(errno, ENOTTY);
	EXPECT_EQ(ktlsx_info(session.conn, &info, sizeof(info)), 0);
	/* Whether the kernel can is told by post_handshake. */
	ktlsx_rekey(session.conn);
	EXPECT_EQ(errno, ENOTTY);
	EXPECT_EQ(ktlsx_shutdown(session.conn), 0);
	EXPECT_EQ(ktlsx_config_set_alpn(session.config, ""), -EBUSY);
	EXPECT_EQ(errno, ENOTTY);
	session_close(&session);
}

static volatile sig_atomic_t signal_count;

static void count_signal(int number)
{
	(void)number;
	signal_count++;
}

/* The peer is gone: EPIPE, and never the signal. */
TEST(no_sigpipe)
{
	struct forge forge;
	struct session session = { .config = session_client_config(), .listener = -1 };
	int file = conn_memfd("some bytes", 10), ret = 0;
	struct linger reset = { .l_onoff = 1 };
	off_t off = 0;

	conn_netns(CONN_LO);
	signal(SIGPIPE, count_signal);
	session_take(&session, forge_start(&forge, "p256"), "localhost");
	ASSERT_EQ(ktlsx_handshake(session.conn, 0), 0);
	ASSERT_TRUE(forge_finish(&forge));
	ASSERT_EQ(setsockopt(forge.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	forge_end(&forge);
	/* The first one may meet the reset itself. */
	for (int i = 0; i < 3; i++)
		ret = ktlsx_write(session.conn, "x", 1);
	EXPECT_EQ(ret, -EPIPE);
	EXPECT_EQ(ktlsx_sendfile(session.conn, file, &off, 10), -EPIPE);
	EXPECT_EQ(off, 0);
	EXPECT_EQ(signal_count, 0);
	ktlsx_shutdown(session.conn);
	EXPECT_EQ(signal_count, 0);
	session_hang_up(&session);
	session_end(&session);
	close(file);
}

PKI_MAIN()
