/* SPDX-License-Identifier: MIT */
/*
 * Owns: where the instructions of a repeated call go, by kernel function.
 * Must not know: the call.
 * Concurrency: one thread.
 */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

#include <stddef.h>

/* Calls call(arg) many times (fewer for a large len, in bytes) and prints its heaviest functions. */
void profile_run(void (*call)(void *arg), void *arg, size_t len);

#endif
