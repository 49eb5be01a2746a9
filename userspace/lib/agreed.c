// SPDX-License-Identifier: MIT
/*
 * Owns: what the handshake agreed on: collected while the SSL object is there,
 * told from then on.
 * Must not know: how a handshake goes, what the kernel does.
 * Concurrency: the thread of the connection.
 * Spec: RFC 8446 section 4, RFC 6066 sections 3 and 4, RFC 7301, RFC 7627.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "conn.h"

#define PAYLOAD_LEN_MAX 16384

static const struct {
	uint16_t version;
	const char *name;
} versions[] = {
	{ 0x0303, "TLSv1.2" },
	{ 0x0304, "TLSv1.3" },
};

static const char *version_name(uint16_t version)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].version == version)
			return versions[i].name;
	return NULL;
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

/* A resumed TLS 1.2 connection has exchanged no keys of its own. */
static void collect_group(struct ktlsx_agreed *agreed, SSL *ssl)
{
	int group = SSL_get_negotiated_group(ssl);

	if (group == NID_undef || (agreed->is_resumed && agreed->version < TLS1_3_VERSION))
		return;
	copy_text(agreed->group_name, sizeof(agreed->group_name), SSL_group_to_name(ssl, group));
}

static void collect_names(struct ktlsx_agreed *agreed, SSL *ssl)
{
	const unsigned char *alpn;
	unsigned int len;

	SSL_get0_alpn_selected(ssl, &alpn, &len);
	if (len && len < sizeof(agreed->alpn))
		memcpy(agreed->alpn, alpn, len);
	copy_text(agreed->server_name, sizeof(agreed->server_name),
		  SSL_is_server(ssl) ? ktlsx_choice_server_name(ssl) :
				       SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
}

/* max_fragment_length is an exponent. */
static void collect_payload_len(struct ktlsx_agreed *agreed, SSL *ssl)
{
	uint8_t mode = SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl));

	agreed->payload_len_max = PAYLOAD_LEN_MAX;
	if (mode >= TLSEXT_max_fragment_length_512 && mode <= TLSEXT_max_fragment_length_4096)
		agreed->payload_len_max = 512 << (mode - TLSEXT_max_fragment_length_512);
}

static int add_certificate(struct ktlsx_agreed *agreed, X509 *certificate)
{
	struct ktlsx_der *der = &agreed->chain[agreed->chain_count];
	int len;

	der->bytes = NULL;
	len = i2d_X509(certificate, &der->bytes);
	if (len <= 0)
		return -ENOMEM;
	der->len = len;
	agreed->chain_count++;
	return 0;
}

/* OpenSSL's chain begins with the peer's own certificate on a client only. */
static int collect_chain(struct ktlsx_agreed *agreed, SSL *ssl)
{
	int count = sk_X509_num(SSL_get_peer_cert_chain(ssl));
	X509 *own = SSL_get1_peer_certificate(ssl);
	int err = 0;

	if (!own)
		return 0;
	/* @count is -1 without a chain. */
	agreed->chain = calloc(2 + count, sizeof(*agreed->chain));
	err = agreed->chain ? add_certificate(agreed, own) : -ENOMEM;
	for (int i = SSL_is_server(ssl) ? 0 : 1; !err && i < count; i++)
		err = add_certificate(agreed, sk_X509_value(SSL_get_peer_cert_chain(ssl), i));
	X509_free(own);
	return err;
}

/* TLS 1.2 has its session now; in TLS 1.3 it comes with a ticket, see ticket.c. */
static void collect_session(struct ktlsx_agreed *agreed, SSL *ssl)
{
	SSL_SESSION *session = SSL_get0_session(ssl);

	if (agreed->session || SSL_is_server(ssl) || agreed->version >= TLS1_3_VERSION ||
	    !session || !SSL_SESSION_is_resumable(session))
		return;
	if (SSL_SESSION_up_ref(session))
		agreed->session = session;
}

/**
 * ktlsx_agreed_collect() - keep what the SSL object knows
 * @conn: connection whose handshake is done, with its SSL object
 *
 * Context: the thread of the connection.
 * Return: 0; -ENOMEM, with text.
 */
int ktlsx_agreed_collect(struct ktlsx_conn *conn)
{
	struct ktlsx_agreed *agreed = &conn->agreed;
	SSL *ssl = conn->ssl;

	agreed->version = SSL_version(ssl);
	agreed->is_resumed = SSL_session_reused(ssl);
	agreed->has_extended_master_secret = SSL_get_extms_support(ssl) == 1;
	collect_group(agreed, ssl);
	collect_names(agreed, ssl);
	collect_payload_len(agreed, ssl);
	if (conn->config->resume != KTLSX_RESUME_NONE)
		collect_session(agreed, ssl);
	if (collect_chain(agreed, ssl))
		return ktlsx_fail(&conn->error, -ENOMEM,
				  "peer certificate: ENOMEM: no memory for its chain");
	return 0;
}

/**
 * ktlsx_agreed_drop() - free what was kept
 * @conn: connection
 *
 * Context: the thread of the connection; a child after fork().
 */
void ktlsx_agreed_drop(struct ktlsx_conn *conn)
{
	struct ktlsx_agreed *agreed = &conn->agreed;

	for (unsigned int i = 0; i < agreed->chain_count; i++)
		OPENSSL_free(agreed->chain[i].bytes);
	free(agreed->chain);
	SSL_SESSION_free(agreed->session);
	memset(agreed, 0, sizeof(*agreed));
}

/**
 * ktlsx_agreed_error() - is there anything to tell?
 * @conn: connection
 *
 * Context: the thread of the connection.
 * Return: 0 the handshake is done; -ENOTCONN not yet; what it failed with.
 */
int ktlsx_agreed_error(const struct ktlsx_conn *conn)
{
	switch (conn->phase) {
	case KTLSX_PHASE_KERNEL:
	case KTLSX_PHASE_FALLBACK:
		return 0;
	case KTLSX_PHASE_FAILED:
		return conn->failed_err;
	default:
		return -ENOTCONN;
	}
}

static struct ktlsx_info tell(const struct ktlsx_conn *conn)
{
	const struct ktlsx_agreed *agreed = &conn->agreed;

	return (struct ktlsx_info){
		.version = agreed->version,
		.suite = conn->suite->id,
		.version_name = version_name(agreed->version),
		.suite_name = conn->suite->name,
		.suite_openssl_name = conn->suite->openssl_name,
		.group_name = text_or_null(agreed->group_name),
		.alpn = text_or_null(agreed->alpn),
		.server_name = text_or_null(agreed->server_name),
		.is_resumed = agreed->is_resumed,
		.is_offloaded = conn->phase == KTLSX_PHASE_KERNEL,
		.has_peer_certificate = agreed->chain_count > 0,
	};
}

/**
 * ktlsx_info() - what the handshake agreed on
 * @conn: connection
 * @info: out; its strings live as long as the connection
 * @info_len: sizeof(*info); what this library does not know is zeroed
 *
 * Context: the thread of the connection.
 * Return: 0; -ENOTCONN no handshake yet; -EINVAL no @info, or 0 bytes of it.
 */
int ktlsx_info(const struct ktlsx_conn *conn, struct ktlsx_info *info, size_t info_len)
{
	int err = ktlsx_agreed_error(conn);
	struct ktlsx_info all;

	if (err)
		return err;
	if (!info || !info_len)
		return -EINVAL;
	all = tell(conn);
	memset(info, 0, info_len);
	memcpy(info, &all, info_len < sizeof(all) ? info_len : sizeof(all));
	return 0;
}

/**
 * ktlsx_peer_certificate() - a certificate of the peer's chain
 * @conn: connection
 * @index: 0 is the peer's own
 * @der: out, DER; lives as long as the connection
 * @der_len: out, bytes of it
 *
 * A resumed connection knows the peer's own certificate only.
 *
 * Context: the thread of the connection.
 * Return: 0; -ENOENT no such certificate; -ENOTCONN no handshake yet.
 */
int ktlsx_peer_certificate(const struct ktlsx_conn *conn, unsigned int index,
			   const uint8_t **der, size_t *der_len)
{
	int err = ktlsx_agreed_error(conn);

	if (err)
		return err;
	if (index >= conn->agreed.chain_count)
		return -ENOENT;
	*der = conn->agreed.chain[index].bytes;
	*der_len = conn->agreed.chain[index].len;
	return 0;
}

static ssize_t give_session(struct ktlsx_conn *conn, uint8_t *session, size_t size)
{
	int err = ktlsx_agreed_error(conn);
	int len;

	if (err)
		return err;
	if (conn->phase == KTLSX_PHASE_KERNEL)
		ktlsx_ticket_drain(conn);
	if (!conn->agreed.session)
		return -ENODATA;
	len = i2d_SSL_SESSION(conn->agreed.session, NULL);
	if (len <= 0)
		return -ENODATA;
	if ((size_t)len <= size)
		i2d_SSL_SESSION(conn->agreed.session, &session);
	return len;
}

/**
 * ktlsx_session() - the newest session to resume
 * @conn: client
 * @session: out, secret; for ktlsx_set_session() of a later connection
 * @size: bytes of room; too few, and nothing is written
 *
 * In TLS 1.3 tickets come after the handshake: with what ktlsx_read() met, or
 * what the kernel set aside while the socket was read directly.
 *
 * Context: the thread of the connection.
 * Return: bytes of the session, also when @size is less; -ENODATA none yet;
 * -ENOTCONN no handshake yet.
 */
ssize_t ktlsx_session(struct ktlsx_conn *conn, uint8_t *session, size_t size)
{
	int saved_errno = errno;
	ssize_t ret = give_session(conn, session, size);

	errno = saved_errno;
	return ret;
}
