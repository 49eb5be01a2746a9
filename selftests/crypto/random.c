// SPDX-License-Identifier: MIT
/*
 * Owns the proof that every engine computes what OpenSSL computes, whatever the lengths,
 * the borders of the spans and the alignment, in place or not, and that a forged record is
 * refused and wiped.
 * Must not know: how an engine works. Concurrency: one thread.
 */
#include "../ktap.h"

#include "arena.h"
#include "variants.h"
#include "evp.h"

#define CASES 100000
#define AAD_LEN_MAX 300
#define TEST_TIMEOUT_S 120

/* One case: the record in plain memory, and where its two sides lie. */
struct trial {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_aead_key key;
	EVP_CIPHER_CTX *ctx;
	struct evp_record record;
	struct arena src;
	struct arena dst;
	bool in_place;
	uint8_t aad[AAD_LEN_MAX];
	uint8_t plain[ARENA_SLOT_LEN];
	uint8_t sealed[ARENA_SLOT_LEN];
	uint8_t inner[ARENA_SLOT_LEN];	/* opened: the text; in CBC MAC and padding too */
};

static struct trial trial;

FIXTURE(random_records) {
	struct trial *trial;
};

FIXTURE_VARIANT(random_records) {
	enum ktlsx_aead_alg alg;
	const char *engine;
};

#define VARIANT(name, id, engine) \
	FIXTURE_VARIANT_ADD(random_records, name) = { KTLSX_AEAD_##id, engine }

EVERY_ENGINE(VARIANT);

FIXTURE_SETUP(random_records)
{
	struct trial *t = &trial;

	self->trial = t;
	ASSERT_EQ(ktlsx_aead_init(getenv("KTLSX_ISA")), 0);
	t->aead = ktlsx_aead_find(variant->alg);
	t->engine = engine_called(t->aead, variant->engine);
	ASSERT_TRUE(t->engine);
	if (engine_not_for_us(t->aead, t->engine))
		SKIP("%s", engine_not_for_us(t->aead, t->engine));
	t->record.alg = variant->alg;
	t->ctx = EVP_CIPHER_CTX_new();
	arena_init(&t->src);
	arena_init(&t->dst);
	arena_seed();
}

/* Most records are short; some are as long as TLS allows, and longer. */
static size_t random_text_len(void)
{
	size_t style = arena_below(100);

	if (style < 60)
		return arena_below(300);
	if (style < 90)
		return arena_below(1500);
	if (style < 98)
		return arena_below(4500);
	return arena_below(17 * 1024 + 1);
}

/* Seals, and opens again what it sealed. */
static void seal_reference(struct trial *t)
{
	struct evp_record *r = &t->record;

	r->sealed_len = ktlsx_aead_sealed_len(t->aead, r->text_len);
	r->in = t->plain;
	r->out = t->sealed;
	evp_seal(t->ctx, r);
	r->in = t->sealed;
	r->out = t->inner;
	ASSERT_TRUE(evp_open(t->ctx, r));
	ASSERT_MEM_EQ(t->inner, t->plain, r->text_len);
}

/* New numbers for everything; the key lives for a few cases. */
static void next_record(struct trial *t, unsigned int number)
{
	struct evp_record *r = &t->record;

	if (number % 8 == 0) {
		arena_fill_random(r->raw, sizeof(r->raw));
		t->engine->prepare(&t->key, r->raw, t->aead->key_len);
	}
	arena_fill_random(r->nonce, sizeof(r->nonce));
	r->aad = t->aad;
	if (t->aead->mac_len)
		r->aad_len = 11;
	else
		r->aad_len = arena_below(4) ? 5 + 8 * arena_below(2) : arena_below(AAD_LEN_MAX);
	arena_fill_random(t->aad, r->aad_len);
	r->text_len = random_text_len();
	arena_fill_random(t->plain, r->text_len);
	seal_reference(t);
}

/* New places on both sides, the source filled with @bytes. */
static void lay_out(struct trial *t, const uint8_t *bytes, size_t src_len, size_t dst_len)
{
	size_t most = src_len > dst_len ? src_len : dst_len;

	t->in_place = !arena_below(3);
	if (t->in_place) {
		arena_contiguous(&t->src, most);
		arena_recut(&t->dst, &t->src, most);
	} else {
		arena_scatter(&t->src, src_len);
		arena_scatter(&t->dst, dst_len);
	}
	arena_write(&t->src, bytes);
}

static struct ktlsx_aead_text text_of(const struct trial *t, size_t len, uint8_t *tag)
{
	return (struct ktlsx_aead_text){
		.src = t->src.spans, .dst = t->dst.spans, .text_len = len,
		.aad = t->aad, .aad_len = t->record.aad_len, .nonce = t->record.nonce, .tag = tag,
	};
}

static void check_edges(const struct trial *t, const uint8_t *source)
{
	if (t->in_place)
		return;
	ASSERT_TRUE(arena_canaries_alive(&t->src));
	ASSERT_TRUE(arena_canaries_alive(&t->dst));
	ASSERT_TRUE(arena_holds(&t->src, source));
}

static void check_seal(struct trial *t, const struct ktlsx_aead_engine *engine)
{
	const struct evp_record *r = &t->record;
	uint8_t tag[KTLSX_AEAD_TAG_LEN];
	struct ktlsx_aead_text text;

	lay_out(t, t->plain, r->text_len, r->sealed_len);
	text = text_of(t, r->text_len, tag);
	ktlsx_aead_seal(engine, &t->key, &text);
	ASSERT_MEM_EQ(tag, r->tag, t->aead->tag_len);
	ASSERT_TRUE(arena_holds(&t->dst, t->sealed));
	check_edges(t, t->plain);
}

static void check_open(struct trial *t, const struct ktlsx_aead_engine *engine)
{
	const struct evp_record *r = &t->record;
	struct ktlsx_aead_text text;

	lay_out(t, t->sealed, r->sealed_len, r->sealed_len);
	text = text_of(t, r->sealed_len, t->record.tag);
	ASSERT_EQ(ktlsx_aead_open(engine, &t->key, &text), 0);
	ASSERT_TRUE(arena_holds(&t->dst, t->inner));
	check_edges(t, t->sealed);
}

static void flip_bit(uint8_t *bytes, size_t len)
{
	bytes[arena_below(len)] ^= (uint8_t)(1u << arena_below(8));
}

/* One bit anywhere in what the tag covers, or in the tag. */
static void forge(const struct trial *t, struct trial *forged)
{
	const struct evp_record *r = &t->record;
	size_t what = arena_below(4);

	if (what == 0 && t->aead->tag_len)
		flip_bit(forged->record.tag, t->aead->tag_len);
	else if (what == 1)
		flip_bit(forged->record.nonce, t->aead->nonce_len);
	else if (what == 2 && r->aad_len)
		flip_bit(forged->aad, r->aad_len);
	else if (r->sealed_len)
		flip_bit(forged->sealed, r->sealed_len);
	else
		flip_bit(forged->record.tag, t->aead->tag_len);
}

static void check_forgery(struct trial *t)
{
	static struct trial forged;
	struct ktlsx_aead_text text;

	memcpy(forged.aad, t->aad, sizeof(t->aad));
	memcpy(forged.sealed, t->sealed, t->record.sealed_len);
	forged.record = t->record;
	forge(t, &forged);
	lay_out(t, forged.sealed, t->record.sealed_len, t->record.sealed_len);
	text = text_of(t, t->record.sealed_len, forged.record.tag);
	text.aad = forged.aad;
	text.nonce = forged.record.nonce;
	ASSERT_EQ(ktlsx_aead_open(t->engine, &t->key, &text), -EBADMSG);
	ASSERT_TRUE(arena_holds(&t->dst, NULL));
	check_edges(t, forged.sealed);
}

/* Of CBC the block before takes the place of the nonce. */
static void check_block(struct trial *t)
{
	const uint8_t *nonce = t->record.nonce;
	size_t index, len;
	uint8_t block[KTLSX_AEAD_BLOCK_LEN] = { 0 };

	if (!t->record.sealed_len)
		return;
	index = arena_below((t->record.sealed_len + 15) / 16);
	len = min(t->record.sealed_len - 16 * index, sizeof(block));
	memcpy(block, t->sealed + 16 * index, len);
	if (t->aead->mac_len && index)
		nonce = t->sealed + 16 * (index - 1);
	ktlsx_aead_block(t->engine, &t->key, nonce, (u32)index, block, block);
	ASSERT_MEM_EQ(block, t->inner + 16 * index, len);
}

/* Under a sanitizer a tenth of the cases takes as long. */
static unsigned int case_count(void)
{
	const char *text = getenv("KTLSX_CASES");

	return text ? (unsigned int)strtoul(text, NULL, 0) : CASES;
}

TEST_F_TIMEOUT(random_records, agree_with_openssl, TEST_TIMEOUT_S)
{
	unsigned int number, count = case_count();
	struct trial *t = self->trial;

	for (number = 0; number < count; number++) {
		next_record(t, number);
		check_seal(t, t->engine);
		check_open(t, t->engine);
		check_block(t);
		if (number % 4 == 0)
			check_forgery(t);
		if (number % 8 == 0) {
			/* the same prepared key serves the generic engine too */
			check_seal(t, t->aead->generic);
			check_open(t, t->aead->generic);
		}
	}
	ktap_diag("%u records of %s by %s", number, t->aead->name, t->engine->name);
}

/* Block counters beyond 16 bits: longer than any record, but no engine may know that. */
TEST_F_TIMEOUT(random_records, two_megabytes, TEST_TIMEOUT_S)
{
	struct trial *t = self->trial;
	size_t len = (2u << 20) + 77, sealed_len = ktlsx_aead_sealed_len(t->aead, len);
	uint8_t *plain = malloc(len), *sealed = malloc(sealed_len), *ours = malloc(sealed_len);
	struct ktlsx_span src = { plain, len };
	struct ktlsx_span dst[2] = { { ours, 1001 }, { ours + 1001, sealed_len - 1001 } };
	uint8_t tag[KTLSX_AEAD_TAG_LEN];
	struct ktlsx_aead_text text;

	ASSERT_TRUE(plain && sealed && ours);
	if (t->aead->mac_len)
		SKIP("the length in the MAC has 16 bits");
	next_record(t, 0);
	arena_fill_random(plain, len);
	t->record.text_len = len;
	t->record.sealed_len = sealed_len;
	t->record.in = plain;
	t->record.out = sealed;
	evp_seal(t->ctx, &t->record);
	text = text_of(t, len, tag);
	text.src = &src;
	text.dst = dst;
	ktlsx_aead_seal(t->engine, &t->key, &text);
	ASSERT_MEM_EQ(ours, sealed, sealed_len);
	ASSERT_MEM_EQ(tag, t->record.tag, t->aead->tag_len);
	free(plain);
	free(sealed);
	free(ours);
}

KTAP_MAIN()
