// SPDX-License-Identifier: MIT
/*
 * Owns: running one program in the guest: its process, its time, its output, its verdict.
 * Must not know: what comes before and after it.
 * Concurrency: one program at a time; when it has ended every process but the caller is killed, so
 * that none sees another's.
 * Specification: KTAP version 1; exit status 0 passed, 1 failed, 4 skipped, as kselftest has them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

/* Output that has come, up to its last whole line. */
struct output {
	int fd;
	bool raw;
	size_t used;
	char buf[LINE_LEN];
};

static void count_line(struct verdict *v, const char *line)
{
	const char *skip = strstr(line, "# SKIP");

	if (!strncmp(line, "ok ", 3))
		v->passed++;
	else if (!strncmp(line, "not ok ", 7))
		v->failed++;
	else if (!strncmp(line, "1..", 3))
		v->planned = atoi(line + 3);
	if (skip && !strncmp(line, "1..", 3))
		snprintf(v->skip, sizeof(v->skip), "%s", skip + 6 + strspn(skip + 6, " "));
}

static void put_line(struct output *out, char *line, struct verdict *v)
{
	report("%s%s\n", out->raw ? "" : "  ", line);
	count_line(v, line);
}

/* Copies whole lines; a line too long is broken, and what ends without a newline gets one. */
static void copy_lines(struct output *out, struct verdict *v)
{
	ssize_t len;

	while ((len = read(out->fd, out->buf + out->used, sizeof(out->buf) - 1 - out->used)) > 0) {
		char *line = out->buf, *end;

		out->used += len;
		out->buf[out->used] = '\0';
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			put_line(out, line, v);
			line = end + 1;
		}
		out->used -= line - out->buf;
		memmove(out->buf, line, out->used + 1);
		if (out->used == sizeof(out->buf) - 1) {
			put_line(out, out->buf, v);
			out->used = 0;
		}
	}
	if (len == 0 && out->used) {
		put_line(out, out->buf, v);
		out->used = 0;
	}
}

static pid_t start(char *const argv[], int out_fd)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setsid();
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(out_fd, 1);
	dup2(out_fd, 2);
	execv(argv[0], argv);
	dprintf(2, "# %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int program_run(char *const argv[], long timeout_sec, bool raw, struct verdict *v)
{
	time_t deadline = time(NULL) + timeout_sec;
	struct output out = { .raw = raw };
	int ends[2], status = 0;
	pid_t pid, done = 0;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	out.fd = ends[0];
	fcntl(out.fd, F_SETFL, O_NONBLOCK);
	pid = start(argv, ends[1]);
	close(ends[1]);
	while (!done && time(NULL) < deadline) {
		struct pollfd wait = { .fd = out.fd, .events = POLLIN };

		/* A closed output polls ready for ever: that must not become a busy loop. */
		if (poll(&wait, 1, 50) > 0 && !(wait.revents & POLLIN))
			usleep(20000);
		copy_lines(&out, v);
		done = waitpid(pid, &status, WNOHANG);
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	copy_lines(&out, v);
	close(out.fd);
	if (done != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool program_judge(char *const argv[], long timeout_sec, struct verdict *v)
{
	int status = program_run(argv, timeout_sec, false, v);
	bool whole = v->planned == v->passed + v->failed;

	if (status < 0)
		report("  # killed after %ld s\n", timeout_sec);
	else if (status != 0 && status != 4)
		report("  # exit status %d\n", status);
	if (!whole)
		report("  # planned %d, ran %d\n", v->planned, v->passed + v->failed);
	if (status == 4)
		return whole && !v->failed && (v->passed || *v->skip);
	return status == 0 && whole && !v->failed && v->passed;
}
