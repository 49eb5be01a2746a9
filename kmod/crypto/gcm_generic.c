// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the AES-GCM engine of portable constant-time C. The keys it prepares are what those
 * of every other AES-GCM engine must be, bit for bit.
 * Must not know: vector instructions, TLS. Concurrency: stateless, the key is read-only.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 */
#include "gcm.h"
#include "ghash_generic.h"
#include "spans.h"

#define CHUNK_LEN 64

struct gcm_stream {
	const struct ktlsx_gcm_key *key;
	u64 acc[2];
	u32 counter;
	u8 counters[CHUNK_LEN];
	u8 keystream[CHUNK_LEN];
	u8 chunk[CHUNK_LEN];
};

static void generic_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	struct ktlsx_gcm_key *gcm = (struct ktlsx_gcm_key *)(void *)key->state;
	u8 blocks[CHUNK_LEN] = { 0 };

	memset(key, 0, sizeof(*key));
	ktlsx_aes_expand(&gcm->aes, raw, raw_len);
	ktlsx_aes_encrypt_4(&gcm->aes, blocks, blocks);
	ktlsx_ghash_prepare(gcm, blocks);
	memzero_explicit(blocks, sizeof(blocks));
}

static void start(struct gcm_stream *s, const struct ktlsx_aead_key *key, const u8 *nonce)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	s->key = ktlsx_gcm_key_of(key);
	for (i = 0; i < CHUNK_LEN; i += 16)
		memcpy(s->counters + i, nonce, KTLSX_AEAD_NONCE_LEN);
}

static void next_keystream(struct gcm_stream *s)
{
	unsigned int i;

	for (i = 0; i < CHUNK_LEN; i += 16)
		port_put_be32(s->counters + i + KTLSX_AEAD_NONCE_LEN, s->counter++);
	ktlsx_aes_encrypt_4(&s->key->aes, s->counters, s->keystream);
}

/* Counter 1 masks the tag: the first three blocks of text share its four. */
static void hash_and_crypt(struct gcm_stream *s, const struct ktlsx_aead_text *text, bool sealing,
			   u8 mask[16])
{
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	size_t left = text->text_len, len, i, skip = 16;

	s->counter = 1;
	next_keystream(s);
	memcpy(mask, s->keystream, 16);
	ktlsx_ghash_update(s->key, s->acc, text->aad, text->aad_len);
	for (; left; left -= len, skip = 0) {
		if (!skip)
			next_keystream(s);
		len = min_t(size_t, left, CHUNK_LEN - skip);
		ktlsx_cursor_gather(&src, s->chunk, len);
		/* the source may change: from here on only the copy counts */
		barrier_data(s->chunk);
		if (!sealing)
			ktlsx_ghash_update(s->key, s->acc, s->chunk, len);
		for (i = 0; i < len; i++)
			s->chunk[i] ^= s->keystream[skip + i];
		if (sealing)
			ktlsx_ghash_update(s->key, s->acc, s->chunk, len);
		ktlsx_cursor_scatter(&dst, s->chunk, len);
	}
}

static void whole_record(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *text,
			 bool sealing, u8 tag[KTLSX_AEAD_TAG_LEN])
{
	struct gcm_stream s;
	u8 mask[16];
	unsigned int i;

	start(&s, key, text->nonce);
	hash_and_crypt(&s, text, sealing, mask);
	ktlsx_ghash_finish(s.key, s.acc, text->aad_len, text->text_len, tag);
	for (i = 0; i < KTLSX_AEAD_TAG_LEN; i++)
		tag[i] ^= mask[i];
	memzero_explicit(mask, sizeof(mask));
	memzero_explicit(&s, sizeof(s));
}

static void generic_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			 unsigned int count)
{
	for (; count; count--, texts++)
		whole_record(key, texts, true, texts->tag);
}

static bool open_one(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *text)
{
	u8 expected[KTLSX_AEAD_TAG_LEN];
	bool same;

	whole_record(key, text, false, expected);
	same = ktlsx_tag_matches(expected, text->tag);
	memzero_explicit(expected, sizeof(expected));
	return same;
}

static unsigned int generic_open(const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *texts, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (unlikely(!open_one(key, &texts[i])))
			return ktlsx_texts_refuse(texts, i, count);
	return count;
}

static void generic_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	struct gcm_stream s;
	unsigned int i;

	start(&s, key, nonce);
	s.counter = index + 2;
	next_keystream(&s);
	for (i = 0; i < KTLSX_AEAD_BLOCK_LEN; i++)
		out[i] = in[i] ^ s.keystream[i];
	memzero_explicit(&s, sizeof(s));
}

const struct ktlsx_aead_engine ktlsx_gcm_generic = {
	.name = "generic",
	.cpu_needs = 0,
	.section_len_max = U32_MAX,
	.uses_fpu = false,
	.prepare = generic_prepare,
	.seal = generic_seal,
	.open = generic_open,
	.block = generic_block,
};
