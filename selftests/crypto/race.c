// SPDX-License-Identifier: MIT
/*
 * Owns the proof that each source byte counts once: another thread flips the source while
 * records are sealed and opened, as a page cache page or a pinned buffer may.
 * Must not know: how an engine works.
 * Concurrency: two threads; the flipping one writes single bytes of the source only.
 */
#include "../ktap.h"

#include <pthread.h>
#include <stdatomic.h>

#include "arena.h"
#include "variants.h"
#include "evp.h"

#define RECORD_LEN 1500
#define SEALED_MAX (RECORD_LEN + 64)	/* with MAC and padding */
#define CBC_AAD_LEN 11
#define RUN_MS 600
#define TEST_TIMEOUT_S 60

FIXTURE(race) {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_aead_key key;
	struct evp_record record;
	EVP_CIPHER_CTX *ctx;
	pthread_t flipper;
	atomic_bool stop;
	uint8_t plain[RECORD_LEN];
	uint8_t sealed[SEALED_MAX];
	uint8_t source[SEALED_MAX];
	uint8_t result[SEALED_MAX];
	size_t flip_off;
};

FIXTURE_VARIANT(race) {
	enum ktlsx_aead_alg alg;
	const char *engine;
};

#define VARIANT(name, id, engine) \
	FIXTURE_VARIANT_ADD(race, name) = { KTLSX_AEAD_##id, engine }

EVERY_ENGINE(VARIANT);

/* Of CBC only: it has a fixed length, and must not be read beyond it. */
static const uint8_t aad[CBC_AAD_LEN] = { 5 };

FIXTURE_SETUP(race)
{
	struct evp_record *r = &self->record;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("one CPU: nothing changes while an engine reads");
	ASSERT_EQ(ktlsx_aead_init(getenv("KTLSX_ISA")), 0);
	self->aead = ktlsx_aead_find(variant->alg);
	self->engine = engine_called(self->aead, variant->engine);
	ASSERT_TRUE(self->engine);
	if (engine_not_for_us(self->aead, self->engine))
		SKIP("%s", engine_not_for_us(self->aead, self->engine));
	self->ctx = EVP_CIPHER_CTX_new();
	arena_seed();
	arena_fill_random(r->raw, sizeof(r->raw));
	arena_fill_random(self->plain, RECORD_LEN);
	r->alg = variant->alg;
	r->text_len = RECORD_LEN;
	r->sealed_len = ktlsx_aead_sealed_len(self->aead, RECORD_LEN);
	r->aad = aad;
	r->aad_len = self->aead->mac_len ? CBC_AAD_LEN : 0;
	r->in = self->plain;
	r->out = self->sealed;
	evp_seal(self->ctx, r);
	ktlsx_aead_prepare(self->aead, &self->key, r->raw);
}

/* One byte back and forth, quickly enough to change more than once within a block. */
static void *flip(void *arg)
{
	struct race_self *self = arg;
	volatile uint8_t *byte = self->source + self->flip_off;

	while (!atomic_load_explicit(&self->stop, memory_order_relaxed))
		*byte ^= 0x10;
	return NULL;
}

static void start_flipping(struct race_self *self, size_t off)
{
	self->flip_off = off;
	atomic_store(&self->stop, false);
	ASSERT_EQ(pthread_create(&self->flipper, NULL, flip, self), 0);
}

static void stop_flipping(struct race_self *self)
{
	atomic_store(&self->stop, true);
	pthread_join(self->flipper, NULL);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Where it is flipped: inside groups and late in chunks, at a span border, in the last block. */
static const size_t offsets[] = { 0, 294, 711, 1318, 1499 };

static const size_t cuts[] = { 712, 600 };

static void lay_out(struct ktlsx_span spans[3], uint8_t *base, size_t len)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		spans[i] = (struct ktlsx_span){ base, cuts[i] };
		base += cuts[i];
		len -= cuts[i];
	}
	spans[i] = (struct ktlsx_span){ base, len };
}

/* Whichever byte it saw, what it wrote is what it signed. */
TEST_F_TIMEOUT(race, sealed_record_verifies, TEST_TIMEOUT_S)
{
	struct evp_record *r = &self->record;
	struct ktlsx_span src[3], dst = { self->result, r->sealed_len };
	struct ktlsx_aead_text text = { src, &dst, RECORD_LEN, aad, r->aad_len, r->nonce, r->tag };
	unsigned int i, count = 0, changed = 0;
	uint8_t plain[SEALED_MAX];
	uint64_t end;

	lay_out(src, self->source, RECORD_LEN);
	r->in = self->result;
	r->out = plain;
	memcpy(self->source, self->plain, RECORD_LEN);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		start_flipping(self, offsets[i]);
		for (end = now_ms() + RUN_MS / ARRAY_SIZE(offsets); now_ms() < end; count++) {
			ktlsx_aead_seal(self->engine, &self->key, &text);
			ASSERT_TRUE(evp_open(self->ctx, r));
			changed += plain[offsets[i]] != self->plain[offsets[i]];
		}
		stop_flipping(self);
	}
	ktap_diag("%u records, %u of them with the byte flipped", count, changed);
	EXPECT_GT(changed, 0);
	EXPECT_LT(changed, count);
}

/* Either the bytes that were signed, or nothing. */
TEST_F_TIMEOUT(race, opened_record_is_the_signed_one, TEST_TIMEOUT_S)
{
	struct evp_record *r = &self->record;
	struct ktlsx_span src[3], dst = { self->result, r->sealed_len };
	struct ktlsx_aead_text text = { src, &dst, r->sealed_len, aad, r->aad_len, r->nonce,
					r->tag };
	static const uint8_t zero[SEALED_MAX];
	unsigned int i, good = 0, bad = 0;
	uint64_t end;

	lay_out(src, self->source, r->sealed_len);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		memcpy(self->source, self->sealed, r->sealed_len);
		start_flipping(self, offsets[i]);
		for (end = now_ms() + RUN_MS / ARRAY_SIZE(offsets); now_ms() < end;) {
			if (ktlsx_aead_open(self->engine, &self->key, &text)) {
				ASSERT_MEM_EQ(self->result, zero, r->sealed_len);
				bad++;
			} else {
				ASSERT_MEM_EQ(self->result, self->plain, RECORD_LEN);
				good++;
			}
		}
		stop_flipping(self);
	}
	ktap_diag("%u opened, %u refused", good, bad);
	EXPECT_GT(good, 0);
	EXPECT_GT(bad, 0);
}

KTAP_MAIN()
