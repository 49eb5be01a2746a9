// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM3 compression function for one stream, for AVX2 and BMI2.
 * Must not know: HMAC. Every function here runs inside a vector section.
 * Concurrency: stateless.
 * Specification: GB/T 32905-2016 section 5.3.
 *
 * Rounds wait for each other, expanding messages does not: eight messages are expanded at
 * once in vectors, each in its own lane, and then compressed one after the other in scalar
 * registers, six cycles a round being what the chain of one state allows.
 */
#include "sm3.h"

#include <immintrin.h>

#define LANES 8
#define RING 16
#define EXPANDED 52

static __always_inline u32 rol(u32 x, unsigned int n)
{
	return x << n | x >> (32 - n);
}

static __always_inline __m256i rol_all(__m256i x, int n)
{
	return _mm256_or_si256(_mm256_slli_epi32(x, n), _mm256_srli_epi32(x, 32 - n));
}

/* Words 16 to 67 of eight messages; @ring holds words 0 to 15 and is used up. */
static __always_inline void expand(__m256i w[EXPANDED], __m256i ring[RING])
{
	unsigned int j;
	__m256i x, y;

	for (j = 0; j < EXPANDED; j++) {
		x = rol_all(ring[(j + 13) % RING], 15);
		y = _mm256_xor_si256(rol_all(ring[(j + 3) % RING], 7), ring[(j + 10) % RING]);
		x = _mm256_xor_si256(x, _mm256_xor_si256(ring[j % RING], ring[(j + 7) % RING]));
		y = _mm256_xor_si256(y, x);
		x = _mm256_xor_si256(rol_all(x, 15), rol_all(x, 23));
		x = _mm256_xor_si256(x, y);
		ring[j % RING] = x;
		w[j] = x;
	}
}

/* Eight rows of eight words become eight columns. */
static __always_inline void transpose(__m256i to[LANES], const __m256i from[LANES])
{
	__m256i a[LANES], b[LANES];
	unsigned int i;

	for (i = 0; i < LANES; i += 2) {
		a[i] = _mm256_unpacklo_epi32(from[i], from[i + 1]);
		a[i + 1] = _mm256_unpackhi_epi32(from[i], from[i + 1]);
	}
	for (i = 0; i < LANES; i += 4) {
		b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
		b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
		b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
		b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
	}
	for (i = 0; i < LANES / 2; i++) {
		to[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
		to[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
	}
}

/* Words 0 to 15 of @count blocks; the lanes that are left over repeat the last one. */
static __always_inline void load(__m256i ring[RING], const u8 *blocks, size_t count)
{
	const __m256i swap = _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3,
					     12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
	__m256i rows[LANES];
	unsigned int half, i;

	for (half = 0; half < 2; half++) {
		for (i = 0; i < LANES; i++) {
			const u8 *block = blocks + KTLSX_SM3_BLOCK_LEN * min_t(size_t, i, count - 1);

			rows[i] = _mm256_loadu_si256((const void *)(block + 32 * half));
			rows[i] = _mm256_shuffle_epi8(rows[i], swap);
		}
		transpose(ring + 8 * half, rows);
	}
}

/* Keeps a sum as it is: the chain of the rounds must be added last. */
static __always_inline void in_this_order(u32 *sum)
{
	__asm__("" : "+r"(*sum));
}

/* One round; the names of the state turn by one place each time. */
#define ROUND(a, b, c, d, e, f, g, h, early, t, now, ahead) do {			\
	u32 a12 = rol(a, 12), w0 = (now), ss1 = (t) + a12;			\
											\
	d += ((early) ? a ^ b ^ c : (a & b) + ((a ^ b) & c)) + (w0 ^ (ahead));		\
	h += ((early) ? e ^ f ^ g : (e & f) + (~e & g)) + w0;				\
	in_this_order(&d);								\
	in_this_order(&h);								\
	in_this_order(&ss1);								\
	ss1 = rol(ss1 + e, 7);								\
	h += ss1;									\
	d += ss1 ^ a12;									\
	b = rol(b, 9);									\
	f = rol(f, 19);									\
	h ^= rol(h, 9) ^ rol(h, 17);							\
} while (0)

#define FOUR_ROUNDS(early, t, now, ahead) do {						\
	/* else words are kept, in too few registers, to be the ones ahead later */	\
	__asm__("" : "+r"(w));								\
	ROUND(a, b, c, d, e, f, g, h, early, (t)[0], now(0), ahead(0));			\
	ROUND(d, a, b, c, h, e, f, g, early, (t)[1], now(1), ahead(1));			\
	ROUND(c, d, a, b, g, h, e, f, early, (t)[2], now(2), ahead(2));			\
	ROUND(b, c, d, a, f, g, h, e, early, (t)[3], now(3), ahead(3));			\
} while (0)

#define FROM_BLOCK(j) port_get_be32(block + 4 * (j))
#define FROM_NEXT(j) port_get_be32(block + 16 + 4 * (j))
#define FROM_LANE(j) w[LANES * (j)]
#define FROM_AHEAD(j) w[LANES * ((j) + 4)]

/* @w: word 16 of the block, and every LANES-th after it the next one. */
static __always_inline void compress(u32 state[KTLSX_SM3_WORDS], const u8 *block, const u32 *w)
{
	u32 a = state[0], b = state[1], c = state[2], d = state[3];
	u32 e = state[4], f = state[5], g = state[6], h = state[7];
	const u32 *t = ktlsx_sm3_constants;

	for (; t < ktlsx_sm3_constants + 12; t += 4, block += 16)
		FOUR_ROUNDS(true, t, FROM_BLOCK, FROM_NEXT);
	w -= LANES * 4;
	FOUR_ROUNDS(true, t, FROM_BLOCK, FROM_AHEAD);
	for (t += 4, w += LANES * 4; t < ktlsx_sm3_constants + 64; t += 4, w += LANES * 4)
		FOUR_ROUNDS(false, t, FROM_LANE, FROM_AHEAD);

	state[0] ^= a;
	state[1] ^= b;
	state[2] ^= c;
	state[3] ^= d;
	state[4] ^= e;
	state[5] ^= f;
	state[6] ^= g;
	state[7] ^= h;
}

/* Apart, because the two arrays together make too large a frame. */
static noinline void expand_and_compress(u32 state[KTLSX_SM3_WORDS], const u8 *blocks,
					 size_t count, __m256i ring[RING])
{
	__m256i w[EXPANDED];
	size_t i;

	expand(w, ring);
	for (i = 0; i < count; i++)
		compress(state, blocks + KTLSX_SM3_BLOCK_LEN * i, (const u32 *)(const void *)w + i);
	for (i = 0; i < EXPANDED; i++)
		w[i] = _mm256_setzero_si256();
	barrier_data(w);
}

/**
 * ktlsx_sm3_avx2() - as ktlsx_sm3_blocks_t
 * @state: in and out
 * @blocks: message
 * @count: blocks
 *
 * Context: Inside a vector section. Leaves no trace of the message or the state on the stack.
 */
void ktlsx_sm3_avx2(u32 state[KTLSX_SM3_WORDS], const u8 *blocks, size_t count)
{
	__m256i ring[RING];
	size_t now, i;

	for (; count; count -= now, blocks += KTLSX_SM3_BLOCK_LEN * now) {
		now = min_t(size_t, count, LANES);
		load(ring, blocks, now);
		expand_and_compress(state, blocks, now, ring);
	}
	for (i = 0; i < RING; i++)
		ring[i] = _mm256_setzero_si256();
	barrier_data(ring);
}
