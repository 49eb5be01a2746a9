/* SPDX-License-Identifier: MIT */
/*
 * Owns: what every fuzz target needs: its entry, a claim that must hold, input
 * taken byte by byte. Must not know: any parser.
 * Concurrency: single thread.
 * Follows: libFuzzer's LLVMFuzzerTestOneInput().
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What a parser promises; the fuzzer keeps the input that breaks it. */
#define CLAIM(is_so) do {							\
	if (!(is_so)) {								\
		fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #is_so);	\
		abort();							\
	}									\
} while (0)

struct fuzz_input {
	const uint8_t *bytes;
	size_t len;
};

/* The next byte of the input; 0 behind its end. */
static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
	if (!input->len)
		return 0;
	input->len--;
	return *input->bytes++;
}

/* A copy of its own size, so that a read behind its end is found. */
static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	CLAIM(copy);
	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

#endif
