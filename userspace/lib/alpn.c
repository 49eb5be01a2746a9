// SPDX-License-Identifier: MIT
/*
 * Protocols to agree on (ALPN). Must not know what they mean, nor how a hello
 * is read before OpenSSL does (hello.c).
 * Set by the thread that builds the config, read only afterwards.
 * Spec: RFC 7301.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "shape.h"

#define PROTOCOL_LEN_MAX 255
#define PROTOCOLS_LEN_MAX 65535

static size_t item_len(const char *protocols)
{
	return strcspn(protocols, ",");
}

/**
 * ktlsx_alpn_is_set() - whether a protocol is one that was set
 * @config: any
 * @name: ALPN protocol, not terminated
 * @len: its bytes
 */
bool ktlsx_alpn_is_set(const struct ktlsx_config *config, const uint8_t *name, size_t len)
{
	for (size_t off = 0; off < config->alpn_len; off += 1 + config->alpn[off]) {
		if (config->alpn[off] == len && !memcmp(config->alpn + off + 1, name, len))
			return true;
	}
	return false;
}

/* @wire has room for @protocols and its terminator; returns its length, 0: malformed. */
static size_t encode_protocols(const char *protocols, uint8_t *wire)
{
	size_t off = 0;

	for (;;) {
		size_t len = item_len(protocols);

		if (!len || len > PROTOCOL_LEN_MAX)
			return 0;
		wire[off++] = len;
		memcpy(wire + off, protocols, len);
		off += len;
		if (!protocols[len])
			return off;
		protocols += len + 1;
	}
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			   const unsigned char *in, unsigned int in_len, void *arg)
{
	const struct ktlsx_config *config = arg;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_len, config->alpn, config->alpn_len, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int use_protocols(struct ktlsx_config *config, uint8_t *wire, size_t len)
{
	if (config->role == KTLSX_CLIENT && SSL_CTX_set_alpn_protos(config->ctx, wire, len))
		return -ENOMEM;
	if (config->role == KTLSX_SERVER)
		SSL_CTX_set_alpn_select_cb(config->ctx, select_protocol, config);
	free(config->alpn);
	config->alpn = wire;
	config->alpn_len = len;
	return 0;
}

static int set_alpn(struct ktlsx_config *config, const char *protocols)
{
	size_t size = strlen(protocols) + 1;
	uint8_t *wire = size <= PROTOCOLS_LEN_MAX ? malloc(size) : NULL;
	size_t len = wire ? encode_protocols(protocols, wire) : 0;
	int err;

	if (!wire && size <= PROTOCOLS_LEN_MAX)
		return -ENOMEM;
	if (len)
		err = use_protocols(config, wire, len);
	else
		err = ktlsx_fail(&config->error, -EINVAL,
				 "ALPN: EINVAL: each protocol needs 1 to 255 bytes, \",\" between");
	if (err)
		free(wire);
	return err;
}

/**
 * ktlsx_config_set_alpn() - protocols to agree on (ALPN)
 * @config: client or server
 * @protocols: separated by ",", most wanted first ("h2,http/1.1")
 *
 * A server picks by its own order and refuses a client that offers none of
 * them; a client that does not speak ALPN is served without.
 *
 * Return: 0; -EINVAL empty, or one is longer than 255; -ENOMEM; -EBUSY.
 */
int ktlsx_config_set_alpn(struct ktlsx_config *config, const char *protocols)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, set_alpn(config, protocols));
}

/**
 * ktlsx_alpn_drop() - free the protocols
 * @config: being freed
 */
void ktlsx_alpn_drop(struct ktlsx_config *config)
{
	free(config->alpn);
}
