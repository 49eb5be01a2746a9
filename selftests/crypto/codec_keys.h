/* SPDX-License-Identifier: MIT */
/*
 * Owns how keys get into both codecs at once: the crypto_info struct of any suite.
 * Must not know: how record.c works. Concurrency: one thread. Only codec.h includes this file.
 */
#ifndef CODEC_KEYS_H
#define CODEC_KEYS_H

static inline uint8_t *put_bytes(uint8_t *out, const uint8_t *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return out + len;
}

/*
 * What a user would pass to setsockopt; returns its size. Every struct is header, IV, key,
 * salt, sequence number; without a salt the IV has it in front.
 */
static inline size_t make_info(const struct trial *t, uint64_t seq, uint64_t counter,
			       union info *info)
{
	const bool has_salt = t->ref.cipher != REF_CHACHA20_POLY1305;
	uint8_t *out = info->bytes + sizeof(info->head);

	memset(info, 0, sizeof(*info));
	info->head.version = is_tls13(t) ? TLS_1_3_VERSION : TLS_1_2_VERSION;
	info->head.cipher_type = t->suite->cipher->cipher_type;
	if (!has_salt)
		out = put_bytes(out, t->ref.salt, sizeof(t->ref.salt));
	port_put_be64(out, counter);
	out = put_bytes(out + sizeof(counter), t->ref.key, t->ref.key_len);
	if (has_salt)
		out = put_bytes(out, t->ref.salt, sizeof(t->ref.salt));
	port_put_be64(out, seq);
	return out + sizeof(seq) - info->bytes;
}

/* New keys on both sides. An explicit nonce counts from @counter, else that is the IV. */
static inline void install(struct trial *t, uint64_t seq, uint64_t counter)
{
	union info info;

	arena_fill_random(t->ref.key, t->ref.key_len);
	arena_fill_random(t->ref.salt, sizeof(t->ref.salt));
	/* the reference adds its number to what it starts from */
	port_put_be64(t->ref.iv, has_explicit_nonce(t) ? counter - seq : counter);
	t->ref.seq = seq;
	ASSERT_EQ(make_info(t, seq, counter, &info), t->suite->cipher->info_len);
	memset(&t->dir, 0, sizeof(t->dir));
	ktlsx_dir_init(&t->dir, t->suite, info.bytes);
	ASSERT_EQ(t->dir.seq, seq);
}

#endif
