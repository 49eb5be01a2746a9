/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The pure record codec: header, nonce, additional data, inner content type,
 * padding, sequence number. Bytes in, bytes out: no socket, no skb, no page.
 * The caller serialises all use of a direction (in the kernel: socket lock).
 * Spec: RFC 5246 section 6.2.3.3, RFC 5288 section 3, RFC 8446 section 5.
 */
#ifndef KTLSX_RECORD_H
#define KTLSX_RECORD_H

#include "suite.h"

/**
 * struct ktlsx_dir - the keys of one direction of a connection
 * @suite: what the keys are for
 * @aead: the cipher of @suite
 * @seq: sequence number of the next record
 * @is_exhausted: 2^64 - 1 was used; no record may follow it
 * @iv: salt and IV as installed; in TLS 1.2 its last 8 bytes count up
 * @key: prepared key, secret
 * @info: crypto_info struct as installed, for getsockopt, secret
 */
struct ktlsx_dir {
	const struct ktlsx_suite *suite;
	const struct ktlsx_aead *aead;
	u64 seq;
	bool is_exhausted;
	u8 iv[KTLSX_NONCE_LEN];
	struct ktlsx_aead_key key;
	u8 info[KTLSX_CRYPTO_INFO_MAX];
};

/**
 * struct ktlsx_opened - what the bytes of a verified record said
 * @type: content type
 * @content_len: content bytes at the start of the destination
 */
struct ktlsx_opened {
	u8 type;
	u32 content_len;
};

/**
 * ktlsx_dir_init() - take keys into use
 * @dir: direction, zeroed
 * @suite: what the keys are for
 * @info: the user's crypto_info struct, of @suite's info_len
 *
 * Context: Any context.
 */
void ktlsx_dir_init(struct ktlsx_dir *dir, const struct ktlsx_suite *suite,
		    const u8 *info);

/**
 * ktlsx_dir_export() - the crypto_info struct that would go on from here
 * @dir: direction in use
 * @info: out: the suite's info_len bytes, secret
 *
 * Context: Any context.
 */
void ktlsx_dir_export(const struct ktlsx_dir *dir, u8 *info);

/**
 * ktlsx_dir_advance() - step to the next record
 * @dir: direction whose record was sealed or taken
 *
 * The only place where a sequence number changes. After the last one the
 * direction is exhausted: using a number twice would reuse a nonce.
 *
 * Context: Any context.
 * Spec: RFC 8446 section 5.3 (sequence numbers must not wrap)
 */
void ktlsx_dir_advance(struct ktlsx_dir *dir);

/**
 * ktlsx_dir_wipe() - destroy the keys
 * @dir: direction, not in use any more
 *
 * Context: Any context.
 */
void ktlsx_dir_wipe(struct ktlsx_dir *dir);

/**
 * ktlsx_record_len() - size of a record on the wire
 * @suite: suite
 * @content_len: content bytes, at most KTLSX_CONTENT_MAX
 *
 * Context: Any context.
 * Return: bytes, header and tag included.
 */
static inline u32 ktlsx_record_len(const struct ktlsx_suite *suite,
				   u32 content_len)
{
	return suite->prefix_len + content_len + suite->suffix_len;
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
		       const struct ktlsx_aead_engine *engine);

#define KTLSX_DST_SPANS_MAX 8
#define KTLSX_SRC_SPANS_MAX 64	/* of a record to open */

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
		       u32 *record_len);

/**
 * ktlsx_record_open() - verify and decrypt one record
 * @dir: direction; not advanced, see ktlsx_dir_advance()
 * @ahead: how many records lie between the direction's next one and this one
 * @src: spans that hold exactly the record, disjoint from @dst; used up
 * @record_len: bytes in @src, as ktlsx_record_parse() said
 * @dst: spans for the inner plaintext: content, type and padding; at least
 *	@record_len bytes less prefix and tag
 * @dst_count: entries in @dst
 * @engine: from ktlsx_aead_enter(@dir->aead), its section open
 * @out: what the record said
 *
 * The bytes in @src may change while they are read: everything that decides
 * is read once. On error @dst is wiped.
 *
 * Context: Any context.
 * Return: 0; -EBADMSG when the tag does not verify, the header changed since
 * it was parsed, the sequence numbers are used up, or a TLS 1.3 record has no
 * content type.
 * Spec: RFC 8446 section 5.2 and 5.4
 */
int __must_check ktlsx_record_open(const struct ktlsx_dir *dir, u32 ahead,
				   struct ktlsx_span *src, u32 record_len,
				   const struct ktlsx_span *dst,
				   unsigned int dst_count,
				   const struct ktlsx_aead_engine *engine,
				   struct ktlsx_opened *out);

#endif /* KTLSX_RECORD_H */
