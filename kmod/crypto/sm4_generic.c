// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns SM4 in portable constant-time C: no table and no branch sees a secret.
 * Must not know: modes of operation. Concurrency: stateless.
 * Specification: GB/T 32907-2016. The S-box is that of AES between two affine maps, of the
 * 2040 pairs the one with the fewest exclusive ors.
 *
 * Sixteen blocks are bit-sliced word by word, each word into eight planes of 64 bits. Byte
 * i of the word, the lowest being 0, of block b is bit 16 i + b of each plane: a rotation of
 * the word by 8 n + k bits takes the k planes before and rotates by 16 n.
 */
#include "aes_sbox.h"
#include "bitslice.h"
#include "sm4.h"
#include "sm4_basis.h"

struct sliced {
	u64 q[8];
};

static void slice(struct sliced x[4], const u8 *in, unsigned int blocks)
{
	unsigned int block, word;
	u64 *q;

	memset(x, 0, 4 * sizeof(*x));
	for (block = 0; block < blocks; block++)
		for (word = 0; word < 4; word++, in += 4)
			x[word].q[block % 8] |= bits_spread(port_get_be32(in)) << (block & 8);
	for (word = 0; word < 4; word++) {
		q = x[word].q;
		bits_transpose(q);
	}
}

/* The last word comes out first. */
static void unslice(struct sliced x[4], u8 *out, unsigned int blocks)
{
	unsigned int block, word;

	for (word = 0; word < 4; word++)
		bits_transpose(x[word].q);
	for (block = 0; block < blocks; block++)
		for (word = 4; word--; out += 4)
			port_put_be32(out, bits_unspread(x[word].q[block % 8] >> (block & 8)));
}

/* Into the field of AES, up to a constant and what the AES S-box does on its own. */
static __always_inline void map_in(u64 q[8])
{
	u64 a = q[2] ^ q[0] ^ q[3], b = q[3] ^ q[5], c = q[0] ^ q[4], d = q[1] ^ q[2];
	u64 e = q[0] ^ q[3] ^ q[1] ^ q[4], f = b ^ q[4] ^ q[6], g = q[5] ^ a, h = q[7];

	q[0] = ~b;
	q[1] = ~g;
	q[2] = ~f;
	q[3] = h;
	q[4] = a;
	q[5] = ~d;
	q[6] = c;
	q[7] = e;
}

static __always_inline void map_out(u64 q[8])
{
	u64 t0 = q[2] ^ q[6], t1 = q[4] ^ q[5], t2 = t0 ^ t1;
	u64 a = q[1] ^ t2, b = q[6] ^ q[0] ^ q[1], c = q[7] ^ q[0] ^ q[3], d = q[4];
	u64 e = t1 ^ q[3] ^ q[6], f = q[3] ^ q[5], g = q[0] ^ t0;

	q[0] = a;
	q[1] = b;
	q[2] = ~c;
	q[3] = d;
	q[4] = ~e;
	q[5] = ~f;
	q[6] = ~t2;
	q[7] = ~g;
}

static void substitute(u64 q[8])
{
	map_in(q);
	aes_sbox(q);
	map_out(q);
}

/* Bit @plane of each byte of the word rotated left by @n. */
static __always_inline u64 rotated(const u64 q[8], unsigned int plane, unsigned int n)
{
	const unsigned int from = plane - n % 8, bytes = n / 8 + (plane < n % 8);

	return bits_rotate_right(q[from % 8], (64 - 16 * bytes) % 64);
}

static __always_inline void add_linear(u64 to[8], const u64 q[8])
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		to[i] ^= q[i] ^ rotated(q, i, 2) ^ rotated(q, i, 10) ^ rotated(q, i, 18) ^
			 rotated(q, i, 24);
}

static noinline void run_round(struct sliced *to, const struct sliced *a, const struct sliced *b,
			       const struct sliced *c, u32 round_key)
{
	u64 key = bits_spread(round_key);
	u64 t[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		t[i] = a->q[i] ^ b->q[i] ^ c->q[i] ^ (key >> i & 0x0001000100010001ull) * 0xffff;
	substitute(t);
	add_linear(to->q, t);
}

/* @step: 1, or -1 for the rounds backwards */
static void crypt(const u32 *round_key, int step, const u8 *in, u8 *out, unsigned int blocks)
{
	struct sliced x[4];
	unsigned int round;

	slice(x, in, blocks);
	for (round = 0; round < KTLSX_SM4_ROUNDS; round += 4, round_key += 4 * step) {
		run_round(&x[0], &x[1], &x[2], &x[3], round_key[0]);
		run_round(&x[1], &x[2], &x[3], &x[0], round_key[step]);
		run_round(&x[2], &x[3], &x[0], &x[1], round_key[2 * step]);
		run_round(&x[3], &x[0], &x[1], &x[2], round_key[3 * step]);
	}
	unslice(x, out, blocks);
	memzero_explicit(x, sizeof(x));
}

void ktlsx_sm4_encrypt_blocks(const struct ktlsx_sm4_key *key, const u8 *in, u8 *out,
			      unsigned int blocks)
{
	crypt(key->round_keys, 1, in, out, blocks);
}

void ktlsx_sm4_decrypt_blocks(const struct ktlsx_sm4_key *key, const u8 *in, u8 *out,
			      unsigned int blocks)
{
	crypt(key->round_keys + KTLSX_SM4_ROUNDS - 1, -1, in, out, blocks);
}

static u32 substitute_word(u32 word)
{
	u64 q[8] = { bits_spread(word) };

	bits_transpose(q);
	substitute(q);
	bits_transpose(q);
	word = bits_unspread(q[0]);
	memzero_explicit(q, sizeof(q));
	return word;
}

static u32 rotate_left(u32 x, unsigned int n)
{
	return x << n | x >> (32 - n);
}

/* Byte j of word i of the constants is 7 (4 i + j). */
static u32 schedule_constant(unsigned int round)
{
	u32 word = 0;
	unsigned int j;

	for (j = 0; j < 4; j++)
		word = word << 8 | (7 * (4 * round + j) & 0xff);
	return word;
}

/* Each byte times KTLSX_SM4_PRE, whose lowest byte holds the row of the highest bit. */
static u32 fold(u32 word)
{
	const u32 every_byte = 0x01010101;
	u32 folded = 0, row, bits;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		row = (u32)(KTLSX_SM4_PRE >> (56 - 8 * i)) & 0xff;
		bits = word & row * every_byte;
		bits ^= bits >> 4 & 0x0f0f0f0f;
		bits ^= bits >> 2 & 0x03030303;
		bits ^= bits >> 1;
		folded |= (bits & every_byte) << i;
	}
	return folded;
}

void ktlsx_sm4_expand(struct ktlsx_sm4_key *key, const u8 raw[KTLSX_SM4_RAW_LEN])
{
	static const u32 family[4] = { 0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc };
	unsigned int i;
	u32 k[4], t;

	for (i = 0; i < 4; i++)
		k[i] = port_get_be32(raw + 4 * i) ^ family[i];
	for (i = 0; i < KTLSX_SM4_ROUNDS; i++) {
		t = k[(i + 1) % 4] ^ k[(i + 2) % 4] ^ k[(i + 3) % 4] ^ schedule_constant(i);
		t = substitute_word(t);
		k[i % 4] ^= t ^ rotate_left(t, 13) ^ rotate_left(t, 23);
		key->round_keys[i] = k[i % 4];
		key->folded[i] = fold(k[i % 4]);
	}
	memzero_explicit(k, sizeof(k));
}
