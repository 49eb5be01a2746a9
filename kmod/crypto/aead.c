// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the table of algorithms and engines, and the choice between them.
 * Must not know: how an engine works, TLS.
 * Concurrency: the table is written at load only; everything else reads.
 */
#include "aead.h"
#include "cpu.h"
#include "gcm.h"

/* Best first, generic last. */
static const struct ktlsx_aead_engine *const gcm_engines[] = {
	&ktlsx_gcm_aesni,
	&ktlsx_gcm_generic,
	NULL,
};

static struct ktlsx_aead aeads[KTLSX_AEAD_COUNT] __ro_after_init = {
	[KTLSX_AEAD_AES_128_GCM] = {
		.name = "aes-128-gcm",
		.key_len = 16,
		.nonce_len = KTLSX_AEAD_NONCE_LEN,
		.tag_len = KTLSX_AEAD_TAG_LEN,
		.engines = gcm_engines,
		.fast = &ktlsx_gcm_generic,
		.generic = &ktlsx_gcm_generic,
	},
	[KTLSX_AEAD_AES_256_GCM] = {
		.name = "aes-256-gcm",
		.key_len = 32,
		.nonce_len = KTLSX_AEAD_NONCE_LEN,
		.tag_len = KTLSX_AEAD_TAG_LEN,
		.engines = gcm_engines,
		.fast = &ktlsx_gcm_generic,
		.generic = &ktlsx_gcm_generic,
	},
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

/* From @from on, the first engine the CPU can run; the generic one at the latest. */
static const struct ktlsx_aead_engine *first_usable(const struct ktlsx_aead_engine *const *from)
{
	while (*from && !ktlsx_aead_can_run(*from))
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

static bool is_known(const char *isa)
{
	unsigned int i;

	for (i = 0; i < KTLSX_AEAD_COUNT; i++)
		if (*find_engine(&aeads[i], isa))
			return true;
	return false;
}

/**
 * ktlsx_aead_init() - choose the engine of every algorithm for this CPU
 * @isa: the best engine allowed by name; NULL or empty for no limit
 *
 * Context: Load time, before any other function here.
 * Return: 0, or -EINVAL when no engine is called @isa.
 */
int ktlsx_aead_init(const char *isa)
{
	const struct ktlsx_aead_engine *const *row;
	unsigned int i;

	if (isa && *isa && !is_known(isa))
		return -EINVAL;
	for (i = 0; i < KTLSX_AEAD_COUNT; i++) {
		row = aeads[i].engines;
		if (isa && *isa)
			row = find_engine(&aeads[i], isa);
		aeads[i].fast = first_usable(row);
		if (!aeads[i].fast)
			aeads[i].fast = aeads[i].generic;
	}
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
		aead->fast = first_usable(find_engine(aead, engine->name) + 1);
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
 * ktlsx_aead_seal() - encrypt and authenticate one record
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @text: what and where; the nonce must be fresh under this key
 * @tag: filled; computed from the ciphertext as written, never read back from @text->dst
 *
 * Context: Inside the engine's section.
 */
void ktlsx_aead_seal(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
		     const struct ktlsx_aead_text *text, u8 tag[KTLSX_AEAD_TAG_LEN])
{
	/* comparing first keeps the usual call direct: an indirect one costs a retpoline */
	if (likely(engine->seal == ktlsx_gcm_aesni_seal))
		ktlsx_gcm_aesni_seal(key, text, tag);
	else
		engine->seal(key, text, tag);
}

/**
 * ktlsx_aead_open() - authenticate and decrypt one record
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @text: what and where; the destination holds plaintext only after a return of 0
 * @tag: the received tag, a private copy
 *
 * Context: Inside the engine's section.
 * Return: 0, or -EBADMSG when the tag does not match: the destination is zeroed.
 */
int ktlsx_aead_open(const struct ktlsx_aead_engine *engine, const struct ktlsx_aead_key *key,
		    const struct ktlsx_aead_text *text, const u8 tag[KTLSX_AEAD_TAG_LEN])
{
	if (likely(engine->open == ktlsx_gcm_aesni_open))
		return ktlsx_gcm_aesni_open(key, text, tag);
	return engine->open(key, text, tag);
}

/**
 * ktlsx_aead_block() - decrypt one block by its index, without authentication
 * @engine: from ktlsx_aead_enter()
 * @key: prepared for the engine's algorithm
 * @nonce: of the record
 * @index: block number; 0 holds bytes 0 to 15 of the text
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
