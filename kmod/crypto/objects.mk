# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Objects of kmod/crypto by the instructions they may use, and the compiler's flags for those: the one list, for the
# kernel (Kbuild.include) and for userspace (selftests/crypto/Makefile). A set holds the sets before it, except gfni.

ktlsx-sets := plain generic aesni avx2 vaes gfni avx512

ktlsx-plain := cpu aead spans vectors vectors_gcm vectors_ccm vectors_sm4 vectors_sm4_cbc vectors_chacha vectors_aria
ktlsx-plain += ccm sm4_cbc sm4_cbc_run sm4_cbc_open sm4_cbc_engines chacha_poly
ktlsx-generic := aes_generic sm4_generic aria_generic sm3_generic ghash_generic gcm_generic ccm_generic
ktlsx-generic += aes_gcm_generic sm4_gcm_generic aria_gcm_generic sm4_cbc_generic
ktlsx-aesni := aes_aesni_key aes_gcm_aesni_key aes_gcm_aesni aes_ccm_aesni sm4_gcm_aesni_key
ktlsx-avx2 := sm4_gcm_aesni_avx2 sm4_ccm_aesni_avx2 sm4_cbc_aesni_avx2 sm3_avx2 sm3_x8_avx2 aria_gcm_aesni_avx2
ktlsx-vaes := aes_gcm_vaes256 aes_gcm_vaes256_groups
ktlsx-gfni := sm4_gcm_gfni256 sm4_ccm_gfni256 sm4_cbc_gfni256
ktlsx-avx512 := aes_gcm_avx512 aes_gcm_avx512_bulk aes_gcm_avx512_ends
ktlsx-avx512 += sm4_gcm_gfni512 sm4_ccm_gfni512 sm4_cbc_gfni512 sm3_x16_avx512

# bit slicing lives in unrolled loops: half the time of -O2
ktlsx-flags-generic := -O3
ktlsx-flags-aesni := -msse -msse2 -mssse3 -msse4.1 -maes -mpclmul
ktlsx-flags-avx2 := $(ktlsx-flags-aesni) -mavx -mavx2 -mbmi -mbmi2
ktlsx-flags-vaes := $(ktlsx-flags-avx2) -mvaes -mvpclmulqdq
ktlsx-flags-gfni := $(ktlsx-flags-vaes) -mgfni
ktlsx-flags-avx512 := $(ktlsx-flags-gfni) -mavx512f -mavx512bw -mavx512dq -mavx512vl

# the kernel's alone: selftests/crypto has its own of the same names
ktlsx-kernel-only := chacha_library

ktlsx-crypto := $(foreach set,$(ktlsx-sets),$(ktlsx-$(set)))
# compiled with <immintrin.h>
ktlsx-vector := $(foreach set,aesni avx2 vaes gfni avx512,$(ktlsx-$(set)))
