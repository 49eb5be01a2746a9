/* SPDX-License-Identifier: MIT */
/*
 * The pump between a socket and the memory BIOs of an SSL object: one record
 * at a time inwards, so that no byte after the handshake leaves the socket;
 * outwards everything. Counts and bounds; knows nothing of keys.
 * A pump belongs to one connection. Never blocks.
 * Spec: RFC 8446 section 5.1, RFC 5246 section 6.2.1.
 */
#ifndef KTLSX_PUMP_H
#define KTLSX_PUMP_H

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define KTLSX_HEADER_LEN 5
#define KTLSX_NONCE_LEN 8
#define KTLSX_RECORD_LEN_MAX (KTLSX_HEADER_LEN + 16384 + 2048)

/**
 * struct ktlsx_pump - state of the pump
 * @fd: socket
 * @in: memory BIO that SSL reads
 * @out: memory BIO that SSL writes
 * @header: of the record being received
 * @header_have: bytes of it so far
 * @body_left: bytes of that record still to come, once the header is complete
 * @peer_len: bytes announced or received
 * @peer_len_max: the bound
 * @out_head: header and explicit nonce of the record being sent
 * @out_have: bytes of it so far
 * @out_left: bytes of that record still to come, once its header is complete
 * @has_ccs: a ChangeCipherSpec of ours went by
 * @has_finished_nonce: and the record after it
 * @finished_nonce: TLS 1.2: explicit nonce of our own Finished record
 */
struct ktlsx_pump {
	int fd;
	BIO *in;
	BIO *out;
	uint8_t header[KTLSX_HEADER_LEN];
	size_t header_have;
	size_t body_left;
	size_t peer_len;
	size_t peer_len_max;
	uint8_t out_head[KTLSX_HEADER_LEN + KTLSX_NONCE_LEN];
	size_t out_have;
	size_t out_left;
	bool has_ccs;
	bool has_finished_nonce;
	uint64_t finished_nonce;
};

/* 1 a record went to @in; 0 end of stream; -EAGAIN; -EPROTO, -EMSGSIZE, -errno. */
int ktlsx_pump_in(struct ktlsx_pump *pump, struct ktlsx_error *error);
/* 0 all is sent; -EAGAIN; -errno. */
int ktlsx_pump_out(struct ktlsx_pump *pump, struct ktlsx_error *error);

#endif /* KTLSX_PUMP_H */
