// SPDX-License-Identifier: MIT
/*
 * Owns the port floors: below which cycles per byte no code of a variant can come, whatever
 * the length, because the ports that its instructions need are full.
 * Must not know: the measurements. Read-only.
 *
 * They hold for the vector ports of Sapphire and Emerald Rapids: port 0 does AES and GFNI,
 * port 5 carry-less multiplications and byte shuffles, one each a cycle in 512 bits, two AES
 * in 256 and 128; any of two (512 bits) or three ports the logic.
 */
#include <math.h>
#include <string.h>

#include "bench.h"

static const struct {
	const char *work;
	const char *variant;
	double floor;
} floors[] = {
	/* 14 rounds x 1 cycle for 64 bytes: port 0 alone */
	{ "aes-256-gcm", "avx512", 0.2188 },
	/* 10 rounds, and 20.5 operations on two ports for 64 bytes */
	{ "aes-128-gcm", "avx512", 0.160 },
	/*
	 * 26 operations on three ports for 32 bytes: 14 rounds and the first key, counter, text,
	 * swap, and 4 products with their additions; 4 rounds fewer for AES-128
	 */
	{ "aes-256-gcm", "vaes256", 26 / 96.0 },
	{ "aes-128-gcm", "vaes256", 22 / 96.0 },
	/* the same for 16 bytes */
	{ "aes-256-gcm", "aesni", 26 / 48.0 },
	{ "aes-128-gcm", "aesni", 22 / 48.0 },
	/*
	 * Byte-sliced in a folded basis: 24 operations a round for 1024 bytes on two ports,
	 * the exit from it, and 52 cycles for GHASH
	 */
	{ "sm4-gcm", "gfni512", 0.50 },
};

/* Family 6, models 143 and 207, of Intel. */
static bool known_cpu(void)
{
	struct port_cpuid vendor = port_cpuid(0), id = port_cpuid(1);
	u32 family = id.eax >> 8 & 15, model = (id.eax >> 4 & 15) | (id.eax >> 12 & 0xf0);

	return vendor.ebx == 0x756e6547 && family == 6 && (model == 143 || model == 207);
}

/* NAN where none is known for this CPU. */
double bench_floor(const char *work, const char *variant)
{
	unsigned int i;

	if (!known_cpu())
		return NAN;
	for (i = 0; i < ARRAY_SIZE(floors); i++)
		if (!strcmp(floors[i].work, work) && !strcmp(floors[i].variant, variant))
			return floors[i].floor;
	return NAN;
}
