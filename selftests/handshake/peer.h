/* SPDX-License-Identifier: MIT */
/*
 * Owns: independent peers: programs run as children, what they print, waiting
 * for it. Must not know: TLS, the library.
 * Concurrency: a peer belongs to one thread; a thread of its own collects what
 * the program prints.
 * Follows: ../ktap.h: include that first.
 */
#ifndef PEER_H
#define PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The bound of every wait, in ms, before $KTLSX_SLOW stretches it. */
#define PEER_WAIT_MS	8000
#define PEER_ARG_MAX	96

enum peer_stream { PEER_OUT, PEER_ERR, PEER_STREAM_COUNT };

struct peer_text {
	int fd;
	char *bytes;		/* always ends with a 0 that @len does not count */
	size_t len;
	size_t size;
	bool is_ended;
};

struct peer {
	pid_t pid;
	int in;			/* its standard input */
	uint16_t port;		/* it listens on, 0: it does not */
	bool is_reaped;
	int status;		/* of waitpid() once reaped */
	pthread_t collector;
	pthread_mutex_t mutex;
	pthread_cond_t grown;
	struct peer_text text[PEER_STREAM_COUNT];
};

/* A command line, built word by word. */
struct peer_args {
	const char *word[PEER_ARG_MAX];
	unsigned int count;
};

/* Appends words that are separated by blanks. */
void peer_say(struct peer_args *args, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Appends one word, blanks and all. */
void peer_say_word(struct peer_args *args, const char *word);

void peer_start(struct peer *peer, struct peer_args *args);
int peer_connect(struct peer *peer);
bool peer_await(struct peer *peer, enum peer_stream stream, const char *text);
bool peer_await_len(struct peer *peer, enum peer_stream stream, size_t len);
bool peer_await_end(struct peer *peer);
void peer_end_input(struct peer *peer);
int peer_stop(struct peer *peer);
void peer_show(struct peer *peer);

uint16_t peer_free_port(void);
int peer_listen(uint16_t *port);
int peer_accept(int listener);
int peer_wait_ms(void);

#endif
