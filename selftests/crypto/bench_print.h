/* SPDX-License-Identifier: MIT */
/*
 * Owns the looks of the results, as text and as JSON, and the columns.
 * Must not know: how they were measured. Concurrency: one thread.
 */
#ifndef BENCH_PRINT_H
#define BENCH_PRINT_H

#include "bench.h"

/* BENCH_CELLS columns; no records where an algorithm has no such column. */
const struct bench_shape *bench_shapes(const char *work);

/* @format: "json" or anything else, or NULL */
void bench_print_start(int cpu, const char *format);
/* The other libraries first: the lines of our engines quote them. */
void bench_print_rival(const char *work, const struct bench_rival *rival,
		       const struct bench_results *results, const char *only);
void bench_print_engine(const char *work, const char *variant, const struct bench_results *results);
void bench_print_absent(const char *work, const char *variant, const char *why);

#endif
