// SPDX-License-Identifier: MIT
/*
 * Owns the search for secrets left on the stack: each call runs on a stack of its own, which
 * is then searched for round keys, powers of the hash key, key stream and plaintext.
 * Must not know: how an engine works.
 */
#include "../ktap.h"

#include <ucontext.h>

#include "arena.h"
#include "variants.h"
#include "../../kmod/crypto/gcm.h"

#define STACK_LEN 65536
#define RECORD_LEN 1000
#define SEALED_MAX (RECORD_LEN + 64)	/* with MAC and padding */
#define NEEDLE_LEN 16
#define RUN_COUNT 20		/* more than the lanes of any engine */

FIXTURE(residue) {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	uint8_t raw[KTLSX_AEAD_RAW_MAX];
	uint8_t plain[RECORD_LEN];
	uint8_t sealed[SEALED_MAX];
	uint8_t out[SEALED_MAX];
	uint8_t tag[KTLSX_AEAD_TAG_LEN];
	struct ktlsx_aead_key key;
	uint8_t stack[STACK_LEN] __aligned(64);
};

FIXTURE_VARIANT(residue) {
	enum ktlsx_aead_alg alg;
	const char *engine;
};

#define VARIANT(name, id, engine) \
	FIXTURE_VARIANT_ADD(residue, name) = { KTLSX_AEAD_##id, engine }

EVERY_ENGINE(VARIANT);

static struct residue_self *subject;
static ucontext_t home;

FIXTURE_SETUP(residue)
{
	subject = self;
	ASSERT_EQ(ktlsx_aead_init(getenv("KTLSX_ISA")), 0);
	self->aead = ktlsx_aead_find(variant->alg);
	self->engine = engine_called(self->aead, variant->engine);
	ASSERT_TRUE(self->engine);
	if (engine_not_for_us(self->aead, self->engine))
		SKIP("%s", engine_not_for_us(self->aead, self->engine));
	arena_fill_random(self->raw, sizeof(self->raw));
	arena_fill_random(self->plain, sizeof(self->plain));
	/* also binds what the engine calls: binding later would save registers on the stack */
	self->engine->prepare(&self->key, self->raw, self->aead->key_len);
}

static void call_on_stack(struct residue_self *self, void (*call)(void))
{
	ucontext_t there;

	memset(self->stack, 0, sizeof(self->stack));
	ASSERT_EQ(getcontext(&there), 0);
	there.uc_stack.ss_sp = self->stack;
	there.uc_stack.ss_size = sizeof(self->stack);
	there.uc_link = &home;
	makecontext(&there, call, 0);
	ASSERT_EQ(swapcontext(&home, &there), 0);
}

static const u8 nonce[KTLSX_AEAD_NONCE_MAX] = { 9 };

static struct ktlsx_span plain_span, sealed_span, out_span;

static struct ktlsx_aead_text text_between(const struct ktlsx_span *src,
					   const struct ktlsx_span *dst)
{
	size_t sealed_len = ktlsx_aead_sealed_len(subject->aead, RECORD_LEN);

	plain_span = (struct ktlsx_span){ subject->plain, RECORD_LEN };
	sealed_span = (struct ktlsx_span){ subject->sealed, sealed_len };
	out_span = (struct ktlsx_span){ subject->out, sealed_len };
	return (struct ktlsx_aead_text){
		src, dst, src->len, nonce, subject->aead->mac_len ? 11 : 5, nonce, subject->tag,
	};
}

static void seal(void)
{
	struct ktlsx_aead_text text = text_between(&plain_span, &sealed_span);

	ktlsx_aead_seal(subject->engine, &subject->key, &text);
}

/* The same record in all places: engines that work on several at once have them all to do. */
static void seal_run(void)
{
	struct ktlsx_aead_text texts[RUN_COUNT];
	unsigned int i;

	for (i = 0; i < RUN_COUNT; i++)
		texts[i] = text_between(&plain_span, &sealed_span);
	ktlsx_aead_seal_run(subject->engine, &subject->key, texts, RUN_COUNT);
}

static void open_run(void)
{
	struct ktlsx_aead_text texts[RUN_COUNT];
	unsigned int i;

	for (i = 0; i < RUN_COUNT; i++)
		texts[i] = text_between(&sealed_span, &out_span);
	if (ktlsx_aead_open_run(subject->engine, &subject->key, texts, RUN_COUNT) != RUN_COUNT)
		ktap_diag("open failed");
}

static void open_back(void)
{
	struct ktlsx_aead_text text = text_between(&sealed_span, &out_span);

	if (ktlsx_aead_open(subject->engine, &subject->key, &text))
		ktap_diag("open failed");
}

static void prepare(void)
{
	subject->engine->prepare(&subject->key, subject->raw, subject->aead->key_len);
}

/* Leaves a round key behind on purpose: the search must find it. */
static void leak(void)
{
	u8 copy[NEEDLE_LEN];

	memcpy(copy, subject->key.state + 16, NEEDLE_LEN);
	barrier_data(copy);
}

static unsigned int hits_of(struct residue_self *self, const void *needle, size_t len,
			    const char *what)
{
	if (!memmem(self->stack, STACK_LEN, needle, len))
		return 0;
	ktap_diag("%s is left on the stack", what);
	return 1;
}

static unsigned int hits(struct residue_self *self, const void *needle, const char *what)
{
	return hits_of(self, needle, NEEDLE_LEN, what);
}

/*
 * The key stream before the text: of counter modes the mask of the tag is block -1, of
 * ChaCha20-Poly1305 the key of the MAC blocks -4 and -3.
 */
static unsigned int search_mask(struct residue_self *self)
{
	unsigned int found = 0, i;
	u8 mask[NEEDLE_LEN];

	for (i = 1; i <= 4; i++) {
		memset(mask, 0, sizeof(mask));
		ktlsx_aead_block(self->aead->generic, &self->key, nonce, -i, mask, mask);
		found += hits(self, mask, "the mask of the tag");
	}
	return found;
}

/* The hash key is the zero block encrypted, block -2 under a zero nonce; and in both orders. */
static unsigned int search_hash_key(struct residue_self *self)
{
	static const u8 zero[KTLSX_AEAD_NONCE_LEN];
	u8 h[NEEDLE_LEN] = { 0 }, swapped[NEEDLE_LEN];
	unsigned int i;

	ktlsx_aead_block(self->aead->generic, &self->key, zero, UINT32_MAX - 1, h, h);
	for (i = 0; i < NEEDLE_LEN; i++)
		swapped[i] = h[NEEDLE_LEN - 1 - i];
	return hits(self, h, "the hash key") + hits(self, swapped, "the hash key swapped");
}

/* Mostly zeros: a number of rounds, or room that the algorithm does not use. */
static bool is_secret(const u8 *piece)
{
	unsigned int i, zeros = 0;

	for (i = 0; i < NEEDLE_LEN; i++)
		zeros += !piece[i];
	return zeros <= NEEDLE_LEN / 2;
}

/* Whatever the layout: round keys, powers of a hash key, states of a keyed hash. */
static unsigned int search_key(struct residue_self *self)
{
	unsigned int found = 0, i;

	for (i = 0; i + NEEDLE_LEN <= KTLSX_AEAD_KEY_SIZE; i += 4)
		if (is_secret(self->key.state + i))
			found += hits(self, self->key.state + i, "a piece of the key");
	return found;
}

/* Half of a power of the hash key xor the other half betrays 64 bits of it. */
static unsigned int search_folds(struct residue_self *self)
{
	const struct ktlsx_ghash_key *hash = ktlsx_ghash_key_of(&self->key);
	unsigned int found = 0, i;

	if (!strstr(self->aead->name, "gcm"))
		return 0;
	for (i = 0; i < KTLSX_GCM_FOLDS; i++)
		found += hits_of(self, &hash->folds[i], sizeof(hash->folds[i]), "a fold");
	return found;
}

static unsigned int search(struct residue_self *self)
{
	unsigned int found = search_key(self) + search_folds(self) + search_mask(self) +
			     search_hash_key(self), i, j;
	u8 stream[NEEDLE_LEN];

	for (i = 0; i + NEEDLE_LEN <= RECORD_LEN; i += NEEDLE_LEN) {
		found += hits(self, self->plain + i, "plaintext");
		for (j = 0; j < NEEDLE_LEN; j++)
			stream[j] = self->plain[i + j] ^ self->sealed[i + j];
		found += hits(self, stream, "key stream");
	}
	return found;
}

TEST_F(residue, the_search_finds_a_leak)
{
	call_on_stack(self, leak);
	EXPECT_GT(search(self), 0);
}

TEST_F(residue, prepare_leaves_nothing)
{
	call_on_stack(self, prepare);
	EXPECT_EQ(search(self), 0);
}

TEST_F(residue, seal_leaves_nothing)
{
	call_on_stack(self, seal);
	EXPECT_EQ(search(self), 0);
}

TEST_F(residue, runs_leave_nothing)
{
	call_on_stack(self, seal_run);
	EXPECT_EQ(search(self), 0);
	call_on_stack(self, open_run);
	EXPECT_MEM_EQ(self->out, self->plain, RECORD_LEN);
	EXPECT_EQ(search(self), 0);
}

TEST_F(residue, open_leaves_nothing)
{
	seal();
	call_on_stack(self, open_back);
	EXPECT_MEM_EQ(self->out, self->plain, RECORD_LEN);
	EXPECT_EQ(search(self), 0);
}

KTAP_MAIN()
