// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns opening one SM4-CBC and HMAC-SM3 record in a time that depends on its length only, so
 * that an attacker learns nothing of why a forged one is refused.
 * Must not know: vector instructions, TLS. Concurrency: stateless, the key is read-only; the
 * source may change while it is read: each byte is copied once, and the copy counts.
 * Specification: GB/T 38636-2020 section 6.3.3.4. The attack: N. AlFardan and K. Paterson,
 * "Lucky Thirteen", 2013.
 */
#include "sm4_cbc_mode.h"

/*
 * The end of the record, as far as MAC and padding may reach, is fetched and decrypted first:
 * the MAC starts with the length of the content, which the padding tells. The rest is hashed
 * as it is decrypted. Masks are all ones or all zeros; positions may be secret, so comparing
 * them is arithmetic and choosing is masking.
 */
#define CHUNK KTLSX_CBC_CHUNK_LEN
#define PADDING_MAX 256		/* with the byte that tells its length */
#define TAIL_MIN (KTLSX_CBC_MAC_LEN + PADDING_MAX)
#define TAIL_MAX (TAIL_MIN + KTLSX_SM3_BLOCK_LEN - KTLSX_SM4_BLOCK_LEN)
#define RECORD_MIN (KTLSX_CBC_MAC_LEN + KTLSX_SM4_BLOCK_LEN)
#define WORD sizeof(u64)
#define SCRATCH_LEN 1024	/* stack that the functions below here use, at most */
/* the highest bit of a place in the tail */
#define TAIL_STEP_MAX 256

/*
 * @message: what is to be hashed: first what is left of before, or the header of the record,
 * then plaintext
 */
struct opening {
	u32 hash[KTLSX_SM3_WORDS];
	u32 inner[KTLSX_SM3_WORDS];
	u8 chain[KTLSX_SM4_BLOCK_LEN];
	u8 tail[TAIL_MAX] __aligned(16);
	u8 message[KTLSX_CBC_HEADER_LEN + CHUNK] __aligned(16);
};

/*
 * The compiler must not learn that a mask has two values only: it would branch on it. Nor may
 * it count in steps from a secret place and find addresses by that.
 */
static __always_inline u64 opaque(u64 secret)
{
	__asm__("" : "+r"(secret));
	return secret;
}

static __always_inline u64 mask_if_less(u64 a, u64 b)
{
	/* neither is as large as 2^63 */
	return opaque(0 - ((a - b) >> 63));
}

static __always_inline u64 mask_if_equal(u64 a, u64 b)
{
	u64 differ = a ^ b;

	return opaque(((differ | (0 - differ)) >> 63) - 1);
}

/* Of the word whose first byte is at @at those bytes that lie before @end. */
static __always_inline u64 mask_before(u64 at, u64 end)
{
	u64 count, within, beyond;

	end = opaque(end);
	count = (end - at) & mask_if_less(at, end);
	within = mask_if_less(count, WORD);
	count = (count & within) | (WORD & ~within);
	/* in each byte its number less @count: not negative from @count on */
	beyond = (0x8786858483828180ull - count * 0x0101010101010101ull) & 0x8080808080808080ull;
	return opaque(~((beyond >> 7) * 0xff));
}

static __always_inline u64 load(const u8 *p)
{
	u64 word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static __always_inline void store(u8 *p, u64 word)
{
	memcpy(p, &word, sizeof(word));
}

/*
 * Returns how long the padding is, its last byte counted, and sets @good. Every byte that
 * could be padding is looked at. Bad padding counts as a length of zero.
 */
static size_t check_padding(const u8 *tail, size_t tail_len, u64 *good)
{
	const u8 last = tail[tail_len - 1];
	size_t len = last + (size_t)1, at;
	u64 differ = 0;

	for (at = tail_len - min_t(size_t, tail_len, PADDING_MAX); at < tail_len; at += WORD)
		differ |= (load(tail + at) ^ last * 0x0101010101010101ull) &
			  ~mask_before(at, tail_len - len);
	*good = mask_if_equal(differ, 0) & ~mask_if_less(tail_len, len + KTLSX_CBC_MAC_LEN);
	return 1 + (last & *good);
}

/*
 * Moves the MAC from @tail + @at to @tail, by the bits of @at. What is behind it is lost. No
 * shift by a secret number: memcheck takes the flags it leaves for a secret that is used.
 */
static void extract_mac(u8 *tail, size_t tail_len, u64 at)
{
	u64 chosen, word, next;
	size_t needed, step, i;

	for (step = TAIL_STEP_MAX; step; step /= 2) {
		chosen = ~mask_if_equal(at & step, 0);
		needed = min(tail_len, KTLSX_CBC_MAC_LEN + step);
		for (i = 0; i < needed; i += WORD) {
			word = load(tail + i);
			next = i + step + WORD <= tail_len ? load(tail + i + step) : 0;
			store(tail + i, word ^ ((word ^ next) & chosen));
		}
	}
}

/* Before the end of the message its bytes, there the padding of the hash, then zeros. */
static void set_hash_padding(u8 block[KTLSX_SM3_BLOCK_LEN], u64 at, u64 end, u64 last, u32 bits)
{
	u64 marker, word;
	unsigned int i;

	for (i = 0; i < KTLSX_SM3_BLOCK_LEN; i += WORD) {
		marker = mask_before(at + i, end + 1) & ~mask_before(at + i, end);
		word = load(block + i) & mask_before(at + i, end);
		store(block + i, word | (marker & 0x8080808080808080ull));
	}
	/* Where the last block ends there is nothing else by now. */
	port_put_be32(block + KTLSX_SM3_BLOCK_LEN - 4,
		      port_get_be32(block + KTLSX_SM3_BLOCK_LEN - 4) | (bits & (u32)last));
}

/*
 * Hashes the header or what was left of the content, and the tail; @end is where the message
 * ends in that. As many blocks as the longest content needs, whatever its length is.
 */
static void hash_tail(struct opening *o, const struct ktlsx_cbc_ops *ops, size_t tail_len,
		      u64 end, u32 bits)
{
	size_t longest = KTLSX_CBC_HEADER_LEN + tail_len - KTLSX_CBC_MAC_LEN - 1, at;
	u64 last;
	unsigned int i;

	memcpy(o->message + KTLSX_CBC_HEADER_LEN, o->tail, tail_len);
	memset(o->inner, 0, sizeof(o->inner));
	for (at = 0; at <= longest + 8; at += KTLSX_SM3_BLOCK_LEN) {
		/* the block in which the eight bytes of the length still fit is the last */
		last = mask_if_less(at, end + 9) & mask_if_less(end + 8, at + KTLSX_SM3_BLOCK_LEN);
		set_hash_padding(o->message + at, at, end, last, bits);
		ops->hash(o->hash, o->message + at, 1);
		for (i = 0; i < KTLSX_SM3_WORDS; i++)
			o->inner[i] |= o->hash[i] & (u32)last;
	}
}

/* All of the record before its tail, which is a multiple of the hash's blocks. */
static void run_head(struct opening *o, const struct ktlsx_cbc_ops *ops,
		     const struct ktlsx_sm4_cbc_key *key, const struct ktlsx_aead_text *text,
		     size_t head_len)
{
	struct ktlsx_cursor src = { text->src, 0 }, dst = { text->dst, 0 };
	u8 *data = o->message + KTLSX_CBC_HEADER_LEN;
	size_t done, len;

	for (done = 0; done < head_len; done += len) {
		len = min_t(size_t, head_len - done, CHUNK);
		ktlsx_cursor_gather(&src, data, len);
		/* the source may change: from here on only the copy counts */
		barrier_data(data);
		ops->decrypt(&key->sm4, o->chain, data, len / KTLSX_SM4_BLOCK_LEN);
		ktlsx_cursor_scatter(&dst, data, len);
		ops->hash(o->hash, o->message, len / KTLSX_SM3_BLOCK_LEN);
		memcpy(o->message, o->message + len,
		       KTLSX_CBC_HEADER_LEN);
		ktlsx_cbc_pause(ops, done + CHUNK);
	}
}

/* What precedes the first block of the tail is not known yet; nothing of it is padding. */
static void fetch_tail(struct opening *o, const struct ktlsx_cbc_ops *ops,
		       const struct ktlsx_sm4_cbc_key *key, const struct ktlsx_aead_text *text,
		       size_t tail_len)
{
	struct ktlsx_cursor src = { text->src, 0 };

	ktlsx_cursor_skip(&src, text->text_len - tail_len);
	ktlsx_cursor_gather(&src, o->tail, tail_len);
	barrier_data(o->tail);
	memcpy(o->chain, o->tail, sizeof(o->chain));
	ops->decrypt(&key->sm4, o->chain, o->tail + KTLSX_SM4_BLOCK_LEN,
		     tail_len / KTLSX_SM4_BLOCK_LEN - 1);
}

static void start_hash(struct opening *o, const struct ktlsx_sm4_cbc_key *key,
		       const struct ktlsx_aead_text *text, u64 content_len)
{
	ktlsx_cbc_set_header(o->message, text->aad, content_len);
	memcpy(o->hash, key->inner, sizeof(o->hash));
	memcpy(o->chain, text->nonce, sizeof(o->chain));
}

static u64 differences(const u8 a[KTLSX_CBC_MAC_LEN], const u8 b[KTLSX_CBC_MAC_LEN])
{
	u64 differ = 0;
	unsigned int i;

	for (i = 0; i < KTLSX_CBC_MAC_LEN; i += WORD)
		differ |= load(a + i) ^ load(b + i);
	return differ;
}

/* All ones when the record is what its sender sealed; the plaintext is at its place. */
static noinline u64 open_masked(struct opening *o, const struct ktlsx_cbc_ops *ops,
				const struct ktlsx_sm4_cbc_key *key,
				const struct ktlsx_aead_text *text)
{
	size_t head_len = text->text_len < TAIL_MIN ? 0 :
			  (text->text_len - TAIL_MIN) / KTLSX_SM3_BLOCK_LEN * KTLSX_SM3_BLOCK_LEN;
	size_t tail_len = text->text_len - head_len;
	struct ktlsx_cursor dst = { text->dst, 0 };
	u8 expected[KTLSX_CBC_MAC_LEN];
	u64 good, content_len;

	fetch_tail(o, ops, key, text, tail_len);
	content_len = text->text_len - KTLSX_CBC_MAC_LEN - check_padding(o->tail, tail_len, &good);
	start_hash(o, key, text, content_len);
	run_head(o, ops, key, text, head_len);
	ops->decrypt(&key->sm4, o->chain, o->tail, 1);
	ktlsx_cursor_skip(&dst, head_len);
	ktlsx_cursor_scatter(&dst, o->tail, tail_len);

	hash_tail(o, ops, tail_len, KTLSX_CBC_HEADER_LEN + content_len - head_len,
		  ktlsx_cbc_bits(content_len));
	ktlsx_cbc_mac(ops, key->outer, o->inner, expected);
	extract_mac(o->tail, tail_len, content_len - head_len);
	good &= mask_if_equal(differences(expected, o->tail), 0);
	memzero_explicit(expected, sizeof(expected));
	return good;
}

/* What the functions above and below them have spilled: states of the keyed hash, plaintext. */
static noinline void wipe_stack_below(void)
{
	u8 below[SCRATCH_LEN];

	memzero_explicit(below, sizeof(below));
}

/**
 * ktlsx_cbc_open_one() - decrypt one record and verify padding and MAC
 * @ops: engine
 * @key: prepared key
 * @text: what and where
 *
 * Context: Inside the engine's section, which it may leave and enter again.
 * Return: whether the record verifies, which is all that may be known; if not, the caller
 *         wipes the destination.
 */
bool ktlsx_cbc_open_one(const struct ktlsx_cbc_ops *ops, const struct ktlsx_aead_key *key,
			const struct ktlsx_aead_text *text)
{
	struct opening o port_uninitialized;
	u64 good;

	/* the length is no secret */
	if (text->text_len < RECORD_MIN || text->text_len % KTLSX_SM4_BLOCK_LEN)
		return false;
	good = open_masked(&o, ops, ktlsx_sm4_cbc_key_of(key), text);
	wipe_stack_below();
	memzero_explicit(&o, sizeof(o));
	port_declassify(&good, sizeof(good));
	return good;
}
