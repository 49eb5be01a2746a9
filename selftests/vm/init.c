// SPDX-License-Identifier: MIT
/*
 * Owns: process 1 of the test guest: sets it up, does what the command line asks (the programs of
 * /run.list, a script, a shell), powers off.
 * Must not know: what the tests test, nor how the guest was started.
 * Concurrency: one thread.
 * Specification: KTAP version 1 (Documentation/dev-tools/ktap.rst), alone on ttyS1; ttyS0 is the
 * kernel's.
 *
 * It is C and static because a shell script has more ways to die than the things it is to test.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

/* Seconds for one modprobe; crypto modules test themselves when they load. */
#define MODPROBE_SEC	60
/* Arguments of one program; what a longer line has more is not passed on. */
#define ARGS_MAX	4096

static const struct {
	const char *type, *dir, *options;
} mounts[] = {
	{ "proc", "/proc", NULL },
	{ "sysfs", "/sys", NULL },
	{ "devtmpfs", "/dev", NULL },
	{ "tmpfs", "/tmp", "mode=1777" },
	{ "tmpfs", "/run", "mode=755" },
	{ "devpts", "/dev/pts", "ptmxmode=666" },
	{ "tmpfs", "/dev/shm", "mode=1777" },
	{ "debugfs", "/sys/kernel/debug", NULL },
	{ "tracefs", "/sys/kernel/tracing", NULL },
};

static int result_fd;
static int result_count;

void report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vdprintf(result_fd, format, args);
	va_end(args);
}

/* The directive of a skip is for harnesses, the time of all others for people. */
static void result(bool ok, const char *name, const char *skip, time_t began)
{
	report("%sok %d %s # ", ok ? "" : "not ", ++result_count, name);
	if (*skip)
		report("SKIP %s\n", skip);
	else
		report("%ld s\n", (long)(time(NULL) - began));
}

static void set_up(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	struct termios raw;
	int fd;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].dir, 0755);
		mount(mounts[i].type, mounts[i].dir, mounts[i].type, 0, mounts[i].options);
	}
	result_fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(result_fd, &raw);
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	tcsetattr(result_fd, TCSANOW, &raw);

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &lo))
		report("# lo: %s\n", strerror(errno));
	close(fd);
	sethostname("ktlsx", 5);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
}

/* The command line has commas where modules and parameters want blanks. */
static char *words_of(const char *name)
{
	char *words = getenv(name);

	for (char *comma = words; comma && (comma = strchr(comma, ',')); )
		*comma = ' ';
	return words ? words : "";
}

static bool modprobe(char *names)
{
	bool ok = true;

	for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
		struct verdict unused = { 0 };
		char *argv[3] = { "/modules/modprobe", name, NULL };
		int status = program_run(argv, MODPROBE_SEC, false, &unused);

		if (status)
			report("  # modprobe %s: status %d\n", name, status);
		ok = ok && !status;
	}
	return ok;
}

/*
 * Loads what our module links with, which finit_module() leaves to its caller: a string in
 * .modinfo names it. Also when a script is to load the module itself.
 */
static bool load_dependencies(int module_fd)
{
	static const char key[] = "depends=";
	static char names[500];
	struct stat st;
	char *image, *found;

	if (fstat(module_fd, &st))
		return false;
	image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, module_fd, 0);
	if (image == MAP_FAILED)
		return false;
	found = memmem(image, (size_t)st.st_size, key, sizeof(key) - 1);
	if (found)
		snprintf(names, sizeof(names), "%s", found + sizeof(key) - 1);
	munmap(image, (size_t)st.st_size);
	for (char *comma = names; (comma = strchr(comma, ',')); )
		*comma = ' ';
	return modprobe(names);
}

static bool load(void)
{
	bool ok = modprobe(words_of("KTLSX_MODPROBE"));
	int fd = open("/modules/ktlsx.ko", O_RDONLY | O_CLOEXEC);

	if (!getenv("KTLSX_NOMODULE") && fd >= 0)
		ok = load_dependencies(fd) && ok;
	if (!getenv("KTLSX_NOMODULE") && !getenv("KTLSX_NOLOAD")) {
		if (fd < 0 || syscall(SYS_finit_module, fd, words_of("KTLSX_PARAMS"), 0)) {
			report("  # ktlsx.ko: %s\n", strerror(errno));
			ok = false;
		}
	}
	if (fd >= 0)
		close(fd);
	return residue_log_is_clean() && ok;
}

static void run_shell(void)
{
	load();
	if (!fork()) {
		setsid();
		ioctl(result_fd, TIOCSCTTY, 0);
		for (int fd = 0; fd < 3; fd++)
			dup2(result_fd, fd);
		execl("/bin/sh", "sh", "-c",
		      "stty sane; echo 'Programs: /tests; exit powers off'; exec sh -i", NULL);
		_exit(127);
	}
	wait(NULL);
}

/* A line: seconds, program, and the arguments if it has some. */
static void run_line(char *line)
{
	static char *argv[ARGS_MAX + 2];
	const char *timeout = strtok(line, " "), *name;
	struct verdict v = { .planned = -1 };
	time_t began = time(NULL);
	int argc = 0;
	bool ok;

	while (argc <= ARGS_MAX && (argv[argc] = strtok(NULL, " ")))
		argc++;
	name = argv[0] + strlen("/tests/");
	residue_mark(name);
	ok = program_judge(argv, atol(timeout), &v);
	ok = residue_log_is_clean() && ok;
	result(ok, name, ok ? v.skip : "", began);
}

/* The module that has to unload at the end: ours, or the one in its place where there is one. */
static const char *left_loaded(void)
{
	if (!getenv("KTLSX_NOMODULE"))
		return "ktlsx";
	return access("/sys/module/tls", F_OK) ? NULL : "tls";
}

static void run_list(FILE *list)
{
	time_t began = time(NULL);
	char *line = NULL;
	size_t size = 0;
	int count = 2;

	while (getline(&line, &size, list) > 0)
		count++;
	rewind(list);
	report("KTAP version 1\n1..%d\n", count);
	result(load(), "load", "", began);
	while (getline(&line, &size, list) > 0) {
		line[strcspn(line, "\n")] = '\0';
		run_line(line);
	}
	free(line);
	began = time(NULL);
	result(residue_none(left_loaded()), "leaks", "", began);
	report("# ktlsx-init: done\n");
}

/* A script: its output as it is, a last line for the verdict; it may load and unload modules. */
static void run_script(char *path, long timeout_sec)
{
	struct verdict unused = { 0 };
	char *argv[2] = { path, NULL };
	int status = load() ? program_run(argv, timeout_sec, true, &unused) : 1;
	bool clean = residue_log_is_clean();

	clean = residue_none(access("/sys/module/ktlsx", F_OK) ? NULL : "ktlsx") && clean;
	report("# ktlsx-init: exit %d\n", status ? status : !clean);
}

int main(void)
{
	const char *timeout = getenv("KTLSX_TIMEOUT");
	char *script = getenv("KTLSX_SCRIPT");
	FILE *list = fopen("/run.list", "re");

	set_up();
	residue_start();
	if (getenv("KTLSX_TRIAL"))
		report("alive\n");
	else if (getenv("KTLSX_SHELL"))
		run_shell();
	else if (script && timeout)
		run_script(script, atol(timeout));
	else if (list)
		run_list(list);
	tcdrain(result_fd);
	/* QEMU ends at a reset, also where a kernel cannot switch it off; UML would begin anew. */
	reboot(getenv("KTLSX_RESET") ? RB_AUTOBOOT : RB_POWER_OFF);
	return 1;
}
