// SPDX-License-Identifier: MIT
/*
 * The external pre-shared key of a config, TLS 1.3. Must not know sessions that
 * a handshake made. Set by the thread that builds the config; the callbacks
 * only read it.
 * Spec: RFC 8446 sections 2.2 and 4.2.11.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "shape.h"

#define IDENTITY_LEN_MAX 128
#define KEY_LEN_MIN 16
#define KEY_LEN_MAX 64
#define PSK_SUITE 0x1301	/* TLS_AES_128_GCM_SHA256 stands for its hash */

/**
 * struct ktlsx_psk - see above
 * @identity: text, terminated
 * @secrets: slot whose scratch holds the key
 * @key_len: bytes of the key
 */
struct ktlsx_psk {
	char identity[IDENTITY_LEN_MAX + 1];
	struct ktlsx_secrets *secrets;
	size_t key_len;
};

static bool fill_session(const struct ktlsx_choice *choice, SSL *ssl, SSL_SESSION *session)
{
	static const unsigned char id[] = { PSK_SUITE >> 8, PSK_SUITE & 0xff };
	const struct ktlsx_psk *psk = choice->config->psk;
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, id);

	return cipher && SSL_SESSION_set_cipher(session, cipher) &&
	       SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) &&
	       SSL_SESSION_set1_master_key(session, psk->secrets->scratch, psk->key_len) &&
	       SSL_SESSION_set1_id_context(session, choice->context, sizeof(choice->context));
}

static SSL_SESSION *psk_session(SSL *ssl)
{
	SSL_SESSION *session = SSL_SESSION_new();

	if (session && !fill_session(ktlsx_choice_of(ssl), ssl, session)) {
		SSL_SESSION_free(session);
		session = NULL;
	}
	return session;
}

static int use_psk(SSL *ssl, const EVP_MD *digest, const unsigned char **id, size_t *id_len,
		   SSL_SESSION **session)
{
	const struct ktlsx_psk *psk = ktlsx_choice_of(ssl)->config->psk;

	*session = NULL;
	if (digest && !EVP_MD_is_a(digest, "SHA256"))
		return 1;
	*session = psk_session(ssl);
	*id = (const unsigned char *)psk->identity;
	*id_len = strlen(psk->identity);
	return *session ? 1 : 0;
}

static int find_psk(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **session)
{
	const struct ktlsx_psk *psk = ktlsx_choice_of(ssl)->config->psk;

	*session = NULL;
	if (id_len != strlen(psk->identity) || memcmp(id, psk->identity, id_len))
		return 1;
	*session = psk_session(ssl);
	return *session ? 1 : 0;
}

/**
 * ktlsx_psk_carry() - let an SSL object use the key of its config, or none
 * @config: serves the connection
 * @ssl: client or server
 */
void ktlsx_psk_carry(const struct ktlsx_config *config, SSL *ssl)
{
	bool is_client = config->role == KTLSX_CLIENT;

	SSL_set_psk_use_session_callback(ssl, config->psk && is_client ? use_psk : NULL);
	SSL_set_psk_find_session_callback(ssl, config->psk && !is_client ? find_psk : NULL);
}

/**
 * ktlsx_psk_freeze() - check that a pre-shared key can be used
 * @config: being frozen
 *
 * Return: 0; -EINVAL what it needs is not offered.
 */
int ktlsx_psk_freeze(struct ktlsx_config *config)
{
	if (!config->psk || ktlsx_offer_has_suite(config, PSK_SUITE))
		return 0;
	return ktlsx_fail(&config->error, -EINVAL,
			  "pre-shared key: EINVAL: it needs TLS 1.3 and TLS_AES_128_GCM_SHA256: allow both");
}

static int psk_new(struct ktlsx_config *config)
{
	struct ktlsx_psk *psk = calloc(1, sizeof(*psk));
	int err = psk ? ktlsx_vault_take(config->vault, &psk->secrets) : -ENOMEM;

	if (err)
		free(psk);
	else
		config->psk = psk;
	return err;
}

static int check_psk(struct ktlsx_config *config, const char *identity, size_t key_len)
{
	size_t identity_len = strlen(identity);

	if (!identity_len || identity_len > IDENTITY_LEN_MAX)
		return ktlsx_fail(&config->error, -EINVAL,
				  "pre-shared key: EINVAL: the identity needs 1 to %d bytes",
				  IDENTITY_LEN_MAX);
	if (key_len < KEY_LEN_MIN || key_len > KEY_LEN_MAX)
		return ktlsx_fail(&config->error, -EINVAL,
				  "pre-shared key: EINVAL: the key needs %d to %d bytes",
				  KEY_LEN_MIN, KEY_LEN_MAX);
	return 0;
}

static int set_psk(struct ktlsx_config *config, const char *identity, const uint8_t *key,
		   size_t key_len)
{
	int err = check_psk(config, identity, key_len);

	if (err)
		return err;
	if (!config->psk)
		err = psk_new(config);
	if (err)
		return err;
	strcpy(config->psk->identity, identity);
	memcpy(config->psk->secrets->scratch, key, key_len);
	config->psk->key_len = key_len;
	return 0;
}

/**
 * ktlsx_config_set_psk() - external pre-shared key, TLS 1.3, with SHA-256
 * @config: client or server
 * @identity: text, 1 to 128 bytes
 * @key: 16 to 64 bytes with the strength of a key, not a password; copied
 * @key_len: its bytes
 *
 * A client also accepts a server that does not know the key but shows a
 * certificate for the name it was given; without a name it does not.
 *
 * Return: 0; -EINVAL a length is wrong; -ENOMEM; -EBUSY.
 */
int ktlsx_config_set_psk(struct ktlsx_config *config, const char *identity, const uint8_t *key,
			 size_t key_len)
{
	if (!ktlsx_config_enter(config))
		return -EBUSY;
	return ktlsx_config_leave(config, set_psk(config, identity, key, key_len));
}

/**
 * ktlsx_psk_drop() - wipe and free the key
 * @config: being freed; its vault is still there
 */
void ktlsx_psk_drop(struct ktlsx_config *config)
{
	if (!config->psk)
		return;
	ktlsx_vault_give(config->vault, config->psk->secrets);
	free(config->psk);
}
