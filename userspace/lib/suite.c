// SPDX-License-Identifier: MIT
/*
 * The suites this library knows, most wanted first: one row each, and the
 * default offer follows the order of the rows. Must not know connections,
 * configs or OpenSSL's API. Constant, so there is no locking.
 * Spec: RFC 8446 appendix B.4, RFC 5288, 5289, 6655, 7251, 7905, 6209, 8998.
 */
#include "suite.h"

#include <errno.h>
#include <linux/tls.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "../include/ktlsx.h"

#define TLS12 0x0303
#define TLS13 0x0304
#define SHA256 .digest = "SHA256", .digest_len = 32
#define SHA384 .digest = "SHA384", .digest_len = 48
#define SM3 .digest = "SM3", .digest_len = 32

#define WHY_CHACHA "The kernel module has ChaCha20-Poly1305, this library does not offer it yet."
#define WHY_CCM "The kernel module has AES-128-CCM, this library does not offer it yet."
#define WHY_CCM_256 "The kernel's interface has AES-CCM with 128-bit keys only."
#define WHY_CCM_8 "The kernel's interface has no AES-CCM with tags of 8 bytes."
#define WHY_SM4 "The kernel module has SM4, but OpenSSL has no handshake for it."
#define WHY_ARIA "The kernel module has ARIA, this library does not offer it yet."

#define SUITE(number, since, iana, openssl, hash, cipher, len, how, why)			\
	{										\
		.id = number, .version = since, .name = iana, .openssl_name = openssl,	\
		hash, .cipher_type = cipher, .key_len = len,				\
		.exchange = KTLSX_EXCHANGE_##how, .why_not = why,			\
	}

static const struct ktlsx_suite suites[] = {
	SUITE(0x1301, TLS13, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256",
	      SHA256, TLS_CIPHER_AES_GCM_128, 16, ANY, NULL),
	SUITE(0x1302, TLS13, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384",
	      SHA384, TLS_CIPHER_AES_GCM_256, 32, ANY, NULL),
	SUITE(0xc02b, TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	      "ECDHE-ECDSA-AES128-GCM-SHA256", SHA256, TLS_CIPHER_AES_GCM_128, 16, ECDHE, NULL),
	SUITE(0xc02f, TLS12, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	      "ECDHE-RSA-AES128-GCM-SHA256", SHA256, TLS_CIPHER_AES_GCM_128, 16, ECDHE, NULL),
	SUITE(0xc02c, TLS12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	      "ECDHE-ECDSA-AES256-GCM-SHA384", SHA384, TLS_CIPHER_AES_GCM_256, 32, ECDHE, NULL),
	SUITE(0xc030, TLS12, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	      "ECDHE-RSA-AES256-GCM-SHA384", SHA384, TLS_CIPHER_AES_GCM_256, 32, ECDHE, NULL),
	SUITE(0x009e, TLS12, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
	      "DHE-RSA-AES128-GCM-SHA256", SHA256, TLS_CIPHER_AES_GCM_128, 16, DHE, NULL),
	SUITE(0x009f, TLS12, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
	      "DHE-RSA-AES256-GCM-SHA384", SHA384, TLS_CIPHER_AES_GCM_256, 32, DHE, NULL),
	SUITE(0x009c, TLS12, "TLS_RSA_WITH_AES_128_GCM_SHA256",
	      "AES128-GCM-SHA256", SHA256, TLS_CIPHER_AES_GCM_128, 16, RSA, NULL),
	SUITE(0x009d, TLS12, "TLS_RSA_WITH_AES_256_GCM_SHA384",
	      "AES256-GCM-SHA384", SHA384, TLS_CIPHER_AES_GCM_256, 32, RSA, NULL),

	SUITE(0x1303, TLS13, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
	      SHA256, TLS_CIPHER_CHACHA20_POLY1305, 32, ANY, WHY_CHACHA),
	SUITE(0xcca9, TLS12, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	      "ECDHE-ECDSA-CHACHA20-POLY1305", SHA256, TLS_CIPHER_CHACHA20_POLY1305, 32,
	      ECDHE, WHY_CHACHA),
	SUITE(0xcca8, TLS12, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	      "ECDHE-RSA-CHACHA20-POLY1305", SHA256, TLS_CIPHER_CHACHA20_POLY1305, 32,
	      ECDHE, WHY_CHACHA),
	SUITE(0xccaa, TLS12, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	      "DHE-RSA-CHACHA20-POLY1305", SHA256, TLS_CIPHER_CHACHA20_POLY1305, 32,
	      DHE, WHY_CHACHA),

	SUITE(0x1304, TLS13, "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_SHA256",
	      SHA256, TLS_CIPHER_AES_CCM_128, 16, ANY, WHY_CCM),
	SUITE(0x1305, TLS13, "TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_8_SHA256",
	      SHA256, 0, 16, ANY, WHY_CCM_8),
	SUITE(0xc0ac, TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM",
	      "ECDHE-ECDSA-AES128-CCM", SHA256, TLS_CIPHER_AES_CCM_128, 16, ECDHE, WHY_CCM),
	SUITE(0xc0ad, TLS12, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM",
	      "ECDHE-ECDSA-AES256-CCM", SHA256, 0, 32, ECDHE, WHY_CCM_256),
	SUITE(0xc0ae, TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
	      "ECDHE-ECDSA-AES128-CCM8", SHA256, 0, 16, ECDHE, WHY_CCM_8),
	SUITE(0xc0af, TLS12, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8",
	      "ECDHE-ECDSA-AES256-CCM8", SHA256, 0, 32, ECDHE, WHY_CCM_8),
	SUITE(0xc09e, TLS12, "TLS_DHE_RSA_WITH_AES_128_CCM",
	      "DHE-RSA-AES128-CCM", SHA256, TLS_CIPHER_AES_CCM_128, 16, DHE, WHY_CCM),
	SUITE(0xc09f, TLS12, "TLS_DHE_RSA_WITH_AES_256_CCM",
	      "DHE-RSA-AES256-CCM", SHA256, 0, 32, DHE, WHY_CCM_256),

	SUITE(0x00c6, TLS13, "TLS_SM4_GCM_SM3", "TLS_SM4_GCM_SM3",
	      SM3, TLS_CIPHER_SM4_GCM, 16, ANY, WHY_SM4),
	SUITE(0x00c7, TLS13, "TLS_SM4_CCM_SM3", "TLS_SM4_CCM_SM3",
	      SM3, TLS_CIPHER_SM4_CCM, 16, ANY, WHY_SM4),

	SUITE(0xc05c, TLS12, "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256",
	      "ECDHE-ECDSA-ARIA128-GCM-SHA256", SHA256, TLS_CIPHER_ARIA_GCM_128, 16,
	      ECDHE, WHY_ARIA),
	SUITE(0xc060, TLS12, "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256",
	      "ECDHE-ARIA128-GCM-SHA256", SHA256, TLS_CIPHER_ARIA_GCM_128, 16, ECDHE, WHY_ARIA),
	SUITE(0xc05d, TLS12, "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384",
	      "ECDHE-ECDSA-ARIA256-GCM-SHA384", SHA384, TLS_CIPHER_ARIA_GCM_256, 32,
	      ECDHE, WHY_ARIA),
	SUITE(0xc061, TLS12, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384",
	      "ECDHE-ARIA256-GCM-SHA384", SHA384, TLS_CIPHER_ARIA_GCM_256, 32, ECDHE, WHY_ARIA),
	SUITE(0xc052, TLS12, "TLS_DHE_RSA_WITH_ARIA_128_GCM_SHA256",
	      "DHE-RSA-ARIA128-GCM-SHA256", SHA256, TLS_CIPHER_ARIA_GCM_128, 16, DHE, WHY_ARIA),
	SUITE(0xc053, TLS12, "TLS_DHE_RSA_WITH_ARIA_256_GCM_SHA384",
	      "DHE-RSA-ARIA256-GCM-SHA384", SHA384, TLS_CIPHER_ARIA_GCM_256, 32, DHE, WHY_ARIA),
};

#define SUITE_COUNT (sizeof(suites) / sizeof(suites[0]))

/**
 * ktlsx_suite_at() - walk the table
 * @index: row, from 0
 *
 * Return: the row; NULL behind the last one.
 */
const struct ktlsx_suite *ktlsx_suite_at(unsigned int index)
{
	return index < SUITE_COUNT ? &suites[index] : NULL;
}

/**
 * ktlsx_suite_by_id() - look up an IANA number
 * @id: as on the wire, host byte order
 *
 * Return: the row; NULL unknown.
 */
const struct ktlsx_suite *ktlsx_suite_by_id(uint16_t id)
{
	for (size_t i = 0; i < SUITE_COUNT; i++) {
		if (suites[i].id == id)
			return &suites[i];
	}
	return NULL;
}

static bool is_spelled(const char *spelling, const char *name, size_t name_len)
{
	return strlen(spelling) == name_len && !strncasecmp(spelling, name, name_len);
}

/**
 * ktlsx_suite_by_name() - look up a name
 * @name: IANA or OpenSSL spelling, any case; not terminated
 * @name_len: its bytes
 *
 * Return: the row; NULL unknown.
 */
const struct ktlsx_suite *ktlsx_suite_by_name(const char *name, unsigned int name_len)
{
	for (size_t i = 0; i < SUITE_COUNT; i++) {
		if (is_spelled(suites[i].name, name, name_len) ||
		    is_spelled(suites[i].openssl_name, name, name_len))
			return &suites[i];
	}
	return NULL;
}

/**
 * ktlsx_suite_info() - walk the suites this library knows
 * @index: from 0
 * @info: out; its strings are constants
 *
 * May be called by any thread at any time.
 *
 * Return: 0; -ENOENT @index is behind the last one.
 */
int ktlsx_suite_info(unsigned int index, struct ktlsx_suite_info *info)
{
	const struct ktlsx_suite *suite = ktlsx_suite_at(index);

	if (!suite)
		return -ENOENT;
	*info = (struct ktlsx_suite_info){
		.suite = suite->id,
		.version = suite->version,
		.name = suite->name,
		.openssl_name = suite->openssl_name,
		.why_not = suite->why_not,
	};
	return 0;
}
