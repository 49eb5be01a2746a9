// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the known-answer tests that run at module load, for every engine this CPU has.
 * Must not know: sockets, records. Concurrency: load time only, one caller.
 * Specification: the answers are those of crypto/vectors.h.
 */
#include "selftest.h"

#include "crypto/aead.h"
#include "crypto/cpu.h"
#include "crypto/vectors.h"

/* Load-time scratch: too large for a kernel stack. */
struct subject {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_aead_key key;
	struct ktlsx_aead_key expected;
	u8 raw[KTLSX_AEAD_RAW_MAX];
	u8 nonce[KTLSX_AEAD_NONCE_MAX];
	u8 aad[64];
	u8 text[KTLSX_SWEEP_LEN_MAX];
	u8 sealed[KTLSX_SWEEP_LEN_MAX + 64];	/* room for MAC and padding */
	u8 opened[KTLSX_SWEEP_LEN_MAX + 64];
	u8 tag[KTLSX_AEAD_TAG_LEN];
	size_t aad_len;
	size_t text_len;
	size_t sealed_len;
};

static struct subject subject __initdata;

#define RUN_COUNT 18		/* more than the lanes of any engine */
#define RUN_STEP 24
#define RUN_LEN_MAX (RUN_COUNT * RUN_STEP)
#define RUN_ROOM (RUN_LEN_MAX + 64)

/* A run of records: sources, what the generic engine makes of them, and what is tested. */
struct run {
	struct ktlsx_span src[RUN_COUNT];
	struct ktlsx_span dst[RUN_COUNT];
	struct ktlsx_aead_text texts[RUN_COUNT];
	u8 nonces[RUN_COUNT][KTLSX_AEAD_NONCE_MAX];
	u8 tags[RUN_COUNT][KTLSX_AEAD_TAG_LEN];
	u8 expected_tags[RUN_COUNT][KTLSX_AEAD_TAG_LEN];
	u8 expected[RUN_COUNT][RUN_ROOM];
	u8 out[RUN_COUNT][RUN_ROOM];
	u8 back[RUN_COUNT][RUN_ROOM];
};

static struct run run __initdata;

/* Two cuts, at different places for the two sides of one call. */
static void __init cut(struct ktlsx_span spans[3], u8 *base, size_t len, size_t part)
{
	size_t first = len / part, second = len / (part + 3);

	spans[0] = (struct ktlsx_span){ base, first };
	spans[1] = (struct ktlsx_span){ base + first, second };
	spans[2] = (struct ktlsx_span){ base + first + second, len - first - second };
}

static bool __init enter(const struct subject *s)
{
	return !s->engine->uses_fpu || ktlsx_simd_begin();
}

/* Whatever the key held before: it becomes what the generic engine makes of @raw. */
static bool __init prepare(struct subject *s)
{
	s->aead->generic->prepare(&s->expected, s->raw, s->aead->key_len);
	memset(&s->key, 0xa5, sizeof(s->key));
	if (!enter(s))
		return false;
	s->engine->prepare(&s->key, s->raw, s->aead->key_len);
	ktlsx_aead_leave(s->engine);
	return !memcmp(&s->key, &s->expected, sizeof(s->key));
}

static struct ktlsx_aead_text __init text_of(struct subject *s, const struct ktlsx_span *src,
					     const struct ktlsx_span *dst, size_t len)
{
	return (struct ktlsx_aead_text){
		.src = src, .dst = dst, .text_len = len,
		.aad = s->aad, .aad_len = s->aad_len, .nonce = s->nonce, .tag = s->tag,
	};
}

static bool __init seal(struct subject *s)
{
	struct ktlsx_span src[3], dst[3];
	struct ktlsx_aead_text text = text_of(s, src, dst, s->text_len);

	s->sealed_len = ktlsx_aead_sealed_len(s->aead, s->text_len);
	cut(src, s->text, s->text_len, 3);
	cut(dst, s->sealed, s->sealed_len, 2);
	if (!enter(s))
		return false;
	ktlsx_aead_seal(s->engine, &s->key, &text);
	ktlsx_aead_leave(s->engine);
	return true;
}

/* In place: the copy in @opened turns from ciphertext to plaintext. */
static int __init open(struct subject *s)
{
	struct ktlsx_span src[3], dst[3];
	struct ktlsx_aead_text text = text_of(s, src, dst, s->sealed_len);
	int err;

	memcpy(s->opened, s->sealed, s->sealed_len);
	cut(src, s->opened, s->sealed_len, 4);
	cut(dst, s->opened, s->sealed_len, 1);
	if (!enter(s))
		return -EBUSY;
	err = ktlsx_aead_open(s->engine, &s->key, &text);
	ktlsx_aead_leave(s->engine);
	return err;
}

/* Of CBC the block before takes the place of the nonce. */
static const u8 *__init block_nonce(const struct subject *s, size_t index)
{
	if (s->aead->mac_len && index)
		return s->sealed + (index - 1) * KTLSX_AEAD_BLOCK_LEN;
	return s->nonce;
}

static bool __init block_matches(struct subject *s, size_t index)
{
	u8 in[KTLSX_AEAD_BLOCK_LEN] = { 0 }, out[KTLSX_AEAD_BLOCK_LEN];
	size_t off = index * KTLSX_AEAD_BLOCK_LEN;
	size_t len = min_t(size_t, s->sealed_len - off, KTLSX_AEAD_BLOCK_LEN);

	memcpy(in, s->sealed + off, len);
	if (!enter(s))
		return false;
	ktlsx_aead_block(s->engine, &s->key, block_nonce(s, index), index, in, out);
	ktlsx_aead_leave(s->engine);
	/* what was opened before */
	return !memcmp(out, s->opened + off, len);
}

/* One bit of the tag, or of the ciphertext where there is none. */
static void __init forge(struct subject *s)
{
	size_t n = s->text_len;

	if (s->aead->tag_len)
		s->tag[n % s->aead->tag_len] ^= 1 << n % 8;
	else
		s->sealed[n % s->sealed_len] ^= 1 << n % 8;
}

/* What was just sealed opens, its last block too; with one bit wrong it is wiped. */
static bool __init opens(struct subject *s)
{
	size_t i;
	u8 any = 0;

	if (open(s) || memcmp(s->opened, s->text, s->text_len))
		return false;
	if (s->sealed_len && !block_matches(s, (s->sealed_len - 1) / KTLSX_AEAD_BLOCK_LEN))
		return false;
	forge(s);
	if (open(s) != -EBADMSG)
		return false;
	for (i = 0; i < s->sealed_len; i++)
		any |= s->opened[i];
	return !any;
}

static bool __init vector_passes(struct subject *s, const struct ktlsx_aead_vector *v)
{
	s->aad_len = v->aad_len;
	s->text_len = v->text_len;
	memcpy(s->raw, v->key, s->aead->key_len);
	memcpy(s->nonce, v->nonce, s->aead->nonce_len);
	memcpy(s->aad, v->aad, v->aad_len);
	memcpy(s->text, v->text, v->text_len);
	return prepare(s) && seal(s) && !memcmp(s->sealed, v->sealed, s->sealed_len) &&
	       (!v->tag || !memcmp(s->tag, v->tag, s->aead->tag_len)) && opens(s);
}

static void __init set_sweep_record(struct subject *s, unsigned int n)
{
	unsigned int i;

	s->text_len = n;
	s->aad_len = s->aead->mac_len ? 11 : n % 40;
	for (i = 2; i < sizeof(s->nonce); i++)
		s->nonce[i] = i - 2;
	s->nonce[0] = n;
	s->nonce[1] = n >> 8;
	for (i = 0; i < s->text_len; i++)
		s->text[i] = 7 * i + n;
	for (i = 0; i < s->aad_len; i++)
		s->aad[i] = 3 * i + n;
}

static bool __init sweep_passes(struct subject *s, const char *digest)
{
	u8 sum[KTLSX_AEAD_TAG_LEN] = { 0 };
	unsigned int n, i;
	const u8 *last;

	for (i = 0; i < sizeof(s->raw); i++)
		s->raw[i] = i;
	if (!prepare(s))
		return false;
	for (n = 0; n <= KTLSX_SWEEP_LEN_MAX;
	     n += n < KTLSX_SWEEP_DENSE_LEN ? 1 : KTLSX_SWEEP_STEP) {
		set_sweep_record(s, n);
		if (!seal(s))
			return false;
		last = s->aead->tag_len ? s->tag : s->sealed + s->sealed_len - sizeof(sum);
		for (i = 0; i < sizeof(sum); i++)
			sum[i] ^= last[i];
		if (!opens(s))
			return false;
	}
	return !memcmp(sum, digest, sizeof(sum));
}

/* Record @i of the run, from @from to @to; its nonce differs from the others' in one byte. */
static void __init lay_record(const struct subject *s, unsigned int i, u8 *from, u8 *to, size_t len,
			      size_t room)
{
	run.src[i] = (struct ktlsx_span){ from, len };
	run.dst[i] = (struct ktlsx_span){ to, room };
	memcpy(run.nonces[i], s->nonce, sizeof(run.nonces[i]));
	run.nonces[i][0] = i;
	run.texts[i] = (struct ktlsx_aead_text){
		.src = &run.src[i], .dst = &run.dst[i], .text_len = len,
		.aad = s->aad, .aad_len = s->aad_len, .nonce = run.nonces[i], .tag = run.tags[i],
	};
}

static bool __init run_seals(struct subject *s, size_t shortest, size_t step)
{
	struct ktlsx_aead_text one;
	unsigned int i;
	size_t len, sealed_len;

	for (i = 0; i < RUN_COUNT; i++) {
		len = shortest + i * step;
		sealed_len = ktlsx_aead_sealed_len(s->aead, len);
		lay_record(s, i, s->text, run.expected[i], len, sealed_len);
		one = run.texts[i];
		one.tag = run.expected_tags[i];
		ktlsx_aead_seal(s->aead->generic, &s->expected, &one);
		run.dst[i].base = run.out[i];
	}
	memset(run.out, 0, sizeof(run.out));
	if (!enter(s))
		return false;
	ktlsx_aead_seal_run(s->engine, &s->key, run.texts, RUN_COUNT);
	ktlsx_aead_leave(s->engine);
	for (i = 0; i < RUN_COUNT; i++)
		if (memcmp(run.out[i], run.expected[i], run.dst[i].len) ||
		    memcmp(run.tags[i], run.expected_tags[i], s->aead->tag_len))
			return false;
	return true;
}

/* What was just sealed, with record @bad forged; RUN_COUNT: none is. */
static bool __init run_opens(struct subject *s, unsigned int bad)
{
	unsigned int i, opened;
	size_t len;

	if (bad < RUN_COUNT)
		run.nonces[bad][1] ^= 1;
	for (i = 0; i < RUN_COUNT; i++) {
		run.src[i] = (struct ktlsx_span){ run.out[i], run.dst[i].len };
		run.dst[i].base = run.back[i];
		run.texts[i].text_len = run.dst[i].len;
	}
	memset(run.back, 0xff, sizeof(run.back));
	if (!enter(s))
		return false;
	opened = ktlsx_aead_open_run(s->engine, &s->key, run.texts, RUN_COUNT);
	ktlsx_aead_leave(s->engine);
	for (i = 0; i < RUN_COUNT; i++) {
		len = run.dst[i].len;
		/* the text that all share, less MAC and padding; nothing from the bad one on */
		if (i >= bad && memchr_inv(run.back[i], 0, len))
			return false;
		if (i < bad && memcmp(run.back[i], s->text, len - min_t(size_t, len, 64)))
			return false;
	}
	return opened == bad;
}

/* Equally long ones, and each longer than the one before. */
static bool __init runs_pass(struct subject *s)
{
	set_sweep_record(s, RUN_LEN_MAX);
	return run_seals(s, RUN_LEN_MAX, 0) && run_opens(s, RUN_COUNT) &&
	       run_seals(s, 0, RUN_STEP) && run_opens(s, RUN_COUNT) && run_opens(s, RUN_COUNT / 2);
}

static bool __init engine_passes(enum ktlsx_aead_alg alg, const struct ktlsx_aead_engine *engine)
{
	const struct ktlsx_aead_answers *known = ktlsx_aead_answers[alg];
	unsigned int i;

	subject.aead = ktlsx_aead_find(alg);
	subject.engine = engine;
	for (i = 0; i < known->count; i++)
		if (!vector_passes(&subject, &known->vectors[i]))
			return false;
	return sweep_passes(&subject, known->sweep_digest) && runs_pass(&subject);
}

int __init ktlsx_selftest(void)
{
	const struct ktlsx_aead_engine *const *row;
	unsigned int alg;

	for (alg = 0; alg < KTLSX_AEAD_COUNT; alg++) {
		for (row = ktlsx_aead_find(alg)->engines; *row; row++) {
			if (!ktlsx_aead_can_run(*row))
				continue;
			if (engine_passes(alg, *row))
				continue;
			pr_err("%s: engine %s gives wrong answers, disabled\n",
			       ktlsx_aead_find(alg)->name, (*row)->name);
			if (ktlsx_aead_disable(alg, *row))
				return -EIO;
		}
	}
	return 0;
}
