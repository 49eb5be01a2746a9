// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns AES in portable constant-time C: no table and no branch sees a secret.
 * Must not know: modes of operation. Concurrency: stateless.
 * Specification: FIPS 197.
 *
 * Four blocks are bit-sliced into eight planes of 64 bits. The byte of row r, column c
 * of block b is bit 16 r + 4 c + b of each plane: ShiftRows rotates 16-bit lanes,
 * MixColumns rotates whole words.
 */
#include "aes_generic.h"
#include "aes_sbox.h"
#include "bitslice.h"

#define EVERY_FOURTH 0x1111111111111111ull

/* The bytes of one column, row 0 lowest. */
static __always_inline u64 spread(const u8 *column)
{
	return bits_spread(__builtin_bswap32(port_get_be32(column)));
}

static __always_inline void unspread(u64 x, u8 *column)
{
	port_put_be32(column, __builtin_bswap32(bits_unspread(x)));
}

static void slice(u64 q[8], const u8 in[64])
{
	unsigned int i;

	for (i = 0; i < 4; i++, in += 16) {
		q[i] = spread(in) | spread(in + 8) << 8;
		q[i + 4] = spread(in + 4) | spread(in + 12) << 8;
	}
	bits_transpose(q);
}

static void unslice(u64 q[8], u8 out[64])
{
	unsigned int i;

	bits_transpose(q);
	for (i = 0; i < 4; i++, out += 16) {
		unspread(q[i], out);
		unspread(q[i] >> 8, out + 8);
		unspread(q[i + 4], out + 4);
		unspread(q[i + 4] >> 8, out + 12);
	}
}

static void sub_bytes(u64 q[8])
{
	aes_sbox(q);
}

static __always_inline u64 shift_rows(u64 x)
{
	return (x & 0x000000000000ffffull) |
	       (x >> 4 & 0x000000000fff0000ull) | (x << 12 & 0x00000000f0000000ull) |
	       (x >> 8 & 0x000000ff00000000ull) | (x << 8 & 0x0000ff0000000000ull) |
	       (x >> 12 & 0x000f000000000000ull) | (x << 4 & 0xfff0000000000000ull);
}

/* Row r becomes 2 r + 3 (r + 1) + (r + 2) + (r + 3), as 2 t + (r + 1) + t two rows on. */
static __always_inline void mix_columns(u64 q[8])
{
	u64 next, t[8];
	unsigned int i;

	for (i = 0; i < 8; i++) {
		next = bits_rotate_right(q[i], 16);
		t[i] = q[i] ^ next;
		q[i] = next ^ bits_rotate_right(t[i], 32);
	}
	q[0] ^= t[7];
	q[1] ^= t[0] ^ t[7];
	q[2] ^= t[1];
	q[3] ^= t[2] ^ t[7];
	q[4] ^= t[3] ^ t[7];
	q[5] ^= t[4];
	q[6] ^= t[5];
	q[7] ^= t[6];
}

static __always_inline void add_round_key(u64 q[8], const u64 sliced[2])
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		q[i] ^= (sliced[0] >> i & EVERY_FOURTH) * 15;
		q[i + 4] ^= (sliced[1] >> i & EVERY_FOURTH) * 15;
	}
}

void ktlsx_aes_encrypt_4(const struct ktlsx_aes_key *key, const u8 in[64], u8 out[64])
{
	unsigned int round, i;
	u64 q[8];

	slice(q, in);
	add_round_key(q, key->sliced[0]);
	for (round = 1; round <= key->rounds; round++) {
		sub_bytes(q);
		for (i = 0; i < 8; i++)
			q[i] = shift_rows(q[i]);
		if (round < key->rounds)
			mix_columns(q);
		add_round_key(q, key->sliced[round]);
	}
	unslice(q, out);
	memzero_explicit(q, sizeof(q));
}

static void sub_word(u8 word[4])
{
	u8 block[64] = { 0 };
	u64 q[8];

	memcpy(block, word, 4);
	slice(q, block);
	sub_bytes(q);
	unslice(q, block);
	memcpy(word, block, 4);
	memzero_explicit(block, sizeof(block));
	memzero_explicit(q, sizeof(q));
}

static void slice_round_key(const u8 round_key[16], u64 sliced[2])
{
	u8 blocks[64];
	unsigned int i;
	u64 q[8];

	for (i = 0; i < 4; i++)
		memcpy(blocks + 16 * i, round_key, 16);
	slice(q, blocks);
	sliced[0] = 0;
	sliced[1] = 0;
	for (i = 0; i < 4; i++) {
		sliced[0] |= (q[i] & EVERY_FOURTH) << i;
		sliced[1] |= (q[i + 4] & EVERY_FOURTH) << i;
	}
	memzero_explicit(blocks, sizeof(blocks));
	memzero_explicit(q, sizeof(q));
}

void ktlsx_aes_expand(struct ktlsx_aes_key *key, const u8 *raw, size_t raw_len)
{
	unsigned int words = raw_len / 4, i, j;
	u8 *w = key->round_keys[0];
	u8 rcon = 1, t[4], first;

	memset(key, 0, sizeof(*key));
	key->rounds = words + 6;
	memcpy(w, raw, raw_len);
	for (i = words; i < 4 * (key->rounds + 1); i++) {
		memcpy(t, w + 4 * (i - 1), 4);
		if (i % words == 0) {
			first = t[0];
			memmove(t, t + 1, 3);
			t[3] = first;
			sub_word(t);
			t[0] ^= rcon;
			rcon = rcon << 1 ^ (rcon >> 7) * 0x1b;
		} else if (words == 8 && i % 8 == 4) {
			sub_word(t);
		}
		for (j = 0; j < 4; j++)
			w[4 * i + j] = w[4 * (i - words) + j] ^ t[j];
	}
	for (i = 0; i <= key->rounds; i++)
		slice_round_key(key->round_keys[i], key->sliced[i]);
	memzero_explicit(t, sizeof(t));
}
