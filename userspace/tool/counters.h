/* SPDX-License-Identifier: MIT */
/*
 * The kernel's counters of this network namespace. Knows none of them by name.
 */
#ifndef KTLSX_COUNTERS_H
#define KTLSX_COUNTERS_H

#include <stdint.h>

#define KTLSX_COUNTERS_PATH "/proc/net/ktlsx_stat"
#define KTLSX_COUNTERS_MAX 96

struct ktlsx_counter {
	char name[40];
	uint64_t value;
};

struct ktlsx_counters {
	unsigned int count;
	struct ktlsx_counter list[KTLSX_COUNTERS_MAX];
};

int ktlsx_counters_read(struct ktlsx_counters *counters);
uint64_t ktlsx_counters_get(const struct ktlsx_counters *counters, const char *name);

#endif /* KTLSX_COUNTERS_H */
