// SPDX-License-Identifier: MIT
/*
 * Owns the cases that chance seldom meets: lengths around every size that an engine may treat
 * apart, counters that carry, bytes of one value, tags and lengths that are nearly right.
 * Must not know: how an engine works. Concurrency: one thread.
 */
#include "../ktap.h"

#include "arena.h"
#include "evp.h"
#include "variants.h"

#define TEST_TIMEOUT_S 120
#define AAD_LEN_MAX 300
#define LEN_MAX (4 * (16 * 65536 + 64))
#define ROOM (LEN_MAX + 64)

/* The record at hand, in plain memory. */
static uint8_t plain[ROOM], expected[ROOM], ours[ROOM], opened[ROOM];
static uint8_t aad[AAD_LEN_MAX];

FIXTURE(edges) {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_aead_key key;
	struct evp_record record;
	EVP_CIPHER_CTX *ctx;
};

FIXTURE_VARIANT(edges) {
	enum ktlsx_aead_alg alg;
	const char *engine;
};

#define VARIANT(name, id, engine) \
	FIXTURE_VARIANT_ADD(edges, name) = { KTLSX_AEAD_##id, engine }

EVERY_ENGINE(VARIANT);

FIXTURE_SETUP(edges)
{
	struct evp_record *r = &self->record;

	ASSERT_EQ(ktlsx_aead_init(getenv("KTLSX_ISA")), 0);
	self->aead = ktlsx_aead_find(variant->alg);
	self->engine = engine_called(self->aead, variant->engine);
	ASSERT_TRUE(self->engine);
	if (engine_not_for_us(self->aead, self->engine))
		SKIP("%s", engine_not_for_us(self->aead, self->engine));
	self->ctx = EVP_CIPHER_CTX_new();
	arena_seed();
	arena_fill_random(plain, sizeof(plain));
	arena_fill_random(aad, sizeof(aad));
	arena_fill_random(r->raw, sizeof(r->raw));
	arena_fill_random(r->nonce, sizeof(r->nonce));
	r->alg = variant->alg;
	r->aad = aad;
	r->aad_len = self->aead->mac_len ? 11 : 13;
	self->engine->prepare(&self->key, r->raw, self->aead->key_len);
}

/* One span, or a cut where the two sides differ. */
static void cut(struct ktlsx_span spans[2], uint8_t *base, size_t len, size_t first)
{
	spans[0] = (struct ktlsx_span){ base, first };
	spans[1] = (struct ktlsx_span){ base + first, len - first };
}

static bool opens_as(struct edges_self *self, uint8_t *sealed, size_t sealed_len, size_t aad_len,
		     uint8_t *tag)
{
	struct ktlsx_span src[2], dst[2];
	struct ktlsx_aead_text text = {
		src, dst, sealed_len, aad, aad_len, self->record.nonce, tag,
	};

	cut(src, sealed, sealed_len, sealed_len / 3);
	cut(dst, opened, sealed_len, sealed_len / 2);
	return !ktlsx_aead_open(self->engine, &self->key, &text);
}

/* Refused, and nothing left at the destination. */
static void must_refuse(struct edges_self *self, uint8_t *sealed, size_t sealed_len,
			size_t aad_len, uint8_t *tag, const char *what)
{
	size_t i;

	memset(opened, 0xa5, sealed_len);
	if (opens_as(self, sealed, sealed_len, aad_len, tag)) {
		ktap_diag("%s was accepted", what);
		EXPECT_TRUE(false);
	}
	for (i = 0; i < sealed_len; i++)
		if (opened[i])
			break;
	EXPECT_EQ(i, sealed_len);
}

static void seal_reference(struct edges_self *self, size_t len)
{
	struct evp_record *r = &self->record;

	r->text_len = len;
	r->sealed_len = ktlsx_aead_sealed_len(self->aead, len);
	r->in = plain;
	r->out = expected;
	evp_seal(self->ctx, r);
}

/* Seals @len bytes of plain as the reference does, and opens them. */
static void check_length(struct edges_self *self, size_t len)
{
	const struct evp_record *r = &self->record;
	uint8_t tag[KTLSX_AEAD_TAG_LEN];
	struct ktlsx_span src[2], dst[2];
	struct ktlsx_aead_text text = {
		src, dst, len, aad, r->aad_len, r->nonce, tag,
	};

	seal_reference(self, len);
	memset(ours, 0xa5, r->sealed_len + 1);
	cut(src, plain, len, len / 2);
	cut(dst, ours, r->sealed_len, r->sealed_len / 3);
	ktlsx_aead_seal(self->engine, &self->key, &text);
	ASSERT_MEM_EQ(ours, expected, r->sealed_len);
	ASSERT_MEM_EQ(tag, r->tag, self->aead->tag_len);
	ASSERT_EQ(ours[r->sealed_len], 0xa5);

	opened[r->sealed_len] = 0xa5;
	ASSERT_TRUE(opens_as(self, ours, r->sealed_len, r->aad_len, tag));
	ASSERT_MEM_EQ(opened, plain, len);
	ASSERT_EQ(opened[r->sealed_len], 0xa5);
}

/* Where an engine may have a path of its own, and one byte to either side. */
static const size_t middles[] = {
	16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1420, 2048, 4096, 8192, 16384,
};

TEST_F_TIMEOUT(edges, lengths, TEST_TIMEOUT_S)
{
	unsigned int i;
	size_t len;

	check_length(self, 0);
	check_length(self, 1);
	for (i = 0; i < ARRAY_SIZE(middles); i++)
		for (len = middles[i] - 1; len <= middles[i] + 1; len++)
			check_length(self, len);
}

TEST_F_TIMEOUT(edges, additional_data, TEST_TIMEOUT_S)
{
	static const size_t texts[] = { 0, 1, 16, 100 };
	struct evp_record *r = &self->record;

	if (self->aead->mac_len)
		SKIP("CBC has 11 bytes of additional data, always");
	for (r->aad_len = 0; r->aad_len <= AAD_LEN_MAX; r->aad_len++)
		check_length(self, texts[r->aad_len % ARRAY_SIZE(texts)]);
	r->aad_len = AAD_LEN_MAX;
	check_length(self, 4097);
}

/* The first counters of the text are 1 or 2: carries are a few blocks off the round number. */
TEST_F_TIMEOUT(edges, counters_carry, TEST_TIMEOUT_S)
{
	const size_t block = strstr(self->aead->name, "chacha") ? 64 : 16;
	size_t blocks, len;

	for (blocks = 252; blocks <= 258; blocks++)
		for (len = block * blocks - 1; len <= block * blocks + 1; len++)
			check_length(self, len);
	/* a record of CBC has a length of 16 bits; under a sanitizer these take minutes */
	if (self->aead->mac_len || getenv("KTLSX_CASES"))
		return;
	for (blocks = 65533; blocks <= 65537; blocks += 2)
		check_length(self, block * blocks + 1);
	check_length(self, block * 65534);
	check_length(self, block * 65535);
}

TEST_F_TIMEOUT(edges, bytes_of_one_value, TEST_TIMEOUT_S)
{
	static const uint8_t values[] = { 0x00, 0xff, 0x80, 0x01 };
	static const size_t lens[] = { 16, 64, 255, 1024, 1300 };
	struct evp_record *r = &self->record;
	unsigned int i, j;

	for (i = 0; i < 64; i++) {
		memset(r->raw, values[i % 4], sizeof(r->raw));
		memset(r->nonce, values[i / 4 % 4], sizeof(r->nonce));
		memset(plain, values[i / 16], 2048);
		memset(aad, values[i / 16], sizeof(aad));
		self->engine->prepare(&self->key, r->raw, self->aead->key_len);
		for (j = 0; j < ARRAY_SIZE(lens); j++)
			check_length(self, lens[j]);
	}
}

/* What the MAC sees is the ciphertext: all ones carry through every limb of a Poly1305. */
TEST_F_TIMEOUT(edges, ciphertext_of_one_value, TEST_TIMEOUT_S)
{
	static const uint8_t values[] = { 0xff, 0x00, 0xfe, 0x7f };
	const size_t len = 2000;
	unsigned int i, j;

	if (self->aead->mac_len)
		SKIP("of CBC the MAC sees the plaintext");
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		memset(plain, 0, len);
		seal_reference(self, len);
		for (j = 0; j < len; j++)
			plain[j] = expected[j] ^ values[i];
		memset(aad, values[i], sizeof(aad));
		for (j = len - 40; j <= len; j++)
			check_length(self, j);
		for (j = 0; j < len; j++)
			ASSERT_EQ(ours[j], values[i]);
	}
}

/* Every bit counts, wherever it is: of CBC those of the blocks that hold the MAC. */
TEST_F_TIMEOUT(edges, every_bit_of_the_tag, TEST_TIMEOUT_S)
{
	static const size_t lens[] = { 0, 5, 64, 1420 };
	struct evp_record *r = &self->record;
	unsigned int i, bit, bits;
	uint8_t *at;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		check_length(self, lens[i]);
		at = self->aead->tag_len ? r->tag : ours + r->sealed_len - 48;
		bits = self->aead->tag_len ? 8u * self->aead->tag_len : 8u * 48;
		for (bit = 0; bit < bits; bit++) {
			at[bit / 8] ^= (uint8_t)(1u << bit % 8);
			must_refuse(self, ours, r->sealed_len, r->aad_len, r->tag, "a flipped bit");
			at[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		EXPECT_TRUE(opens_as(self, ours, r->sealed_len, r->aad_len, r->tag));
	}
}

TEST_F_TIMEOUT(edges, tags_nearly_right, TEST_TIMEOUT_S)
{
	const unsigned int tag_len = self->aead->tag_len;
	uint8_t tag[KTLSX_AEAD_TAG_LEN] = { 0 };
	struct evp_record *r = &self->record;
	unsigned int n, i;

	if (!tag_len)
		SKIP("CBC has its MAC in the ciphertext");
	check_length(self, 100);
	for (n = 0; n < tag_len; n++) {
		/* the first n bytes alone */
		memset(tag, 0, sizeof(tag));
		memcpy(tag, r->tag, n);
		if (memcmp(tag, r->tag, tag_len))
			must_refuse(self, ours, 100, r->aad_len, tag, "a truncated tag");
		for (i = 0; n && i < tag_len; i++)
			tag[i] = r->tag[(i + n) % tag_len];
		if (memcmp(tag, r->tag, tag_len))
			must_refuse(self, ours, 100, r->aad_len, tag, "a rotated tag");
	}
	for (i = 0; i < tag_len; i++)
		tag[i] = (uint8_t)~r->tag[i];
	must_refuse(self, ours, 100, r->aad_len, tag, "the complement of the tag");
}

/* Of CBC whole blocks: other lengths never get to an engine. */
TEST_F_TIMEOUT(edges, lengths_nearly_right, TEST_TIMEOUT_S)
{
	const size_t step = self->aead->mac_len ? 16 : 1;
	struct evp_record *r = &self->record;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(middles); i++) {
		check_length(self, middles[i]);
		memset(ours + r->sealed_len, 0, step);
		must_refuse(self, ours, r->sealed_len + step, r->aad_len, r->tag, "a longer text");
		must_refuse(self, ours, r->sealed_len - step, r->aad_len, r->tag, "a shorter text");
		must_refuse(self, ours + step, r->sealed_len - step, r->aad_len, r->tag,
			    "a text without its start");
		if (self->aead->mac_len)
			continue;
		must_refuse(self, ours, r->sealed_len, r->aad_len - 1, r->tag, "less to add");
		must_refuse(self, ours, r->sealed_len, r->aad_len + 1, r->tag, "more to add");
	}
}

/* The border between additional data and text is under the tag. */
TEST_F_TIMEOUT(edges, border_moved, TEST_TIMEOUT_S)
{
	struct evp_record *r = &self->record;

	if (self->aead->mac_len)
		SKIP("CBC has 11 bytes of additional data, always");
	check_length(self, 64);
	aad[r->aad_len] = ours[0];
	must_refuse(self, ours + 1, 63, r->aad_len + 1, r->tag, "a border one byte later");
	memmove(ours + 1, ours, 64);
	ours[0] = aad[r->aad_len - 1];
	must_refuse(self, ours, 65, r->aad_len - 1, r->tag, "a border one byte earlier");
}

KTAP_MAIN()
