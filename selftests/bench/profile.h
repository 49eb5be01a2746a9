/* SPDX-License-Identifier: MIT */
/*
 * Owns: where the instructions of a repeated call go, by kernel function, beside another call's.
 * Must not know: the calls.
 * Concurrency: one thread.
 */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

#include <stddef.h>

/* What is looked at lies between two parts that are not. */
struct profile_parts {
	void (*before)(void *arg);
	void (*call)(void *arg);
	void (*after)(void *arg);
};

enum profile_column {
	PROFILE_THIS,
	PROFILE_BASE,
	PROFILE_COLUMNS
};

/* Runs the parts often (less so for a large len, in bytes); what the call did goes to a column. */
void profile_run(const struct profile_parts *parts, void *arg, size_t len,
		 enum profile_column column);

/* Prints the functions in which the columns differ most. */
void profile_show(void);

#endif
