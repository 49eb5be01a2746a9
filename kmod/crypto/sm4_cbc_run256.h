/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns encrypting eight records at once in 256-bit vectors, hashed on the way: SM4 and SM3 one
 * after the other, since together they do not fit into sixteen registers.
 * Must not know: how a round is computed. To be included by vector engines only, behind
 * sm4_cbc_lanes.h.
 * Concurrency: stateless; each source byte is loaded once.
 */
#ifndef KTLSX_CRYPTO_SM4_CBC_RUN256_H
#define KTLSX_CRYPTO_SM4_CBC_RUN256_H

/* The next block of each lane: @y is the one before, in the basis, @x the plaintext. */
static __always_inline void lanes_encrypt(const u32 *folded, lanes y[4], const lanes x[4])
{
	lanes a = lanes_xor(y[0], lanes_fold(x[0])), b = lanes_xor(y[1], lanes_fold(x[1]));
	lanes c = lanes_xor(y[2], lanes_fold(x[2])), d = lanes_xor(y[3], lanes_fold(x[3]));
	unsigned int i;

	for (i = 0; i < KTLSX_SM4_ROUNDS; i += 4) {
		lanes_round(&a, b, c, d, folded[i]);
		lanes_round(&b, c, d, a, folded[i + 1]);
		lanes_round(&c, d, a, b, folded[i + 2]);
		lanes_round(&d, a, b, c, folded[i + 3]);
	}
	y[0] = d;
	y[1] = c;
	y[2] = b;
	y[3] = a;
}

/* As ktlsx_cbc_lanes_t. @words: four of the carry, then sixteen of this step. */
static __always_inline void lanes_run(const struct ktlsx_sm4_key *key, struct ktlsx_cbc_lanes *l,
				      size_t steps)
{
	const lanes constant = lanes_all(KTLSX_SM4_PRE_CONST * 0x01010101u);
	lanes words[20], y[4], x[4];
	unsigned int i, j;

	for (i = 0; i < 4; i++) {
		y[i] = lanes_xor(lanes_fold(lanes_load(l->chain + LANES * i)), constant);
		words[i] = lanes_load(l->carry + LANES * i);
	}
	for (; steps; steps--) {
		for (i = 0; i < 4; i++) {
			lanes_gather(&words[4 + 4 * i], l->src, BLOCK * i);
			lanes_encrypt(key->folded, y, &words[4 + 4 * i]);
			for (j = 0; j < 4; j++)
				x[j] = lanes_unfold(y[j]);
			lanes_scatter(x, l->dst, BLOCK * i);
		}
		lanes_advance(l);
		for (i = 0; i < 16; i++)
			words[i] = lanes_last_byte_then(words[i], words[i + 1]);
		ktlsx_sm3_x8_avx2(l->hash, (u32 *)(void *)words);
		for (i = 0; i < 4; i++)
			words[i] = words[16 + i];
	}
	for (i = 0; i < 4; i++) {
		lanes_store(l->chain + LANES * i, lanes_unfold(y[i]));
		lanes_store(l->carry + LANES * i, words[i]);
	}
	for (i = 0; i < 20; i++)
		words[i] = lanes_zero();
	barrier_data(words);
}

#endif
