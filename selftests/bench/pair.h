/* SPDX-License-Identifier: MIT */
/*
 * Owns: one loopback TCP pair as the bench wants it: no Nagle, large forced
 * buffers, a fixed AES-256-GCM TLS 1.3 key by setsockopt(), no handshake.
 * Must not know: what is measured.
 * Concurrency: one thread. A failure ends the program: a bench has no use for one.
 * Follows: <linux/tls.h>.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include <stdbool.h>
#include <stddef.h>

struct pair {
	int tx, rx; /* what tx sends, rx receives */
};

/* Ends the program with the text, and that of errno, when not ok. */
void pair_require(bool ok, const char *what);

/* Buffers are forced once connected; wide: before, so that TCP sizes its segments by them. */
void pair_open(struct pair *pair, bool wide);
void pair_close(struct pair *pair);

/* Attach and install; each is one setsockopt(). */
void pair_attach(int fd, const char *ulp);
void pair_install(int fd, int direction);
void pair_expect_no_pad(int fd);

/* Throws away what the receiver has on the wire, until the sender has nothing left either. */
void pair_drain(const struct pair *pair);

#endif
