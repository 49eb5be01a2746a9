/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the reference codec asks of a cipher, and which library answers.
 * Must not know: records; anything of the module.
 * Concurrency: ref_use_gcrypt() comes before the first thread.
 * Follows: RFC 5116.
 */
#ifndef REF_AEAD_H
#define REF_AEAD_H

#include "ref.h"

/* One message; the tag follows @text. */
struct ref_text {
	const struct ref_key *key;
	const uint8_t *nonce;
	const uint8_t *aad;
	size_t aad_len;
	size_t text_len;
};

struct ref_aead {
	void (*seal)(const struct ref_text *text, uint8_t *inout);
	bool (*open)(const struct ref_text *text, const uint8_t *in, uint8_t *out);
};

/* By OpenSSL; programs that want the others call ref_use_gcrypt(). */
extern const struct ref_aead *ref_aeads[REF_CIPHER_COUNT];

void ref_must(bool ok, const char *what);

#endif
