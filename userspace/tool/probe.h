/* SPDX-License-Identifier: MIT */
/*
 * What the running kernel does with a ULP name: tried on a loopback pair.
 */
#ifndef KTLSX_PROBE_H
#define KTLSX_PROBE_H

#include <linux/ktlsx.h>
#include <stdbool.h>

#define KTLSX_PROBE_PAIR 2

int ktlsx_probe_pair(int *pair);
bool ktlsx_probe_is_loaded(void);
bool ktlsx_probe_has(const char *name);
int ktlsx_probe_ulp(const char *name, struct ktlsx_features *features);

#endif /* KTLSX_PROBE_H */
