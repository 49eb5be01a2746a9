/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the layout of a prepared SM4-CBC and HMAC-SM3 key, what the mode asks of an engine, and
 * the names by which engines and mode find each other.
 * Must not know: who calls. Concurrency: a prepared key is read-only.
 * Specification: GB/T 38636-2020 section 6.3.3.4; RFC 5246 section 6.2.3.2, which it follows.
 */
#ifndef KTLSX_CRYPTO_SM4_CBC_H
#define KTLSX_CRYPTO_SM4_CBC_H

#include "sm4_cbc_key.h"

typedef void ktlsx_cbc_crypt_t(const struct ktlsx_sm4_key *key, u8 chain[KTLSX_SM4_BLOCK_LEN],
			       u8 *data, size_t blocks);

/* the most records that any engine does at once */
#define KTLSX_CBC_LANES_MAX 16
/* of each of them, in one step */
#define KTLSX_CBC_STEP_LEN KTLSX_SM3_BLOCK_LEN

/**
 * struct ktlsx_cbc_lanes - records that are encrypted at once, a lane each
 * @chain: word by word, of all lanes, the ciphertext block before; words have their first
 *         byte highest
 * @hash: word by word the states of SM3
 * @carry: word by word the 16 bytes before: 3 of no meaning, and 13 that are not hashed yet
 * @src: next byte to read, of each lane
 * @dst: where it goes
 * @step: how far both move with each step
 */
struct ktlsx_cbc_lanes {
	u32 chain[4 * KTLSX_CBC_LANES_MAX] __aligned(64);
	u32 hash[KTLSX_SM3_WORDS * KTLSX_CBC_LANES_MAX];
	u32 carry[4 * KTLSX_CBC_LANES_MAX];
	const u8 *src[KTLSX_CBC_LANES_MAX];
	u8 *dst[KTLSX_CBC_LANES_MAX];
	u64 step[KTLSX_CBC_LANES_MAX];
};

/**
 * typedef ktlsx_cbc_lanes_t - hash and encrypt in all lanes
 * @key: round keys
 * @lanes: what is to be done; each source byte is loaded once
 * @steps: how many
 */
typedef void ktlsx_cbc_lanes_t(const struct ktlsx_sm4_key *key, struct ktlsx_cbc_lanes *lanes,
			       size_t steps);

/**
 * struct ktlsx_cbc_ops - what the mode asks of an engine
 * @hash: SM3
 * @encrypt: CBC, in place; @chain is the block before and becomes the last one written
 * @decrypt: CBC, in place; @chain is the ciphertext block before and becomes the last one read
 * @run: many records at once; NULL where there are no lanes
 * @hash_lanes: SM3 in lanes
 * @lanes: how many there are
 * @uses_fpu: call these inside a vector section only
 */
struct ktlsx_cbc_ops {
	ktlsx_sm3_blocks_t *hash;
	ktlsx_cbc_crypt_t *encrypt;
	ktlsx_cbc_crypt_t *decrypt;
	ktlsx_cbc_lanes_t *run;
	ktlsx_sm3_lanes_t *hash_lanes;
	unsigned int lanes;
	bool uses_fpu;
};

/**
 * struct ktlsx_cbc_place - how far sealing of one record has come
 * @hash: SM3 state
 * @chain: ciphertext block before
 * @before: the bytes before this place that are not hashed yet; at the start the header
 * @src: place in the source
 * @dst: place in the destination
 * @left: bytes of content behind it
 * @text_len: bytes of content in all
 */
struct ktlsx_cbc_place {
	u32 hash[KTLSX_SM3_WORDS];
	u8 chain[KTLSX_SM4_BLOCK_LEN];
	u8 before[KTLSX_CBC_HEADER_LEN];
	struct ktlsx_cursor src;
	struct ktlsx_cursor dst;
	size_t left;
	size_t text_len;
};

/* Bits of all that the inner hash takes, the key block too. */
static inline u32 ktlsx_cbc_bits(u64 content_len)
{
	return 8 * (u32)(KTLSX_SM3_BLOCK_LEN + KTLSX_CBC_HEADER_LEN + content_len);
}

/* Described in sm4_cbc.c. */
void ktlsx_sm4_cbc_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len);
void ktlsx_cbc_mac(const struct ktlsx_cbc_ops *ops, const u32 outer[KTLSX_SM3_WORDS],
		   const u32 inner[KTLSX_SM3_WORDS], u8 mac[KTLSX_CBC_MAC_LEN]);
void ktlsx_cbc_pause(const struct ktlsx_cbc_ops *ops, size_t done);
void ktlsx_cbc_set_header(u8 header[KTLSX_CBC_HEADER_LEN], const u8 *aad, u64 content_len);
void ktlsx_cbc_seal_rest(const struct ktlsx_cbc_ops *ops, const struct ktlsx_sm4_cbc_key *key,
			 struct ktlsx_cbc_place *place);
void ktlsx_cbc_seal_one(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
			const struct ktlsx_aead_text *text);
void ktlsx_cbc_block(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
		     const u8 *nonce, const u8 in[KTLSX_AEAD_BLOCK_LEN],
		     u8 out[KTLSX_AEAD_BLOCK_LEN]);

/* Described in sm4_cbc_generic.c. */
ktlsx_cbc_crypt_t ktlsx_cbc_generic_encrypt;
ktlsx_cbc_crypt_t ktlsx_cbc_generic_decrypt;

/* One family an engine. */
ktlsx_cbc_crypt_t ktlsx_cbc_aesni_avx2_encrypt;
ktlsx_cbc_crypt_t ktlsx_cbc_aesni_avx2_decrypt;
ktlsx_cbc_lanes_t ktlsx_cbc_aesni_avx2_run;
ktlsx_cbc_crypt_t ktlsx_cbc_gfni256_encrypt;
ktlsx_cbc_crypt_t ktlsx_cbc_gfni256_decrypt;
ktlsx_cbc_lanes_t ktlsx_cbc_gfni256_run;
ktlsx_cbc_crypt_t ktlsx_cbc_gfni512_encrypt;
ktlsx_cbc_crypt_t ktlsx_cbc_gfni512_decrypt;
ktlsx_cbc_lanes_t ktlsx_cbc_gfni512_run;

/* Described in sm4_cbc_run.c. */
void ktlsx_cbc_seal_many(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
			 const struct ktlsx_aead_text *texts, unsigned int count);

/* Described in sm4_cbc_open.c. */
bool ktlsx_cbc_open_one(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
			const struct ktlsx_aead_text *text);

extern const struct ktlsx_aead_engine ktlsx_sm4_cbc_generic;
extern const struct ktlsx_aead_engine ktlsx_sm4_cbc_aesni_avx2;
extern const struct ktlsx_aead_engine ktlsx_sm4_cbc_gfni256;
extern const struct ktlsx_aead_engine ktlsx_sm4_cbc_gfni512;

#endif
