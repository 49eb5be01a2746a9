// SPDX-License-Identifier: MIT
/*
 * Owns the record ciphers by libgcrypt.
 * Must not know: our engines. Concurrency: a session belongs to one thread.
 */
#include <gcrypt.h>
#include <stdlib.h>

#include "bench.h"

struct session {
	const struct ktlsx_aead *aead;
	gcry_cipher_hd_t cipher;
	gcry_md_hd_t md;
	int mode;
};

static void must(gcry_error_t error)
{
	if (!error)
		return;
	fprintf(stderr, "libgcrypt: %s\n", gcry_strerror(error));
	exit(1);
}

static const char *version(void)
{
	static char text[48];

	snprintf(text, sizeof(text), "libgcrypt %s", gcry_check_version(NULL));
	return text;
}

static int mode_of(const char *mode)
{
	if (!strcmp(mode, "gcm"))
		return GCRY_CIPHER_MODE_GCM;
	if (!strcmp(mode, "ccm"))
		return GCRY_CIPHER_MODE_CCM;
	if (!strcmp(mode, "cbc"))
		return GCRY_CIPHER_MODE_CBC;
	return GCRY_CIPHER_MODE_POLY1305;
}

static void *start(const struct ktlsx_aead *aead, const u8 *raw, const char **only)
{
	struct session *s = calloc(1, sizeof(*s));
	const char *mode;
	char name[48];

	(void)only;
	if (!s)
		return NULL;
	version();	/* has to be asked before all else */
	bench_cipher_name(aead, name, &mode);
	s->aead = aead;
	s->mode = mode_of(mode);
	/* "aes-128-gcm" is AES-128 in one of the modes, "chacha20-poly1305" is CHACHA20 */
	*strrchr(name, '-') = 0;
	if (gcry_cipher_open(&s->cipher, gcry_cipher_map_name(name), s->mode, 0)) {
		free(s);
		return NULL;
	}
	must(gcry_cipher_setkey(s->cipher, raw + aead->mac_len, aead->key_len - aead->mac_len));
	if (aead->mac_len) {
		must(gcry_md_open(&s->md, gcry_md_map_name(strstr(aead->name, "-cbc-") + 5),
				  GCRY_MD_FLAG_HMAC));
		must(gcry_md_setkey(s->md, raw, aead->mac_len));
	}
	return s;
}

static void set_nonce(const struct session *s, size_t len)
{
	u64 lengths[3] = { len, bench_aad_len(s->aead), s->aead->tag_len };

	must(gcry_cipher_reset(s->cipher));
	must(gcry_cipher_setiv(s->cipher, bench_nonce, s->aead->nonce_len));
	if (s->mode == GCRY_CIPHER_MODE_CCM)
		must(gcry_cipher_ctl(s->cipher, GCRYCTL_SET_CCM_LENGTHS, lengths, sizeof(lengths)));
	if (!s->md)
		must(gcry_cipher_authenticate(s->cipher, bench_aad, bench_aad_len(s->aead)));
}

static const u8 *hmac(const struct session *s, const u8 *text, size_t len)
{
	const u8 coded_len[2] = { (u8)(len >> 8), (u8)len };

	gcry_md_reset(s->md);
	gcry_md_write(s->md, bench_aad, bench_aad_len(s->aead));
	gcry_md_write(s->md, coded_len, sizeof(coded_len));
	gcry_md_write(s->md, text, len);
	return gcry_md_read(s->md, 0);
}

/* MAC, padding, encryption: whole blocks straight from the source. */
static void seal_cbc(const struct session *s, const struct bench_record *r)
{
	size_t whole = r->len / 16 * 16, sealed = ktlsx_aead_sealed_len(s->aead, r->len);
	size_t tail = r->len - whole + s->aead->mac_len, pad = sealed - whole - tail;
	u8 end[96];

	memcpy(end, r->in + whole, r->len - whole);
	memcpy(end + r->len - whole, hmac(s, r->in, r->len), s->aead->mac_len);
	memset(end + tail, (int)pad - 1, pad);
	set_nonce(s, r->len);
	if (whole)
		must(gcry_cipher_encrypt(s->cipher, r->out, whole, r->in, whole));
	must(gcry_cipher_encrypt(s->cipher, r->out + whole, tail + pad, end, tail + pad));
}

static void open_cbc(const struct session *s, const struct bench_record *r)
{
	size_t sealed = ktlsx_aead_sealed_len(s->aead, r->len);

	set_nonce(s, r->len);
	must(gcry_cipher_decrypt(s->cipher, r->out, sealed, r->in, sealed));
	if (memcmp(hmac(s, r->out, r->len), r->out + r->len, s->aead->mac_len))
		abort();
}

static void seal(void *session, const struct bench_record *r)
{
	const struct session *s = session;

	if (s->md) {
		seal_cbc(s, r);
		return;
	}
	set_nonce(s, r->len);
	must(gcry_cipher_final(s->cipher));
	must(gcry_cipher_encrypt(s->cipher, r->out, r->len, r->in, r->len));
	must(gcry_cipher_gettag(s->cipher, r->tag, s->aead->tag_len));
}

static void open(void *session, const struct bench_record *r)
{
	const struct session *s = session;

	if (s->md) {
		open_cbc(s, r);
		return;
	}
	set_nonce(s, r->len);
	must(gcry_cipher_final(s->cipher));
	must(gcry_cipher_decrypt(s->cipher, r->out, r->len, r->in, r->len));
	must(gcry_cipher_checktag(s->cipher, r->tag, s->aead->tag_len));
}

static void prepare(void *session, const u8 *raw)
{
	const struct session *s = session;
	const struct ktlsx_aead *aead = s->aead;

	must(gcry_cipher_setkey(s->cipher, raw + aead->mac_len, aead->key_len - aead->mac_len));
	if (s->md)
		must(gcry_md_setkey(s->md, raw, aead->mac_len));
}

static void stop(void *session)
{
	struct session *s = session;

	gcry_cipher_close(s->cipher);
	if (s->md)
		gcry_md_close(s->md);
	free(s);
}

const struct bench_rival bench_gcrypt = {
	.name = "libgcrypt", .start = start, .seal = seal, .open = open, .prepare = prepare,
	.stop = stop, .version = version,
};
