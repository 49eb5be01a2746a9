// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns CPU feature detection and the vector register sections.
 * Must not know: any algorithm, or who opens a section.
 * Concurrency: stateless; a section belongs to the CPU that opened it.
 */
#include "cpu.h"

u32 ktlsx_cpu_features(void)
{
	u32 features = 0;

	if (port_cpu_has(AES, "aes") && port_cpu_has(PCLMULQDQ, "pclmul") &&
	    port_cpu_has(SSSE3, "ssse3") && port_cpu_has(XMM4_1, "sse4.1"))
		features |= KTLSX_CPU_AESNI;
	return features;
}

/*
 * A debug build forbids preemption by itself, because kernel_fpu_begin() does
 * nothing on User-Mode Linux and would hide a sleep inside the section there.
 */
bool ktlsx_simd_begin(void)
{
	if (unlikely(!irq_fpu_usable()))
		return false;
	if (PORT_DEBUG)
		preempt_disable();
	kernel_fpu_begin();
	return true;
}

void ktlsx_simd_end(void)
{
	kernel_fpu_end();
	if (PORT_DEBUG)
		preempt_enable();
}
