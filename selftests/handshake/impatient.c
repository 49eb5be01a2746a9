// SPDX-License-Identifier: MIT
/*
 * Owns: peers that are silent, slow or gone: the library ends in time, and says
 * what it waited for. Must not know: sessions, keys; no handshake here succeeds.
 * Concurrency: a slow peer is a thread of the test.
 * Follows: ktlsx.h.
 */
#include "../ktap.h"

#include <poll.h>
#include <pthread.h>

#include <openssl/ssl.h>

#include "pki.h"
#include "stand.h"

#define LIMIT_MS	200

FIXTURE(impatient) {
	struct stand stand;
};

FIXTURE_VARIANT(impatient) {
	enum ktlsx_role role;
};

FIXTURE_VARIANT_ADD(impatient, client) = { KTLSX_CLIENT };
FIXTURE_VARIANT_ADD(impatient, server) = { KTLSX_SERVER };

FIXTURE_SETUP(impatient)
{
	stand_up(&self->stand, variant->role, LIMIT_MS);
}

/* What an honest client sends first. */
static size_t first_flight(uint8_t *buf, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	int len;

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(ssl);
	SSL_do_handshake(ssl);
	len = BIO_read(SSL_get_wbio(ssl), buf, size);
	ASSERT_GT(len, 0);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return len;
}

TEST_F(impatient, silent)
{
	long long start = stand_now_ms();
	const char *awaited = variant->role == KTLSX_CLIENT ? "ServerHello" : "ClientHello";

	EXPECT_EQ(stand_shake(&self->stand), -ETIMEDOUT);
	EXPECT_GE(stand_now_ms() - start, LIMIT_MS * ktap_slow());
	ktap_diag("%s", ktlsx_error(self->stand.conn));
	EXPECT_NE(strstr(ktlsx_error(self->stand.conn), awaited), NULL);
	stand_expect_over(&self->stand, -ETIMEDOUT, -ETIMEDOUT, "");
	stand_down(&self->stand);
}

/* The argument of the call is a limit too. */
TEST_F(impatient, silent_for_less)
{
	long long start = stand_now_ms();

	EXPECT_EQ(ktlsx_handshake(self->stand.conn, LIMIT_MS / 4), -ETIMEDOUT);
	EXPECT_GE(stand_now_ms() - start, LIMIT_MS / 4);
	EXPECT_LT(stand_now_ms() - start, LIMIT_MS * ktap_slow());
	stand_down(&self->stand);
}

TEST_F(impatient, silent_in_steps)
{
	long long start = stand_now_ms();
	struct ktlsx_want want;
	struct pollfd ours = { .fd = self->stand.fd[0] };
	unsigned int steps = 0;
	int err;

	while ((err = ktlsx_handshake_step(self->stand.conn, &want)) == -EAGAIN) {
		ASSERT_EQ(want.events, POLLIN);
		ASSERT_GE(want.timeout_ms, 0);
		ASSERT_LE(want.timeout_ms, LIMIT_MS * ktap_slow());
		ASSERT_LT(steps++, 10);
		ours.events = want.events;
		poll(&ours, 1, want.timeout_ms);
	}
	EXPECT_GE(stand_now_ms() - start, LIMIT_MS * ktap_slow());
	stand_expect_over(&self->stand, err, -ETIMEDOUT, "");
	stand_down(&self->stand);
}

struct drip {
	int fd;
	const uint8_t *bytes;
	size_t len;
	size_t sent_len;
};

static void *drip(void *arg)
{
	struct drip *drip = arg;
	struct timespec pause = { .tv_nsec = LIMIT_MS * 1000000L / 10 };

	while (drip->sent_len < drip->len) {
		if (send(drip->fd, drip->bytes + drip->sent_len, 1, MSG_NOSIGNAL) != 1)
			break;
		drip->sent_len++;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Each byte is progress, and none moves the deadline. */
TEST_F(impatient, slow)
{
	static const uint8_t record[] = { 22, 3, 3, 0, 200, [5 ... 204] = 1 };
	struct drip slow = { self->stand.fd[1], record, sizeof(record), 0 };
	pthread_t thread;
	int err;

	ASSERT_EQ(pthread_create(&thread, NULL, drip, &slow), 0);
	err = stand_shake(&self->stand);
	EXPECT_GT(slow.sent_len, 3);
	stand_expect_over(&self->stand, err, -ETIMEDOUT, "");
	pthread_join(thread, NULL);
	stand_down(&self->stand);
}

/* The first step attaches, which only a socket that nobody has closed allows. */
static void begin(struct stand *stand)
{
	struct ktlsx_want want;

	ASSERT_EQ(ktlsx_handshake_step(stand->conn, &want), -EAGAIN);
}

TEST_F(impatient, gone_before)
{
	struct pollfd pfd = { .fd = self->stand.fd[0], .events = POLLRDHUP };

	shutdown(self->stand.fd[1], SHUT_WR);
	/* A busy machine delivers the FIN late, and then the attach still succeeds. */
	ASSERT_EQ(poll(&pfd, 1, 5000), 1);
	stand_expect_over(&self->stand, stand_shake(&self->stand), -ENOTCONN, "closed");
	stand_down(&self->stand);
}

TEST_F(impatient, gone_at_once)
{
	begin(&self->stand);
	shutdown(self->stand.fd[1], SHUT_WR);
	stand_expect_over(&self->stand, stand_shake(&self->stand), -ECONNRESET, "closed");
	ktap_diag("%s", ktlsx_error(self->stand.conn));
	stand_down(&self->stand);
}

TEST_F(impatient, gone_inside_a_header)
{
	begin(&self->stand);
	stand_say(&self->stand, "\x16\x03\x03", 3);
	shutdown(self->stand.fd[1], SHUT_WR);
	stand_expect_over(&self->stand, stand_shake(&self->stand), -ECONNRESET, "closed");
	stand_down(&self->stand);
}

TEST_F(impatient, gone_inside_a_record)
{
	begin(&self->stand);
	stand_say_header(&self->stand, MIDDLE_HANDSHAKE, 100);
	stand_say(&self->stand, "\x02\x00\x00\x60", 4);
	shutdown(self->stand.fd[1], SHUT_WR);
	stand_expect_over(&self->stand, stand_shake(&self->stand), -ECONNRESET, "closed");
	stand_down(&self->stand);
}

TEST_F(impatient, reset)
{
	begin(&self->stand);
	close(self->stand.fd[1]);	/* SO_LINGER 0: RST */
	self->stand.fd[1] = -1;
	stand_expect_over(&self->stand, stand_shake(&self->stand), -ECONNRESET, "recv");
	ktap_diag("%s", ktlsx_error(self->stand.conn));
	stand_down(&self->stand);
}

/* Half of a hello, and then the rest of it does not come. */
TEST(half_a_hello)
{
	uint8_t hello[2048];
	size_t len = first_flight(hello, sizeof(hello));
	struct stand stand;

	stand_up(&stand, KTLSX_SERVER, LIMIT_MS);
	stand_say(&stand, hello, len / 2);
	stand_expect_over(&stand, stand_shake(&stand), -ETIMEDOUT, "");
	ktap_diag("%s", ktlsx_error(stand.conn));
	stand_down(&stand);
}

/* A whole hello, our answer, and then silence, an end, a reset. */
TEST(nothing_after_the_hello)
{
	uint8_t hello[2048], answer[4096];
	size_t len = first_flight(hello, sizeof(hello));
	struct ktlsx_want want;
	struct stand stand;
	int how;

	for (how = 0; how < 3; how++) {
		stand_up(&stand, KTLSX_SERVER, LIMIT_MS);
		stand_say(&stand, hello, len);
		ASSERT_EQ(ktlsx_handshake_step(stand.conn, &want), -EAGAIN);
		ASSERT_GT(recv(stand.fd[1], answer, sizeof(answer), 0), 0);
		if (how == 1)
			shutdown(stand.fd[1], SHUT_WR);
		if (how == 2)
			close(stand.fd[1]);
		stand_expect_over(&stand, stand_shake(&stand), how ? -ECONNRESET : -ETIMEDOUT, "");
		ktap_diag("%s", ktlsx_error(stand.conn));
		if (how == 2)
			stand.fd[1] = -1;
		stand_down(&stand);
	}
}

PKI_MAIN()
