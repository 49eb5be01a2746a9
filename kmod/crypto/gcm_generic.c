// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns GCM in portable constant-time C over any block cipher. The keys it prepares are what
 * those of every other engine of the algorithm must be, bit for bit.
 * Must not know: which cipher, vector instructions, TLS. Concurrency: stateless, the key is
 * read-only.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 */
#include "gcm_generic.h"
#include "ghash_generic.h"
#include "spans.h"

#define CHUNK_LEN_MAX (KTLSX_GCM_CIPHER_BLOCKS_MAX * 16)

/* more than the frames of a block cipher, or of GHASH, and of what each of them calls */
#define SCRATCH_LEN 1024

struct gcm_stream {
	const struct ktlsx_gcm_cipher *cipher;
	const struct ktlsx_aead_key *key;
	const struct ktlsx_ghash_key *hash;
	u64 acc[2];
	u32 counter;
	u8 counters[CHUNK_LEN_MAX];
	u8 keystream[CHUNK_LEN_MAX];
	u8 chunk[CHUNK_LEN_MAX];
};

/* What the functions called before left there: compilers spill hash keys. */
static noinline void wipe_stack_below(void)
{
	u8 below[SCRATCH_LEN];

	memzero_explicit(below, sizeof(below));
}

static size_t chunk_len(const struct gcm_stream *s)
{
	return s->cipher->blocks * KTLSX_AEAD_BLOCK_LEN;
}

void ktlsx_gcm_generic_prepare(const struct ktlsx_gcm_cipher *cipher, struct ktlsx_aead_key *key,
			       const u8 *raw, size_t raw_len)
{
	u8 blocks[CHUNK_LEN_MAX] = { 0 };

	memset(key, 0, sizeof(*key));
	cipher->expand(key, raw, raw_len);
	cipher->encrypt(key, blocks, blocks);
	ktlsx_ghash_prepare((struct ktlsx_ghash_key *)(void *)key->state, blocks);
	memzero_explicit(blocks, sizeof(blocks));
	wipe_stack_below();
}

static void start(struct gcm_stream *s, const struct ktlsx_gcm_cipher *cipher,
		  const struct ktlsx_aead_key *key, const u8 *nonce)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	s->cipher = cipher;
	s->key = key;
	s->hash = ktlsx_ghash_key_of(key);
	for (i = 0; i < chunk_len(s); i += 16)
		memcpy(s->counters + i, nonce, KTLSX_AEAD_NONCE_LEN);
}

static void next_keystream(struct gcm_stream *s)
{
	unsigned int i;

	for (i = 0; i < chunk_len(s); i += 16)
		port_put_be32(s->counters + i + KTLSX_AEAD_NONCE_LEN, s->counter++);
	s->cipher->encrypt(s->key, s->counters, s->keystream);
}

/* Counter 1 masks the tag: the first blocks of text share its chunk. */
static void hash_and_crypt(struct gcm_stream *s, const struct ktlsx_aead_text *text, bool sealing,
			   u8 mask[16])
{
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	size_t left = text->text_len, len, i, skip = 16;

	s->counter = 1;
	next_keystream(s);
	memcpy(mask, s->keystream, 16);
	s->cipher->hash(s->hash, s->acc, text->aad, text->aad_len);
	for (; left; left -= len, skip = 0) {
		if (!skip)
			next_keystream(s);
		len = min(left, chunk_len(s) - skip);
		ktlsx_cursor_gather(&src, s->chunk, len);
		/* the source may change: from here on only the copy counts */
		barrier_data(s->chunk);
		if (!sealing)
			s->cipher->hash(s->hash, s->acc, s->chunk, len);
		for (i = 0; i < len; i++)
			s->chunk[i] ^= s->keystream[skip + i];
		if (sealing)
			s->cipher->hash(s->hash, s->acc, s->chunk, len);
		ktlsx_cursor_scatter(&dst, s->chunk, len);
	}
}

static void whole_record(const struct ktlsx_gcm_cipher *cipher, const struct ktlsx_aead_key *key,
			 const struct ktlsx_aead_text *text, bool sealing,
			 u8 tag[KTLSX_AEAD_TAG_LEN])
{
	struct gcm_stream s;
	u8 mask[16];
	unsigned int i;

	start(&s, cipher, key, text->nonce);
	hash_and_crypt(&s, text, sealing, mask);
	ktlsx_ghash_finish(s.hash, s.acc, text->aad_len, text->text_len, tag);
	for (i = 0; i < KTLSX_AEAD_TAG_LEN; i++)
		tag[i] ^= mask[i];
	memzero_explicit(mask, sizeof(mask));
	memzero_explicit(&s, sizeof(s));
	wipe_stack_below();
}

void ktlsx_gcm_generic_seal(const struct ktlsx_gcm_cipher *cipher,
			    const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			    unsigned int count)
{
	for (; count; count--, texts++)
		whole_record(cipher, key, texts, true, texts->tag);
}

static bool open_one(const struct ktlsx_gcm_cipher *cipher, const struct ktlsx_aead_key *key,
		     const struct ktlsx_aead_text *text)
{
	u8 expected[KTLSX_AEAD_TAG_LEN];
	bool same;

	whole_record(cipher, key, text, false, expected);
	same = ktlsx_tag_matches(expected, text->tag);
	memzero_explicit(expected, sizeof(expected));
	return same;
}

unsigned int ktlsx_gcm_generic_open(const struct ktlsx_gcm_cipher *cipher,
				    const struct ktlsx_aead_key *key,
				    const struct ktlsx_aead_text *texts, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (unlikely(!open_one(cipher, key, &texts[i])))
			return ktlsx_texts_refuse(texts, i, count);
	return count;
}

void ktlsx_gcm_generic_block(const struct ktlsx_gcm_cipher *cipher,
			     const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			     const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	struct gcm_stream s;
	unsigned int i;

	start(&s, cipher, key, nonce);
	s.counter = index + 2;
	next_keystream(&s);
	for (i = 0; i < KTLSX_AEAD_BLOCK_LEN; i++)
		out[i] = in[i] ^ s.keystream[i];
	memzero_explicit(&s, sizeof(s));
	wipe_stack_below();
}
