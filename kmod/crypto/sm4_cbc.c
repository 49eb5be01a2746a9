// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns SM4-CBC with HMAC-SM3, MAC then encrypt: preparing the key and sealing one record, out
 * of the SM3 and the SM4 of an engine.
 * Must not know: vector instructions, TLS. Concurrency: stateless, the key is read-only; the
 * source may change while it is read: what counts is the copy that is hashed and encrypted.
 * Specification: GB/T 38636-2020 section 6.3.3.4; RFC 2104.
 */
#include "cpu.h"
#include "sm4_cbc.h"
#include "spans.h"

#define CHUNK KTLSX_CBC_CHUNK_LEN
/* As much of a record as one vector section may do. */
#define SECTION_LEN 4096

/*
 * The content of a chunk starts at @data. What the MAC has not taken of the chunk before, or
 * the header of the record, stands right before it: so the blocks of the hash are contiguous,
 * and always as far from those of the cipher. Behind a chunk there is room for MAC and padding.
 */
struct stream {
	u32 hash[KTLSX_SM3_WORDS];
	u8 chain[KTLSX_SM4_BLOCK_LEN];
	u8 before[KTLSX_SM3_BLOCK_LEN] __aligned(16);
	u8 data[CHUNK + 64];
};

static_assert(offsetof(struct stream, data) ==
	      offsetof(struct stream, before) + KTLSX_SM3_BLOCK_LEN, "one run of bytes");

static void hash_key(u32 state[KTLSX_SM3_WORDS], const u8 *mac_key, u8 pad)
{
	static const u32 iv[KTLSX_SM3_WORDS] = KTLSX_SM3_IV;
	u8 block[KTLSX_SM3_BLOCK_LEN];
	unsigned int i;

	memset(block, pad, sizeof(block));
	for (i = 0; i < KTLSX_CBC_MAC_KEY_LEN; i++)
		block[i] ^= mac_key[i];
	memcpy(state, iv, sizeof(iv));
	ktlsx_sm3_generic(state, block, 1);
	memzero_explicit(block, sizeof(block));
}

/**
 * ktlsx_sm4_cbc_prepare() - as ktlsx_aead_prepare()
 * @key: filled
 * @raw: MAC key, then the key of the cipher
 * @raw_len: ignored: 48
 *
 * Context: Any; constant time.
 */
void ktlsx_sm4_cbc_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	struct ktlsx_sm4_cbc_key *cbc = (struct ktlsx_sm4_cbc_key *)(void *)key->state;

	(void)raw_len;
	memset(key, 0, sizeof(*key));
	ktlsx_sm4_expand(&cbc->sm4, raw + KTLSX_CBC_MAC_KEY_LEN);
	hash_key(cbc->inner, raw, 0x36);
	hash_key(cbc->outer, raw, 0x5c);
}

/**
 * ktlsx_cbc_mac() - the outer hash of HMAC
 * @ops: engine
 * @outer: of the prepared key
 * @inner: SM3 after the whole message
 * @mac: filled
 *
 * Context: Inside the engine's section.
 * Spec: RFC 2104 section 2.
 */
void ktlsx_cbc_mac(const struct ktlsx_cbc_ops *ops, const u32 outer[KTLSX_SM3_WORDS],
		   const u32 inner[KTLSX_SM3_WORDS], u8 mac[KTLSX_CBC_MAC_LEN])
{
	u8 block[KTLSX_SM3_BLOCK_LEN] = { 0 };
	u32 state[KTLSX_SM3_WORDS];
	unsigned int i;

	for (i = 0; i < KTLSX_SM3_WORDS; i++)
		port_put_be32(block + 4 * i, inner[i]);
	block[KTLSX_SM3_DIGEST_LEN] = 0x80;
	port_put_be32(block + 60, 8 * (KTLSX_SM3_BLOCK_LEN + KTLSX_SM3_DIGEST_LEN));
	memcpy(state, outer, sizeof(state));
	ops->hash(state, block, 1);
	for (i = 0; i < KTLSX_SM3_WORDS; i++)
		port_put_be32(mac + 4 * i, state[i]);
	memzero_explicit(block, sizeof(block));
	memzero_explicit(state, sizeof(state));
}

/**
 * ktlsx_cbc_pause() - give the CPU back now and then
 * @ops: engine
 * @done: bytes of the record that are done, a multiple of a chunk
 *
 * Context: Inside the engine's section; the vector registers are lost.
 */
void ktlsx_cbc_pause(const struct ktlsx_cbc_ops *ops, size_t done)
{
	if (ops->uses_fpu && done % SECTION_LEN == 0)
		ktlsx_simd_pause();
}

/* Pads the hash behind @len bytes of content and leaves MAC and padding there instead. */
static size_t finish(struct stream *s, const struct ktlsx_cbc_ops *ops,
		     const struct ktlsx_sm4_cbc_key *key, size_t len, size_t text_len)
{
	u8 *message = s->data - KTLSX_CBC_HEADER_LEN;
	size_t hashed = (KTLSX_CBC_HEADER_LEN + len + 8) / KTLSX_SM3_BLOCK_LEN + 1;
	size_t padded = (len + KTLSX_CBC_MAC_LEN) / KTLSX_SM4_BLOCK_LEN + 1;
	size_t end = hashed * KTLSX_SM3_BLOCK_LEN - KTLSX_CBC_HEADER_LEN;

	memset(s->data + len, 0, end - len);
	s->data[len] = 0x80;
	port_put_be32(s->data + end - 4,
		      8 * (u32)(KTLSX_SM3_BLOCK_LEN + KTLSX_CBC_HEADER_LEN + text_len));
	ops->hash(s->hash, message, hashed);
	ktlsx_cbc_mac(ops, key->outer, s->hash, s->data + len);

	len += KTLSX_CBC_MAC_LEN;
	padded *= KTLSX_SM4_BLOCK_LEN;
	memset(s->data + len, (int)(padded - len - 1), padded - len);
	return padded;
}

static void start(struct stream *s, const struct ktlsx_sm4_cbc_key *key,
		  const struct ktlsx_aead_text *text)
{
	u8 *header = s->data - KTLSX_CBC_HEADER_LEN;

	memcpy(header, text->aad, KTLSX_CBC_AAD_LEN);
	header[KTLSX_CBC_AAD_LEN] = (u8)(text->text_len >> 8);
	header[KTLSX_CBC_AAD_LEN + 1] = (u8)text->text_len;
	memcpy(s->hash, key->inner, sizeof(s->hash));
	memcpy(s->chain, text->nonce, sizeof(s->chain));
}

/**
 * ktlsx_cbc_seal_one() - as ktlsx_aead_seal_run(), one record
 * @ops: engine
 * @key: prepared key
 * @text: what and where
 *
 * Context: Inside the engine's section, which it may leave and enter again.
 */
void ktlsx_cbc_seal_one(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
			const struct ktlsx_aead_text *text)
{
	const struct ktlsx_sm4_cbc_key *cbc = ktlsx_sm4_cbc_key_of(key);
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	u8 carry[KTLSX_CBC_HEADER_LEN];
	struct stream s port_uninitialized;
	size_t left = text->text_len;

	start(&s, cbc, text);
	for (; left >= CHUNK; left -= CHUNK) {
		ktlsx_cursor_gather(&src, s.data, CHUNK);
		/* the source may change: from here on only the copy counts */
		barrier_data(s.data);
		ops->hash(s.hash, s.data - KTLSX_CBC_HEADER_LEN, CHUNK / KTLSX_SM3_BLOCK_LEN);
		memcpy(carry, s.data + CHUNK - sizeof(carry), sizeof(carry));
		ops->encrypt(&cbc->sm4, s.chain, s.data, CHUNK / KTLSX_SM4_BLOCK_LEN);
		ktlsx_cursor_scatter(&dst, s.data, CHUNK);
		memcpy(s.data - KTLSX_CBC_HEADER_LEN, carry, sizeof(carry));
		ktlsx_cbc_pause(ops, text->text_len - left + CHUNK);
	}
	ktlsx_cursor_gather(&src, s.data, left);
	barrier_data(s.data);
	left = finish(&s, ops, cbc, left, text->text_len);
	ops->encrypt(&cbc->sm4, s.chain, s.data, left / KTLSX_SM4_BLOCK_LEN);
	ktlsx_cursor_scatter(&dst, s.data, left);
	memzero_explicit(&s, sizeof(s));
	memzero_explicit(carry, sizeof(carry));
}

/**
 * ktlsx_cbc_block() - as ktlsx_aead_block()
 * @ops: engine
 * @key: prepared key
 * @nonce: ciphertext block before
 * @in: ciphertext block
 * @out: plaintext
 *
 * Context: Inside the engine's section.
 */
void ktlsx_cbc_block(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
		     const u8 *nonce, const u8 in[KTLSX_AEAD_BLOCK_LEN],
		     u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	u8 chain[KTLSX_SM4_BLOCK_LEN];

	memcpy(chain, nonce, sizeof(chain));
	memmove(out, in, KTLSX_AEAD_BLOCK_LEN);
	ops->decrypt(&ktlsx_sm4_cbc_key_of(key)->sm4, chain, out, 1);
}
