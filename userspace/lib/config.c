// SPDX-License-Identifier: MIT
/*
 * A config's life: made, set, frozen by its first connection, shared, dropped;
 * and the setters that touch nothing else. Must not know connections, nor what
 * the other setters' files do with OpenSSL.
 * Built by one thread. Freezing takes the mutex; references are atomic, so that
 * a child after fork() can drop one whatever other threads did.
 * Spec: ktlsx.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#include "shape.h"

#define PEER_LEN_MAX_DEFAULT (256 * 1024)
#define PEER_LEN_MAX_MAX (16 * 1024 * 1024)
#define TIMEOUT_MS_DEFAULT 10000
#define TIMEOUT_MS_MAX 3600000
#define TICKET_COUNT_DEFAULT 2

static void config_destroy(struct ktlsx_config *config)
{
	ktlsx_branch_drop(config);
	ktlsx_psk_drop(config);
	ktlsx_trust_drop(config);
	ktlsx_chain_drop(config);
	ktlsx_alpn_drop(config);
	ktlsx_offer_drop(config);
	SSL_CTX_free(config->ctx);
	if (config->vault)
		ktlsx_vault_free(config->vault);
	if (config->keylog_fd >= 0)
		close(config->keylog_fd);
	pthread_mutex_destroy(&config->mutex);
	free(config);
}

static struct ktlsx_config *config_alloc(enum ktlsx_role role)
{
	struct ktlsx_config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	pthread_mutex_init(&config->mutex, NULL);
	atomic_init(&config->refs, 1);
	config->role = role;
	config->peer_len_max = PEER_LEN_MAX_DEFAULT;
	config->timeout_ms = TIMEOUT_MS_DEFAULT;
	config->keylog_fd = -1;
	config->version_min = TLS1_2_VERSION;
	config->version_max = TLS1_3_VERSION;
	config->ticket_count = TICKET_COUNT_DEFAULT;
	return config;
}

/**
 * ktlsx_config_new() - make a config with safe defaults
 * @config: out; free with ktlsx_config_free(); NULL on error
 * @role: client or server
 *
 * TLS 1.2 and 1.3, ECDHE with the AES-GCM suites that the kernel module
 * carries, forward secrecy always; a client verifies chain and name against
 * the system's trust store.
 *
 * Return: 0; -ENOMEM; -EINVAL unknown role; -EPERM the process may not lock the
 * memory that will hold secrets (RLIMIT_MEMLOCK).
 */
int ktlsx_config_new(struct ktlsx_config **config, enum ktlsx_role role)
{
	int saved_errno = errno;
	struct ktlsx_config *made;
	int err;

	*config = NULL;
	if (role != KTLSX_CLIENT && role != KTLSX_SERVER)
		return -EINVAL;
	made = config_alloc(role);
	if (!made)
		return -ENOMEM;
	ERR_set_mark();
	err = ktlsx_vault_new(&made->vault);
	if (!err)
		err = ktlsx_context_new(made);
	if (err)
		config_destroy(made);
	else
		*config = made;
	ERR_pop_to_mark();
	errno = saved_errno;
	return err;
}

/**
 * ktlsx_config_get() - take a reference
 * @config: may be shared by threads
 *
 * Return: @config.
 */
struct ktlsx_config *ktlsx_config_get(struct ktlsx_config *config)
{
	atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
	return config;
}

/**
 * ktlsx_config_free() - drop the caller's reference
 * @config: connections and configs that branch to it hold their own; NULL is
 *	fine
 *
 * The last one frees it. Allowed in a child after fork().
 */
void ktlsx_config_free(struct ktlsx_config *config)
{
	int saved_errno = errno;

	if (config && atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) == 1)
		config_destroy(config);
	errno = saved_errno;
}

/**
 * ktlsx_config_error() - the text of the last error of a call that took @config
 * @config: not NULL
 *
 * Return: a sentence, "" without an error; lives until the next such call.
 */
const char *ktlsx_config_error(const struct ktlsx_config *config)
{
	return config->error.text;
}

/**
 * ktlsx_config_enter() - begin a setter
 * @config: to be changed
 *
 * Return: whether it may be; false: it is frozen, and says so.
 */
bool ktlsx_config_enter(struct ktlsx_config *config)
{
	bool is_frozen;

	pthread_mutex_lock(&config->mutex);
	is_frozen = config->is_frozen;
	if (is_frozen)
		ktlsx_fail(&config->error, -EBUSY,
			   "config: EBUSY: it is in use and can no longer change: make another");
	pthread_mutex_unlock(&config->mutex);
	if (is_frozen)
		return false;
	config->error.text[0] = '\0';
	config->saved_errno = errno;
	ERR_set_mark();
	return true;
}

/* Where memory is short, nobody on the way up has said so. */
static int explain_memory(struct ktlsx_config *config, int err)
{
	if (err == -ENOMEM && !*config->error.text)
		ktlsx_fail(&config->error, err, "config: ENOMEM: no memory is left for it");
	return err;
}

/**
 * ktlsx_config_leave() - end a setter that ktlsx_config_enter() began
 * @config: changed, or not
 * @err: its answer
 *
 * Return: @err; errno and OpenSSL's error queue are as the caller left them.
 */
int ktlsx_config_leave(struct ktlsx_config *config, int err)
{
	explain_memory(config, err);
	ERR_pop_to_mark();
	errno = config->saved_errno;
	return err;
}

/**
 * ktlsx_config_need_role() - refuse what only the other role can use
 * @config: asked
 * @role: the one needed
 * @what: the call's name
 *
 * Return: 0; -EINVAL.
 */
int ktlsx_config_need_role(struct ktlsx_config *config, enum ktlsx_role role, const char *what)
{
	if (config->role == role)
		return 0;
	return ktlsx_fail(&config->error, -EINVAL, "%s: EINVAL: this is a %s config, it is for %s",
			  what, role == KTLSX_CLIENT ? "server" : "client",
			  role == KTLSX_CLIENT ? "clients" : "servers");
}

static int config_finish(struct ktlsx_config *config)
{
	static int (*const steps[])(struct ktlsx_config *config) = {
		ktlsx_offer_freeze, ktlsx_psk_freeze,  ktlsx_chain_freeze,
		ktlsx_trust_freeze, ktlsx_ocsp_freeze, ktlsx_branch_freeze,
		ktlsx_resumption_freeze,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int err = steps[i](config);

		if (err)
			return err;
	}
	return 0;
}

/**
 * ktlsx_config_freeze() - check a config as a whole, and close it to setters
 * @config: may be frozen already, and be shared by threads
 * @error: gets the text of a failure, which is also in the config; NULL is fine
 *
 * A config that lacks something stays open, so that it can be completed.
 *
 * Return: 0; -EINVAL it lacks something, or contradicts itself; -ENOMEM.
 */
int ktlsx_config_freeze(struct ktlsx_config *config, struct ktlsx_error *error)
{
	int err = 0;

	pthread_mutex_lock(&config->mutex);
	if (!config->is_frozen) {
		config->error.text[0] = '\0';
		ERR_set_mark();
		err = explain_memory(config, config_finish(config));
		ERR_pop_to_mark();
		config->is_frozen = !err;
	}
	if (err && error)
		*error = config->error;
	pthread_mutex_unlock(&config->mutex);
	return err;
}

static int open_keylog(struct ktlsx_config *config, const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
			    O_NONBLOCK, 0600);

	if (fd < 0) {
		int err = -errno;

		return ktlsx_fail(&config->error, err, "key log %s: %s: %s", path,
				  ktlsx_errno_name(err),
				  err == -ELOOP ? "it is a symbolic link, name the file itself" :
						  "cannot be opened for writing");
	}
	if (config->keylog_fd >= 0)
		close(config->keylog_fd);
	config->keylog_fd = fd;
	return 0;
}

/**
 * ktlsx_config_set_keylog() - append the secrets of every connection to a file
 * @config: client or server
 * @path: created with mode 0600, never through a symbolic link
 *
 * For tools such as Wireshark: who has the file can read the traffic. The
 * environment variable SSLKEYLOGFILE alone does nothing.
 *
 * Return: 0; -errno of open() (-ELOOP a symbolic link); -EBUSY.
 */
int ktlsx_config_set_keylog(struct ktlsx_config *config, const char *path)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, open_keylog(config, path));
}

static int check_limits(struct ktlsx_config *config, size_t peer_len_max, unsigned int timeout_ms)
{
	if (!peer_len_max || peer_len_max > PEER_LEN_MAX_MAX)
		return ktlsx_fail(&config->error, -EINVAL,
				  "limits: EINVAL: bytes from the peer must be 1 to %d",
				  PEER_LEN_MAX_MAX);
	if (!timeout_ms || timeout_ms > TIMEOUT_MS_MAX)
		return ktlsx_fail(&config->error, -EINVAL,
				  "limits: EINVAL: the time limit must be 1 to %d ms",
				  TIMEOUT_MS_MAX);
	config->peer_len_max = peer_len_max;
	config->timeout_ms = timeout_ms;
	return 0;
}

/**
 * ktlsx_config_set_limits() - bound one handshake
 * @config: client or server
 * @peer_len_max: bytes from the peer, 1 to 16 MiB; default 256 KiB
 * @timeout_ms: 1 to 3600000; default 10000
 *
 * A server that branches goes by the limits of the config its connections are
 * made of: they begin before the client's hello.
 *
 * Return: 0; -EINVAL out of range; -EBUSY.
 */
int ktlsx_config_set_limits(struct ktlsx_config *config, size_t peer_len_max,
			    unsigned int timeout_ms)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, check_limits(config, peer_len_max, timeout_ms));
}

/**
 * ktlsx_config_allow_fallback() - do the records in userspace if the kernel cannot
 * @config: client or server
 *
 * ktlsx_fd() answers -ENOTSUP then, and ktlsx_read(), ktlsx_write() and
 * ktlsx_sendfile() work. Decided before the handshake. Without this call such
 * a connection is refused.
 *
 * Return: 0; -EBUSY.
 */
int ktlsx_config_allow_fallback(struct ktlsx_config *config)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	config->may_fall_back = true;
	return ktlsx_config_leave(config, 0);
}
