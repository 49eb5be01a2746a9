/* SPDX-License-Identifier: MIT */
/*
 * Owns what the files of `make bench-crypto` share: the work that every implementation of an
 * algorithm is given, and a table of results.
 * Must not know: engines by name. Concurrency: one thread, pinned.
 */
#ifndef BENCH_H
#define BENCH_H

#include "../../kmod/crypto/aead.h"

#define BENCH_SIZES 5
#define BENCH_CELLS (BENCH_SIZES + 2)	/* the sizes, a run, and a record in pages */
#define BENCH_RECORDS_MAX 16
#define BENCH_LEN_MAX 16384
/* Room for a MAC and padding; the odd number of lines keeps records off each other's cache sets. */
#define BENCH_STRIDE (BENCH_LEN_MAX + 64 * 5)
#define BENCH_PAGE 4096

/* A column: equally long records in one call, each from so many pages. */
struct bench_shape {
	size_t len;
	unsigned int records;
	unsigned int pages;
};

/* One record as another library takes it: contiguous. */
struct bench_record {
	const u8 *in;
	u8 *out;
	size_t len;	/* of the plaintext */
	u8 *tag;
};

/* Cycles for one call of each column; NAN where there is nothing. */
struct bench_results {
	double cycles[2][BENCH_CELLS];	/* [1]: opening */
	double prepare;
};

/* Another library. Its functions end the program when the library fails. */
struct bench_rival {
	const char *name;
	/* NULL when it has no such algorithm; *@only: what it does instead, if that is less */
	void *(*start)(const struct ktlsx_aead *aead, const u8 *raw, const char **only);
	void (*seal)(void *session, const struct bench_record *record);
	void (*open)(void *session, const struct bench_record *record);
	/* sets the key of @session again */
	void (*prepare)(void *session, const u8 *raw);
	void (*stop)(void *session);
	const char *(*version)(void);
};

/* bench_clock.c */
int bench_pin(void);
void bench_clock_start(void);
double bench_cycles(void (*run)(void *what), void *what);

/* bench_openssl.c and bench_gcrypt.c */
extern const struct bench_rival bench_openssl;
extern const struct bench_rival bench_gcrypt;
extern const u8 bench_nonce[KTLSX_AEAD_NONCE_MAX];
extern const u8 bench_aad[13];
size_t bench_aad_len(const struct ktlsx_aead *aead);
void bench_cipher_name(const struct ktlsx_aead *aead, char *cipher, const char **mode);

/* bench_floors.c */
double bench_floor(const char *work, const char *variant);

#endif
