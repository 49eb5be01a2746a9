// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the CCM engines of portable constant-time C: the mode over the bit-sliced ciphers,
 * which encrypt counters and MACs of several records at once. The keys they prepare are what
 * those of every other engine of the algorithm must be, bit for bit.
 * Must not know: vector instructions, TLS. Concurrency: stateless, the key is read-only.
 * Specification: NIST SP 800-38C; RFC 8998 for SM4.
 */
#include "aes_generic.h"
#include "ccm.h"
#include "sm4.h"

#define AES_LANES 2
#define SM4_LANES (KTLSX_SM4_BLOCKS_MAX / 2)

static_assert(sizeof(struct ktlsx_aes_key) <= KTLSX_AEAD_KEY_SIZE, "AES key fits its holder");
static_assert(sizeof(struct ktlsx_sm4_key) <= KTLSX_AEAD_KEY_SIZE, "SM4 key fits its holder");

/* Two blocks a lane. */
static void put_blocks(u8 *blocks, struct ktlsx_ccm_lane *const *lanes, unsigned int active)
{
	unsigned int i;
	u8 *counter;

	for (i = 0; i < active; i++, blocks += 32) {
		counter = lanes[i]->counter;
		memcpy(blocks, counter, 16);
		memcpy(blocks + 16, lanes[i]->mac, 16);
		port_put_be32(counter + 12, port_get_be32(counter + 12) + 1);
	}
}

static void take_blocks(const u8 *blocks, struct ktlsx_ccm_lane *const *lanes, unsigned int active,
			size_t step)
{
	struct ktlsx_ccm_lane *l;
	unsigned int i, j;
	u8 x[16], *out;

	for (i = 0; i < active; i++, blocks += 32) {
		l = lanes[i];
		out = l->out + 16 * step;
		memcpy(x, l->in + 16 * step, 16);
		/* the source may change: from here on only the copy counts */
		barrier_data(x);
		for (j = 0; j < 16; j++) {
			l->mac[j] = blocks[16 + j] ^ x[j] ^ (j < l->known ? blocks[j] : 0);
			x[j] ^= blocks[j];
		}
		memcpy(out, x, 16);
	}
	memzero_explicit(x, sizeof(x));
}

static void aes_steps(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
		      unsigned int active, size_t count)
{
	const struct ktlsx_aes_key *aes = (const struct ktlsx_aes_key *)(const void *)key->state;
	u8 blocks[2 * 16 * AES_LANES] = { 0 };
	size_t step;

	for (step = 0; step < count; step++) {
		put_blocks(blocks, lanes, active);
		ktlsx_aes_encrypt_4(aes, blocks, blocks);
		take_blocks(blocks, lanes, active, step);
	}
	memzero_explicit(blocks, sizeof(blocks));
}

static void sm4_steps(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
		      unsigned int active, size_t count)
{
	const struct ktlsx_sm4_key *sm4 = (const struct ktlsx_sm4_key *)(const void *)key->state;
	u8 blocks[2 * 16 * SM4_LANES];
	size_t step;

	for (step = 0; step < count; step++) {
		put_blocks(blocks, lanes, active);
		ktlsx_sm4_encrypt_blocks(sm4, blocks, blocks, 2 * active);
		take_blocks(blocks, lanes, active, step);
	}
	memzero_explicit(blocks, sizeof(blocks));
}

static const struct ktlsx_ccm_cipher aes_cipher = {
	.steps = aes_steps,
	.lanes = AES_LANES,
};

static const struct ktlsx_ccm_cipher sm4_cipher = {
	.steps = sm4_steps,
	.lanes = SM4_LANES,
};

static void aes_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	memset(key, 0, sizeof(*key));
	ktlsx_aes_expand((struct ktlsx_aes_key *)(void *)key->state, raw, raw_len);
}

static void aes_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
		     unsigned int count)
{
	ktlsx_ccm_seal(&aes_cipher, key, texts, count);
}

static unsigned int aes_open(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			     unsigned int count)
{
	return ktlsx_ccm_open(&aes_cipher, key, texts, count);
}

static void aes_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
		      const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	ktlsx_ccm_block(&aes_cipher, key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_aes_ccm_generic = {
	.name = "generic",
	.cpu_needs = 0,
	.section_len_max = U32_MAX,
	.uses_fpu = false,
	.prepare = aes_prepare,
	.seal = aes_seal,
	.open = aes_open,
	.block = aes_block,
};

static void sm4_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	(void)raw_len;
	memset(key, 0, sizeof(*key));
	ktlsx_sm4_expand((struct ktlsx_sm4_key *)(void *)key->state, raw);
}

static void sm4_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
		     unsigned int count)
{
	ktlsx_ccm_seal(&sm4_cipher, key, texts, count);
}

static unsigned int sm4_open(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			     unsigned int count)
{
	return ktlsx_ccm_open(&sm4_cipher, key, texts, count);
}

static void sm4_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
		      const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	ktlsx_ccm_block(&sm4_cipher, key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_sm4_ccm_generic = {
	.name = "generic",
	.cpu_needs = 0,
	.section_len_max = U32_MAX,
	.uses_fpu = false,
	.prepare = sm4_prepare,
	.seal = sm4_seal,
	.open = sm4_open,
	.block = sm4_block,
};
