/* SPDX-License-Identifier: MIT */
/*
 * The suites this library knows: a const table from IANA number to what a
 * handshake and the kernel call it. Knows no connection. Constant.
 */
#ifndef KTLSX_SUITE_H
#define KTLSX_SUITE_H

#include <stdbool.h>
#include <stdint.h>

enum ktlsx_exchange {
	KTLSX_EXCHANGE_ANY,	/* TLS 1.3 suites leave it open */
	KTLSX_EXCHANGE_ECDHE,
	KTLSX_EXCHANGE_DHE,	/* only when named */
	KTLSX_EXCHANGE_RSA,	/* only by an insecure call */
};

/**
 * struct ktlsx_suite - one suite
 * @id: IANA number
 * @version: the only TLS version that has it
 * @name: IANA
 * @openssl_name: OpenSSL
 * @digest: name of the PRF's or HKDF's hash, for OpenSSL
 * @digest_len: its bytes
 * @cipher_type: TLS_CIPHER_* of the kernel
 * @key_len: bytes of a key
 * @exchange: how keys are agreed on
 * @why_not: NULL when the module offloads it, else a sentence
 */
struct ktlsx_suite {
	uint16_t id;
	uint16_t version;
	const char *name;
	const char *openssl_name;
	const char *digest;
	uint8_t digest_len;
	uint16_t cipher_type;
	uint8_t key_len;
	enum ktlsx_exchange exchange;
	const char *why_not;
};

const struct ktlsx_suite *ktlsx_suite_by_id(uint16_t id);
const struct ktlsx_suite *ktlsx_suite_by_name(const char *name, unsigned int name_len);
const struct ktlsx_suite *ktlsx_suite_at(unsigned int index);

#endif /* KTLSX_SUITE_H */
