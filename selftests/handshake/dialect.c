// SPDX-License-Identifier: MIT
/*
 * Owns: the tables from OpenSSL's names to GnuTLS's, and the four command lines
 * (see dialect.h).
 * Must not know: the library, what a test checks.
 * Concurrency: pure.
 * Follows: gnutls manual, "Priority strings".
 */
#include "dialect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki.h"

#define PRIORITY_SIZE	400
#define WORDS_SIZE	400

struct spelling {
	const char *openssl, *gnutls;
};

static const struct spelling groups[] = {
	{ "P-256", ":+GROUP-SECP256R1" },
	{ "P-384", ":+GROUP-SECP384R1" },
	{ "P-521", ":+GROUP-SECP521R1" },
	{ "X25519", ":+GROUP-X25519" },
};

#define GCM128	":-CIPHER-ALL:+AES-128-GCM"
#define GCM256	":-CIPHER-ALL:+AES-256-GCM"
static const struct spelling suites[] = {
	{ "TLS_AES_128_GCM_SHA256", GCM128 },
	{ "TLS_AES_256_GCM_SHA384", GCM256 },
	{ "ECDHE-RSA-AES128-GCM-SHA256", GCM128 ":-KX-ALL:+ECDHE-RSA" },
	{ "ECDHE-RSA-AES256-GCM-SHA384", GCM256 ":-KX-ALL:+ECDHE-RSA" },
	{ "ECDHE-ECDSA-AES128-GCM-SHA256", GCM128 ":-KX-ALL:+ECDHE-ECDSA" },
	{ "ECDHE-ECDSA-AES256-GCM-SHA384", GCM256 ":-KX-ALL:+ECDHE-ECDSA" },
	{ "DHE-RSA-AES128-GCM-SHA256", GCM128 ":-KX-ALL:+DHE-RSA" },
	{ "DHE-RSA-AES256-GCM-SHA384", GCM256 ":-KX-ALL:+DHE-RSA" },
	{ "AES128-GCM-SHA256", GCM128 ":-KX-ALL:+RSA" },
	{ "AES256-GCM-SHA384", GCM256 ":-KX-ALL:+RSA" },
};

static void append(char *text, const char *more)
{
	size_t len = strlen(text);

	snprintf(text + len, PRIORITY_SIZE - len, "%s", more);
}

/* Appends the spelling of each name in a list. */
static void translate(char *text, const char *names, const struct spelling *table, size_t count)
{
	char *list = strdup(names), *name, *at;

	for (name = strtok_r(list, ":", &at); name; name = strtok_r(NULL, ":", &at)) {
		size_t i = 0;

		while (i < count && strcmp(table[i].openssl, name))
			i++;
		if (i == count) {
			fprintf(stderr, "no GnuTLS spelling of %s\n", name);
			abort();
		}
		append(text, table[i].gnutls);
	}
	free(list);
}

static void say_priority(struct peer_args *args, const struct dialect_wish *wish)
{
	char text[PRIORITY_SIZE] = "--priority=NORMAL";

	if (wish->version)
		append(text, wish->version == 0x0303 ? ":-VERS-ALL:+VERS-TLS1.2" :
						       ":-VERS-ALL:+VERS-TLS1.3");
	if (wish->group) {
		append(text, ":-GROUP-ALL");
		translate(text, wish->group, groups, sizeof(groups) / sizeof(groups[0]));
	}
	if (wish->suite)
		translate(text, wish->suite, suites, sizeof(suites) / sizeof(suites[0]));
	if (wish->priority)
		append(text, wish->priority);
	peer_say_word(args, text);
}

static const char *file(const char *name, const char *suffix)
{
	char path[100];

	snprintf(path, sizeof(path), "%s%s", name, suffix);
	return pki_path(path);
}

static bool verifies(const struct dialect_wish *wish)
{
	return !wish->trust || *wish->trust;
}

static const char *trust(const struct dialect_wish *wish)
{
	return pki_path(wish->trust ? wish->trust : "trust.pem");
}

static void openssl_common(struct peer_args *args, const struct dialect_wish *wish)
{
	if (!wish->is_chatty)
		peer_say(args, "-brief -ign_eof");
	if (wish->version)
		peer_say(args, wish->version == 0x0303 ? "-tls1_2" : "-tls1_3");
	if (wish->group)
		peer_say(args, "-groups %s", wish->group);
	if (wish->suite)
		peer_say(args, "%s %s", strncmp(wish->suite, "TLS_", 4) ? "-cipher" :
			 "-ciphersuites", wish->suite);
	if (wish->alpn)
		peer_say(args, "-alpn %s", wish->alpn);
	if (wish->more)
		peer_say(args, "%s", wish->more);
}

static void openssl_client(struct peer_args *args, const struct dialect_wish *wish, uint16_t port)
{
	const char *name = wish->name ? wish->name : "localhost";

	peer_say(args, "openssl s_client -connect 127.0.0.1:%u -servername %s", port, name);
	if (verifies(wish))
		peer_say(args, "-verify_return_error -verify_hostname %s -CAfile %s", name,
			 trust(wish));
	if (wish->cert)
		peer_say(args, "-cert %s -cert_chain %s -key %s", file(wish->cert, ".pem"),
			 pki_path("intermediate.pem"), file(wish->cert, ".key.pem"));
	openssl_common(args, wish);
}

static void openssl_server(struct peer_args *args, const struct dialect_wish *wish, uint16_t port)
{
	/* What it prints comes line by line then, not when 4 KiB are full. */
	if (wish->is_chatty)
		peer_say(args, "stdbuf -oL");
	peer_say(args, "openssl s_server -accept 127.0.0.1:%u", port);
	if (wish->cert)
		peer_say(args, "-cert %s -cert_chain %s -key %s", file(wish->cert, ".pem"),
			 pki_path("intermediate.pem"), file(wish->cert, ".key.pem"));
	else
		peer_say(args, "-nocert");
	if (wish->asks_certificate)
		peer_say(args, "-Verify 5 -verify_return_error -CAfile %s", trust(wish));
	openssl_common(args, wish);
}

static void gnutls_common(struct peer_args *args, const struct dialect_wish *wish)
{
	if (wish->cert)
		peer_say(args, "--x509certfile=%s --x509keyfile=%s",
			 file(wish->cert, ".chain.pem"), file(wish->cert, ".key.pem"));
	if (wish->alpn)
		peer_say(args, "--alpn=%s", wish->alpn);
	say_priority(args, wish);
	if (wish->more)
		peer_say(args, "%s", wish->more);
}

static void gnutls_client(struct peer_args *args, const struct dialect_wish *wish, uint16_t port)
{
	const char *name = wish->name ? wish->name : "localhost";

	/* The standard output carries nothing but data then. */
	peer_say(args, "gnutls-cli --logfile=/proc/self/fd/2 -p %u --sni-hostname=%s", port, name);
	if (verifies(wish))
		peer_say(args, "--x509cafile=%s --verify-hostname=%s", trust(wish), name);
	else
		peer_say(args, "--insecure");
	gnutls_common(args, wish);
	peer_say(args, "127.0.0.1");
}

static void gnutls_server(struct peer_args *args, const struct dialect_wish *wish, uint16_t port)
{
	peer_say(args, "stdbuf -oL gnutls-serv -p %u", port);
	if (!wish->is_chatty)
		peer_say(args, "--echo");
	if (wish->asks_certificate)
		peer_say(args, "--require-client-cert --verify-client-cert --x509cafile=%s",
			 trust(wish));
	else
		peer_say(args, "--disable-client-cert");
	gnutls_common(args, wish);
}

/**
 * dialect_words() - words for dialect_wish.more, for instance
 * Return: a string that lives until the next three calls of this function.
 */
const char *dialect_words(const char *format, ...)
{
	static char kept[4][WORDS_SIZE];
	static unsigned int turn;
	char *words = kept[turn++ % 4];
	va_list list;

	va_start(list, format);
	vsnprintf(words, WORDS_SIZE, format, list);
	va_end(list);
	return words;
}

/**
 * dialect_client() - the command line of a client
 * @args: words are appended
 * @port: where it connects to on loopback
 */
void dialect_client(struct peer_args *args, const struct dialect_wish *wish, uint16_t port)
{
	(wish->program == OPENSSL ? openssl_client : gnutls_client)(args, wish, port);
}

/**
 * dialect_server() - the command line of a server
 * @args: words are appended
 * @port: where it listens on loopback
 */
void dialect_server(struct peer_args *args, const struct dialect_wish *wish, uint16_t port)
{
	(wish->program == OPENSSL ? openssl_server : gnutls_server)(args, wish, port);
}
