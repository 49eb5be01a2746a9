/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns what SM4-GCM on 512-bit vectors keeps while a record lasts, and its hash.
 * Must not know: the cipher. To be included by its engine only.
 * Concurrency: stateless, the key is read-only.
 * Specification: NIST SP 800-38D section 6.4.
 */
#ifndef KTLSX_CRYPTO_SM4_GCM_512_H
#define KTLSX_CRYPTO_SM4_GCM_512_H

#include "ghash_avx512.h"
#include "sm4_gcm.h"

#define VEC_LEN 64
#define CHUNK_VECS 16
#define CHUNK_LEN (CHUNK_VECS * VEC_LEN)
/* What is encrypted by 16 or 32 blocks, one of them the counter 1 */
#define WORDS_LEN_HALF (15 * 16)
#define WORDS_LEN_MAX (31 * 16)

struct gcm_stream {
	/*
	 * First the hash so far: sums of the blocks l modulo 4, of which each still wants the
	 * 4 - l powers that bring it to the end of its vector. Then blocks waiting to be
	 * hashed, their bytes swapped.
	 */
	__m512i queue[CHUNK_VECS + 1];
	__m512i sealing;			/* all ones or zero: hash what comes out or in */
	u32 keys[KTLSX_SM4_ROUNDS][4] __aligned(64);
	u32 nonce_bytes[4][4] __aligned(64);	/* in the basis, each byte four times */
	u32 nonce_words[4] __aligned(16);	/* in the basis; the last is of no use */
	__m128i mask;				/* counter 1 encrypted, for the tag */
	const struct ktlsx_sm4_gcm_key *key;
	u32 counter;				/* of the next block */
	bool by_chunks;				/* the queue and the keys are set up */
	bool queued;				/* the queue counts; either all of it or nothing */
};

struct pipeline {
	struct products sums;
	const u8 *power;
	const __m512i *vector;
	__m512i last;	/* of the queue: wants no product, and is overwritten before the sum */
};

/* H^(4 n), n at most 16 */
static __always_inline const u64 *stride(const struct ktlsx_sm4_gcm_key *key, unsigned int n)
{
	return n > 4 ? key->hash.strides[16 - n] : key->hash.powers[16 - 4 * n];
}

static __always_inline void hash_next(struct pipeline *p, unsigned int step)
{
	add_products(&p->sums, vec512_load_aligned(p->vector), vec512_spread(p->power));
	p->vector++;
	p->power += step;
}

static __always_inline void hash_begin(const struct gcm_stream *s, struct pipeline *p)
{
	p->sums.low = _mm512_setzero_si512();
	p->sums.mid = _mm512_setzero_si512();
	p->sums.high = _mm512_setzero_si512();
	p->power = (const void *)s->key->hash.strides;
	p->vector = s->queue;
	p->last = vec512_load_aligned(&s->queue[CHUNK_VECS]);
}

static __always_inline void hash_end(struct gcm_stream *s, const struct pipeline *p)
{
	s->queue[0] = _mm512_xor_si512(reduce_lanes(p->sums), p->last);
	s->queued = false;
}

static noinline void hash_queue(struct gcm_stream *s)
{
	struct pipeline p;
	unsigned int i;

	hash_begin(s, &p);
	for (i = 0; i < KTLSX_GCM_STRIDES; i++)
		hash_next(&p, 16);
	p.power = (const void *)s->key->hash.powers;
	for (; i < CHUNK_VECS; i++)
		hash_next(&p, 64);
	hash_end(s, &p);
}

#endif
