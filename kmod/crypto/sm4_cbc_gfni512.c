// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns SM4-CBC by GFNI on 512-bit vectors.
 * Must not know: records. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only.
 * Specification: GB/T 32907-2016; NIST SP 800-38A section 6.2.
 */
#include "lanes512_blocks.h"
#include "sm3_lanes.h"
#include "sm4_cbc_one.h"
#include "sm4_gfni512.h"

#define ONE_MATRIX(name) _mm_set1_epi64x((long long)KTLSX_SM4_##name)
#define ONE_INVERSE(x, name)								\
	_mm_gf2p8affineinv_epi64_epi8(x, ONE_MATRIX(name), KTLSX_SM4_##name##_CONST)

static __always_inline void lanes_round(lanes *a, lanes b, lanes c, lanes d, u32 key)
{
	sm4_words_round(a, b, c, d, key);
}

static __always_inline lanes lanes_fold(lanes x)
{
	return _mm512_gf2p8affine_epi64_epi8(x, _mm512_set1_epi64((long long)KTLSX_SM4_PRE), 0);
}

static __always_inline lanes lanes_unfold(lanes y)
{
	return SM4_AFFINE(y, PRE_BACK);
}

/*
 * A round that is waited for: @t is the sum it starts from, and becomes that of the next one,
 * whose key is @next_key. All that the sum needs but @t is added to it before.
 */
static __always_inline void lanes_next(lanes *t, lanes *a, lanes c, lanes d, u32 next_key)
{
	lanes sum = lanes_xor3(c, d, lanes_all(next_key)), p, q, r;

	p = SM4_INVERSE(*t, MP);
	r = SM4_INVERSE(*t, MR);
	q = lanes_xor(p, r);
	p = lanes_xor3(lanes_xor(*a, sum), p, lanes_rol(r, 24));
	*t = lanes_xor3(p, lanes_rol(q, 8), lanes_rol(q, 16));
	*a = lanes_xor(*t, sum);
}

static __always_inline __m128i one_xor3(__m128i a, __m128i b, __m128i c)
{
	return _mm_ternarylogic_epi32(a, b, c, 0x96);
}

static __always_inline void one_next(__m128i *t, __m128i *a, __m128i c, __m128i d, u32 next_key)
{
	__m128i sum = one_xor3(c, d, _mm_set1_epi32((int)next_key)), p, q, r;

	p = ONE_INVERSE(*t, MP);
	r = ONE_INVERSE(*t, MR);
	q = _mm_xor_si128(p, r);
	p = one_xor3(_mm_xor_si128(*a, sum), p, _mm_rol_epi32(r, 24));
	*t = one_xor3(p, _mm_rol_epi32(q, 8), _mm_rol_epi32(q, 16));
	*a = _mm_xor_si128(*t, sum);
}

static __always_inline __m128i one_fold(__m128i x)
{
	return _mm_gf2p8affine_epi64_epi8(x, ONE_MATRIX(PRE), 0);
}

static __always_inline __m128i one_unfold(__m128i y)
{
	return _mm_gf2p8affine_epi64_epi8(y, ONE_MATRIX(PRE_BACK), KTLSX_SM4_PRE_BACK_CONST);
}

void ktlsx_cbc_gfni512_encrypt(const struct ktlsx_sm4_key *key, u8 chain[BLOCK], u8 *data,
			       size_t blocks)
{
	one_encrypt(key, chain, data, blocks);
}

void ktlsx_cbc_gfni512_decrypt(const struct ktlsx_sm4_key *key, u8 chain[BLOCK], u8 *data,
			       size_t blocks)
{
	lanes_decrypt_all(key, chain, data, blocks);
}

/*
 * Four rounds of SM3 from @j on, and eight of SM4, which starts anew every sixteen rounds of
 * SM3: each waits for itself, and fills the other's gaps.
 */
static __always_inline void stitched_rounds(lanes s[KTLSX_SM3_WORDS], lanes ring[RING],
					    lanes x[4], lanes *t, const u32 *folded,
					    unsigned int j, bool early)
{
	/* of the next round always; behind the last one any key will do */
	const u32 *next = folded + 2 * j % KTLSX_SM4_ROUNDS + 1;

	lanes_sm3_round(s, ring, j, 0, early);
	lanes_next(t, &x[0], x[2], x[3], next[0]);
	lanes_next(t, &x[1], x[3], x[0], next[1]);
	lanes_sm3_round(s, ring, j, 1, early);
	lanes_next(t, &x[2], x[0], x[1], next[2]);
	lanes_next(t, &x[3], x[1], x[2], next[3]);
	lanes_sm3_round(s, ring, j, 2, early);
	lanes_next(t, &x[0], x[2], x[3], next[4]);
	lanes_next(t, &x[1], x[3], x[0], next[5]);
	lanes_sm3_round(s, ring, j, 3, early);
	lanes_next(t, &x[2], x[0], x[1], next[6]);
	lanes_next(t, &x[3], x[1], x[2], folded[(2 * j + 8) % KTLSX_SM4_ROUNDS]);
}

/* Adds the plaintext to the block before, both in the basis and with words turned round. */
static __always_inline lanes start_block(lanes x[4], const lanes words[4], u32 first_key)
{
	lanes t = x[0];

	x[0] = lanes_xor(x[3], lanes_fold(words[0]));
	x[3] = lanes_xor(t, lanes_fold(words[3]));
	t = x[1];
	x[1] = lanes_xor(x[2], lanes_fold(words[1]));
	x[2] = lanes_xor(t, lanes_fold(words[2]));
	return lanes_xor(lanes_xor3(x[1], x[2], x[3]), lanes_all(first_key));
}

static __always_inline void finish_block(const lanes x[4], u8 *const dst[LANES], size_t off)
{
	lanes out[4] = { lanes_unfold(x[3]), lanes_unfold(x[2]), lanes_unfold(x[1]),
			 lanes_unfold(x[0]) };

	lanes_scatter(out, dst, off);
}

/* @rest: words of the blocks after the first; @ring: of the message that is hashed. */
static __always_inline void load_step(struct ktlsx_cbc_lanes *l, lanes first[4], lanes rest[12],
				      lanes ring[RING])
{
	unsigned int i;

	lanes_gather(first, l->src, 0);
	for (i = 0; i < 3; i++)
		ring[i] = lanes_last_byte_then(rest[8 + i], rest[9 + i]);
	ring[3] = lanes_last_byte_then(rest[11], first[0]);
	for (i = 4; i < 7; i++)
		ring[i] = lanes_last_byte_then(first[i - 4], first[i - 3]);
	lanes_gather(&rest[0], l->src, BLOCK);
	lanes_gather(&rest[4], l->src, 2 * BLOCK);
	lanes_gather(&rest[8], l->src, 3 * BLOCK);
	ring[7] = lanes_last_byte_then(first[3], rest[0]);
	for (i = 8; i < RING; i++)
		ring[i] = lanes_last_byte_then(rest[i - 8], rest[i - 7]);
}

/* One step in all lanes; in @l the chain is as start_block() wants it. */
static noinline void run_step(const struct ktlsx_sm4_key *key, struct ktlsx_cbc_lanes *l,
			      lanes rest[12], lanes ring[RING])
{
	lanes s[KTLSX_SM3_WORDS], x[4], first[4], t;
	unsigned int j;

	load_step(l, first, rest, ring);
	for (j = 0; j < 4; j++)
		x[j] = lanes_load(l->chain + LANES * j);
	lanes_load_state(s, l->hash);

	t = start_block(x, first, key->folded[0]);
	for (j = 0; j < 16; j += 4)
		stitched_rounds(s, ring, x, &t, key->folded, j, true);
	finish_block(x, l->dst, 0);
	for (; j < 64; j += 4) {
		if (j % 16 == 0)
			t = start_block(x, &rest[j / 4 - 4], key->folded[0]);
		stitched_rounds(s, ring, x, &t, key->folded, j, false);
		if (j % 16 == 12)
			finish_block(x, l->dst, j / 16 * BLOCK);
	}
	for (j = 0; j < 4; j++)
		lanes_store(l->chain + LANES * j, x[j]);
	lanes_add_state(l->hash, s);
}

/* Between words of ciphertext and what start_block() wants. */
static __always_inline void turn_chain(struct ktlsx_cbc_lanes *l, bool fold)
{
	const lanes constant = lanes_all(KTLSX_SM4_PRE_CONST * 0x01010101u);
	lanes x[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		x[i] = lanes_load(l->chain + LANES * i);
		x[i] = fold ? lanes_xor(lanes_fold(x[i]), constant) : lanes_unfold(x[i]);
	}
	for (i = 0; i < 4; i++)
		lanes_store(l->chain + LANES * i, x[3 - i]);
}

/* The steps; @ring is from another function's stack, which has its bounds. */
static noinline void run_steps(const struct ktlsx_sm4_key *key, struct ktlsx_cbc_lanes *l,
			       size_t steps, lanes ring[RING])
{
	lanes rest[12] port_uninitialized;
	unsigned int i;

	for (i = 0; i < 4; i++)
		rest[8 + i] = lanes_load(l->carry + LANES * i);
	for (; steps; steps--) {
		run_step(key, l, rest, ring);
		lanes_advance(l);
	}
	for (i = 0; i < 4; i++)
		lanes_store(l->carry + LANES * i, rest[8 + i]);
	for (i = 0; i < 12; i++)
		rest[i] = lanes_zero();
	barrier_data(rest);
}

/**
 * ktlsx_cbc_gfni512_run() - as ktlsx_cbc_lanes_t
 * @key: round keys
 * @l: what is to be done
 * @steps: how many
 *
 * Context: Inside a vector section.
 */
void ktlsx_cbc_gfni512_run(const struct ktlsx_sm4_key *key, struct ktlsx_cbc_lanes *l,
			   size_t steps)
{
	lanes ring[RING] port_uninitialized;
	unsigned int i;

	turn_chain(l, true);
	run_steps(key, l, steps, ring);
	turn_chain(l, false);
	for (i = 0; i < RING; i++)
		ring[i] = lanes_zero();
	barrier_data(ring);
}
