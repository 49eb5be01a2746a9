// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the SM3 compression function for 16 streams at once, for AVX512.
 * Must not know: HMAC. Every function here runs inside a vector section.
 * Concurrency: stateless.
 * Specification: GB/T 32905-2016 section 5.3.
 */
#include "lanes512.h"
#include "sm3_lanes.h"

/**
 * ktlsx_sm3_x16_avx512() - as ktlsx_sm3_lanes_t
 * @state: in and out
 * @words: message, used up
 *
 * Context: Inside a vector section.
 */
void ktlsx_sm3_x16_avx512(u32 *state, u32 *words)
{
	lanes_compress(state, (lanes *)(void *)words);
}
