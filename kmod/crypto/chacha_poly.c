// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns ChaCha20-Poly1305: the mode over a library's cipher and MAC. The library's own
 * one-call AEAD takes nonces of 64 bits, TLS has 96.
 * Must not know: whose library. Concurrency: stateless, the key is read-only.
 * Specification: RFC 8439 section 2.8.
 */
#include "chacha_library.h"
#include "chacha_poly.h"
#include "spans.h"

/* What the library's widest vector code takes at once; a multiple of its block. */
#define CHUNK_LEN 512

struct chacha_poly {
	struct ktlsx_chacha_library library;
	u8 chunk[CHUNK_LEN];
};

static const u8 zeros[16];

static void prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->state, raw, raw_len);
}

/* Block 0 of the key stream keys the MAC, the text begins with block 1. */
static void start(struct chacha_poly *s, const struct ktlsx_aead_key *key,
		  const struct ktlsx_aead_text *text)
{
	memset(s->chunk, 0, KTLSX_CHACHA_BLOCK_LEN);
	ktlsx_chacha_start(&s->library, key->state, text->nonce, 0);
	ktlsx_chacha_crypt(&s->library, s->chunk, KTLSX_CHACHA_BLOCK_LEN);
	ktlsx_poly1305_start(&s->library, s->chunk);
	ktlsx_poly1305_update(&s->library, text->aad, text->aad_len);
	ktlsx_poly1305_update(&s->library, zeros, -text->aad_len % 16);
}

static void crypt(struct chacha_poly *s, const struct ktlsx_aead_text *text, bool sealing)
{
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	size_t left, len;

	for (left = text->text_len; left; left -= len) {
		len = min_t(size_t, left, CHUNK_LEN);
		ktlsx_cursor_gather(&src, s->chunk, len);
		/* the source may change: from here on only the copy counts */
		barrier_data(s->chunk);
		if (!sealing)
			ktlsx_poly1305_update(&s->library, s->chunk, len);
		ktlsx_chacha_crypt(&s->library, s->chunk, len);
		if (sealing)
			ktlsx_poly1305_update(&s->library, s->chunk, len);
		ktlsx_cursor_scatter(&dst, s->chunk, len);
	}
}

static void finish(struct chacha_poly *s, const struct ktlsx_aead_text *text,
		   u8 tag[KTLSX_AEAD_TAG_LEN])
{
	u64 lengths[2] = { text->aad_len, text->text_len };

	ktlsx_poly1305_update(&s->library, zeros, -text->text_len % 16);
	ktlsx_poly1305_update(&s->library, (u8 *)lengths, sizeof(lengths));
	ktlsx_poly1305_finish(&s->library, tag);
}

static void whole_record(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *text,
			 bool sealing, u8 tag[KTLSX_AEAD_TAG_LEN])
{
	struct chacha_poly s port_uninitialized;

	start(&s, key, text);
	crypt(&s, text, sealing);
	finish(&s, text, tag);
	memzero_explicit(&s, sizeof(s));
}

static void seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
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

static unsigned int open(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			 unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (unlikely(!open_one(key, &texts[i])))
			return ktlsx_texts_refuse(texts, i, count);
	return count;
}

/* The interface's blocks are a quarter of the cipher's, whose first is not of the text. */
static void block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
		  const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	u8 buf[KTLSX_CHACHA_BLOCK_LEN] = { 0 }, *ours = buf + index % 4 * KTLSX_AEAD_BLOCK_LEN;
	struct ktlsx_chacha_library library port_uninitialized;

	memcpy(ours, in, KTLSX_AEAD_BLOCK_LEN);
	ktlsx_chacha_start(&library, key->state, nonce, (index + 4) / 4);
	ktlsx_chacha_crypt(&library, buf, sizeof(buf));
	memcpy(out, ours, KTLSX_AEAD_BLOCK_LEN);
	memzero_explicit(buf, sizeof(buf));
	memzero_explicit(&library, sizeof(library));
}

const struct ktlsx_aead_engine ktlsx_chacha_poly_library = {
	.name = "library",
	.cpu_needs = 0,
	.section_len_max = U32_MAX,
	.uses_fpu = false,
	.prepare = prepare,
	.seal = seal,
	.open = open,
	.block = block,
};
