// SPDX-License-Identifier: MIT
/*
 * Owns: TLS 1.2 servers that lie in ServerKeyExchange: what the library's client
 * answers, says and sends. The liar is a man in the middle who has the server's
 * key, so that only what shall be wrong is wrong.
 * Must not know: sockets (duel.h).
 * Concurrency: single thread.
 * Follows: RFC 5246 7.4.3 and 7.2.2, RFC 8422 5.4 and 5.10.
 */
#include "../ktap.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "duel.h"
#include "pki.h"

#define MESSAGE_HEADER_LEN	4
#define RANDOM_LEN		32
#define SERVER_KEY_EXCHANGE	12
#define PARAMS_MAX		2048
#define SIGNATURE_MAX		1024
#define FATAL			0x0200

enum alert {
	HANDSHAKE_FAILURE = 40,
	ILLEGAL_PARAMETER = 47,
	DECODE_ERROR = 50,
	DECRYPT_ERROR = 51,
};

/* ServerKeyExchange in parts. */
struct exchange {
	uint8_t params[PARAMS_MAX];
	size_t params_len;
	uint16_t algorithm;
	uint8_t signature[SIGNATURE_MAX];
	size_t signature_len;
	size_t cut_len;		/* bytes of the message's end that are left out */
	size_t extra_len;	/* bytes after its end */
};

struct lie;

struct liar {
	const struct lie *lie;
	const char *certificate;
	bool is_dhe;
	uint8_t randoms[2 * RANDOM_LEN];	/* the client's, the server's */
	size_t message_len;	/* of the honest one */
	size_t cut_len;
	unsigned int told;
};

/* @tell changes params, or signs wrongly; honest otherwise. */
struct lie {
	const char *name;
	void (*tell)(struct liar *liar, struct exchange *exchange);
	uint8_t alert;
	const char *alert_name;
	const char *cause;	/* OpenSSL's words */
};

static const struct {
	uint16_t algorithm;
	const char *digest;
	bool is_pss;
} algorithms[] = {
	{ 0x0401, "SHA256", false }, { 0x0501, "SHA384", false }, { 0x0601, "SHA512", false },
	{ 0x0403, "SHA256", false }, { 0x0503, "SHA384", false }, { 0x0603, "SHA512", false },
	{ 0x0804, "SHA256", true }, { 0x0805, "SHA384", true }, { 0x0806, "SHA512", true },
};

static unsigned int get16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static EVP_PKEY *load_key(const char *certificate)
{
	char name[64];
	EVP_PKEY *key;
	FILE *file;

	snprintf(name, sizeof(name), "%s.key.pem", certificate);
	file = fopen(pki_path(name), "r");
	ASSERT_NE(file, NULL);
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	ASSERT_NE(key, NULL);
	fclose(file);
	return key;
}

/* RFC 5246 7.4.3: over both randoms and the params. */
static void sign(const struct liar *liar, struct exchange *exchange, const char *certificate)
{
	EVP_PKEY *key = load_key(certificate);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned int index = 0;
	EVP_PKEY_CTX *how;

	while (algorithms[index].algorithm != exchange->algorithm) {
		index++;
		ASSERT_LT(index, sizeof(algorithms) / sizeof(algorithms[0]));
	}
	ASSERT_EQ(EVP_DigestSignInit_ex(ctx, &how, algorithms[index].digest, NULL, NULL, key,
					NULL), 1);
	if (algorithms[index].is_pss) {
		ASSERT_GT(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), 0);
		ASSERT_GT(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST), 0);
	}
	ASSERT_EQ(EVP_DigestSignUpdate(ctx, liar->randoms, sizeof(liar->randoms)), 1);
	ASSERT_EQ(EVP_DigestSignUpdate(ctx, exchange->params, exchange->params_len), 1);
	exchange->signature_len = sizeof(exchange->signature);
	ASSERT_EQ(EVP_DigestSignFinal(ctx, exchange->signature, &exchange->signature_len), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void tell_truth(struct liar *liar, struct exchange *exchange)
{
	sign(liar, exchange, liar->certificate);
}

static void tell_other_key(struct liar *liar, struct exchange *exchange)
{
	sign(liar, exchange, strcmp(liar->certificate, "rsa") ? "client" : "rsa_root");
}

/* What a recorded exchange of another connection would look like. */
static void tell_replay(struct liar *liar, struct exchange *exchange)
{
	liar->randoms[RANDOM_LEN - 1] ^= 1;
	sign(liar, exchange, liar->certificate);
}

/* The public value is the last of three vectors: p, g, Ys. */
static size_t dh_public_off(const struct exchange *exchange)
{
	size_t off = 2 + get16(exchange->params);

	return off + 2 + get16(exchange->params + off) + 2;
}

/* Somebody in between puts a key of his own under the signature. */
static void tell_point_in_between(struct liar *liar, struct exchange *exchange)
{
	/* SEC 2, 2.4.2: the base point of P-256, whose secret everybody knows: 1. */
	static const uint8_t point[] = {
		4,
		0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63,
		0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1,
		0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
		0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c,
		0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6,
		0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
	};

	(void)liar;
	ASSERT_EQ(exchange->params_len, 4 + sizeof(point));
	memcpy(exchange->params + 4, point, sizeof(point));
}

/* Of bytes that fit, the public value 4 = 2^2 is as good as any, and everybody knows its secret. */
static void tell_dh_in_between(struct liar *liar, struct exchange *exchange)
{
	size_t off = dh_public_off(exchange);

	(void)liar;
	memset(exchange->params + off, 0, exchange->params_len - off);
	exchange->params[exchange->params_len - 1] = 4;
}

static void tell_flipped_signature(struct liar *liar, struct exchange *exchange)
{
	(void)liar;
	exchange->signature[exchange->signature_len - 1] ^= 0x10;
}

static void tell_wrong_curve(struct liar *liar, struct exchange *exchange)
{
	put16(exchange->params + 1, 26);	/* brainpoolP256r1, not offered */
	sign(liar, exchange, liar->certificate);
}

static void tell_explicit_curve(struct liar *liar, struct exchange *exchange)
{
	exchange->params[0] = 1;		/* explicit_prime */
	sign(liar, exchange, liar->certificate);
}

static void tell_bad_point(struct liar *liar, struct exchange *exchange)
{
	memset(exchange->params + 5, 0x5a, exchange->params_len - 5);
	sign(liar, exchange, liar->certificate);
}

static void tell_short_point(struct liar *liar, struct exchange *exchange)
{
	exchange->params[3] -= 1;
	exchange->params_len -= 1;
	sign(liar, exchange, liar->certificate);
}

static void tell_sha1(struct liar *liar, struct exchange *exchange)
{
	(void)liar;
	exchange->algorithm = 0x0200 | (exchange->algorithm == 0x0403 ? 3 : 1);
}

static void tell_other_type(struct liar *liar, struct exchange *exchange)
{
	exchange->algorithm = strcmp(liar->certificate, "rsa") ? 0x0401 : 0x0403;
}

static void tell_cut(struct liar *liar, struct exchange *exchange)
{
	exchange->cut_len = liar->cut_len;
}

static void tell_extra(struct liar *liar, struct exchange *exchange)
{
	(void)liar;
	exchange->extra_len = 1;
}

static void tell_dh_one(struct liar *liar, struct exchange *exchange)
{
	size_t off = dh_public_off(exchange);

	put16(exchange->params + off - 2, 1);
	exchange->params[off] = 1;
	exchange->params_len = off + 1;
	sign(liar, exchange, liar->certificate);
}

static void tell_dh_small(struct liar *liar, struct exchange *exchange)
{
	uint8_t *p = exchange->params, *at;

	put16(p, 64);
	memset(p + 2, 0xff, 64);
	at = p + 2 + 64;
	put16(at, 1);
	at[2] = 2;
	put16(at + 3, 64);
	memset(at + 5, 0x7f, 64);
	exchange->params_len = at + 5 + 64 - p;
	sign(liar, exchange, liar->certificate);
}

/* Return: bytes of the params in a ServerKeyExchange body. */
static size_t params_len(const struct liar *liar, const uint8_t *body)
{
	size_t len = 0;
	int vector;

	if (!liar->is_dhe)
		return 4 + body[3];
	for (vector = 0; vector < 3; vector++)
		len += 2 + get16(body + len);
	return len;
}

static void take_apart(const struct liar *liar, const uint8_t *body, struct exchange *exchange)
{
	size_t off = params_len(liar, body);

	memset(exchange, 0, sizeof(*exchange));
	ASSERT_LE(off, sizeof(exchange->params));
	memcpy(exchange->params, body, off);
	exchange->params_len = off;
	exchange->algorithm = get16(body + off);
	exchange->signature_len = get16(body + off + 2);
	ASSERT_LE(exchange->signature_len, sizeof(exchange->signature));
	memcpy(exchange->signature, body + off + 4, exchange->signature_len);
}

static void put_together(const struct exchange *exchange, struct middle_record *record)
{
	uint8_t *body = record->bytes + MIDDLE_HEADER_LEN + MESSAGE_HEADER_LEN;
	size_t len = exchange->params_len;

	memcpy(body, exchange->params, len);
	put16(body + len, exchange->algorithm);
	put16(body + len + 2, exchange->signature_len);
	len += 4;
	memcpy(body + len, exchange->signature, exchange->signature_len);
	len += exchange->signature_len;
	memset(body + len, 0, exchange->extra_len);
	len += exchange->extra_len;
	len -= exchange->cut_len;
	put16(record->bytes + MIDDLE_HEADER_LEN + 2, len);
	record->len = MIDDLE_HEADER_LEN + MESSAGE_HEADER_LEN + len;
	put16(record->bytes + 3, MESSAGE_HEADER_LEN + len);
}

static void lie(void *arg, struct middle_record *record)
{
	uint8_t *body = record->bytes + MIDDLE_HEADER_LEN + MESSAGE_HEADER_LEN;
	struct liar *liar = arg;
	struct exchange exchange;

	if (record->message == 1 || record->message == 2)
		memcpy(liar->randoms + (record->message - 1) * RANDOM_LEN, body + 2, RANDOM_LEN);
	if (record->message != SERVER_KEY_EXCHANGE)
		return;
	take_apart(liar, body, &exchange);
	liar->message_len = record->len - MIDDLE_HEADER_LEN - MESSAGE_HEADER_LEN;
	liar->lie->tell(liar, &exchange);
	put_together(&exchange, record);
	liar->told++;
}

/* TLS 1.2 leaves the alert open, and OpenSSL changed its mind. */
#if OPENSSL_VERSION_PREREQ(3, 5)
#define UNOFFERED	ILLEGAL_PARAMETER, "illegal_parameter"
#else
#define UNOFFERED	HANDSHAKE_FAILURE, "handshake_failure"
#endif

static const struct lie truth = { "truth", tell_truth, 0, NULL, NULL };

/* True of every key exchange. */
static const struct lie common_lies[] = {
	{ "signed with another key", tell_other_key, DECRYPT_ERROR, "decrypt_error",
	  "bad signature" },
	{ "signed for another connection", tell_replay, DECRYPT_ERROR, "decrypt_error",
	  "bad signature" },
	{ "a bit of the signature flipped", tell_flipped_signature, DECRYPT_ERROR,
	  "decrypt_error", "bad signature" },
	{ "SHA-1, which was not offered", tell_sha1, UNOFFERED, "wrong signature type" },
	{ "an algorithm of another key type", tell_other_type, ILLEGAL_PARAMETER,
	  "illegal_parameter", "wrong signature type" },
	{ "a byte too many", tell_extra, DECODE_ERROR, "decode_error", "length mismatch" },
};

static const struct lie curve_lies[] = {
	{ "a point of somebody in between", tell_point_in_between, DECRYPT_ERROR,
	  "decrypt_error", "bad signature" },
	{ "a curve that was not offered", tell_wrong_curve, ILLEGAL_PARAMETER,
	  "illegal_parameter", "wrong curve" },
	{ "a curve of its own", tell_explicit_curve, ILLEGAL_PARAMETER, "illegal_parameter",
	  "wrong curve" },
	{ "a point that is not on the curve", tell_bad_point, ILLEGAL_PARAMETER,
	  "illegal_parameter", "bad ecpoint" },
	{ "a point a byte short", tell_short_point, ILLEGAL_PARAMETER, "illegal_parameter",
	  "bad ecpoint" },
};

static const struct lie dh_lies[] = {
	{ "a public value of somebody in between", tell_dh_in_between, DECRYPT_ERROR,
	  "decrypt_error", "bad signature" },
	{ "public value 1", tell_dh_one, ILLEGAL_PARAMETER, "illegal_parameter", "bad dh value" },
	{ "a prime of 512 bits", tell_dh_small, HANDSHAKE_FAILURE, "handshake_failure",
	  "dh key too small" },
};

static const struct lie cut = { "cut", tell_cut, DECODE_ERROR, "decode_error", "length" };

FIXTURE(lying_server) {
	struct duel_sides sides;
	struct liar liar;
};

FIXTURE_VARIANT(lying_server) {
	struct duel_kind kind;
	bool is_dhe;
};

#define VARIANT(label, key, names, groups_text, dhe)					\
	FIXTURE_VARIANT_ADD(lying_server, label) = { {					\
		.role = KTLSX_CLIENT, .version = 0x0303, .certificate = key,		\
		.suites = names, .groups = groups_text,					\
	}, dhe }

VARIANT(ecdhe_ecdsa, "p256", "ECDHE-ECDSA-AES128-GCM-SHA256", "P-256", false);
VARIANT(ecdhe_rsa, "rsa", "ECDHE-RSA-AES256-GCM-SHA384", "P-256", false);
VARIANT(dhe_rsa, "rsa", "DHE-RSA-AES128-GCM-SHA256", NULL, true);

FIXTURE_SETUP(lying_server)
{
	duel_sides_make(&self->sides, &variant->kind);
	self->liar.certificate = variant->kind.certificate;
	self->liar.is_dhe = variant->is_dhe;
}

static void tell(struct lying_server_self *self, const struct lie *told,
		 struct duel_result *result)
{
	struct middle_hook hook = { lie, &self->liar };

	self->liar.lie = told;
	self->liar.told = 0;
	duel_run(&self->sides, &hook, result);
	ASSERT_EQ(self->liar.told, 1);
}

static void expect_found_out(struct lying_server_self *self, const struct lie *told)
{
	unsigned int failures = ktap_verdict->failure_count;
	struct duel_result result;

	tell(self, told, &result);
	EXPECT_EQ(result.err, -EPROTO);
	EXPECT_EQ(result.sent_alert, FATAL | told->alert);
	EXPECT_EQ(result.peer_got_alert, told->alert);
	EXPECT_NE(strstr(result.text, told->cause), NULL);
	EXPECT_NE(strstr(result.text, told->alert_name), NULL);
	EXPECT_EQ(result.key_count, 0);
	EXPECT_TRUE(result.is_shut);
	EXPECT_LT(result.fd_answer, 0);
	EXPECT_FALSE(result.is_peer_done);
	if (ktap_verdict->failure_count != failures)
		ktap_diag("above: %s, alert %#x, text \"%s\"", told->name, result.sent_alert,
			  result.text);
}

/*
 * The liar is able: what it signs anew without a lie is taken. The client goes on
 * to its Finished, and only the server, which did not sign that, gives up.
 */
TEST_F(lying_server, truth)
{
	struct duel_result result;

	duel_run(&self->sides, NULL, &result);
	ASSERT_EQ(result.err, 0);
	ASSERT_TRUE(result.is_agreed);
	tell(self, &truth, &result);
	EXPECT_EQ(result.err, -EPROTO);
	EXPECT_EQ(result.sent_alert, 0);
	EXPECT_EQ(result.peer_got_alert, DUEL_NO_ALERT);
	EXPECT_EQ(result.record_count[MIDDLE_TO_SERVER], 4);
	ktap_diag("%s", result.text);
}

TEST_F(lying_server, lies)
{
	unsigned int index;

	for (index = 0; index < sizeof(common_lies) / sizeof(common_lies[0]); index++)
		expect_found_out(self, &common_lies[index]);
	for (index = 0; index < sizeof(curve_lies) / sizeof(curve_lies[0]); index++)
		if (!variant->is_dhe)
			expect_found_out(self, &curve_lies[index]);
	for (index = 0; index < sizeof(dh_lies) / sizeof(dh_lies[0]); index++)
		if (variant->is_dhe)
			expect_found_out(self, &dh_lies[index]);
}

/* At every byte, with lengths of record and message that fit. */
TEST_F_TIMEOUT(lying_server, cut, 60)
{
	struct duel_result result;

	tell(self, &truth, &result);
	ASSERT_GT(self->liar.message_len, 0);
	for (self->liar.cut_len = 1; self->liar.cut_len <= self->liar.message_len - 2;
	     self->liar.cut_len += duel_stride(1))
		expect_found_out(self, &cut);
}

PKI_MAIN()
