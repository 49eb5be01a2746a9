// SPDX-License-Identifier: MIT
/*
 * Owns the test program that loads the module of engine tests in a guest, once for each limit on
 * the engines, and turns what the kernel log says into KTAP.
 * Must not know: what the module tests. Concurrency: one thread.
 * Specification: KTAP version 1; Documentation/ABI/testing/dev-kmsg.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULE		"ktlsx_engines"
#define MODULE_FILE	"/modules/" MODULE ".ko"
#define PREFIX		"ktap: "
/* Of the kernel's levels: errors, and worse. */
#define LEVEL_ERR	3

static const struct {
	const char *name, *params;
	int err;
} loads[] = {
	{ "every engine", "", 0 },
	{ "isa=generic", "isa=generic rounds=10", 0 },
	{ "isa=aesni", "isa=aesni rounds=10", 0 },
	{ "an unknown isa is refused", "isa=abacus", EINVAL },
};

#define LOAD_COUNT	(sizeof(loads) / sizeof(loads[0]))

/* What the module said of itself. */
struct results {
	int planned, count;
	bool bad;
};

/* A record is "priority,sequence,...;text"; facility 0 is the kernel. */
static void take(struct results *r, const char *record)
{
	const char *text = strchr(record, ';');
	int priority = atoi(record);

	if (!text++ || priority >> 3)
		return;
	if (strncmp(text, PREFIX, strlen(PREFIX))) {
		printf("  # kernel: %s\n", text);
		r->bad |= priority <= LEVEL_ERR;
		return;
	}
	text += strlen(PREFIX);
	printf("  %s\n", text);
	if (!strncmp(text, "1..", 3))
		r->planned = atoi(text + 3);
	else if (!strncmp(text, "ok ", 3))
		r->count++;
	else if (!strncmp(text, "not ok ", 7))
		r->count++, r->bad = true;
}

/* The log from where @fd stands to its end; records that were lost are missed in the count. */
static void read_log(int fd, struct results *r)
{
	char record[8192];
	ssize_t len;

	while ((len = read(fd, record, sizeof(record) - 1)) > 0 || (len < 0 && errno == EPIPE)) {
		if (len < 0)
			continue;
		record[len] = '\0';
		record[strcspn(record, "\n")] = '\0';
		take(r, record);
	}
}

/* KTLSX_ENGINES=seed=5,rounds=1000 comes behind the parameters of a load. */
static int load(const char *fixed)
{
	const char *wanted = getenv("KTLSX_ENGINES");
	int fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC), err = 0;
	char params[512], *comma = params;

	snprintf(params, sizeof(params), "%s %s", fixed, wanted ? wanted : "");
	while ((comma = strchr(comma, ',')))
		*comma = ' ';
	if (fd < 0 || syscall(SYS_finit_module, fd, params, 0))
		err = errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static bool run(const char *params, int expected, int log)
{
	struct results r = { .planned = -1 };
	int err = load(params);

	read_log(log, &r);
	if (!err && syscall(SYS_delete_module, MODULE, O_NONBLOCK)) {
		printf("  # rmmod: %s\n", strerror(errno));
		return false;
	}
	if (err != expected) {
		printf("  # loading: %s\n", strerror(err));
		return false;
	}
	if (err)
		return !r.bad && !r.count;
	if (r.planned != r.count)
		printf("  # planned %d, ran %d\n", r.planned, r.count);
	return !r.bad && r.count && r.planned == r.count;
}

int main(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool ok = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (log < 0 || lseek(log, 0, SEEK_END) < 0) {
		printf("Bail out! /dev/kmsg: %s\n", strerror(errno));
		return 1;
	}
	printf("1..%zu\n", LOAD_COUNT);
	for (size_t i = 0; i < LOAD_COUNT; i++) {
		bool passed = run(loads[i].params, loads[i].err, log);

		printf("%sok %zu %s\n", passed ? "" : "not ", i + 1, loads[i].name);
		ok = ok && passed;
	}
	return !ok;
}
