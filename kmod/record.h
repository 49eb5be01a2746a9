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
 * @iv: salt and IV as installed; with an explicit nonce its last 8 bytes
 *	count up
 * @key: prepared key, secret
 * @info: crypto_info struct as installed, for getsockopt, secret
 */
struct ktlsx_dir {
	const struct ktlsx_suite *suite;
	const struct ktlsx_aead *aead;
	u64 seq;
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

void ktlsx_dir_init(struct ktlsx_dir *dir, const struct ktlsx_suite *suite,
		    const u8 *info);
bool ktlsx_dir_may_follow(const struct ktlsx_dir *dir, const u8 *info);
void ktlsx_dir_export(const struct ktlsx_dir *dir, u8 *info);
void ktlsx_dir_advance(struct ktlsx_dir *dir);
void ktlsx_dir_wipe(struct ktlsx_dir *dir);

/**
 * ktlsx_dir_is_exhausted() - are the sequence numbers used up?
 * @dir: direction in use
 *
 * 2^64 - 1 itself is never used, as with the in-tree module: the number after
 * it would be 0, and its nonce a used one.
 *
 * Context: Any context.
 * Return: true when no record may follow.
 * Spec: RFC 8446 section 5.3 (sequence numbers must not wrap)
 */
static inline bool ktlsx_dir_is_exhausted(const struct ktlsx_dir *dir)
{
	return dir->seq == ~0ull;
}

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

void ktlsx_record_seal(struct ktlsx_dir *dir, u8 type, struct ktlsx_span *src,
		       unsigned int src_count, u32 content_len,
		       const struct ktlsx_span *dst,
		       const struct ktlsx_aead_engine *engine);

#define KTLSX_DST_SPANS_MAX 8
#define KTLSX_SRC_SPANS_MAX 64	/* of a record to open */

int ktlsx_record_parse(const struct ktlsx_suite *suite, const u8 *header,
		       u32 *record_len);
int __must_check ktlsx_record_open(const struct ktlsx_dir *dir, u32 ahead,
				   struct ktlsx_span *src, u32 record_len,
				   const struct ktlsx_span *dst,
				   const struct ktlsx_aead_engine *engine,
				   struct ktlsx_opened *out);

#endif /* KTLSX_RECORD_H */
