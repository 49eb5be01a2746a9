/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attach, and the tables of entry points: the one place that wires everything.
 * Owns the names under which TCP knows us.
 */
#ifndef KTLSX_ULP_H
#define KTLSX_ULP_H

/**
 * ktlsx_ulp_init() - build the tables and register the names
 *
 * "ktlsx" always; "tls" when it is free and own_tls allows.
 *
 * Context: Process context, at module load.
 * Return: 0; -EEXIST "ktlsx" is taken; notifier errors.
 */
int ktlsx_ulp_init(void);

/**
 * ktlsx_ulp_exit() - give the names back
 *
 * No socket is attached: each pins the module until TCP destroys it.
 *
 * Context: Process context, at unload.
 */
void ktlsx_ulp_exit(void);

#endif /* KTLSX_ULP_H */
