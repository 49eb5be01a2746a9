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
#include "aria_diffusion.h"
#include "bitslice.h"

struct rows {
	u64 byte[KTLSX_ARIA_BLOCK_LEN][2];
};

/*
 * Output bit i is the sum of the input bits in byte i of the rows, plus bit i of the constant.
 * Passed by value, never by a table, so that all of it is known to the compiler, which then
 * leaves the additions alone.
 */
struct affine {
	u64 rows;
	u8 constant;
};

#define IDENTITY ((struct affine){ 0x8040201008040201, 0x00 })
/* Undoes the affine part of the S-box of AES. */
#define UNDO_AES ((struct affine){ 0x5229944a259249a4, 0x05 })
/* From S1 of a byte to S2 of it. */
#define S1_TO_S2 ((struct affine){ 0xe7a01a3296f31283, 0x88 })
/* UNDO_AES after the inverse of S1_TO_S2 */
#define UNDO_S2 ((struct affine){ 0xc9bdd637c7506418, 0x2c })

static __always_inline u64 part(const u64 q[8], u8 row, unsigned int i)
{
	return row >> i & 1 ? q[i] : 0;
}

static __always_inline u64 output_bit(const u64 q[8], struct affine map, unsigned int i)
{
	const u8 row = map.rows >> 8 * i;

	return part(q, row, 0) ^ part(q, row, 1) ^ part(q, row, 2) ^ part(q, row, 3) ^
	       part(q, row, 4) ^ part(q, row, 5) ^ part(q, row, 6) ^ part(q, row, 7) ^
	       (map.constant >> i & 1 ? ~0ull : 0);
}

static __always_inline void apply(struct affine map, u64 q[8])
{
	u64 out[8] = {
		output_bit(q, map, 0), output_bit(q, map, 1),
		output_bit(q, map, 2), output_bit(q, map, 3),
		output_bit(q, map, 4), output_bit(q, map, 5),
		output_bit(q, map, 6), output_bit(q, map, 7),
	};

	memcpy(q, out, sizeof(out));
	memzero_explicit(out, sizeof(out));
}

/* The bytes @from, @from + 4, @from + 8 and @from + 12 of all blocks. */
static __always_inline void substitute(struct rows *x, unsigned int from,
				       struct affine before, struct affine after)
{
	u64 q[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		q[i] = x->byte[from + 4 * (i / 2)][i % 2];
	bits_transpose(q);
	apply(before, q);
	aes_sbox(q);
	apply(after, q);
	bits_transpose(q);
	for (i = 0; i < 8; i++)
		x->byte[from + 4 * (i / 2)][i % 2] = q[i];
	memzero_explicit(q, sizeof(q));
}

/* S1, S2 and their inverses are before, AES, after; even rounds take the inverses first. */
static void odd_substitution_layer(struct rows *x)
{
	substitute(x, 0, IDENTITY, IDENTITY);
	substitute(x, 1, IDENTITY, S1_TO_S2);
	substitute(x, 2, UNDO_AES, UNDO_AES);
	substitute(x, 3, UNDO_S2, UNDO_AES);
}

static void even_substitution_layer(struct rows *x)
{
	substitute(x, 0, UNDO_AES, UNDO_AES);
	substitute(x, 1, UNDO_S2, UNDO_AES);
	substitute(x, 2, IDENTITY, IDENTITY);
	substitute(x, 3, IDENTITY, S1_TO_S2);
}

static void substitution_layer(struct rows *x, bool odd)
{
	if (odd)
		odd_substitution_layer(x);
	else
		even_substitution_layer(x);
}

static u64 diffused(const struct rows *x, unsigned int group, unsigned int byte, u64 common,
		    unsigned int half)
{
	const u8 *from = aria_diffusion[group].bytes[byte].from;

	return common ^ x->byte[from[0]][half] ^ x->byte[from[1]][half] ^ x->byte[from[2]][half];
}

static void diffuse_group(struct rows *y, const struct rows *x, unsigned int group,
			  unsigned int half)
{
	const u8 *common = aria_diffusion[group].common;
	unsigned int i;
	u64 sum;

	sum = x->byte[common[0]][half] ^ x->byte[common[1]][half] ^
	      x->byte[common[2]][half] ^ x->byte[common[3]][half];
	for (i = 0; i < 4; i++)
		y->byte[aria_diffusion[group].bytes[i].to][half] = diffused(x, group, i, sum, half);
}

static void diffusion_layer(struct rows *x)
{
	struct rows y;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		diffuse_group(&y, x, i, 0);
		diffuse_group(&y, x, i, 1);
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
