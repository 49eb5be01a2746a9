// SPDX-License-Identifier: MIT
/*
 * Owns the proof that one engine computes what the generic engine computes: runs of records of
 * random length in random places, apart and in place; a record with one bit wrong is refused, and
 * it and all behind it are wiped.
 * Must not know: how an engine works. Concurrency: load time only, one caller.
 */
#include "engines.h"

#include <linux/sched.h>
#include <linux/slab.h>

#include "crypto/cpu.h"

#define RUN_MAX 6
#define TEXT_LEN_MAX (17 * 1024)
#define SEALED_LEN_MAX (TEXT_LEN_MAX + 64)	/* room for MAC and padding */
#define AAD_LEN_MAX 300
#define CBC_AAD_LEN 11				/* sequence number, type, version */

/* What the generic engine makes of one record, and the two sides the engine works on. */
struct record {
	size_t text_len;
	size_t sealed_len;
	size_t aad_len;
	bool in_place;
	u8 *aad;
	u8 nonce[KTLSX_AEAD_NONCE_MAX];
	u8 tag[KTLSX_AEAD_TAG_LEN];	/* right */
	u8 given[KTLSX_AEAD_TAG_LEN];	/* the engine's */
	struct places src;
	struct places dst;
	u8 plain[SEALED_LEN_MAX];
	u8 sealed[SEALED_LEN_MAX];
	u8 inner[SEALED_LEN_MAX];	/* opened: the text, in CBC MAC and padding too */
};

struct trial {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	struct rnd_state *rnd;
	struct ktlsx_aead_key key;
	struct ktlsx_aead_key expected;
	unsigned int count;
	struct ktlsx_aead_text texts[RUN_MAX];
	struct record records[RUN_MAX];
};

/* The chosen engine is entered as callers do it, all others as that would be done for them. */
static bool enter(const struct trial *t)
{
	if (t->engine == t->aead->fast)
		return ktlsx_aead_enter(t->aead) == t->engine;
	return !t->engine->uses_fpu || ktlsx_simd_begin();
}

/* Most records are short; some are as long as TLS allows, and longer. */
static size_t random_text_len(struct rnd_state *rnd)
{
	u32 style = below(rnd, 100);

	if (style < 60)
		return below(rnd, 300);
	if (style < 85)
		return below(rnd, 1500);
	if (style < 95)
		return below(rnd, 4500);
	return below(rnd, TEXT_LEN_MAX + 1);
}

static int complain(const struct trial *t, const struct record *r, const char *what)
{
	ktap("# %s: record %td of %u: text %zu, aad %zu, %s\n", what, r - t->records, t->count,
	     r->text_len, r->aad_len, r->in_place ? "in place" : "apart");
	return -EBADMSG;
}

static struct ktlsx_aead_text text_of(struct record *r, size_t len, u8 *tag)
{
	return (struct ktlsx_aead_text){
		.src = r->src.spans, .dst = r->dst.spans, .text_len = len,
		.aad = r->aad, .aad_len = r->aad_len, .nonce = r->nonce, .tag = tag,
	};
}

/* The right answers, by the generic engine, from and to plain memory. */
static int seal_reference(const struct trial *t, struct record *r)
{
	struct ktlsx_span plain = { r->plain, r->text_len }, sealed = { r->sealed, r->sealed_len };
	struct ktlsx_span inner = { r->inner, r->sealed_len };
	struct ktlsx_aead_text text = text_of(r, r->text_len, r->tag);

	text.src = &plain;
	text.dst = &sealed;
	ktlsx_aead_seal(t->aead->generic, &t->expected, &text);
	text.src = &sealed;
	text.dst = &inner;
	text.text_len = r->sealed_len;
	if (ktlsx_aead_open(t->aead->generic, &t->expected, &text))
		return complain(t, r, "the generic engine refuses its own");
	if (memcmp(r->inner, r->plain, r->text_len))
		return complain(t, r, "the generic engine opens something else");
	return 0;
}

static int next_record(struct trial *t, struct record *r)
{
	r->text_len = random_text_len(t->rnd);
	r->sealed_len = ktlsx_aead_sealed_len(t->aead, r->text_len);
	r->aad_len = CBC_AAD_LEN;
	if (!t->aead->mac_len)
		r->aad_len = below(t->rnd, 4) ? 5 + 8 * below(t->rnd, 2)
					      : below(t->rnd, AAD_LEN_MAX);
	r->aad = kmalloc(r->aad_len, GFP_KERNEL);
	if (!r->aad)
		return -ENOMEM;
	prandom_bytes_state(t->rnd, r->aad, r->aad_len);
	prandom_bytes_state(t->rnd, r->nonce, sizeof(r->nonce));
	prandom_bytes_state(t->rnd, r->plain, r->text_len);
	return seal_reference(t, r);
}

/* As many records as may share a section, one at least. */
static int next_run(struct trial *t)
{
	unsigned int most = 1 + below(t->rnd, RUN_MAX);
	size_t total = 0;
	int err = 0;

	for (t->count = 0; !err && t->count < most; t->count++) {
		err = next_record(t, &t->records[t->count]);
		total += t->records[t->count].sealed_len;
		if (t->count && total > t->engine->section_len_max)
			break;
	}
	return err;
}

/* New places on both sides, the source filled with @bytes. */
static int lay_out(struct trial *t, struct record *r, const u8 *bytes, size_t src_len)
{
	int err;

	places_free(&r->src);
	places_free(&r->dst);
	r->in_place = !below(t->rnd, 3);
	if (r->in_place)
		err = places_share(&r->src, &r->dst, t->rnd, max(src_len, r->sealed_len));
	else
		err = places_scatter(&r->src, t->rnd, src_len) ?:
		      places_scatter(&r->dst, t->rnd, r->sealed_len);
	if (!err)
		places_write(&r->src, bytes, src_len);
	return err;
}

static int check_sealed(const struct trial *t, const struct record *r)
{
	if (!places_hold(&r->dst, r->sealed, r->sealed_len))
		return complain(t, r, "sealed wrong");
	if (memcmp(r->given, r->tag, t->aead->tag_len))
		return complain(t, r, "wrong tag");
	if (!r->in_place && !places_hold(&r->src, r->plain, r->text_len))
		return complain(t, r, "sealing wrote to the source");
	return 0;
}

static int check_seal(struct trial *t)
{
	struct record *r;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < t->count; i++) {
		r = &t->records[i];
		err = lay_out(t, r, r->plain, r->text_len);
		t->texts[i] = text_of(r, r->text_len, r->given);
	}
	if (err)
		return err;
	if (!enter(t))
		return -EBUSY;
	ktlsx_aead_seal_run(t->engine, &t->key, t->texts, t->count);
	ktlsx_aead_leave(t->engine);
	for (i = 0; !err && i < t->count; i++)
		err = check_sealed(t, &t->records[i]);
	return err;
}

/* Turns one bit over, in what the record's tag or MAC covers or in the tag: twice undoes it. */
static void flip(const struct trial *t, struct record *r, u32 where, u32 bit)
{
	u8 *bytes = r->sealed;
	size_t len = r->sealed_len;

	if (where == 0 && r->aad_len) {
		bytes = r->aad;
		len = r->aad_len;
	} else if (where == 1) {
		bytes = r->nonce;
		len = t->aead->nonce_len;
	} else if ((where == 2 || !len) && t->aead->tag_len) {
		bytes = r->tag;
		len = t->aead->tag_len;
	}
	bytes[bit / 8 % len] ^= 1 << bit % 8;
}

static int check_opened(const struct trial *t, const struct record *r, bool good)
{
	if (!places_hold(&r->dst, good ? r->inner : NULL, r->sealed_len))
		return complain(t, r, good ? "opened wrong" : "refused, but not wiped");
	if (!r->in_place && !places_hold(&r->src, r->sealed, r->sealed_len))
		return complain(t, r, "opening wrote to the source");
	return 0;
}

/* Opens the run as the records are now; @good of them are to verify. */
static int check_open(struct trial *t, unsigned int good)
{
	unsigned int i, verified;
	struct record *r;
	int err = 0;

	for (i = 0; !err && i < t->count; i++) {
		r = &t->records[i];
		err = lay_out(t, r, r->sealed, r->sealed_len);
		memcpy(r->given, r->tag, sizeof(r->given));
		t->texts[i] = text_of(r, r->sealed_len, r->given);
	}
	if (err)
		return err;
	if (!enter(t))
		return -EBUSY;
	verified = ktlsx_aead_open_run(t->engine, &t->key, t->texts, t->count);
	ktlsx_aead_leave(t->engine);
	if (verified != good) {
		ktap("# %u records verify, not %u\n", verified, good);
		return complain(t, &t->records[good % t->count], "wrong verdict");
	}
	for (i = 0; !err && i < t->count; i++)
		err = check_opened(t, &t->records[i], i < good);
	return err;
}

static int check_forged(struct trial *t)
{
	u32 victim = below(t->rnd, t->count), where = below(t->rnd, 4);
	u32 bit = prandom_u32_state(t->rnd);
	int err;

	flip(t, &t->records[victim], where, bit);
	err = check_open(t, victim);
	flip(t, &t->records[victim], where, bit);
	return err;
}

/* Whatever the key held before: it becomes what the generic engine makes of it. */
static int next_key(struct trial *t)
{
	u8 raw[KTLSX_AEAD_RAW_MAX];

	prandom_bytes_state(t->rnd, raw, sizeof(raw));
	prandom_bytes_state(t->rnd, &t->key, sizeof(t->key));
	t->aead->generic->prepare(&t->expected, raw, t->aead->key_len);
	if (!enter(t))
		return -EBUSY;
	t->engine->prepare(&t->key, raw, t->aead->key_len);
	ktlsx_aead_leave(t->engine);
	if (!memcmp(&t->key, &t->expected, sizeof(t->key)))
		return 0;
	ktap("# prepares another key\n");
	return -EBADMSG;
}

static void forget_records(struct trial *t)
{
	struct record *r;

	for (r = t->records; r < t->records + RUN_MAX; r++) {
		places_free(&r->src);
		places_free(&r->dst);
		kfree(r->aad);
		r->aad = NULL;
	}
}

/**
 * trial_run() - compare one engine with the generic one
 * @aead: algorithm
 * @engine: one of its engines, which this CPU can run
 * @rnd: decides on everything
 * @rounds: runs of records to seal, open, forge
 *
 * Context: Process context, after ktlsx_aead_init().
 * Return: 0; -EBADMSG when the answers differ, which was said; -ENOMEM; -EBUSY when the vector
 *         registers are not usable.
 */
int trial_run(const struct ktlsx_aead *aead, const struct ktlsx_aead_engine *engine,
	      struct rnd_state *rnd, unsigned int rounds)
{
	struct trial *t = kvzalloc(sizeof(*t), GFP_KERNEL);
	unsigned int i;
	int err = 0;

	if (!t)
		return -ENOMEM;
	t->aead = aead;
	t->engine = engine;
	t->rnd = rnd;
	for (i = 0; !err && i < rounds; i++) {
		if (i % 4 == 0)
			err = next_key(t);
		err = err ?: next_run(t) ?: check_seal(t) ?: check_open(t, t->count) ?:
		      check_forged(t);
		forget_records(t);
		cond_resched();
	}
	if (err)
		ktap("# round %u of %u: %d\n", i, rounds, err);
	kvfree(t);
	return err;
}
