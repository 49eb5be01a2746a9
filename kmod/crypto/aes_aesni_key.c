// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the preparation of AES keys with AES-NI.
 * Must not know: modes of operation. Every function here runs inside a vector section.
 * Concurrency: stateless; nobody else sees the key before it is prepared.
 * Specification: FIPS 197 section 5.2. The result is, byte for byte, that of
 * ktlsx_aes_expand().
 */
#include "aes_aesni.h"

static const u8 round_constants[] = { 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36 };

/* All secrets go straight to the key: no array of them that the stack would have to hold. */
static __always_inline void put_round_key(struct ktlsx_aes_key *aes, unsigned int round, __m128i rk)
{
	const __m128i rows_first = _mm_set_epi8(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4,
						0);
	const __m128i nibble = _mm_set1_epi8(15), pair = _mm_set1_epi16(0x1001);
	__m128i bytes = _mm_shuffle_epi8(rk, rows_first);
	__m128i low = _mm_and_si128(bytes, nibble);
	__m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble);

	vec128_store_aligned(aes->round_keys[round], rk);
	/* one bit in four of four planes are the low nibbles side by side */
	low = _mm_maddubs_epi16(low, pair);
	high = _mm_maddubs_epi16(high, pair);
	vec128_store_aligned(aes->sliced[round], _mm_packus_epi16(low, high));
}

/*
 * SubWord of the last word in every column, xor a constant. ShiftRows moves bytes between
 * columns, which are all the same here.
 */
static __always_inline __m128i substitute(__m128i words, u32 constant)
{
	return _mm_aesenclast_si128(words, _mm_set1_epi32((int)constant));
}

static __always_inline __m128i last_word(__m128i rk)
{
	return _mm_shuffle_epi32(rk, 0xff);
}

static __always_inline __m128i last_word_rotated(__m128i rk)
{
	return _mm_shuffle_epi8(rk, _mm_set1_epi32(0x0c0f0e0d));
}

/* Each word of the next key is the one before it xor the one it replaces. */
static __always_inline __m128i next_words(__m128i rk, __m128i first)
{
	rk = _mm_xor_si128(rk, _mm_slli_si128(rk, 4));
	rk = _mm_xor_si128(rk, _mm_slli_si128(rk, 8));
	return _mm_xor_si128(rk, first);
}

static __always_inline void expand_128(struct ktlsx_aes_key *aes, const u8 *raw)
{
	__m128i rk = vec128_load(raw), first;
	unsigned int round;

	aes->rounds = 10;
	put_round_key(aes, 0, rk);
	for (round = 1; round <= 10; round++) {
		first = substitute(last_word_rotated(rk), round_constants[round - 1]);
		rk = next_words(rk, first);
		put_round_key(aes, round, rk);
	}
}

static __always_inline void expand_256(struct ktlsx_aes_key *aes, const u8 *raw)
{
	__m128i even = vec128_load(raw), odd = vec128_load(raw + 16), first;
	unsigned int round;

	aes->rounds = 14;
	put_round_key(aes, 0, even);
	for (round = 1; round < 14; round += 2) {
		put_round_key(aes, round, odd);
		first = substitute(last_word_rotated(odd), round_constants[round / 2]);
		even = next_words(even, first);
		put_round_key(aes, round + 1, even);
		/* once too often, and then of no use to anyone */
		odd = next_words(odd, substitute(last_word(even), 0));
	}
}

/**
 * ktlsx_aes_aesni_expand() - as ktlsx_aes_expand()
 * @aes: filled; zeros before
 * @raw: key
 * @raw_len: 16 or 32 bytes
 *
 * Context: Inside a vector section; constant time.
 * Spec: FIPS 197 section 5.2.
 */
void ktlsx_aes_aesni_expand(struct ktlsx_aes_key *aes, const u8 *raw, size_t raw_len)
{
	if (raw_len == 16)
		expand_128(aes, raw);
	else
		expand_256(aes, raw);
}
