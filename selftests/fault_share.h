/* SPDX-License-Identifier: MIT */
/*
 * Owns: allocations of the kernel that fail on demand: a share of all those made below the
 * module under test, in any context.
 * Must not know: what is tested with them.
 * Concurrency: the share is the machine's; a child gives it back should we die.
 * Follows: Documentation/fault-injection/fault-injection.rst. Include ktap.h first.
 */
#ifndef FAULT_SHARE_H
#define FAULT_SHARE_H

#include "fault.h"

/* First and last address of the code of a module, as the filter of stacks wants them. */
static inline bool fault_find_module(const char *name, unsigned long range[2])
{
	FILE *file = fopen("/proc/modules", "r");
	char line[300], found[60];
	unsigned long size;
	bool ok = false;

	while (file && !ok && fgets(line, sizeof(line), file))
		ok = sscanf(line, "%59s %lu %*s %*s %*s %lx", found, &size, &range[0]) == 3 &&
		     !strcmp(found, name);
	if (file)
		fclose(file);
	range[1] = range[0] + size;
	return ok && range[0];
}

#define FAULT_TIMES_MAX	1000000

/* Return: how many failed since fault_share(). */
static inline long fault_share_count(void)
{
	static const char *const paths[] = {
		FAULT_DEBUGFS "failslab/times", FAULT_DEBUGFS "fail_page_alloc/times",
	};
	long count = 0, left;

	for (int i = 0; i < 2; i++) {
		FILE *file = fopen(paths[i], "r");

		ASSERT_TRUE(file && fscanf(file, "%ld", &left) == 1);
		count += FAULT_TIMES_MAX - left;
		fclose(file);
	}
	return count;
}

/* All of it back to nothing, whoever started it. */
static inline void fault_share_end(void)
{
	static const unsigned long all[2] = { 0, ~0UL };

	fault_set("probability", "0");
	fault_set("times", "1");
	fault_set("ignore-gfp-wait", "N");
	fault_set_range("require", all);
}

/*
 * A child that outlives us, if we die, and lets allocations succeed again. To be called before the
 * buffers are written to: what both share is copied when it is written, below the module too.
 */
static inline void fault_guard(void)
{
	pid_t parent = getpid();

	if (fork())
		return;
	setsid();
	while (getppid() == parent)
		usleep(50000);
	fault_share_end();
	_exit(0);
}

/* From here on @percent of what is allocated below the module fails; skips where that cannot be. */
static inline void fault_share(const char *module, unsigned int percent)
{
	unsigned long range[2];
	char text[20];

	if (!fault_find_module(module, range))
		SKIP("the module %s, or the right to see where it is", module);
	if (!fault_set_range("require", range))
		SKIP("this kernel lacks CONFIG_FAULT_INJECTION_STACKTRACE_FILTER");
	snprintf(text, sizeof(text), "%d", FAULT_TIMES_MAX);
	ASSERT_TRUE(fault_set("times", text));
	snprintf(text, sizeof(text), "%u", percent);
	ASSERT_TRUE(fault_set("probability", text));
}

#endif
