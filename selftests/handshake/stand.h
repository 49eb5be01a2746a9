/* SPDX-License-Identifier: MIT */
/*
 * Owns: a connection of the library to a peer that the test plays by hand, byte
 * by byte, and what every failed handshake has in common.
 * Must not know: what a test checks. Include ../ktap.h first.
 * Concurrency: one thread; a thread that sends takes fd[1] alone.
 * Follows: ktlsx.h.
 */
#ifndef STAND_H
#define STAND_H

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "duel.h"
#include "kernel.h"

#define STAND_PEER_LEN_MAX	(256 * 1024)
#define STAND_LATE_MS		1000	/* more than that over the limit is too late */

struct stand {
	struct ktlsx_config *config;
	struct ktlsx_conn *conn;
	unsigned int limit_ms;
	int fd[2];		/* ours, the peer's */
};

static inline void stand_up(struct stand *stand, enum ktlsx_role role, unsigned int limit_ms)
{
	struct duel_kind kind = { .role = role, .version = 0x0304, .certificate = "p256" };
	struct duel_sides sides;

	duel_sides_make(&sides, &kind);
	SSL_CTX_free(sides.peer);
	stand->config = sides.config;
	stand->limit_ms = limit_ms * ktap_slow();
	ASSERT_EQ(ktlsx_config_set_limits(stand->config, STAND_PEER_LEN_MAX, stand->limit_ms), 0);
	duel_tcp(stand->fd);
	ASSERT_EQ(ktlsx_conn_new(&stand->conn, stand->config, stand->fd[0],
				 role == KTLSX_CLIENT ? "localhost" : NULL), 0);
}

static inline void stand_down(struct stand *stand)
{
	ktlsx_conn_free(stand->conn);
	ktlsx_config_free(stand->config);
	close(stand->fd[1]);
	close(stand->fd[0]);
}

static inline long long stand_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static inline void stand_say(struct stand *stand, const void *bytes, size_t len)
{
	ASSERT_EQ(send(stand->fd[1], bytes, len, MSG_NOSIGNAL), len);
}

static inline void stand_say_header(struct stand *stand, uint8_t type, size_t len)
{
	uint8_t header[] = { type, 3, 3, len >> 8, len };

	stand_say(stand, header, sizeof(header));
}

/* Common to every end that is not a success. */
static inline void stand_expect_over(struct stand *stand, int got, int wanted, const char *words)
{
	struct pollfd ours = { .fd = stand->fd[0] };
	const char *text = ktlsx_error(stand->conn);
	unsigned int failures = ktap_verdict->failure_count;

	EXPECT_EQ(got, wanted);
	EXPECT_NE(strstr(text, words), NULL);
	EXPECT_NE(strstr(text, strerrorname_np(-wanted)), NULL);
	EXPECT_EQ(kernel_install_count(), 0);
	EXPECT_LT(ktlsx_fd(stand->conn), 0);
	poll(&ours, 1, 0);
	EXPECT_TRUE(ours.revents & POLLHUP);
	EXPECT_EQ(ktlsx_handshake(stand->conn, 0), wanted);
	if (ktap_verdict->failure_count != failures)
		ktap_diag("above: %d \"%s\"", got, text);
}

/* Return: what the blocking call answered, which was in time. */
static inline int stand_shake(struct stand *stand)
{
	long long start = stand_now_ms();
	int err = ktlsx_handshake(stand->conn, 0);

	EXPECT_LE(stand_now_ms() - start, stand->limit_ms + STAND_LATE_MS * ktap_slow());
	return err;
}

#endif
