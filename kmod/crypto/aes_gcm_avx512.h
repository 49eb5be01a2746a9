/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns what the files of the AES-GCM engine for 512-bit vectors share: a record on its way.
 * Must not know: spans. To be included by this engine's files only.
 * Concurrency: a record belongs to one call; the key is read-only.
 * Specification: NIST SP 800-38D section 7.
 *
 * Four hashes run side by side, one in each lane, over every fourth block. Powers of the
 * hash key are multiples of four then, the same in all lanes. Only the last blocks of a
 * record, at most 15, are weighted each with its own power, which joins the four.
 */
#ifndef KTLSX_CRYPTO_AES_GCM_AVX512_H
#define KTLSX_CRYPTO_AES_GCM_AVX512_H

#include "gcm.h"
#include "ghash_avx512.h"

#define GCM512_GROUP 8			/* vectors */
#define GCM512_GROUP_LEN (GCM512_GROUP * 64)
#define GCM512_LAST 15			/* blocks that are weighted singly, at most */
/* so that behind a group the lengths are at least the fourth block, as four hashes need */
#define GCM512_REST (GCM512_GROUP_LEN + 32)
/* a group, and what the last group has before its last blocks */
#define GCM512_QUEUE (GCM512_GROUP + 5)

/**
 * struct gcm512_record - a record on its way
 * @key: its key
 * @acc: four hashes, each to be added to the next block of its lane; the queue not counted
 * @whitened: (nonce, 0) xor round key 0, four times
 * @queue: byte-swapped vectors of ciphertext waiting to be hashed
 * @bounce: a group, or what is left in the end, that meets a border
 * @queued: vectors in @queue
 * @counter: of the next block
 * @sealing: all ones, or zero when opening
 */
struct gcm512_record {
	const struct ktlsx_gcm_key *key;
	__m512i acc;
	__m512i whitened;
	__m512i queue[GCM512_QUEUE];
	u8 bounce[GCM512_REST + 32] __aligned(64);
	u64 sealing;
	u32 queued;
	u32 counter;
};

/* Each vector of four counters, little endian in the lowest words, to what AES starts with. */
static __always_inline __m512i gcm512_first_state(const struct gcm512_record *r, __m512i counters)
{
	return _mm512_xor_si512(r->whitened, vec512_swap_bytes(counters));
}

/* Four counters from @first on, little endian in the lowest words of the lanes. */
static __always_inline __m512i gcm512_counters(u32 first)
{
	const __m512i lanes = _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0);

	return _mm512_add_epi32(lanes, _mm512_maskz_set1_epi32(0x1111, (int)first));
}

/**
 * gcm512_seal_groups() - encrypt groups, hashing the one before each
 * @r: record with a full group queued; the last one's ciphertext is queued in the end
 * @in: plaintext
 * @out: ciphertext
 * @count: groups
 *
 * Context: Inside a vector section.
 */
void gcm512_seal_groups(struct gcm512_record *r, const u8 *in, u8 *out, size_t count);

/**
 * gcm512_open_groups() - decrypt groups, hashing the one before each
 * @r: record with a full group queued; the last one's ciphertext is queued in the end
 * @in: ciphertext
 * @out: plaintext
 * @count: groups
 *
 * Context: Inside a vector section.
 */
void gcm512_open_groups(struct gcm512_record *r, const u8 *in, u8 *out, size_t count);

/**
 * gcm512_crypt_vectors() - encrypt or decrypt a few vectors and queue their ciphertext
 * @r: record
 * @in: text
 * @out: text
 * @count: vectors, 1 to 5, or 8
 *
 * Context: Inside a vector section.
 */
void gcm512_crypt_vectors(struct gcm512_record *r, const u8 *in, u8 *out, unsigned int count);

/**
 * gcm512_hash_queue() - hash what is queued, if anything
 * @r: record
 *
 * Context: Inside a vector section.
 */
void gcm512_hash_queue(struct gcm512_record *r);

/**
 * gcm512_finish() - encrypt or decrypt the last blocks and compute the tag
 * @r: record with nothing queued
 * @in: text; anything when @len is 0
 * @out: text
 * @len: bytes, at most GCM512_LAST blocks
 * @lengths: the block of lengths, byte-swapped
 *
 * Context: Inside a vector section.
 * Return: the tag.
 */
__m128i gcm512_finish(const struct gcm512_record *r, const u8 *in, u8 *out, size_t len,
		      __m128i lengths);

#endif
