// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owns the known-answer tests that run at module load, for every engine this CPU has.
 * Must not know: sockets, records. Concurrency: load time only, one caller.
 * Specification: the answers are those of crypto/vectors.h.
 */
#include "selftest.h"

#include "crypto/aead.h"
#include "crypto/cpu.h"
#include "crypto/vectors.h"

/* Load-time scratch: too large for a kernel stack. */
struct subject {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_aead_key key;
	struct ktlsx_aead_key expected;
	u8 raw[32];
	u8 nonce[KTLSX_AEAD_NONCE_LEN];
	u8 aad[64];
	u8 text[KTLSX_SWEEP_LEN_MAX];
	u8 sealed[KTLSX_SWEEP_LEN_MAX];
	u8 opened[KTLSX_SWEEP_LEN_MAX];
	u8 tag[KTLSX_AEAD_TAG_LEN];
	size_t aad_len;
	size_t text_len;
};

static struct subject subject __initdata;

/* Two cuts, at different places for the two sides of one call. */
static void __init cut(struct ktlsx_span spans[3], u8 *base, size_t len, size_t part)
{
	size_t first = len / part, second = len / (part + 3);

	spans[0] = (struct ktlsx_span){ base, first };
	spans[1] = (struct ktlsx_span){ base + first, second };
	spans[2] = (struct ktlsx_span){ base + first + second, len - first - second };
}

static bool __init enter(const struct subject *s)
{
	return !s->engine->uses_fpu || ktlsx_simd_begin();
}

/* Whatever the key held before: it becomes what the generic engine makes of @raw. */
static bool __init prepare(struct subject *s)
{
	s->aead->generic->prepare(&s->expected, s->raw, s->aead->key_len);
	memset(&s->key, 0xa5, sizeof(s->key));
	if (!enter(s))
		return false;
	s->engine->prepare(&s->key, s->raw, s->aead->key_len);
	ktlsx_aead_leave(s->engine);
	return !memcmp(&s->key, &s->expected, sizeof(s->key));
}

static bool __init seal(struct subject *s)
{
	struct ktlsx_span src[3], dst[3];
	struct ktlsx_aead_text text = { src, dst, s->text_len, s->aad, s->aad_len, s->nonce };

	cut(src, s->text, s->text_len, 3);
	cut(dst, s->sealed, s->text_len, 2);
	if (!enter(s))
		return false;
	ktlsx_aead_seal(s->engine, &s->key, &text, s->tag);
	ktlsx_aead_leave(s->engine);
	return true;
}

/* In place: the copy in @opened turns from ciphertext to plaintext. */
static int __init open(struct subject *s)
{
	struct ktlsx_span src[3], dst[3];
	struct ktlsx_aead_text text = { src, dst, s->text_len, s->aad, s->aad_len, s->nonce };
	int err;

	memcpy(s->opened, s->sealed, s->text_len);
	cut(src, s->opened, s->text_len, 4);
	cut(dst, s->opened, s->text_len, 1);
	if (!enter(s))
		return -EBUSY;
	err = ktlsx_aead_open(s->engine, &s->key, &text, s->tag);
	ktlsx_aead_leave(s->engine);
	return err;
}

static bool __init block_matches(struct subject *s, size_t index)
{
	u8 in[KTLSX_AEAD_BLOCK_LEN] = { 0 }, out[KTLSX_AEAD_BLOCK_LEN];
	size_t off = index * KTLSX_AEAD_BLOCK_LEN;
	size_t len = min_t(size_t, s->text_len - off, KTLSX_AEAD_BLOCK_LEN);

	memcpy(in, s->sealed + off, len);
	if (!enter(s))
		return false;
	ktlsx_aead_block(s->engine, &s->key, s->nonce, index, in, out);
	ktlsx_aead_leave(s->engine);
	return !memcmp(out, s->text + off, len);
}

/* What was just sealed opens, its last block too; with one bit of the tag wrong it is wiped. */
static bool __init opens(struct subject *s)
{
	size_t i;
	u8 any = 0;

	if (open(s) || memcmp(s->opened, s->text, s->text_len))
		return false;
	if (s->text_len && !block_matches(s, (s->text_len - 1) / KTLSX_AEAD_BLOCK_LEN))
		return false;
	s->tag[s->text_len % KTLSX_AEAD_TAG_LEN] ^= 1 << s->text_len % 8;
	if (open(s) != -EBADMSG)
		return false;
	for (i = 0; i < s->text_len; i++)
		any |= s->opened[i];
	return !any;
}

static bool __init vector_passes(struct subject *s, const struct ktlsx_aead_vector *v)
{
	s->aad_len = v->aad_len;
	s->text_len = v->text_len;
	memcpy(s->raw, v->key, s->aead->key_len);
	memcpy(s->nonce, v->nonce, sizeof(s->nonce));
	memcpy(s->aad, v->aad, v->aad_len);
	memcpy(s->text, v->text, v->text_len);
	return prepare(s) && seal(s) && !memcmp(s->sealed, v->sealed, v->text_len) &&
	       !memcmp(s->tag, v->tag, sizeof(s->tag)) && opens(s);
}

static void __init set_sweep_record(struct subject *s, unsigned int n)
{
	unsigned int i;

	s->text_len = n;
	s->aad_len = n % 40;
	for (i = 2; i < sizeof(s->nonce); i++)
		s->nonce[i] = i - 2;
	s->nonce[0] = n;
	s->nonce[1] = n >> 8;
	for (i = 0; i < s->text_len; i++)
		s->text[i] = 7 * i + n;
	for (i = 0; i < s->aad_len; i++)
		s->aad[i] = 3 * i + n;
}

static bool __init sweep_passes(struct subject *s, const char *digest)
{
	u8 sum[KTLSX_AEAD_TAG_LEN] = { 0 };
	unsigned int n, i;

	for (i = 0; i < sizeof(s->raw); i++)
		s->raw[i] = i;
	if (!prepare(s))
		return false;
	for (n = 0; n <= KTLSX_SWEEP_LEN_MAX;
	     n += n < KTLSX_SWEEP_DENSE_LEN ? 1 : KTLSX_SWEEP_STEP) {
		set_sweep_record(s, n);
		if (!seal(s))
			return false;
		for (i = 0; i < sizeof(sum); i++)
			sum[i] ^= s->tag[i];
		if (!opens(s))
			return false;
	}
	return !memcmp(sum, digest, sizeof(sum));
}

static bool __init engine_passes(enum ktlsx_aead_alg alg, const struct ktlsx_aead_engine *engine)
{
	unsigned int i;
	bool passes = true;

	subject.aead = ktlsx_aead_find(alg);
	subject.engine = engine;
	for (i = 0; passes && i < ktlsx_aead_vector_count; i++)
		if (ktlsx_aead_vectors[i].alg == alg)
			passes = vector_passes(&subject, &ktlsx_aead_vectors[i]);
	return passes && sweep_passes(&subject, ktlsx_aead_sweep_digests[alg]);
}

int __init ktlsx_selftest(void)
{
	const struct ktlsx_aead_engine *const *row;
	unsigned int alg;

	for (alg = 0; alg < KTLSX_AEAD_COUNT; alg++) {
		for (row = ktlsx_aead_find(alg)->engines; *row; row++) {
			if ((*row)->cpu_needs & ~ktlsx_cpu_features())
				continue;
			if (engine_passes(alg, *row))
				continue;
			pr_err("%s: engine %s gives wrong answers, disabled\n",
			       ktlsx_aead_find(alg)->name, (*row)->name);
			if (ktlsx_aead_disable(alg, *row))
				return -EIO;
		}
	}
	return 0;
}
