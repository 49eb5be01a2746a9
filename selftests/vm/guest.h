/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the parts of the guest's process 1 share.
 * Must not know: the tests.
 * Concurrency: one thread.
 * Specification: KTAP version 1.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>

/* Longest line of KTAP or of the kernel log that is kept whole, in bytes. */
#define LINE_LEN	4096

/**
 * struct verdict - what a program said of itself
 * @planned: tests it planned, -1 as long as it has not said
 * @passed:  its "ok" lines
 * @failed:  its "not ok" lines
 * @skip:    the reason, when its plan was "1..0 # SKIP reason"
 */
struct verdict {
	int planned, passed, failed;
	char skip[256];
};

/* report - printf() to the result port. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * program_run - run one program to its end and copy its output to the result port
 * @argv:        what to execute and its arguments, up to a NULL
 * @timeout_sec: it is killed after that many seconds
 * @raw:         copy the output as it is; else indented, as the subtests of one result
 * @v:           filled from its output
 *
 * No process survives the call, but the caller.
 *
 * Return: exit status, 128 + signal, or -1 when its time was up.
 */
int program_run(char *const argv[], long timeout_sec, bool raw, struct verdict *v);

/* program_judge - run a test program; true when it passed or skipped, v->skip then says why. */
bool program_judge(char *const argv[], long timeout_sec, struct verdict *v);

/* residue_start - remember the state that nothing may be left beyond; needs /proc and /dev. */
void residue_start(void);

/* residue_mark - put a line of ours into the kernel log. */
void residue_mark(const char *text);

/* residue_log_is_clean - no complaint of the kernel since the last call? Each one is reported. */
bool residue_log_is_clean(void);

/**
 * residue_none - sockets are gone, this module unloads; ours has empty counters and caches
 * @module: its name, or NULL when none is loaded
 *
 * What the kernel frees late is waited for; what is left then is reported.
 */
bool residue_none(const char *module);

#endif
