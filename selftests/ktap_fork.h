/* SPDX-License-Identifier: MIT */
/*
 * Owns: one test as a process of its own: started, waited for, killed.
 * Must not know: what is printed. Only ktap_run.h includes this file.
 * Concurrency: the caller has one thread and has blocked SIGCHLD.
 * Follows: exit codes of kselftest.
 */
#ifndef KTAP_FORK_H
#define KTAP_FORK_H

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

#endif
