/* SPDX-License-Identifier: MIT */
/*
 * Owns the list of all engines of all algorithms, from which each test makes its variants.
 * Must not know: what is tested. A row that is missing here is noticed by known_answers.
 */
#ifndef VARIANTS_H
#define VARIANTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/crypto/aead.h"

/* ROW(name of the variant, KTLSX_AEAD_*, name of the engine) */
#define EVERY_ENGINE(ROW)						\
	ROW(aes_128_gcm_generic, AES_128_GCM, "generic");		\
	ROW(aes_128_gcm_aesni, AES_128_GCM, "aesni");			\
	ROW(aes_128_gcm_vaes256_pclmul, AES_128_GCM, "vaes256-pclmul");	\
	ROW(aes_128_gcm_vaes256, AES_128_GCM, "vaes256");		\
	ROW(aes_128_gcm_avx512, AES_128_GCM, "avx512");			\
	ROW(aes_256_gcm_generic, AES_256_GCM, "generic");		\
	ROW(aes_256_gcm_aesni, AES_256_GCM, "aesni");			\
	ROW(aes_256_gcm_vaes256_pclmul, AES_256_GCM, "vaes256-pclmul");	\
	ROW(aes_256_gcm_vaes256, AES_256_GCM, "vaes256");		\
	ROW(aes_256_gcm_avx512, AES_256_GCM, "avx512");			\
	ROW(aes_128_ccm_generic, AES_128_CCM, "generic");		\
	ROW(aes_128_ccm_aesni, AES_128_CCM, "aesni");			\
	ROW(aes_256_ccm_generic, AES_256_CCM, "generic");		\
	ROW(aes_256_ccm_aesni, AES_256_CCM, "aesni");			\
	ROW(sm4_gcm_generic, SM4_GCM, "generic");			\
	ROW(sm4_gcm_aesni_avx2, SM4_GCM, "aesni-avx2");			\
	ROW(sm4_gcm_gfni256, SM4_GCM, "gfni256");			\
	ROW(sm4_gcm_gfni512, SM4_GCM, "gfni512");			\
	ROW(sm4_ccm_generic, SM4_CCM, "generic");			\
	ROW(sm4_ccm_aesni_avx2, SM4_CCM, "aesni-avx2");			\
	ROW(sm4_ccm_gfni256, SM4_CCM, "gfni256");			\
	ROW(sm4_ccm_gfni512, SM4_CCM, "gfni512");			\
	ROW(sm4_cbc_generic, SM4_CBC_SM3, "generic");			\
	ROW(sm4_cbc_aesni_avx2, SM4_CBC_SM3, "aesni-avx2");		\
	ROW(sm4_cbc_gfni256, SM4_CBC_SM3, "gfni256");			\
	ROW(sm4_cbc_gfni512, SM4_CBC_SM3, "gfni512");			\
	ROW(chacha20_poly1305_library, CHACHA20_POLY1305, "library");	\
	ROW(aria_128_gcm_generic, ARIA_128_GCM, "generic");		\
	ROW(aria_128_gcm_aesni_avx2, ARIA_128_GCM, "aesni-avx2");	\
	ROW(aria_256_gcm_generic, ARIA_256_GCM, "generic");		\
	ROW(aria_256_gcm_aesni_avx2, ARIA_256_GCM, "aesni-avx2")

/* NULL when @aead has no such engine. */
static inline const struct ktlsx_aead_engine *engine_called(const struct ktlsx_aead *aead,
							    const char *name)
{
	const struct ktlsx_aead_engine *const *row = aead->engines;

	while (*row && strcmp((*row)->name, name))
		row++;
	return *row;
}

/*
 * Why a test leaves @engine out; NULL when it does not. The environment's KTLSX_ISA, which
 * must have been given to ktlsx_aead_init(), limits as the module's parameter isa does: what
 * stands before the engine chosen for the algorithm is not allowed.
 */
static inline const char *engine_not_for_us(const struct ktlsx_aead *aead,
					    const struct ktlsx_aead_engine *engine)
{
	const struct ktlsx_aead_engine *const *row = aead->engines;
	const char *isa = getenv("KTLSX_ISA");
	static char why[100];

	if (!ktlsx_aead_can_run(engine)) {
		snprintf(why, sizeof(why), "this CPU cannot run engine %s", engine->name);
		return why;
	}
	if (!isa || !*isa)
		return NULL;
	snprintf(why, sizeof(why), "KTLSX_ISA=%s does not allow engine %s", isa, engine->name);
	for (; *row != aead->fast; row++)
		if (*row == engine)
			return why;
	return NULL;
}

#endif
