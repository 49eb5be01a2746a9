/* SPDX-License-Identifier: MIT */
/*
 * How far a long transfer has come, for a person who watches. One thread.
 */
#ifndef KTLSX_PROGRESS_H
#define KTLSX_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct ktlsx_progress - one transfer
 * @is_shown: stderr is a terminal and nobody wants quiet
 * @has_line: a line stands there
 * @total_len: bytes expected, 0 unknown
 * @done_len: bytes so far
 * @began_ms: when it began
 * @shown_ms: when it was last shown
 */
struct ktlsx_progress {
	bool is_shown;
	bool has_line;
	uint64_t total_len;
	uint64_t done_len;
	int64_t began_ms;
	int64_t shown_ms;
};

void ktlsx_progress_begin(struct ktlsx_progress *progress, bool is_wanted, uint64_t total_len);
void ktlsx_progress_add(struct ktlsx_progress *progress, uint64_t len);
double ktlsx_progress_end(struct ktlsx_progress *progress);

#endif /* KTLSX_PROGRESS_H */
