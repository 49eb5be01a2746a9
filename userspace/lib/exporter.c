// SPDX-License-Identifier: MIT
/*
 * Owns: keying material for use outside TLS, which labels and lengths are legal.
 * Must not know: how secrets become bytes (keys.c), OpenSSL.
 * Concurrency: the thread of the connection.
 * Spec: RFC 5705, RFC 8446 section 7.5, RFC 9266, RFC 7627 section 5.4.
 */
#include <errno.h>
#include <string.h>

#include "conn.h"

#define BINDING_LABEL "EXPORTER-Channel-Binding"
#define BINDING_LEN 32
#define CONTEXT_LEN_MAX 65535

/* TLS 1.3 puts "tls13 " before it and one byte of length. */
#define LABEL_LEN_MAX 249

/* Labels that TLS 1.2 itself uses: their output would be its own secrets. */
static const char *const reserved[] = {
	"client finished", "server finished", "master secret", "extended master secret",
	"key expansion",
};

static bool is_label_legal(const char *label)
{
	size_t len = label ? strlen(label) : 0;

	if (!len || len > LABEL_LEN_MAX)
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (!strcmp(label, reserved[i]))
			return false;
	return true;
}

/* HKDF gives 255 times its hash; the PRF has no bound: the same one does. */
static bool is_len_legal(const struct ktlsx_suite *suite, size_t len)
{
	return len && len <= 255 * (size_t)suite->digest_len;
}

static int export(struct ktlsx_conn *conn, const char *label, const uint8_t *context,
		  size_t context_len, uint8_t *out, size_t out_len)
{
	int err = ktlsx_agreed_error(conn);

	if (err)
		return err;
	if (ktlsx_conn_is_forked(conn))
		return ktlsx_fail(&conn->error, -EPERM,
				  "export: EPERM: a child after fork() has no secrets: only the process that made a connection may use it");
	if (!is_label_legal(label))
		return ktlsx_fail(&conn->error, -EINVAL,
				  "export: EINVAL: the label must have 1 to %d bytes and not be one of TLS itself",
				  LABEL_LEN_MAX);
	if (!out || !is_len_legal(conn->suite, out_len) || context_len > CONTEXT_LEN_MAX ||
	    (context_len && !context))
		return ktlsx_fail(&conn->error, -EINVAL,
				  "export: EINVAL: at most %d bytes can be had, of a context of at most %d",
				  255 * conn->suite->digest_len, CONTEXT_LEN_MAX);
	err = ktlsx_keys_export(conn->suite, conn->secrets, label, context, context_len, out,
				out_len);
	if (err)
		return ktlsx_fail(&conn->error, err, "export: %s: the key derivation failed",
				  ktlsx_errno_name(err));
	return 0;
}

/**
 * ktlsx_export() - keying material for use outside TLS
 * @conn: connection; the peer gets the same bytes for the same arguments
 * @label: says what for; registered with IANA, or beginning with "EXPERIMENTAL"
 * @context: may be NULL (which TLS 1.2 tells from empty)
 * @context_len: bytes of it, at most 65535
 * @out: secret
 * @out_len: bytes wanted, at most 255 times those of the suite's hash
 *
 * Context: the thread of the connection.
 * Return: 0; -EINVAL label or a length; -ENOTCONN no handshake yet; -EPERM a
 * child after fork(); -ENOMEM; -EIO OpenSSL failed.
 */
int ktlsx_export(struct ktlsx_conn *conn, const char *label, const uint8_t *context,
		 size_t context_len, uint8_t *out, size_t out_len)
{
	int saved_errno = errno;
	int ret = export(conn, label, context, context_len, out, out_len);

	errno = saved_errno;
	return ret;
}

/**
 * ktlsx_binding() - channel binding "tls-exporter"
 * @conn: connection
 * @binding: 32 bytes
 *
 * Context: the thread of the connection.
 * Return: 0; -ENOTSUP TLS 1.2 without extended master secret, where another
 * connection may have the same; -ENOTCONN no handshake yet; -ENOMEM.
 */
int ktlsx_binding(struct ktlsx_conn *conn, uint8_t *binding)
{
	static const uint8_t no_context[1];
	int err = ktlsx_agreed_error(conn);

	if (err)
		return err;
	if (conn->agreed.version < 0x0304 && !conn->agreed.has_extended_master_secret)
		return ktlsx_fail(&conn->error, -ENOTSUP,
				  "binding: ENOTSUP: the peer's TLS 1.2 has no extended master secret (RFC 9266): use TLS 1.3");
	/* RFC 9266 has a context of no bytes, which TLS 1.2 tells from no context. */
	return ktlsx_export(conn, BINDING_LABEL, no_context, 0, binding, BINDING_LEN);
}
