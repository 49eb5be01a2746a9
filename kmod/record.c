// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The record codec: what RFC 5246 with RFC 5288, 6655 and 7905 (TLS 1.2) and
 * RFC 8446 (TLS 1.3) say about one protected record, and nothing else. Must not know
 * where the bytes come from or go to. The caller serialises each direction.
 */
#include "record.h"

#define RECORD_VERSION 0x0303	/* on the wire in TLS 1.2 and 1.3 alike */
#define AAD_MAX 13		/* RFC 5246 section 6.2.3.3 */

/* A position in a list of spans. */
struct cursor {
	const struct ktlsx_span *span;
	size_t off;
};

static struct ktlsx_span cursor_take(struct cursor *at, size_t len)
{
	struct ktlsx_span run = {
		.base = at->span->base + at->off,
		.len = min(len, at->span->len - at->off),
	};

	at->off += run.len;
	if (at->off == at->span->len) {
		at->span++;
		at->off = 0;
	}
	return run;
}

static void cursor_write(struct cursor *at, const u8 *from, size_t len)
{
	while (len) {
		struct ktlsx_span run = cursor_take(at, len);

		memcpy(run.base, from, run.len);
		from += run.len;
		len -= run.len;
	}
}

static void cursor_read(struct cursor *at, u8 *to, size_t len)
{
	while (len) {
		struct ktlsx_span run = cursor_take(at, len);

		memcpy(to, run.base, run.len);
		to += run.len;
		len -= run.len;
	}
}

static void cursor_skip(struct cursor *at, size_t len)
{
	while (len)
		len -= cursor_take(at, len).len;
}

/* List @len bytes from @at on and move @at behind them. */
static unsigned int cursor_slice(struct cursor *at, size_t len,
				 struct ktlsx_span *slice)
{
	unsigned int count = 0;

	while (len) {
		slice[count] = cursor_take(at, len);
		len -= slice[count].len;
		count++;
	}
	return count;
}

static void put_be16(u8 *to, u16 value)
{
	to[0] = value >> 8;
	to[1] = value;
}

/* The per-record nonce; @explicit_nonce is what the record carries, if any. */
static void make_nonce(const struct ktlsx_dir *dir, u64 seq,
		       const u8 *explicit_nonce, u8 *nonce)
{
	u8 explicit_len = dir->suite->explicit_nonce_len;
	u8 *tail = nonce + KTLSX_NONCE_LEN - sizeof(seq);

	memcpy(nonce, dir->iv, KTLSX_NONCE_LEN);
	if (explicit_len)
		memcpy(tail, explicit_nonce, explicit_len);
	else
		port_put_be64(tail, port_get_be64(tail) ^ seq);
}

static size_t make_aad(const struct ktlsx_dir *dir, u64 seq, const u8 *header,
		       u32 content_len, u8 *aad)
{
	if (dir->suite->version->aad_is_header) {
		memcpy(aad, header, KTLSX_RECORD_HEADER_LEN);
		return KTLSX_RECORD_HEADER_LEN;
	}
	port_put_be64(aad, seq);
	memcpy(aad + 8, header, 3);
	put_be16(aad + 11, content_len);
	return AAD_MAX;
}

static void make_prefix(const struct ktlsx_dir *dir, u8 type, u32 record_len,
			u8 *prefix)
{
	const struct ktlsx_suite *suite = dir->suite;

	/* A TLS 1.3 record always looks like data from outside. */
	prefix[0] = suite->version->inner_type_len ?
		TLS_CT_APPLICATION_DATA : type;
	put_be16(prefix + 1, RECORD_VERSION);
	put_be16(prefix + 3, record_len - KTLSX_RECORD_HEADER_LEN);
	memcpy(prefix + KTLSX_RECORD_HEADER_LEN,
	       dir->iv + KTLSX_NONCE_LEN - suite->explicit_nonce_len,
	       suite->explicit_nonce_len);
}

/**
 * ktlsx_dir_init() - take keys into use
 * @dir: direction, zeroed
 * @suite: what the keys are for
 * @info: the user's crypto_info struct, of @suite's info_len
 *
 * Context: Any context.
 */
void ktlsx_dir_init(struct ktlsx_dir *dir, const struct ktlsx_suite *suite,
		    const u8 *info)
{
	const struct ktlsx_cipher *cipher = suite->cipher;

	dir->suite = suite;
	memcpy(dir->info, info, cipher->info_len);
	dir->aead = ktlsx_aead_find(cipher->alg);
	dir->seq = port_get_be64(info + cipher->rec_seq_off);
	memcpy(dir->iv, info + cipher->salt_off, cipher->salt_len);
	memcpy(dir->iv + cipher->salt_len, info + cipher->iv_off,
	       cipher->iv_len);
	ktlsx_aead_prepare(dir->aead, &dir->key, info + cipher->key_off);
}

/* In constant time: one side of the comparison may be the user's guess. */
static bool is_same(const u8 *a, const u8 *b, u32 len)
{
	u8 difference = 0;

	while (len--)
		difference |= *a++ ^ *b++;
	return !difference;
}

/**
 * ktlsx_dir_may_follow() - would keys go on without using a nonce twice?
 * @dir: direction in use
 * @info: crypto_info struct of the same suite
 *
 * Context: Any context.
 * Return: false for the key in use with another IV, or with a sequence number
 * that was used.
 */
bool ktlsx_dir_may_follow(const struct ktlsx_dir *dir, const u8 *info)
{
	const struct ktlsx_cipher *cipher = dir->suite->cipher;

	if (!is_same(dir->info + cipher->key_off, info + cipher->key_off,
		     cipher->key_len))
		return true;
	return is_same(dir->info + cipher->salt_off, info + cipher->salt_off,
		       cipher->salt_len) &&
	       is_same(dir->info + cipher->iv_off, info + cipher->iv_off,
		       cipher->iv_len) &&
	       port_get_be64(info + cipher->rec_seq_off) >= dir->seq;
}

/**
 * ktlsx_dir_export() - the crypto_info struct that would go on from here
 * @dir: direction in use
 * @info: out: the suite's info_len bytes, secret
 *
 * Context: Any context.
 */
void ktlsx_dir_export(const struct ktlsx_dir *dir, u8 *info)
{
	const struct ktlsx_cipher *cipher = dir->suite->cipher;

	memcpy(info, dir->info, cipher->info_len);
	memcpy(info + cipher->iv_off, dir->iv + cipher->salt_len,
	       cipher->iv_len);
	port_put_be64(info + cipher->rec_seq_off, dir->seq);
}

/**
 * ktlsx_dir_advance() - step to the next record
 * @dir: direction whose record was sealed or taken; not exhausted
 *
 * The only place where a sequence number changes.
 *
 * Context: Any context.
 * Spec: RFC 8446 section 5.3 (sequence numbers must not wrap)
 */
void ktlsx_dir_advance(struct ktlsx_dir *dir)
{
	u8 *counter = dir->iv + KTLSX_NONCE_LEN - sizeof(u64);

	/* An explicit nonce is a counter with a start of its own. */
	if (dir->suite->explicit_nonce_len)
		port_put_be64(counter, port_get_be64(counter) + 1);
	dir->seq++;
}

/**
 * ktlsx_dir_wipe() - destroy the keys
 * @dir: direction, not in use any more
 *
 * Context: Any context.
 */
void ktlsx_dir_wipe(struct ktlsx_dir *dir)
{
	ktlsx_aead_wipe(&dir->key);
	memzero_explicit(dir, sizeof(*dir));
}

/**
 * ktlsx_record_seal() - make one record and advance the sequence number
 * @dir: direction, not exhausted
 * @type: content type
 * @src: spans of the content, with one free entry behind the last one
 * @src_count: entries used in @src
 * @content_len: bytes in @src, at most KTLSX_CONTENT_MAX
 * @dst: spans that take exactly the record, at most
 *	KTLSX_DST_SPANS_MAX of them; a source span is either at
 *	its own place in @dst or disjoint from it
 * @engine: from ktlsx_aead_enter(@dir->aead), its section open
 *
 * Context: Any context. Each source byte is loaded once.
 * Spec: RFC 8446 section 5.2, RFC 5246 section 6.2.3.3
 */
void ktlsx_record_seal(struct ktlsx_dir *dir, u8 type, struct ktlsx_span *src,
		       unsigned int src_count, u32 content_len,
		       const struct ktlsx_span *dst,
		       const struct ktlsx_aead_engine *engine)
{
	const struct ktlsx_suite *suite = dir->suite;
	u8 inner_type_len = suite->version->inner_type_len;
	struct ktlsx_span text_dst[KTLSX_DST_SPANS_MAX] port_uninitialized;
	struct cursor at = { .span = dst };
	struct ktlsx_aead_text text = {
		.src = src,
		.dst = text_dst,
		.text_len = content_len + inner_type_len,
	};
	u8 prefix[KTLSX_RECORD_PREFIX_MAX] port_uninitialized;
	u8 nonce[KTLSX_NONCE_LEN] port_uninitialized;
	u8 tag[KTLSX_TAG_LEN] port_uninitialized;
	u8 aad[AAD_MAX] port_uninitialized;

	make_prefix(dir, type, ktlsx_record_len(suite, content_len), prefix);
	make_nonce(dir, dir->seq, prefix + KTLSX_RECORD_HEADER_LEN, nonce);
	text.nonce = nonce;
	text.tag = tag;
	text.aad_len = make_aad(dir, dir->seq, prefix, content_len, aad);
	text.aad = aad;

	cursor_write(&at, prefix, suite->prefix_len);
	cursor_slice(&at, text.text_len, text_dst);
	src[src_count].base = &type;
	src[src_count].len = inner_type_len;

	ktlsx_aead_seal(engine, &dir->key, &text);
	cursor_write(&at, tag, KTLSX_TAG_LEN);
	ktlsx_dir_advance(dir);
}

/**
 * ktlsx_record_parse() - read a record header
 * @suite: suite of the receiving direction
 * @header: KTLSX_RECORD_HEADER_LEN bytes from the wire
 * @record_len: out: bytes of the whole record, header included
 *
 * Context: Any context.
 * Return: 0; -EINVAL wrong version bytes; -EMSGSIZE longer than the protocol
 * allows; -EBADMSG shorter than its own overhead.
 * Spec: RFC 8446 section 5.1 and 5.2, RFC 5246 section 6.2.1 and 6.2.3
 */
int ktlsx_record_parse(const struct ktlsx_suite *suite, const u8 *header,
		       u32 *record_len)
{
	u32 payload_len = header[3] << 8 | header[4];
	u32 overhead = suite->prefix_len - KTLSX_RECORD_HEADER_LEN +
		       suite->suffix_len;

	if (payload_len > KTLSX_CONTENT_MAX + overhead)
		return -EMSGSIZE;
	/* RFC 8446 section 5.2: the inner plaintext holds at least its type. */
	if (payload_len < overhead)
		return -EBADMSG;
	if (header[1] != RECORD_VERSION >> 8 ||
	    header[2] != (RECORD_VERSION & 0xff))
		return -EINVAL;
	*record_len = KTLSX_RECORD_HEADER_LEN + payload_len;
	return 0;
}

static u8 last_byte(const struct ktlsx_span *span)
{
	return span->base[span->len - 1];
}

/*
 * Take padding and content type off the end of a verified inner plaintext.
 * Eight zero bytes at a time: the sender chooses how much padding there is.
 */
static int strip_padding(struct ktlsx_span *span, unsigned int count,
			 u32 inner_len, struct ktlsx_opened *out)
{
	while (count) {
		struct ktlsx_span *last = &span[count - 1];
		u64 word;

		while (last->len >= sizeof(word)) {
			memcpy(&word, last->base + last->len - sizeof(word),
			       sizeof(word));
			if (word)
				break;
			last->len -= sizeof(word);
			inner_len -= sizeof(word);
		}
		while (last->len && !last_byte(last)) {
			last->len--;
			inner_len--;
		}
		if (last->len) {
			out->type = last_byte(last);
			out->content_len = inner_len - 1;
			return 0;
		}
		count--;
	}
	return -EBADMSG;
}

/**
 * ktlsx_record_open() - verify and decrypt one record
 * @dir: direction; not advanced, see ktlsx_dir_advance()
 * @ahead: how many records lie between the direction's next one and this one
 * @src: spans that hold exactly the record, disjoint from @dst; used up
 * @record_len: bytes in @src, as ktlsx_record_parse() said
 * @dst: spans for the inner plaintext: content, type and padding; at least
 *	@record_len bytes less prefix and tag
 * @engine: from ktlsx_aead_enter(@dir->aead), its section open
 * @out: what the record said
 *
 * The bytes in @src may change while they are read: everything that decides
 * is read once. On error no byte of a record that did not verify is in @dst.
 *
 * Context: Any context.
 * Return: 0; -EBADMSG when the tag does not verify, the header changed since
 * it was parsed, the sequence numbers are used up, or a TLS 1.3 record has no
 * content type.
 * Spec: RFC 8446 section 5.2 and 5.4
 */
int ktlsx_record_open(const struct ktlsx_dir *dir, u32 ahead,
		      struct ktlsx_span *src, u32 record_len,
		      const struct ktlsx_span *dst,
		      const struct ktlsx_aead_engine *engine,
		      struct ktlsx_opened *out)
{
	const struct ktlsx_suite *suite = dir->suite;
	u32 inner_len = record_len - suite->prefix_len - KTLSX_TAG_LEN;
	struct ktlsx_span text_dst[KTLSX_DST_SPANS_MAX] port_uninitialized;
	struct cursor from = { .span = src };
	struct cursor to = { .span = dst };
	struct ktlsx_aead_text text = {
		.dst = text_dst,
		.text_len = inner_len,
	};
	u8 prefix[KTLSX_RECORD_PREFIX_MAX] port_uninitialized;
	u8 nonce[KTLSX_NONCE_LEN] port_uninitialized;
	u8 tag[KTLSX_TAG_LEN] port_uninitialized;
	u8 aad[AAD_MAX] port_uninitialized;
	unsigned int dst_used;
	u64 seq = dir->seq + ahead;
	u32 parsed_len;
	int err;

	if (seq < dir->seq || seq == ~0ull)
		return -EBADMSG;

	cursor_read(&from, prefix, suite->prefix_len);
	/* The header may have changed under us since the framer read it. */
	if (ktlsx_record_parse(suite, prefix, &parsed_len) ||
	    parsed_len != record_len)
		return -EBADMSG;

	make_nonce(dir, seq, prefix + KTLSX_RECORD_HEADER_LEN, nonce);
	text.nonce = nonce;
	text.tag = tag;
	text.aad_len = make_aad(dir, seq, prefix, inner_len, aad);
	text.aad = aad;
	text.src = from.span;
	src += from.span - src;
	src->base += from.off;
	src->len -= from.off;
	from.off = 0;
	cursor_skip(&from, inner_len);
	cursor_read(&from, tag, KTLSX_TAG_LEN);
	dst_used = cursor_slice(&to, inner_len, text_dst);

	err = ktlsx_aead_open(engine, &dir->key, &text);
	if (err)
		return err;
	if (!suite->version->inner_type_len) {
		out->type = prefix[0];
		out->content_len = inner_len;
		return 0;
	}
	return strip_padding(text_dst, dst_used, inner_len, out);
}
