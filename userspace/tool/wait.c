// SPDX-License-Identifier: MIT
/*
 * Owns: every wait of the command, so that SIGINT and SIGTERM end any of them
 * once a verb wants to end cleanly.
 * Must not know: what is waited for.
 * Concurrency: one thread; the handler sets a flag, and runs inside ppoll only.
 * Spec: ppoll(2).
 */
#include "wait.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t is_stopped;
static sigset_t mask_before;
static bool is_catching;

static void stop(int number)
{
	(void)number;
	is_stopped = 1;
}

/**
 * ktlsx_wait_catch_stop() - let SIGINT and SIGTERM end waits instead of us
 */
void ktlsx_wait_catch_stop(void)
{
	struct sigaction action = { .sa_handler = stop };
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigprocmask(SIG_BLOCK, &stops, &mask_before);
	sigdelset(&mask_before, SIGINT);
	sigdelset(&mask_before, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	is_catching = true;
}

/**
 * ktlsx_wait_release_stop() - what a child needs before it becomes another program
 */
void ktlsx_wait_release_stop(void)
{
	if (!is_catching)
		return;
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
	is_catching = false;
}

/**
 * ktlsx_wait_is_stopped() - has one of the two signals come?
 *
 * Return: true once it has.
 */
bool ktlsx_wait_is_stopped(void)
{
	return is_stopped;
}

/**
 * ktlsx_wait_now_ms() - a clock that nobody sets
 *
 * Return: milliseconds.
 */
int64_t ktlsx_wait_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/**
 * ktlsx_wait_poll() - poll(2)
 * @fds: as poll has them
 * @count: how many
 * @timeout_ms: negative: for ever
 *
 * Return: how many are ready; -ETIMEDOUT; -EINTR we are to stop; -errno.
 */
int ktlsx_wait_poll(struct pollfd *fds, unsigned int count, int timeout_ms)
{
	int64_t end_ms = ktlsx_wait_now_ms() + timeout_ms;
	int ready;

	for (;;) {
		int64_t left_ms = timeout_ms < 0 ? 0 : end_ms - ktlsx_wait_now_ms();
		struct timespec left;

		if (is_stopped)
			return -EINTR;
		left_ms = left_ms < 0 ? 0 : left_ms;
		left = (struct timespec) { left_ms / 1000, left_ms % 1000 * 1000000 };
		ready = ppoll(fds, count, timeout_ms < 0 ? NULL : &left,
			      is_catching ? &mask_before : NULL);
		if (ready >= 0)
			return ready ? ready : -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/**
 * ktlsx_wait_for() - wait for one descriptor
 * @fd: descriptor
 * @events: POLLIN, POLLOUT
 * @timeout_ms: negative: for ever
 *
 * Return: 0; -ETIMEDOUT; -EINTR we are to stop; -errno.
 */
int ktlsx_wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd one = { .fd = fd, .events = events };
	int ready = ktlsx_wait_poll(&one, 1, timeout_ms);

	return ready < 0 ? ready : 0;
}
