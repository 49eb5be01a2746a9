/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the moves between blocks in memory and the words of lanes256.h, which includes it.
 * Must not know: ciphers and hashes. To be included by lanes256.h only.
 * Concurrency: stateless.
 */
#ifndef KTLSX_CRYPTO_LANES256_BLOCKS_H
#define KTLSX_CRYPTO_LANES256_BLOCKS_H

/*
 * Each 128 bits of the four vectors hold a block; words, their first byte highest, of equal
 * place come together. Which lane a block goes to is for lanes_to_blocks() to know.
 */
static __always_inline void lanes_from_blocks(lanes x[4])
{
	lanes a = _mm256_unpacklo_epi32(x[0], x[1]), b = _mm256_unpackhi_epi32(x[0], x[1]);
	lanes c = _mm256_unpacklo_epi32(x[2], x[3]), d = _mm256_unpackhi_epi32(x[2], x[3]);

	x[0] = lanes_move_bytes(_mm256_unpacklo_epi64(a, c), 0x00010203);
	x[1] = lanes_move_bytes(_mm256_unpackhi_epi64(a, c), 0x00010203);
	x[2] = lanes_move_bytes(_mm256_unpacklo_epi64(b, d), 0x00010203);
	x[3] = lanes_move_bytes(_mm256_unpackhi_epi64(b, d), 0x00010203);
}

static __always_inline void lanes_to_blocks(lanes x[4])
{
	lanes a = _mm256_unpacklo_epi32(x[0], x[1]), b = _mm256_unpackhi_epi32(x[0], x[1]);
	lanes c = _mm256_unpacklo_epi32(x[2], x[3]), d = _mm256_unpackhi_epi32(x[2], x[3]);

	x[0] = lanes_move_bytes(_mm256_unpacklo_epi64(a, c), 0x00010203);
	x[1] = lanes_move_bytes(_mm256_unpackhi_epi64(a, c), 0x00010203);
	x[2] = lanes_move_bytes(_mm256_unpacklo_epi64(b, d), 0x00010203);
	x[3] = lanes_move_bytes(_mm256_unpackhi_epi64(b, d), 0x00010203);
}

static __always_inline lanes lanes_rol_8(lanes x)
{
	return lanes_move_bytes(x, 0x02010003);
}

/* 16 bytes from @off on of each source; then lane n holds word w of source n in x[w]. */
static __always_inline void lanes_gather(lanes x[4], const u8 *const src[LANES], size_t off)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		x[i] = _mm256_castsi128_si256(lanes_block(src[i] + off));
		x[i] = _mm256_inserti128_si256(x[i], lanes_block(src[i + 4] + off), 1);
	}
	lanes_from_blocks(x);
}

/* And back. */
static __always_inline void lanes_scatter(lanes x[4], u8 *const dst[LANES], size_t off)
{
	unsigned int i;

	lanes_to_blocks(x);
	for (i = 0; i < 4; i++) {
		lanes_store_block(dst[i] + off, _mm256_castsi256_si128(x[i]));
		lanes_store_block(dst[i + 4] + off, _mm256_extracti128_si256(x[i], 1));
	}
}

/* The vector of blocks @x moved by one block, @before the first of them coming in. */
static __always_inline lanes lanes_blocks_before(lanes x, __m128i before)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(before),
				       _mm256_castsi256_si128(x), 1);
}

#endif
