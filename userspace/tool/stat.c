// SPDX-License-Identifier: MIT
/*
 * Owns: the verb stat: the kernel's counters, once or watched.
 * Must not know: what a counter means.
 * Concurrency: none.
 * Spec: ktlsx(8).
 */
#include "verb.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"
#include "report.h"
#include "settings.h"
#include "wait.h"

#define SECONDS_MAX 86400

static const struct option options[] = {
	{ "count", required_argument, NULL, 'n' },
	{ "json", no_argument, NULL, 'j' },
	{ "watch", optional_argument, NULL, 'w' },
	{ NULL, 0, NULL, 0 },
};

/**
 * struct watch - what is shown, and what was
 * @seconds: between two looks; 0: look once
 * @count: looks; 0: until told to stop
 * @before: the last look
 * @before_ms: when that was
 */
struct watch {
	struct ktlsx_report report;
	unsigned int seconds;
	unsigned int count;
	struct ktlsx_counters before;
	int64_t before_ms;
};

static double rate(const struct watch *watch, const struct ktlsx_counter *one, double seconds)
{
	uint64_t before = ktlsx_counters_get(&watch->before, one->name);

	return seconds > 0 ? ((double)one->value - (double)before) / seconds : 0;
}

static void print(const struct watch *watch, const struct ktlsx_counters *now, double seconds)
{
	if (watch->seconds)
		printf("%s%-24s %20s %16s\n", isatty(STDOUT_FILENO) ? "\033[H\033[2J" : "",
		       "COUNTER", "VALUE", "PER SECOND");
	for (unsigned int i = 0; i < now->count; i++) {
		const struct ktlsx_counter *one = &now->list[i];

		printf("%-24s %20" PRIu64, one->name, one->value);
		if (seconds > 0)
			printf(" %16.1f", rate(watch, one, seconds));
		putchar('\n');
	}
	fflush(stdout);
}

static int print_json(const struct watch *watch, const struct ktlsx_counters *now, double seconds)
{
	struct json_object *object = json_object_new_object();
	struct json_object *values = json_object_new_object();
	struct json_object *rates = json_object_new_object();

	for (unsigned int i = 0; i < now->count; i++) {
		const struct ktlsx_counter *one = &now->list[i];

		json_object_object_add(values, one->name, json_object_new_uint64(one->value));
		if (seconds > 0)
			json_object_object_add(rates, one->name,
					       json_object_new_double(rate(watch, one, seconds)));
	}
	json_object_object_add(object, "counters", values);
	json_object_object_add(object, "seconds", json_object_new_double(seconds));
	json_object_object_add(object, "per_second", rates);
	return ktlsx_report_json(stdout, object);
}

static enum ktlsx_exit look(struct watch *watch)
{
	struct ktlsx_counters now;
	int64_t now_ms = ktlsx_wait_now_ms();
	double seconds = watch->before_ms ? (double)(now_ms - watch->before_ms) / 1000 : 0;
	int err = ktlsx_counters_read(&now);

	if (err == -ENOENT)
		return ktlsx_report_error(&watch->report, KTLSX_EXIT_KERNEL,
					  "the module ktlsx is not loaded: as root, modprobe ktlsx");
	if (err)
		return ktlsx_report_error(&watch->report, KTLSX_EXIT_KERNEL, "cannot read %s: %s",
					  KTLSX_COUNTERS_PATH, strerror(-err));
	if (watch->report.is_json)
		print_json(watch, &now, seconds);
	else
		print(watch, &now, seconds);
	watch->before = now;
	watch->before_ms = now_ms;
	return ferror(stdout) ? KTLSX_EXIT_FILE : KTLSX_EXIT_OK;
}

/* A number may stand alone behind -w, as people type it. */
static enum ktlsx_exit take_seconds(struct watch *watch, int argc, char **argv)
{
	const char *text = optarg;

	if (!text && optind < argc && argv[optind][0] >= '0' && argv[optind][0] <= '9')
		text = argv[optind++];
	watch->seconds = 1;
	return text ? ktlsx_settings_number(&watch->report, "-w", text, SECONDS_MAX,
					    &watch->seconds) : KTLSX_EXIT_OK;
}

static enum ktlsx_exit parse(struct watch *watch, int argc, char **argv)
{
	enum ktlsx_exit status = KTLSX_EXIT_OK;
	int code;

	while (!status && (code = getopt_long(argc, argv, ":n:w::", options, NULL)) != -1) {
		if (code == 'j')
			watch->report.is_json = true;
		else if (code == 'w')
			status = take_seconds(watch, argc, argv);
		else if (code == 'n')
			status = ktlsx_settings_number(&watch->report, "-n", optarg, 1000000000,
						       &watch->count);
		else
			status = ktlsx_settings_unknown(&watch->report, code, argv);
	}
	if (!status && optind < argc)
		status = ktlsx_report_usage(&watch->report, "'%s' is too much", argv[optind]);
	if (!status && watch->count && !watch->seconds)
		status = ktlsx_report_usage(&watch->report, "-n goes with -w");
	return status;
}

/**
 * ktlsx_verb_stat() - ktlsx stat
 * @argc: words
 * @argv: "stat" and its arguments
 *
 * Return: exit status.
 */
enum ktlsx_exit ktlsx_verb_stat(int argc, char **argv)
{
	struct watch watch = { .seconds = 0 };
	enum ktlsx_exit status;

	ktlsx_report_init(&watch.report, "stat", stdout);
	status = parse(&watch, argc, argv);
	if (status)
		return status;
	status = look(&watch);
	if (!watch.seconds)
		return status;
	ktlsx_wait_catch_stop();
	for (unsigned int looks = 1; !status && (!watch.count || looks < watch.count); looks++) {
		if (ktlsx_wait_poll(NULL, 0, (int)watch.seconds * 1000) == -EINTR)
			break;
		status = look(&watch);
	}
	return status;
}
