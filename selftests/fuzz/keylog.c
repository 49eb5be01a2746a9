// SPDX-License-Identifier: MIT
/*
 * Owns: fuzzing of the reader of OpenSSL's key log lines: it writes nothing but
 * the secrets of one connection.
 * Must not know: which lines matter.
 * Concurrency: single thread.
 * Follows: userspace/lib/handshake.h; NSS Key Log Format.
 */
#include "fuzz.h"
#include "conn.h"
#include "handshake.h"

static struct ktlsx_conn conn;
static struct ktlsx_config config;	/* of the connection; its role is all that matters */

static SSL *make_ssl(void)
{
	struct ktlsx_config *maker;
	struct ktlsx_error error;
	SSL *ssl = NULL;

	CLAIM(!ktlsx_config_new(&maker, KTLSX_CLIENT));
	CLAIM(!ktlsx_config_insecure_no_verify(maker));
	CLAIM(!ktlsx_config_ssl(maker, "localhost", &ssl, &error));
	conn.config = &config;
	SSL_set_app_data(ssl, &conn);
	return ssl;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static SSL *ssl;
	struct fuzz_input input = { bytes, len };
	char *line;

	if (!ssl)
		ssl = make_ssl();
	config.role = fuzz_byte(&input) & 1 ? KTLSX_CLIENT : KTLSX_SERVER;
	line = malloc(input.len + 1);
	CLAIM(line);
	memcpy(line, input.bytes, input.len);
	line[input.len] = 0;
	/* A write past its end is found. */
	conn.secrets = calloc(1, sizeof(*conn.secrets));
	CLAIM(conn.secrets);
	ktlsx_handshake_keylog(ssl, line);
	free(conn.secrets);
	free(line);
	return 0;
}
