/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attach, and the tables of entry points: the one place that wires everything.
 * Owns the names under which TCP knows us.
 */
#ifndef KTLSX_ULP_H
#define KTLSX_ULP_H

int ktlsx_ulp_init(void);
void ktlsx_ulp_exit(void);

#endif /* KTLSX_ULP_H */
