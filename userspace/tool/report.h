/* SPDX-License-Identifier: MIT */
/*
 * What the command says: sentences, or JSON objects. Knows no verb. Not for
 * several threads at once.
 */
#ifndef KTLSX_REPORT_H
#define KTLSX_REPORT_H

#include <json-c/json.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "exit.h"

/**
 * struct ktlsx_report - where a verb's words go
 * @verb: its name, in front of a sentence
 * @out: stderr where stdout belongs to the data, else stdout
 * @is_json: one JSON object instead of sentences
 * @is_quiet: errors only
 */
struct ktlsx_report {
	const char *verb;
	FILE *out;
	bool is_json;
	bool is_quiet;
};

void ktlsx_report_init(struct ktlsx_report *report, const char *verb, FILE *out);
enum ktlsx_exit ktlsx_report_usage(const struct ktlsx_report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
enum ktlsx_exit ktlsx_report_error(const struct ktlsx_report *report, enum ktlsx_exit status,
				   const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void ktlsx_report_say(const struct ktlsx_report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int ktlsx_report_json(FILE *out, struct json_object *object);
void ktlsx_report_text(struct json_object *object, const char *key, const char *text);
char *ktlsx_report_plain(char *text);

#endif /* KTLSX_REPORT_H */
