// SPDX-License-Identifier: MIT
/*
 * Owns: every plaintext handshake message and every record header of a
 * handshake, cut at each byte and with a bit of each byte flipped, both roles.
 * Must not know: sockets (duel.h), how records are cut out (middle.h).
 * Concurrency: single thread.
 * Follows: RFC 5246 7.4, RFC 8446 4: a changed transcript fails; what is outside of it
 * may go unnoticed.
 */
#include "../ktap.h"

#include <errno.h>

#include "duel.h"
#include "pki.h"

#define TIMEOUT_S	100
#define RECORD_MAX	40
#define MESSAGE_HEADER_LEN 4
/* Of a sealed record only the header is looked at; a bit more to cut behind it. */
#define SEALED_LEN	(MIDDLE_HEADER_LEN + 2)
/* What we send is OpenSSL's to refuse: a sample shows what we make of that. */
#define FROM_OURS_STRIDE 5

enum damage {
	CUT_AND_END,		/* the stream ends inside the record */
	CUT_AND_FIT,		/* its lengths are made to fit, the stream goes on */
	FLIP,
};

struct mutation {
	enum damage damage;
	enum middle_way way;
	unsigned int nth;
	size_t off;
	unsigned int bit;
	bool is_done;
};

struct seen {
	struct middle_record record[RECORD_MAX];
	unsigned int count;
};

struct tally {
	unsigned int refused, unnoticed, late;
};

FIXTURE(mutations) {
	struct duel_sides sides;
	struct seen seen;
};

FIXTURE_VARIANT(mutations) {
	struct duel_kind kind;
};

FIXTURE_VARIANT_ADD(mutations, client_tls12) = { {
	.role = KTLSX_CLIENT, .version = 0x0303, .certificate = "p256",
	.client_certificate = "client",
} };
FIXTURE_VARIANT_ADD(mutations, client_tls13) = { {
	.role = KTLSX_CLIENT, .version = 0x0304, .certificate = "p256",
} };
FIXTURE_VARIANT_ADD(mutations, client_tls13_retry) = { {
	.role = KTLSX_CLIENT, .version = 0x0304, .certificate = "p256", .groups = "P-384",
} };
FIXTURE_VARIANT_ADD(mutations, server_tls12) = { {
	.role = KTLSX_SERVER, .version = 0x0303, .certificate = "p256",
	.client_certificate = "client",
} };
FIXTURE_VARIANT_ADD(mutations, server_tls13) = { {
	.role = KTLSX_SERVER, .version = 0x0304, .certificate = "p256",
} };
FIXTURE_VARIANT_ADD(mutations, server_tls13_retry) = { {
	.role = KTLSX_SERVER, .version = 0x0304, .certificate = "p256", .groups = "P-384",
} };

static const struct {
	int message;
	const char *name;
} names[] = {
	{ 0, "HelloRequest" }, { 1, "ClientHello" }, { 2, "ServerHello" },
	{ 4, "NewSessionTicket" }, { 11, "Certificate" }, { 12, "ServerKeyExchange" },
	{ 13, "CertificateRequest" }, { 14, "ServerHelloDone" }, { 15, "CertificateVerify" },
	{ 16, "ClientKeyExchange" }, { 22, "CertificateStatus" },
};

static const char *name(const struct middle_record *record)
{
	unsigned int index;

	if (record->is_sealed)
		return "a sealed record";
	if (record->type == MIDDLE_CCS)
		return "ChangeCipherSpec";
	for (index = 0; index < sizeof(names) / sizeof(names[0]); index++)
		if (names[index].message == record->message)
			return names[index].name;
	return "another record";
}

static void see(void *arg, struct middle_record *record)
{
	struct seen *seen = arg;

	if (seen->count < RECORD_MAX)
		seen->record[seen->count++] = *record;
}

static void put_len(uint8_t *at, size_t len, unsigned int byte_count)
{
	while (byte_count--) {
		at[byte_count] = len;
		len >>= 8;
	}
}

static void cut_and_fit(struct middle_record *record, size_t len)
{
	bool has_header = record->message != MIDDLE_NO_MESSAGE &&
			  len >= MIDDLE_HEADER_LEN + MESSAGE_HEADER_LEN;

	record->len = len;
	put_len(record->bytes + 3, len - MIDDLE_HEADER_LEN, 2);
	if (has_header)
		put_len(record->bytes + MIDDLE_HEADER_LEN + 1,
			len - MIDDLE_HEADER_LEN - MESSAGE_HEADER_LEN, 3);
}

static void mutate(void *arg, struct middle_record *record)
{
	struct mutation *mutation = arg;

	if (record->way != mutation->way || record->nth != mutation->nth ||
	    mutation->off >= record->len)
		return;
	mutation->is_done = true;
	if (mutation->damage == FLIP) {
		record->bytes[mutation->off] ^= 1 << mutation->bit;
	} else if (mutation->damage == CUT_AND_FIT) {
		cut_and_fit(record, mutation->off);
	} else {
		record->len = mutation->off;
		record->is_last = true;
	}
}

static bool is_documented(int err)
{
	return err == -EPROTO || err == -EACCES || err == -ECONNRESET || err == -EPIPE ||
	       err == -EMSGSIZE;
}

static void check_refused(const struct duel_result *result)
{
	EXPECT_TRUE(is_documented(result->err));
	EXPECT_NE(result->text[0], 0);
	EXPECT_EQ(result->key_count, 0);
	EXPECT_TRUE(result->is_shut);
	EXPECT_LT(result->fd_answer, 0);
}

/* The handshake was over for the library: reading tells, and never gives content. */
static void check_late(const struct duel_result *result)
{
	EXPECT_TRUE(result->read_answer < 0);
	EXPECT_NE(result->read_answer, -EAGAIN);
	EXPECT_NE(result->read_text[0], 0);
}

/* A handshake message is part of the transcript; records and their headers are not. */
static bool may_go_unnoticed(const struct mutation *mutation, const struct middle_record *record)
{
	return mutation->damage == FLIP &&
	       (mutation->off < MIDDLE_HEADER_LEN || record->message == MIDDLE_NO_MESSAGE);
}

static void check(const struct mutation *mutation, const struct middle_record *record,
		  const struct duel_result *result, struct tally *tally)
{
	unsigned int failures = ktap_verdict->failure_count;

	EXPECT_FALSE(result->is_hung);
	EXPECT_FALSE(result->is_garbled);
	if (result->err) {
		check_refused(result);
		tally->refused++;
	} else if (result->is_agreed) {
		EXPECT_TRUE(may_go_unnoticed(mutation, record));
		tally->unnoticed++;
	} else {
		check_late(result);
		tally->late++;
	}
	if (ktap_verdict->failure_count != failures)
		ktap_diag("above: %s, damage %d, byte %zu of %zu, bit %u: %d %s, read %zd %s",
			  name(record), mutation->damage, mutation->off, record->len,
			  mutation->bit, result->err, result->text, result->read_answer,
			  result->read_text);
}

static void run_one(struct mutations_self *self, const struct middle_record *record,
		    struct mutation *mutation, struct tally *tally)
{
	struct middle_hook hook = { mutate, mutation };
	struct duel_result result;

	mutation->way = record->way;
	mutation->nth = record->nth;
	mutation->is_done = false;
	duel_run(&self->sides, &hook, &result);
	/* Signatures differ in length: the last bytes are not always there. */
	if (mutation->is_done)
		check(mutation, record, &result, tally);
	else
		EXPECT_TRUE(result.is_agreed);
}

/* All bits of the headers, one bit of each byte behind them. */
static void flip_record(struct mutations_self *self, const struct middle_record *record,
			size_t stride, struct tally *tally)
{
	size_t len = record->is_sealed ? MIDDLE_HEADER_LEN : record->len;
	struct mutation mutation = { .damage = FLIP };

	for (mutation.off = 0; mutation.off < len; mutation.off += stride) {
		if (mutation.off >= MIDDLE_HEADER_LEN + MESSAGE_HEADER_LEN) {
			mutation.bit = (mutation.off * 5 + record->nth) % 8;
			run_one(self, record, &mutation, tally);
			continue;
		}
		for (mutation.bit = 0; mutation.bit < 8; mutation.bit++)
			run_one(self, record, &mutation, tally);
	}
}

static void cut_record(struct mutations_self *self, const struct middle_record *record,
		       enum damage damage, size_t stride, struct tally *tally)
{
	size_t len = record->is_sealed ? SEALED_LEN : record->len;
	struct mutation mutation = { .damage = damage };

	mutation.off = damage == CUT_AND_FIT ? MIDDLE_HEADER_LEN : 0;
	for (; mutation.off < len; mutation.off += stride)
		run_one(self, record, &mutation, tally);
}

static bool is_for_ours(const struct mutations_self *self, const struct middle_record *record)
{
	return (self->sides.role == KTLSX_CLIENT) == (record->way == MIDDLE_TO_CLIENT);
}

static void run_all(struct mutations_self *self, enum damage damage, bool is_for)
{
	size_t stride = duel_stride(is_for ? 1 : FROM_OURS_STRIDE);
	const struct middle_record *record;
	struct tally tally;
	unsigned int index;

	for (index = 0; index < self->seen.count; index++) {
		record = &self->seen.record[index];
		if (is_for_ours(self, record) != is_for)
			continue;
		tally = (struct tally){ 0 };
		if (damage == FLIP)
			flip_record(self, record, stride, &tally);
		else
			cut_record(self, record, damage, stride, &tally);
		ktap_diag("%s (%zu bytes): %u refused, %u unnoticed, %u found by the first read",
			  name(record), record->len, tally.refused, tally.unnoticed, tally.late);
		EXPECT_NE(tally.refused + tally.unnoticed + tally.late, 0);
	}
}

FIXTURE_SETUP(mutations)
{
	struct middle_hook hook = { see, &self->seen };
	struct duel_result result;

	duel_sides_make(&self->sides, &variant->kind);
	duel_run(&self->sides, &hook, &result);
	if (result.err)
		ktap_diag("%d: %s", result.err, result.text);
	ASSERT_EQ(result.err, 0);
	ASSERT_TRUE(result.is_peer_done);
	ASSERT_TRUE(result.is_agreed);
	ASSERT_LT(self->seen.count, RECORD_MAX);
}

TEST_F_TIMEOUT(mutations, cut_and_end, TIMEOUT_S)
{
	run_all(self, CUT_AND_END, true);
}

TEST_F_TIMEOUT(mutations, cut_and_fit, TIMEOUT_S)
{
	run_all(self, CUT_AND_FIT, true);
}

TEST_F_TIMEOUT(mutations, flip, TIMEOUT_S)
{
	run_all(self, FLIP, true);
}

TEST_F_TIMEOUT(mutations, flip_what_we_send, TIMEOUT_S)
{
	run_all(self, FLIP, false);
}

TEST_F_TIMEOUT(mutations, cut_what_we_send, TIMEOUT_S)
{
	run_all(self, CUT_AND_END, false);
	run_all(self, CUT_AND_FIT, false);
}

PKI_MAIN()
