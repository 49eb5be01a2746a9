// SPDX-License-Identifier: MIT
/*
 * Owns: how a NewSessionTicket that the kernel has opened becomes a session:
 * only OpenSSL makes one of it, and only of a sealed record. So it is sealed
 * again, in memory, with the key that OpenSSL still reads with.
 * Must not know: how the message was received.
 * Concurrency: the thread of the connection.
 * Spec: RFC 8446 sections 4.6.1, 5.2 and 5.3.
 */
#include <errno.h>
#include <linux/ktlsx.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "wire.h"

#define CONTENT_LEN_MAX 16384
#define TAG_LEN 16
#define RECORD_LEN_MAX (KTLSX_HEADER_LEN + CONTENT_LEN_MAX + 1 + TAG_LEN)

/* What seals, by key length: all that the kernel carries is AES-GCM. */
static const struct {
	uint8_t key_len;
	const char *name;
} ciphers[] = {
	{ 16, "AES-128-GCM" },
	{ 32, "AES-256-GCM" },
};

static EVP_CIPHER *fetch_cipher(const struct ktlsx_suite *suite)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (ciphers[i].key_len == suite->key_len)
			return EVP_CIPHER_fetch(NULL, ciphers[i].name, NULL);
	return NULL;
}

static void nonce_of(const struct ktlsx_traffic_key *key, uint64_t seq, uint8_t *nonce)
{
	memcpy(nonce, key->iv, KTLSX_IV_LEN);
	for (int i = 0; i < 8; i++)
		nonce[KTLSX_IV_LEN - 1 - i] ^= seq >> (8 * i);
}

/* Seals @len bytes behind @header, their content type after them; returns success. */
static bool seal(EVP_CIPHER_CTX *ctx, EVP_CIPHER *cipher, const struct ktlsx_traffic_key *key,
		 const uint8_t *nonce, const uint8_t *bytes, size_t len, uint8_t *record)
{
	const uint8_t type = KTLSX_RECORD_HANDSHAKE;
	uint8_t *to = record + KTLSX_HEADER_LEN;
	int part_len;

	return EVP_EncryptInit_ex2(ctx, cipher, key->key, nonce, NULL) &&
	       EVP_EncryptUpdate(ctx, NULL, &part_len, record, KTLSX_HEADER_LEN) &&
	       EVP_EncryptUpdate(ctx, to, &part_len, bytes, len) &&
	       EVP_EncryptUpdate(ctx, to + len, &part_len, &type, 1) &&
	       EVP_EncryptFinal_ex(ctx, to + len + 1, &part_len) &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, to + len + 1);
}

/* One record into the BIO that OpenSSL reads; returns success. */
static bool feed_record(struct ktlsx_conn *conn, EVP_CIPHER_CTX *ctx, EVP_CIPHER *cipher,
			const struct ktlsx_traffic_key *key, const uint8_t *bytes, size_t len)
{
	uint8_t record[RECORD_LEN_MAX] = { KTLSX_RECORD_DATA, 3, 3 };
	size_t body_len = len + 1 + TAG_LEN;
	uint8_t nonce[KTLSX_IV_LEN];
	bool is_fed;

	record[3] = body_len >> 8;
	record[4] = body_len;
	nonce_of(key, conn->ssl_rx_seq, nonce);
	is_fed = seal(ctx, cipher, key, nonce, bytes, len, record) &&
		 BIO_write(conn->pump.in, record, KTLSX_HEADER_LEN + body_len) > 0;
	conn->ssl_rx_seq++;
	OPENSSL_cleanse(nonce, sizeof(nonce));
	return is_fed;
}

static bool feed_message(struct ktlsx_conn *conn, const struct ktlsx_traffic_key *key,
			 const uint8_t *message, size_t len)
{
	EVP_CIPHER *cipher = fetch_cipher(conn->suite);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool is_fed = cipher && ctx;

	while (is_fed && len) {
		size_t part_len = len < CONTENT_LEN_MAX ? len : CONTENT_LEN_MAX;

		is_fed = feed_record(conn, ctx, cipher, key, message, part_len);
		message += part_len;
		len -= part_len;
	}
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return is_fed;
}

/* OpenSSL reads to the end of the BIO: content there can be none. */
static bool let_openssl_read(SSL *ssl)
{
	uint8_t nothing[1];
	int ret;

	ERR_clear_error();
	ret = SSL_read(ssl, nothing, sizeof(nothing));
	return ret < 0 && SSL_get_error(ssl, ret) == SSL_ERROR_WANT_READ;
}

/**
 * ktlsx_ticket_wants_ssl() - must the SSL object outlive the handover?
 * @conn: connection whose handshake is done
 *
 * Context: the thread of the connection.
 * Return: true when tickets may come that are worth having.
 */
bool ktlsx_ticket_wants_ssl(const struct ktlsx_conn *conn)
{
	return conn->config->role == KTLSX_CLIENT &&
	       conn->config->resume != KTLSX_RESUME_NONE &&
	       SSL_version(conn->ssl) == TLS1_3_VERSION;
}

/**
 * ktlsx_ticket_feed() - make a session of a NewSessionTicket
 * @conn: client in the kernel phase, TLS 1.3
 * @message: the message, from its handshake header on
 * @len: bytes of it
 *
 * Context: the thread of the connection.
 * Return: 0, also when nobody wants tickets; -EPROTO OpenSSL does not take it,
 * with text: no more sessions come from this connection, which goes on.
 */
int ktlsx_ticket_feed(struct ktlsx_conn *conn, const uint8_t *message, size_t len)
{
	struct ktlsx_traffic_key *key;
	bool is_taken;

	if (!conn->ssl)
		return 0;
	key = &ktlsx_keys_scratch(conn->secrets)->client;
	is_taken = !ktlsx_keys_traffic13(conn->suite, conn->secrets->first_rx, key) &&
		   feed_message(conn, key, message, len);
	OPENSSL_cleanse(key, sizeof(*key));
	is_taken = is_taken && let_openssl_read(conn->ssl);
	if (is_taken)
		return 0;
	ktlsx_fail_openssl(&conn->error, -EPROTO,
			   "NewSessionTicket: EPROTO: the server's ticket is not usable, later connections cannot resume this one");
	ERR_clear_error();
	/* Its sequence number or its state is not what we think: it is of no more use. */
	ktlsx_conn_drop_ssl(conn);
	return -EPROTO;
}

/**
 * ktlsx_ticket_drain() - make sessions of what the kernel has set aside
 * @conn: client in the kernel phase
 *
 * Context: the thread of the connection.
 */
void ktlsx_ticket_drain(struct ktlsx_conn *conn)
{
	uint8_t message[KTLSX_TICKETS_LEN_MAX];

	for (unsigned int i = 0; conn->ssl && i < KTLSX_TICKET_COUNT_MAX; i++) {
		socklen_t len = sizeof(message);

		if (getsockopt(conn->fd, SOL_TLS, KTLSX_TICKET, message, &len))
			break;
		ktlsx_ticket_feed(conn, message, len);
	}
	OPENSSL_cleanse(message, sizeof(message));
}

/**
 * ktlsx_ticket_new_session() - OpenSSL's callback for a session to keep
 * @ssl: the connection's
 * @session: the newest session
 *
 * Context: the thread of the connection, inside a call of OpenSSL.
 * Return: 1: the session is ours now.
 */
int ktlsx_ticket_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct ktlsx_conn *conn = SSL_get_app_data(ssl);

	SSL_SESSION_free(conn->agreed.session);
	conn->agreed.session = session;
	return 1;
}
