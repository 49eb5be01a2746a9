/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the encryption of one to four lanes of SM4-CCM by GFNI on 256-bit vectors, which has
 * nothing to do while it waits for itself.
 * Must not know: who has more lanes. Every function here runs inside a vector section.
 * Concurrency: stateless.
 */
#ifndef KTLSX_CRYPTO_SM4_CCM_GFNI256_H
#define KTLSX_CRYPTO_SM4_CCM_GFNI256_H

#include "sm4_gfni256.h"
#include "sm4_ccm_256.h"

/*
 * One round: the next word takes the place of @a. *@sum, of the three other words and the
 * round key, becomes that of the next round: by the shortest way, not from the new word, of
 * which @c and @d are the two before.
 */
static __always_inline void chained_round(__m256i *sum, __m256i *a, __m256i c, __m256i d,
					  u32 next_key)
{
	const struct sm4_gfni256 *m = &sm4_gfni256;
	__m256i t = *sum, p, q, r, next;

	sm4_opaque_pointer(m);
	q = _mm256_gf2p8affineinv_epi64_epi8(t, vec256_load_aligned(m->mq), KTLSX_SM4_MQ_CONST);
	p = _mm256_gf2p8affineinv_epi64_epi8(t, vec256_load_aligned(m->mp), KTLSX_SM4_MP_CONST);
	r = _mm256_gf2p8affineinv_epi64_epi8(t, vec256_load_aligned(m->mr), KTLSX_SM4_MR_CONST);
	next = _mm256_xor_si256(_mm256_xor_si256(c, d), _mm256_set1_epi32((int)next_key));
	vec256_opaque(&next);
	next = _mm256_xor_si256(next, *a);
	vec256_opaque(&next);
	next = _mm256_xor_si256(next, p);
	vec256_opaque(&next);
	*a = _mm256_xor_si256(*a, p);
	r = _mm256_xor_si256(sm4_shuffle(q, m->rotated_2), sm4_shuffle(r, m->rotated_3));
	q = sm4_shuffle(q, m->rotated_1);
	next = _mm256_xor_si256(next, q);
	vec256_opaque(&next);
	*a = _mm256_xor_si256(*a, q);
	vec256_opaque(&r);
	*sum = _mm256_xor_si256(next, r);
	*a = _mm256_xor_si256(*a, r);
}

static __always_inline void encrypt_one_set(__m256i *stage, const u32 *keys)
{
	__m256i x[4], sum;
	unsigned int round;

	load_set(x, stage);
	sum = sm4_sum256(x[1], x[2], x[3], keys[0]);
	for (round = 0; round < KTLSX_SM4_ROUNDS; round += 4) {
		chained_round(&sum, &x[0], x[2], x[3], keys[round + 1]);
		chained_round(&sum, &x[1], x[3], x[0], keys[round + 2]);
		chained_round(&sum, &x[2], x[0], x[1], keys[round + 3]);
		/* after the last round any key will do */
		chained_round(&sum, &x[3], x[1], x[2], keys[(round + 4) % KTLSX_SM4_ROUNDS]);
	}
	store_set(stage, x);
}

#endif
