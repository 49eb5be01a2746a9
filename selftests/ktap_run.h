/* SPDX-License-Identifier: MIT */
/*
 * Owns: the loop that runs the registered tests and prints their results.
 * Must not know: what any test does. Only ktap.h includes this file.
 * Concurrency: single thread; SIGCHLD is blocked and waited for.
 * Follows: Documentation/dev-tools/ktap.rst.
 */
#ifndef KTAP_RUN_H
#define KTAP_RUN_H

/* Waits for @pid; false when @timeout_s passed first. */
static inline bool ktap_wait(pid_t pid, unsigned int timeout_s, int *status)
{
	struct timespec now, end, tick = { .tv_nsec = 200 * 1000 * 1000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_s;
	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec ||
		    (now.tv_sec == end.tv_sec && now.tv_nsec > end.tv_nsec))
			return false;
		sigtimedwait(&set, NULL, &tick);
	}
}

static inline void ktap_child(const struct ktap_test *test, const void *data)
{
	sigset_t set;

	setpgid(0, 0);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	test->run(data);
	fflush(stdout);
	_exit(ktap_verdict->failure_count ? KTAP_FAIL : KTAP_PASS);
}

/* Runs one test in its own process group; the note is what follows '#'. */
static inline int ktap_run_one(const struct ktap_test *test, const struct ktap_variant *variant,
			       char *note, size_t note_size)
{
	unsigned int timeout_s = test->timeout_s * ktap_slow();
	int status = 0;
	pid_t pid;

	memset(ktap_verdict, 0, sizeof(*ktap_verdict));
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return KTAP_FAIL;
	if (!pid)
		ktap_child(test, variant ? variant->data : NULL);
	setpgid(pid, pid);
	if (!ktap_wait(pid, timeout_s, &status)) {
		snprintf(note, note_size, " # timeout after %u s", timeout_s);
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return KTAP_FAIL;
	}
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status)) {
		snprintf(note, note_size, " # killed by signal %d", WTERMSIG(status));
		return KTAP_FAIL;
	}
	if (ktap_verdict->failure_count)
		return KTAP_FAIL;
	if (WEXITSTATUS(status) == KTAP_SKIP)
		snprintf(note, note_size, " # SKIP %s", ktap_verdict->skip);
	return WEXITSTATUS(status);
}

static inline void ktap_name(char *name, size_t size, const struct ktap_test *test,
			     const struct ktap_variant *variant)
{
	snprintf(name, size, "%s.%s%s%s", test->fixture->name, variant ? variant->name : "",
		 variant ? "." : "", test->name);
}

/* Calls @visit for each test and variant whose name holds @filter. */
static inline void ktap_walk(const char *filter, void *state,
			     void (*visit)(const struct ktap_test *test,
					   const struct ktap_variant *variant,
					   const char *name, void *state))
{
	const struct ktap_variant *variant;
	const struct ktap_test *test;
	char name[200];

	for (test = ktap_tests; test; test = test->next) {
		variant = test->fixture->variants;
		do {
			ktap_name(name, sizeof(name), test, variant);
			if (!filter || strstr(name, filter))
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
