/* SPDX-License-Identifier: MIT */
/*
 * Owns runs of bytes cut into blocks of their own, so that whoever leaves one meets a
 * canary or the sanitizer.
 * Must not know: what the bytes mean. Concurrency: an object belongs to one thread.
 */
#ifndef PIECES_H
#define PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kmod/crypto/aead.h"

#define PIECES_MAX 64
/* What a piece is filled with until something is written to it. */
#define PIECES_CANARY 0xa5

struct pieces {
	struct ktlsx_span span[PIECES_MAX];
	uint8_t *block[PIECES_MAX];
	size_t before[PIECES_MAX];	/* bytes from a block's start to its span */
	size_t after[PIECES_MAX];
	unsigned int count;
};

/* @cut: ascending offsets; equal ones leave an empty piece. */
void pieces_cut_at(struct pieces *p, size_t len, const size_t *cut, unsigned int cut_count);
/* At random, into @count_max pieces at most. */
void pieces_cut(struct pieces *p, size_t len, unsigned int count_max);
void pieces_write(const struct pieces *p, const uint8_t *bytes);
/* Collects the bytes; false when those around them are not as they were. */
bool pieces_read(const struct pieces *p, uint8_t *bytes);
bool pieces_all_are(const uint8_t *bytes, size_t len, uint8_t value);

#endif
