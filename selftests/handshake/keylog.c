// SPDX-License-Identifier: MIT
/*
 * Owns: the row "key log": it has to be asked for, how its file is made, that
 * it decrypts what went over the wire.
 * Must not know: what its lines look like inside.
 * Concurrency: none; the relay's thread has ended when its bytes are looked at.
 * Follows: draft-ietf-tls-keylogfile; libpcap file format (RFC draft pcap).
 */
#include "../ktap.h"
#include "../conn.h"
#include "relay.h"
#include "session.h"

#include <sys/stat.h>

#define SECRET_TEXT	"the quick brown fox"

FIXTURE(keylog) { struct session session; struct ktlsx_config *config; };
FIXTURE_VARIANT(keylog) { enum ktlsx_role role; uint16_t version; };
FIXTURE_VARIANT_ADD(keylog, tls12_as_client) = { KTLSX_CLIENT, 0x0303 };
FIXTURE_VARIANT_ADD(keylog, tls13_as_client) = { KTLSX_CLIENT, 0x0304 };
FIXTURE_VARIANT_ADD(keylog, tls12_as_server) = { KTLSX_SERVER, 0x0303 };
FIXTURE_VARIANT_ADD(keylog, tls13_as_server) = { KTLSX_SERVER, 0x0304 };
FIXTURE_SETUP(keylog)
{
	bool is_server = variant->role == KTLSX_SERVER;
	struct dialect_wish wish = {
		.program = OPENSSL, .version = variant->version,
		.cert = is_server ? NULL : "p256",
	};

	setenv("SSLKEYLOGFILE", pki_path("ours.log"), 1);
	self->config = is_server ? session_server_config("p256") : session_client_config();
	/* The peer shall not see it. */
	unsetenv("SSLKEYLOGFILE");
	session_open(&self->session, variant->role, self->config, &wish);
	setenv("SSLKEYLOGFILE", pki_path("ours.log"), 1);
}

static long file_len(const char *path)
{
	struct stat status;

	return stat(path, &status) ? -1 : status.st_size;
}

TEST_F(keylog, environment_alone_does_nothing)
{
	session_complete(&self->session);
	session_exchange(&self->session);
	session_close(&self->session);
	EXPECT_EQ(file_len(pki_path("ours.log")), -1);
}

TEST_F(keylog, is_written_when_asked_for)
{
	const char *path = pki_path("asked.log");
	char bytes[4000] = "";
	struct stat status;
	FILE *file;

	umask(0);
	ASSERT_EQ(ktlsx_config_set_keylog(self->config, path), 0);
	session_complete(&self->session);
	session_exchange(&self->session);
	session_close(&self->session);
	ASSERT_EQ(stat(path, &status), 0);
	EXPECT_EQ(status.st_mode & 07777, 0600);
	file = fopen(path, "r");
	ASSERT_TRUE(file);
	EXPECT_GT(fread(bytes, 1, sizeof(bytes) - 1, file), 0);
	fclose(file);
	EXPECT_TRUE(strstr(bytes, variant->version == 0x0303 ? "CLIENT_RANDOM " :
								"CLIENT_TRAFFIC_SECRET_0 "));
	EXPECT_EQ(file_len(pki_path("ours.log")), -1);
	unlink(path);
}

static void put(FILE *file, uint64_t value, size_t len, bool is_big_endian)
{
	for (size_t i = 0; i < len; i++)
		fputc(value >> 8 * (is_big_endian ? len - 1 - i : i) & 0xff, file);
}

/* One TCP segment in an IPv4 packet; checksums stay 0, which nobody looks at. */
static void put_segment(FILE *file, bool is_to_server, uint32_t seq, uint32_t ack, uint8_t flags,
			const uint8_t *bytes, size_t len)
{
	const uint32_t client = 0x0a000001, server = 0x0a000002;
	static unsigned int count;

	put(file, count / 1000, 4, false);
	put(file, count++ % 1000 * 1000, 4, false);
	put(file, 40 + len, 4, false);
	put(file, 40 + len, 4, false);
	put(file, 0x4500, 2, true);
	put(file, 40 + len, 2, true);
	put(file, 0x400040060000, 8, true);
	put(file, is_to_server ? client : server, 4, true);
	put(file, is_to_server ? server : client, 4, true);
	put(file, is_to_server ? 50000 : 443, 2, true);
	put(file, is_to_server ? 443 : 50000, 2, true);
	put(file, seq, 4, true);
	put(file, ack, 4, true);
	put(file, 0x50, 1, true);
	put(file, flags, 1, true);
	put(file, 0xffff, 2, true);
	put(file, 0, 4, true);
	if (len)
		fwrite(bytes, 1, len, file);
}

/* What the relay kept, in an order that a handshake can have: flight after flight. */
static void write_capture(const char *path, const struct relay_turn *turns, size_t turn_count,
			  const struct relay_kept kept[2], bool is_client)
{
	FILE *file = fopen(path, "w");
	uint32_t seq[2] = { 1, 1 };

	ASSERT_TRUE(file);
	put(file, 0xa1b2c3d4, 4, false);
	put(file, 0x00040002, 4, false);
	put(file, 0, 8, false);
	put(file, 65535, 4, false);
	put(file, 101, 4, false);	/* LINKTYPE_RAW */
	put_segment(file, true, 0, 0, 0x02, NULL, 0);
	put_segment(file, false, 0, 1, 0x12, NULL, 0);
	put_segment(file, true, 1, 1, 0x10, NULL, 0);
	for (size_t i = 0; i < turn_count; i++) {
		enum relay_way way = turns[i].way;
		bool is_to_server = is_client == (way == RELAY_TO_PEER);

		put_segment(file, is_to_server, seq[way], seq[!way], 0x18,
			    kept[way].bytes + turns[i].off, turns[i].len);
		seq[way] += turns[i].len;
	}
	fclose(file);
}

static bool has_tshark(void)
{
	return !system("command -v tshark > /dev/null 2>&1");
}

static void talk(struct session *session)
{
	ASSERT_EQ(ktlsx_write(session->conn, SECRET_TEXT " out\n", 24), 24);
	EXPECT_TRUE(peer_await(&session->peer, PEER_OUT, SECRET_TEXT " out\n"));
	ASSERT_EQ(write(session->peer.in, SECRET_TEXT " in.\n", 24), 24);
	for (size_t done = 0; done < 24;) {
		char got[24];
		ssize_t ret = ktlsx_read(session->conn, got, sizeof(got) - done);

		ASSERT_GT(ret, 0);
		done += ret;
	}
}

static void expect_decrypted(const char *capture, const char *log)
{
	struct peer_args args = { .count = 0 };
	struct peer tshark;

	peer_say(&args, "tshark -r %s -o tls.keylog_file:%s -q -z follow,tls,ascii,0", capture,
		 log);
	peer_start(&tshark, &args);
	peer_end_input(&tshark);
	EXPECT_TRUE(peer_await(&tshark, PEER_OUT, SECRET_TEXT " out"));
	EXPECT_TRUE(peer_await(&tshark, PEER_OUT, SECRET_TEXT " in."));
	if (!strstr(tshark.text[PEER_OUT].bytes, SECRET_TEXT))
		peer_show(&tshark);
	peer_stop(&tshark);
}

TEST_F_TIMEOUT(keylog, decrypts_a_capture, 60)
{
	const char *log = pki_path("capture.log"), *capture = pki_path("capture.pcap");
	struct session *session = &self->session;
	struct relay relay;
	int fd;

	if (!has_tshark())
		SKIP("this machine lacks tshark");
	ASSERT_EQ(ktlsx_config_set_keylog(self->config, log), 0);
	fd = relay_insert(&relay, session_dial(session));
	ASSERT_GE(fd, 0);
	relay_run(&relay);
	session_take(session, fd, variant->role == KTLSX_CLIENT ? "localhost" : NULL);
	ASSERT_EQ(ktlsx_handshake(session->conn, 0), 0);
	talk(session);
	session_hang_up(session);
	peer_stop(&session->peer);
	relay_end(&relay);
	write_capture(capture, relay.turns, relay.turn_count, relay.kept,
		      variant->role == KTLSX_CLIENT);
	relay_free(&relay);
	session_end(session);
	expect_decrypted(capture, log);
	unlink(log);
}

TEST(symbolic_link_is_refused)
{
	struct ktlsx_config *config = session_server_config("p256");
	const char *link = pki_path("link.log");

	ASSERT_EQ(symlink(pki_path("target.log"), link), 0);
	EXPECT_EQ(ktlsx_config_set_keylog(config, link), -ELOOP);
	EXPECT_TRUE(*ktlsx_config_error(config));
	EXPECT_EQ(file_len(pki_path("target.log")), -1);
	EXPECT_EQ(ktlsx_config_set_keylog(config, pki_path("no/such/folder")), -ENOENT);
	unlink(link);
	ktlsx_config_free(config);
}

/* A file that is there keeps what it holds. */
TEST(is_appended_to)
{
	struct dialect_wish wish = { .program = OPENSSL, .cert = "p256" };
	struct ktlsx_config *config = session_client_config();
	const char *path = pki_path("append.log");
	struct session session;
	FILE *file = fopen(path, "w");
	char line[20] = "";

	ASSERT_TRUE(file);
	fputs("# first line\n", file);
	fclose(file);
	ASSERT_EQ(ktlsx_config_set_keylog(config, path), 0);
	session_open(&session, KTLSX_CLIENT, config, &wish);
	session_complete(&session);
	session_close(&session);
	file = fopen(path, "r");
	EXPECT_TRUE(fgets(line, sizeof(line), file));
	EXPECT_EQ(strcmp(line, "# first line\n"), 0);
	fclose(file);
	EXPECT_GT(file_len(path), 100);
}

PKI_MAIN()
