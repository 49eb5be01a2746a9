// SPDX-License-Identifier: MIT
/*
 * Owns: what `make bench-handshake` runs: a server of libktlsx, a client that measures any server,
 * and the time libktlsx adds to a handshake. The kernel's part is the real one where the module
 * ktlsx is loaded; else each call enters the kernel by a cheap one of its kind, keys go nowhere.
 * Must not know: what counts as good; handshake.sh judges.
 * Concurrency: one thread a process; "install" forks its client.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ktlsx.h>

#include <ktlsx.h>

#define SAMPLES_MAX 10000

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __real_SSL_do_handshake(SSL *ssl);
SSL *__real_SSL_new(SSL_CTX *ctx);
ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __real_send(int fd, const void *buf, size_t len, int flags);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_SSL_do_handshake(SSL *ssl);
SSL *__wrap_SSL_new(SSL_CTX *ctx);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);

static bool is_simulated;
static int64_t elsewhere_ns;	/* in OpenSSL's handshake, in the network */
static int64_t installed_ns;	/* when TLS_TX was answered */
static int64_t samples[SAMPLES_MAX];

static void die(const char *what)
{
	fprintf(stderr, "bench/handshake: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void give_up(const char *text)
{
	fprintf(stderr, "bench/handshake: %s\n", text);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- the kernel, and the clock that stands while others work ---------- */

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int on = 1, ret;

	if (level != SOL_TLS && !(level == IPPROTO_TCP && name == TCP_ULP))
		return __real_setsockopt(fd, level, name, value, len);
	ret = is_simulated ? __real_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) :
			     __real_setsockopt(fd, level, name, value, len);
	if (level == SOL_TLS && name == TLS_TX)
		installed_ns = now_ns();
	return ret;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct ktlsx_features features = {
		.features = KTLSX_FEATURE_CONTROL | KTLSX_FEATURE_KEYS_WRITE_ONLY,
		.tls12_ciphers = 3,
		.tls13_ciphers = 3,
	};
	struct tcp_info info;
	socklen_t info_len = sizeof(features);

	if (!is_simulated || level != SOL_TLS || name != KTLSX_FEATURES)
		return __real_getsockopt(fd, level, name, value, len);
	memcpy(value, &features, sizeof(features));
	return __real_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_len);
}

SSL *__wrap_SSL_new(SSL_CTX *ctx)
{
	int64_t start = now_ns();
	SSL *ssl = __real_SSL_new(ctx);

	elsewhere_ns += now_ns() - start;
	return ssl;
}

int __wrap_SSL_do_handshake(SSL *ssl)
{
	int64_t start = now_ns();
	int ret = __real_SSL_do_handshake(ssl);

	elsewhere_ns += now_ns() - start;
	return ret;
}

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
	int64_t start = now_ns();
	ssize_t ret = __real_recv(fd, buf, len, flags);

	elsewhere_ns += now_ns() - start;
	return ret;
}

ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags)
{
	int64_t start = now_ns();
	ssize_t ret = __real_send(fd, buf, len, flags);

	elsewhere_ns += now_ns() - start;
	return ret;
}

static struct sockaddr_in loopback(unsigned int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* Whether the kernel has the module: asked of a socket connected to itself, as ULPs want. */
static bool has_module(void)
{
	struct sockaddr_in self = loopback(0);
	socklen_t len = sizeof(self);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool is_taken;

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, len) ||
	    getsockname(fd, (struct sockaddr *)&self, &len) ||
	    connect(fd, (struct sockaddr *)&self, len))
		die("loopback");
	is_taken = !__real_setsockopt(fd, IPPROTO_TCP, TCP_ULP, "ktlsx", 5);
	close(fd);
	return is_taken;
}

/* ---- our server -------------------------------------------------------- */

static struct ktlsx_config *make_server(const char *cert, const char *key)
{
	struct ktlsx_config *config;
	int err = ktlsx_config_new(&config, KTLSX_SERVER);

	errno = -err;
	if (err)
		die("config");
	if (ktlsx_config_add_chain(config, cert, key, NULL))
		give_up(ktlsx_config_error(config));
	return config;
}

static int listen_on(unsigned int *port)
{
	struct sockaddr_in address = loopback(*port);
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	__real_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, len) || listen(fd, 128) ||
	    getsockname(fd, (struct sockaddr *)&address, &len))
		die("listen");
	*port = ntohs(address.sin_port);
	return fd;
}

/* Waits in recv(): that a poll() needs a timeout is not of interest here. */
static void shake_hands(struct ktlsx_conn *conn, int fd)
{
	struct ktlsx_want want;
	char peeked;
	int ret;

	while ((ret = ktlsx_handshake_step(conn, &want)) == -EAGAIN) {
		int64_t idle = now_ns();

		if (__real_recv(fd, &peeked, 1, MSG_PEEK) < 0)
			die("recv");
		elsewhere_ns += now_ns() - idle;
	}
	if (ret)
		give_up(ktlsx_error(conn));
}

/* One connection. Answers ns from TCP established to keys installed, without others' work. */
static int64_t serve_one(struct ktlsx_config *config, int listener)
{
	struct ktlsx_conn *conn;
	int fd = accept(listener, NULL, NULL);
	int64_t start;
	char sink[256];

	if (fd < 0)
		die("accept");
	elsewhere_ns = 0;
	start = now_ns();
	if (ktlsx_conn_new(&conn, config, fd, NULL))
		give_up(ktlsx_config_error(config));
	shake_hands(conn, fd);
	ktlsx_conn_free(conn);
	/* The client closes first: its close_notify is of no interest here. */
	shutdown(fd, SHUT_WR);
	while (__real_recv(fd, sink, sizeof(sink), 0) > 0)
		;
	close(fd);
	return installed_ns - start - elsewhere_ns;
}

static void serve(unsigned int port, const char *cert, const char *key)
{
	struct ktlsx_config *config = make_server(cert, key);
	int listener = listen_on(&port);

	printf("ready\n");
	fflush(stdout);
	for (;;)
		serve_one(config, listener);
}

/* ---- the client that drives any server --------------------------------- */

static SSL_CTX *make_client(const char *version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int number = strcmp(version, "1.2") ? TLS1_3_VERSION : TLS1_2_VERSION;

	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, number) ||
	    !SSL_CTX_set_max_proto_version(ctx, number))
		die("SSL_CTX");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM");
	SSL_CTX_set1_groups_list(ctx, "X25519:P-256");
	return ctx;
}

/* A whole connection, over when the server has closed it too: then its work is done. */
static void connect_once(SSL_CTX *ctx, unsigned int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL *ssl = SSL_new(ctx);
	char sink[4096];

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1)
		die("SSL_connect");
	SSL_shutdown(ssl);
	shutdown(fd, SHUT_WR);
	while (recv(fd, sink, sizeof(sink), 0) > 0)
		;
	SSL_free(ssl);
	close(fd);
}

/* ns on a CPU, of the main thread of @pid: that of a server here is its only one. */
static long long cpu_ns(int pid)
{
	char path[64];
	long long ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lld", &ns) != 1)
		die(path);
	fclose(file);
	return ns;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * Prints: handshakes per second at the median pace, and microseconds of the server's CPU for each.
 * A mean would show what else ran on this machine.
 */
static void drive(unsigned int port, int pid, const char *version, int count)
{
	SSL_CTX *ctx = make_client(version);
	long long cpu;

	connect_once(ctx, port);
	cpu = cpu_ns(pid);
	for (int i = 0; i < count; i++) {
		int64_t start = now_ns();

		connect_once(ctx, port);
		samples[i] = now_ns() - start;
	}
	cpu = cpu_ns(pid) - cpu;
	qsort(samples, count, sizeof(samples[0]), by_value);
	printf("%.1f %.1f\n", 1e9 / samples[count / 2], cpu / 1e3 / count);
	SSL_CTX_free(ctx);
}

/* ---- what the library adds ---------------------------------------------- */

static void be_client(unsigned int port, const char *version, int count)
{
	SSL_CTX *ctx = make_client(version);

	for (int i = 0; i < count; i++)
		connect_once(ctx, port);
	_exit(0);
}

/* Prints: minimum and median, in microseconds. */
static void install(const char *cert, const char *key, const char *version, int count)
{
	struct ktlsx_config *config = make_server(cert, key);
	unsigned int port = 0;
	int listener = listen_on(&port), status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		be_client(port, version, count);
	for (int i = 0; i < count; i++)
		samples[i] = serve_one(config, listener);
	if (waitpid(pid, &status, 0) != pid || status)
		die("client");
	qsort(samples, count, sizeof(samples[0]), by_value);
	printf("%.1f %.1f\n", samples[0] / 1e3, samples[count / 2] / 1e3);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 6 && (atoi(argv[5]) < 1 || atoi(argv[5]) > SAMPLES_MAX))
		return 2;
	is_simulated = !has_module();
	if (argc == 2 && !strcmp(argv[1], "kernel"))
		puts(is_simulated ? "simulated" : "ktlsx");
	else if (argc == 5 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]), argv[3], argv[4]);
	else if (argc == 6 && !strcmp(argv[1], "drive"))
		drive(atoi(argv[2]), atoi(argv[3]), argv[4], atoi(argv[5]));
	else if (argc == 6 && !strcmp(argv[1], "install"))
		install(argv[2], argv[3], argv[4], atoi(argv[5]));
	else
		return 2;
	return 0;
}
