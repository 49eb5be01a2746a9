/* SPDX-License-Identifier: MIT */
/*
 * Owns: a wire between a peer and the library that keeps what passes, and
 * passes it as slowly as asked. Must not know: TLS, but the record header.
 * Concurrency: relay_run() has a thread of its own until relay_end(); what was
 * kept is looked at after that.
 * Follows: RFC 8446 5.1.
 */
#ifndef RELAY_H
#define RELAY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum relay_way { RELAY_TO_US, RELAY_TO_PEER, RELAY_WAY_COUNT };

struct relay_kept {
	uint8_t *bytes;
	size_t len;
	size_t size;
};

/* One piece as it passed, of what was kept that way. */
struct relay_turn {
	enum relay_way way;
	size_t off, len;
};

struct relay {
	int peer_fd;
	int our_fd;		/* the relay's end of the pair the library is on */
	bool is_ended[RELAY_WAY_COUNT];
	struct relay_kept kept[RELAY_WAY_COUNT];
	struct relay_turn *turns;	/* in the order of their passing */
	size_t turn_count;
	pthread_t thread;
};

int relay_insert(struct relay *relay, int peer_fd);
size_t relay_pass(struct relay *relay, enum relay_way way, size_t len);
void relay_run(struct relay *relay);
void relay_end(struct relay *relay);
void relay_free(struct relay *relay);
size_t relay_next_record(const struct relay_kept *kept, size_t off);

#endif
