/* SPDX-License-Identifier: MIT */
/*
 * Owns: one handshake of the library against OpenSSL in the same thread, over a
 * TCP connection whose other end is held by a man in the middle.
 * Must not know: what a test checks; what the middle's hook does.
 * Concurrency: one thread; sides may be used for any number of duels.
 * Follows: ktlsx.h.
 */
#ifndef DUEL_H
#define DUEL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include <ktlsx.h>

#include "middle.h"

#define DUEL_NO_ALERT	(-1)

/**
 * struct duel_kind - what both sides are told
 * @role: the library's
 * @version: the only one of the peer; the library allows 1.2 and 1.3
 * @certificate: of the server, see pki.h
 * @client_certificate: of the client, asked for and verified; NULL: none is asked for
 * @groups: of the server, for OpenSSL and the library alike; NULL: the default
 * @suites: TLS 1.2, OpenSSL's names, both sides; NULL: the default
 * @fragment_mode: TLSEXT_max_fragment_length_* that OpenSSL's client asks for, 0: none
 * @may_fall_back: the library may do records itself
 */
struct duel_kind {
	enum ktlsx_role role;
	uint16_t version;
	const char *certificate;
	const char *client_certificate;
	const char *groups;
	const char *suites;
	uint8_t fragment_mode;
	bool may_fall_back;
};

struct duel_sides {
	enum ktlsx_role role;
	struct ktlsx_config *config;
	SSL_CTX *peer;
};

/**
 * struct duel_result - how it ended
 * @err: what the library's handshake answered
 * @text: ktlsx_error() then
 * @is_hung: still unfinished when all was quiet and the stream had ended
 * @key_count: keys that the kernel took
 * @is_shut: the socket is shut down both ways
 * @fd_answer: ktlsx_fd()
 * @is_peer_done: OpenSSL's handshake succeeded
 * @is_agreed: both succeeded, export the same, and content went both ways
 * @peer_got_content: the library failed, and OpenSSL could read something all the same
 * @read_answer: the library succeeded, and they do not agree: what its ktlsx_read()
 *	answered at the end of the stream
 * @read_text: ktlsx_error() then
 * @sent_alert: plaintext alert on the wire from the library: level << 8 | description
 * @peer_got_alert: description that OpenSSL received, sealed or not
 * @is_garbled: the library sent something that is no TLS record
 * @rest_len: bytes of an unfinished record at the end of what it sent
 * @record_count: records that went each way
 */
struct duel_result {
	int err;
	char text[400];
	bool is_hung;
	unsigned int key_count;
	bool is_shut;
	int fd_answer;
	bool is_peer_done;
	bool is_agreed;
	bool peer_got_content;
	ssize_t read_answer;
	char read_text[400];
	uint16_t sent_alert;
	int peer_got_alert;
	bool is_garbled;
	size_t rest_len;
	unsigned int record_count[MIDDLE_WAY_COUNT];
};

void duel_sides_make(struct duel_sides *sides, const struct duel_kind *kind);
void duel_sides_free(struct duel_sides *sides);
void duel_run(const struct duel_sides *sides, const struct middle_hook *hook,
	      struct duel_result *result);
void duel_tcp(int fd[2]);
void duel_need(bool is_so, const char *what);
size_t duel_stride(size_t stride);

#endif
