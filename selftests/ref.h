/* SPDX-License-Identifier: MIT */
/*
 * Owns: the reference record codec the kernel is checked against: seals (also
 * wrongly, on purpose), opens and collects TLS records from a raw TCP socket.
 * Must not know: the module, its UAPI, any kernel code.
 * Concurrency: an object belongs to one thread at a time.
 * Follows: RFC 5246 6.2, RFC 5288, 6655, 7905 (nonces of TLS 1.2), RFC 8446 5.
 */
#ifndef REF_H
#define REF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REF_TLS12		0x0303
#define REF_TLS13		0x0304

#define REF_CHANGE_CIPHER	20
#define REF_ALERT		21
#define REF_HANDSHAKE		22
#define REF_DATA		23

#define REF_HEADER_LEN		5
#define REF_TAG_LEN		16
#define REF_PLAIN_MAX		16384
/* Header, explicit nonce, inner type, padding to the limit, tag. */
#define REF_WIRE_MAX		(REF_PLAIN_MAX + 256 + REF_HEADER_LEN)

enum ref_cipher {
	REF_AES_GCM_128,
	REF_AES_GCM_256,
	REF_AES_CCM_128,	/* this and SM4 after ref_use_gcrypt() only */
	REF_CHACHA20_POLY1305,
	REF_SM4_GCM,
	REF_SM4_CCM,
	REF_ARIA_GCM_128,
	REF_ARIA_GCM_256,
	REF_CIPHER_COUNT
};

/* One direction of a connection; @seq is the number of the next record. */
struct ref_key {
	uint16_t version;
	uint8_t cipher;		/* enum ref_cipher */
	uint8_t key_len;
	uint8_t key[32];
	uint8_t salt[4];
	uint8_t iv[8];
	uint64_t seq;
};

/* Ways to seal a record wrongly, or rarely; all zero is an ordinary record. */
struct ref_twist {
	size_t pad_len;		/* TLS 1.3: zero bytes after the inner type */
	uint16_t version;	/* header version in place of the right one */
	uint8_t outer_type;	/* header type in place of the right one */
	int len_delta;		/* added to the length field, tag and AAD unchanged */
	bool bad_tag;		/* one bit of the tag flipped */
	bool bad_text;		/* one bit of the ciphertext flipped */
	bool no_inner_type;	/* TLS 1.3: the inner plaintext is content and padding only */
};

struct ref_record {
	uint8_t type;		/* content type; the inner one in TLS 1.3 */
	size_t plain_len;
	size_t pad_len;
	size_t wire_len;	/* header and tag included */
	uint64_t nonce;		/* TLS 1.2: explicit part; TLS 1.3: sequence number */
};

/* Everything read so far from one raw socket. */
struct ref_stream {
	struct ref_key key;
	uint8_t *wire;
	size_t wire_len;	/* bytes read */
	size_t opened_len;	/* bytes of whole records verified */
	size_t wire_size;
	uint8_t *plain;		/* contents of all records, end to end */
	size_t plain_len;
	size_t plain_size;
	struct ref_record *records;
	size_t record_count;
	size_t record_size;
	bool eof;
};

/**
 * ref_key_make() - a key that depends on nothing but its arguments
 * @key: filled
 * @version: REF_TLS12 or REF_TLS13
 * @seed: another seed gives another key
 */
void ref_key_make(struct ref_key *key, uint16_t version, enum ref_cipher cipher,
		  unsigned int seed);
/* Let libgcrypt do what OpenSSL does not, before the first record; see ref_gcrypt.c. */
void ref_use_gcrypt(void);

/**
 * ref_seal() - writes one record and advances the sequence number
 * @out: room for REF_WIRE_MAX bytes, more when @plain_len is above REF_PLAIN_MAX
 * @twist: how to spoil it, or NULL
 * Return: bytes written.
 */
size_t ref_seal(struct ref_key *key, uint8_t type, const void *plain, size_t plain_len,
		const struct ref_twist *twist, uint8_t *out);

/**
 * ref_open() - verifies the record at the start of @wire and advances the sequence number
 * @plain: room for REF_WIRE_MAX bytes
 * Return: 0; -EAGAIN when it is not whole yet; -EINVAL for a header no sender of ours may
 * write; -EMSGSIZE for a length above the limit; -EBADMSG when the tag does not verify.
 */
int ref_open(struct ref_key *key, const uint8_t *wire, size_t wire_len,
	     struct ref_record *record, uint8_t *plain);

/**
 * ref_overhead() - bytes a record adds to its content, header included
 */
size_t ref_overhead(const struct ref_key *key);

void ref_stream_init(struct ref_stream *stream, const struct ref_key *key);
void ref_stream_free(struct ref_stream *stream);

/**
 * ref_stream_pull() - reads once from @fd and opens what became whole
 * @flags: for recv()
 * Return: 1, 0 at end of file, -errno of recv() or of ref_open(), -EPROTO when a TLS 1.2
 * explicit nonce was seen before; -ETIMEDOUT after 8 s ($KTLSX_SLOW times that) of silence.
 */
int ref_stream_pull(struct ref_stream *stream, int fd, int flags);

/**
 * ref_stream_read() - pulls until @plain_len bytes of content came in all
 * Return: 0, -EPIPE at an early end of file, else as ref_stream_pull().
 */
int ref_stream_read(struct ref_stream *stream, int fd, size_t plain_len);

/**
 * ref_stream_read_records() - pulls until @record_count records came in all
 */
int ref_stream_read_records(struct ref_stream *stream, int fd, size_t record_count);

/**
 * ref_stream_read_eof() - pulls until end of file
 * Return: 0, -EPIPE when the file ends inside a record, else as ref_stream_pull().
 */
int ref_stream_read_eof(struct ref_stream *stream, int fd);

#endif
