// SPDX-License-Identifier: MIT
/*
 * Owns: findings about the module: loaded, able, reachable under its names,
 * for this user; and whether it will be after the next boot.
 * Must not know: other findings.
 * Concurrency: none.
 * Spec: <linux/ktlsx.h>; modprobe.d(5), modules-load.d(5).
 */
#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../include/ktlsx.h"
#include "doctor.h"
#include "probe.h"

#define OWN_TLS "/sys/module/ktlsx/parameters/own_tls"

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool has_line = file && fgets(line, (int)size, file);

	if (file)
		fclose(file);
	if (has_line)
		line[strcspn(line, "\n")] = '\0';
	return has_line;
}

static bool find_module(struct ktlsx_doctor *doctor)
{
	char version[64];

	if (!ktlsx_probe_is_loaded()) {
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "module",
				  "as root: modprobe ktlsx (after: make module && make install)",
				  "the kernel module ktlsx is not loaded");
		return false;
	}
	if (!read_line("/sys/module/ktlsx/version", version, sizeof(version)))
		strcpy(version, "of unknown version");
	if (strcmp(version, KTLSX_VERSION))
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "module",
				  "install both from the same source, and load the module anew",
				  "the kernel module ktlsx is loaded, %s; this command is %s",
				  version, KTLSX_VERSION);
	else
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "module", NULL,
				  "the kernel module ktlsx is loaded, version %s", version);
	return true;
}

static void find_features(struct ktlsx_doctor *doctor, const struct ktlsx_features *features)
{
	const uint64_t needed = KTLSX_FEATURE_CONTROL | KTLSX_FEATURE_KEYS_WRITE_ONLY;

	if ((features->features & needed) != needed)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "features",
				  "build and load the module of this version",
				  "the module lacks what this command needs (it has 0x%llx)",
				  (unsigned long long)features->features);
	else
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "features", NULL,
				  "control mode and write-only keys; %s",
				  features->features & KTLSX_FEATURE_REKEY ?
				  "KeyUpdate (TLS 1.3) is carried" :
				  "no KeyUpdate yet: a peer that rotates keys ends the connection");
}

static void find_own_name(struct ktlsx_doctor *doctor)
{
	struct ktlsx_features features;
	int err = ktlsx_probe_ulp(KTLSX_ULP_NAME, &features);

	if (err == -ENOPROTOOPT) {
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "ulp",
				  "build and load the module of this version",
				  "the ULP ktlsx does not tell its features: the module is older");
	} else if (err) {
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "ulp",
				  "look for a security policy (seccomp, LSM) around this program",
				  "this user cannot attach the ULP ktlsx to a socket: %s: %s",
				  strerrorname_np(-err), strerror(-err));
	} else {
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "ulp", NULL,
				  "user %u may attach the ULP ktlsx", (unsigned int)getuid());
		find_features(doctor, &features);
	}
}

/* Programs that know only kTLS ask for "tls": who answers? */
static void find_tls_name(struct ktlsx_doctor *doctor)
{
	struct ktlsx_features features;
	int err = ktlsx_probe_has(KTLSX_ULP_NAME_TLS) ?
		  ktlsx_probe_ulp(KTLSX_ULP_NAME_TLS, &features) : -ENOENT;

	if (!err)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "tls-name", NULL,
				  "the ULP tls is ours: nginx, OpenSSL and GnuTLS use this module");
	else if (err == -ENOPROTOOPT)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "tls-name",
				  "end its users; as root: modprobe -r tls && echo 1 > " OWN_TLS,
				  "the ULP tls is the in-tree module's: nginx, OpenSSL and GnuTLS use that one");
	else
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "tls-name",
				  "as root: echo 1 > " OWN_TLS,
				  "nobody has the ULP tls (%s): nginx, OpenSSL and GnuTLS do not find kernel TLS",
				  strerrorname_np(-err));
}

static void find_memlock(struct ktlsx_doctor *doctor)
{
	struct ktlsx_config *config;
	struct rlimit limit = { 0 };
	int err = ktlsx_config_new(&config, KTLSX_CLIENT);

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (err)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "memlock",
				  "raise it: ulimit -l 8192, or LimitMEMLOCK=8M in a systemd unit",
				  "no memory can be locked for secrets: %s; the limit is %llu KiB",
				  strerrorname_np(-err), (unsigned long long)limit.rlim_cur / 1024);
	else if (limit.rlim_cur == RLIM_INFINITY)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "memlock", NULL,
				  "memory can be locked for secrets, without limit");
	else
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "memlock", NULL,
				  "memory can be locked for secrets, up to %llu KiB",
				  (unsigned long long)limit.rlim_cur / 1024);
	if (!err)
		ktlsx_config_free(config);
}

/**
 * ktlsx_doctor_module() - is the module there, and for this user?
 * @doctor: gets the findings
 */
void ktlsx_doctor_module(struct ktlsx_doctor *doctor)
{
	if (find_module(doctor)) {
		find_own_name(doctor);
		find_tls_name(doctor);
	}
	find_memlock(doctor);
}

static bool file_has(const char *path, const char *const *words)
{
	FILE *file = fopen(path, "re");
	char line[512], *rest, *word;
	bool is_there = false;

	while (file && !is_there && fgets(line, sizeof(line), file)) {
		const char *const *want = words;

		word = strtok_r(line, " \t\n", &rest);
		while (word && *want && !strcmp(word, *want)) {
			word = strtok_r(NULL, " \t\n", &rest);
			want++;
		}
		is_there = !word && !*want;
	}
	if (file)
		fclose(file);
	return is_there;
}

/* Does a file of that folder, in any of the places where it may be, have such a line? */
static bool configured(const char *folder, const char *const *words)
{
	static const char *const places[] = {
		"/etc", "/run", "/usr/lib", "/usr/local/lib", "/lib",
	};
	bool is_there = false;

	for (size_t i = 0; !is_there && i < sizeof(places) / sizeof(places[0]); i++) {
		char pattern[64];
		glob_t found;

		snprintf(pattern, sizeof(pattern), "%s/%s/*.conf", places[i], folder);
		if (glob(pattern, 0, NULL, &found))
			continue;
		for (size_t j = 0; !is_there && j < found.gl_pathc; j++)
			is_there = file_has(found.gl_pathv[j], words);
		globfree(&found);
	}
	return is_there;
}

/**
 * ktlsx_doctor_boot() - will the module be there after the next boot?
 * @doctor: gets the findings
 */
void ktlsx_doctor_boot(struct ktlsx_doctor *doctor)
{
	static const char *const alias[] = { "alias", "tcp-ulp-tls", "ktlsx", NULL };
	static const char *const first[] = { "softdep", "tls", "pre:", "ktlsx", NULL };
	static const char *const load[] = { "ktlsx", NULL };

	if (configured("modprobe.d", alias) && configured("modprobe.d", first))
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "modprobe", NULL,
				  "modprobe.d makes ktlsx the module of the ULP tls");
	else
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "modprobe",
				  "as root: make install (it puts /etc/modprobe.d/ktlsx.conf in place)",
				  "modprobe.d does not say that ktlsx is the module of the ULP tls: the in-tree one may come first");
	if (configured("modules-load.d", load))
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "boot", NULL,
				  "modules-load.d loads ktlsx at boot");
	else
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "boot",
				  "as root: make install (it puts /etc/modules-load.d/ktlsx.conf in place)",
				  "ktlsx is not loaded at boot, and workers without privileges cannot load it");
}
