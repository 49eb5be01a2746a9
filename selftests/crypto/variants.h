/* SPDX-License-Identifier: MIT */
/*
 * Owns the list of all engines of all algorithms, from which each test makes its variants.
 * Must not know: what is tested. A row that is missing here is noticed by known_answers.
 */
#ifndef VARIANTS_H
#define VARIANTS_H

#include <string.h>

#include "../../kmod/crypto/aead.h"

/* ROW(name of the variant, KTLSX_AEAD_*, name of the engine) */
#define EVERY_ENGINE(ROW)						\
	ROW(aes_128_gcm_generic, AES_128_GCM, "generic");		\
	ROW(aes_128_gcm_aesni, AES_128_GCM, "aesni");			\
	ROW(aes_128_gcm_vaes256, AES_128_GCM, "vaes256");		\
	ROW(aes_128_gcm_avx512, AES_128_GCM, "avx512");			\
	ROW(aes_256_gcm_generic, AES_256_GCM, "generic");		\
	ROW(aes_256_gcm_aesni, AES_256_GCM, "aesni");			\
	ROW(aes_256_gcm_vaes256, AES_256_GCM, "vaes256");		\
	ROW(aes_128_gcm_vaes256_pclmul, AES_128_GCM, "vaes256-pclmul");	\
	ROW(aes_256_gcm_vaes256_pclmul, AES_256_GCM, "vaes256-pclmul");		\
	ROW(aes_256_gcm_avx512, AES_256_GCM, "avx512");			\
	ROW(sm4_gcm_generic, SM4_GCM, "generic")

/* NULL when @aead has no such engine. */
static inline const struct ktlsx_aead_engine *engine_called(const struct ktlsx_aead *aead,
							    const char *name)
{
	const struct ktlsx_aead_engine *const *row = aead->engines;

	while (*row && strcmp((*row)->name, name))
		row++;
	return *row;
}

#endif
