// SPDX-License-Identifier: MIT
/*
 * Owns the clock of the measurements: core cycles of short samples, taken between two
 * looks at the clock of the core.
 * Must not know: what is measured. Concurrency: one thread, pinned.
 *
 * The time stamp counter ticks at its own constant rate. What a core cycle is in ticks tells
 * a chain of multiplications, each of which waits for the one before and takes 3 cycles on
 * every x86 CPU since 2008; additions of a constant would not do, newer cores fold them.
 */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <x86intrin.h>

#include "bench.h"

#define SAMPLES 400
#define SAMPLES_MIN 10
#define SAMPLE_NS 60000
#define CELL_NS 30000000ull
#define CHAIN_LEN 4096
#define CHAIN_CYCLES (3.0 * CHAIN_LEN)
#define CHAIN_TOLERANCE 0.01

/* Ticks of one call, and of the chains before and after. */
struct sample {
	double ticks;
	double chain;
};

static u64 sample_ticks, cell_ticks, rdtsc_ticks;

static u64 now(void)
{
	u64 t;

	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
}

static u64 ticks_since(u64 start)
{
	u64 ticks = now() - start;

	return ticks > rdtsc_ticks ? ticks - rdtsc_ticks : 1;
}

static u64 chain_ticks(void)
{
	u64 start = now(), x = 3;
	unsigned int i;

	for (i = 0; i < CHAIN_LEN / 8; i++)
		__asm__ __volatile__("imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
				     "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0"
				     : "+r"(x));
	return ticks_since(start);
}

/* The last CPU we may use: the first takes most interrupts. Returns its number. */
int bench_pin(void)
{
	cpu_set_t set;
	int cpu;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -1;
	for (cpu = CPU_SETSIZE - 1; cpu > 0 && !CPU_ISSET(cpu, &set); cpu--)
		;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -1 : cpu;
}

static u64 nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

/* How long a tick is, roughly: only the lengths of samples hang on it. */
void bench_clock_start(void)
{
	u64 ns = nanoseconds(), start = now(), best = ~0ull, t;
	double ticks_per_ns;
	unsigned int i;

	while (nanoseconds() - ns < 20000000)
		;
	ticks_per_ns = (double)(now() - start) / (double)(nanoseconds() - ns);
	sample_ticks = (u64)(SAMPLE_NS * ticks_per_ns);
	cell_ticks = (u64)(CELL_NS * ticks_per_ns);
	for (i = 0; i < 1000; i++) {
		start = now();
		t = now() - start;
		best = min(best, t);
	}
	rdtsc_ticks = best;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static unsigned int calls_per_sample(void (*run)(void *what), void *what)
{
	u64 start, ticks, best = ~0ull;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		start = now();
		run(what);
		ticks = ticks_since(start);
		best = min(best, ticks);
	}
	return best < sample_ticks ? (unsigned int)(sample_ticks / best) : 1;
}

/* Of the samples beside the fastest chains, the lowest fiftieth: neighbours only ever add. */
static double lowest(const struct sample *samples, unsigned int count, double fastest)
{
	static double cycles[SAMPLES];
	unsigned int i, n = 0;

	for (i = 0; i < count; i++)
		if (samples[i].chain < fastest * (1 + CHAIN_TOLERANCE))
			cycles[n++] = samples[i].ticks * CHAIN_CYCLES / samples[i].chain;
	if (!n)
		return NAN;
	qsort(cycles, n, sizeof(cycles[0]), compare_doubles);
	return cycles[n / 50];
}

/*
 * Core cycles of one call of @run. A sample whose two chains disagree was disturbed; so was
 * one between slow chains, unless the clock changed: a neighbour on the core delays them, and
 * what is counted in them then comes out too low. NAN when no sample was left.
 */
double bench_cycles(void (*run)(void *what), void *what)
{
	static struct sample samples[SAMPLES];
	unsigned int n = 0, i, batch = calls_per_sample(run, what);
	u64 began = now(), before, after, start, ticks;
	double chain, fastest = INFINITY;

	after = chain_ticks();
	while (n < SAMPLES) {
		ticks = now() - began;
		if (ticks > cell_ticks && (n >= SAMPLES_MIN || ticks > 8 * cell_ticks))
			break;
		before = after;
		start = now();
		for (i = 0; i < batch; i++)
			run(what);
		ticks = ticks_since(start);
		after = chain_ticks();
		chain = ((double)before + (double)after) / 2;
		if (fabs((double)before - (double)after) >= CHAIN_TOLERANCE * chain)
			continue;
		samples[n++] = (struct sample){ (double)ticks / batch, chain };
		fastest = fmin(fastest, chain);
	}
	return lowest(samples, n, fastest);
}
