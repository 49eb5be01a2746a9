// SPDX-License-Identifier: MIT
/*
 * Owns the proof that every engine does a run of records as it would do them one by one,
 * whatever their number, lengths and spans, and that of a run with a forged record what comes
 * before is opened and the rest is wiped.
 * Must not know: how an engine works, or which records it interleaves. Concurrency: one
 * thread.
 */
#include "../ktap.h"

#include "arena.h"
#include "evp.h"
#include "variants.h"

#define RUNS 2000
#define COUNT_MAX 20		/* more than the lanes of any engine */
#define LEN_MAX (17 * 1024)
#define SEALED_MAX (LEN_MAX + 64)
#define PIECES_MAX 12
#define GAP_MAX 40
#define ROOM (SEALED_MAX + PIECES_MAX * GAP_MAX)
#define AAD_LEN_MAX 300
#define CANARY 0xc9
#define TEST_TIMEOUT_S 120

/* Spans with gaps between them, in memory of their own. */
struct place {
	uint8_t room[ROOM];
	struct ktlsx_span spans[PIECES_MAX];
	unsigned int count;
};

struct record {
	struct evp_record reference;
	uint8_t aad[AAD_LEN_MAX];
	uint8_t plain[SEALED_MAX];
	uint8_t sealed[SEALED_MAX];
	uint8_t inner[SEALED_MAX];	/* opened: the text; in CBC MAC and padding too */
	struct place src;
	struct place dst;
};

struct trial {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	enum ktlsx_aead_alg alg;
	struct ktlsx_aead_key key;
	uint8_t raw[KTLSX_AEAD_RAW_MAX];
	EVP_CIPHER_CTX *ctx;
	unsigned int count;
	struct record records[COUNT_MAX];
	struct ktlsx_aead_text texts[COUNT_MAX];
	uint8_t tags[COUNT_MAX][KTLSX_AEAD_TAG_LEN];
};

static struct trial trial;

FIXTURE(runs) {
	struct trial *trial;
};

FIXTURE_VARIANT(runs) {
	enum ktlsx_aead_alg alg;
	const char *engine;
};

#define VARIANT(name, id, engine) \
	FIXTURE_VARIANT_ADD(runs, name) = { KTLSX_AEAD_##id, engine }

EVERY_ENGINE(VARIANT);

FIXTURE_SETUP(runs)
{
	struct trial *t = &trial;

	self->trial = t;
	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	t->alg = variant->alg;
	t->aead = ktlsx_aead_find(variant->alg);
	t->engine = engine_called(t->aead, variant->engine);
	ASSERT_TRUE(t->engine);
	if (!ktlsx_aead_can_run(t->engine))
		SKIP("this CPU cannot run engine %s", t->engine->name);
	t->ctx = EVP_CIPHER_CTX_new();
	arena_seed();
}

/* Mostly one piece or a few, at times tiny ones. */
static void cut(struct place *place, size_t len, bool with_gaps)
{
	unsigned int i, pieces = arena_below(2) ? 1 : 1 + (unsigned int)arena_below(PIECES_MAX);
	bool tiny = !arena_below(4);
	uint8_t *at = place->room;
	size_t run;

	place->count = pieces;
	for (i = 0; i < pieces; i++, at += run, len -= run) {
		if (with_gaps)
			at += arena_below(GAP_MAX);
		run = i + 1 == pieces ? len : arena_below(len + 1);
		if (tiny && i + 1 < pieces)
			run = min_t(size_t, run, arena_below(20));
		place->spans[i] = (struct ktlsx_span){ at, run };
	}
}

static void write_place(const struct place *place, const uint8_t *bytes)
{
	unsigned int i;

	for (i = 0; i < place->count; bytes += place->spans[i++].len)
		memcpy(place->spans[i].base, bytes, place->spans[i].len);
}

/* Whether the spans hold @bytes, zeros where it is NULL, and the gaps what they held. */
static bool place_holds(const struct place *place, const uint8_t *bytes, bool with_gaps)
{
	const uint8_t *at = place->room;
	const struct ktlsx_span *span;
	size_t j;

	for (span = place->spans; span < place->spans + place->count; span++) {
		for (; with_gaps && at < span->base; at++)
			if (*at != CANARY)
				return false;
		for (j = 0; j < span->len; j++)
			if (span->base[j] != (bytes ? bytes[j] : 0))
				return false;
		at = span->base + span->len;
		bytes = bytes ? bytes + span->len : NULL;
	}
	for (j = 0; with_gaps && j < GAP_MAX && at + j < place->room + ROOM; j++)
		if (at[j] != CANARY)
			return false;
	return true;
}

static void fill_place(struct place *place, size_t len)
{
	memset(place->room, CANARY, min_t(size_t, ROOM, len + (PIECES_MAX + 1) * GAP_MAX));
}

/* New places for record @i, the source filled with @bytes; a third is done in place. */
static void lay_out(struct trial *t, unsigned int i, const uint8_t *bytes, size_t src_len,
		    size_t dst_len)
{
	struct record *r = &t->records[i];
	struct place *dst = &r->dst;

	fill_place(&r->src, dst_len);
	fill_place(&r->dst, dst_len);
	if (arena_below(3)) {
		cut(&r->src, src_len, true);
		cut(&r->dst, dst_len, true);
		write_place(&r->src, bytes);
	} else {
		cut(dst, src_len, false);
		write_place(dst, bytes);
		memcpy(r->src.spans, dst->spans, sizeof(dst->spans));
		r->src.count = dst->count;
		cut(dst, dst_len, false);
	}
	memcpy(t->tags[i], r->reference.tag, sizeof(t->tags[i]));
	t->texts[i] = (struct ktlsx_aead_text){
		.src = r->src.spans, .dst = dst->spans, .text_len = src_len, .aad = r->aad,
		.aad_len = r->reference.aad_len, .nonce = r->reference.nonce, .tag = t->tags[i],
	};
}

static bool done_in_place(const struct record *r)
{
	return r->src.spans[0].base == r->dst.room;
}

static size_t random_len(unsigned int style, size_t common)
{
	if (style < 4)
		return common;
	if (style < 7)
		return arena_below(200);
	return arena_below(20) ? arena_below(2500) : arena_below(LEN_MAX + 1);
}

static void next_record(struct trial *t, struct record *r, size_t len)
{
	struct evp_record *e = &r->reference;

	e->alg = t->alg;
	memcpy(e->raw, t->raw, sizeof(e->raw));
	arena_fill_random(e->nonce, sizeof(e->nonce));
	e->aad = r->aad;
	e->aad_len = arena_below(4) ? 5 + 8 * arena_below(2) : arena_below(AAD_LEN_MAX);
	if (t->aead->mac_len)
		e->aad_len = 11;
	arena_fill_random(r->aad, e->aad_len);
	arena_fill_random(r->plain, len);
	e->text_len = len;
	e->sealed_len = ktlsx_aead_sealed_len(t->aead, len);
	e->in = r->plain;
	e->out = r->sealed;
	evp_seal(t->ctx, e);
	e->in = r->sealed;
	e->out = r->inner;
	ASSERT_TRUE(evp_open(t->ctx, e));
}

static void next_run(struct trial *t, unsigned int number)
{
	unsigned int i, style = (unsigned int)arena_below(10);
	size_t common = arena_below(8) ? arena_below(600) : arena_below(4000);

	if (number % 8 == 0) {
		arena_fill_random(t->raw, sizeof(t->raw));
		t->engine->prepare(&t->key, t->raw, t->aead->key_len);
	}
	t->count = 1 + (unsigned int)arena_below(COUNT_MAX);
	for (i = 0; i < t->count; i++)
		next_record(t, &t->records[i], random_len(style, common));
}

static void check_seal(struct trial *t)
{
	const struct evp_record *e;
	struct record *r;
	unsigned int i;

	for (i = 0; i < t->count; i++) {
		r = &t->records[i];
		lay_out(t, i, r->plain, r->reference.text_len, r->reference.sealed_len);
	}
	memset(t->tags, 0, sizeof(t->tags));
	ktlsx_aead_seal_run(t->engine, &t->key, t->texts, t->count);
	for (i = 0; i < t->count; i++) {
		r = &t->records[i];
		e = &r->reference;
		ASSERT_MEM_EQ(t->tags[i], e->tag, t->aead->tag_len);
		ASSERT_TRUE(place_holds(&r->dst, r->sealed, !done_in_place(r)));
	}
}

static void lay_out_sealed(struct trial *t)
{
	struct record *r;
	unsigned int i;

	for (i = 0; i < t->count; i++) {
		r = &t->records[i];
		lay_out(t, i, r->sealed, r->reference.sealed_len, r->reference.sealed_len);
	}
}

/* Opened before @bad, wiped from there on. */
static void check_opened(struct trial *t, unsigned int bad)
{
	struct record *r;
	unsigned int i;

	ASSERT_EQ(ktlsx_aead_open_run(t->engine, &t->key, t->texts, t->count), bad);
	for (i = 0; i < t->count; i++) {
		r = &t->records[i];
		ASSERT_TRUE(place_holds(&r->dst, i < bad ? r->inner : NULL, !done_in_place(r)));
	}
}

static void check_open(struct trial *t)
{
	lay_out_sealed(t);
	check_opened(t, t->count);
}

/* One record with one bit wrong, or two: the first counts. */
static void check_forgery(struct trial *t)
{
	unsigned int bad = (unsigned int)arena_below(t->count), also = t->count;
	uint8_t nonces[2][KTLSX_AEAD_NONCE_MAX];

	lay_out_sealed(t);
	memcpy(nonces[0], t->records[bad].reference.nonce, sizeof(nonces[0]));
	if (t->aead->tag_len && arena_below(2))
		t->tags[bad][arena_below(t->aead->tag_len)] ^= 1u << arena_below(8);
	else
		nonces[0][arena_below(t->aead->nonce_len)] ^= 1u << arena_below(8);
	t->texts[bad].nonce = nonces[0];
	if (bad + 1 < t->count && arena_below(2)) {
		also = bad + 1 + (unsigned int)arena_below(t->count - bad - 1);
		memcpy(nonces[1], t->records[also].reference.nonce, sizeof(nonces[1]));
		nonces[1][0] ^= 0x40;
		t->texts[also].nonce = nonces[1];
	}
	check_opened(t, bad);
}

/* Under a sanitizer a tenth of the runs takes as long. */
static unsigned int run_count(void)
{
	const char *text = getenv("KTLSX_RUNS");

	return text ? (unsigned int)strtoul(text, NULL, 0) : RUNS;
}

TEST_F_TIMEOUT(runs, agree_with_one_by_one, TEST_TIMEOUT_S)
{
	unsigned int number, records = 0, count = run_count();
	struct trial *t = self->trial;

	for (number = 0; number < count; number++) {
		next_run(t, number);
		check_seal(t);
		check_open(t);
		check_forgery(t);
		records += t->count;
	}
	ktap_diag("%u runs of %u records of %s by %s", number, records, t->aead->name,
		  t->engine->name);
}

/* Longer than a vector section may last: engines leave it and come back. */
TEST_F_TIMEOUT(runs, of_whole_records, TEST_TIMEOUT_S)
{
	struct trial *t = self->trial;
	unsigned int i;

	next_run(t, 0);
	t->count = COUNT_MAX;
	for (i = 0; i < t->count; i++)
		next_record(t, &t->records[i], 16384);
	check_seal(t);
	check_open(t);
	check_forgery(t);
}

KTAP_MAIN()
