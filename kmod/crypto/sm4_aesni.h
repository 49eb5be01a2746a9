/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns SM4 by the AES instructions: what they do to a byte, between two maps looked up by
 * nibbles in registers. One word at a time here, in each of a vector's four places: then
 * ShiftRows, which moves bytes between columns, changes nothing.
 * Must not know: modes of operation. To be included by vector engines only.
 * Concurrency: stateless.
 * Specification: GB/T 32907-2016; the basis is that of sm4_basis.h.
 */
#ifndef KTLSX_CRYPTO_SM4_AESNI_H
#define KTLSX_CRYPTO_SM4_AESNI_H

#include "nibbles.h"
#include "sm4.h"
#include "sm4_basis.h"

/* Of a byte x: PRE x ^ PRE_CONST. */
static const struct nibbles sm4_pre __aligned(16) = {
	{ 0x65, 0x41, 0xfd, 0xd9, 0x0a, 0x2e, 0x92, 0xb6,
	  0x0f, 0x2b, 0x97, 0xb3, 0x60, 0x44, 0xf8, 0xdc },
	{ 0x00, 0xc9, 0x67, 0xae, 0x80, 0x49, 0xe7, 0x2e,
	  0x4a, 0x83, 0x2d, 0xe4, 0xca, 0x03, 0xad, 0x64 },
};

/* And back. */
static const struct nibbles sm4_back __aligned(16) = {
	{ 0x75, 0xf0, 0x20, 0xa5, 0xfc, 0x79, 0xa9, 0x2c,
	  0x51, 0xd4, 0x04, 0x81, 0xd8, 0x5d, 0x8d, 0x08 },
	{ 0x00, 0x66, 0x88, 0xee, 0xf1, 0x97, 0x79, 0x1f,
	  0x40, 0x26, 0xc8, 0xae, 0xb1, 0xd7, 0x39, 0x5f },
};

/* Of what AES makes of a byte t of the basis: P and R of sm4_basis.h. */
#define SM4_NIBBLES_P {							\
	{ 0x3f, 0x8a, 0x6c, 0xd9, 0x64, 0xd1, 0x37, 0x82,		\
	  0x35, 0x80, 0x66, 0xd3, 0x6e, 0xdb, 0x3d, 0x88 },		\
	{ 0x00, 0xc9, 0xef, 0x26, 0x0c, 0xc5, 0xe3, 0x2a,		\
	  0xda, 0x13, 0x35, 0xfc, 0xd6, 0x1f, 0x39, 0xf0 },		\
}

#define SM4_NIBBLES_R {							\
	{ 0xde, 0xfe, 0x19, 0x39, 0xae, 0x8e, 0x69, 0x49,		\
	  0x84, 0xa4, 0x43, 0x63, 0xf4, 0xd4, 0x33, 0x13 },		\
	{ 0x00, 0x6d, 0xa6, 0xcb, 0x9c, 0xf1, 0x3a, 0x57,		\
	  0x22, 0x4f, 0x84, 0xe9, 0xbe, 0xd3, 0x18, 0x75 },		\
}

static const struct nibbles sm4_p __aligned(16) = SM4_NIBBLES_P;
static const struct nibbles sm4_r __aligned(16) = SM4_NIBBLES_R;

/* Words rotated left by a number of bytes. */
static __always_inline __m128i sm4_rotate_1(__m128i x)
{
	return _mm_shuffle_epi8(x, _mm_set_epi32(0x0e0d0c0f, 0x0a09080b, 0x06050407, 0x02010003));
}

static __always_inline __m128i sm4_rotate_2(__m128i x)
{
	return _mm_shuffle_epi8(x, _mm_set_epi32(0x0d0c0f0e, 0x09080b0a, 0x05040706, 0x01000302));
}

static __always_inline __m128i sm4_rotate_3(__m128i x)
{
	return _mm_shuffle_epi8(x, _mm_set_epi32(0x0c0f0e0d, 0x080b0a09, 0x04070605, 0x00030201));
}

/* What a round adds, of what AES made of the bytes of each word; all in the basis. */
static __always_inline __m128i sm4_added(__m128i v)
{
	__m128i p = nibbles_map(&sm4_p, v), r = nibbles_map(&sm4_r, v), q = _mm_xor_si128(p, r);

	p = _mm_xor_si128(p, sm4_rotate_1(q));
	q = _mm_xor_si128(sm4_rotate_2(q), sm4_rotate_3(r));
	return _mm_xor_si128(p, q);
}

/* The same of the sum of three words and the round key. */
static __always_inline __m128i sm4_one_added(__m128i t)
{
	return sm4_added(_mm_aesenclast_si128(t, _mm_setzero_si128()));
}

#endif
