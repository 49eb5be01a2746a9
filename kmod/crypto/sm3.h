/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns what all implementations of the SM3 compression function share, and the names by
 * which they are found.
 * Must not know: HMAC, records. Concurrency: stateless.
 * Specification: GB/T 32905-2016.
 */
#ifndef KTLSX_CRYPTO_SM3_H
#define KTLSX_CRYPTO_SM3_H

#include "port.h"

#define KTLSX_SM3_BLOCK_LEN 64
#define KTLSX_SM3_DIGEST_LEN 32
#define KTLSX_SM3_WORDS 8

/* GB/T 32905 section 4.1: the state before the first block. */
#define KTLSX_SM3_IV { 0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,	\
		       0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e }

/**
 * typedef ktlsx_sm3_blocks_t - compress whole blocks
 * @state: in and out
 * @blocks: @count times 64 bytes, which must not change meanwhile
 * @count: blocks, zero allowed
 *
 * Constant time: nothing but @count decides what is executed and which address is read.
 */
typedef void ktlsx_sm3_blocks_t(u32 state[KTLSX_SM3_WORDS], const u8 *blocks, size_t count);

/**
 * typedef ktlsx_sm3_lanes_t - compress a block of several streams at once
 * @state: word by word the states of all streams, in and out; aligned to 64
 * @words: word by word the blocks of all streams; aligned to 64; used up
 *
 * Constant time.
 */
typedef void ktlsx_sm3_lanes_t(u32 *state, u32 *words);

/* Described in sm3_generic.c and sm3_avx2.c. */
ktlsx_sm3_blocks_t ktlsx_sm3_generic;
ktlsx_sm3_blocks_t ktlsx_sm3_avx2;

/* Described in sm3_x8_avx2.c and sm3_x16_avx512.c; the number is that of the streams. */
ktlsx_sm3_lanes_t ktlsx_sm3_x8_avx2;
ktlsx_sm3_lanes_t ktlsx_sm3_x16_avx512;

/* Where the standard's word @n of the state is after as many rounds as @turn, less than four. */
static __always_inline unsigned int sm3_at(unsigned int n, unsigned int turn)
{
	return (n & 4) | ((n - turn) & 3);
}

/* T_j of the standard, turned left by j; defined in sm3_generic.c. */
extern const u32 ktlsx_sm3_constants[64];

#endif
