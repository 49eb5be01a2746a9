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

/* A word out of those 16, 13, 9, 6 and 3 before it. */
static __always_inline __m256i next_word(__m256i w16, __m256i w13, __m256i w9, __m256i w6,
					 __m256i w3)
{
	const __m256i rol_8 = _mm256_set_epi32(0x0e0d0c0f, 0x0a09080b, 0x06050407, 0x02010003,
					       0x0e0d0c0f, 0x0a09080b, 0x06050407, 0x02010003);
	__m256i rest = _mm256_xor_si256(rol_all(w13, 7), w6), x, turned;

	x = _mm256_xor_si256(_mm256_xor_si256(w16, w9), rol_all(w3, 15));
	turned = rol_all(x, 15);
	rest = _mm256_xor_si256(rest, x);
	/* the rotation by 23 is one by 15 and a move of bytes */
	return _mm256_xor_si256(_mm256_xor_si256(rest, turned),
				_mm256_shuffle_epi8(turned, rol_8));
}

/* Words 16 to 67 of eight messages; @ring holds words 0 to 15 and is used up. */
static __always_inline void expand(__m256i w[EXPANDED], __m256i ring[RING])
{
	unsigned int j;

	for (j = 0; j < RING; j++) {
		w[j] = next_word(ring[j], ring[(j + 3) % RING], ring[(j + 7) % RING],
				 ring[(j + 10) % RING], ring[(j + 13) % RING]);
		ring[j] = w[j];
	}
	for (; j < EXPANDED; j++)
		w[j] = next_word(w[j - 16], w[j - 13], w[j - 9], w[j - 6], w[j - 3]);
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
	const u8 *block;
	unsigned int half, i;

	for (half = 0; half < 2; half++) {
		for (i = 0; i < LANES; i++) {
			block = blocks + KTLSX_SM3_BLOCK_LEN * min_t(size_t, i, count - 1);
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

/* One of the first sixteen rounds. @turn: its number, of which the last two bits are known */
static __always_inline void early_round(u32 s[KTLSX_SM3_WORDS], unsigned int turn, u32 constant,
					u32 now, u32 ahead)
{
	u32 a = s[sm3_at(0, turn)], b = s[sm3_at(1, turn)], c = s[sm3_at(2, turn)];
	u32 d = s[sm3_at(3, turn)], e = s[sm3_at(4, turn)], f = s[sm3_at(5, turn)];
	u32 g = s[sm3_at(6, turn)], h = s[sm3_at(7, turn)];
	u32 a12 = rol(a, 12), ss1 = constant + a12;

	d += (a ^ b ^ c) + (now ^ ahead);
	h += (e ^ f ^ g) + now;
	in_this_order(&d);
	in_this_order(&h);
	in_this_order(&ss1);
	ss1 = rol(ss1 + e, 7);
	h += ss1;
	d += ss1 ^ a12;
	s[sm3_at(1, turn)] = rol(b, 9);
	s[sm3_at(3, turn)] = d;
	s[sm3_at(5, turn)] = rol(f, 19);
	s[sm3_at(7, turn)] = h ^ rol(h, 9) ^ rol(h, 17);
}

/*
 * One of the others, as ordered by trial: the new e has a way of seven cycles to the next one,
 * and whatever gets a port before what is on that way adds to it; in the order of compilers it
 * takes a tenth longer. The majority is (b & c) + ((b ^ c) & a), the choice (e & f) + (~e & g).
 */
static __always_inline void late_round(u32 s[KTLSX_SM3_WORDS], unsigned int turn,
				       const u32 *constant, const u32 *now, const u32 *ahead)
{
	u32 t0, t1, t2;

	__asm__("movl %[now], %[t2]\n\t"
		"movl %[constant], %[t1]\n\t"
		"addl %[t2], %[h]\n\t"
		"xorl %[ahead], %[t2]\n\t"
		"addl %[t2], %[d]\n\t"
		"movl %[b], %[t2]\n\t"
		"andl %[c], %[t2]\n\t"
		"addl %[t2], %[d]\n\t"
		"rorxl $20, %[a], %[t0]\n\t"
		"addl %[t0], %[t1]\n\t"
		"movl %[e], %[t2]\n\t"
		"andl %[f], %[t2]\n\t"
		"addl %[e], %[t1]\n\t"
		"addl %[t2], %[h]\n\t"
		"movl %[b], %[t2]\n\t"
		"xorl %[c], %[t2]\n\t"
		"andl %[a], %[t2]\n\t"
		"addl %[t2], %[d]\n\t"
		"andnl %[g], %[e], %[t2]\n\t"
		"addl %[t2], %[h]\n\t"
		"rorxl $25, %[t1], %[t1]\n\t"
		"xorl %[t1], %[t0]\n\t"
		"addl %[t1], %[h]\n\t"
		"addl %[t0], %[d]\n\t"
		"rorxl $23, %[b], %[b]\n\t"
		"rorxl $13, %[f], %[f]\n\t"
		"rorxl $23, %[h], %[t2]\n\t"
		"rorxl $15, %[h], %[t1]\n\t"
		"xorl %[t2], %[h]\n\t"
		"xorl %[t1], %[h]"
		: [b]"+r"(s[sm3_at(1, turn)]), [d]"+r"(s[sm3_at(3, turn)]),
		  [f]"+r"(s[sm3_at(5, turn)]), [h]"+r"(s[sm3_at(7, turn)]), [t0]"=&r"(t0),
		  [t1]"=&r"(t1), [t2]"=&r"(t2)
		: [a]"r"(s[sm3_at(0, turn)]), [c]"r"(s[sm3_at(2, turn)]),
		  [e]"r"(s[sm3_at(4, turn)]), [g]"r"(s[sm3_at(6, turn)]), [now]"m"(*now),
		  [ahead]"m"(*ahead), [constant]"m"(*constant)
		: "cc");
}

static __always_inline void add_word(u32 *to, u32 x)
{
	in_this_order(&x);
	*to ^= x;
	in_this_order(to);
}

static __always_inline u32 word(const u8 *block, unsigned int i)
{
	return port_get_be32(block + 4 * i);
}

/* @w: word 16 of the block, and every LANES-th after it the next one. */
static __always_inline void compress(u32 state[KTLSX_SM3_WORDS], const u8 *block, const u32 *w)
{
	u32 s[KTLSX_SM3_WORDS] = { state[0], state[1], state[2], state[3],
				   state[4], state[5], state[6], state[7] };
	const u32 *t = ktlsx_sm3_constants;

	for (; t < ktlsx_sm3_constants + 12; t += 4, block += 16) {
		early_round(s, 0, t[0], word(block, 0), word(block, 4));
		early_round(s, 1, t[1], word(block, 1), word(block, 5));
		early_round(s, 2, t[2], word(block, 2), word(block, 6));
		early_round(s, 3, t[3], word(block, 3), word(block, 7));
	}
	early_round(s, 0, t[0], word(block, 0), w[0]);
	early_round(s, 1, t[1], word(block, 1), w[LANES]);
	early_round(s, 2, t[2], word(block, 2), w[LANES * 2]);
	early_round(s, 3, t[3], word(block, 3), w[LANES * 3]);
	for (t += 4; t < ktlsx_sm3_constants + 64; t += 4, w += LANES * 4) {
		late_round(s, 0, &t[0], &w[0], &w[LANES * 4]);
		late_round(s, 1, &t[1], &w[LANES], &w[LANES * 5]);
		late_round(s, 2, &t[2], &w[LANES * 2], &w[LANES * 6]);
		late_round(s, 3, &t[3], &w[LANES * 3], &w[LANES * 7]);
	}
	/* one by one: a vector of them costs more to put together than it saves */
	add_word(&state[0], s[0]);
	add_word(&state[1], s[1]);
	add_word(&state[2], s[2]);
	add_word(&state[3], s[3]);
	add_word(&state[4], s[4]);
	add_word(&state[5], s[5]);
	add_word(&state[6], s[6]);
	add_word(&state[7], s[7]);
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
