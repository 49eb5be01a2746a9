/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the mode CCM as all its engines share it: the chain of the MAC waits for itself, so
 * records run side by side in lanes, and a cipher moves all lanes by a block at a time.
 * Must not know: ciphers, TLS. Concurrency: a lane belongs to one call, a key is read-only.
 * Specification: NIST SP 800-38C; RFC 3610; 12-byte nonces and 16-byte tags only.
 */
#ifndef KTLSX_CRYPTO_CCM_H
#define KTLSX_CRYPTO_CCM_H

#include "aead.h"

#define KTLSX_CCM_LANES_MAX 16

/**
 * struct ktlsx_ccm_lane - one record on its way through a cipher
 * @mac: what the chain of the MAC encrypts next
 * @counter: what makes the next block of key stream; the last four bytes never overflow
 * @block: bounce buffer of one block
 * @in: the next blocks; may be @block, any alignment
 * @out: where they go; the same as @in or disjoint
 * @blocks: how many lie there in one piece
 * @known: how many bytes of key stream belong to what the MAC is over, 0 to 16: all when
 *         opening, as many as the text has in its last block, none when sealing
 * @bounced: bytes of @block to be copied to the destination
 * @finished: the tag is next, or done
 * @text: the record
 * @src: span of the next byte not in @in
 * @dst: span of the next byte not at @out
 * @src_off: bytes of @src passed
 * @dst_off: bytes of @dst passed
 * @left: bytes of text that are neither done nor in @in
 * @aad_left: bytes of additional data neither done nor in @in
 */
struct ktlsx_ccm_lane {
	u8 mac[16] __aligned(16);
	u8 counter[16];
	u8 block[16];
	const u8 *in;
	u8 *out;
	u32 blocks;
	u8 known;
	/* from here on for ccm.c only */
	u8 bounced;
	bool finished;
	const struct ktlsx_aead_text *text;
	const struct ktlsx_span *src;
	const struct ktlsx_span *dst;
	u32 src_off;
	u32 dst_off;
	u32 left;
	u32 aad_left;
};

/**
 * struct ktlsx_ccm_cipher - what CCM asks of a block cipher
 * @steps: moves the first @active lanes by @count blocks each, in and out of which are left
 *         to the caller. A step is: key stream is the counter encrypted; out is in xor key
 *         stream; mac is mac encrypted, xor in, xor the first known bytes of key stream;
 *         the counter grows by one. Each byte of in is loaded once
 * @lanes: how many lanes at most, up to KTLSX_CCM_LANES_MAX
 * @steps_max: so many steps take 50 microseconds on a slow CPU, then the vector section is
 *             left and entered again; 0 when it needs none
 */
struct ktlsx_ccm_cipher {
	void (*steps)(const struct ktlsx_aead_key *key, struct ktlsx_ccm_lane *const *lanes,
		      unsigned int active, size_t count);
	unsigned int lanes;
	u32 steps_max;
};

/* As the functions of struct ktlsx_aead_engine; described in ccm.c. */
void ktlsx_ccm_seal(const struct ktlsx_ccm_cipher *cipher, const struct ktlsx_aead_key *key,
		    const struct ktlsx_aead_text *texts, unsigned int count);
unsigned int ktlsx_ccm_open(const struct ktlsx_ccm_cipher *cipher,
			    const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			    unsigned int count);
void ktlsx_ccm_block(const struct ktlsx_ccm_cipher *cipher, const struct ktlsx_aead_key *key,
		     const u8 *nonce, u32 index, const u8 in[KTLSX_AEAD_BLOCK_LEN],
		     u8 out[KTLSX_AEAD_BLOCK_LEN]);

extern const struct ktlsx_aead_engine ktlsx_aes_ccm_generic;
extern const struct ktlsx_aead_engine ktlsx_aes_ccm_aesni;
extern const struct ktlsx_aead_engine ktlsx_sm4_ccm_generic;
extern const struct ktlsx_aead_engine ktlsx_sm4_ccm_aesni_avx2;
extern const struct ktlsx_aead_engine ktlsx_sm4_ccm_gfni256;
extern const struct ktlsx_aead_engine ktlsx_sm4_ccm_gfni512;

#endif
