/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the one interface of the record ciphers: prepare a key once, then seal or
 * open one record from a list of source spans to a list of destination spans.
 * Must not know: TLS, sockets, pages. Nonce and AAD are the caller's business.
 * Concurrency: a prepared key is read-only and may be used by several CPUs at
 * once; the engine choice is written at load only.
 * Specification: RFC 5116; NIST SP 800-38D for GCM.
 */
#ifndef KTLSX_CRYPTO_AEAD_H
#define KTLSX_CRYPTO_AEAD_H

#include "port.h"

#define KTLSX_AEAD_KEY_SIZE 1024
#define KTLSX_AEAD_NONCE_LEN 12
#define KTLSX_AEAD_TAG_LEN 16
#define KTLSX_AEAD_BLOCK_LEN 16

enum ktlsx_aead_alg {
	KTLSX_AEAD_AES_128_GCM,
	KTLSX_AEAD_AES_256_GCM,
	KTLSX_AEAD_COUNT,
};

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
 * @dst: destination spans; together at least @text_len bytes. Exactly in place or
 *       disjoint from @src; the borders of the two lists are independent. Never
 *       read, unless it is also the source
 * @text_len: bytes to encrypt or decrypt, at most 2^36 - 32
 * @aad: additional authenticated data, must not change during the call
 * @aad_len: bytes at @aad
 * @nonce: KTLSX_AEAD_NONCE_LEN bytes
 */
struct ktlsx_aead_text {
	const struct ktlsx_span *src;
	const struct ktlsx_span *dst;
	size_t text_len;
	const u8 *aad;
	size_t aad_len;
	const u8 *nonce;
};

/**
 * struct ktlsx_aead_engine - one implementation of an algorithm
 * @name: as in the isa parameter, "generic" or "aesni"
 * @cpu_needs: KTLSX_CPU_* bits without which it must not be called
 * @section_len_max: record bytes that may share one vector section
 * @uses_fpu: to be called only between ktlsx_aead_enter() and ktlsx_aead_leave()
 * @seal: as ktlsx_aead_seal()
 * @open: as ktlsx_aead_open()
 * @block: as ktlsx_aead_block()
 */
struct ktlsx_aead_engine {
	const char *name;
	u32 cpu_needs;
	u32 section_len_max;
	bool uses_fpu;
	void (*seal)(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *text,
		     u8 tag[KTLSX_AEAD_TAG_LEN]);
	int (*open)(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *text,
		    const u8 tag[KTLSX_AEAD_TAG_LEN]);
	void (*block)(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
		      const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN]);
};

/**
 * struct ktlsx_aead - one algorithm
 * @name: for people
 * @key_len: bytes of the raw key
 * @nonce_len: bytes of a nonce
 * @tag_len: bytes of a tag
 * @prepare: as ktlsx_aead_prepare()
 * @engines: every implementation, best first, NULL at the end; the last real one
 *           is the generic engine, which needs nothing
 * @fast: the engine to use, chosen at load; may be @generic
 * @generic: constant-time C, callable everywhere
 */
struct ktlsx_aead {
	const char *name;
	u16 key_len;
	u16 nonce_len;
	u16 tag_len;
	void (*prepare)(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len);
	const struct ktlsx_aead_engine *const *engines;
	const struct ktlsx_aead_engine *fast;
	const struct ktlsx_aead_engine *generic;
};

/**
 * ktlsx_aead_init() - choose the engine of every algorithm for this CPU
 * @isa: the best engine allowed by name; NULL or empty for no limit
 *
 * Context: Load time, before any other function here.
 * Return: 0, or -EINVAL when no engine is called @isa.
 */
int ktlsx_aead_init(const char *isa);

/**
 * ktlsx_aead_find() - the algorithm of an id
 * @alg: which
 *
 * Context: Any, after ktlsx_aead_init().
 * Return: never NULL for a value of the enum; valid for ever.
 */
const struct ktlsx_aead *ktlsx_aead_find(enum ktlsx_aead_alg alg);

/**
 * ktlsx_aead_disable() - never choose an engine again (it failed its self-test)
 * @alg: the algorithm it failed for
 * @engine: the engine
 *
 * Context: Load time, between ktlsx_aead_init() and the first record.
 * Return: 0, or -ENOENT when it was the last engine of the algorithm.
 */
int ktlsx_aead_disable(enum ktlsx_aead_alg alg, const struct ktlsx_aead_engine *engine);

/**
 * ktlsx_aead_prepare() - expand a raw key for every engine of the algorithm
 * @aead: algorithm
 * @key: filled; to be wiped with ktlsx_aead_wipe()
 * @raw: @aead->key_len bytes
 *
 * Context: Any; constant time, no vector section needed.
 */
void ktlsx_aead_prepare(const struct ktlsx_aead *aead, struct ktlsx_aead_key *key, const u8 *raw);

/**
 * ktlsx_aead_wipe() - forget a prepared key
 * @key: key
 *
 * Context: Any.
 */
void ktlsx_aead_wipe(struct ktlsx_aead_key *key);

/**
 * ktlsx_aead_enter() - choose the engine for now, opening its vector section
 * @aead: algorithm
 *
 * Several calls on the returned engine may follow, up to its section_len_max
 * record bytes in total; no fault and no sleep until ktlsx_aead_leave().
 *
 * Context: Any. Preemption may be off until ktlsx_aead_leave().
 * Return: @aead->fast, or @aead->generic when the vector registers are not usable.
 */
const struct ktlsx_aead_engine *ktlsx_aead_enter(const struct ktlsx_aead *aead);

/**
 * ktlsx_aead_leave() - close what ktlsx_aead_enter() opened
 * @engine: what it returned
 *
 * Context: Same as the enter.
 */
void ktlsx_aead_leave(const struct ktlsx_aead_engine *engine);

/**
 * ktlsx_aead_seal() - encrypt and authenticate one record
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @text: what and where; the nonce must be fresh under this key
 * @tag: filled; computed from the ciphertext as written, never read back from @text->dst
 *
 * Context: Inside the engine's section.
 */
void ktlsx_aead_seal(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
		     const struct ktlsx_aead_text *text, u8 tag[KTLSX_AEAD_TAG_LEN]);

/**
 * ktlsx_aead_open() - authenticate and decrypt one record
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @text: what and where; the destination holds plaintext only after a return of 0
 * @tag: the received tag, a private copy
 *
 * Context: Inside the engine's section.
 * Return: 0, or -EBADMSG when the tag does not match: the destination is zeroed.
 */
int __must_check ktlsx_aead_open(const struct ktlsx_aead_engine *engine,
				 const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *text,
				 const u8 tag[KTLSX_AEAD_TAG_LEN]);

/**
 * ktlsx_aead_block() - decrypt one block by its index, without authentication
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @nonce: of the record
 * @index: block number; 0 holds bytes 0 to 15 of the text
 * @in: ciphertext, padded to a whole block
 * @out: plaintext; may be @in. Nothing in it is to be believed before the tag is
 *
 * Context: Inside the engine's section.
 */
void ktlsx_aead_block(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
		      const u8 *nonce, u32 index, const u8 in[KTLSX_AEAD_BLOCK_LEN],
		      u8 out[KTLSX_AEAD_BLOCK_LEN]);

#endif
