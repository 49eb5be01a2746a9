// SPDX-License-Identifier: MIT
/*
 * Owns: the life of a connection: made of a config and a socket, ended with its
 * secrets. Must not know: how handshakes, installs and records work.
 * Concurrency: a connection belongs to one thread; the config's mutex guards the
 * config's error text. A child after fork() may only free.
 */
#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "choice.h"
#include "conn.h"
#include "handshake.h"

/**
 * ktlsx_conn_is_forked() - whether this process is not the one that made it
 * @conn: a connection
 *
 * Its secrets are zeroes then: keys made of them would be known to everybody.
 *
 * Return: true in a child after fork().
 */
bool ktlsx_conn_is_forked(const struct ktlsx_conn *conn)
{
	return conn->owner != getpid();
}

static void wipe_in_block(uint8_t *block, size_t block_len, const uint8_t *secret, size_t len)
{
	uint8_t *p = block;

	while ((p = memmem(p, block + block_len - p, secret, len))) {
		OPENSSL_cleanse(p, len);
		p += len;
	}
}

/* The block of the SSL object is ours to look at when it comes from malloc(). */
static size_t block_len_of(const struct ktlsx_conn *conn)
{
	CRYPTO_malloc_fn allocate;

	CRYPTO_get_mem_functions(&allocate, NULL, NULL);
	return allocate == CRYPTO_malloc ? malloc_usable_size(conn->ssl) : 0;
}

static void wipe_iv(struct ktlsx_conn *conn, const uint8_t *secret)
{
	uint8_t *iv = ktlsx_keys_scratch(conn->secrets)->client.iv;

	if (!ktlsx_keys_expand(conn->suite, secret, "iv", NULL, 0, iv, KTLSX_IV_LEN))
		wipe_in_block((uint8_t *)conn->ssl, block_len_of(conn), iv, KTLSX_IV_LEN);
	OPENSSL_cleanse(iv, KTLSX_IV_LEN);
}

/**
 * ktlsx_conn_wipe_ssl() - takes the traffic secrets out of the SSL object
 * @conn: a connection whose secrets are known and in the kernel
 *
 * OpenSSL keeps those of TLS 1.3 inside the SSL object and frees it without
 * wiping them. Only a KeyUpdate would make it read them again, and those are the
 * kernel's from now on. What it needs to read tickets stays.
 */
void ktlsx_conn_wipe_ssl(struct ktlsx_conn *conn)
{
	const struct ktlsx_secrets *secrets = conn->secrets;
	const uint8_t *const wiped[] = {
		secrets->traffic[KTLSX_RX], secrets->traffic[KTLSX_TX], secrets->exporter,
	};
	size_t block_len = block_len_of(conn);

	if (conn->suite->version != TLS1_3_VERSION || !block_len)
		return;
	for (size_t i = 0; i < sizeof(wiped) / sizeof(wiped[0]); i++)
		wipe_in_block((uint8_t *)conn->ssl, block_len, wiped[i], conn->suite->digest_len);
	wipe_iv(conn, secrets->traffic[KTLSX_TX]);
}

/**
 * ktlsx_conn_drop_ssl() - ends the SSL object and its BIOs
 * @conn: a connection, with or without one
 *
 * An SSL object that ends without close_notify takes its session out of the
 * cache, which would end resumption: it is told that both sides have closed. The
 * session of a handshake that failed does go.
 */
void ktlsx_conn_drop_ssl(struct ktlsx_conn *conn)
{
	if (!conn->ssl)
		return;
	if (conn->phase != KTLSX_PHASE_FAILED || ktlsx_conn_is_forked(conn))
		SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	if (conn->phase == KTLSX_PHASE_KERNEL && conn->suite->version == TLS1_3_VERSION &&
	    !ktlsx_conn_is_forked(conn))
		wipe_iv(conn, conn->secrets->first_rx);
	SSL_free(conn->ssl);
	conn->ssl = NULL;
	conn->pump.in = NULL;
	conn->pump.out = NULL;
}

/* Memory BIOs, never a socket: what attaches a ULP or sends must be us. */
static int set_bios(struct ktlsx_conn *conn)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (!in || !out) {
		BIO_free(in);
		BIO_free(out);
		return -ENOMEM;
	}
	BIO_set_mem_eof_return(in, -1);
	BIO_set_mem_eof_return(out, -1);
	SSL_set_bio(conn->ssl, in, out);
	conn->pump.in = in;
	conn->pump.out = out;
	return 0;
}

static int check_socket(struct ktlsx_conn *conn)
{
	socklen_t len = sizeof(int);
	int type;

	if (!getsockopt(conn->fd, SOL_SOCKET, SO_TYPE, &type, &len))
		return 0;
	return ktlsx_fail(&conn->error, -errno, "socket: %s: descriptor %d is no open socket",
			  ktlsx_errno_name(errno), conn->fd);
}

static int set_up(struct ktlsx_conn *conn, const char *name)
{
	struct ktlsx_config *config = conn->config;
	int err = check_socket(conn);

	if (err)
		return err;
	err = ktlsx_vault_take(config->vault, &conn->secrets);
	if (err)
		return ktlsx_fail(&conn->error, err,
				  "memory for secrets: %s: the process may not lock so much: raise RLIMIT_MEMLOCK (ulimit -l)",
				  ktlsx_errno_name(err));
	err = ktlsx_config_ssl(config, name, &conn->ssl, &conn->error);
	if (err)
		return err;
	err = set_bios(conn);
	if (err)
		return ktlsx_fail(&conn->error, err, "connection: ENOMEM: no memory");
	SSL_set_app_data(conn->ssl, conn);
	SSL_set_msg_callback(conn->ssl, ktlsx_handshake_message);
	if (config->role == KTLSX_SERVER)
		SSL_set_accept_state(conn->ssl);
	else
		SSL_set_connect_state(conn->ssl);
	return 0;
}

/* The connection does not come to be: its text goes to the config. */
static int tell_config(struct ktlsx_config *config, const struct ktlsx_error *error, int err)
{
	pthread_mutex_lock(&config->mutex);
	config->error = *error;
	pthread_mutex_unlock(&config->mutex);
	return err;
}

static int make(struct ktlsx_conn **out, struct ktlsx_config *config, int fd, const char *name)
{
	static const struct ktlsx_error no_memory = { "connection: ENOMEM: no memory" };
	struct ktlsx_conn *conn = calloc(1, sizeof(*conn));
	int err;

	if (!conn)
		return tell_config(config, &no_memory, -ENOMEM);
	ktlsx_config_get(config);
	conn->config = config;
	conn->fd = fd;
	conn->owner = getpid();
	conn->pump.fd = fd;
	conn->pump.peer_len_max = config->peer_len_max;
	err = set_up(conn, name);
	if (err) {
		tell_config(config, &conn->error, err);
		ktlsx_conn_free(conn);
		return err;
	}
	*out = conn;
	return 0;
}

/**
 * ktlsx_conn_new() - makes a connection over a connected TCP socket
 * @conn: out; free with ktlsx_conn_free(); NULL on error
 * @config: gets immutable; the connection holds a reference
 * @fd: on which no TLS byte has been sent or received; stays the caller's;
 *	blocking or not; must outlive the connection
 * @name: client: the server's DNS name or address, to be sent (SNI, a DNS name
 *	only) and verified; NULL only with a pin, PSK or no verification. Server:
 *	NULL.
 *
 * Any number of threads may call this with one config. On error
 * ktlsx_config_error() has the text.
 *
 * Return: 0; -ENOMEM; -EINVAL name wrong, or a config that lacks something (its
 * text says what); -EBADF; -ENOTSOCK; -EPERM the process may not lock more
 * memory for secrets (RLIMIT_MEMLOCK).
 */
int ktlsx_conn_new(struct ktlsx_conn **conn, struct ktlsx_config *config, int fd,
		   const char *name)
{
	int saved = errno, err;

	*conn = NULL;
	ERR_set_mark();
	err = make(conn, config, fd, name);
	ERR_pop_to_mark();
	errno = saved;
	return err;
}

/**
 * ktlsx_conn_free() - wipes the secrets and frees
 * @conn: NULL is fine
 *
 * The socket and its keys in the kernel stay as they are: it works on as a plain
 * descriptor. A child after fork() may call this too: nothing is sent.
 */
void ktlsx_conn_free(struct ktlsx_conn *conn)
{
	int saved = errno;

	if (!conn)
		return;
	ERR_set_mark();
	ktlsx_conn_drop_ssl(conn);
	ktlsx_agreed_drop(conn);
	ktlsx_post_drop(&conn->post);
	if (!ktlsx_conn_is_forked(conn))
		ktlsx_vault_give(conn->config->vault, conn->secrets);
	ktlsx_config_free(conn->config);
	free(conn);
	ERR_pop_to_mark();
	errno = saved;
}

/**
 * ktlsx_error() - the text of the last error
 * @conn: a connection
 *
 * Return: a sentence that names step, cause and remedy; "" without one. Lives
 * until the next call on @conn.
 */
const char *ktlsx_error(const struct ktlsx_conn *conn)
{
	return conn->error.text;
}

/**
 * ktlsx_fd() - the socket, to be used as it is
 * @conn: a connection
 *
 * Return: the socket, on which read, write, send, recv, sendfile, splice and poll
 * now are TLS; -ENOTCONN no handshake yet; -ENOTSUP fallback.
 */
int ktlsx_fd(const struct ktlsx_conn *conn)
{
	switch (conn->phase) {
	case KTLSX_PHASE_KERNEL:
		return conn->fd;
	case KTLSX_PHASE_FALLBACK:
		return -ENOTSUP;
	default:
		return -ENOTCONN;
	}
}

static int offer_session(struct ktlsx_conn *conn, const uint8_t *bytes, size_t len)
{
	const uint8_t *p = bytes;
	SSL_SESSION *session = len <= INT32_MAX ? d2i_SSL_SESSION(NULL, &p, len) : NULL;
	int err = 0;

	if (!session || p != bytes + len)
		err = ktlsx_fail(&conn->error, -EINVAL,
				 "session: EINVAL: these %zu bytes are not what ktlsx_session() gave",
				 len);
	else if (!ktlsx_resumption_may_use(conn->ssl, session))
		err = ktlsx_fail(&conn->error, -EINVAL,
				 "session: EINVAL: it was made with another server name or verified in another way: use it where it came from");
	else if (!SSL_set_session(conn->ssl, session))
		err = ktlsx_fail_openssl(&conn->error, -EINVAL, "session: EINVAL: it does not fit");
	SSL_SESSION_free(session);
	return err;
}

/**
 * ktlsx_set_session() - client: try to resume
 * @conn: a connection before its handshake
 * @session: what ktlsx_session() gave; secret, copied
 * @session_len: its bytes
 *
 * Return: 0; -EINVAL not a session, one of another server name, or a server's
 * connection; -EISCONN too late.
 */
int ktlsx_set_session(struct ktlsx_conn *conn, const uint8_t *session, size_t session_len)
{
	int saved = errno, err;

	ERR_set_mark();
	if (conn->config->role != KTLSX_CLIENT)
		err = ktlsx_fail(&conn->error, -EINVAL,
				 "session: EINVAL: only a client offers a session");
	else if (conn->phase != KTLSX_PHASE_NEW)
		err = ktlsx_fail(&conn->error, -EISCONN,
				 "session: EISCONN: the handshake has begun: set it before the first step");
	else
		err = offer_session(conn, session, session_len);
	ERR_pop_to_mark();
	errno = saved;
	return err;
}
