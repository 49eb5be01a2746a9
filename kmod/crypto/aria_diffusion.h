/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the diffusion layer of ARIA, as all engines take it.
 * Must not know: how blocks lie in registers. Concurrency: stateless.
 * Specification: RFC 5794 section 2.4.3.
 */
#ifndef KTLSX_CRYPTO_ARIA_DIFFUSION_H
#define KTLSX_CRYPTO_ARIA_DIFFUSION_H

#include "port.h"

/*
 * Each byte that the diffusion layer puts out is the sum of seven; four of them it has in common
 * with three others. The layer is its own inverse.
 */
static const struct {
	u8 common[4];
	struct {
		u8 to;
		u8 from[3];
	} bytes[4];
} aria_diffusion[4] = {
	{ { 3, 4, 9, 14 },
	  { { 0, { 6, 8, 13 } }, { 5, { 1, 10, 15 } },
	    { 11, { 2, 7, 12 } }, { 14, { 0, 5, 11 } } } },
	{ { 2, 5, 8, 15 },
	  { { 1, { 7, 9, 12 } }, { 4, { 0, 11, 14 } },
	    { 10, { 3, 6, 13 } }, { 15, { 1, 4, 10 } } } },
	{ { 1, 6, 11, 12 },
	  { { 2, { 4, 10, 15 } }, { 7, { 3, 8, 13 } },
	    { 9, { 0, 5, 14 } }, { 12, { 2, 7, 9 } } } },
	{ { 0, 7, 10, 13 },
	  { { 3, { 5, 11, 14 } }, { 6, { 2, 9, 12 } },
	    { 8, { 1, 4, 15 } }, { 13, { 3, 6, 8 } } } },
};

#endif
