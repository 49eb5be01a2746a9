/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the records of SM4-GCM on 256-bit vectors, around the bulk of sm4_gcm_256.h.
 * Must not know: cipher and hash. Concurrency: stateless, the key is read-only; the source
 * may change while it is read.
 * Specification: NIST SP 800-38D section 7; 96-bit nonces only.
 */
#ifndef KTLSX_CRYPTO_SM4_GCM_256_RECORD_H
#define KTLSX_CRYPTO_SM4_GCM_256_RECORD_H

#include "ghash_aad.h"
#include "sm4_gcm_256_tail.h"

/* A group or less that meets the border of a span. */
static noinline void run_by_bounce(struct gcm_stream *s, struct ktlsx_cursor *src,
				   struct ktlsx_cursor *dst, size_t len)
{
	u8 bounce[GROUP_LEN + BOUNCE_SLACK] __aligned(32);
	__m256i zero = _mm256_setzero_si256();
	unsigned int i;

	bounce_gather(src, bounce, len);
	/* from here on only the copy counts */
	barrier_data(bounce);
	if (len < GROUP_LEN)
		run_tail(s, bounce, bounce, len);
	else
		run_groups(s, bounce, bounce, 1);
	bounce_scatter(dst, bounce, len);
	vec256_opaque(&zero);
	for (i = 0; i < GROUP_LEN; i += 32)
		vec256_store_aligned(bounce + i, zero);
	barrier_data(bounce);
}

/* Whole groups straight from span to span. */
static __always_inline void run_text(struct gcm_stream *s, const struct ktlsx_aead_text *text)
{
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	size_t left = text->text_len, len, run;

	for (; left >= GROUP_LEN; left -= len) {
		run = min(ktlsx_cursor_run(&src), ktlsx_cursor_run(&dst));
		len = min(run, left) / GROUP_LEN * GROUP_LEN;
		if (unlikely(!len)) {
			len = GROUP_LEN;
			run_by_bounce(s, &src, &dst, len);
			continue;
		}
		run_groups(s, ktlsx_cursor_here(&src), ktlsx_cursor_here(&dst), len / GROUP_LEN);
		src.off += len;
		dst.off += len;
	}
	if (left && unlikely(min(ktlsx_cursor_run(&src), ktlsx_cursor_run(&dst)) < left))
		run_by_bounce(s, &src, &dst, left);
	else
		run_tail(s, left ? ktlsx_cursor_here(&src) : NULL,
			 left ? ktlsx_cursor_here(&dst) : NULL, left);
}

/* The additional data wait at the end of the queue for the first group, if there is one. */
static __always_inline void start(struct gcm_stream *s, const struct ktlsx_aead_key *key,
				  const struct ktlsx_aead_text *text)
{
	struct product p = no_product();
	unsigned int i;
	__m128i hash;

	s->key = ktlsx_sm4_gcm_key_of(key);
	s->counter = 2;
	set_up_nonce(s, text->nonce);
	hash = hash_aad(&s->key->hash, text->aad, text->aad_len);
	s->queued = text->text_len >= GROUP_LEN;
	if (!s->queued) {
		add_block(&p, hash, s->key->hash.powers[KTLSX_GCM_POWERS - 1]);
		s->acc = reduce(p);
		return;
	}
	sm4_ctr_prepare(&s->ctr, &s->key->sm4, s->nonce);
	s->acc = _mm_setzero_si128();
	for (i = 0; i < GROUP - 1; i++)
		vec128_store_aligned(s->queue[i], s->acc);
	vec128_store_aligned(s->queue[GROUP - 1], hash);
}

static noinline __m128i run_record(struct gcm_stream *s, const struct ktlsx_aead_key *key,
				   const struct ktlsx_aead_text *text, bool sealing)
{
	unsigned int blocks = (text->text_len % GROUP_LEN + 15) / 16;
	const u8 (*queue)[16] = s->queue;
	__m128i tag;

	s->sealing = _mm256_set1_epi64x(-(long long)sealing);
	start(s, key, text);
	run_text(s, text);
	for (; blocks >= KTLSX_GCM_POWERS; blocks -= KTLSX_GCM_POWERS, queue += KTLSX_GCM_POWERS)
		s->acc = hash_blocks(&s->key->hash, s->acc, queue, KTLSX_GCM_POWERS - 1,
				     vec128_load_aligned(queue[KTLSX_GCM_POWERS - 1]));
	s->acc = hash_blocks(&s->key->hash, s->acc, queue, blocks,
			     _mm_set_epi64x((long long)text->aad_len * 8,
					    (long long)text->text_len * 8));
	if (text->text_len >= GROUP_LEN)
		sm4_ctr_wipe(&s->ctr);
	tag = _mm_xor_si128(vec128_swap_bytes(s->acc), s->mask);
	s->acc = _mm_setzero_si128();
	s->mask = _mm_setzero_si128();
	barrier_data(s);
	return tag;
}

/* A block by itself, decrypted. */
static __always_inline void run_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
				      const u8 in[KTLSX_AEAD_BLOCK_LEN],
				      u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	struct gcm_stream s port_uninitialized;

	s.key = ktlsx_sm4_gcm_key_of(key);
	s.counter = index + 2;
	s.sealing = _mm256_setzero_si256();
	set_up_nonce(&s, nonce);
	stream_16(&s, 0, false);
	crypt_tail(&s, in, out, KTLSX_AEAD_BLOCK_LEN, GROUP / 2);
	barrier_data(&s);
}

#endif
