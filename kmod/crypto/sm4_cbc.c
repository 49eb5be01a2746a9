// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns SM4-CBC with HMAC-SM3, MAC then encrypt: preparing the key and sealing one record, out
 * of the SM3 and the SM4 of an engine.
 * Must not know: vector instructions, TLS. Concurrency: stateless, the key is read-only; the
 * source may change while it is read: what counts is the copy that is hashed and encrypted.
 * Specification: GB/T 38636-2020 section 6.3.3.4; RFC 2104.
 */
#include "cpu.h"
#include "sm4_cbc_mode.h"

#define CHUNK KTLSX_CBC_CHUNK_LEN
/* As much of a record as one vector section may do. */
#define SECTION_LEN 4096

/*
 * First what the MAC has not taken yet of what is before a chunk, then the chunk: so the blocks
 * of the hash are contiguous, and always as far from those of the cipher. Behind it there is
 * room for MAC and padding.
 */
struct chunk {
	u8 message[KTLSX_CBC_HEADER_LEN + CHUNK + KTLSX_SM3_BLOCK_LEN];
};

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
static size_t finish(const struct ktlsx_cbc_ops *ops, const struct ktlsx_sm4_cbc_key *key,
		     struct ktlsx_cbc_place *place, u8 *message, size_t len)
{
	u8 *data = message + KTLSX_CBC_HEADER_LEN;
	size_t hashed = (KTLSX_CBC_HEADER_LEN + len + 8) / KTLSX_SM3_BLOCK_LEN + 1;
	size_t padded = (len + KTLSX_CBC_MAC_LEN) / KTLSX_SM4_BLOCK_LEN + 1;
	size_t end = hashed * KTLSX_SM3_BLOCK_LEN - KTLSX_CBC_HEADER_LEN;

	memset(data + len, 0, end - len);
	data[len] = 0x80;
	port_put_be32(data + end - 4, ktlsx_cbc_bits(place->text_len));
	ops->hash(place->hash, message, hashed);
	ktlsx_cbc_mac(ops, key->outer, place->hash, data + len);

	len += KTLSX_CBC_MAC_LEN;
	padded *= KTLSX_SM4_BLOCK_LEN;
	memset(data + len, (int)(padded - len - 1), padded - len);
	return padded;
}

/**
 * ktlsx_cbc_seal_rest() - seal a record from some place on
 * @ops: engine
 * @key: prepared key
 * @place: a multiple of a hash block in the content; used up and wiped
 *
 * Context: Inside the engine's section, which it may leave and enter again.
 */
void ktlsx_cbc_seal_rest(const struct ktlsx_cbc_ops *ops, const struct ktlsx_sm4_cbc_key *key,
			 struct ktlsx_cbc_place *place)
{
	struct chunk c port_uninitialized;
	u8 *data = c.message + KTLSX_CBC_HEADER_LEN;
	size_t len, done;

	for (done = CHUNK; place->left >= CHUNK; place->left -= CHUNK, done += CHUNK) {
		memcpy(c.message, place->before, KTLSX_CBC_HEADER_LEN);
		ktlsx_cursor_gather(&place->src, data, CHUNK);
		/* the source may change: from here on only the copy counts */
		barrier_data(data);
		memcpy(place->before, c.message + CHUNK, KTLSX_CBC_HEADER_LEN);
		ops->hash(place->hash, c.message, CHUNK / KTLSX_SM3_BLOCK_LEN);
		ops->encrypt(&key->sm4, place->chain, data, CHUNK / KTLSX_SM4_BLOCK_LEN);
		ktlsx_cursor_scatter(&place->dst, data, CHUNK);
		ktlsx_cbc_pause(ops, done);
	}
	memcpy(c.message, place->before, KTLSX_CBC_HEADER_LEN);
	ktlsx_cursor_gather(&place->src, data, place->left);
	barrier_data(data);
	len = finish(ops, key, place, c.message, place->left);
	ops->encrypt(&key->sm4, place->chain, data, len / KTLSX_SM4_BLOCK_LEN);
	ktlsx_cursor_scatter(&place->dst, data, len);
	memzero_explicit(&c, sizeof(c));
	memzero_explicit(place, sizeof(*place));
}

/**
 * ktlsx_cbc_set_header() - write what precedes the content in the MAC
 * @header: filled
 * @aad: as struct ktlsx_aead_text has it
 * @content_len: bytes of content; may be secret
 *
 * Context: Any.
 */
void ktlsx_cbc_set_header(u8 header[KTLSX_CBC_HEADER_LEN], const u8 *aad, u64 content_len)
{
	memcpy(header, aad, KTLSX_CBC_AAD_LEN);
	header[KTLSX_CBC_AAD_LEN] = (u8)(content_len >> 8);
	header[KTLSX_CBC_AAD_LEN + 1] = (u8)content_len;
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
	struct ktlsx_cbc_place place = {
		.src = { text->src, 0 }, .dst = { text->dst, 0 },
		.left = text->text_len, .text_len = text->text_len,
	};

	memcpy(place.hash, cbc->inner, sizeof(place.hash));
	memcpy(place.chain, text->nonce, sizeof(place.chain));
	ktlsx_cbc_set_header(place.before, text->aad, text->text_len);
	ktlsx_cbc_seal_rest(ops, cbc, &place);
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
