/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns what the crypto code asks of the CPU: which instructions it has, and the
 * sections in which vector registers may be touched.
 * Must not know: any algorithm. Concurrency: the feature word is written once at
 * load; sections belong to the CPU that opened them and do not nest.
 */
#ifndef KTLSX_CRYPTO_CPU_H
#define KTLSX_CRYPTO_CPU_H

#include "port.h"

/* AES, PCLMULQDQ, SSSE3 and SSE4.1 together: no CPU of interest has only some */
#define KTLSX_CPU_AESNI 0x1u
/* AVX, AVX2, BMI1 and BMI2, with the system saving 256-bit registers */
#define KTLSX_CPU_AVX2 0x2u
#define KTLSX_CPU_VAES 0x4u
#define KTLSX_CPU_GFNI 0x8u
/* AVX512F, BW, DQ and VL, with the system saving 512-bit registers */
#define KTLSX_CPU_AVX512 0x10u
/* every CPU with VAES has it too, some emulators do not */
#define KTLSX_CPU_VPCLMUL 0x20u

/**
 * ktlsx_cpu_features() - instruction set extensions that may be used here
 *
 * Context: Any.
 * Return: an or of KTLSX_CPU_* bits.
 */
u32 ktlsx_cpu_features(void);

/**
 * ktlsx_cpu_slowed_by() - extensions that this CPU has and is better off without
 *
 * Context: Any.
 * Return: KTLSX_CPU_AVX512 where 512-bit instructions lower the clock of all others, so that
 *         engines of 256 bits do more; else 0.
 */
u32 ktlsx_cpu_slowed_by(void);

/**
 * ktlsx_simd_begin() - open a section in which vector registers may be used
 *
 * No fault, no sleep and no lock that may sleep inside. At most 50 microseconds
 * and 64 KB of record bytes, then ktlsx_simd_end(). Most callers want
 * ktlsx_aead_enter(), which also chooses the engine.
 *
 * Context: Process or softirq context. Preemption is off until the end.
 * Return: false when the registers are not ours to use now: nothing was opened,
 *         use an engine without ``uses_fpu``.
 */
bool __must_check ktlsx_simd_begin(void);

/**
 * ktlsx_simd_end() - close the section that ktlsx_simd_begin() opened
 *
 * Context: Same CPU and context as the begin.
 */
void ktlsx_simd_end(void);

/**
 * ktlsx_simd_pause() - close the section that is open and open another one
 *
 * For engines that need longer for one record than a section may last. All vector registers
 * are lost: what is in work must be in memory. Whoever waits for the CPU gets it in between.
 *
 * Context: Inside a section.
 */
void ktlsx_simd_pause(void);

#endif
