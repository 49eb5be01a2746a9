/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The protocol facts of every version and cipher, as const data: where the
 * fields of a crypto_info struct lie, how a nonce is made, what a record adds.
 * Knows nothing of sockets or records in flight. Read-only after build, so
 * there is no locking. Spec: RFC 5246, RFC 5288 (GCM), RFC 6655 (CCM), RFC 6209
 * (ARIA), RFC 7905 (ChaCha20), RFC 8446, RFC 8998 (SM4), <linux/tls.h>.
 */
#ifndef KTLSX_SUITE_H
#define KTLSX_SUITE_H

#include "crypto/aead.h"

#define KTLSX_RECORD_HEADER_LEN 5
#define KTLSX_RECORD_PREFIX_MAX 13	/* header and explicit nonce */
#define KTLSX_CONTENT_MAX 16384		/* RFC 8446 section 5.1: 2^14 */
#define KTLSX_NONCE_LEN 12
#define KTLSX_TAG_LEN 16
#define KTLSX_CRYPTO_INFO_MAX 64	/* largest tls12_crypto_info_* is 56 */

/* RFC 8446 section B.1: the content types that this module tells apart. */
enum ktlsx_content_type {
	TLS_CT_INVALID = 0,
	TLS_CT_ALERT = 21,
	TLS_CT_HANDSHAKE = 22,
	TLS_CT_APPLICATION_DATA = 23,
};

/**
 * struct ktlsx_cipher - where a cipher's facts lie in its crypto_info struct
 * @cipher_type: TLS_CIPHER_* number
 * @alg: the AEAD that seals it
 * @info_len: size of the tls12_crypto_info_* struct, bytes
 * @key_off: offset of the key in that struct
 * @key_len: bytes
 * @salt_off: offset of the fixed part of the nonce
 * @salt_len: bytes
 * @iv_off: offset of the rest of the nonce
 * @iv_len: bytes
 * @rec_seq_off: offset of the record sequence number, 8 bytes, big endian
 */
struct ktlsx_cipher {
	u16 cipher_type;
	u16 alg;
	u8 info_len;
	u8 key_off;
	u8 key_len;
	u8 salt_off;
	u8 salt_len;
	u8 iv_off;
	u8 iv_len;
	u8 rec_seq_off;
};

/**
 * struct ktlsx_version - what a protocol version adds to a record
 * @version: TLS_1_x_VERSION
 * @inner_type_len: bytes that follow the content inside the ciphertext
 * @payload_len_min: smallest value of TLS_TX_MAX_PAYLOAD_LEN
 * @may_rekey: keys may be replaced during the connection (RFC 8446 4.6.3)
 * @aad_is_header: the additional data is the record header (RFC 8446 5.2);
 *	else sequence number, type, version and content length (RFC 5246)
 */
struct ktlsx_version {
	u16 version;
	u8 inner_type_len;
	u16 payload_len_min;
	bool aad_is_header;
	bool may_rekey;
};

/**
 * struct ktlsx_suite - one version with one cipher: all that a record needs
 * @version: version facts
 * @cipher: cipher facts
 * @explicit_nonce_len: bytes of nonce sent between header and ciphertext, a
 *	counter of its own behind the salt (RFC 5288, RFC 6655); 0: the nonce
 *	is the IV XOR the sequence number (RFC 8446 5.3, RFC 7905 2)
 * @prefix_len: bytes before the ciphertext, header included
 * @suffix_len: bytes after the content: inner content type and tag
 */
struct ktlsx_suite {
	const struct ktlsx_version *version;
	const struct ktlsx_cipher *cipher;
	u8 explicit_nonce_len;
	u8 prefix_len;
	u8 suffix_len;
};

const struct ktlsx_version *ktlsx_version_find(u16 version);
const struct ktlsx_cipher *ktlsx_cipher_find(u16 cipher_type);
const struct ktlsx_suite *ktlsx_suite_find(const struct ktlsx_version *version,
					   const struct ktlsx_cipher *cipher);
u64 ktlsx_suite_ciphers(u16 version);

#endif /* KTLSX_SUITE_H */
