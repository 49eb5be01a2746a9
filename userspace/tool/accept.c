// SPDX-License-Identifier: MIT
/*
 * Owns: the verb accept: a TLS server for one connection at a time, which
 * sends a file, runs a program, or talks.
 * Must not know: how records are made or what a program does.
 * Concurrency: one connection after another; the kernel queues the rest.
 * Spec: ktlsx(8).
 */
#include "verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"
#include "program.h"
#include "serve.h"
#include "settings.h"
#include "talk.h"
#include "wait.h"

#define GOODBYE_MS 2000

enum {
	OPTION_CLIENT_CA = KTLSX_SET_OWN,
	OPTION_COUNT,
	OPTION_EXEC,
	OPTION_FILE,
	OPTION_IGNORE_EOF,
	OPTION_ONCE,
	OPTION_RAW,
	OPTION_REQUIRE,
};

static const struct option options[] = {
	KTLSX_SETTINGS_OPTIONS,
	{ "client-ca", required_argument, NULL, OPTION_CLIENT_CA },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "exec", required_argument, NULL, OPTION_EXEC },
	{ "file", required_argument, NULL, OPTION_FILE },
	{ "ignore-eof", no_argument, NULL, OPTION_IGNORE_EOF },
	{ "once", no_argument, NULL, OPTION_ONCE },
	{ "raw", no_argument, NULL, OPTION_RAW },
	{ "require-client-cert", no_argument, NULL, OPTION_REQUIRE },
	{ NULL, 0, NULL, 0 },
};

/**
 * struct offer - what the command line offers
 * @settings: of TLS
 * @endpoint: where to listen
 * @target: the same as it was typed; NULL: not yet
 * @file: to send, or NULL
 * @serve: the same, open
 * @command: to run, or NULL
 * @count: connections to serve; 0: any number
 * @is_required: a client without certificate is refused
 * @is_eof_ignored: the end of standard input ends nothing
 */
struct offer {
	struct ktlsx_settings settings;
	struct ktlsx_endpoint endpoint;
	const char *target;
	const char *file;
	struct ktlsx_serve serve;
	char **command;
	unsigned int count;
	bool is_required;
	bool is_eof_ignored;
};

/* The rest of the command line is the program's. */
static void take_command(struct offer *offer, int argc, char **argv)
{
	offer->command = argv + optind - 1;
	offer->command[0] = optarg;
	optind = argc;
}

static enum ktlsx_exit take_option(struct offer *offer, struct ktlsx_report *report, int code,
				   int argc, char **argv)
{
	switch (code) {
	case OPTION_CLIENT_CA:
		offer->settings.trust = optarg;
		break;
	case OPTION_COUNT:
		return ktlsx_settings_number(report, "--count", optarg, 1000000000, &offer->count);
	case OPTION_EXEC:
		take_command(offer, argc, argv);
		break;
	case OPTION_FILE:
		offer->file = optarg;
		break;
	case OPTION_IGNORE_EOF:
		offer->is_eof_ignored = true;
		break;
	case OPTION_ONCE:
		offer->count = 1;
		break;
	case OPTION_RAW:
		offer->serve.is_raw = true;
		break;
	case OPTION_REQUIRE:
		offer->is_required = true;
		break;
	case '?':
	case ':':
		return ktlsx_settings_unknown(report, code, argv);
	default:
		return ktlsx_settings_take(&offer->settings, report, code, optarg);
	}
	return KTLSX_EXIT_OK;
}

/* Which options do not go together, or miss each other. */
static const char *contradiction(const struct offer *offer)
{
	const struct ktlsx_settings *settings = &offer->settings;

	if (!settings->cert)
		return "a server needs --cert (and --key, unless the key is in the same file)";
	if (offer->file && offer->command)
		return "--file and --exec do not go together";
	if (offer->serve.is_raw && !offer->file)
		return "--raw goes with --file";
	if (offer->is_eof_ignored && (offer->file || offer->command))
		return "--ignore-eof goes without --file and --exec";
	if (offer->command && settings->may_fall_back)
		return "--exec needs records in the kernel: it does not go with --fallback";
	if (offer->is_required && !settings->trust)
		return "--require-client-cert needs --client-ca: who may have signed it";
	return NULL;
}

static enum ktlsx_exit check(struct offer *offer, const struct ktlsx_report *report)
{
	const char *problem;

	if (!offer->target)
		return ktlsx_report_usage(report, "where? PORT or ADDRESS:PORT is missing");
	if (ktlsx_net_split(offer->target, &offer->endpoint))
		return ktlsx_report_usage(report,
					  "'%s' is not PORT or ADDRESS:PORT (IPv6: [ADDRESS]:PORT)",
					  offer->target);
	problem = contradiction(offer);
	if (problem)
		return ktlsx_report_usage(report, "%s", problem);
	offer->serve.timeout_ms = offer->settings.timeout_ms;
	if (offer->settings.trust)
		offer->settings.client_auth = offer->is_required ? KTLSX_CLIENT_AUTH_REQUIRED :
					      KTLSX_CLIENT_AUTH_OPTIONAL;
	return KTLSX_EXIT_OK;
}

static enum ktlsx_exit parse(struct offer *offer, struct ktlsx_report *report, int argc,
			     char **argv)
{
	enum ktlsx_exit status = KTLSX_EXIT_OK;
	int code;

	while (!status && !offer->command &&
	       (code = getopt_long(argc, argv, "-:q", options, NULL)) != -1) {
		if (code != 1)
			status = take_option(offer, report, code, argc, argv);
		else if (offer->target)
			status = ktlsx_report_usage(report, "one PORT only, not '%s' as well",
						    optarg);
		else
			offer->target = optarg;
	}
	if (!status && optind < argc)
		status = ktlsx_report_usage(report, "'%s' is too much", argv[optind]);
	return status ? status : check(offer, report);
}

static void tell(const struct ktlsx_report *report, const char *event, const char *where,
		 const struct ktlsx_stream *stream)
{
	struct json_object *object;
	char what[320];

	if (stream)
		ktlsx_report_say(report, "%s: %s", where,
				 ktlsx_stream_text(stream, what, sizeof(what)));
	else
		ktlsx_report_say(report, "%s on %s", event, where);
	if (!report->is_json)
		return;
	object = stream ? ktlsx_stream_json(stream) : json_object_new_object();
	json_object_object_add(object, "event", json_object_new_string(event));
	ktlsx_report_text(object, stream ? "peer" : "address", where);
	ktlsx_report_json(report->out, object);
}

static enum ktlsx_exit use(const struct offer *offer, const struct ktlsx_report *report,
			   const struct ktlsx_endpoint *peer, struct ktlsx_stream *stream)
{
	if (offer->file)
		return ktlsx_serve_run(&offer->serve, report, stream);
	if (offer->command)
		return ktlsx_program_run(stream, report, peer, offer->command);
	return ktlsx_talk_run(stream, report, offer->is_eof_ignored);
}

static enum ktlsx_exit serve_one(const struct offer *offer, const struct ktlsx_report *report,
				 struct ktlsx_config *config, int fd)
{
	struct ktlsx_endpoint peer;
	struct ktlsx_stream stream;
	enum ktlsx_exit status;
	char where[320];

	ktlsx_net_name(fd, getpeername, &peer);
	ktlsx_net_show(&peer, where, sizeof(where));
	status = ktlsx_stream_open(&stream, config, fd, NULL);
	if (!status)
		status = ktlsx_stream_handshake(&stream);
	if (status) {
		ktlsx_report_error(report, status, "%s: %s", where, stream.error);
		ktlsx_stream_close(&stream);
		return status;
	}
	tell(report, "connected", where, &stream);
	status = use(offer, report, &peer, &stream);
	if (offer->file && status) {
		ktlsx_stream_abort(&stream);
		return status;
	}
	ktlsx_stream_finish(&stream, GOODBYE_MS);
	ktlsx_stream_close(&stream);
	return status;
}

/* Until told to stop, or enough were served; what went wrong last is the answer. */
static enum ktlsx_exit serve_all(const struct offer *offer, const struct ktlsx_report *report,
				 struct ktlsx_config *config, int listener)
{
	enum ktlsx_exit worst = KTLSX_EXIT_OK;

	for (unsigned int served = 0; !offer->count || served < offer->count; served++) {
		int fd = ktlsx_net_accept(listener, -1);
		enum ktlsx_exit status;

		if (fd < 0 && ktlsx_wait_is_stopped())
			break;
		if (fd < 0)
			return ktlsx_report_error(report, KTLSX_EXIT_NETWORK,
						  "cannot accept connections: %s", strerror(-fd));
		status = serve_one(offer, report, config, fd);
		if (status && !ktlsx_wait_is_stopped())
			worst = status;
	}
	return offer->count ? worst : KTLSX_EXIT_OK;
}

static enum ktlsx_exit run(const struct offer *offer, const struct ktlsx_report *report,
			   struct ktlsx_config *config)
{
	struct ktlsx_endpoint where;
	enum ktlsx_exit status;
	char text[320];
	int listener;

	status = ktlsx_net_listen(report, &offer->endpoint, &listener);
	if (status)
		return status;
	ktlsx_net_name(listener, getsockname, &where);
	tell(report, "listening", ktlsx_net_show(&where, text, sizeof(text)), NULL);
	ktlsx_wait_catch_stop();
	status = serve_all(offer, report, config, listener);
	close(listener);
	return status;
}

/**
 * ktlsx_verb_accept() - ktlsx accept
 * @argc: words
 * @argv: "accept" and its arguments
 *
 * Return: exit status.
 */
enum ktlsx_exit ktlsx_verb_accept(int argc, char **argv)
{
	struct offer offer = { .count = 0 };
	struct ktlsx_config *config;
	struct ktlsx_report report;
	enum ktlsx_exit status;

	ktlsx_report_init(&report, "accept", stderr);
	ktlsx_settings_init(&offer.settings);
	status = parse(&offer, &report, argc, argv);
	if (!status && offer.file)
		status = ktlsx_serve_open(&offer.serve, &report, offer.file);
	if (!status)
		status = ktlsx_settings_config(&offer.settings, &report, KTLSX_SERVER, &config);
	if (status)
		return status;
	status = run(&offer, &report, config);
	ktlsx_config_free(config);
	return status;
}
