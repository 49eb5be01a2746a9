// SPDX-License-Identifier: MIT
/*
 * Owns: the row "maximum fragment length": what a client asked for is what the
 * records on the wire hold, at most.
 * Must not know: who cuts them.
 * Concurrency: none; the relay's thread has ended when its bytes are looked at.
 * Follows: RFC 6066 4.
 */
#include "../ktap.h"
#include "../conn.h"
#include "relay.h"
#include "session.h"

/* Header apart: explicit nonce or inner type, and the tag. */
#define OVERHEAD_TLS12	(8 + 16)
#define OVERHEAD_TLS13	(1 + 16)
#define HEADER_LEN	5

FIXTURE(fragment) { struct session session; };
FIXTURE_VARIANT(fragment) { uint16_t version; size_t len; };
#define LEN(bytes)									\
	FIXTURE_VARIANT_ADD(fragment, tls12_##bytes) = { 0x0303, bytes };		\
	FIXTURE_VARIANT_ADD(fragment, tls13_##bytes) = { 0x0304, bytes }
LEN(512);
LEN(1024);
LEN(2048);
LEN(4096);
FIXTURE_VARIANT_ADD(fragment, tls12_not_asked) = { 0x0303, 0 };
FIXTURE_VARIANT_ADD(fragment, tls13_not_asked) = { 0x0304, 0 };

FIXTURE_SETUP(fragment)
{
	char words[40];
	struct dialect_wish wish = {
		.program = OPENSSL, .version = variant->version,
		.more = variant->len ? words : NULL,
	};

	snprintf(words, sizeof(words), "-maxfraglen %zu", variant->len);
	session_open(&self->session, KTLSX_SERVER, session_server_config("p256"), &wish);
}

/* Return: the body length of the largest data record. */
static size_t largest_record(const struct relay_kept *kept)
{
	size_t off = 0, next, largest = 0;

	while ((next = relay_next_record(kept, off))) {
		if (kept->bytes[off] == 23 && next - off - HEADER_LEN > largest)
			largest = next - off - HEADER_LEN;
		off = next;
	}
	EXPECT_EQ(off, kept->len);
	return largest;
}

TEST_F(fragment, on_the_wire)
{
	size_t overhead = variant->version == 0x0303 ? OVERHEAD_TLS12 : OVERHEAD_TLS13;
	size_t limit = variant->len ? variant->len : 16384;
	struct session *session = &self->session;
	struct relay relay;
	int fd = relay_insert(&relay, session_dial(session));

	ASSERT_GE(fd, 0);
	relay_run(&relay);
	session_take(session, fd, NULL);
	ASSERT_EQ(ktlsx_handshake(session->conn, 0), 0);
	session_exchange(session);
	session_hang_up(session);
	peer_stop(&session->peer);
	relay_end(&relay);
	/* All of it is used, and no byte more; the handshake's records fit as well. */
	EXPECT_EQ(largest_record(&relay.kept[RELAY_TO_PEER]), limit + overhead);
	relay_free(&relay);
	session_end(session);
}

PKI_MAIN()
