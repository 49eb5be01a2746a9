/* SPDX-License-Identifier: MIT */
/*
 * Owns: a TLS 1.3 server of the test's own, that can send any record once its
 * handshake is done, and open what the client sends.
 * Must not know: the library.
 * Concurrency: its handshake is a thread; the rest belongs to the caller.
 * Follows: RFC 8446 7.
 */
#ifndef FORGE_H
#define FORGE_H

#include <pthread.h>
#include <stdbool.h>

#include "../ref.h"

struct forge {
	int fd;			/* the server's end */
	bool is_done;
	struct ref_key key;	/* seals what the server sends */
	struct ref_stream from_client;
	size_t seen_count;	/* records that forge_receive() gave */
	size_t seen_len;
	pthread_t thread;
};

int forge_start(struct forge *forge, const char *cert);
bool forge_finish(struct forge *forge);
bool forge_send(struct forge *forge, uint8_t type, const void *bytes, size_t len);
const struct ref_record *forge_receive(struct forge *forge, const uint8_t **bytes);
void forge_end(struct forge *forge);

#endif
