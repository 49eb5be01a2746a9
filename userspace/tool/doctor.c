// SPDX-License-Identifier: MIT
/*
 * Owns: the verb doctor: findings in order, each with its remedy, and the sum.
 * Must not know: how anything is found out.
 * Concurrency: one thread finds; the loopback test has a second one inside.
 * Spec: ktlsx(8).
 */
#include "doctor.h"

#include <getopt.h>
#include <unistd.h>

#include "verb.h"

static const char *const level_names[KTLSX_LEVEL_COUNT] = {
	[KTLSX_LEVEL_OK] = "ok",
	[KTLSX_LEVEL_WARNING] = "warning",
	[KTLSX_LEVEL_PROBLEM] = "problem",
};

static struct json_object *describe(enum ktlsx_level level, const char *topic, const char *text,
				    const char *remedy)
{
	struct json_object *object = json_object_new_object();

	ktlsx_report_text(object, "topic", topic);
	ktlsx_report_text(object, "level", level_names[level]);
	ktlsx_report_text(object, "text", text);
	ktlsx_report_text(object, "remedy", level == KTLSX_LEVEL_OK ? NULL : remedy);
	return object;
}

/**
 * ktlsx_doctor_find() - one finding
 * @doctor: counts it
 * @level: how bad it is
 * @topic: a word for scripts, a constant
 * @remedy: what helps; not shown with KTLSX_LEVEL_OK
 * @format: a sentence
 */
void ktlsx_doctor_find(struct ktlsx_doctor *doctor, enum ktlsx_level level, const char *topic,
		       const char *remedy, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ktlsx_report_plain(text);
	doctor->counts[level]++;
	if (doctor->findings) {
		json_object_array_add(doctor->findings, describe(level, topic, text, remedy));
		return;
	}
	printf("%-8s %-10s %s\n", level_names[level], topic, text);
	if (level != KTLSX_LEVEL_OK)
		printf("%-19s -> %s\n", "", remedy);
	fflush(stdout);
}

static int summarize(struct ktlsx_doctor *doctor)
{
	struct json_object *object;

	if (!doctor->findings) {
		printf("%u ok, %u warning%s, %u problem%s\n", doctor->counts[KTLSX_LEVEL_OK],
		       doctor->counts[KTLSX_LEVEL_WARNING],
		       doctor->counts[KTLSX_LEVEL_WARNING] == 1 ? "" : "s",
		       doctor->counts[KTLSX_LEVEL_PROBLEM],
		       doctor->counts[KTLSX_LEVEL_PROBLEM] == 1 ? "" : "s");
		return fflush(stdout);
	}
	object = json_object_new_object();
	json_object_object_add(object, "findings", doctor->findings);
	for (int level = 0; level < KTLSX_LEVEL_COUNT; level++)
		json_object_object_add(object, level_names[level],
				       json_object_new_int((int)doctor->counts[level]));
	return ktlsx_report_json(stdout, object);
}

/**
 * ktlsx_verb_doctor() - ktlsx doctor
 * @argc: words
 * @argv: "doctor" and its arguments
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_PROBLEM; KTLSX_EXIT_USAGE.
 */
enum ktlsx_exit ktlsx_verb_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 },
	};
	struct ktlsx_doctor doctor = { .findings = NULL };
	int code;

	ktlsx_report_init(&doctor.report, "doctor", stdout);
	opterr = 0;
	while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (code != 'j')
			return ktlsx_report_usage(&doctor.report, "there is no option %s",
						  argv[optind - 1]);
		if (!doctor.findings)
			doctor.findings = json_object_new_array();
	}
	if (optind < argc)
		return ktlsx_report_usage(&doctor.report, "'%s' is too much", argv[optind]);
	ktlsx_doctor_module(&doctor);
	ktlsx_doctor_boot(&doctor);
	ktlsx_doctor_cpu(&doctor);
	ktlsx_doctor_openssl(&doctor);
	ktlsx_doctor_nginx(&doctor);
	ktlsx_doctor_loopback(&doctor);
	if (summarize(&doctor))
		return KTLSX_EXIT_FILE;
	return doctor.counts[KTLSX_LEVEL_PROBLEM] ? KTLSX_EXIT_PROBLEM : KTLSX_EXIT_OK;
}
