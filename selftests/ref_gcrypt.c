// SPDX-License-Identifier: MIT
/*
 * Owns: the ciphers of the reference codec that libgcrypt does: CCM, and SM4,
 * which Debian 12's OpenSSL has in no AEAD. Linked into the programs that call
 * ref_use_gcrypt() only.
 * Must not know: records; anything of the module.
 * Concurrency: none of its own.
 * Follows: RFC 3610, RFC 8998.
 */
#include "ref_aead.h"

#include <stdint.h>

#include <gcrypt.h>

#define NONCE_LEN	12

static gcry_cipher_hd_t start(const struct ref_text *text)
{
	const enum ref_cipher cipher = text->key->cipher;
	const bool is_sm4 = cipher == REF_SM4_GCM || cipher == REF_SM4_CCM;
	const bool is_ccm = cipher == REF_AES_CCM_128 || cipher == REF_SM4_CCM;
	uint64_t lens[] = { text->text_len, text->aad_len, REF_TAG_LEN };
	gcry_cipher_hd_t handle;

	ref_must(!gcry_cipher_open(&handle, is_sm4 ? GCRY_CIPHER_SM4 : GCRY_CIPHER_AES128,
				   is_ccm ? GCRY_CIPHER_MODE_CCM : GCRY_CIPHER_MODE_GCM, 0),
		 "open");
	ref_must(!gcry_cipher_setkey(handle, text->key->key, text->key->key_len), "key");
	ref_must(!gcry_cipher_setiv(handle, text->nonce, NONCE_LEN), "nonce");
	ref_must(!is_ccm || !gcry_cipher_ctl(handle, GCRYCTL_SET_CCM_LENGTHS, lens, sizeof(lens)),
		 "lengths");
	ref_must(!gcry_cipher_authenticate(handle, text->aad, text->aad_len), "aad");
	return handle;
}

static void gcrypt_seal(const struct ref_text *text, uint8_t *inout)
{
	gcry_cipher_hd_t handle = start(text);

	ref_must(!gcry_cipher_encrypt(handle, inout, text->text_len, NULL, 0), "text");
	ref_must(!gcry_cipher_gettag(handle, inout + text->text_len, REF_TAG_LEN), "tag");
	gcry_cipher_close(handle);
}

static bool gcrypt_open(const struct ref_text *text, const uint8_t *in, uint8_t *out)
{
	gcry_cipher_hd_t handle = start(text);
	bool ok;

	ref_must(!gcry_cipher_decrypt(handle, out, text->text_len, in, text->text_len), "text");
	ok = !gcry_cipher_checktag(handle, in + text->text_len, REF_TAG_LEN);
	gcry_cipher_close(handle);
	return ok;
}

void ref_use_gcrypt(void)
{
	static const struct ref_aead gcrypt_aead = { gcrypt_seal, gcrypt_open };

	ref_must(gcry_check_version(NULL), "libgcrypt");
	gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	ref_aeads[REF_AES_CCM_128] = &gcrypt_aead;
	ref_aeads[REF_SM4_GCM] = &gcrypt_aead;
	ref_aeads[REF_SM4_CCM] = &gcrypt_aead;
}
