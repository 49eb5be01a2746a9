/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the userspace half of the bridge: kernel names for what C11, the compiler and libc have.
 * Must not know: any algorithm. Concurrency: stateless. To be included by port.h only.
 */
#ifndef KTLSX_CRYPTO_PORT_USER_H
#define KTLSX_CRYPTO_PORT_USER_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define u8 uint8_t
#define u16 uint16_t
#define u32 uint32_t
#define u64 uint64_t
#define U32_MAX UINT32_MAX

#define __aligned(n) __attribute__((__aligned__(n)))
#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#define noinline __attribute__((__noinline__))
#define __must_check __attribute__((__warn_unused_result__))
#define __init
#define __initconst
#define __initdata
#define __ro_after_init
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier_data(p) __asm__ __volatile__("" : : "r"(p) : "memory")
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define min(a, b) ({ __auto_type __a = (a); __auto_type __b = (b); __a < __b ? __a : __b; })
#define min_t(type, a, b) ({ type __a = (a); type __b = (b); __a < __b ? __a : __b; })

#define pr_err(...) fprintf(stderr, "ktlsx: " __VA_ARGS__)
#define pr_warn(...) fprintf(stderr, "ktlsx: " __VA_ARGS__)

#define irq_fpu_usable() true
#define kernel_fpu_begin() do { } while (0)
#define kernel_fpu_end() do { } while (0)
#define preempt_disable() do { } while (0)
#define preempt_enable() do { } while (0)

#define port_cpu_has(kernel_name, libc_name) (!!__builtin_cpu_supports(libc_name))
/* a name that clang 14 does not know; leaf 7 is there when AVX2 is */
#define port_cpu_has_vaes() (!!(port_cpuid(7).ecx & 1u << 9))

static inline void *memchr_inv(const void *p, int c, size_t len)
{
	const unsigned char *byte = p;

	for (; len; len--, byte++)
		if (*byte != (unsigned char)c)
			return (void *)(uintptr_t)byte;
	return NULL;
}

static inline void memzero_explicit(void *p, size_t len)
{
	memset(p, 0, len);
	barrier_data(p);
}

#endif
