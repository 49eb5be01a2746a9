/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the AES S-box as a circuit: no table sees a secret. The one inversion in GF(2^8) of
 * all portable ciphers here: other S-boxes are this one between two affine maps.
 * Must not know: what is in the planes. Concurrency: stateless.
 * Specification: FIPS 197 section 5.1.1; the published circuit of J. Boyar and R. Peralta,
 * "A depth-16 circuit for the AES S-box" (2011), 94 exclusive ors and 34 ands.
 */
#ifndef KTLSX_CRYPTO_AES_SBOX_H
#define KTLSX_CRYPTO_AES_SBOX_H

#include "port.h"

/* Names as in the paper: x[0] is the highest bit of the input, y its linear forms. */
static __always_inline void aes_sbox_top(const u64 x[8], u64 y[22])
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
static __always_inline void aes_sbox_invert(const u64 y[22], u64 g[9])
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

static __always_inline void aes_sbox_multiply(const u64 y[22], const u64 g[9], u64 z[18])
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
static __always_inline void aes_sbox_bottom(const u64 z[18], u64 s[8])
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

/* 64 bytes in eight planes, the lowest bits in q[0]. */
static __always_inline void aes_sbox(u64 q[8])
{
	u64 x[8], y[22], g[9], z[18];
	unsigned int i;

	for (i = 0; i < 8; i++)
		x[i] = q[7 - i];
	aes_sbox_top(x, y);
	aes_sbox_invert(y, g);
	aes_sbox_multiply(y, g, z);
	aes_sbox_bottom(z, x);
	for (i = 0; i < 8; i++)
		q[i] = x[7 - i];
}

#endif
