// SPDX-License-Identifier: MIT
/*
 * Owns the constant-time check: under valgrind's memcheck the secrets are marked undefined,
 * and any branch or address that depends on one is an error.
 * Must not know: how an engine works. Concurrency: one thread.
 */
#include "../ktap.h"

#include "variants.h"

#ifdef PORT_VALGRIND
#include <valgrind/memcheck.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_COUNT_ERRORS 0
#define VALGRIND_MAKE_MEM_UNDEFINED(p, len) ((void)(p), (void)(len))
#define VALGRIND_MAKE_MEM_DEFINED(p, len) ((void)(p), (void)(len))
#endif

#include "../../kmod/crypto/aead.h"

#define RECORD_LEN 700

FIXTURE(constant_time) {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_aead_key key;
	uint8_t raw[KTLSX_AEAD_RAW_MAX];
	uint8_t plain[RECORD_LEN + 64];	/* room for MAC and padding */
	uint8_t sealed[RECORD_LEN + 64];
	uint8_t tag[KTLSX_AEAD_TAG_LEN];
};

FIXTURE_VARIANT(constant_time) {
	enum ktlsx_aead_alg alg;
	const char *engine;
};

#define VARIANT(name, id, engine) \
	FIXTURE_VARIANT_ADD(constant_time, name) = { KTLSX_AEAD_##id, engine }

EVERY_ENGINE(VARIANT);

static const u8 nonce[KTLSX_AEAD_NONCE_MAX] = { 3 };

FIXTURE_SETUP(constant_time)
{
	if (!RUNNING_ON_VALGRIND)
		SKIP("valgrind is not installed");
	ASSERT_EQ(ktlsx_aead_init(getenv("KTLSX_ISA")), 0);
	self->aead = ktlsx_aead_find(variant->alg);
	self->engine = engine_called(self->aead, variant->engine);
	ASSERT_TRUE(self->engine);
	if (engine_not_for_us(self->aead, self->engine))
		SKIP("under valgrind %s", engine_not_for_us(self->aead, self->engine));
	VALGRIND_MAKE_MEM_UNDEFINED(self->raw, sizeof(self->raw));
	VALGRIND_MAKE_MEM_UNDEFINED(self->plain, RECORD_LEN);
	self->engine->prepare(&self->key, self->raw, self->aead->key_len);
}

static struct ktlsx_aead_text text_between(struct constant_time_self *self,
					   const struct ktlsx_span *src,
					   const struct ktlsx_span *dst, size_t len)
{
	const size_t aad_len = self->aead->mac_len ? 11 : 13;

	return (struct ktlsx_aead_text){ src, dst, len, nonce, aad_len, nonce, self->tag };
}

static void cut(struct ktlsx_span spans[2], uint8_t *base, size_t first_len, size_t len)
{
	spans[0] = (struct ktlsx_span){ base, first_len };
	spans[1] = (struct ktlsx_span){ base + first_len, len - first_len };
}

static void seal(struct constant_time_self *self)
{
	const size_t sealed_len = ktlsx_aead_sealed_len(self->aead, RECORD_LEN);
	struct ktlsx_span src[2], dst[2];
	struct ktlsx_aead_text text;

	cut(src, self->plain, 555, RECORD_LEN);
	cut(dst, self->sealed, 77, sealed_len);
	text = text_between(self, src, dst, RECORD_LEN);
	ktlsx_aead_seal(self->engine, &self->key, &text);
}

TEST_F(constant_time, prepare_and_seal)
{
	seal(self);
	EXPECT_EQ(VALGRIND_COUNT_ERRORS, 0);
}

/* What the verdict is may be known: the engine declares it (port_declassify()). */
TEST_F(constant_time, open_and_refuse)
{
	const size_t sealed_len = ktlsx_aead_sealed_len(self->aead, RECORD_LEN);
	struct ktlsx_span src[2], dst[2];
	struct ktlsx_aead_text text;

	seal(self);
	cut(src, self->sealed, 555, sealed_len);
	cut(dst, self->plain, 77, sealed_len);
	text = text_between(self, src, dst, sealed_len);
	EXPECT_EQ(ktlsx_aead_open(self->engine, &self->key, &text), 0);
	self->tag[3] ^= 1;
	self->sealed[3] ^= 1;
	EXPECT_EQ(ktlsx_aead_open(self->engine, &self->key, &text), -EBADMSG);
	EXPECT_EQ(VALGRIND_COUNT_ERRORS, 0);
}

TEST_F(constant_time, one_block)
{
	ktlsx_aead_block(self->engine, &self->key, nonce, 3, self->plain, self->plain);
	EXPECT_EQ(VALGRIND_COUNT_ERRORS, 0);
}

/* The check must see a branch on a secret where there is one. */
TEST_F(constant_time, the_check_sees_a_branch)
{
	seal(self);
	if (self->sealed[RECORD_LEN - 1] & 1)
		__asm__ __volatile__("");
	EXPECT_GT(VALGRIND_COUNT_ERRORS, 0);
}

KTAP_MAIN()
