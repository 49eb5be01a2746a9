/* SPDX-License-Identifier: MIT */
/*
 * Owns: one series of measurements: the clock, warm-up, median and minimum.
 * Must not know: what is measured.
 * Concurrency: one thread.
 * Under icount the time-stamp counter advances by one per instruction: these are instructions.
 */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <stdint.h>
#include <stdlib.h>

#define SAMPLE_WARM_COUNT 30
#define SAMPLE_COUNT	  41
#define SAMPLE_ROUNDS	  3
#define SAMPLE_MAX	  (SAMPLE_COUNT * SAMPLE_ROUNDS)

struct sample {
	long cost[SAMPLE_MAX];
	int count;
};

static inline uint64_t sample_clock(void)
{
	return __builtin_ia32_rdtsc();
}

/* An index below zero is a warm-up. */
static inline void sample_add(struct sample *sample, int index, uint64_t start)
{
	long cost = sample_clock() - start;

	if (index >= 0 && sample->count < SAMPLE_MAX)
		sample->cost[sample->count++] = cost;
}

static inline int sample_compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/* Sorts: the minimum is cost[0] afterwards. */
static inline long sample_median(struct sample *sample)
{
	qsort(sample->cost, sample->count, sizeof(sample->cost[0]), sample_compare);
	return sample->cost[sample->count / 2];
}

#endif
