// SPDX-License-Identifier: MIT
/*
 * Owns: the line on a terminal that says how far a transfer is. Nothing is
 * shown in the first half second, nor to anything but a terminal.
 * Must not know: what is transferred.
 * Concurrency: one thread.
 * Spec: ktlsx(8).
 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "wait.h"

#define EVERY_MS 500
#define MEGA (1024.0 * 1024)

/**
 * ktlsx_progress_begin() - a transfer begins
 * @progress: filled
 * @is_wanted: false: only count
 * @total_len: bytes expected; 0: nobody knows
 */
void ktlsx_progress_begin(struct ktlsx_progress *progress, bool is_wanted, uint64_t total_len)
{
	int64_t now_ms = ktlsx_wait_now_ms();

	*progress = (struct ktlsx_progress) {
		.is_shown = is_wanted && isatty(STDERR_FILENO),
		.total_len = total_len,
		.began_ms = now_ms,
		.shown_ms = now_ms,
	};
}

static void show(struct ktlsx_progress *progress, int64_t now_ms)
{
	double seconds = (double)(now_ms - progress->began_ms) / 1000;
	double done = (double)progress->done_len;

	fprintf(stderr, "\r%.1f MiB", done / MEGA);
	if (progress->total_len)
		fprintf(stderr, " of %.1f (%.0f%%)", (double)progress->total_len / MEGA,
			100 * done / (double)progress->total_len);
	fprintf(stderr, ", %.1f MiB/s \033[K", done / MEGA / seconds);
	progress->shown_ms = now_ms;
	progress->has_line = true;
}

/**
 * ktlsx_progress_add() - some more has been transferred
 * @progress: transfer
 * @len: bytes
 */
void ktlsx_progress_add(struct ktlsx_progress *progress, uint64_t len)
{
	int64_t now_ms;

	progress->done_len += len;
	if (!progress->is_shown)
		return;
	now_ms = ktlsx_wait_now_ms();
	if (now_ms - progress->shown_ms >= EVERY_MS)
		show(progress, now_ms);
}

/**
 * ktlsx_progress_end() - take the line away
 * @progress: transfer
 *
 * Return: seconds since it began.
 */
double ktlsx_progress_end(struct ktlsx_progress *progress)
{
	if (progress->has_line)
		fputs("\r\033[K", stderr);
	progress->has_line = false;
	return (double)(ktlsx_wait_now_ms() - progress->began_ms) / 1000;
}
