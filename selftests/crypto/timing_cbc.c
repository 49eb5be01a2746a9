// SPDX-License-Identifier: MIT
/*
 * Owns the measurement of what the time says that opening a CBC record takes: Welch's t between
 * records that are refused for different reasons. Beyond about 4.5 two classes are told apart.
 * Must not know: how an engine works. Prints numbers and decides nothing: a machine that others
 * use has moods.
 * Concurrency: one thread. Method: O. Reparaz, J. Balasch, I. Verbauwhede, "Dude, is my code
 * constant time?", 2017.
 */
#include "../ktap.h"

#include <math.h>
#include <x86intrin.h>

#include "arena.h"
#include "evp_cbc.h"
#include "variants.h"

#define BODY_LEN 1040
#define AAD_LEN 11
#define MAC_LEN 32
#define SAMPLES_MAX 200000
#define RUN_MS 500
/* of all samples; the others were interrupted */
#define KEPT_PERCENT 90

enum record_class {
	SHORT_PADDING_BAD_MAC,
	LONG_PADDING_BAD_MAC,
	BAD_PADDING,
	VALID,
	CLASS_COUNT,
};

static const char *const names[CLASS_COUNT] = {
	[SHORT_PADDING_BAD_MAC] = "short padding, bad MAC",
	[LONG_PADDING_BAD_MAC] = "long padding, bad MAC",
	[BAD_PADDING] = "bad padding",
	[VALID] = "valid",
};

struct sample {
	u64 ticks;
	enum record_class kind;
};

struct moments {
	double count;
	double mean;
	double square;		/* sum of the squares of what differs from the mean */
};

FIXTURE(timing_cbc) {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_aead_key key;
	struct evp_record record;
	uint8_t bodies[CLASS_COUNT][BODY_LEN];
};

FIXTURE_VARIANT(timing_cbc) {
	const char *engine;
};

FIXTURE_VARIANT_ADD(timing_cbc, generic) = { "generic" };
FIXTURE_VARIANT_ADD(timing_cbc, aesni_avx2) = { "aesni-avx2" };
FIXTURE_VARIANT_ADD(timing_cbc, gfni256) = { "gfni256" };
FIXTURE_VARIANT_ADD(timing_cbc, gfni512) = { "gfni512" };

static const uint8_t aad[AAD_LEN];
static struct sample samples[SAMPLES_MAX];
static u64 sorted[SAMPLES_MAX];

/* All of one length; what is wrong is so before it is encrypted. */
static void make_body(struct timing_cbc_self *self, EVP_CIPHER_CTX *ctx, enum record_class kind)
{
	static uint8_t plain[BODY_LEN], opened[BODY_LEN];
	size_t padding = kind == LONG_PADDING_BAD_MAC ? 256 : 16;
	struct evp_record *r = &self->record;

	arena_fill_random(plain, sizeof(plain));
	r->sealed_len = BODY_LEN;
	r->text_len = BODY_LEN - MAC_LEN - padding;
	r->in = plain;
	r->out = self->bodies[kind];
	evp_cbc_seal(ctx, r);
	r->in = self->bodies[kind];
	r->out = opened;
	ASSERT_TRUE(evp_cbc_open(ctx, r));
	if (kind == VALID)
		return;
	opened[kind == BAD_PADDING ? BODY_LEN - 9 : r->text_len + 5] ^= 0x40;
	r->in = opened;
	r->out = self->bodies[kind];
	evp_cbc_encrypt(ctx, r);
}

FIXTURE_SETUP(timing_cbc)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	enum record_class kind;

	ASSERT_EQ(ktlsx_aead_init(getenv("KTLSX_ISA")), 0);
	self->aead = ktlsx_aead_find(KTLSX_AEAD_SM4_CBC_SM3);
	self->engine = engine_called(self->aead, variant->engine);
	ASSERT_TRUE(self->engine);
	if (engine_not_for_us(self->aead, self->engine))
		SKIP("%s", engine_not_for_us(self->aead, self->engine));
	arena_fill_random(self->record.raw, sizeof(self->record.raw));
	self->record.alg = KTLSX_AEAD_SM4_CBC_SM3;
	self->record.aad = aad;
	self->record.aad_len = AAD_LEN;
	self->engine->prepare(&self->key, self->record.raw, self->aead->key_len);
	for (kind = 0; kind < CLASS_COUNT; kind++)
		make_body(self, ctx, kind);
	EVP_CIPHER_CTX_free(ctx);
}

/* From the same place to the same place, whatever the class. */
static u64 time_one(struct timing_cbc_self *self, enum record_class kind)
{
	static uint8_t from[BODY_LEN] __aligned(64), to[BODY_LEN] __aligned(64);
	struct ktlsx_span src = { from, BODY_LEN }, dst = { to, BODY_LEN };
	struct ktlsx_aead_text text = { &src, &dst, BODY_LEN, aad, AAD_LEN, self->record.nonce,
					NULL };
	u64 start, ticks;
	int err;

	memcpy(from, self->bodies[kind], BODY_LEN);
	memset(to, 1, BODY_LEN);
	_mm_lfence();
	start = __rdtsc();
	_mm_lfence();
	err = ktlsx_aead_open(self->engine, &self->key, &text);
	_mm_lfence();
	ticks = __rdtsc() - start;
	ASSERT_EQ(!err, kind == VALID);
	return ticks;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static unsigned int measure(struct timing_cbc_self *self)
{
	uint64_t end = now_ms() + RUN_MS;
	unsigned int count = 0;

	while (count < SAMPLES_MAX && (count % 64 || now_ms() < end)) {
		samples[count].kind = arena_below(CLASS_COUNT);
		samples[count].ticks = time_one(self, samples[count].kind);
		count++;
	}
	return count;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

/* One cut for all classes, or it would hide what differs. */
static u64 longest_kept(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		sorted[i] = samples[i].ticks;
	qsort(sorted, count, sizeof(*sorted), compare);
	return sorted[(size_t)count * KEPT_PERCENT / 100];
}

static void add(struct moments *m, double x)
{
	double differ = x - m->mean;

	m->count++;
	m->mean += differ / m->count;
	m->square += differ * (x - m->mean);
}

/* Negative when @a takes less time. */
static double welch_t(const struct moments *a, const struct moments *b)
{
	double error = a->square / (a->count - 1) / a->count;

	error += b->square / (b->count - 1) / b->count;
	return (a->mean - b->mean) / sqrt(error);
}

static void print(const struct moments *m, enum record_class a, enum record_class b,
		  const char *remark)
{
	ktap_diag("  %-22s against %-22s t = %7.2f%s", names[a], names[b], welch_t(&m[a], &m[b]),
		  remark);
}

TEST_F(timing_cbc, welch_t)
{
	struct moments m[CLASS_COUNT] = { { 0 } };
	enum record_class kind;
	unsigned int count, i;
	u64 longest;

	measure(self);
	count = measure(self);
	ASSERT_GT(count, 1000);
	longest = longest_kept(count);
	for (i = 0; i < count; i++)
		if (samples[i].ticks <= longest)
			add(&m[samples[i].kind], (double)samples[i].ticks);
	ktap_diag("%s, %u records of %u bytes", self->engine->name, count, BODY_LEN);
	for (kind = 0; kind < CLASS_COUNT; kind++)
		ktap_diag("  %-22s %9.1f ticks", names[kind], m[kind].mean);
	print(m, BAD_PADDING, SHORT_PADDING_BAD_MAC, "");
	print(m, BAD_PADDING, LONG_PADDING_BAD_MAC, "");
	print(m, SHORT_PADDING_BAD_MAC, LONG_PADDING_BAD_MAC, "");
	print(m, VALID, SHORT_PADDING_BAD_MAC, " (the refused one is wiped)");
}

KTAP_MAIN()
