/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The bridge of kmod/crypto between its two worlds: the kernel and a plain C11
 * userspace program. Owns the few types, byte-order helpers and CPU questions
 * the crypto code needs, under the names the kernel gives them.
 * Must not know: any algorithm. Concurrency: stateless.
 */
#ifndef KTLSX_CRYPTO_PORT_H
#define KTLSX_CRYPTO_PORT_H

#ifdef __KERNEL__

#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>

#define port_cpu_has(kernel_name, libc_name) boot_cpu_has(X86_FEATURE_##kernel_name)
#define port_cpu_has_vaes() boot_cpu_has(X86_FEATURE_VAES)

#else

#include "port_user.h"

#endif

#ifdef DEBUG
#define PORT_DEBUG true
#else
#define PORT_DEBUG false
#endif

/* Kernels that zero every local variable would spend a tenth of a short record on one. */
#if __has_attribute(__uninitialized__)
#define port_uninitialized __attribute__((__uninitialized__))
#else
#define port_uninitialized
#endif

/*
 * The verdict on a tag depends on secrets and is no secret. A constant-time check under
 * memcheck has to be told so; in every other build this is nothing.
 */
#ifdef PORT_VALGRIND
#include <valgrind/memcheck.h>
#define port_declassify(p, len) VALGRIND_MAKE_MEM_DEFINED(p, len)
#else
#define port_declassify(p, len) do { } while (0)
#endif

struct port_cpuid {
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
};

static inline struct port_cpuid port_cpuid(u32 leaf)
{
	struct port_cpuid r;

	__asm__ __volatile__("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			     : "0"(leaf), "2"(0));
	return r;
}

/* Parts of the CPU's state as XCR0 numbers them (Intel SDM volume 1, section 13.3). */
#define PORT_STATE_YMM 0x06u
#define PORT_STATE_ZMM 0xe6u

/* Asked of the CPU itself, because User-Mode Linux has no answer. */
static inline bool port_os_saves(u32 state)
{
	u32 saved, high;

	if (!(port_cpuid(1).ecx >> 27 & 1))
		return false;
	__asm__ __volatile__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
	return (saved & state) == state;
}

static inline u32 port_get_be32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline void port_put_be32(u8 *p, u32 v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static inline u64 port_get_be64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static inline void port_put_be64(u8 *p, u64 v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

#endif
