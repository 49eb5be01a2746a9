// SPDX-License-Identifier: MIT
/*
 * Owns: what tests may leave behind in the kernel: complaints in its log, sockets, memory, itself.
 * Must not know: which program left it.
 * Concurrency: called when no other process lives; what the kernel frees late (RCU, orphans) is
 * waited for.
 * Specification: Documentation/ABI/testing/dev-kmsg, Documentation/mm/slub.rst,
 * Documentation/dev-tools/kmemleak.rst.
 *
 * Stock kernels have no kmemleak: empty caches, zero counters and a working rmmod take its place.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define WAIT_SEC	20
/* What one CPU may hold back of sockstat's memory figure, in pages (1 MB). */
#define CPU_RESERVE	256
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
/* It does not report what is younger than 5 s. */
#define KMEMLEAK_SEC	6

struct sockstat {
	int orphans, sockets, pages;
};

static const char *const trouble_patterns[] = {
	"(^|[^A-Z])(WARNING|BUG|Oops|UBSAN|ODEBUG)([^A-Z]|$)",
	"rcu.*(stall|detected)",
	"refcount|leak|corruption|still has objects",
	"lockdep|possible .*(deadlock|locking)|blocked for more than",
	"scheduling while atomic|sleeping function|unable to handle",
};

#define PATTERN_COUNT	(sizeof(trouble_patterns) / sizeof(trouble_patterns[0]))

static struct sockstat at_start;
static regex_t troubles[PATTERN_COUNT];
static int kmsg_fd;

static struct sockstat read_sockstat(void)
{
	struct sockstat s = { -1, -1, -1 };
	FILE *f = fopen("/proc/net/sockstat", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "TCP: inuse %*d orphan %d tw %*d alloc %d mem %d",
		       &s.orphans, &s.sockets, &s.pages);
	if (f)
		fclose(f);
	return s;
}

/* False where the kernel has no kmemleak, or it is off. */
static bool kmemleak(const char *command)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, command, strlen(command)) == (ssize_t)strlen(command);
	if (!ok)
		report("  # kmemleak: %s: %s\n", command, strerror(errno));
	close(fd);
	return ok;
}

/* It has to see an object unreferenced, and unchanged, in two scans. */
static bool nothing_leaked(void)
{
	char line[512];
	bool ok = true;
	FILE *f;

	if (access(KMEMLEAK, F_OK))
		return true;
	sleep(KMEMLEAK_SEC);
	if (!kmemleak("scan") || !kmemleak("scan"))
		return false;
	f = fopen(KMEMLEAK, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		report("  # kmemleak: %s", line);
		ok = false;
	}
	fclose(f);
	return ok;
}

void residue_start(void)
{
	for (size_t i = 0; i < PATTERN_COUNT; i++)
		regcomp(&troubles[i], trouble_patterns[i], REG_EXTENDED | REG_NOSUB);
	kmsg_fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	lseek(kmsg_fd, 0, SEEK_END);
	at_start = read_sockstat();
	/* What booting left is not ours. */
	kmemleak("scan");
	kmemleak("clear");
}

void residue_mark(const char *text)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "ktlsx-init: %s\n", text);

	/* Not dprintf(): it seeks first, which this file refuses. */
	if (len >= (int)sizeof(line) || write(kmsg_fd, line, len) != len)
		report("# /dev/kmsg: %s: %s\n", text, strerror(errno));
}

static bool is_trouble(const char *text)
{
	for (size_t i = 0; i < PATTERN_COUNT; i++)
		if (!regexec(&troubles[i], text, 0, NULL, 0))
			return true;
	return false;
}

/* Records were lost, and the next read goes on behind them. */
static bool is_gap(ssize_t len)
{
	return len < 0 && errno == EPIPE;
}

bool residue_log_is_clean(void)
{
	char record[LINE_LEN];
	bool clean = true;
	ssize_t len;

	while ((len = read(kmsg_fd, record, sizeof(record) - 1)) > 0 || is_gap(len)) {
		const char *text;

		if (len < 0)
			continue;
		record[len] = '\0';
		record[strcspn(record, "\n")] = '\0';
		text = strchr(record, ';');
		/* "priority,sequence,...;text": facility 0 is the kernel, others are programs. */
		if (!text || atoi(record) >> 3 || !is_trouble(text + 1))
			continue;
		report("  # kernel: %s\n", text + 1);
		clean = false;
	}
	return clean;
}

static bool sockets_are_gone(bool tell)
{
	struct sockstat now = read_sockstat();
	long most = at_start.pages + CPU_RESERVE * sysconf(_SC_NPROCESSORS_ONLN);
	bool ok = !now.orphans && now.sockets <= at_start.sockets && now.pages <= most;

	if (!ok && tell)
		report("  # TCP: %d orphans, %d sockets (%d at start), %d pages (%d at start)\n",
		       now.orphans, now.sockets, at_start.sockets, now.pages, at_start.pages);
	return ok;
}

/*
 * Is the first number of every line that starts with this prefix zero? A file without such a line
 * proves nothing.
 */
static bool all_zero(const char *path, const char *prefix, bool tell)
{
	FILE *f = fopen(path, "re");
	char line[512], name[64];
	bool ok = true, seen = false;
	long count;

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, prefix, strlen(prefix)) ||
		    sscanf(line, "%63s %ld", name, &count) != 2)
			continue;
		seen = true;
		ok = ok && !count;
		if (count && tell)
			report("  # %s: %s is %ld\n", path, name, count);
	}
	if (!seen && tell)
		report("  # %s: no line %s...\n", path, prefix);
	if (f)
		fclose(f);
	return ok && seen;
}

/* SLUB counts a freed object of a per-CPU slab as active until its cache is shrunk. */
static void shrink_caches(void)
{
	glob_t found;
	int fd;

	if (glob("/sys/kernel/slab/ktlsx_*/shrink", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		fd = open(found.gl_pathv[i], O_WRONLY | O_CLOEXEC);
		if (write(fd, "1", 1) != 1)
			report("  # %s: %s\n", found.gl_pathv[i], strerror(errno));
		close(fd);
	}
	globfree(&found);
}

static bool unload(const char *module)
{
	if (!syscall(SYS_delete_module, module, O_NONBLOCK))
		return true;
	report("  # rmmod %s: %s\n", module, strerror(errno));
	return false;
}

bool residue_none(const char *module)
{
	bool ours = module && !strcmp(module, "ktlsx"), ok = false, last = false;
	time_t deadline = time(NULL) + WAIT_SEC;

	while (!ok && !last) {
		last = time(NULL) >= deadline;
		shrink_caches();
		ok = sockets_are_gone(last);
		ok = (!ours || all_zero("/proc/net/ktlsx_stat", "Curr", last)) && ok;
		ok = (!ours || all_zero("/proc/slabinfo", "ktlsx_", last)) && ok;
		if (!ok)
			usleep(200000);
	}
	/* Before, because it names functions of ours; after, for what only the module held. */
	ok = nothing_leaked() && ok;
	ok = (!module || unload(module)) && ok;
	ok = (!module || nothing_leaked()) && ok;
	return residue_log_is_clean() && ok;
}
