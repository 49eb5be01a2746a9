// SPDX-License-Identifier: MIT
/*
 * Owns: how the command speaks: a sentence on a line, or a JSON object on a
 * line; what a peer chose to send is stripped of anything a terminal obeys.
 * Must not know: any verb, sockets, TLS.
 * Concurrency: one thread at a time.
 * Spec: RFC 8259 (JSON).
 */
#include "report.h"

#include <string.h>

/**
 * ktlsx_report_init() - start to speak for a verb
 * @report: filled
 * @verb: its name, a constant
 * @out: where sentences and objects go
 */
void ktlsx_report_init(struct ktlsx_report *report, const char *verb, FILE *out)
{
	*report = (struct ktlsx_report) { .verb = verb, .out = out };
}

/**
 * ktlsx_report_plain() - make text of a peer harmless for terminals and JSON
 * @text: changed in place: all but printable ASCII becomes "?"
 *
 * Return: @text
 */
char *ktlsx_report_plain(char *text)
{
	for (char *at = text; *at; at++)
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
	return text;
}

/**
 * ktlsx_report_text() - add a text to a JSON object
 * @object: the object
 * @key: a constant
 * @text: NULL becomes null; made plain in the copy
 */
void ktlsx_report_text(struct json_object *object, const char *key, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	json_object_object_add(object, key,
			       copy ? json_object_new_string(ktlsx_report_plain(copy)) : NULL);
	free(copy);
}

/**
 * ktlsx_report_json() - print an object on one line, and drop it
 * @out: stream; flushed
 * @object: reference taken over
 *
 * Return: 0; -1 when @out takes no more.
 */
int ktlsx_report_json(FILE *out, struct json_object *object)
{
	int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

	fprintf(out, "%s\n", json_object_to_json_string_ext(object, flags));
	json_object_put(object);
	return fflush(out) || ferror(out) ? -1 : 0;
}

static void sentence(const char *format, va_list arguments, char *text, size_t size)
{
	vsnprintf(text, size, format, arguments);
	for (char *at = text; *at; at++)
		if (*at == '\n')
			*at = ' ';
	ktlsx_report_plain(text);
}

/**
 * ktlsx_report_usage() - say what is wrong with the command line
 * @report: who speaks; always as a sentence, to stderr
 * @format: a sentence
 *
 * Return: KTLSX_EXIT_USAGE
 */
enum ktlsx_exit ktlsx_report_usage(const struct ktlsx_report *report, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	sentence(format, arguments, text, sizeof(text));
	va_end(arguments);
	fprintf(stderr, "ktlsx %s: %s (see: ktlsx help %s)\n", report->verb, text, report->verb);
	return KTLSX_EXIT_USAGE;
}

/**
 * ktlsx_report_error() - say what failed and what helps
 * @report: who speaks
 * @status: what the exit status will be
 * @format: a sentence
 *
 * Return: @status
 */
enum ktlsx_exit ktlsx_report_error(const struct ktlsx_report *report, enum ktlsx_exit status,
				   const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	sentence(format, arguments, text, sizeof(text));
	va_end(arguments);
	if (report->is_json) {
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "event", json_object_new_string("error"));
		json_object_object_add(object, "status", json_object_new_int((int)status));
		ktlsx_report_text(object, "error", text);
		ktlsx_report_json(report->out, object);
	} else {
		fprintf(stderr, "ktlsx %s: %s\n", report->verb, text);
	}
	return status;
}

/**
 * ktlsx_report_say() - say what happens; nothing when quiet or JSON is wanted
 * @report: who speaks
 * @format: a sentence
 */
void ktlsx_report_say(const struct ktlsx_report *report, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	if (report->is_quiet || report->is_json)
		return;
	va_start(arguments, format);
	sentence(format, arguments, text, sizeof(text));
	va_end(arguments);
	fprintf(report->out, "ktlsx %s: %s\n", report->verb, text);
	fflush(report->out);
}
