// SPDX-License-Identifier: MIT
/*
 * Owns: reading /proc/net/ktlsx_stat, lines of a name and a number.
 * Must not know: what the numbers mean.
 * Concurrency: none; each read is a snapshot of its own.
 * Spec: the counter list of README.md.
 */
#include "counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/**
 * ktlsx_counters_read() - take a snapshot
 * @counters: filled
 *
 * Return: 0; -errno of open (-ENOENT: no module); -EPROTO the file is not as it was.
 */
int ktlsx_counters_read(struct ktlsx_counters *counters)
{
	FILE *file = fopen(KTLSX_COUNTERS_PATH, "re");
	char line[128];

	counters->count = 0;
	if (!file)
		return -errno;
	while (counters->count < KTLSX_COUNTERS_MAX && fgets(line, sizeof(line), file)) {
		struct ktlsx_counter *one = &counters->list[counters->count];

		if (sscanf(line, "%39s %" SCNu64, one->name, &one->value) == 2)
			counters->count++;
	}
	fclose(file);
	return counters->count ? 0 : -EPROTO;
}

/**
 * ktlsx_counters_get() - one counter
 * @counters: snapshot
 * @name: its name
 *
 * Return: its value; 0 when there is none of that name.
 */
uint64_t ktlsx_counters_get(const struct ktlsx_counters *counters, const char *name)
{
	for (unsigned int i = 0; i < counters->count; i++)
		if (!strcmp(counters->list[i].name, name))
			return counters->list[i].value;
	return 0;
}
