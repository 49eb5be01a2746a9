// SPDX-License-Identifier: MIT
/*
 * What the config side knows about one SSL object, kept as its ex_data, so
 * that OpenSSL's callbacks find it. Must not know the connection, whose own
 * pointer is the SSL object's app data.
 * The ex_data index is asked for once a process and never changes then; a
 * choice itself belongs to the thread of its connection.
 * Spec: SSL_get_ex_new_index(3).
 */
#include "choice.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int choice_index = -1;

static void choice_free(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl,
			void *argp)
{
	(void)parent;
	(void)data;
	(void)index;
	(void)argl;
	(void)argp;
	free(ptr);
}

static void make_index(void)
{
	choice_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, choice_free);
}

/**
 * ktlsx_choice_attach() - give a new SSL object its choice
 * @ssl: owns it from now on
 * @config: serves the connection until a client's hello says otherwise
 *
 * Return: 0; -ENOMEM.
 */
int ktlsx_choice_attach(SSL *ssl, const struct ktlsx_config *config)
{
	struct ktlsx_choice *choice;

	pthread_once(&index_once, make_index);
	choice = calloc(1, sizeof(*choice));
	if (!choice)
		return -ENOMEM;
	choice->made_of = config;
	choice->config = config;
	if (choice_index < 0 || !SSL_set_ex_data(ssl, choice_index, choice)) {
		free(choice);
		return -ENOMEM;
	}
	return 0;
}

/**
 * ktlsx_choice_of() - the choice of an SSL object
 * @ssl: made by ktlsx_config_ssl()
 *
 * Return: it, never NULL.
 */
struct ktlsx_choice *ktlsx_choice_of(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, choice_index);
}

/**
 * ktlsx_choice_config() - the config that serves a connection
 * @ssl: made by ktlsx_config_ssl()
 *
 * Differs from the connection's own one when the hello branched to another.
 *
 * Return: the config, which lives as long as the connection's own one.
 */
const struct ktlsx_config *ktlsx_choice_config(const SSL *ssl)
{
	return ktlsx_choice_of(ssl)->config;
}

/**
 * ktlsx_choice_server_name() - the name that the client asked for
 * @ssl: made by ktlsx_config_ssl()
 *
 * Unlike SSL_get_servername() also right after a resumption in TLS 1.2.
 *
 * Return: in lower case, "" without; lives as long as @ssl.
 */
const char *ktlsx_choice_server_name(const SSL *ssl)
{
	return ktlsx_choice_of(ssl)->server_name;
}
