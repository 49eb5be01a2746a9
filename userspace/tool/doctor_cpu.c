// SPDX-License-Identifier: MIT
/*
 * Owns: findings about the CPU: which record engines run on it, and which one does.
 * Must not know: how an engine works.
 * Concurrency: none.
 * Spec: the module parameter engines, README.md.
 */
#include <string.h>

#include "doctor.h"
#include "probe.h"

#define ENGINES "/sys/module/ktlsx/parameters/engines"

/* What engines are made of, as /proc/cpuinfo spells it. */
static const char *const interesting[] = {
	"aes", "pclmulqdq", "avx2", "vaes", "vpclmulqdq", "avx512f", "gfni",
};

static bool is_interesting(const char *word)
{
	for (size_t i = 0; i < sizeof(interesting) / sizeof(interesting[0]); i++)
		if (!strcmp(word, interesting[i]))
			return true;
	return false;
}

/* Collects the flags of the first CPU; the rest has the same. */
static void read_flags(char *flags, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[8192], *rest, *word;
	size_t len = 0;

	*flags = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "flags", 5))
			continue;
		for (word = strtok_r(line, " \t\n:", &rest); word;
		     word = strtok_r(NULL, " \t\n:", &rest))
			if (is_interesting(word))
				len += (size_t)snprintf(flags + len, size - len, " %s", word);
		break;
	}
	if (file)
		fclose(file);
}

/* "aes-128-gcm: aesni* generic": the star marks the one in use; some have only one. */
static void find_engine(struct ktlsx_doctor *doctor, const char *line, bool has_aesni)
{
	const char *star = strchr(line, '*');

	if (!star)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "engine",
				  "see the kernel's log (dmesg) of when the module was loaded",
				  "no engine is in use: %s", line);
	else if (has_aesni && strstr(line, "generic*") && !strstr(line, ": generic*"))
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "engine",
				  "load the module without isa=generic; if it was, dmesg says why",
				  "the slow engine is in use, the CPU has AES instructions: %s",
				  line);
	else
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "engine", NULL, "%s", line);
}

/**
 * ktlsx_doctor_cpu() - what does the CPU offer, what is used?
 * @doctor: gets the findings
 */
void ktlsx_doctor_cpu(struct ktlsx_doctor *doctor)
{
	FILE *file = fopen(ENGINES, "re");
	char flags[256], line[256];

	read_flags(flags, sizeof(flags));
	if (strstr(flags, " aes") && strstr(flags, " pclmulqdq"))
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "cpu", NULL, "this CPU has%s", flags);
	else
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "cpu",
				  "a virtual machine may hide them: give it the host's CPU model",
				  "this CPU shows no AES and PCLMULQDQ instructions: records are slow");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line)
			find_engine(doctor, line, strstr(flags, " aes"));
	}
	if (file)
		fclose(file);
	else if (ktlsx_probe_is_loaded())
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_WARNING, "engine",
				  "build and load the module of this version",
				  "the module does not say which engine is in use");
}
