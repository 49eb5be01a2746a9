// SPDX-License-Identifier: MIT
/*
 * Owns: one loopback TCP pair of the bench (see pair.h).
 * Must not know: what is measured.
 * Concurrency: one thread.
 * Follows: <linux/tls.h>.
 */
#include "pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_LEN (4 << 20)

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TLS_RX_EXPECT_NO_PAD
#define TLS_RX_EXPECT_NO_PAD 4
#endif

void pair_require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int make_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	pair_require(fd >= 0, "socket");
	return fd;
}

static void force_buffers(int fd)
{
	static const int options[] = { SO_SNDBUFFORCE, SO_RCVBUFFORCE };
	int len = BUFFER_LEN;

	for (int i = 0; i < 2; i++)
		pair_require(!setsockopt(fd, SOL_SOCKET, options[i], &len, sizeof(len)), "buffers");
}

void pair_open(struct pair *pair, bool wide)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr *addr = (struct sockaddr *)&sin;
	socklen_t len = sizeof(sin);
	int listener = make_socket(), one = 1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (wide)
		force_buffers(listener);
	pair_require(!bind(listener, addr, len) && !listen(listener, 1), "listen");
	pair_require(!getsockname(listener, addr, &len), "getsockname");
	pair->tx = make_socket();
	force_buffers(pair->tx);
	pair_require(!connect(pair->tx, addr, len), "connect");
	pair->rx = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	pair_require(pair->rx >= 0, "accept");
	force_buffers(pair->rx);
	close(listener);
	setsockopt(pair->tx, SOL_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(pair->rx, SOL_TCP, TCP_NODELAY, &one, sizeof(one));
}

void pair_close(struct pair *pair)
{
	close(pair->tx);
	close(pair->rx);
}

void pair_attach(int fd, const char *ulp)
{
	pair_require(!setsockopt(fd, SOL_TCP, TCP_ULP, ulp, strlen(ulp)), ulp);
}

void pair_install(int fd, int direction)
{
	static const struct tls12_crypto_info_aes_gcm_256 info = {
		.info = { .version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_256 },
		.key = "a fixed key, nothing secret",
		.iv = "nonce",
		.salt = "of",
	};

	pair_require(!setsockopt(fd, SOL_TLS, direction, &info, sizeof(info)),
		     direction == TLS_TX ? "TLS_TX" : "TLS_RX");
}

void pair_expect_no_pad(int fd)
{
	int one = 1;

	pair_require(!setsockopt(fd, SOL_TLS, TLS_RX_EXPECT_NO_PAD, &one, sizeof(one)), "NO_PAD");
}

void pair_drain(const struct pair *pair)
{
	int unsent = 1;

	while (unsent) {
		ssize_t len = recv(pair->rx, NULL, BUFFER_LEN, MSG_TRUNC | MSG_DONTWAIT);

		if (len > 0)
			continue;
		pair_require(len < 0 && errno == EAGAIN, "drain");
		pair_require(!ioctl(pair->tx, SIOCOUTQ, &unsent), "SIOCOUTQ");
	}
}
