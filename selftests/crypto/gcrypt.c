// SPDX-License-Identifier: MIT
/*
 * Owns the independent reference for what OpenSSL 3.0 lacks: libgcrypt as a one-call AEAD.
 * Must not know: our engines. Concurrency: one handle a call.
 */
#include "gcrypt.h"

#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>

struct algorithm {
	int cipher;
	int mode;
	size_t key_len;
};

static const struct algorithm algorithms[KTLSX_AEAD_COUNT] = {
	[KTLSX_AEAD_SM4_GCM] = { GCRY_CIPHER_SM4, GCRY_CIPHER_MODE_GCM, 16 },
	[KTLSX_AEAD_SM4_CCM] = { GCRY_CIPHER_SM4, GCRY_CIPHER_MODE_CCM, 16 },
};

static void must(gcry_error_t err, const char *what)
{
	if (!err)
		return;
	printf("Bail out! libgcrypt: %s: %s\n", what, gcry_strerror(err));
	exit(1);
}

bool gcrypt_knows(enum ktlsx_aead_alg alg)
{
	return algorithms[alg].cipher;
}

static void set_ccm_lengths(gcry_cipher_hd_t handle, const struct evp_record *r)
{
	uint64_t lengths[3] = { r->text_len, r->aad_len, KTLSX_AEAD_TAG_LEN };

	must(gcry_cipher_ctl(handle, GCRYCTL_SET_CCM_LENGTHS, lengths, sizeof(lengths)),
	     "lengths");
}

static gcry_cipher_hd_t start(const struct evp_record *r)
{
	const struct algorithm *a = &algorithms[r->alg];
	gcry_cipher_hd_t handle;

	if (!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
		gcry_check_version(NULL);
		gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
		gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	}
	must(gcry_cipher_open(&handle, a->cipher, a->mode, 0), "open");
	must(gcry_cipher_setkey(handle, r->raw, a->key_len), "key");
	must(gcry_cipher_setiv(handle, r->nonce, KTLSX_AEAD_NONCE_LEN), "nonce");
	if (a->mode == GCRY_CIPHER_MODE_CCM)
		set_ccm_lengths(handle, r);
	must(gcry_cipher_authenticate(handle, r->aad, r->aad_len), "aad");
	return handle;
}

void gcrypt_seal(struct evp_record *r)
{
	gcry_cipher_hd_t handle = start(r);

	must(gcry_cipher_final(handle), "final");
	must(gcry_cipher_encrypt(handle, r->out, r->text_len, r->in, r->text_len), "text");
	must(gcry_cipher_gettag(handle, r->tag, KTLSX_AEAD_TAG_LEN), "tag");
	gcry_cipher_close(handle);
}

bool gcrypt_open(const struct evp_record *r)
{
	gcry_cipher_hd_t handle = start(r);
	gcry_error_t err;

	must(gcry_cipher_final(handle), "final");
	must(gcry_cipher_decrypt(handle, r->out, r->text_len, r->in, r->text_len), "text");
	err = gcry_cipher_checktag(handle, r->tag, KTLSX_AEAD_TAG_LEN);
	gcry_cipher_close(handle);
	return !err;
}
