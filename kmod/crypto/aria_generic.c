// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns ARIA encryption in portable constant-time C: no table and no branch sees a secret.
 * Must not know: modes of operation. Concurrency: stateless.
 * Specification: RFC 5794. Both its S-boxes and their inverses are that of AES between two
 * affine maps, since powers of 2 are linear: S2(x) = D x^247 + e2, and x^247 = (1 / x)^8.
 *
 * Sixteen blocks go together, byte i of all of them in two words: so the four bytes that
 * share an S-box fill the eight words that one pass of the circuit substitutes.
 */
#include "aes_sbox.h"
#include "aria.h"
#include "bitslice.h"

struct rows {
	u64 byte[KTLSX_ARIA_BLOCK_LEN][2];
};

/* Output bit i is the sum of the input bits in row i, plus bit i of the constant. */
struct affine {
	u8 rows[8];
	u8 constant;
};

static const struct affine identity = {
	{ 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80 }, 0x00
};

/* Undoes the affine part of the S-box of AES. */
static const struct affine undo_aes = {
	{ 0xa4, 0x49, 0x92, 0x25, 0x4a, 0x94, 0x29, 0x52 }, 0x05
};

/* From S1 of a byte to S2 of it. */
static const struct affine s1_to_s2 = {
	{ 0x83, 0x12, 0xf3, 0x96, 0x32, 0x1a, 0xa0, 0xe7 }, 0x88
};

/* undo_aes after the inverse of s1_to_s2 */
static const struct affine undo_s2 = {
	{ 0x18, 0x64, 0x50, 0xc7, 0x37, 0xd6, 0xbd, 0xc9 }, 0x2c
};

/* S1, S2 and their inverses are before, AES, after. Byte i of an odd round takes box i % 4. */
static const struct {
	const struct affine *before;
	const struct affine *after;
} boxes[4] = {
	{ &identity, &identity },
	{ &identity, &s1_to_s2 },
	{ &undo_aes, &undo_aes },
	{ &undo_s2, &undo_aes },
};

/* Bit j of word i: byte j of the input is part of byte i of the output. Its own inverse. */
static const u16 diffusion[KTLSX_ARIA_BLOCK_LEN] = {
	0x6358, 0x93a4, 0x9c52, 0x6ca1, 0xc925, 0xc61a, 0x3685, 0x394a,
	0xa493, 0x5863, 0xa16c, 0x529c, 0x1ac6, 0x25c9, 0x4a39, 0x8536,
};

static void apply(const struct affine *map, u64 q[8])
{
	u64 out[8];
	unsigned int i, j;

	for (i = 0; i < 8; i++) {
		out[i] = 0 - (u64)(map->constant >> i & 1);
		for (j = 0; j < 8; j++)
			out[i] ^= q[j] & (0 - (u64)(map->rows[i] >> j & 1));
	}
	memcpy(q, out, sizeof(out));
	memzero_explicit(out, sizeof(out));
}

/* The bytes @from, @from + 4, @from + 8 and @from + 12 of all blocks. */
static void substitute(struct rows *x, unsigned int from, unsigned int box)
{
	u64 q[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		q[i] = x->byte[from + 4 * (i / 2)][i % 2];
	bits_transpose(q);
	apply(boxes[box].before, q);
	aes_sbox(q);
	apply(boxes[box].after, q);
	bits_transpose(q);
	for (i = 0; i < 8; i++)
		x->byte[from + 4 * (i / 2)][i % 2] = q[i];
	memzero_explicit(q, sizeof(q));
}

/* Even rounds take the inverse of what odd ones take. */
static void substitution_layer(struct rows *x, bool odd)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		substitute(x, i, odd ? i : (i + 2) % 4);
}

static void diffusion_layer(struct rows *x)
{
	struct rows y;
	unsigned int i, j;
	u64 mask;

	memset(&y, 0, sizeof(y));
	for (i = 0; i < KTLSX_ARIA_BLOCK_LEN; i++) {
		for (j = 0; j < KTLSX_ARIA_BLOCK_LEN; j++) {
			mask = 0 - (u64)(diffusion[i] >> j & 1);
			y.byte[i][0] ^= x->byte[j][0] & mask;
			y.byte[i][1] ^= x->byte[j][1] & mask;
		}
	}
	*x = y;
	memzero_explicit(&y, sizeof(y));
}

static void add_key(struct rows *x, const u8 key[KTLSX_ARIA_BLOCK_LEN])
{
	unsigned int i;

	for (i = 0; i < KTLSX_ARIA_BLOCK_LEN; i++) {
		x->byte[i][0] ^= key[i] * 0x0101010101010101ull;
		x->byte[i][1] ^= key[i] * 0x0101010101010101ull;
	}
}

static void load(struct rows *x, const u8 *in)
{
	unsigned int block, i;

	memset(x, 0, sizeof(*x));
	for (block = 0; block < KTLSX_ARIA_BLOCKS; block++)
		for (i = 0; i < KTLSX_ARIA_BLOCK_LEN; i++)
			x->byte[i][block / 8] |= (u64)*in++ << 8 * (block % 8);
}

static void store(const struct rows *x, u8 *out)
{
	unsigned int block, i;

	for (block = 0; block < KTLSX_ARIA_BLOCKS; block++)
		for (i = 0; i < KTLSX_ARIA_BLOCK_LEN; i++)
			*out++ = (u8)(x->byte[i][block / 8] >> 8 * (block % 8));
}

/**
 * ktlsx_aria_encrypt_16() - encrypt 16 blocks
 * @key: from ktlsx_aria_expand()
 * @in: plaintext
 * @out: ciphertext, may be @in
 *
 * Context: Any; constant time.
 */
void ktlsx_aria_encrypt_16(const struct ktlsx_aria_key *key, const u8 *in, u8 *out)
{
	struct rows x;
	unsigned int round;

	load(&x, in);
	for (round = 0; round < key->rounds; round++) {
		add_key(&x, key->round_keys[round]);
		substitution_layer(&x, round % 2 == 0);
		if (round + 1 < key->rounds)
			diffusion_layer(&x);
	}
	add_key(&x, key->round_keys[round]);
	store(&x, out);
	memzero_explicit(&x, sizeof(x));
}

/* One round of the cipher on one block, plus @also: what the key schedule is made of. */
static void schedule_round(u8 out[KTLSX_ARIA_BLOCK_LEN], const u8 in[KTLSX_ARIA_BLOCK_LEN],
			   const u8 key[KTLSX_ARIA_BLOCK_LEN], bool odd,
			   const u8 also[KTLSX_ARIA_BLOCK_LEN])
{
	struct rows x;
	unsigned int i;

	memset(&x, 0, sizeof(x));
	for (i = 0; i < KTLSX_ARIA_BLOCK_LEN; i++)
		x.byte[i][0] = in[i];
	add_key(&x, key);
	substitution_layer(&x, odd);
	diffusion_layer(&x);
	for (i = 0; i < KTLSX_ARIA_BLOCK_LEN; i++)
		out[i] = (u8)x.byte[i][0] ^ also[i];
	memzero_explicit(&x, sizeof(x));
}

/* @plain xor @turned rotated right by @n bits. */
static void round_key(u8 out[KTLSX_ARIA_BLOCK_LEN], const u8 plain[KTLSX_ARIA_BLOCK_LEN],
		      const u8 turned[KTLSX_ARIA_BLOCK_LEN], unsigned int n)
{
	unsigned int i, from;

	for (i = 0; i < KTLSX_ARIA_BLOCK_LEN; i++) {
		from = i + 2 * KTLSX_ARIA_BLOCK_LEN - n / 8;
		out[i] = plain[i] ^ (u8)(turned[from % 16] >> n % 8 |
					 turned[(from - 1) % 16] << (8 - n % 8));
	}
}

/**
 * ktlsx_aria_expand() - round keys
 * @key: filled
 * @raw: key
 * @raw_len: 16, 24 or 32
 *
 * Context: Any; constant time.
 * Spec: RFC 5794 section 2.2.
 */
void ktlsx_aria_expand(struct ktlsx_aria_key *key, const u8 *raw, size_t raw_len)
{
	static const u8 constants[3][KTLSX_ARIA_BLOCK_LEN] = {
		{ 0x51, 0x7c, 0xc1, 0xb7, 0x27, 0x22, 0x0a, 0x94,
		  0xfe, 0x13, 0xab, 0xe8, 0xfa, 0x9a, 0x6e, 0xe0 },
		{ 0x6d, 0xb1, 0x4a, 0xcc, 0x9e, 0x21, 0xc8, 0x20,
		  0xff, 0x28, 0xb1, 0xd5, 0xef, 0x5d, 0xe2, 0xb0 },
		{ 0xdb, 0x92, 0x37, 0x1d, 0x21, 0x26, 0xe9, 0x70,
		  0x03, 0x24, 0x97, 0x75, 0x04, 0xe8, 0xc9, 0x0e },
	};
	/* bits to the right, four round keys each: 61, 31 and 19 to the left at the end */
	static const u8 turns[5] = { 19, 31, 128 - 61, 128 - 31, 128 - 19 };
	const unsigned int first = ((unsigned int)raw_len - 16) / 8;
	u8 w[4][KTLSX_ARIA_BLOCK_LEN], right[KTLSX_ARIA_BLOCK_LEN] = { 0 };
	unsigned int i;

	memcpy(w[0], raw, KTLSX_ARIA_BLOCK_LEN);
	memcpy(right, raw + KTLSX_ARIA_BLOCK_LEN, raw_len - KTLSX_ARIA_BLOCK_LEN);
	schedule_round(w[1], w[0], constants[first], true, right);
	schedule_round(w[2], w[1], constants[(first + 1) % 3], false, w[0]);
	schedule_round(w[3], w[2], constants[(first + 2) % 3], true, w[1]);
	key->rounds = 12 + 2 * first;
	for (i = 0; i <= key->rounds; i++)
		if (i % 4 == 3)
			round_key(key->round_keys[i], w[3], w[0], turns[i / 4]);
		else
			round_key(key->round_keys[i], w[i % 4], w[i % 4 + 1], turns[i / 4]);
	memzero_explicit(w, sizeof(w));
	memzero_explicit(right, sizeof(right));
}
