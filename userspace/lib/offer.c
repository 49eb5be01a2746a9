// SPDX-License-Identifier: MIT
/*
 * What a hello may offer or accept: versions, suites, groups. Must not know
 * certificates or sessions. Suites and versions take effect when the config is
 * frozen, since only together they say what remains.
 * Setters belong to the thread that builds the config; the rest reads only.
 * Spec: RFC 8446 sections 4.2.1, 4.2.7 and B.4, RFC 5246 section 7.4.1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "shape.h"
#include "suite.h"

#define SUITE_COUNT_MAX 64	/* more than the table has */
#define NAME_LEN_MAX 48

/* Suites in order of preference, each once. */
struct offer {
	const struct ktlsx_suite *suites[SUITE_COUNT_MAX];
	unsigned int count;
};

/*
 * The first one that the running OpenSSL understands: 3.5 has a key exchange
 * that also withstands quantum computers, and a syntax for two key shares.
 */
static const char *const default_groups[] = {
	"?*X25519MLKEM768 / ?*X25519:?P-256:?P-384:?P-521",
	"X25519:P-256:P-384:P-521",
};

static size_t item_len(const char *suites)
{
	return strcspn(suites, ":");
}

static void offer_add(struct offer *offer, const struct ktlsx_suite *suite)
{
	for (unsigned int i = 0; i < offer->count; i++) {
		if (offer->suites[i] == suite)
			return;
	}
	if (offer->count < SUITE_COUNT_MAX)
		offer->suites[offer->count++] = suite;
}

static bool is_allowed(const struct ktlsx_config *config, const struct ktlsx_suite *suite,
		       bool is_named)
{
	switch (suite->exchange) {
	case KTLSX_EXCHANGE_DHE:
		return is_named;
	case KTLSX_EXCHANGE_RSA:
		return config->allows_rsa_exchange;
	default:
		return true;
	}
}

static void offer_default(const struct ktlsx_config *config, struct offer *offer)
{
	const struct ktlsx_suite *suite;

	for (unsigned int i = 0; (suite = ktlsx_suite_at(i)); i++) {
		if (!suite->why_not && is_allowed(config, suite, false))
			offer_add(offer, suite);
	}
}

static void offer_named(const struct ktlsx_config *config, struct offer *offer)
{
	const char *name = config->suites;

	for (;;) {
		size_t len = item_len(name);
		const struct ktlsx_suite *suite = ktlsx_suite_by_name(name, len);

		if (suite && is_allowed(config, suite, true))
			offer_add(offer, suite);
		if (!name[len])
			return;
		name += len + 1;
	}
}

static void offer_collect(const struct ktlsx_config *config, struct offer *offer)
{
	offer->count = 0;
	if (config->suites)
		offer_named(config, offer);
	else
		offer_default(config, offer);
}

/* Writes the names of one version's suites as OpenSSL wants them; says whether there are any. */
static bool offer_print(const struct offer *offer, uint16_t version, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned int i = 0; i < offer->count; i++) {
		if (offer->suites[i]->version == version)
			len += snprintf(out + len, size - len, "%s%s", len ? ":" : "",
					offer->suites[i]->openssl_name);
	}
	return len > 0;
}

static bool has_dhe(const struct offer *offer)
{
	for (unsigned int i = 0; i < offer->count; i++) {
		if (offer->suites[i]->exchange == KTLSX_EXCHANGE_DHE)
			return true;
	}
	return false;
}

static int freeze_groups(struct ktlsx_config *config)
{
	for (size_t i = 0; i < sizeof(default_groups) / sizeof(default_groups[0]); i++) {
		if (config->groups)
			return 0;
		if (SSL_CTX_set1_groups_list(config->ctx, default_groups[i])) {
			config->groups = strdup(default_groups[i]);
			return config->groups ? 0 : -ENOMEM;
		}
	}
	return ktlsx_fail_openssl(&config->error, -EINVAL,
				  "groups: EINVAL: OpenSSL takes none of the default groups");
}

static int freeze_versions(struct ktlsx_config *config, bool has_12, bool has_13)
{
	uint16_t min = has_12 ? config->version_min : TLS1_3_VERSION;
	uint16_t max = has_13 ? config->version_max : TLS1_2_VERSION;

	min = min < config->version_min ? config->version_min : min;
	max = max > config->version_max ? config->version_max : max;
	if (min > max)
		return ktlsx_fail(&config->error, -EINVAL,
				  "suites: EINVAL: none is left for the versions that are allowed: name more in ktlsx_config_set_suites(), or allow more versions");
	if (!SSL_CTX_set_min_proto_version(config->ctx, min) ||
	    !SSL_CTX_set_max_proto_version(config->ctx, max))
		return ktlsx_fail_openssl(&config->error, -EINVAL,
					  "versions: EINVAL: OpenSSL refuses them");
	return 0;
}

/**
 * ktlsx_offer_freeze() - put versions, suites and groups into force
 * @config: being frozen
 *
 * A version that no suite is left for is not offered.
 *
 * Return: 0; -EINVAL nothing is left, or OpenSSL was built without it; -ENOMEM.
 */
int ktlsx_offer_freeze(struct ktlsx_config *config)
{
	char tls12[SUITE_COUNT_MAX * NAME_LEN_MAX];
	char tls13[SUITE_COUNT_MAX * NAME_LEN_MAX];
	struct offer offer;
	bool has_12, has_13;
	int err;

	offer_collect(config, &offer);
	has_12 = offer_print(&offer, TLS1_2_VERSION, tls12, sizeof(tls12));
	has_13 = offer_print(&offer, TLS1_3_VERSION, tls13, sizeof(tls13));
	err = freeze_versions(config, has_12, has_13);
	if (!err)
		err = freeze_groups(config);
	if (err)
		return err;
	if (!SSL_CTX_set_ciphersuites(config->ctx, tls13) ||
	    (has_12 && !SSL_CTX_set_cipher_list(config->ctx, tls12)))
		return ktlsx_fail_openssl(&config->error, -EINVAL,
					  "suites: EINVAL: OpenSSL refuses %s", tls12);
	SSL_CTX_set_dh_auto(config->ctx, has_dhe(&offer));
	return 0;
}

/**
 * ktlsx_offer_has_version() - whether a version may be negotiated
 * @config: any
 * @version: 0x0303 or 0x0304
 */
bool ktlsx_offer_has_version(const struct ktlsx_config *config, uint16_t version)
{
	struct offer offer;

	if (version < config->version_min || version > config->version_max)
		return false;
	offer_collect(config, &offer);
	for (unsigned int i = 0; i < offer.count; i++) {
		if (offer.suites[i]->version == version)
			return true;
	}
	return false;
}

/**
 * ktlsx_offer_has_suite() - whether a suite may be negotiated
 * @config: any
 * @id: IANA number
 */
bool ktlsx_offer_has_suite(const struct ktlsx_config *config, uint16_t id)
{
	const struct ktlsx_suite *suite = ktlsx_suite_by_id(id);
	struct offer offer;

	if (!suite || suite->version < config->version_min || suite->version > config->version_max)
		return false;
	offer_collect(config, &offer);
	for (unsigned int i = 0; i < offer.count; i++) {
		if (offer.suites[i] == suite)
			return true;
	}
	return false;
}

/**
 * ktlsx_offer_carry() - what SSL_set_SSL_CTX() leaves behind of an offer
 * @config: to serve the connection from now on
 * @ssl: has its SSL_CTX already
 *
 * Return: 0; -ENOMEM.
 */
int ktlsx_offer_carry(const struct ktlsx_config *config, SSL *ssl)
{
	if (!SSL_set_min_proto_version(ssl, SSL_CTX_get_min_proto_version(config->ctx)) ||
	    !SSL_set_max_proto_version(ssl, SSL_CTX_get_max_proto_version(config->ctx)) ||
	    !SSL_set1_groups_list(ssl, config->groups))
		return -ENOMEM;
	return 0;
}

/**
 * ktlsx_offer_drop() - free what a config offers
 * @config: being freed
 */
void ktlsx_offer_drop(struct ktlsx_config *config)
{
	free(config->suites);
	free(config->groups);
}

static int replace_text(char **text, const char *with)
{
	char *copy = strdup(with);

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int check_versions(struct ktlsx_config *config, uint16_t min, uint16_t max)
{
	if (min < TLS1_2_VERSION || max > TLS1_3_VERSION || min > max)
		return ktlsx_fail(&config->error, -EINVAL,
				  "versions: EINVAL: 0x%04x to 0x%04x: only TLS 1.2 (0x0303) and TLS 1.3 (0x0304) are there, the lower one first",
				  min, max);
	config->version_min = min;
	config->version_max = max;
	return 0;
}

/**
 * ktlsx_config_set_versions() - bound the TLS version
 * @config: client or server
 * @min: 0x0303 (TLS 1.2) or 0x0304 (TLS 1.3)
 * @max: likewise
 *
 * Return: 0; -EINVAL another version, or @min above @max; -EBUSY.
 */
int ktlsx_config_set_versions(struct ktlsx_config *config, uint16_t min, uint16_t max)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, check_versions(config, min, max));
}

static int check_suite(struct ktlsx_config *config, const char *name, size_t len)
{
	const struct ktlsx_suite *suite = ktlsx_suite_by_name(name, len);

	if (!suite)
		return ktlsx_fail(&config->error, -EINVAL,
				  "suites: EINVAL: \"%.*s\" is not known: see \"ktlsx ciphers\"",
				  (int)(len < NAME_LEN_MAX ? len : NAME_LEN_MAX), name);
	if (suite->exchange == KTLSX_EXCHANGE_RSA && !config->allows_rsa_exchange)
		return ktlsx_fail(&config->error, -EINVAL,
				  "suites: EINVAL: %s: RSA key exchange has no forward secrecy: call ktlsx_config_insecure_allow_rsa_key_exchange() before",
				  suite->name);
	if (suite->why_not)
		return ktlsx_fail(&config->error, -ENOTSUP, "suites: ENOTSUP: %s: %s", suite->name,
				  suite->why_not);
	return 0;
}

static int set_suites(struct ktlsx_config *config, const char *suites)
{
	const char *name = suites;

	for (;;) {
		size_t len = item_len(name);
		int err = check_suite(config, name, len);

		if (err)
			return err;
		if (!name[len])
			return replace_text(&config->suites, suites);
		name += len + 1;
	}
}

/**
 * ktlsx_config_set_suites() - choose suites
 * @config: client or server
 * @suites: in order of preference, IANA or OpenSSL names, separated by ":"
 *
 * Only suites that "ktlsx ciphers" lists as offloaded. Finite-field DHE (slow)
 * is used only when it is named here; RSA key exchange not even then, unless
 * ktlsx_config_insecure_allow_rsa_key_exchange() was called before. A TLS
 * version that none of them belongs to is not negotiated.
 *
 * Return: 0; -EINVAL unknown name, or RSA key exchange; -ENOTSUP known, but not offloaded (the text
 * names it); -ENOMEM; -EBUSY.
 */
int ktlsx_config_set_suites(struct ktlsx_config *config, const char *suites)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, set_suites(config, suites));
}

static int set_groups(struct ktlsx_config *config, const char *groups)
{
	if (!*groups || !SSL_CTX_set1_groups_list(config->ctx, groups))
		return ktlsx_fail_openssl(&config->error, -EINVAL,
					  "groups: EINVAL: OpenSSL does not know all of \"%.64s\"",
					  groups);
	return replace_text(&config->groups, groups);
}

/**
 * ktlsx_config_set_groups() - choose key exchange groups
 * @config: client or server
 * @groups: in order of preference, separated by ":" ("X25519:P-256")
 *
 * Return: 0; -EINVAL one is unknown to OpenSSL; -ENOMEM; -EBUSY.
 */
int ktlsx_config_set_groups(struct ktlsx_config *config, const char *groups)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, set_groups(config, groups));
}

/**
 * ktlsx_config_insecure_allow_rsa_key_exchange() - also RSA key exchange, TLS 1.2
 * @config: client or server
 *
 * Insecure: no forward secrecy; who records the traffic and gets the server's
 * key later reads all of it. By default these suites come last.
 *
 * Return: 0; -EBUSY.
 */
int ktlsx_config_insecure_allow_rsa_key_exchange(struct ktlsx_config *config)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	config->allows_rsa_exchange = true;
	return ktlsx_config_leave(config, 0);
}
