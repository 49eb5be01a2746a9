// SPDX-License-Identifier: MIT
/*
 * Owns: peers that flood, or do not speak TLS at all: the library takes no more
 * than its bound, and says what it met.
 * Must not know: sessions, keys; no handshake here succeeds.
 * Concurrency: single thread.
 * Follows: ktlsx.h, RFC 8446 5.1.
 */
#include "../ktap.h"

#include "middle.h"
#include "pki.h"
#include "stand.h"

#define LIMIT_MS	10000
#define BIG_LEN		(2 * STAND_PEER_LEN_MAX)
#define FLOOD_COUNT	512	/* pieces that are sent at once */

FIXTURE(nonsense) {
	struct stand stand;
};

FIXTURE_VARIANT(nonsense) {
	enum ktlsx_role role;
};

FIXTURE_VARIANT_ADD(nonsense, client) = { KTLSX_CLIENT };
FIXTURE_VARIANT_ADD(nonsense, server) = { KTLSX_SERVER };

FIXTURE_SETUP(nonsense)
{
	stand_up(&self->stand, variant->role, LIMIT_MS);
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

	stand_up(&stand, KTLSX_CLIENT, LIMIT_MS);
	err = flood(&stand, hello_request, sizeof(hello_request), FLOOD_COUNT, &sent_len);
	EXPECT_GE(sent_len, STAND_PEER_LEN_MAX);
	stand_expect_over(&stand, err, -EMSGSIZE, "262144");
	stand_down(&stand);
}

TEST_F(nonsense, flood_of_warnings)
{
	static const uint8_t warning[] = { 21, 3, 3, 0, 2, 1, 90 };
	size_t sent_len;
	int err = flood(&self->stand, warning, sizeof(warning), FLOOD_COUNT, &sent_len);

	EXPECT_TRUE(err == -EPROTO || err == -EMSGSIZE);
	ktap_diag("%zu bytes: %s", sent_len, ktlsx_error(self->stand.conn));
	stand_expect_over(&self->stand, err, err, "");
	stand_down(&self->stand);
}

TEST_F(nonsense, flood_of_empty_records)
{
	static const uint8_t empty[] = { 22, 3, 3, 0, 0 };
	size_t sent_len;
	int err = flood(&self->stand, empty, sizeof(empty), FLOOD_COUNT, &sent_len);

	EXPECT_TRUE(err == -EPROTO || err == -EMSGSIZE);
	ktap_diag("%zu bytes: %s", sent_len, ktlsx_error(self->stand.conn));
	stand_expect_over(&self->stand, err, err, "");
	stand_down(&self->stand);
}

TEST_F(nonsense, flood_of_change_cipher_spec)
{
	static const uint8_t ccs[] = { 20, 3, 3, 0, 1, 1 };
	size_t sent_len;
	int err = flood(&self->stand, ccs, sizeof(ccs), FLOOD_COUNT, &sent_len);

	EXPECT_TRUE(err == -EPROTO || err == -EMSGSIZE);
	ktap_diag("%zu bytes: %s", sent_len, ktlsx_error(self->stand.conn));
	stand_expect_over(&self->stand, err, err, "");
	stand_down(&self->stand);
}

/* A message that says it has 16 MiB, in records of 16 KiB. */
TEST_F(nonsense, endless_message)
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
	stand_expect_over(&self->stand, err, err, "");
	free(record);
	stand_down(&self->stand);
}

/* A record length that no TLS record has: found out by the header alone. */
TEST_F(nonsense, record_too_long)
{
	static const size_t lens[] = { 16384 + 2048 + 1, 65535 };
	struct stand stand = self->stand;
	unsigned int index;

	for (index = 0; index < 2; index++) {
		if (index)
			stand_up(&stand, variant->role, LIMIT_MS);
		stand_say_header(&stand, MIDDLE_HANDSHAKE, lens[index]);
		stand_expect_over(&stand, stand_shake(&stand), -EPROTO, index ? "65535" : "18433");
		stand_down(&stand);
	}
}

TEST_F(nonsense, record_of_nothing)
{
	stand_say_header(&self->stand, MIDDLE_HANDSHAKE, 0);
	stand_say_header(&self->stand, MIDDLE_DATA, 0);
	stand_expect_over(&self->stand, stand_shake(&self->stand), -EPROTO, "");
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
	/* CLIENT-HELLO of SSL 2.0: one cipher, a challenge of 16 bytes. */
	STRANGER("\x80\x1c\x01\x00\x02\x00\x03\x00\x00\x00\x10\x07\x00\xc0ghijklmnopqrstuv",
		 "SSL 2"),
	STRANGER("\x00\x00\x00\x00\x00\x00\x00\x00", "no TLS record"),
	STRANGER("\xff\xff\xff\xff\xff\xff\xff\xff", "no TLS record"),
	/* Sealed, before there is a key. */
	STRANGER("\x17\x03\x03\x00\x05hello", "unexpected"),
};

TEST_F(nonsense, strangers)
{
	struct stand stand = self->stand;
	unsigned int index;

	for (index = 0; index < sizeof(strangers) / sizeof(strangers[0]); index++) {
		if (index)
			stand_up(&stand, variant->role, LIMIT_MS);
		stand_say(&stand, strangers[index].bytes, strangers[index].len);
		stand_expect_over(&stand, stand_shake(&stand), -EPROTO, strangers[index].words);
		ktap_diag("%s", ktlsx_error(stand.conn));
		stand_down(&stand);
	}
}

TEST(alert_at_once)
{
	struct stand stand;

	stand_up(&stand, KTLSX_CLIENT, LIMIT_MS);
	stand_say(&stand, "\x15\x03\x03\x00\x02\x02\x28", 7);
	stand_expect_over(&stand, stand_shake(&stand), -EPROTO, "handshake_failure");
	ktap_diag("%s", ktlsx_error(stand.conn));
	stand_down(&stand);
}

PKI_MAIN()
