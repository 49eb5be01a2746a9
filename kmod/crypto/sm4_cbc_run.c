// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns sealing several SM4-CBC and HMAC-SM3 records at once: CBC makes the blocks of one wait
 * for each other, but not those of many. Which record is in which lane, where each has come to
 * and how they end.
 * Must not know: vector instructions, TLS. Concurrency: stateless, the key is read-only; each
 * source byte is loaded once, by the engine or into the bounce buffer.
 * Specification: GB/T 38636-2020 section 6.3.3.4.
 *
 * All lanes go on as far as the shortest record; those that end alone are finished alone, and
 * their lane idles. Those that end in the same step with as many bytes end together.
 */
#include "sm4_cbc_mode.h"

#define STEP KTLSX_CBC_STEP_LEN
#define LANES_MAX KTLSX_CBC_LANES_MAX
/* Of all lanes 32 KB: in half the time a vector section may take. */
#define SECTION_STEPS 32
/* From here on in its last step a record's length goes to another block of the hash. */
#define HASH_ROOM (KTLSX_SM3_BLOCK_LEN - KTLSX_CBC_HEADER_LEN - 8)

/* @left: bytes of content that are not done; @busy: is there still a record here? */
struct lane {
	struct ktlsx_cursor src;
	struct ktlsx_cursor dst;
	size_t left;
	bool busy;
};

struct run {
	const struct ktlsx_cbc_ops *ops;
	const struct ktlsx_sm4_cbc_key *key;
	const struct ktlsx_aead_text *texts;
	unsigned int busy;		/* how many lanes are */
	unsigned int steps;		/* in this section */
	struct lane lane[LANES_MAX];
	u8 bounce[LANES_MAX][STEP] __aligned(16);
};

static void put_words(u32 *words, unsigned int lanes, unsigned int lane, const u8 *bytes)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		words[lanes * i + lane] = port_get_be32(bytes + 4 * i);
}

static void get_words(u8 *bytes, const u32 *words, unsigned int lanes, unsigned int lane)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		port_put_be32(bytes + 4 * i, words[lanes * i + lane]);
}

/* To and from the bounce buffer, as often as it takes. */
static void idle(struct run *r, struct ktlsx_cbc_lanes *l, unsigned int i)
{
	r->lane[i].busy = false;
	l->src[i] = r->bounce[i];
	l->dst[i] = r->bounce[i];
	l->step[i] = 0;
}

static void start_lane(struct run *r, struct ktlsx_cbc_lanes *l, unsigned int i)
{
	const unsigned int lanes = r->ops->lanes;
	const struct ktlsx_aead_text *text = &r->texts[i];
	u8 before[KTLSX_SM4_BLOCK_LEN] = { 0 };
	unsigned int j;

	r->lane[i] = (struct lane){ { text->src, 0 }, { text->dst, 0 }, text->text_len, true };
	l->step[i] = STEP;
	ktlsx_cbc_set_header(before + sizeof(before) - KTLSX_CBC_HEADER_LEN, text->aad,
			     text->text_len);
	put_words(l->carry, lanes, i, before);
	put_words(l->chain, lanes, i, text->nonce);
	for (j = 0; j < KTLSX_SM3_WORDS; j++)
		l->hash[lanes * j + i] = r->key->inner[j];
}

/* Takes one record out of the lanes and seals the rest of it. */
static noinline void finish_alone(struct run *r, struct ktlsx_cbc_lanes *l, unsigned int i)
{
	const unsigned int lanes = r->ops->lanes;
	u8 before[KTLSX_SM4_BLOCK_LEN];
	struct ktlsx_cbc_place place = {
		.src = r->lane[i].src, .dst = r->lane[i].dst,
		.left = r->lane[i].left, .text_len = r->texts[i].text_len,
	};
	unsigned int j;

	get_words(before, l->carry, lanes, i);
	memcpy(place.before, before + sizeof(before) - KTLSX_CBC_HEADER_LEN, KTLSX_CBC_HEADER_LEN);
	get_words(place.chain, l->chain, lanes, i);
	for (j = 0; j < KTLSX_SM3_WORDS; j++)
		place.hash[j] = l->hash[lanes * j + i];
	ktlsx_cbc_seal_rest(r->ops, r->key, &place);
	memzero_explicit(before, sizeof(before));
	idle(r, l, i);
	r->busy--;
}

static void run_steps(struct run *r, struct ktlsx_cbc_lanes *l, size_t steps)
{
	r->ops->run(&r->key->sm4, l, steps);
	r->steps += (unsigned int)steps;
	if (r->steps < SECTION_STEPS)
		return;
	r->steps = 0;
	/* a multiple of whatever a section may do */
	ktlsx_cbc_pause(r->ops, 0);
}

/* How many steps lie ahead in all lanes, and in how many of them no span ends. */
static size_t steps_ahead(struct run *r, size_t *contiguous)
{
	size_t steps = SECTION_STEPS, run = SECTION_STEPS * STEP;
	struct lane *lane;

	for (lane = r->lane; lane < r->lane + r->ops->lanes; lane++) {
		if (!lane->busy)
			continue;
		steps = min(steps, lane->left / STEP);
		if (!steps)
			return 0;
		run = min(run, ktlsx_cursor_run(&lane->src));
		run = min(run, ktlsx_cursor_run(&lane->dst));
	}
	*contiguous = run / STEP;
	return steps;
}

static void go_straight(struct run *r, struct ktlsx_cbc_lanes *l, size_t steps)
{
	struct lane *lane;
	unsigned int i;

	for (i = 0; i < r->ops->lanes; i++) {
		lane = &r->lane[i];
		if (!lane->busy)
			continue;
		l->src[i] = ktlsx_cursor_here(&lane->src);
		l->dst[i] = ktlsx_cursor_here(&lane->dst);
		lane->src.off += steps * STEP;
		lane->dst.off += steps * STEP;
		lane->left -= steps * STEP;
	}
	run_steps(r, l, steps);
}

/* One step; where a span ends in it, by way of the bounce buffer. */
static void go_over_border(struct run *r, struct ktlsx_cbc_lanes *l)
{
	struct lane *lane;
	unsigned int i;

	for (i = 0; i < r->ops->lanes; i++) {
		lane = &r->lane[i];
		if (!lane->busy)
			continue;
		l->src[i] = r->bounce[i];
		l->dst[i] = r->bounce[i];
		if (ktlsx_cursor_run(&lane->src) < STEP) {
			ktlsx_cursor_gather(&lane->src, r->bounce[i], STEP);
		} else {
			l->src[i] = ktlsx_cursor_here(&lane->src);
			lane->src.off += STEP;
		}
	}
	run_steps(r, l, 1);
	for (i = 0; i < r->ops->lanes; i++) {
		lane = &r->lane[i];
		if (!lane->busy)
			continue;
		ktlsx_cursor_scatter(&lane->dst, r->bounce[i], STEP);
		lane->left -= STEP;
	}
}

/* @words: what the second of two last blocks of the hash holds: little but the length. */
static void set_last_block(const struct run *r, const struct ktlsx_cbc_lanes *l, u32 *words)
{
	const unsigned int lanes = r->ops->lanes;
	const u32 *carry = l->carry;
	unsigned int i;

	memset(words, 0, sizeof(*words) * 16 * lanes);
	for (i = 0; i < 3 * lanes; i++)
		words[i] = carry[i] << 24 | carry[lanes + i] >> 8;
	for (; i < 4 * lanes; i++)
		words[i] = carry[i] << 24;
	for (i = 0; i < lanes; i++)
		if (r->lane[i].busy)
			words[15 * lanes + i] = ktlsx_cbc_bits(r->texts[i].text_len);
}

/* The hashes become MACs. */
static noinline void finish_hashes(const struct run *r, struct ktlsx_cbc_lanes *l, size_t left)
{
	u32 words[16 * LANES_MAX] __aligned(64);
	const unsigned int lanes = r->ops->lanes;
	unsigned int i, j;

	if (left >= HASH_ROOM) {
		set_last_block(r, l, words);
		r->ops->hash_lanes(l->hash, words);
	}
	memset(words, 0, sizeof(words));
	for (i = 0; i < lanes; i++) {
		for (j = 0; j < KTLSX_SM3_WORDS; j++) {
			words[lanes * j + i] = l->hash[lanes * j + i];
			l->hash[lanes * j + i] = r->key->outer[j];
		}
		words[lanes * 8 + i] = 0x80000000;
		words[lanes * 15 + i] = 8 * (KTLSX_SM3_BLOCK_LEN + KTLSX_SM3_DIGEST_LEN);
	}
	r->ops->hash_lanes(l->hash, words);
	memzero_explicit(words, sizeof(words));
}

/* What is left of each record, padded for the hash, goes through the lanes for that only. */
static noinline void hash_rests(struct run *r, struct ktlsx_cbc_lanes *l, size_t left)
{
	u8 nowhere[STEP] __aligned(16);
	u32 chain[4 * LANES_MAX];
	unsigned int i;
	u8 *rest;

	for (i = 0; i < r->ops->lanes; i++) {
		rest = r->bounce[i];
		l->src[i] = rest;
		l->dst[i] = nowhere;
		l->step[i] = 0;
		if (!r->lane[i].busy)
			continue;
		ktlsx_cursor_gather(&r->lane[i].src, rest, left);
		memset(rest + left, 0, STEP - left);
		rest[left] = 0x80;
		if (left < HASH_ROOM)
			port_put_be32(rest + STEP - KTLSX_CBC_HEADER_LEN - 4,
				      ktlsx_cbc_bits(r->texts[i].text_len));
	}
	/* the source may change: from here on only the copies count */
	barrier_data(r->bounce);
	memcpy(chain, l->chain, sizeof(chain));
	run_steps(r, l, 1);
	memcpy(l->chain, chain, sizeof(chain));
	memzero_explicit(nowhere, sizeof(nowhere));
}

/* From @done on, what is left of a record, its MAC and its padding, up to @total. */
static void set_end(struct run *r, const u32 *mac, unsigned int i, size_t left, size_t done,
		    size_t total)
{
	u8 end[STEP + KTLSX_CBC_MAC_LEN];
	u8 *bounce = r->bounce[i];
	unsigned int j;

	memcpy(end, bounce, left);
	for (j = 0; j < KTLSX_SM3_WORDS; j++)
		port_put_be32(end + left + 4 * j, mac[r->ops->lanes * j + i]);
	left += KTLSX_CBC_MAC_LEN;
	memset(end + left, (int)(total - left - 1), total - left);
	memcpy(bounce, end + done, min_t(size_t, STEP, total - done));
	memzero_explicit(end, sizeof(end));
}

static noinline void crypt_ends(struct run *r, struct ktlsx_cbc_lanes *l, size_t left)
{
	const size_t blocks = (left + KTLSX_CBC_MAC_LEN) / KTLSX_SM4_BLOCK_LEN + 1;
	const size_t total = blocks * KTLSX_SM4_BLOCK_LEN;
	u32 mac[KTLSX_SM3_WORDS * LANES_MAX];
	unsigned int i;
	size_t done;

	memcpy(mac, l->hash, sizeof(mac));
	for (i = 0; i < r->ops->lanes; i++)
		l->dst[i] = r->bounce[i];
	for (done = 0; done < total; done += STEP) {
		for (i = 0; i < r->ops->lanes; i++)
			if (r->lane[i].busy)
				set_end(r, mac, i, left, done, total);
		run_steps(r, l, 1);
		for (i = 0; i < r->ops->lanes; i++)
			if (r->lane[i].busy)
				ktlsx_cursor_scatter(&r->lane[i].dst, r->bounce[i],
						     min_t(size_t, STEP, total - done));
	}
	memzero_explicit(mac, sizeof(mac));
}

/* Returns whether they did: all records that are left end with @left bytes. */
static bool finish_together(struct run *r, struct ktlsx_cbc_lanes *l)
{
	size_t left = STEP;
	unsigned int i;

	for (i = 0; i < r->ops->lanes; i++)
		if (r->lane[i].busy)
			left = min(left, r->lane[i].left);
	for (i = 0; i < r->ops->lanes; i++)
		if (r->lane[i].busy && r->lane[i].left != left)
			return false;
	hash_rests(r, l, left);
	finish_hashes(r, l, left);
	crypt_ends(r, l, left);
	return true;
}

/* Apart from its caller, because what both hold makes too large a frame. */
static noinline void run_lanes(struct run *r, unsigned int count)
{
	struct ktlsx_cbc_lanes l;
	size_t steps, contiguous;
	unsigned int i;

	memset(&l, 0, sizeof(l));
	for (i = 0; i < r->ops->lanes; i++) {
		idle(r, &l, i);
		if (i < count)
			start_lane(r, &l, i);
	}
	while (r->busy > 1) {
		steps = steps_ahead(r, &contiguous);
		if (steps && contiguous)
			go_straight(r, &l, min(steps, contiguous));
		else if (steps)
			go_over_border(r, &l);
		else if (finish_together(r, &l))
			break;
		for (i = 0; !steps && i < r->ops->lanes; i++)
			if (r->lane[i].busy && r->lane[i].left < STEP)
				finish_alone(r, &l, i);
	}
	for (i = 0; r->busy == 1 && i < r->ops->lanes; i++)
		if (r->lane[i].busy)
			finish_alone(r, &l, i);
	memzero_explicit(&l, sizeof(l));
}

/**
 * ktlsx_cbc_seal_many() - as ktlsx_aead_seal_run()
 * @ops: engine
 * @key: prepared key
 * @texts: what and where
 * @count: records, no more than the engine has lanes
 *
 * Context: Inside the engine's section, which it may leave and enter again.
 */
void ktlsx_cbc_seal_many(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
			 const struct ktlsx_aead_text *texts, unsigned int count)
{
	struct run r port_uninitialized;

	r.ops = ops;
	r.key = ktlsx_sm4_cbc_key_of(key);
	r.texts = texts;
	r.busy = count;
	r.steps = 0;
	memset(r.bounce, 0, sizeof(r.bounce));
	run_lanes(&r, count);
	memzero_explicit(&r, sizeof(r));
}
