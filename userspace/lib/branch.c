// SPDX-License-Identifier: MIT
/*
 * Which config serves a client: decided by server name, protocol and signature
 * algorithms of its first hello, before OpenSSL looks at anything else of it.
 * Must not know what the settings of a config mean: each file of the config
 * side carries its own over.
 * Branches are added by the thread that builds the config; the callback runs in
 * the thread of the connection. Every config branched to is frozen before, so
 * there is no loop.
 * Spec: RFC 6066 section 3, RFC 7301, RFC 8446 section 4.2.3.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "choice.h"
#include "hello.h"
#include "shape.h"

/* For clients that know no other signatures; their own list decides further. */
#define SHA1_SIGALGS "RSA+SHA1:ECDSA+SHA1"

/**
 * struct ktlsx_branch - another config, and who is served by it
 * @next: added later
 * @name: lower case, "*.": any one label; NULL: any
 * @alpn: NULL: any
 * @other: a reference, frozen
 */
struct ktlsx_branch {
	struct ktlsx_branch *next;
	char *name;
	char *alpn;
	struct ktlsx_config *other;
};

/* An extension of a hello; @bytes is NULL without. */
struct extension {
	const uint8_t *bytes;
	size_t len;
};

/**
 * struct hello - what decides
 * @server_name: lower case, "" without
 * @alpn: the extension
 * @is_sha1_only: the client can verify nothing better
 */
struct hello {
	char server_name[KTLSX_HELLO_NAME_SIZE];
	struct extension alpn;
	bool is_sha1_only;
};

static struct extension get_extension(SSL *ssl, unsigned int type)
{
	struct extension ext = { 0 };

	SSL_client_hello_get0_ext(ssl, type, &ext.bytes, &ext.len);
	return ext;
}

/* One that may speak TLS 1.3, where SHA-1 is no option, can leave its algorithms out. */
static int read_is_sha1_only(SSL *ssl, bool *is_sha1_only)
{
	struct extension sigalgs = get_extension(ssl, TLSEXT_TYPE_signature_algorithms);
	struct extension versions = get_extension(ssl, TLSEXT_TYPE_supported_versions);
	int has_better = 0, has_13 = 0;

	if (sigalgs.bytes)
		has_better = ktlsx_hello_beyond_sha1(sigalgs.bytes, sigalgs.len);
	if (versions.bytes)
		has_13 = ktlsx_hello_version(versions.bytes, versions.len, TLS1_3_VERSION);
	if (has_better < 0 || has_13 < 0)
		return -EPROTO;
	*is_sha1_only = !has_better && !has_13;
	return 0;
}

static int read_hello(SSL *ssl, struct hello *hello)
{
	struct extension name = get_extension(ssl, TLSEXT_TYPE_server_name);

	hello->server_name[0] = '\0';
	if (name.bytes && ktlsx_hello_server_name(name.bytes, name.len, hello->server_name))
		return -EPROTO;
	hello->alpn = get_extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation);
	if (hello->alpn.bytes && ktlsx_hello_alpn(hello->alpn.bytes, hello->alpn.len, "") < 0)
		return -EPROTO;
	return read_is_sha1_only(ssl, &hello->is_sha1_only);
}

static bool is_wildcard(const char *name)
{
	return name[0] == '*' && name[1] == '.';
}

/* "*." stands for one label that is not empty. */
static bool fits_wildcard(const char *pattern, const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && dot != name && !strcmp(dot, pattern + 1);
}

/* How well a branch fits; 0: not at all. A name counts more than a protocol. */
static int rank_branch(const struct ktlsx_branch *branch, const struct hello *hello)
{
	int rank = 1;

	if (branch->name && !strcmp(branch->name, hello->server_name))
		rank += 4;
	else if (branch->name && is_wildcard(branch->name) &&
		 fits_wildcard(branch->name, hello->server_name))
		rank += 2;
	else if (branch->name)
		return 0;
	if (!branch->alpn)
		return rank;
	if (!hello->alpn.bytes ||
	    ktlsx_hello_alpn(hello->alpn.bytes, hello->alpn.len, branch->alpn) <= 0)
		return 0;
	return rank + 1;
}

static const struct ktlsx_config *best_branch(const struct ktlsx_config *config,
					      const struct hello *hello)
{
	const struct ktlsx_config *best = NULL;
	int best_rank = 0;

	for (const struct ktlsx_branch *branch = config->branches; branch; branch = branch->next) {
		int rank = rank_branch(branch, hello);

		if (rank > best_rank) {
			best_rank = rank;
			best = branch->other;
		}
	}
	return best;
}

/* A config that was branched to may branch itself. */
static const struct ktlsx_config *resolve(const struct ktlsx_config *config,
					  const struct hello *hello, bool *signs_sha1)
{
	const struct ktlsx_config *next = config;

	*signs_sha1 = false;
	while (next) {
		config = next;
		next = NULL;
		if (hello->is_sha1_only && config->sha1_server) {
			next = config->sha1_server;
			*signs_sha1 = true;
		}
		if (!next)
			next = best_branch(config, hello);
	}
	return config;
}

static int allow_sha1(SSL *ssl)
{
	SSL_set_security_level(ssl, 0);
	return SSL_set_max_proto_version(ssl, TLS1_2_VERSION) &&
			       SSL_set1_sigalgs_list(ssl, SHA1_SIGALGS) ?
		       0 :
		       -ENOMEM;
}

/* SSL_set_SSL_CTX() takes certificates and callbacks along, hardly more. */
static int carry(const struct ktlsx_config *config, SSL *ssl)
{
	int err;

	if (!SSL_set_SSL_CTX(ssl, config->ctx))
		return -ENOMEM;
	ktlsx_psk_carry(config, ssl);
	err = ktlsx_offer_carry(config, ssl);
	if (!err)
		err = ktlsx_trust_carry(config, ssl);
	if (!err)
		err = ktlsx_resumption_carry(config, ssl);
	return err;
}

static int choose(SSL *ssl, struct ktlsx_choice *choice, const struct hello *hello)
{
	bool signs_sha1;
	const struct ktlsx_config *config = resolve(choice->made_of, hello, &signs_sha1);
	int err = config == choice->config ? 0 : carry(config, ssl);

	choice->config = config;
	choice->is_chosen = true;
	strcpy(choice->server_name, hello->server_name);
	if (!err && signs_sha1)
		err = allow_sha1(ssl);
	if (!err)
		err = ktlsx_resumption_bind(config, ssl, choice->server_name);
	return err;
}

static bool is_same_choice(const struct ktlsx_choice *choice, const struct hello *hello)
{
	bool signs_sha1;

	return !strcmp(choice->server_name, hello->server_name) &&
	       resolve(choice->made_of, hello, &signs_sha1) == choice->config;
}

static int refuse(int *alert, int description)
{
	*alert = description;
	return SSL_CLIENT_HELLO_ERROR;
}

/**
 * ktlsx_branch_on_hello() - client-hello callback of every server's SSL_CTX
 * @ssl: made by ktlsx_config_ssl()
 * @alert: out: what to send on failure
 * @arg: not needed: the choice knows
 *
 * Also called for the second hello after a HelloRetryRequest, which must not
 * ask for another server than the first one did.
 *
 * Return: SSL_CLIENT_HELLO_SUCCESS or SSL_CLIENT_HELLO_ERROR.
 */
int ktlsx_branch_on_hello(SSL *ssl, int *alert, void *arg)
{
	struct ktlsx_choice *choice = ktlsx_choice_of(ssl);
	struct hello hello;

	(void)arg;
	if (read_hello(ssl, &hello))
		return refuse(alert, SSL_AD_DECODE_ERROR);
	if (choice->is_chosen)
		return is_same_choice(choice, &hello) ? SSL_CLIENT_HELLO_SUCCESS :
							refuse(alert, SSL_AD_ILLEGAL_PARAMETER);
	if (choose(ssl, choice, &hello))
		return refuse(alert, SSL_AD_INTERNAL_ERROR);
	if (!choice->config->chains && !choice->config->psk)
		return refuse(alert, SSL_AD_UNRECOGNIZED_NAME);
	return SSL_CLIENT_HELLO_SUCCESS;
}

static bool is_taken(const struct ktlsx_config *config, const char *name, const char *alpn)
{
	for (const struct ktlsx_branch *branch = config->branches; branch; branch = branch->next) {
		if (!strcasecmp(branch->name ? branch->name : "", name ? name : "") &&
		    !strcmp(branch->alpn ? branch->alpn : "", alpn ? alpn : ""))
			return true;
	}
	return false;
}

static int check_branch(struct ktlsx_config *config, const char *name, const char *alpn)
{
	if ((!name && !alpn) || (name && (!*name || strlen(name) >= KTLSX_HELLO_NAME_SIZE)) ||
	    (alpn && (!*alpn || strlen(alpn) > 255)))
		return ktlsx_fail(&config->error, -EINVAL,
				  "server: EINVAL: a name, a protocol or both must be given, each of 1 to 255 bytes");
	if (name && strchr(is_wildcard(name) ? name + 2 : name, '*'))
		return ktlsx_fail(&config->error, -EINVAL,
				  "server: EINVAL: %.64s: a star may only stand for the whole first label",
				  name);
	if (is_taken(config, name, alpn))
		return ktlsx_fail(&config->error, -EEXIST,
				  "server: EEXIST: %.64s%s%.64s has one already", name ? name : "",
				  name && alpn ? ", " : "", alpn ? alpn : "");
	return 0;
}

static int check_other(struct ktlsx_config *config, struct ktlsx_config *other)
{
	int err = ktlsx_config_need_role(config, KTLSX_SERVER, "server");
	struct ktlsx_error why;

	if (err)
		return err;
	if (other == config || other->role != KTLSX_SERVER)
		return ktlsx_fail(&config->error, -EINVAL,
				  "server: EINVAL: the other config must be another server's");
	err = ktlsx_config_freeze(other, &why);
	if (err)
		return ktlsx_fail(&config->error, err, "other %.300s", why.text);
	return 0;
}

static void branch_free(struct ktlsx_branch *branch)
{
	free(branch->name);
	free(branch->alpn);
	ktlsx_config_free(branch->other);
	free(branch);
}

static struct ktlsx_branch *branch_new(const char *name, const char *alpn,
				       struct ktlsx_config *other)
{
	struct ktlsx_branch *branch = calloc(1, sizeof(*branch));

	if (!branch)
		return NULL;
	branch->name = name ? strdup(name) : NULL;
	branch->alpn = alpn ? strdup(alpn) : NULL;
	branch->other = ktlsx_config_get(other);
	if (!branch->name == !name && !branch->alpn == !alpn)
		return branch;
	branch_free(branch);
	return NULL;
}

static void append_branch(struct ktlsx_config *config, struct ktlsx_branch *branch)
{
	struct ktlsx_branch **end = &config->branches;

	for (char *c = branch->name; c && *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c;
	while (*end)
		end = &(*end)->next;
	*end = branch;
}

static int add_server(struct ktlsx_config *config, const char *name, const char *alpn,
		      struct ktlsx_config *other)
{
	struct ktlsx_branch *branch;
	int err = check_branch(config, name, alpn);

	if (!err)
		err = check_other(config, other);
	if (err)
		return err;
	branch = branch_new(name, alpn, other);
	if (!branch)
		return -ENOMEM;
	append_branch(config, branch);
	return 0;
}

/**
 * ktlsx_config_add_server() - serve some clients by another config
 * @config: server
 * @name: server name asked for (SNI), any case, exact, or "*.example.org" for
 *	one label more; NULL: any
 * @alpn: protocol offered; NULL: any. Not both NULL.
 * @other: another server config; a reference is taken, it becomes immutable
 *
 * Such connections get @other's chains, client authentication, trust store,
 * ALPN, versions, suites, resumption and key log; limits and fallback stay
 * @config's, since they begin before the hello. What fits best wins: an exact
 * name before a wildcard, that before any name; then one with a protocol before
 * one without; then the one added first. @config itself is for everybody else;
 * without a chain of its own it refuses them.
 *
 * Return: 0; -EINVAL a name is wrong, or @other is; -EEXIST the same name and
 * protocol; -ENOMEM; -EBUSY.
 */
int ktlsx_config_add_server(struct ktlsx_config *config, const char *name, const char *alpn,
			    struct ktlsx_config *other)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, add_server(config, name, alpn, other));
}

/* A config that is open may still become what signs with SHA-1; later it is one or not. */
static int permit_sha1(struct ktlsx_config *config, struct ktlsx_config *other)
{
	pthread_mutex_lock(&other->mutex);
	if (!other->is_frozen)
		other->may_sign_sha1 = true;
	pthread_mutex_unlock(&other->mutex);
	if (ktlsx_offer_has_version(other, TLS1_2_VERSION))
		return 0;
	return ktlsx_fail(&config->error, -EINVAL,
			  "SHA-1 server: EINVAL: the other config must allow TLS 1.2: TLS 1.3 has no SHA-1");
}

static int set_sha1_server(struct ktlsx_config *config, struct ktlsx_config *other)
{
	int err = 0;

	if (config->sha1_server)
		return ktlsx_fail(&config->error, -EEXIST, "SHA-1 server: EEXIST: there is one");
	if (other != config)
		err = permit_sha1(config, other);
	if (!err)
		err = check_other(config, other);
	if (err)
		return err;
	config->sha1_server = ktlsx_config_get(other);
	return 0;
}

/**
 * ktlsx_config_insecure_set_sha1_server() - serve clients that know only SHA-1
 * @config: server
 * @other: another server config, not in use yet, whose chains may be signed
 *	with SHA-1; a reference is taken, it becomes immutable
 *
 * Clients that offer TLS 1.2 and no signature algorithm beyond SHA-1 are served
 * by @other, with TLS 1.2. Insecure: SHA-1 signatures can be forged. Never used
 * for a client that offers SHA-2 or TLS 1.3.
 *
 * Return: as ktlsx_config_add_server(); -EEXIST there is one already.
 */
int ktlsx_config_insecure_set_sha1_server(struct ktlsx_config *config, struct ktlsx_config *other)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, set_sha1_server(config, other));
}

/**
 * ktlsx_branch_freeze() - keep sessions for the configs that this one branches to
 * @config: being frozen
 *
 * OpenSSL looks for a session where the connection began.
 *
 * Return: 0; -ENOMEM.
 */
int ktlsx_branch_freeze(struct ktlsx_config *config)
{
	for (const struct ktlsx_branch *branch = config->branches; branch; branch = branch->next)
		config->caches_sessions |= branch->other->caches_sessions;
	if (config->sha1_server)
		config->caches_sessions |= config->sha1_server->caches_sessions;
	return ktlsx_resumption_apply(config);
}

/**
 * ktlsx_branch_drop() - let the configs go that a config branches to
 * @config: being freed
 */
void ktlsx_branch_drop(struct ktlsx_config *config)
{
	while (config->branches) {
		struct ktlsx_branch *branch = config->branches;

		config->branches = branch->next;
		branch_free(branch);
	}
	ktlsx_config_free(config->sha1_server);
}
