/* SPDX-License-Identifier: MIT */
/*
 * Owns: an allocation of the kernel that fails on demand: the n-th of the next call.
 * Must not know: what is tested with it.
 * Concurrency: a struct fault belongs to the thread that opened it; settings are the machine's.
 * Follows: Documentation/fault-injection/fault-injection.rst. Include ktap.h first.
 */
#ifndef FAULT_H
#define FAULT_H

#define FAULT_DEBUGFS	"/sys/kernel/debug/"
#define FAULT_NTH	"/proc/thread-self/fail-nth"

struct fault {
	int nth_fd;
};

/* Return: whether the whole text went into the file. */
static inline bool fault_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* The same for slab objects and for pages. */
static inline bool fault_set(const char *name, const char *text)
{
	char path[100];

	snprintf(path, sizeof(path), FAULT_DEBUGFS "failslab/%s", name);
	if (!fault_write(path, text))
		return false;
	snprintf(path, sizeof(path), FAULT_DEBUGFS "fail_page_alloc/%s", name);
	return fault_write(path, text);
}

/* Where the code of a function of the kernel begins, and the next one. */
static inline bool fault_find_function(const char *name, unsigned long range[2])
{
	FILE *file = fopen("/proc/kallsyms", "r");
	unsigned long address;
	char line[300], found[200];

	range[0] = 0;
	range[1] = 0;
	while (file && !range[1] && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx %*c %199s", &address, found) != 2)
			continue;
		if (range[0] && address > range[0])
			range[1] = address;
		else if (!strcmp(found, name))
			range[0] = address;
	}
	if (file)
		fclose(file);
	return range[0] && range[1];
}

/* @kind is "require" or "reject": only what is called from there fails, or never. */
static inline bool fault_set_range(const char *kind, const unsigned long range[2])
{
	char name[30], text[30];
	bool ok = true;

	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s-%s", kind, i ? "end" : "start");
		snprintf(text, sizeof(text), "%#lx", range[i]);
		ok = fault_set(name, text) && ok;
	}
	return ok;
}

/* TCP gives up for good where it has no memory for a FIN: nothing of ours could mend that. */
static inline bool fault_spare_fin(void)
{
	unsigned long range[2];

	return fault_find_function("tcp_send_fin", range) && fault_set_range("reject", range);
}

/* Of any size, those that may sleep too, and without a stack for each in the log. */
static inline bool fault_set_up(void)
{
	return fault_set("verbose", "0") && fault_set("ignore-gfp-wait", "N") &&
	       fault_write(FAULT_DEBUGFS "fail_page_alloc/min-order", "0") &&
	       fault_write(FAULT_DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
}

/* In place of KTAP_MAIN(): one skip where none of the tests could do anything. */
static inline int fault_main(int argc, char **argv)
{
	const char *lacking = NULL;

	if (access(FAULT_NTH, W_OK))
		lacking = "fault injection (CONFIG_FAULT_INJECTION)";
	else if (!fault_set_up())
		lacking = "CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC or debugfs for them";
	else if (!fault_spare_fin())
		lacking = "CONFIG_FAULT_INJECTION_STACKTRACE_FILTER, or /proc/kallsyms";
	if (!lacking)
		return ktap_main(argc, argv);
	printf("TAP version 13\n1..0 # SKIP this kernel lacks %s\n", lacking);
	return KTAP_SKIP;
}

static inline void fault_open(struct fault *fault)
{
	fault->nth_fd = open(FAULT_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_GE(fault->nth_fd, 0);
}

/* From here on this thread's @nth allocation fails. */
static inline void fault_arm(struct fault *fault, unsigned int nth)
{
	char text[20];
	int len = snprintf(text, sizeof(text), "%u", nth);

	ASSERT_EQ(pwrite(fault->nth_fd, text, len, 0), len);
}

/* Return: whether it came to that; errno is as it was. */
static inline bool fault_disarm(struct fault *fault)
{
	char text[20] = "";
	int saved = errno;

	ASSERT_GT(pread(fault->nth_fd, text, sizeof(text) - 1, 0), 0);
	fault_arm(fault, 0);
	errno = saved;
	return !atoi(text);
}

#endif
