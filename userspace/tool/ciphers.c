// SPDX-License-Identifier: MIT
/*
 * Owns: the verb ciphers: which suites the library offloads, and whether the
 * running module would take their keys.
 * Must not know: how a suite is negotiated.
 * Concurrency: none.
 * Spec: ktlsx(8); struct ktlsx_features in <linux/ktlsx.h>.
 */
#include "verb.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "../include/ktlsx.h"
#include "probe.h"
#include "report.h"

/* How IANA spells the ciphers that the kernel numbers. */
static const struct {
	const char *part;
	unsigned int cipher;
} ciphers[] = {
	{ "_WITH_AES_128_GCM_", 51 }, { "TLS_AES_128_GCM_", 51 },
	{ "_WITH_AES_256_GCM_", 52 }, { "TLS_AES_256_GCM_", 52 },
	{ "_WITH_AES_128_CCM", 53 }, { "TLS_AES_128_CCM_", 53 },
	{ "CHACHA20_POLY1305_", 54 },
	{ "TLS_SM4_GCM_", 55 }, { "TLS_SM4_CCM_", 56 },
	{ "_WITH_ARIA_128_GCM_", 57 }, { "_WITH_ARIA_256_GCM_", 58 },
};

#define CIPHER_FIRST 51

struct listing {
	struct ktlsx_report report;
	struct ktlsx_features features;
	int probe_err;
};

static bool module_has(const struct listing *listing, const struct ktlsx_suite_info *suite)
{
	uint64_t bits = suite->version == 0x0304 ? listing->features.tls13_ciphers :
			listing->features.tls12_ciphers;

	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (strstr(suite->name, ciphers[i].part))
			return bits >> (ciphers[i].cipher - CIPHER_FIRST) & 1;
	return false;
}

static const char *no_module(const struct listing *listing)
{
	return listing->probe_err == -ENOENT ?
	       "the module ktlsx is not loaded: as root, modprobe ktlsx" :
	       "the kernel does not attach ktlsx: see ktlsx doctor";
}

/* What keeps this suite's records out of the kernel here and now; NULL: nothing. */
static const char *obstacle(const struct listing *listing, const struct ktlsx_suite_info *suite)
{
	if (suite->why_not)
		return suite->why_not;
	if (listing->probe_err)
		return no_module(listing);
	return module_has(listing, suite) ? NULL :
	       "the module that is loaded does not have this cipher";
}

static void print(const struct listing *listing, const struct ktlsx_suite_info *suite)
{
	const char *why = obstacle(listing, suite);
	const char *answer = suite->why_not ? "no" : why ? "not now" : "yes";
	/* That there is no module is said once, at the end. */
	bool has_reason = suite->why_not || (why && !listing->probe_err);

	printf("%-8s %-46s %-32s %s%s%s\n", suite->version == 0x0304 ? "TLSv1.3" : "TLSv1.2",
	       suite->name, suite->openssl_name, answer, has_reason ? ": " : "",
	       has_reason ? why : "");
}

static struct json_object *describe(const struct listing *listing,
				    const struct ktlsx_suite_info *suite)
{
	const char *why = obstacle(listing, suite);
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "id", json_object_new_int(suite->suite));
	ktlsx_report_text(object, "version", suite->version == 0x0304 ? "TLSv1.3" : "TLSv1.2");
	ktlsx_report_text(object, "name", suite->name);
	ktlsx_report_text(object, "openssl_name", suite->openssl_name);
	json_object_object_add(object, "offloaded", json_object_new_boolean(!suite->why_not));
	json_object_object_add(object, "usable", json_object_new_boolean(!why));
	ktlsx_report_text(object, "why_not", why);
	return object;
}

static enum ktlsx_exit show(const struct listing *listing)
{
	struct json_object *array = json_object_new_array(), *object;
	struct ktlsx_suite_info suite;

	if (!listing->report.is_json)
		printf("%-8s %-46s %-32s %s\n", "VERSION", "IANA", "OPENSSL", "OFFLOADED");
	for (unsigned int i = 0; !ktlsx_suite_info(i, &suite); i++) {
		if (listing->report.is_json)
			json_object_array_add(array, describe(listing, &suite));
		else
			print(listing, &suite);
	}
	if (!listing->report.is_json) {
		json_object_put(array);
		if (listing->probe_err)
			printf("not now: %s\n", no_module(listing));
		return fflush(stdout) ? KTLSX_EXIT_FILE : KTLSX_EXIT_OK;
	}
	object = json_object_new_object();
	json_object_object_add(object, "module",
			       json_object_new_boolean(!listing->probe_err));
	json_object_object_add(object, "suites", array);
	return ktlsx_report_json(stdout, object) ? KTLSX_EXIT_FILE : KTLSX_EXIT_OK;
}

/**
 * ktlsx_verb_ciphers() - ktlsx ciphers
 * @argc: words
 * @argv: "ciphers" and its arguments
 *
 * Return: exit status.
 */
enum ktlsx_exit ktlsx_verb_ciphers(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 },
	};
	struct listing listing = { .probe_err = -ENOENT };
	int code;

	ktlsx_report_init(&listing.report, "ciphers", stdout);
	opterr = 0;
	while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (code != 'j')
			return ktlsx_report_usage(&listing.report, "there is no option %s",
						  argv[optind - 1]);
		listing.report.is_json = true;
	}
	if (optind < argc)
		return ktlsx_report_usage(&listing.report, "'%s' is too much", argv[optind]);
	if (ktlsx_probe_is_loaded())
		listing.probe_err = ktlsx_probe_ulp(KTLSX_ULP_NAME, &listing.features);
	return show(&listing);
}
