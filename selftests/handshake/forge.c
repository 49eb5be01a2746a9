// SPDX-License-Identifier: MIT
/*
 * Owns: a TLS 1.3 server whose records a test writes itself (see forge.h).
 * Must not know: the library.
 * Concurrency: see forge.h.
 * Follows: RFC 8446 7.1 and 7.3.
 */
#include "forge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include "../conn.h"
#include "pki.h"

#define SUITE		"TLS_AES_128_GCM_SHA256"
#define SECRET_LEN	32	/* SHA-256 */
#define KEY_LEN		16
#define IV_LEN		12
#define LABEL_SIZE	40

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "test server: %s failed\n", what);
	abort();
}

/* HKDF-Expand-Label with an empty context. */
static void expand(const uint8_t *secret, const char *label, uint8_t *out, size_t out_len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	char info[LABEL_SIZE];
	int info_len = snprintf(info + 3, sizeof(info) - 4, "tls13 %s", label);
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, "SHA256", 0),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, SECRET_LEN),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_INFO, info, info_len + 4),
		OSSL_PARAM_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_END,
	};

	info[0] = out_len >> 8;
	info[1] = out_len & 0xff;
	info[2] = info_len;
	info[3 + info_len] = 0;
	must(ctx && EVP_KDF_derive(ctx, out, out_len, params) == 1, "HKDF");
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void set_key(struct ref_key *key, const char *hex)
{
	uint8_t secret[SECRET_LEN], iv[IV_LEN];

	for (size_t i = 0; i < sizeof(secret); i++)
		must(sscanf(hex + 2 * i, "%2hhx", &secret[i]) == 1, "key log");
	memset(key, 0, sizeof(*key));
	key->version = REF_TLS13;
	key->cipher = REF_AES_GCM_128;
	key->key_len = KEY_LEN;
	expand(secret, "key", key->key, KEY_LEN);
	expand(secret, "iv", iv, IV_LEN);
	memcpy(key->salt, iv, sizeof(key->salt));
	memcpy(key->iv, iv + sizeof(key->salt), sizeof(key->iv));
}

static void keylog(const SSL *ssl, const char *line)
{
	struct forge *forge = SSL_get_app_data(ssl);
	char label[40], hex[140];
	struct ref_key key;

	must(sscanf(line, "%39s %*s %139s", label, hex) == 2, "key log line");
	if (!strcmp(label, "SERVER_TRAFFIC_SECRET_0"))
		set_key(&forge->key, hex);
	if (!strcmp(label, "CLIENT_TRAFFIC_SECRET_0")) {
		set_key(&key, hex);
		ref_stream_init(&forge->from_client, &key);
	}
}

static void *accept_client(void *arg)
{
	struct forge *forge = ((void **)arg)[0];
	SSL_CTX *ctx = ((void **)arg)[1];
	SSL *ssl = SSL_new(ctx);

	free(arg);
	must(ssl && SSL_set_fd(ssl, forge->fd), "connection");
	SSL_set_app_data(ssl, forge);
	forge->is_done = SSL_accept(ssl) == 1;
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return NULL;
}

static SSL_CTX *make_context(const char *cert)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char path[60];

	must(ctx && SSL_CTX_set_ciphersuites(ctx, SUITE) && SSL_CTX_set_num_tickets(ctx, 0) &&
	     SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION), "context");
	snprintf(path, sizeof(path), "%s.chain.pem", cert);
	must(SSL_CTX_use_certificate_chain_file(ctx, pki_path(path)) == 1, path);
	snprintf(path, sizeof(path), "%s.key.pem", cert);
	must(SSL_CTX_use_PrivateKey_file(ctx, pki_path(path), SSL_FILETYPE_PEM) == 1, path);
	SSL_CTX_set_keylog_callback(ctx, keylog);
	return ctx;
}

/**
 * forge_start() - a TCP pair and a server at one end of it that waits for a handshake
 * @cert: a name of pki.h
 * Return: the client's end.
 */
int forge_start(struct forge *forge, const char *cert)
{
	void **arg = calloc(2, sizeof(*arg));
	int fd[2];

	memset(forge, 0, sizeof(*forge));
	must(arg && !conn_pair(fd, CONN_LO, AF_INET), "TCP pair");
	forge->fd = fd[1];
	arg[0] = forge;
	arg[1] = make_context(cert);
	must(!pthread_create(&forge->thread, NULL, accept_client, arg), "thread");
	return fd[0];
}

/**
 * forge_finish() - waits for the end of the server's handshake
 * Return: whether it was done.
 */
bool forge_finish(struct forge *forge)
{
	pthread_join(forge->thread, NULL);
	return forge->is_done;
}

/**
 * forge_send() - sends one record, sealed as the client expects it
 */
bool forge_send(struct forge *forge, uint8_t type, const void *bytes, size_t len)
{
	uint8_t wire[REF_WIRE_MAX];
	size_t wire_len = ref_seal(&forge->key, type, bytes, len, NULL, wire);

	return conn_send_all(forge->fd, wire, wire_len, MSG_NOSIGNAL) == (ssize_t)wire_len;
}

/**
 * forge_receive() - the next record of the client, which is waited for
 * @bytes: out, its content
 * Return: NULL when none came, at the end of the stream for one.
 */
const struct ref_record *forge_receive(struct forge *forge, const uint8_t **bytes)
{
	struct ref_stream *stream = &forge->from_client;
	const struct ref_record *record;

	if (ref_stream_read_records(stream, forge->fd, forge->seen_count + 1))
		return NULL;
	record = &stream->records[forge->seen_count++];
	*bytes = stream->plain + forge->seen_len;
	forge->seen_len += record->plain_len;
	return record;
}

/**
 * forge_end() - closes the server's end
 */
void forge_end(struct forge *forge)
{
	ref_stream_free(&forge->from_client);
	close(forge->fd);
}
