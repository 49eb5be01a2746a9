// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the list of what is known about each algorithm.
 * Must not know: engines, the answers. Read-only, gone after load.
 */
#include "vectors.h"

const struct ktlsx_aead_answers *const ktlsx_aead_answers[KTLSX_AEAD_COUNT] __initconst = {
	[KTLSX_AEAD_AES_128_GCM] = &ktlsx_answers_aes_128_gcm,
	[KTLSX_AEAD_AES_256_GCM] = &ktlsx_answers_aes_256_gcm,
	[KTLSX_AEAD_SM4_GCM] = &ktlsx_answers_sm4_gcm,
	[KTLSX_AEAD_SM4_CBC_SM3] = &ktlsx_answers_sm4_cbc_sm3,
	[KTLSX_AEAD_AES_128_CCM] = &ktlsx_answers_aes_128_ccm,
	[KTLSX_AEAD_AES_256_CCM] = &ktlsx_answers_aes_256_ccm,
	[KTLSX_AEAD_SM4_CCM] = &ktlsx_answers_sm4_ccm,
	[KTLSX_AEAD_CHACHA20_POLY1305] = &ktlsx_answers_chacha20_poly1305,
	[KTLSX_AEAD_ARIA_128_GCM] = &ktlsx_answers_aria_128_gcm,
	[KTLSX_AEAD_ARIA_256_GCM] = &ktlsx_answers_aria_256_gcm,
};
