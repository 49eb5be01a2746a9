/* SPDX-License-Identifier: MIT */
/*
 * Owns: loading and unloading kernel modules from a test, ours and stock ones.
 * Must not know: what is tested with them.
 * Concurrency: one caller at a time; the kernel is shared with all.
 * Follows: init_module(2), delete_module(2), modprobe(8).
 */
#ifndef MODULES_H
#define MODULES_H

#include <sys/stat.h>
#include <sys/syscall.h>

#define MODULES_OURS	"/modules/ktlsx.ko"	/* where the guest of vm/ has it */

static inline bool modules_is_loaded(const char *name)
{
	char path[100];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

/* Return: 0 or -errno; -EWOULDBLOCK when it is in use. */
static inline int modules_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/* Waits for what the kernel frees late. */
static inline int modules_unload_soon(const char *name)
{
	int ret = -EAGAIN;

	for (unsigned int i = 0; i < 100 * ktap_slow() && ret == -EAGAIN; i++) {
		ret = modules_unload(name);
		if (ret == -EAGAIN)
			usleep(100000);
	}
	return ret;
}

/* The parameters it has now, as finit_module() wants them. */
static inline void modules_parameters(char *text, size_t size)
{
	static const char *const names[] = { "own_tls", "isa", "pool_poison" };
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[100], value[40];
		FILE *file;

		snprintf(path, sizeof(path), "/sys/module/ktlsx/parameters/%s", names[i]);
		file = fopen(path, "r");
		if (file && fgets(value, sizeof(value), file) && value[strspn(value, "\n")] &&
		    value[0] != '(')
			used += snprintf(text + used, size - used, "%s=%.*s ", names[i],
					 (int)strcspn(value, "\n"), value);
		if (file)
			fclose(file);
	}
}

static inline int modules_load_ours(const char *parameters)
{
	int fd = open(MODULES_OURS, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* Return: exit status of modprobe with these arguments; 127 when there is none. */
static inline int modules_probe(const char *option, const char *name)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(126);
		if (option)
			execlp("modprobe", "modprobe", option, name, NULL);
		else
			execlp("modprobe", "modprobe", name, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 126;
	return WEXITSTATUS(status);
}

#endif
