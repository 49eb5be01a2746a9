// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the table of algorithms and engines, and the choice between them.
 * Must not know: how an engine works, TLS.
 * Concurrency: the table is written at load only; everything else reads.
 */
#include "aead.h"
#include "aria.h"
#include "ccm.h"
#include "chacha_poly.h"
#include "cpu.h"
#include "gcm.h"
#include "sm4_cbc.h"
#include "sm4_gcm.h"

/* Best first, generic last. */
static const struct ktlsx_aead_engine *const gcm_engines[] = {
	&ktlsx_gcm_avx512,
	&ktlsx_gcm_vaes256,
	&ktlsx_gcm_vaes256_pclmul,
	&ktlsx_gcm_aesni,
	&ktlsx_gcm_generic,
	NULL,
};

static const struct ktlsx_aead_engine *const sm4_gcm_engines[] = {
	&ktlsx_sm4_gcm_gfni512,
	&ktlsx_sm4_gcm_gfni256,
	&ktlsx_sm4_gcm_aesni_avx2,
	&ktlsx_sm4_gcm_generic,
	NULL,
};

static const struct ktlsx_aead_engine *const sm4_cbc_engines[] = {
	&ktlsx_sm4_cbc_gfni512,
	&ktlsx_sm4_cbc_gfni256,
	&ktlsx_sm4_cbc_aesni_avx2,
	&ktlsx_sm4_cbc_generic,
	NULL,
};

static const struct ktlsx_aead_engine *const aes_ccm_engines[] = {
	&ktlsx_aes_ccm_aesni,
	&ktlsx_aes_ccm_generic,
	NULL,
};

static const struct ktlsx_aead_engine *const sm4_ccm_engines[] = {
	&ktlsx_sm4_ccm_gfni512,
	&ktlsx_sm4_ccm_gfni256,
	&ktlsx_sm4_ccm_aesni_avx2,
	&ktlsx_sm4_ccm_generic,
	NULL,
};

static const struct ktlsx_aead_engine *const aria_gcm_engines[] = {
	&ktlsx_aria_gcm_aesni_avx2,
	&ktlsx_aria_gcm_generic,
	NULL,
};

static const struct ktlsx_aead_engine *const chacha_poly_engines[] = {
	&ktlsx_chacha_poly_library,
	NULL,
};

#define AEAD_LIKE(id, label, raw_len, row, slowest)			\
	[KTLSX_AEAD_##id] = {						\
		.name = label,						\
		.key_len = raw_len,					\
		.nonce_len = KTLSX_AEAD_NONCE_LEN,			\
		.tag_len = KTLSX_AEAD_TAG_LEN,				\
		.engines = row,						\
		.generic = &(slowest),					\
	}

static struct ktlsx_aead aeads[KTLSX_AEAD_COUNT] __ro_after_init = {
	AEAD_LIKE(AES_128_GCM, "aes-128-gcm", 16, gcm_engines, ktlsx_gcm_generic),
	AEAD_LIKE(AES_256_GCM, "aes-256-gcm", 32, gcm_engines, ktlsx_gcm_generic),
	AEAD_LIKE(SM4_GCM, "sm4-gcm", 16, sm4_gcm_engines, ktlsx_sm4_gcm_generic),
	[KTLSX_AEAD_SM4_CBC_SM3] = {
		.name = "sm4-cbc-sm3",
		.key_len = KTLSX_CBC_MAC_KEY_LEN + KTLSX_SM4_RAW_LEN,
		.nonce_len = KTLSX_SM4_BLOCK_LEN,
		.mac_len = KTLSX_CBC_MAC_LEN,
		.engines = sm4_cbc_engines,
		.generic = &ktlsx_sm4_cbc_generic,
	},
	AEAD_LIKE(AES_128_CCM, "aes-128-ccm", 16, aes_ccm_engines, ktlsx_aes_ccm_generic),
	AEAD_LIKE(AES_256_CCM, "aes-256-ccm", 32, aes_ccm_engines, ktlsx_aes_ccm_generic),
	AEAD_LIKE(SM4_CCM, "sm4-ccm", 16, sm4_ccm_engines, ktlsx_sm4_ccm_generic),
	AEAD_LIKE(CHACHA20_POLY1305, "chacha20-poly1305", 32, chacha_poly_engines,
		  ktlsx_chacha_poly_library),
	AEAD_LIKE(ARIA_128_GCM, "aria-128-gcm", 16, aria_gcm_engines, ktlsx_aria_gcm_generic),
	AEAD_LIKE(ARIA_256_GCM, "aria-256-gcm", 32, aria_gcm_engines, ktlsx_aria_gcm_generic),
};

/**
 * ktlsx_aead_can_run() - is the engine for this CPU?
 * @engine: any
 *
 * Context: Any.
 * Return: whether the CPU has all it needs.
 */
bool ktlsx_aead_can_run(const struct ktlsx_aead_engine *engine)
{
	return !(engine->cpu_needs & ~ktlsx_cpu_features());
}

/* From @from on, the first engine that needs no more than @features; NULL when none. */
static const struct ktlsx_aead_engine *first_usable(const struct ktlsx_aead_engine *const *from,
						    u32 features)
{
	while (*from && (*from)->cpu_needs & ~features)
		from++;
	return *from;
}

static const struct ktlsx_aead_engine *const *find_engine(const struct ktlsx_aead *aead,
							  const char *name)
{
	const struct ktlsx_aead_engine *const *row = aead->engines;

	while (*row && strcmp((*row)->name, name))
		row++;
	return row;
}

/* What the engines called @isa need; false when there are none. */
static bool needs_of(const char *isa, u32 *needs)
{
	const struct ktlsx_aead_engine *engine;
	bool found = false;
	unsigned int i;

	*needs = 0;
	for (i = 0; i < KTLSX_AEAD_COUNT; i++) {
		engine = *find_engine(&aeads[i], isa);
		if (!engine)
			continue;
		*needs |= engine->cpu_needs;
		found = true;
	}
	return found;
}

/**
 * ktlsx_aead_init() - choose the engine of every algorithm for this CPU
 * @isa: name of an engine: each algorithm gets its best one that needs no more of the
 *       CPU than those of this name do. NULL or empty for no limit
 *
 * Context: Load time, before any other function here.
 * Return: 0, or -EINVAL when no engine is called @isa.
 */
int ktlsx_aead_init(const char *isa)
{
	u32 allowed = ~ktlsx_cpu_slowed_by();
	unsigned int i;

	if (isa && *isa && !needs_of(isa, &allowed))
		return -EINVAL;
	allowed &= ktlsx_cpu_features();
	for (i = 0; i < KTLSX_AEAD_COUNT; i++)
		aeads[i].fast = first_usable(aeads[i].engines, allowed);
	return 0;
}

/**
 * ktlsx_aead_find() - the algorithm of an id
 * @alg: which
 *
 * Context: Any, after ktlsx_aead_init().
 * Return: never NULL for a value of the enum; valid for ever.
 */
const struct ktlsx_aead *ktlsx_aead_find(enum ktlsx_aead_alg alg)
{
	return &aeads[alg];
}

/**
 * ktlsx_aead_disable() - never choose an engine again (it failed its self-test)
 * @alg: the algorithm it failed for
 * @engine: the engine
 *
 * Context: Load time, between ktlsx_aead_init() and the first record.
 * Return: 0, or -ENOENT when it was the last engine of the algorithm.
 */
int ktlsx_aead_disable(enum ktlsx_aead_alg alg, const struct ktlsx_aead_engine *engine)
{
	struct ktlsx_aead *aead = &aeads[alg];

	if (engine == aead->generic)
		return -ENOENT;
	if (engine == aead->fast)
		aead->fast = first_usable(find_engine(aead, engine->name) + 1,
					  ktlsx_cpu_features());
	return 0;
}

/**
 * ktlsx_aead_prepare() - expand a raw key for every engine of the algorithm
 * @aead: algorithm
 * @key: filled; to be wiped with ktlsx_aead_wipe()
 * @raw: @aead->key_len bytes
 *
 * Context: Any, outside of ktlsx_aead_enter(): it opens a vector section of its own
 *          where it can. Constant time.
 */
void ktlsx_aead_prepare(const struct ktlsx_aead *aead, struct ktlsx_aead_key *key, const u8 *raw)
{
	const struct ktlsx_aead_engine *engine = ktlsx_aead_enter(aead);

	engine->prepare(key, raw, aead->key_len);
	ktlsx_aead_leave(engine);
}

/**
 * ktlsx_aead_wipe() - forget a prepared key
 * @key: key
 *
 * Context: Any.
 */
void ktlsx_aead_wipe(struct ktlsx_aead_key *key)
{
	memzero_explicit(key, sizeof(*key));
}

/**
 * ktlsx_aead_enter() - choose the engine for now, opening its vector section
 * @aead: algorithm
 *
 * Several calls on the returned engine may follow, up to its section_len_max
 * record bytes in total; no fault and no sleep until ktlsx_aead_leave().
 *
 * Context: Any. Preemption may be off until ktlsx_aead_leave().
 * Return: @aead->fast, or @aead->generic when the vector registers are not usable.
 */
const struct ktlsx_aead_engine *ktlsx_aead_enter(const struct ktlsx_aead *aead)
{
	if (!aead->fast->uses_fpu || ktlsx_simd_begin())
		return aead->fast;
	return aead->generic;
}

/**
 * ktlsx_aead_leave() - close what ktlsx_aead_enter() opened
 * @engine: what it returned
 *
 * Context: Same as the enter.
 */
void ktlsx_aead_leave(const struct ktlsx_aead_engine *engine)
{
	if (engine->uses_fpu)
		ktlsx_simd_end();
}

/**
 * ktlsx_aead_seal_run() - encrypt and authenticate records
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @texts: what and where; each nonce must be fresh under this key. No destination may
 *         overlap the source of another record
 * @count: records, at least one. Engines interleave short ones, or equally long ones, when
 *         they gain by it
 *
 * Context: Inside the engine's section. Tags are computed from the ciphertext as
 *          written, never read back from a destination.
 */
void ktlsx_aead_seal_run(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
			 const struct ktlsx_aead_text *texts, unsigned int count)
{
	/* comparing first keeps the usual call direct: an indirect one costs a retpoline */
	if (likely(engine->seal == ktlsx_gcm_avx512_seal))
		ktlsx_gcm_avx512_seal(key, texts, count);
	else if (engine->seal == ktlsx_gcm_vaes256_seal)
		ktlsx_gcm_vaes256_seal(key, texts, count);
	else if (engine->seal == ktlsx_gcm_aesni_seal)
		ktlsx_gcm_aesni_seal(key, texts, count);
	else
		engine->seal(key, texts, count);
}

/**
 * ktlsx_aead_open_run() - authenticate and decrypt records
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @texts: what and where; a destination holds plaintext only when its record verified
 * @count: records, at least one
 *
 * Of a CBC record the destination gets content, MAC and padding: its last byte, verified
 * like the rest, says how many bytes of padding stand before it.
 *
 * Context: Inside the engine's section.
 * Return: how many records verified before the first that did not. The destinations of
 *         that one and of all behind it are zeroed.
 */
unsigned int ktlsx_aead_open_run(const struct ktlsx_aead_engine *engine,
				 const struct ktlsx_aead_key *key,
				 const struct ktlsx_aead_text *texts, unsigned int count)
{
	if (likely(engine->open == ktlsx_gcm_avx512_open))
		return ktlsx_gcm_avx512_open(key, texts, count);
	if (engine->open == ktlsx_gcm_vaes256_open)
		return ktlsx_gcm_vaes256_open(key, texts, count);
	if (engine->open == ktlsx_gcm_aesni_open)
		return ktlsx_gcm_aesni_open(key, texts, count);
	return engine->open(key, texts, count);
}

/**
 * ktlsx_aead_seal() - encrypt and authenticate one record
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @text: as ktlsx_aead_seal_run()
 *
 * Context: Inside the engine's section.
 */
void ktlsx_aead_seal(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
		     const struct ktlsx_aead_text *text)
{
	ktlsx_aead_seal_run(engine, key, text, 1);
}

/**
 * ktlsx_aead_open() - authenticate and decrypt one record
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @text: as ktlsx_aead_open_run()
 *
 * Context: Inside the engine's section.
 * Return: 0, or -EBADMSG when the record does not verify: the destination is zeroed.
 */
int ktlsx_aead_open(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
		    const struct ktlsx_aead_text *text)
{
	return ktlsx_aead_open_run(engine, key, text, 1) ? 0 : -EBADMSG;
}

/**
 * ktlsx_aead_block() - decrypt one block by its index, without authentication
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @nonce: of the record; for CBC the ciphertext block before, of the first block the IV
 * @index: block number; 0 holds bytes 0 to 15 of the text. CBC does not look at it
 * @in: ciphertext, padded to a whole block
 * @out: plaintext; may be @in. Nothing in it is to be believed before the tag is
 *
 * Context: Inside the engine's section.
 */
void ktlsx_aead_block(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
		      const u8 *nonce, u32 index, const u8 in[KTLSX_AEAD_BLOCK_LEN],
		      u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	engine->block(key, nonce, index, in, out);
}
