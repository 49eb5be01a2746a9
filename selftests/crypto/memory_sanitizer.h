/* SPDX-License-Identifier: MIT */
/*
 * Owns what MSan cannot follow; force-included into its build only. Wide engines compute lanes
 * of nothing and throw them away, while MSan wants whole operands defined of instructions that
 * it does not know and of assembly: so this build finds a CPU of 128-bit vectors.
 * Must not know: engines. Stateless.
 */
#ifndef MEMORY_SANITIZER_H
#define MEMORY_SANITIZER_H

#define __builtin_cpu_supports(name) \
	(__builtin_strcmp(name, "gfni") && __builtin_strcmp(name, "avx2") && \
	 __builtin_cpu_supports(name))

#endif
