/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns what an engine implements, and the records and keys it is handed.
 * Must not know: which algorithms and engines there are, TLS, sockets, pages.
 * Concurrency: a prepared key is read-only and may be used by several CPUs at once.
 * Specification: RFC 5116.
 */
#ifndef KTLSX_CRYPTO_ENGINE_H
#define KTLSX_CRYPTO_ENGINE_H

#include "port.h"

#define KTLSX_AEAD_KEY_SIZE 1024
#define KTLSX_AEAD_RAW_MAX 48
#define KTLSX_AEAD_NONCE_LEN 12	/* of all but CBC, whose nonce is a block */
#define KTLSX_AEAD_NONCE_MAX 16
#define KTLSX_AEAD_TAG_LEN 16
#define KTLSX_AEAD_BLOCK_LEN 16

/**
 * struct ktlsx_span - a run of contiguous bytes
 * @base: first byte; any alignment; never written when the span is a source
 * @len: bytes, zero allowed
 */
struct ktlsx_span {
	u8 *base;
	size_t len;
};

/**
 * struct ktlsx_aead_key - a prepared key, all secret
 * @state: private to the algorithm; every engine of one algorithm reads the same
 *         layout, so each record may be done by any of them
 */
struct ktlsx_aead_key {
	u8 state[KTLSX_AEAD_KEY_SIZE] __aligned(64);
};

/**
 * struct ktlsx_aead_text - where one record comes from and goes to
 * @src: source spans; together at least @text_len bytes. May change while they
 *       are read: each byte is loaded once
 * @dst: destination spans; room for what comes out: @text_len bytes, on sealing
 *       ktlsx_aead_sealed_len(). Exactly in place or disjoint from @src; the borders of
 *       the two lists are independent. Never read, unless it is also the source
 * @text_len: bytes to encrypt or decrypt, at most 2^24 - 1
 * @aad: additional authenticated data, must not change during the call. For the CBC suites
 *       sequence number, type and version: the length that follows them in the MAC is
 *       the engine's to fill in, which alone knows it on opening
 * @aad_len: bytes at @aad
 * @nonce: the algorithm's nonce_len bytes
 * @tag: the algorithm's tag_len bytes, filled on sealing; on opening the received tag, a
 *       private copy. Nothing where tag_len is 0: the MAC is in the ciphertext
 */
struct ktlsx_aead_text {
	const struct ktlsx_span *src;
	const struct ktlsx_span *dst;
	size_t text_len;
	const u8 *aad;
	size_t aad_len;
	const u8 *nonce;
	u8 *tag;
};

/**
 * struct ktlsx_aead_engine - one implementation of an algorithm
 * @name: as in the isa parameter: "generic", "aesni", ...; "library": another's
 * @cpu_needs: KTLSX_CPU_* bits without which it must not be called
 * @section_len_max: record bytes that may share one vector section
 * @uses_fpu: to be called only between ktlsx_aead_enter() and ktlsx_aead_leave()
 * @prepare: as ktlsx_aead_prepare(), @raw_len being the algorithm's key_len; the bytes
 *           are those of every other engine of the algorithm
 * @seal: as ktlsx_aead_seal_run()
 * @open: as ktlsx_aead_open_run()
 * @block: as ktlsx_aead_block()
 */
struct ktlsx_aead_engine {
	const char *name;
	u32 cpu_needs;
	u32 section_len_max;
	bool uses_fpu;
	void (*prepare)(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len);
	void (*seal)(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
		     unsigned int count);
	unsigned int (*open)(const struct ktlsx_aead_key *key,
			     const struct ktlsx_aead_text *texts, unsigned int count);
	void (*block)(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
		      const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN]);
};

#endif
