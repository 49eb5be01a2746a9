// SPDX-License-Identifier: MIT
/*
 * Owns the tests that need no other cipher library: the known answers that the module
 * checks at load, the choice of engines, keys prepared by each of them, and edges of the
 * interface.
 * Must not know: how an engine works. Concurrency: one thread.
 */
#include "../ktap.h"

#include "arena.h"
#include "variants.h"
#include "../../kmod/crypto/aria.h"
#include "../../kmod/crypto/cpu.h"
#include "../../kmod/crypto/sm4_basis.h"
#include "../../kmod/crypto/sm4_gcm.h"
#include "../../kmod/selftest.h"

#define PREPARED_KEYS 10000

static const u8 nonce[KTLSX_AEAD_NONCE_MAX];

TEST(known_answers_of_every_engine)
{
	const struct ktlsx_aead_engine *const *row;
	const struct ktlsx_aead *aead;
	int alg;

	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	ASSERT_EQ(ktlsx_selftest(), 0);
	for (alg = 0; alg < KTLSX_AEAD_COUNT; alg++) {
		aead = ktlsx_aead_find(alg);
		for (row = aead->engines; *row; row++)
			ktap_diag("%s %s: %s", aead->name, (*row)->name, ktlsx_aead_can_run(*row) ?
				  "known answers" : "NOT RUN, this CPU lacks it");
		for (row = aead->engines; !ktlsx_aead_can_run(*row); row++)
			;
		/* a wrong answer would have disabled the best one */
		EXPECT_TRUE(aead->fast == *row);
	}
}

TEST(isa_limits_the_choice)
{
	const struct ktlsx_aead_engine *engine;
	const struct ktlsx_aead *aead;
	int alg;

	EXPECT_EQ(ktlsx_aead_init("no such engine"), -EINVAL);
	EXPECT_EQ(ktlsx_aead_init(""), 0);
	EXPECT_EQ(ktlsx_aead_init("generic"), 0);
	for (alg = 0; alg < KTLSX_AEAD_COUNT; alg++)
		EXPECT_TRUE(ktlsx_aead_find(alg)->fast == ktlsx_aead_find(alg)->generic);
	EXPECT_EQ(ktlsx_aead_init("aesni"), 0);
	for (alg = 0; alg < KTLSX_AEAD_COUNT; alg++) {
		aead = ktlsx_aead_find(alg);
		engine = engine_called(aead, "aesni");
		EXPECT_TRUE(aead->fast == (engine && ktlsx_aead_can_run(engine) ? engine :
					   aead->generic));
	}
}

TEST(disabled_engine_gives_way)
{
	const struct ktlsx_aead *aead = ktlsx_aead_find(KTLSX_AEAD_AES_256_GCM);
	const struct ktlsx_aead *other = ktlsx_aead_find(KTLSX_AEAD_AES_128_GCM);
	const struct ktlsx_aead_engine *fast;

	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	fast = other->fast;
	while (aead->fast != aead->generic)
		ASSERT_EQ(ktlsx_aead_disable(KTLSX_AEAD_AES_256_GCM, aead->fast), 0);
	EXPECT_EQ(ktlsx_aead_disable(KTLSX_AEAD_AES_256_GCM, aead->generic), -ENOENT);
	EXPECT_TRUE(other->fast == fast);
}

TEST(enter_and_leave)
{
	const struct ktlsx_aead *aead = ktlsx_aead_find(KTLSX_AEAD_AES_128_GCM);
	const struct ktlsx_aead_engine *engine;

	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	engine = ktlsx_aead_enter(aead);
	EXPECT_TRUE(engine == aead->fast);
	EXPECT_GE(engine->section_len_max, 16384 + 256);
	ktlsx_aead_leave(engine);
}

/* Any alignment of the raw key, and whatever the holder held before. */
static void check_prepared(const struct ktlsx_aead *aead, const struct ktlsx_aead_engine *engine)
{
	struct ktlsx_aead_key key, expected;
	u8 raw[KTLSX_AEAD_RAW_MAX + 15];
	unsigned int n;

	arena_fill_random((u8 *)&key, sizeof(key));
	for (n = 0; n < PREPARED_KEYS; n++) {
		arena_fill_random(raw, sizeof(raw));
		if (n < 16)
			memset(raw, n % 2 ? 0xff : 0, sizeof(raw));
		aead->generic->prepare(&expected, raw + n % 16, aead->key_len);
		engine->prepare(&key, raw + n % 16, aead->key_len);
		ASSERT_MEM_EQ(&key, &expected, sizeof(key));
	}
	ktap_diag("%u keys of %s by %s", n, aead->name, engine->name);
}

TEST(engines_prepare_the_same_key)
{
	const struct ktlsx_aead_engine *const *row;
	const struct ktlsx_aead *aead;
	struct ktlsx_aead_key key, expected;
	u8 raw[KTLSX_AEAD_RAW_MAX];
	int alg;

	arena_seed();
	arena_fill_random(raw, sizeof(raw));
	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	for (alg = 0; alg < KTLSX_AEAD_COUNT; alg++) {
		aead = ktlsx_aead_find(alg);
		for (row = aead->engines; *row; row++)
			if (*row != aead->generic && ktlsx_aead_can_run(*row))
				check_prepared(aead, *row);
		ktlsx_aead_prepare(aead, &key, raw);
		aead->generic->prepare(&expected, raw, aead->key_len);
		EXPECT_MEM_EQ(&key, &expected, sizeof(key));
	}
}

/* No text and no spans at all: the tag of McGrew and Viega's case 1. */
TEST(nothing_to_seal)
{
	static const u8 expected[KTLSX_AEAD_TAG_LEN] =
		"\x58\xe2\xfc\xce\xfa\x7e\x30\x61\x36\x7f\x1d\x57\xa4\xe7\x45\x5a";
	const struct ktlsx_aead *aead = ktlsx_aead_find(KTLSX_AEAD_AES_128_GCM);
	u8 raw[16] = { 0 }, tag[KTLSX_AEAD_TAG_LEN];
	struct ktlsx_aead_text text = { .nonce = nonce, .tag = tag };
	const struct ktlsx_aead_engine *const *row;
	struct ktlsx_aead_key key;

	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	ktlsx_aead_prepare(aead, &key, raw);
	for (row = aead->engines; *row; row++) {
		if (!ktlsx_aead_can_run(*row))
			continue;
		ktlsx_aead_seal(*row, &key, &text);
		EXPECT_MEM_EQ(tag, expected, sizeof(tag));
		EXPECT_EQ(ktlsx_aead_open(*row, &key, &text), 0);
		tag[15] ^= 0x80;
		EXPECT_EQ(ktlsx_aead_open(*row, &key, &text), -EBADMSG);
	}
}

/* GB/T 32907 annex A, examples 1 and 2; all places of the sixteen do the same. */
TEST_TIMEOUT(sm4_blocks, 120)
{
	static const u8 plain[] =
		"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
	static const u8 once[] =
		"\x68\x1e\xdf\x34\xd2\x06\x96\x5e\x86\xb3\xe9\x4f\x53\x6e\x42\x46";
	static const u8 often[] =
		"\x59\x52\x98\xc7\xc6\xfd\x27\x1f\x04\x02\xf8\x04\xc3\x3d\x3f\x66";
	u8 blocks[KTLSX_SM4_BLOCKS_MAX][KTLSX_SM4_BLOCK_LEN];
	struct ktlsx_sm4_key key;
	unsigned int count, i;

	ktlsx_sm4_expand(&key, plain);
	for (count = 1; count <= KTLSX_SM4_BLOCKS_MAX; count++) {
		for (i = 0; i < count; i++)
			memcpy(blocks[i], plain, KTLSX_SM4_BLOCK_LEN);
		ktlsx_sm4_encrypt_blocks(&key, blocks[0], blocks[0], count);
		for (i = 0; i < count; i++)
			EXPECT_MEM_EQ(blocks[i], once, KTLSX_SM4_BLOCK_LEN);
		ktlsx_sm4_decrypt_blocks(&key, blocks[0], blocks[0], count);
		for (i = 0; i < count; i++)
			EXPECT_MEM_EQ(blocks[i], plain, KTLSX_SM4_BLOCK_LEN);
	}
	for (i = 0; i < 1000000; i++)
		ktlsx_sm4_encrypt_blocks(&key, blocks[0], blocks[0], 1);
	EXPECT_MEM_EQ(blocks[0], often, KTLSX_SM4_BLOCK_LEN);
}

/* RFC 5794 appendix A; all places of the sixteen do the same. */
TEST(aria_blocks)
{
	static const u8 plain[] =
		"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
	static const u8 *const expected[] = {
		(const u8 *)"\xd7\x18\xfb\xd6\xab\x64\x4c\x73\x9d\xa9\x5f\x3b\xe6\x45\x17\x78",
		(const u8 *)"\x26\x44\x9c\x18\x05\xdb\xe7\xaa\x25\xa4\x68\xce\x26\x3a\x9e\x79",
		(const u8 *)"\xf9\x2b\xd7\xc7\x9f\xb7\x2e\x2f\x2b\x8f\x80\xc1\x97\x2d\x24\xfc",
	};
	u8 blocks[KTLSX_ARIA_BLOCKS][KTLSX_ARIA_BLOCK_LEN], raw[32];
	struct ktlsx_aria_key key;
	unsigned int size, i;

	for (i = 0; i < sizeof(raw); i++)
		raw[i] = (u8)i;
	for (size = 0; size < ARRAY_SIZE(expected); size++) {
		for (i = 0; i < KTLSX_ARIA_BLOCKS; i++)
			memcpy(blocks[i], plain, KTLSX_ARIA_BLOCK_LEN);
		ktlsx_aria_expand(&key, raw, 16 + 8 * size);
		ktlsx_aria_encrypt_16(&key, blocks[0], blocks[0]);
		for (i = 0; i < KTLSX_ARIA_BLOCKS; i++)
			EXPECT_MEM_EQ(blocks[i], expected[size], KTLSX_ARIA_BLOCK_LEN);
	}
}

/* @value times KTLSX_SM4_PRE, whose lowest byte holds the row of the highest bit. */
static u8 folded(u8 value)
{
	u8 bits = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		bits |= __builtin_parity(value & (u8)(KTLSX_SM4_PRE >> (56 - 8 * i))) << i;
	return bits;
}

/* What @engine makes of a record longer than any number of blocks that is done at once. */
static void seal_zeros(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
		       u8 *out, size_t len)
{
	static const u8 zeros[2048];
	u8 tag[KTLSX_AEAD_TAG_LEN];
	struct ktlsx_span src = { (u8 *)zeros, len }, dst = { out, len };
	struct ktlsx_aead_text text = { &src, &dst, len, nonce, 13, nonce, tag };

	ktlsx_aead_seal(engine, key, &text);
}

/*
 * A byte of one of the last four round keys takes all values, and so does then what goes
 * into the S-box there, the rounds before being the same.
 */
static void check_substitution(const struct ktlsx_aead *aead, struct ktlsx_aead_key *key,
			       unsigned int round, unsigned int value)
{
	struct ktlsx_sm4_key *sm4 = &((struct ktlsx_sm4_gcm_key *)(void *)key->state)->sm4;
	const unsigned int shift = 8 * (value / 256);
	u8 expected[1024 + 240], out[sizeof(expected)];
	const struct ktlsx_aead_engine *const *row;
	struct ktlsx_sm4_key saved = *sm4;

	sm4->round_keys[round] ^= (value & 255) << shift;
	sm4->folded[round] ^= (u32)folded((u8)value) << shift;
	seal_zeros(aead->generic, key, expected, sizeof(expected));
	for (row = aead->engines; *row; row++) {
		if (!ktlsx_aead_can_run(*row))
			continue;
		memset(out, 0, sizeof(out));
		seal_zeros(*row, key, out, sizeof(out));
		ASSERT_MEM_EQ(out, expected, sizeof(out));
	}
	*sm4 = saved;
}

TEST_TIMEOUT(sm4_substitution_of_every_byte, 120)
{
	const struct ktlsx_aead *aead = ktlsx_aead_find(KTLSX_AEAD_SM4_GCM);
	unsigned int round, value;
	struct ktlsx_aead_key key;
	u8 raw[16];

	arena_seed();
	arena_fill_random(raw, sizeof(raw));
	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	ktlsx_aead_prepare(aead, &key, raw);
	for (round = KTLSX_SM4_ROUNDS - 4; round < KTLSX_SM4_ROUNDS; round++)
		for (value = 0; value < 4 * 256; value++)
			check_substitution(aead, &key, round, value);
}

/* Bytes of one value are where a lost carry or an unset bit shows. */
TEST(extreme_bytes)
{
	static const u8 values[] = { 0x00, 0xff, 0x80, 0x01 };
	const struct ktlsx_aead *aead = ktlsx_aead_find(KTLSX_AEAD_AES_256_GCM);
	const struct ktlsx_aead_engine *const *row;
	u8 raw[32], text[1024], first[1024], out[1024], tag[16], first_tag[16];
	struct ktlsx_span src = { text, sizeof(text) }, dst = { out, sizeof(out) };
	struct ktlsx_aead_text record = { &src, &dst, sizeof(text), text, 160, text, tag };
	struct ktlsx_aead_key key;
	unsigned int i;

	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	for (i = 0; i < 16; i++) {
		memset(raw, values[i / 4], sizeof(raw));
		memset(text, values[i % 4], sizeof(text));
		ktlsx_aead_prepare(aead, &key, raw);
		dst.base = first;
		record.tag = first_tag;
		ktlsx_aead_seal(aead->generic, &key, &record);
		dst.base = out;
		record.tag = tag;
		for (row = aead->engines; *row; row++) {
			if (!ktlsx_aead_can_run(*row))
				continue;
			ktlsx_aead_seal(*row, &key, &record);
			EXPECT_MEM_EQ(out, first, sizeof(out));
			EXPECT_MEM_EQ(tag, first_tag, sizeof(tag));
		}
	}
}

TEST(wipe_leaves_nothing)
{
	const struct ktlsx_aead *aead = ktlsx_aead_find(KTLSX_AEAD_AES_256_GCM);
	static const struct ktlsx_aead_key zero;
	struct ktlsx_aead_key key;
	u8 raw[32] = { 1 };

	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	ktlsx_aead_prepare(aead, &key, raw);
	EXPECT_NE(memcmp(&key, &zero, sizeof(key)), 0);
	ktlsx_aead_wipe(&key);
	EXPECT_MEM_EQ(&key, &zero, sizeof(key));
}

KTAP_MAIN()
