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
	if (port_cpu_has(AVX, "avx") && port_cpu_has(AVX2, "avx2") &&
	    port_cpu_has(BMI1, "bmi") && port_cpu_has(BMI2, "bmi2") &&
	    port_os_saves(PORT_STATE_YMM))
		features |= KTLSX_CPU_AVX2;
	if (features & KTLSX_CPU_AVX2 && port_cpu_has_vaes())
		features |= KTLSX_CPU_VAES;
	if (port_cpu_has(VPCLMULQDQ, "vpclmulqdq"))
		features |= KTLSX_CPU_VPCLMUL;
	if (port_cpu_has(GFNI, "gfni"))
		features |= KTLSX_CPU_GFNI;
	if (port_cpu_has(AVX512F, "avx512f") && port_cpu_has(AVX512BW, "avx512bw") &&
	    port_cpu_has(AVX512DQ, "avx512dq") && port_cpu_has(AVX512VL, "avx512vl") &&
	    port_os_saves(PORT_STATE_ZMM))
		features |= KTLSX_CPU_AVX512;
	return features;
}

/*
 * Family 6 models of Intel that drop their clock for 512-bit vectors: Skylake and Ice Lake
 * servers, Ice, Tiger and Rocket Lake (Intel SDM volume 4, table 2-1, for the numbers).
 */
static const u8 slowed_models[] = { 0x55, 0x6a, 0x6c, 0x7d, 0x7e, 0x8c, 0x8d, 0x9d, 0xa7 };

u32 ktlsx_cpu_slowed_by(void)
{
	u32 signature = port_cpuid(1).eax;
	u8 model = (signature >> 4 & 0x0f) | (signature >> 12 & 0xf0);
	unsigned int i;

	/* "Genu"ine Intel, family 6 */
	if (port_cpuid(0).ebx != 0x756e6547 || (signature >> 8 & 0x0f) != 6)
		return 0;
	for (i = 0; i < ARRAY_SIZE(slowed_models); i++)
		if (slowed_models[i] == model)
			return KTLSX_CPU_AVX512;
	return 0;
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

/* Where the registers were ours before, they are again: the context is the same. */
void ktlsx_simd_pause(void)
{
	ktlsx_simd_end();
	if (PORT_DEBUG)
		preempt_disable();
	kernel_fpu_begin();
}
