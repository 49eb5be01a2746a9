/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the moves between blocks in memory and the words of lanes512.h, which includes it.
 * Must not know: ciphers and hashes. To be included by lanes512.h only.
 * Concurrency: stateless.
 */
#ifndef KTLSX_CRYPTO_LANES512_BLOCKS_H
#define KTLSX_CRYPTO_LANES512_BLOCKS_H

/*
 * Each 128 bits of the four vectors hold a block; words, their first byte highest, of equal
 * place come together. Which lane a block goes to is for lanes_to_blocks() to know.
 */
static __always_inline void lanes_from_blocks(lanes x[4])
{
	lanes a = _mm512_unpacklo_epi32(x[0], x[1]), b = _mm512_unpackhi_epi32(x[0], x[1]);
	lanes c = _mm512_unpacklo_epi32(x[2], x[3]), d = _mm512_unpackhi_epi32(x[2], x[3]);

	x[0] = lanes_move_bytes(_mm512_unpacklo_epi64(a, c), 0x00010203);
	x[1] = lanes_move_bytes(_mm512_unpackhi_epi64(a, c), 0x00010203);
	x[2] = lanes_move_bytes(_mm512_unpacklo_epi64(b, d), 0x00010203);
	x[3] = lanes_move_bytes(_mm512_unpackhi_epi64(b, d), 0x00010203);
}

static __always_inline void lanes_to_blocks(lanes x[4])
{
	lanes a = _mm512_unpacklo_epi32(x[0], x[1]), b = _mm512_unpackhi_epi32(x[0], x[1]);
	lanes c = _mm512_unpacklo_epi32(x[2], x[3]), d = _mm512_unpackhi_epi32(x[2], x[3]);

	x[0] = lanes_move_bytes(_mm512_unpacklo_epi64(a, c), 0x00010203);
	x[1] = lanes_move_bytes(_mm512_unpackhi_epi64(a, c), 0x00010203);
	x[2] = lanes_move_bytes(_mm512_unpacklo_epi64(b, d), 0x00010203);
	x[3] = lanes_move_bytes(_mm512_unpackhi_epi64(b, d), 0x00010203);
}

static __always_inline lanes lanes_rol_8(lanes x)
{
	return _mm512_rol_epi32(x, 8);
}

/* 16 bytes from @off on of each source; then lane n holds word w of source n in x[w]. */
static __always_inline void lanes_gather(lanes x[4], const u8 *const src[LANES], size_t off)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		x[i] = _mm512_castsi128_si512(lanes_block(src[i] + off));
		x[i] = _mm512_inserti32x4(x[i], lanes_block(src[i + 4] + off), 1);
		x[i] = _mm512_inserti32x4(x[i], lanes_block(src[i + 8] + off), 2);
		x[i] = _mm512_inserti32x4(x[i], lanes_block(src[i + 12] + off), 3);
	}
	lanes_from_blocks(x);
}

/* And back. */
static __always_inline void lanes_scatter(lanes x[4], u8 *const dst[LANES], size_t off)
{
	unsigned int i;

	lanes_to_blocks(x);
	for (i = 0; i < 4; i++) {
		lanes_store_block(dst[i] + off, _mm512_castsi512_si128(x[i]));
		lanes_store_block(dst[i + 4] + off, _mm512_extracti32x4_epi32(x[i], 1));
		lanes_store_block(dst[i + 8] + off, _mm512_extracti32x4_epi32(x[i], 2));
		lanes_store_block(dst[i + 12] + off, _mm512_extracti32x4_epi32(x[i], 3));
	}
}

/* The vector of blocks @x moved by one block, @before the first of them coming in. */
static __always_inline lanes lanes_blocks_before(lanes x, __m128i before)
{
	return _mm512_alignr_epi64(x, _mm512_broadcast_i32x4(before), 6);
}

#endif
