// SPDX-License-Identifier: MIT
/*
 * Owns: peers that are silent, slow, gone, flooding, or not TLS at all: the
 * library ends in time, within its bounds, with an error that says so.
 * Must not know: sessions, keys; no handshake here succeeds.
 * Concurrency: a slow peer is a thread of the test.
 * Follows: ktlsx.h, RFC 8446 5.1.
 */
#include "../ktap.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "duel.h"
#include "kernel.h"
#include "pki.h"

#define LIMIT_MS	200
#define LATE_MS		300	/* more than that over the limit is too late */
#define PEER_LEN_MAX	(256 * 1024)
#define BIG_LEN		(2 * PEER_LEN_MAX)
#define FLOOD_COUNT	512	/* pieces that are sent at once */

struct stand {
	struct ktlsx_config *config;
	struct ktlsx_conn *conn;
	int fd[2];		/* ours, the peer's */
};

FIXTURE(impatient) {
	struct stand stand;
};

FIXTURE_VARIANT(impatient) {
	enum ktlsx_role role;
};

FIXTURE_VARIANT_ADD(impatient, client) = { KTLSX_CLIENT };
FIXTURE_VARIANT_ADD(impatient, server) = { KTLSX_SERVER };

static struct ktlsx_config *make_config(enum ktlsx_role role, unsigned int limit_ms)
{
	struct duel_kind kind = { .role = role, .version = 0x0304, .certificate = "p256" };
	struct duel_sides sides;

	duel_sides_make(&sides, &kind);
	SSL_CTX_free(sides.peer);
	ASSERT_EQ(ktlsx_config_set_limits(sides.config, PEER_LEN_MAX, limit_ms), 0);
	return sides.config;
}

static void stand_up(struct stand *stand, enum ktlsx_role role)
{
	stand->config = make_config(role, LIMIT_MS * ktap_slow());
	duel_tcp(stand->fd);
	ASSERT_EQ(ktlsx_conn_new(&stand->conn, stand->config, stand->fd[0],
				 role == KTLSX_CLIENT ? "localhost" : NULL), 0);
}

FIXTURE_SETUP(impatient)
{
	stand_up(&self->stand, variant->role);
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void say(struct stand *stand, const void *bytes, size_t len)
{
	ASSERT_EQ(send(stand->fd[1], bytes, len, MSG_NOSIGNAL), len);
}

static void say_header(struct stand *stand, uint8_t type, size_t len)
{
	uint8_t header[] = { type, 3, 3, len >> 8, len };

	say(stand, header, sizeof(header));
}

/* What an honest peer of that role would send first; a client speaks first. */
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

/* Common to every end that is not a success. */
static void expect_over(struct stand *stand, int got, int wanted, const char *words)
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

static void stand_down(struct stand *stand)
{
	ktlsx_conn_free(stand->conn);
	ktlsx_config_free(stand->config);
	close(stand->fd[1]);
	close(stand->fd[0]);
	EXPECT_FALSE(duel_has_leaked());
}

/* Return: what the blocking call answered, which was in time. */
static int shake(struct stand *stand)
{
	long long start = now_ms();
	int err = ktlsx_handshake(stand->conn, 0);

	EXPECT_LE(now_ms() - start, (LIMIT_MS + LATE_MS) * ktap_slow());
	return err;
}

TEST_F(impatient, silent)
{
	long long start = now_ms();
	const char *awaited = variant->role == KTLSX_CLIENT ? "ServerHello" : "ClientHello";

	EXPECT_EQ(shake(&self->stand), -ETIMEDOUT);
	EXPECT_GE(now_ms() - start, LIMIT_MS * ktap_slow());
	ktap_diag("%s", ktlsx_error(self->stand.conn));
	EXPECT_NE(strstr(ktlsx_error(self->stand.conn), awaited), NULL);
	expect_over(&self->stand, -ETIMEDOUT, -ETIMEDOUT, "");
	stand_down(&self->stand);
}

/* The argument of the call is a limit too. */
TEST_F(impatient, silent_for_less)
{
	long long start = now_ms();

	EXPECT_EQ(ktlsx_handshake(self->stand.conn, LIMIT_MS / 4), -ETIMEDOUT);
	EXPECT_GE(now_ms() - start, LIMIT_MS / 4);
	EXPECT_LT(now_ms() - start, LIMIT_MS * ktap_slow());
	stand_down(&self->stand);
}

TEST_F(impatient, silent_in_steps)
{
	long long start = now_ms();
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
	EXPECT_GE(now_ms() - start, LIMIT_MS * ktap_slow());
	expect_over(&self->stand, err, -ETIMEDOUT, "");
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
	err = shake(&self->stand);
	EXPECT_GT(slow.sent_len, 3);
	expect_over(&self->stand, err, -ETIMEDOUT, "");
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
	shutdown(self->stand.fd[1], SHUT_WR);
	expect_over(&self->stand, shake(&self->stand), -ENOTCONN, "closed");
	stand_down(&self->stand);
}

TEST_F(impatient, gone_at_once)
{
	begin(&self->stand);
	shutdown(self->stand.fd[1], SHUT_WR);
	expect_over(&self->stand, shake(&self->stand), -ECONNRESET, "closed");
	ktap_diag("%s", ktlsx_error(self->stand.conn));
	stand_down(&self->stand);
}

TEST_F(impatient, gone_inside_a_header)
{
	begin(&self->stand);
	say(&self->stand, "\x16\x03\x03", 3);
	shutdown(self->stand.fd[1], SHUT_WR);
	expect_over(&self->stand, shake(&self->stand), -ECONNRESET, "closed");
	stand_down(&self->stand);
}

TEST_F(impatient, gone_inside_a_record)
{
	begin(&self->stand);
	say_header(&self->stand, MIDDLE_HANDSHAKE, 100);
	say(&self->stand, "\x02\x00\x00\x60", 4);
	shutdown(self->stand.fd[1], SHUT_WR);
	expect_over(&self->stand, shake(&self->stand), -ECONNRESET, "closed");
	stand_down(&self->stand);
}

TEST_F(impatient, reset)
{
	begin(&self->stand);
	close(self->stand.fd[1]);	/* SO_LINGER 0: RST */
	self->stand.fd[1] = -1;
	expect_over(&self->stand, shake(&self->stand), -ECONNRESET, "recv");
	ktap_diag("%s", ktlsx_error(self->stand.conn));
	stand_down(&self->stand);
}

/* Return: what the handshake answered to a peer that never stops. */
static int flood(struct stand *stand, const uint8_t *piece, size_t len, unsigned int count,
		 size_t *sent_len)
{
	uint8_t *many = malloc(len * count);
	struct ktlsx_want want;
	size_t off = 0;
	unsigned int nth;
	ssize_t sent;
	int err;

	for (nth = 0; nth < count; nth++)
		memcpy(many + nth * len, piece, len);
	*sent_len = 0;
	while ((err = ktlsx_handshake_step(stand->conn, &want)) == -EAGAIN) {
		sent = send(stand->fd[1], many + off, count * len - off,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			continue;
		off = (off + sent) % (count * len);
		*sent_len += sent;
		ASSERT_LT(*sent_len, BIG_LEN);
	}
	free(many);
	return err;
}

/* Messages that a client has to skip: nothing but the limit ends that. */
TEST(flood_of_hello_requests)
{
	static const uint8_t hello_request[] = { 22, 3, 3, 0, 4, 0, 0, 0, 0 };
	struct stand stand;
	size_t sent_len;
	int err;

	stand_up(&stand, KTLSX_CLIENT);
	err = flood(&stand, hello_request, sizeof(hello_request), FLOOD_COUNT, &sent_len);
	EXPECT_GE(sent_len, PEER_LEN_MAX);
	expect_over(&stand, err, -EMSGSIZE, "262144");
	stand_down(&stand);
}

TEST_F(impatient, flood_of_warnings)
{
	static const uint8_t warning[] = { 21, 3, 3, 0, 2, 1, 90 };
	size_t sent_len;
	int err = flood(&self->stand, warning, sizeof(warning), FLOOD_COUNT, &sent_len);

	EXPECT_TRUE(err == -EPROTO || err == -EMSGSIZE);
	ktap_diag("%zu bytes: %s", sent_len, ktlsx_error(self->stand.conn));
	expect_over(&self->stand, err, err, "");
	stand_down(&self->stand);
}

TEST_F(impatient, flood_of_empty_records)
{
	static const uint8_t empty[] = { 22, 3, 3, 0, 0 };
	size_t sent_len;
	int err = flood(&self->stand, empty, sizeof(empty), FLOOD_COUNT, &sent_len);

	EXPECT_TRUE(err == -EPROTO || err == -EMSGSIZE);
	ktap_diag("%zu bytes: %s", sent_len, ktlsx_error(self->stand.conn));
	expect_over(&self->stand, err, err, "");
	stand_down(&self->stand);
}

TEST_F(impatient, flood_of_change_cipher_spec)
{
	static const uint8_t ccs[] = { 20, 3, 3, 0, 1, 1 };
	size_t sent_len;
	int err = flood(&self->stand, ccs, sizeof(ccs), FLOOD_COUNT, &sent_len);

	EXPECT_TRUE(err == -EPROTO || err == -EMSGSIZE);
	ktap_diag("%zu bytes: %s", sent_len, ktlsx_error(self->stand.conn));
	expect_over(&self->stand, err, err, "");
	stand_down(&self->stand);
}

/* A message that says it has 16 MiB, in records of 16 KiB. */
TEST_F(impatient, endless_message)
{
	uint8_t *record = calloc(1, MIDDLE_HEADER_LEN + 16384);
	uint8_t type = variant->role == KTLSX_CLIENT ? 2 : 1;
	size_t sent_len;
	int err;

	memcpy(record, "\x16\x03\x03\x40\x00", 5);
	memcpy(record + 5, (uint8_t[]){ type, 0xff, 0xff, 0xff }, 4);
	err = flood(&self->stand, record, MIDDLE_HEADER_LEN + 16384, 1, &sent_len);
	EXPECT_TRUE(err == -EPROTO || err == -EMSGSIZE);
	ktap_diag("%zu bytes: %s", sent_len, ktlsx_error(self->stand.conn));
	expect_over(&self->stand, err, err, "");
	free(record);
	stand_down(&self->stand);
}

/* A record length that no TLS record has: found out by the header alone. */
TEST_F(impatient, record_too_long)
{
	static const size_t lens[] = { 16384 + 2048 + 1, 65535 };
	struct stand stand = self->stand;
	unsigned int index;

	for (index = 0; index < 2; index++) {
		if (index)
			stand_up(&stand, variant->role);
		say_header(&stand, MIDDLE_HANDSHAKE, lens[index]);
		expect_over(&stand, shake(&stand), -EPROTO, index ? "65535" : "18433");
		stand_down(&stand);
	}
}

TEST_F(impatient, record_of_nothing)
{
	say_header(&self->stand, MIDDLE_HANDSHAKE, 0);
	say_header(&self->stand, MIDDLE_DATA, 0);
	expect_over(&self->stand, shake(&self->stand), -EPROTO, "");
	ktap_diag("%s", ktlsx_error(self->stand.conn));
	stand_down(&self->stand);
}

static const struct stranger {
	const char *bytes;
	size_t len;
	const char *words;
} strangers[] = {
#define STRANGER(text, words) { text, sizeof(text) - 1, words }
	STRANGER("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP"),
	STRANGER("HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"),
	STRANGER("SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"),
	STRANGER("220 mail.example ESMTP\r\n", "greeting"),
	/* CLIENT-HELLO of SSL 2.0: three ciphers, a challenge of 16 bytes. */
	STRANGER("\x80\x22\x01\x00\x02\x00\x09\x00\x00\x00\x10\x07\x00\xc0\x01\x00\x80\x03\x00"
		 "\x80" "0123456789abcdef", "SSL 2"),
	STRANGER("\x00\x00\x00\x00\x00\x00\x00\x00", "no TLS record"),
	STRANGER("\xff\xff\xff\xff\xff\xff\xff\xff", "no TLS record"),
	/* Sealed, before there is a key. */
	STRANGER("\x17\x03\x03\x00\x05hello", "unexpected"),
};

TEST_F(impatient, strangers)
{
	struct stand stand = self->stand;
	unsigned int index;

	for (index = 0; index < sizeof(strangers) / sizeof(strangers[0]); index++) {
		if (index)
			stand_up(&stand, variant->role);
		say(&stand, strangers[index].bytes, strangers[index].len);
		expect_over(&stand, shake(&stand), -EPROTO, strangers[index].words);
		ktap_diag("%s", ktlsx_error(stand.conn));
		stand_down(&stand);
	}
}

TEST(alert_at_once)
{
	struct stand stand;

	stand_up(&stand, KTLSX_CLIENT);
	say(&stand, "\x15\x03\x03\x00\x02\x02\x28", 7);
	expect_over(&stand, shake(&stand), -EPROTO, "handshake_failure");
	ktap_diag("%s", ktlsx_error(stand.conn));
	stand_down(&stand);
}

/* Half of a hello, and then the rest of it does not come. */
TEST(half_a_hello)
{
	uint8_t hello[2048];
	size_t len = first_flight(hello, sizeof(hello));
	struct stand stand;

	stand_up(&stand, KTLSX_SERVER);
	say(&stand, hello, len / 2);
	expect_over(&stand, shake(&stand), -ETIMEDOUT, "");
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
		stand_up(&stand, KTLSX_SERVER);
		say(&stand, hello, len);
		ASSERT_EQ(ktlsx_handshake_step(stand.conn, &want), -EAGAIN);
		ASSERT_GT(recv(stand.fd[1], answer, sizeof(answer), 0), 0);
		if (how == 1)
			shutdown(stand.fd[1], SHUT_WR);
		if (how == 2)
			close(stand.fd[1]);
		expect_over(&stand, shake(&stand), how ? -ECONNRESET : -ETIMEDOUT, "");
		ktap_diag("%s", ktlsx_error(stand.conn));
		if (how == 2)
			stand.fd[1] = -1;
		stand_down(&stand);
	}
}

PKI_MAIN()
