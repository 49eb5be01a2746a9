// SPDX-License-Identifier: MIT
/*
 * Owns: which verb runs, and the help.
 * Must not know: what a verb does.
 * Concurrency: none.
 * Spec: ktlsx(8).
 */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verb.h"

static const struct verb {
	const char *name;
	enum ktlsx_exit (*run)(int argc, char **argv);
	const char *brief;
	const char *usage;
} verbs[] = {
	{ "doctor", ktlsx_verb_doctor, "look at this machine: is TLS done in the kernel?",
	  "ktlsx doctor [--json]\n"
	  "Exit status 0: nothing is wrong (warnings may be shown); 1: a problem was found.\n" },
	{ "connect", ktlsx_verb_connect, "talk to a TLS server, or get a file from it",
	  "ktlsx connect HOST:PORT [options]\n"
	  "  --get PATH            one HTTPS GET instead of talking\n"
	  "  -o, --output FILE     where to, by splice; it has its name when it is whole\n"
	  "  --name NAME           name to ask for and to verify, when it is not HOST\n"
	  "  --trust FILE          who may sign the server's certificate, PEM (default: the system's)\n"
	  "  --pin SHA256          accept this public key instead (hexadecimal; several times)\n"
	  "  --insecure-no-verify  accept anybody\n"
	  "  --session FILE        resume what FILE holds, keep the new session in it\n"
	  "  --ignore-eof          the end of standard input does not end our sending\n" },
	{ "accept", ktlsx_verb_accept, "serve one TLS client at a time",
	  "ktlsx accept [ADDRESS:]PORT --cert FILE [--key FILE] [options]\n"
	  "  --file FILE           send this file by sendfile; to an HTTP request, as its answer\n"
	  "  --raw                 with --file: never HTTP\n"
	  "  --exec COMMAND...     run it with the connection as standard input and output; last option\n"
	  "  --client-ca FILE      ask clients for a certificate, signed by one of these\n"
	  "  --require-client-cert refuse a client without\n"
	  "  --once, --count N     end after so many connections\n"
	  "  --ignore-eof          the end of standard input does not end our sending\n" },
	{ "ciphers", ktlsx_verb_ciphers, "list the suites and whether the kernel does them",
	  "ktlsx ciphers [--json]\n" },
	{ "stat", ktlsx_verb_stat, "show the kernel's counters",
	  "ktlsx stat [-w [SECONDS]] [-n TIMES] [--json]\n"
	  "  -w, --watch           again and again, with what came per second\n"
	  "  -n, --count TIMES     so many times\n" },
};

static const char shared_options[] =
	"  --cert FILE, --key FILE   our certificate chain and its key, PEM\n"
	"  --alpn LIST           protocols, best first: h2,http/1.1\n"
	"  --tls12, --tls13      this version only\n"
	"  --suites LIST         suites, best first: see ktlsx ciphers\n"
	"  --groups LIST         key exchange groups: X25519:P-256\n"
	"  --timeout SECONDS     for each wait for the peer (30)\n"
	"  --keylog FILE         append the connection's secrets: who has them can read it\n"
	"  --fallback            do the records in userspace where the kernel cannot\n"
	"  --json, -q, --quiet   on standard error: JSON objects; errors only\n";

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *find(const char *name)
{
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static void list_verbs(FILE *out)
{
	fputs("usage: ktlsx VERB [arguments]\n\n", out);
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(out, "  %-10s%s\n", verbs[i].name, verbs[i].brief);
	fputs("\nktlsx help VERB says more, the manual page ktlsx(8) all of it.\n", out);
}

static enum ktlsx_exit help(const char *name)
{
	const struct verb *verb = name ? find(name) : NULL;

	if (!name) {
		list_verbs(stdout);
		return KTLSX_EXIT_OK;
	}
	if (!verb) {
		fprintf(stderr, "ktlsx: there is no verb %s (see: ktlsx help)\n", name);
		return KTLSX_EXIT_USAGE;
	}
	printf("%s: %s\nusage: %s", verb->name, verb->brief, verb->usage);
	if (verb->run == ktlsx_verb_connect || verb->run == ktlsx_verb_accept)
		fputs(shared_options, stdout);
	return KTLSX_EXIT_OK;
}

static enum ktlsx_exit version(void)
{
	printf("ktlsx %s, %s\n", KTLSX_VERSION, OpenSSL_version(OPENSSL_VERSION));
	return KTLSX_EXIT_OK;
}

/* Who closed them for us must not find a socket of ours in their place. */
static bool has_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct verb *verb = word ? find(word) : NULL;

	if (!has_standard_files())
		return (int)KTLSX_EXIT_FILE;
	/* A peer that has gone is an errno, not the end of us. */
	signal(SIGPIPE, SIG_IGN);
	if (verb && argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h")))
		return (int)help(word);
	if (verb)
		return (int)verb->run(argc - 1, argv + 1);
	if (!word) {
		list_verbs(stderr);
		return KTLSX_EXIT_USAGE;
	}
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		return (int)version();
	if (!strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h"))
		return (int)help(argc > 2 ? argv[2] : NULL);
	return (int)help(word);
}
