/* SPDX-License-Identifier: MIT */
/*
 * Owns: the loop over the registered tests and the printing of their results.
 * Must not know: what any test does. Only ktap.h includes this file.
 * Concurrency: single thread; SIGCHLD is blocked.
 * Follows: Documentation/dev-tools/ktap.rst.
 */
#ifndef KTAP_RUN_H
#define KTAP_RUN_H

#include "ktap_fork.h"

static inline void ktap_name(char *name, size_t size, const struct ktap_test *test,
			     const struct ktap_variant *variant)
{
	snprintf(name, size, "%s.%s%s%s", test->fixture->name, variant ? variant->name : "",
		 variant ? "." : "", test->name);
}

/* Whether the test of this index is ours: KTLSX_PART=1/4 leaves each fourth, from the second on. */
static inline bool ktap_is_ours(unsigned int index)
{
	const char *text = getenv("KTLSX_PART");
	unsigned int part, parts;

	if (!text || sscanf(text, "%u/%u", &part, &parts) != 2 || !parts)
		return true;
	return index % parts == part;
}

/* Calls @visit for each test and variant whose name holds @filter. */
static inline void ktap_walk(const char *filter, void *state,
			     void (*visit)(const struct ktap_test *test,
					   const struct ktap_variant *variant,
					   const char *name, void *state))
{
	const struct ktap_variant *variant;
	const struct ktap_test *test;
	unsigned int index = 0;
	char name[200];

	for (test = ktap_tests; test; test = test->next) {
		variant = test->fixture->variants;
		do {
			ktap_name(name, sizeof(name), test, variant);
			if ((!filter || strstr(name, filter)) && ktap_is_ours(index++))
				visit(test, variant, name, state);
			variant = variant ? variant->next : NULL;
		} while (variant);
	}
}

struct ktap_totals {
	unsigned int planned, done, passed, failed, skipped;
};

static inline void ktap_plan_visit(const struct ktap_test *test, const struct ktap_variant *variant,
				   const char *name, void *state)
{
	struct ktap_totals *totals = state;

	(void)test;
	(void)variant;
	(void)name;
	totals->planned++;
}

static inline void ktap_run_visit(const struct ktap_test *test, const struct ktap_variant *variant,
				  const char *name, void *state)
{
	struct ktap_totals *totals = state;
	struct timespec start, end;
	char note[260] = "";
	int result;

	clock_gettime(CLOCK_MONOTONIC, &start);
	result = ktap_run_one(test, variant, note, sizeof(note));
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (getenv("KTLSX_TIMES"))
		ktap_diag("%s took %lld ms", name, (end.tv_sec - start.tv_sec) * 1000LL +
			  (end.tv_nsec - start.tv_nsec) / 1000000);
	totals->passed += result == KTAP_PASS;
	totals->skipped += result == KTAP_SKIP;
	totals->failed += result != KTAP_PASS && result != KTAP_SKIP;
	printf("%s %u %s%s\n", result == KTAP_PASS || result == KTAP_SKIP ? "ok" : "not ok",
	       ++totals->done, name, note);
	fflush(stdout);
}

/* Return: the exit code of a kselftest program. */
static inline int ktap_main(int argc, char **argv)
{
	const char *filter = argc > 1 && argv[1][0] ? argv[1] : NULL;
	struct ktap_totals totals = { 0 };
	sigset_t set;

	ktap_verdict = mmap(NULL, sizeof(*ktap_verdict), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ktap_verdict == MAP_FAILED)
		return KTAP_FAIL;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ktap_walk(filter, &totals, ktap_plan_visit);
	printf("TAP version 13\n1..%u\n", totals.planned);
	ktap_walk(filter, &totals, ktap_run_visit);
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n",
	       totals.passed, totals.failed, totals.skipped);
	if (totals.failed)
		return KTAP_FAIL;
	return totals.passed || !totals.skipped ? KTAP_PASS : KTAP_SKIP;
}

#define KTAP_MAIN()									\
	int main(int argc, char **argv) { return ktap_main(argc, argv); }

#endif
