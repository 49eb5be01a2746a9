// SPDX-License-Identifier: MIT
/*
 * Owns: the verb connect: a TLS client to talk with, or to get one file.
 * Must not know: how records, requests or files are handled.
 * Concurrency: none.
 * Spec: ktlsx(8).
 */
#include "verb.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetch.h"
#include "net.h"
#include "session.h"
#include "settings.h"
#include "talk.h"

#define GOODBYE_MS 2000

enum {
	OPTION_GET = KTLSX_SET_OWN,
	OPTION_IGNORE_EOF,
	OPTION_INSECURE,
	OPTION_NAME,
	OPTION_PIN,
	OPTION_SESSION,
	OPTION_TRUST,
};

static const struct option options[] = {
	KTLSX_SETTINGS_OPTIONS,
	{ "get", required_argument, NULL, OPTION_GET },
	{ "ignore-eof", no_argument, NULL, OPTION_IGNORE_EOF },
	{ "insecure-no-verify", no_argument, NULL, OPTION_INSECURE },
	{ "name", required_argument, NULL, OPTION_NAME },
	{ "output", required_argument, NULL, 'o' },
	{ "pin", required_argument, NULL, OPTION_PIN },
	{ "session", required_argument, NULL, OPTION_SESSION },
	{ "trust", required_argument, NULL, OPTION_TRUST },
	{ NULL, 0, NULL, 0 },
};

/**
 * struct request - what the command line asks for
 * @settings: of TLS
 * @endpoint: where to
 * @target: the same as it was typed; NULL: not yet
 * @name: of the server, where that is not the host
 * @get: path, or NULL to talk
 * @out: file for it
 * @session: file of the session
 * @is_eof_ignored: the end of standard input ends nothing
 */
struct request {
	struct ktlsx_settings settings;
	struct ktlsx_endpoint endpoint;
	const char *target;
	const char *name;
	const char *get;
	const char *out;
	const char *session;
	bool is_eof_ignored;
};

static enum ktlsx_exit take_option(struct request *request, struct ktlsx_report *report, int code,
				   char **argv)
{
	switch (code) {
	case OPTION_GET:
		request->get = optarg;
		break;
	case OPTION_IGNORE_EOF:
		request->is_eof_ignored = true;
		break;
	case OPTION_INSECURE:
		request->settings.is_unverified = true;
		break;
	case OPTION_NAME:
		request->name = optarg;
		break;
	case 'o':
		request->out = optarg;
		break;
	case OPTION_PIN:
		return ktlsx_settings_add_pin(&request->settings, report, optarg);
	case OPTION_SESSION:
		request->session = optarg;
		break;
	case OPTION_TRUST:
		request->settings.trust = optarg;
		break;
	case '?':
	case ':':
		return ktlsx_settings_unknown(report, code, argv);
	default:
		return ktlsx_settings_take(&request->settings, report, code, optarg);
	}
	return KTLSX_EXIT_OK;
}

static enum ktlsx_exit check(struct request *request, const struct ktlsx_report *report)
{
	if (!request->target)
		return ktlsx_report_usage(report, "where to? HOST:PORT is missing");
	if (ktlsx_net_split(request->target, &request->endpoint) || !*request->endpoint.host)
		return ktlsx_report_usage(report, "'%s' is not HOST:PORT ([ADDRESS]:PORT for IPv6)",
					  request->target);
	if (request->get && !ktlsx_fetch_may_ask_for(request->get))
		return ktlsx_report_usage(report,
					  "--get takes a path that begins with / and has no blanks, not '%s'",
					  request->get);
	if (request->out && !request->get)
		return ktlsx_report_usage(report, "-o goes with --get");
	if (request->is_eof_ignored && request->get)
		return ktlsx_report_usage(report, "--ignore-eof does not go with --get");
	if (request->settings.key && !request->settings.cert)
		return ktlsx_report_usage(report, "--key goes with --cert");
	if (request->settings.is_unverified &&
	    (request->settings.trust || request->settings.pin_count))
		return ktlsx_report_usage(report,
					  "--insecure-no-verify does not go with --trust, --pin");
	return KTLSX_EXIT_OK;
}

static enum ktlsx_exit parse(struct request *request, struct ktlsx_report *report, int argc,
			     char **argv)
{
	enum ktlsx_exit status = KTLSX_EXIT_OK;
	int code;

	while (!status && (code = getopt_long(argc, argv, "-:o:q", options, NULL)) != -1) {
		if (code != 1)
			status = take_option(request, report, code, argv);
		else if (request->target)
			status = ktlsx_report_usage(report, "one HOST:PORT only, not '%s' as well",
						    optarg);
		else
			request->target = optarg;
	}
	if (!status && optind < argc)
		status = ktlsx_report_usage(report, "'%s' is too much", argv[optind]);
	return status ? status : check(request, report);
}

static void tell(const struct ktlsx_report *report, const struct ktlsx_stream *stream)
{
	struct ktlsx_endpoint peer;
	struct json_object *object;
	char where[320], what[320];

	ktlsx_net_name(stream->fd, getpeername, &peer);
	ktlsx_net_show(&peer, where, sizeof(where));
	ktlsx_report_say(report, "connected to %s: %s", where,
			 ktlsx_stream_text(stream, what, sizeof(what)));
	if (!report->is_json)
		return;
	object = ktlsx_stream_json(stream);
	json_object_object_add(object, "event", json_object_new_string("connected"));
	ktlsx_report_text(object, "peer", where);
	ktlsx_report_json(report->out, object);
}

static enum ktlsx_exit get(const struct request *request, const struct ktlsx_report *report,
			   struct ktlsx_stream *stream)
{
	struct ktlsx_fetch fetch = {
		.path = request->get, .out = request->out,
		.timeout_ms = request->settings.timeout_ms,
	};
	struct ktlsx_endpoint endpoint = request->endpoint;
	char host[320];

	if (request->name && strlen(request->name) < sizeof(endpoint.host))
		strcpy(endpoint.host, request->name);
	ktlsx_net_show(&endpoint, host, sizeof(host));
	if (!strcmp(endpoint.port, "443") || !strcmp(endpoint.port, "https"))
		*strrchr(host, ':') = '\0';
	fetch.host = host;
	return ktlsx_fetch_run(&fetch, report, stream);
}

static enum ktlsx_exit use(const struct request *request, const struct ktlsx_report *report,
			   struct ktlsx_stream *stream)
{
	enum ktlsx_exit status = KTLSX_EXIT_OK, saved = KTLSX_EXIT_OK;

	if (request->session)
		status = ktlsx_session_load(stream, report, request->session);
	if (status)
		return status;
	status = ktlsx_stream_handshake(stream);
	if (status)
		return ktlsx_report_error(report, status, "%s", stream->error);
	tell(report, stream);
	if (request->get)
		status = get(request, report, stream);
	else
		status = ktlsx_talk_run(stream, report, request->is_eof_ignored);
	if (request->session)
		saved = ktlsx_session_save(stream, report, request->session);
	if (!status)
		ktlsx_stream_shutdown(stream, GOODBYE_MS);
	return status ? status : saved;
}

static enum ktlsx_exit run(const struct request *request, const struct ktlsx_report *report,
			   struct ktlsx_config *config)
{
	struct ktlsx_stream stream;
	enum ktlsx_exit status;
	int fd;

	status = ktlsx_net_connect(report, &request->endpoint, request->settings.timeout_ms, &fd);
	if (status)
		return status;
	status = ktlsx_stream_open(&stream, config, fd,
				   request->name ? request->name : request->endpoint.host);
	if (status)
		ktlsx_report_error(report, status, "%s", stream.error);
	else
		status = use(request, report, &stream);
	ktlsx_stream_close(&stream);
	return status;
}

/**
 * ktlsx_verb_connect() - ktlsx connect
 * @argc: words
 * @argv: "connect" and its arguments
 *
 * Return: exit status.
 */
enum ktlsx_exit ktlsx_verb_connect(int argc, char **argv)
{
	struct request request = { .target = NULL };
	struct ktlsx_config *config;
	struct ktlsx_report report;
	enum ktlsx_exit status;

	ktlsx_report_init(&report, "connect", stderr);
	ktlsx_settings_init(&request.settings);
	status = parse(&request, &report, argc, argv);
	if (!status)
		status = ktlsx_settings_config(&request.settings, &report, KTLSX_CLIENT, &config);
	if (status)
		return status;
	status = run(&request, &report, config);
	ktlsx_config_free(config);
	return status;
}
