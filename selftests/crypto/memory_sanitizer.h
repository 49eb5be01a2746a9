/* SPDX-License-Identifier: MIT */
/*
 * Owns what MSan has to be told; force-included into its build only. It does not know GFNI and
 * wants such operands defined whole, but engines leave lanes undefined that they do not use:
 * here each byte of a result is as defined as that byte of the operand.
 * Must not know: engines. Stateless.
 */
#ifndef MEMORY_SANITIZER_H
#define MEMORY_SANITIZER_H

#include <immintrin.h>
#include <sanitizer/msan_interface.h>

struct msan_bytes {
	unsigned char undefined[64];
};

static inline void msan_take(struct msan_bytes *bytes, void *vector, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		bytes->undefined[i] = __msan_test_shadow((char *)vector + i, 1) >= 0;
	__msan_unpoison(vector, len);
}

static inline void msan_give(const struct msan_bytes *bytes, void *vector, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		if (bytes->undefined[i])
			__msan_poison((char *)vector + i, 1);
}

#define MSAN_BYTEWISE(type, lanes, instruction, x, matrix, constant) ({			\
	type operand_ = (x), result_;							\
	struct msan_bytes bytes_;							\
	msan_take(&bytes_, &operand_, sizeof(operand_));				\
	result_ = (type)instruction((lanes)operand_, (lanes)(matrix), (char)(constant));	\
	msan_give(&bytes_, &result_, sizeof(result_));					\
	result_; })

#undef _mm_gf2p8affine_epi64_epi8
#undef _mm256_gf2p8affine_epi64_epi8
#undef _mm512_gf2p8affine_epi64_epi8
#undef _mm_gf2p8affineinv_epi64_epi8
#undef _mm256_gf2p8affineinv_epi64_epi8
#undef _mm512_gf2p8affineinv_epi64_epi8
#define _mm_gf2p8affine_epi64_epi8(x, m, c) \
	MSAN_BYTEWISE(__m128i, __v16qi, __builtin_ia32_vgf2p8affineqb_v16qi, x, m, c)
#define _mm256_gf2p8affine_epi64_epi8(x, m, c) \
	MSAN_BYTEWISE(__m256i, __v32qi, __builtin_ia32_vgf2p8affineqb_v32qi, x, m, c)
#define _mm512_gf2p8affine_epi64_epi8(x, m, c) \
	MSAN_BYTEWISE(__m512i, __v64qi, __builtin_ia32_vgf2p8affineqb_v64qi, x, m, c)
#define _mm_gf2p8affineinv_epi64_epi8(x, m, c) \
	MSAN_BYTEWISE(__m128i, __v16qi, __builtin_ia32_vgf2p8affineinvqb_v16qi, x, m, c)
#define _mm256_gf2p8affineinv_epi64_epi8(x, m, c) \
	MSAN_BYTEWISE(__m256i, __v32qi, __builtin_ia32_vgf2p8affineinvqb_v32qi, x, m, c)
#define _mm512_gf2p8affineinv_epi64_epi8(x, m, c) \
	MSAN_BYTEWISE(__m512i, __v64qi, __builtin_ia32_vgf2p8affineinvqb_v64qi, x, m, c)

#endif
