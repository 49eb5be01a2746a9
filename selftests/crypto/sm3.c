// SPDX-License-Identifier: MIT
/*
 * Owns the proof that every SM3 computes what OpenSSL computes, and what the standard says.
 * Must not know: how one works. Concurrency: one thread.
 */
#include "../ktap.h"

#include <openssl/evp.h>

#include "arena.h"
#include "../../kmod/crypto/cpu.h"
#include "../../kmod/crypto/sm3.h"

#define CASES 3000
#define BLOCKS_MAX 40

FIXTURE(sm3) {
	u32 iv[KTLSX_SM3_WORDS];
};

/* @blocks or @lanes: one stream, or several at once. */
FIXTURE_VARIANT(sm3) {
	ktlsx_sm3_blocks_t *blocks;
	ktlsx_sm3_lanes_t *lanes;
	unsigned int count;
	u32 needs;
};

FIXTURE_VARIANT_ADD(sm3, generic) = { ktlsx_sm3_generic, NULL, 1, 0 };
FIXTURE_VARIANT_ADD(sm3, avx2) = { ktlsx_sm3_avx2, NULL, 1, KTLSX_CPU_AVX2 };
FIXTURE_VARIANT_ADD(sm3, x8_avx2) = { NULL, ktlsx_sm3_x8_avx2, 8, KTLSX_CPU_AVX2 };
FIXTURE_VARIANT_ADD(sm3, x16_avx512) = { NULL, ktlsx_sm3_x16_avx512, 16, KTLSX_CPU_AVX512 };

FIXTURE_SETUP(sm3)
{
	static const u32 iv[KTLSX_SM3_WORDS] = KTLSX_SM3_IV;

	if (variant->needs & ~ktlsx_cpu_features())
		SKIP("this CPU has not what it takes");
	memcpy(self->iv, iv, sizeof(iv));
	arena_seed();
}

/* A message of @len bytes and its padding; returns how many blocks. */
static size_t pad(u8 *message, size_t len)
{
	size_t blocks = (len + 8) / KTLSX_SM3_BLOCK_LEN + 1, end = blocks * KTLSX_SM3_BLOCK_LEN;

	memset(message + len, 0, end - len);
	message[len] = 0x80;
	port_put_be32(message + end - 4, 8 * (u32)len);
	return blocks;
}

static void digest_of(const u32 state[KTLSX_SM3_WORDS], u8 digest[KTLSX_SM3_DIGEST_LEN])
{
	unsigned int i;

	for (i = 0; i < KTLSX_SM3_WORDS; i++)
		port_put_be32(digest + 4 * i, state[i]);
}

/* One block of each of the messages, as words of all of them. */
static void one_block(const struct sm3_variant *v, u32 *state,
		      u8 messages[][(BLOCKS_MAX + 2) * KTLSX_SM3_BLOCK_LEN], size_t block)
{
	static u32 words[16 * 16] __aligned(64);
	unsigned int lane, i;

	for (lane = 0; lane < v->count; lane++)
		for (i = 0; i < 16; i++)
			words[v->count * i + lane] =
				port_get_be32(messages[lane] + KTLSX_SM3_BLOCK_LEN * block + 4 * i);
	v->lanes(state, words);
}

/* Of @count messages of the same length. */
static void hash(const struct sm3_variant *v, const u32 *iv,
		 u8 messages[][(BLOCKS_MAX + 2) * KTLSX_SM3_BLOCK_LEN], size_t len,
		 u8 digests[][KTLSX_SM3_DIGEST_LEN])
{
	static u32 state[16 * KTLSX_SM3_WORDS] __aligned(64);
	u32 one[KTLSX_SM3_WORDS];
	unsigned int lane, i;
	size_t blocks = 0, block;

	for (lane = 0; lane < v->count; lane++) {
		blocks = pad(messages[lane], len);
		for (i = 0; i < KTLSX_SM3_WORDS; i++)
			state[v->count * i + lane] = iv[i];
	}
	if (v->blocks)
		v->blocks(state, messages[0], blocks);
	for (block = 0; v->lanes && block < blocks; block++)
		one_block(v, state, messages, block);
	for (lane = 0; lane < v->count; lane++) {
		for (i = 0; i < KTLSX_SM3_WORDS; i++)
			one[i] = state[v->count * i + lane];
		digest_of(one, digests[lane]);
	}
}

static u8 messages[16][(BLOCKS_MAX + 2) * KTLSX_SM3_BLOCK_LEN];
static u8 digests[16][KTLSX_SM3_DIGEST_LEN];

/* GB/T 32905 annex A example 1, and the empty message (confirmed with OpenSSL). */
TEST_F(sm3, standard)
{
	static const u8 abc[] =
		"\x66\xc7\xf0\xf4\x62\xee\xed\xd9\xd1\xf2\xd4\x6b\xdc\x10\xe4\xe2"
		"\x41\x67\xc4\x87\x5c\xf2\xf7\xa2\x29\x7d\xa0\x2b\x8f\x4b\xa8\xe0";
	static const u8 empty[] =
		"\x1a\xb2\x1d\x83\x55\xcf\xa1\x7f\x8e\x61\x19\x48\x31\xe8\x1a\x8f"
		"\x22\xbe\xc8\xc7\x28\xfe\xfb\x74\x7e\xd0\x35\xeb\x50\x82\xaa\x2b";
	unsigned int lane;

	for (lane = 0; lane < variant->count; lane++)
		memcpy(messages[lane], "abc", 3);
	hash(variant, self->iv, messages, 3, digests);
	for (lane = 0; lane < variant->count; lane++)
		EXPECT_MEM_EQ(digests[lane], abc, KTLSX_SM3_DIGEST_LEN);
	hash(variant, self->iv, messages, 0, digests);
	for (lane = 0; lane < variant->count; lane++)
		EXPECT_MEM_EQ(digests[lane], empty, KTLSX_SM3_DIGEST_LEN);
}

TEST_F(sm3, agrees_with_openssl)
{
	u8 expected[KTLSX_SM3_DIGEST_LEN];
	unsigned int n, lane, out_len;
	size_t len;

	for (n = 0; n < CASES / variant->count; n++) {
		len = arena_below(BLOCKS_MAX * KTLSX_SM3_BLOCK_LEN);
		for (lane = 0; lane < variant->count; lane++)
			arena_fill_random(messages[lane], len);
		hash(variant, self->iv, messages, len, digests);
		for (lane = 0; lane < variant->count; lane++) {
			ASSERT_EQ(EVP_Digest(messages[lane], len, expected, &out_len, EVP_sm3(),
					     NULL), 1);
			ASSERT_MEM_EQ(digests[lane], expected, sizeof(expected));
		}
	}
}

KTAP_MAIN()
