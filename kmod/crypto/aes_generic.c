// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns AES in portable constant-time C: no table and no branch sees a secret.
 * Must not know: modes of operation. Concurrency: stateless.
 * Specification: FIPS 197. S-box: the published circuit of J. Boyar and R. Peralta,
 * "A depth-16 circuit for the AES S-box" (2011), 94 exclusive ors and 34 ands.
 *
 * Four blocks are bit-sliced into eight planes of 64 bits. The byte of row r, column c
 * of block b is bit 16 r + 4 c + b of each plane: ShiftRows rotates 16-bit lanes,
 * MixColumns rotates whole words.
 */
#include "aes_generic.h"

#define EVERY_FOURTH 0x1111111111111111ull

static __always_inline u64 rotate_right(u64 x, unsigned int n)
{
	return x >> n | x << (64 - n);
}

/* Exchanges the bits of *a under mask << n with those of *b under mask. */
static __always_inline void swap_bits(u64 *a, u64 *b, u64 mask, unsigned int n)
{
	u64 t = (*a >> n ^ *b) & mask;

	*b ^= t;
	*a ^= t << n;
}

/* Bit i of byte j of word k becomes bit k of byte j of word i, and back again. */
static __always_inline void transpose(u64 q[8])
{
	unsigned int i;

	for (i = 0; i < 8; i += 2)
		swap_bits(&q[i], &q[i + 1], 0x5555555555555555ull, 1);
	for (i = 0; i < 8; i += 4) {
		swap_bits(&q[i], &q[i + 2], 0x3333333333333333ull, 2);
		swap_bits(&q[i + 1], &q[i + 3], 0x3333333333333333ull, 2);
	}
	for (i = 0; i < 4; i++)
		swap_bits(&q[i], &q[i + 4], 0x0f0f0f0f0f0f0f0full, 4);
}

/* The bytes of one column, row 0 lowest, each moved to the low half of 16 bits. */
static __always_inline u64 spread(const u8 *column)
{
	u64 x = __builtin_bswap32(port_get_be32(column));

	x = (x | x << 16) & 0x0000ffff0000ffffull;
	return (x | x << 8) & 0x00ff00ff00ff00ffull;
}

static __always_inline void unspread(u64 x, u8 *column)
{
	x &= 0x00ff00ff00ff00ffull;
	x = (x | x >> 8) & 0x0000ffff0000ffffull;
	port_put_be32(column, __builtin_bswap32((u32)(x | x >> 16)));
}

static void slice(u64 q[8], const u8 in[64])
{
	unsigned int i;

	for (i = 0; i < 4; i++, in += 16) {
		q[i] = spread(in) | spread(in + 8) << 8;
		q[i + 4] = spread(in + 4) | spread(in + 12) << 8;
	}
	transpose(q);
}

static void unslice(u64 q[8], u8 out[64])
{
	unsigned int i;

	transpose(q);
	for (i = 0; i < 4; i++, out += 16) {
		unspread(q[i], out);
		unspread(q[i] >> 8, out + 8);
		unspread(q[i + 4], out + 4);
		unspread(q[i + 4] >> 8, out + 12);
	}
}

/* Names as in the paper: x[0] is the highest bit of the input, y its linear forms. */
static __always_inline void sbox_top(const u64 x[8], u64 y[22])
{
	u64 t0 = x[1] ^ x[2], t1;

	y[14] = x[3] ^ x[5];
	y[13] = x[0] ^ x[6];
	y[9] = x[0] ^ x[3];
	y[8] = x[0] ^ x[5];
	y[1] = t0 ^ x[7];
	y[4] = y[1] ^ x[3];
	y[12] = y[13] ^ y[14];
	y[2] = y[1] ^ x[0];
	y[5] = y[1] ^ x[6];
	y[3] = y[5] ^ y[8];
	t1 = x[4] ^ y[12];
	y[15] = t1 ^ x[5];
	y[20] = t1 ^ x[1];
	y[6] = y[15] ^ x[7];
	y[10] = y[15] ^ t0;
	y[11] = y[20] ^ y[9];
	y[7] = x[7] ^ y[11];
	y[17] = y[10] ^ y[11];
	y[19] = y[10] ^ y[8];
	y[16] = t0 ^ y[11];
	y[21] = y[13] ^ y[16];
	y[18] = x[0] ^ y[16];
	y[0] = x[7];
}

/* Inversion in GF(2^4), after the products that lead into it; g: the inverse's forms. */
static __always_inline void sbox_invert(const u64 y[22], u64 g[9])
{
	u64 a = y[12] & y[15], b = y[13] & y[16], c = y[9] & y[11], d;
	u64 t21, t22, t23, t24, t25, t26, t27, t29, t33, t36, t37, t40;

	d = (y[14] & y[17]) ^ c;
	t21 = (y[3] & y[6]) ^ a ^ d ^ y[20];
	t23 = (y[5] & y[1]) ^ b ^ d ^ y[21];
	d = (y[8] & y[10]) ^ c;
	t22 = (y[4] & y[0]) ^ a ^ d ^ y[19];
	t24 = (y[2] & y[7]) ^ b ^ d ^ y[18];

	t25 = t21 ^ t22;
	t26 = t21 & t23;
	t27 = t24 ^ t26;
	t29 = (t25 & t27) ^ t22;
	t33 = ((t22 ^ t26) & (t23 ^ t24)) ^ t24;
	t36 = t24 & (t27 ^ t33);
	t37 = t36 ^ t23 ^ t33;
	t40 = t25 ^ (t29 & (t27 ^ t36));

	g[0] = t29;
	g[1] = t33;
	g[2] = t37;
	g[3] = t40;
	g[4] = t40 ^ t37;
	g[5] = t29 ^ t33;
	g[6] = t29 ^ t40;
	g[7] = t33 ^ t37;
	g[8] = g[5] ^ g[4];
}

static __always_inline void sbox_multiply(const u64 y[22], const u64 g[9], u64 z[18])
{
	z[0] = g[7] & y[15];
	z[1] = g[2] & y[6];
	z[2] = g[1] & y[0];
	z[3] = g[6] & y[16];
	z[4] = g[3] & y[1];
	z[5] = g[0] & y[7];
	z[6] = g[5] & y[11];
	z[7] = g[8] & y[17];
	z[8] = g[4] & y[10];
	z[9] = g[7] & y[12];
	z[10] = g[2] & y[3];
	z[11] = g[1] & y[4];
	z[12] = g[6] & y[13];
	z[13] = g[3] & y[5];
	z[14] = g[0] & y[2];
	z[15] = g[5] & y[9];
	z[16] = g[8] & y[14];
	z[17] = g[4] & y[8];
}

/* s[0] is the highest bit of the output */
static __always_inline void sbox_bottom(const u64 z[18], u64 s[8])
{
	u64 t46 = z[15] ^ z[16], t47 = z[10] ^ z[11], t48 = z[5] ^ z[13];
	u64 t49 = z[9] ^ z[10], t50 = z[2] ^ z[12], t51 = z[2] ^ z[5];
	u64 t52 = z[7] ^ z[8], t53 = z[0] ^ z[3], t54 = z[6] ^ z[7];
	u64 t55 = z[16] ^ z[17], t56 = z[12] ^ t48, t57 = t50 ^ t53;
	u64 t58 = z[4] ^ t46, t59 = z[3] ^ t54, t60 = t46 ^ t57;
	u64 t61 = z[14] ^ t57, t62 = t52 ^ t58, t63 = t49 ^ t58;
	u64 t64 = z[4] ^ t59, t65 = t61 ^ t62, t66 = z[1] ^ t63;

	s[0] = t59 ^ t63;
	s[6] = ~(t56 ^ t62);
	s[7] = ~(t48 ^ t60);
	s[3] = t53 ^ t66;
	s[4] = t51 ^ t66;
	s[5] = t47 ^ t65;
	s[1] = ~(t64 ^ s[3]);
	s[2] = ~(t55 ^ t64 ^ t65);
}

static void sub_bytes(u64 q[8])
{
	u64 x[8], y[22], g[9], z[18];
	unsigned int i;

	for (i = 0; i < 8; i++)
		x[i] = q[7 - i];
	sbox_top(x, y);
	sbox_invert(y, g);
	sbox_multiply(y, g, z);
	sbox_bottom(z, x);
	for (i = 0; i < 8; i++)
		q[i] = x[7 - i];
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
		next = rotate_right(q[i], 16);
		t[i] = q[i] ^ next;
		q[i] = next ^ rotate_right(t[i], 32);
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
