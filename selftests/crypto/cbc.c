// SPDX-License-Identifier: MIT
/*
 * Owns the proof of what only SM4-CBC with HMAC-SM3 has: runs of records in lanes, every length
 * of padding, and every way to get MAC or padding wrong, all refused in one way.
 * Must not know: how an engine works. Concurrency: one thread.
 */
#include "../ktap.h"

#include <openssl/hmac.h>

#include "arena.h"
#include "evp_cbc.h"
#include "variants.h"

#define RECORDS_MAX 40
#define TEXT_MAX 17000
#define SEALED_MAX (TEXT_MAX + 320)
#define SPANS 4
#define RUNS 1500
#define AAD_LEN 11
#define MAC_LEN 32
#define TEST_TIMEOUT_S 120

FIXTURE(cbc) {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_aead_key key;
	EVP_CIPHER_CTX *ctx;
	struct evp_record record;
	uint8_t aad[AAD_LEN];
};

FIXTURE_VARIANT(cbc) {
	const char *engine;
};

FIXTURE_VARIANT_ADD(cbc, generic) = { "generic" };
FIXTURE_VARIANT_ADD(cbc, aesni_avx2) = { "aesni-avx2" };
FIXTURE_VARIANT_ADD(cbc, gfni256) = { "gfni256" };
FIXTURE_VARIANT_ADD(cbc, gfni512) = { "gfni512" };

static uint8_t plain[RECORDS_MAX][TEXT_MAX], sealed[RECORDS_MAX][SEALED_MAX];
static uint8_t source[RECORDS_MAX][SEALED_MAX], result[RECORDS_MAX][SEALED_MAX];
static uint8_t nonces[RECORDS_MAX][16], aads[RECORDS_MAX][AAD_LEN];
static struct ktlsx_span src[RECORDS_MAX][SPANS], dst[RECORDS_MAX][SPANS];
static struct ktlsx_aead_text texts[RECORDS_MAX];
static size_t lens[RECORDS_MAX], sealed_lens[RECORDS_MAX];

FIXTURE_SETUP(cbc)
{
	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	self->aead = ktlsx_aead_find(KTLSX_AEAD_SM4_CBC_SM3);
	self->engine = engine_called(self->aead, variant->engine);
	ASSERT_TRUE(self->engine);
	if (!ktlsx_aead_can_run(self->engine))
		SKIP("this CPU cannot run engine %s", self->engine->name);
	self->ctx = EVP_CIPHER_CTX_new();
	arena_seed();
	arena_fill_random(self->record.raw, sizeof(self->record.raw));
	arena_fill_random(self->record.nonce, sizeof(self->record.nonce));
	arena_fill_random(self->aad, AAD_LEN);
	self->record.alg = KTLSX_AEAD_SM4_CBC_SM3;
	self->record.aad = self->aad;
	self->record.aad_len = AAD_LEN;
	self->engine->prepare(&self->key, self->record.raw, self->aead->key_len);
}

static void cut(struct ktlsx_span spans[SPANS], uint8_t *base, size_t len)
{
	unsigned int i;
	size_t part;

	for (i = 0; i < SPANS; i++) {
		part = i == SPANS - 1 ? len : arena_below(len + 1);
		spans[i] = (struct ktlsx_span){ base, part };
		base += part;
		len -= part;
	}
}

/* All the same, nearly the same, or anything. */
static size_t length(unsigned int style, size_t base)
{
	switch (style) {
	case 0:
		return base;
	case 1:
		return base + arena_below(64);
	case 2:
		return arena_below(300);
	case 3:
		return arena_below(8) ? base : arena_below(base + 1);
	default:
		return arena_below(4000);
	}
}

/* @in_place: the source is where the result goes. */
static void make_record(struct cbc_self *self, unsigned int i, size_t len, bool in_place)
{
	struct evp_record *r = &self->record;

	lens[i] = len;
	sealed_lens[i] = ktlsx_aead_sealed_len(self->aead, len);
	arena_fill_random(plain[i], len);
	arena_fill_random(nonces[i], sizeof(nonces[i]));
	arena_fill_random(aads[i], AAD_LEN);
	memcpy(r->nonce, nonces[i], sizeof(r->nonce));
	r->aad = aads[i];
	r->text_len = len;
	r->sealed_len = sealed_lens[i];
	r->in = plain[i];
	r->out = sealed[i];
	evp_cbc_seal(self->ctx, r);
	memcpy(in_place ? result[i] : source[i], plain[i], len);
	cut(src[i], in_place ? result[i] : source[i], len);
	cut(dst[i], result[i], sealed_lens[i]);
	texts[i] = (struct ktlsx_aead_text){ src[i], dst[i], len, aads[i], AAD_LEN, nonces[i],
					     NULL };
}

static void seal_run(struct cbc_self *self, unsigned int count)
{
	unsigned int style = arena_below(5), i;
	size_t base = arena_below(10) ? arena_below(2000) : arena_below(TEXT_MAX - 64);
	bool in_place = !arena_below(3);

	for (i = 0; i < count; i++)
		make_record(self, i, length(style, base), in_place);
	ktlsx_aead_seal_run(self->engine, &self->key, texts, count);
	for (i = 0; i < count; i++)
		ASSERT_MEM_EQ(result[i], sealed[i], sealed_lens[i]);
}

/* The first @good of them open; the next one has a bit wrong. */
static void open_run(struct cbc_self *self, unsigned int count, unsigned int good)
{
	static const uint8_t zero[SEALED_MAX];
	unsigned int i;

	for (i = 0; i < count; i++) {
		memcpy(source[i], sealed[i], sealed_lens[i]);
		cut(src[i], source[i], sealed_lens[i]);
		cut(dst[i], result[i], sealed_lens[i]);
		texts[i].text_len = sealed_lens[i];
	}
	if (good < count)
		source[good][arena_below(sealed_lens[good])] ^= 1u << arena_below(8);
	ASSERT_EQ(ktlsx_aead_open_run(self->engine, &self->key, texts, count), good);
	for (i = 0; i < count; i++) {
		if (i < good)
			ASSERT_MEM_EQ(result[i], plain[i], lens[i]);
		else
			ASSERT_MEM_EQ(result[i], zero, sealed_lens[i]);
	}
}

TEST_F_TIMEOUT(cbc, runs_agree_with_openssl, TEST_TIMEOUT_S)
{
	unsigned int run, count, records = 0, runs = getenv("KTLSX_CASES") ? RUNS / 10 : RUNS;

	if (!strcmp(self->engine->name, "generic"))
		runs /= 10;
	for (run = 0; run < runs; run++) {
		count = arena_below(4) ? 1 + arena_below(17) : 1 + arena_below(RECORDS_MAX);
		seal_run(self, count);
		open_run(self, count, arena_below(3) ? count : arena_below(count));
		records += count;
	}
	ktap_diag("%u records in %u runs by %s", records, run, self->engine->name);
}

/* What is left in each hash block and each cipher block, in lanes. */
TEST_F_TIMEOUT(cbc, runs_of_every_length, TEST_TIMEOUT_S)
{
	unsigned int len, i, count = strcmp(self->engine->name, "generic") ? 16 : 2;

	for (len = 0; len < 400; len++) {
		for (i = 0; i < count; i++)
			make_record(self, i, len, false);
		ktlsx_aead_seal_run(self->engine, &self->key, texts, count);
		for (i = 0; i < count; i++)
			ASSERT_MEM_EQ(result[i], sealed[i], sealed_lens[i]);
	}
}

static uint8_t inner[SEALED_MAX], body[SEALED_MAX], opened[SEALED_MAX];

static int open_body(struct cbc_self *self, size_t len)
{
	const struct evp_record *r = &self->record;
	struct ktlsx_span from[SPANS], to[SPANS];
	struct ktlsx_aead_text text = { from, to, len, r->aad, AAD_LEN, r->nonce, NULL };

	memset(opened, 0xa5, sizeof(opened));
	cut(from, body, len);
	cut(to, opened, len);
	return ktlsx_aead_open(self->engine, &self->key, &text);
}

/* Content, MAC and @padding bytes of padding are in @inner; not encrypted yet. */
static void set_inner(struct cbc_self *self, size_t text_len, size_t padding)
{
	struct evp_record *r = &self->record;
	static uint8_t message[AAD_LEN + 2 + TEXT_MAX];
	unsigned int mac_len;

	arena_fill_random(inner, text_len);
	memcpy(message, self->aad, AAD_LEN);
	message[AAD_LEN] = (uint8_t)(text_len >> 8);
	message[AAD_LEN + 1] = (uint8_t)text_len;
	memcpy(message + AAD_LEN + 2, inner, text_len);
	HMAC(EVP_sm3(), r->raw, MAC_LEN, message, AAD_LEN + 2 + text_len, inner + text_len,
	     &mac_len);
	memset(inner + text_len + MAC_LEN, (int)padding - 1, padding);
	r->aad = self->aad;
	r->text_len = text_len;
	r->sealed_len = text_len + MAC_LEN + padding;
}

static void encrypt_inner(struct cbc_self *self)
{
	self->record.in = inner;
	self->record.out = body;
	evp_cbc_encrypt(self->ctx, &self->record);
}

static void expect_refusal(struct cbc_self *self, size_t len)
{
	static const uint8_t zero[SEALED_MAX];

	ASSERT_EQ(open_body(self, len), -EBADMSG);
	ASSERT_MEM_EQ(opened, zero, len);
	ASSERT_EQ(opened[len], 0xa5);
}

static void refuse_with(struct cbc_self *self, size_t at, uint8_t differ)
{
	inner[at] ^= differ;
	encrypt_inner(self);
	expect_refusal(self, self->record.sealed_len);
	inner[at] ^= differ;
}

/* One padding that is right, and all that is wrong around it. */
static void check_padding(struct cbc_self *self, size_t text_len, size_t padding)
{
	size_t mac = text_len, first = text_len + MAC_LEN, end = first + padding;
	uint8_t bit = (uint8_t)(1u << arena_below(8));

	set_inner(self, text_len, padding);
	encrypt_inner(self);
	ASSERT_EQ(open_body(self, end), 0);
	ASSERT_MEM_EQ(opened, inner, end);
	ASSERT_EQ(opened[end], 0xa5);

	refuse_with(self, end - 1, bit);
	if (padding > 1) {
		refuse_with(self, first, bit);
		refuse_with(self, end - 2, bit);
		refuse_with(self, first + arena_below(padding - 1), bit);
	}
	refuse_with(self, mac, bit);
	refuse_with(self, mac + MAC_LEN - 1, bit);
	refuse_with(self, mac + arena_below(MAC_LEN), bit);
	if (text_len)
		refuse_with(self, arena_below(text_len), bit);
}

TEST_F_TIMEOUT(cbc, every_padding, TEST_TIMEOUT_S)
{
	size_t padding, least, step = strcmp(self->engine->name, "generic") ? 1 : 5;

	for (padding = 1; padding <= 256; padding += step) {
		least = (16 - (MAC_LEN + padding) % 16) % 16;
		check_padding(self, least, padding);
		check_padding(self, least + 16 * arena_below(10), padding);
		check_padding(self, least + 16 * arena_below(100), padding);
	}
	check_padding(self, 16384, 256);
	check_padding(self, 16384, 16);
}

/* The padding claims more than there is, or leaves no room for the MAC. */
TEST_F(cbc, padding_beyond_the_record)
{
	size_t len;
	unsigned int last;

	for (len = 48; len <= 320; len += 16) {
		for (last = len - MAC_LEN; last < 256; last++) {
			memset(inner, (int)last, len);
			self->record.sealed_len = len;
			encrypt_inner(self);
			expect_refusal(self, len);
		}
	}
}

TEST_F(cbc, short_or_odd_body)
{
	size_t len;

	set_inner(self, 0, 16);
	encrypt_inner(self);
	ASSERT_EQ(open_body(self, 48), 0);
	for (len = 0; len < 48; len++)
		expect_refusal(self, len);
	set_inner(self, 1000, 8);
	encrypt_inner(self);
	ASSERT_EQ(open_body(self, 1040), 0);
	for (len = 1025; len < 1040; len++)
		expect_refusal(self, len);
}

KTAP_MAIN()
