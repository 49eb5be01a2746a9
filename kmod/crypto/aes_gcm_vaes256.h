/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns what the two files of the AES-GCM engine on 256-bit vectors share: the state of a
 * record under way, and its counters.
 * Must not know: other engines. To be included by those two files only.
 * Concurrency: a stream belongs to one call.
 */
#ifndef KTLSX_CRYPTO_AES_GCM_VAES256_H
#define KTLSX_CRYPTO_AES_GCM_VAES256_H

#include "bounce256.h"
#include "gcm.h"

#define VEC_LEN 32
#define GROUP 8
#define GROUP_LEN (GROUP * VEC_LEN)
#define GROUP_BLOCKS (GROUP * 2)

/**
 * struct vaes256_stream - one record
 * @acc: GHASH so far of even and odd blocks, the queue not counted
 * @whitened: (nonce, counters 0 and 1) xor round key 0
 * @base: the same with the counter of the next group's first block, minus 2
 * @counter: that counter, bytes reversed
 * @queue: byte-swapped blocks waiting to be hashed: a group, then the end of the record
 * @keystream: for the end of the record
 * @mask: counter 1 encrypted, for the tag
 * @bounce: where a group lies that meets a border
 * @key: prepared key
 * @first: vector of the queue before which all is empty
 * @block: number of the next group's first block, where @narrow
 * @narrow: the CPU multiplies 128-bit vectors only
 */
struct vaes256_stream {
	__m256i acc;
	__m256i whitened;
	__m256i base;
	__m256i counter;
	__m256i queue[2 * GROUP + 1];
	__m256i keystream[GROUP];
	__m128i mask;
	u8 bounce[GROUP_LEN + BOUNCE_SLACK] __aligned(32);
	const struct ktlsx_gcm_key *key;
	unsigned int first;
	u32 block;
	bool narrow;
};

/* Each lane's counter in its lowest word. */
static __always_inline __m256i vaes256_add(__m256i counter, int more)
{
	return _mm256_add_epi32(counter, _mm256_setr_epi32(more, 0, 0, 0, more, 0, 0, 0));
}

/* Counter blocks after the first addition of a round key; lane 0's counter is even. */
static __always_inline __m256i vaes256_whiten(const struct vaes256_stream *s, __m256i counter)
{
	return _mm256_xor_si256(s->whitened, vec256_swap_bytes(counter));
}

/* Described in aes_gcm_vaes256_groups.c. */
void ktlsx_gcm_vaes256_seal_groups(struct vaes256_stream *s, const u8 *in, u8 *out, size_t count);
void ktlsx_gcm_vaes256_open_groups(struct vaes256_stream *s, const u8 *in, u8 *out, size_t count);

#endif
