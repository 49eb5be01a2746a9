// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the mode CCM over any cipher: which bytes each lane is given next, and what becomes of
 * the tags. Lanes are never in step: each has its own spans, and as soon as a record is
 * finished its lane takes the next one.
 * Must not know: ciphers, vector instructions, TLS.
 * Concurrency: stateless, the key is read-only; the source may change while it is read.
 * Specification: NIST SP 800-38C, formatting as in its appendix A, q = 3 and t = 16.
 */
#include "ccm.h"
#include "cpu.h"
#include "spans.h"

#define FLAGS_COUNTER 0x02	/* q - 1 */
#define FLAGS_MAC 0x3a		/* (t - 2) / 2, q - 1 */
#define FLAG_AAD 0x40
#define AAD_SHORT 0xff00	/* shorter ones have their length in two bytes */

struct ccm_run {
	const struct ktlsx_ccm_cipher *cipher;
	const struct ktlsx_aead_key *key;
	const struct ktlsx_aead_text *texts;
	unsigned int count;	/* of texts */
	unsigned int next;	/* the first that is in no lane yet */
	unsigned int bad;	/* the first that did not verify, or @count */
	unsigned int active;	/* lanes in use, first in @lanes */
	u32 steps_left;
	bool sealing;
	struct ktlsx_ccm_lane *lanes[KTLSX_CCM_LANES_MAX];
};

/* Flags, nonce, and 24 bits of counter or length. */
static void format_block(u8 block[16], u8 flags, const u8 *nonce, u32 number)
{
	block[0] = flags;
	memcpy(block + 1, nonce, KTLSX_AEAD_NONCE_LEN);
	block[13] = number >> 16;
	block[14] = number >> 8;
	block[15] = number;
}

static void clear_block(struct ktlsx_ccm_lane *l)
{
	memset(l->block, 0, sizeof(l->block));
}

static void aim_at_block(struct ktlsx_ccm_lane *l)
{
	l->in = l->block;
	l->out = l->block;
	l->blocks = 1;
}

/* The length of the additional data is part of them. */
static size_t format_aad_len(u8 *block, size_t aad_len)
{
	if (aad_len < AAD_SHORT) {
		block[0] = aad_len >> 8;
		block[1] = aad_len;
		return 2;
	}
	block[0] = 0xff;
	block[1] = 0xfe;
	port_put_be32(block + 2, aad_len);
	return 6;
}

/* For the MAC only: the key stream that meets them is of no use, and wiped with the lane. */
static void aim_at_aad(struct ktlsx_ccm_lane *l)
{
	const struct ktlsx_aead_text *text = l->text;
	size_t at = 0, i;
	const u8 *aad = text->aad + (text->aad_len - l->aad_left);

	clear_block(l);
	if (l->aad_left == text->aad_len)
		at = format_aad_len(l->block, text->aad_len);
	for (i = 0; at < sizeof(l->block) && i < l->aad_left; i++, at++)
		l->block[at] = aad[i];
	l->aad_left -= i;
	l->known = 0;
	aim_at_block(l);
}

/* A block that crosses a border, and the last one if it is short, go by the bounce buffer. */
static void bounce(struct ktlsx_ccm_lane *l, struct ktlsx_cursor *src, size_t len)
{
	clear_block(l);
	ktlsx_cursor_gather(src, l->block, len);
	/* the source may change: from here on only the copy counts */
	barrier_data(l->block);
	l->bounced = len;
	aim_at_block(l);
}

static void aim_at_text(struct ktlsx_ccm_lane *l, bool sealing)
{
	struct ktlsx_cursor src = { l->src, l->src_off }, dst = { l->dst, l->dst_off };
	size_t run, len;

	if (l->left == l->text->text_len)
		format_block(l->counter, FLAGS_COUNTER, l->text->nonce, 1);
	run = min(ktlsx_cursor_run(&src), ktlsx_cursor_run(&dst));
	len = min_t(size_t, run, l->left) / 16 * 16;
	if (likely(len)) {
		l->in = ktlsx_cursor_here(&src);
		l->out = ktlsx_cursor_here(&dst);
		l->blocks = len / 16;
		src.off += len;
		dst.off += len;
	} else {
		len = min_t(size_t, l->left, 16);
		bounce(l, &src, len);
	}
	l->known = sealing ? 0 : min_t(size_t, len, 16);
	l->left -= len;
	l->src = src.span;
	l->src_off = src.off;
	l->dst = dst.span;
	l->dst_off = dst.off;
}

/* Key stream 0 is what masks the chain's last block: with all of it known that is the tag. */
static void aim_at_tag(struct ktlsx_ccm_lane *l)
{
	format_block(l->counter, FLAGS_COUNTER, l->text->nonce, 0);
	clear_block(l);
	l->known = 16;
	l->finished = true;
	aim_at_block(l);
}

/* Gives the lane its next blocks; false when the tag is in l->mac. */
static bool aim(struct ktlsx_ccm_lane *l, bool sealing)
{
	struct ktlsx_cursor dst = { l->dst, l->dst_off };

	if (l->bounced) {
		ktlsx_cursor_scatter(&dst, l->block, l->bounced);
		l->bounced = 0;
		l->dst = dst.span;
		l->dst_off = dst.off;
	}
	if (l->aad_left)
		aim_at_aad(l);
	else if (l->left)
		aim_at_text(l, sealing);
	else if (!l->finished)
		aim_at_tag(l);
	else
		return false;
	return true;
}

/* A lane for the next record; false when there is none. */
static bool start_next(struct ccm_run *r, struct ktlsx_ccm_lane *l)
{
	const struct ktlsx_aead_text *text = &r->texts[r->next];
	u8 flags = FLAGS_MAC;

	if (r->next == r->count || r->bad < r->count)
		return false;
	r->next++;
	if (text->aad_len)
		flags |= FLAG_AAD;
	format_block(l->mac, flags, text->nonce, text->text_len);
	format_block(l->counter, FLAGS_COUNTER, text->nonce, 0);
	l->text = text;
	l->src = text->src;
	l->dst = text->dst;
	l->src_off = 0;
	l->dst_off = 0;
	l->left = text->text_len;
	l->aad_left = text->aad_len;
	l->bounced = 0;
	l->finished = false;
	return aim(l, r->sealing);
}

static void finish(struct ccm_run *r, const struct ktlsx_ccm_lane *l)
{
	unsigned int index = l->text - r->texts;

	if (r->sealing)
		memcpy(l->text->tag, l->mac, KTLSX_AEAD_TAG_LEN);
	else if (!ktlsx_tag_matches(l->mac, l->text->tag))
		r->bad = min(r->bad, index);
}

/* From the last lane to the first: the one that fills a gap has had its turn. */
static void advance(struct ccm_run *r, u32 steps)
{
	struct ktlsx_ccm_lane *l;
	unsigned int i;

	for (i = r->active; i--;) {
		l = r->lanes[i];
		l->blocks -= steps;
		l->in += 16 * (size_t)steps;
		l->out += 16 * (size_t)steps;
		if (l->blocks || aim(l, r->sealing))
			continue;
		finish(r, l);
		if (!start_next(r, l))
			r->lanes[i] = r->lanes[--r->active];
	}
}

/* How far all lanes can go. */
static u32 common_steps(const struct ccm_run *r)
{
	u32 steps = r->steps_left;
	unsigned int i;

	for (i = 0; i < r->active; i++)
		steps = min(steps, r->lanes[i]->blocks);
	return steps;
}

static void refill_section(struct ccm_run *r)
{
	r->steps_left = r->cipher->steps_max ? r->cipher->steps_max : U32_MAX;
}

static void start_lanes(struct ccm_run *r, struct ktlsx_ccm_lane *store)
{
	r->next = 0;
	r->bad = r->count;
	refill_section(r);
	for (r->active = 0; r->active < r->cipher->lanes; r->active++) {
		r->lanes[r->active] = &store[r->active];
		if (!start_next(r, r->lanes[r->active]))
			return;
	}
}

static void run_lanes(struct ccm_run *r)
{
	u32 steps;

	while (r->active) {
		steps = common_steps(r);
		r->cipher->steps(r->key, r->lanes, r->active, steps);
		advance(r, steps);
		r->steps_left -= steps;
		if (unlikely(!r->steps_left)) {
			if (r->cipher->steps_max)
				ktlsx_simd_pause();
			refill_section(r);
		}
	}
}

/* Two frames: each is smaller than a kernel allows. */
static noinline unsigned int run_in(struct ktlsx_ccm_lane *store,
				    const struct ktlsx_ccm_cipher *cipher,
				    const struct ktlsx_aead_key *key,
				    const struct ktlsx_aead_text *texts, unsigned int count,
				    bool sealing)
{
	struct ccm_run r port_uninitialized;

	r.cipher = cipher;
	r.key = key;
	r.texts = texts;
	r.count = count;
	r.sealing = sealing;
	start_lanes(&r, store);
	run_lanes(&r);
	memzero_explicit(store, min(count, cipher->lanes) * sizeof(*store));
	return r.bad;
}

/**
 * ktlsx_ccm_seal() - as ktlsx_aead_seal_run()
 * @cipher: what the engine is made of
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Where the cipher can run; it may leave and enter its vector section.
 */
void ktlsx_ccm_seal(const struct ktlsx_ccm_cipher *cipher, const struct ktlsx_aead_key *key,
		    const struct ktlsx_aead_text *texts, unsigned int count)
{
	struct ktlsx_ccm_lane store[KTLSX_CCM_LANES_MAX] port_uninitialized;

	run_in(store, cipher, key, texts, count, true);
}

/**
 * ktlsx_ccm_open() - as ktlsx_aead_open_run()
 * @cipher: what the engine is made of
 * @key: prepared key
 * @texts: what and where
 * @count: records
 *
 * Context: Where the cipher can run; it may leave and enter its vector section.
 * Return: how many records verified before the first that did not.
 */
unsigned int ktlsx_ccm_open(const struct ktlsx_ccm_cipher *cipher,
			    const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
			    unsigned int count)
{
	struct ktlsx_ccm_lane store[KTLSX_CCM_LANES_MAX] port_uninitialized;
	unsigned int bad = run_in(store, cipher, key, texts, count, false);

	if (unlikely(bad < count))
		return ktlsx_texts_refuse(texts, bad, count);
	return count;
}

/**
 * ktlsx_ccm_block() - as ktlsx_aead_block()
 * @cipher: what the engine is made of
 * @key: prepared key
 * @nonce: of the record
 * @index: block number
 * @in: ciphertext
 * @out: plaintext; may be @in
 *
 * Context: Where the cipher can run.
 */
void ktlsx_ccm_block(const struct ktlsx_ccm_cipher *cipher, const struct ktlsx_aead_key *key,
		     const u8 *nonce, u32 index, const u8 in[KTLSX_AEAD_BLOCK_LEN],
		     u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	struct ktlsx_ccm_lane lane = { .in = in, .out = out, .blocks = 1 };
	struct ktlsx_ccm_lane *const lanes[] = { &lane };

	format_block(lane.counter, FLAGS_COUNTER, nonce, index + 1);
	cipher->steps(key, lanes, 1, 1);
	memzero_explicit(&lane, sizeof(lane));
}
