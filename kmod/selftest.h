/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owns the known-answer tests that run at module load.
 * Must not know: sockets, records. Concurrency: load time only.
 */
#ifndef KTLSX_SELFTEST_H
#define KTLSX_SELFTEST_H

/**
 * ktlsx_selftest() - prove every engine this CPU can run before a socket uses it
 *
 * An engine that gives a wrong answer is disabled for the algorithm, with one line
 * in the log. Takes some 80 milliseconds, most of it the portable engines'.
 *
 * Context: Load time, process context, after ktlsx_aead_init().
 * Return: 0, or -EIO when an algorithm has no working engine left: do not load.
 */
int ktlsx_selftest(void);

#endif
