// SPDX-License-Identifier: MIT
/*
 * Owns: the options about TLS: from words on the command line to a config of
 * the library, with an exit status for each way in which that can fail.
 * Must not know: sockets, nor which verb asks but for its role.
 * Concurrency: none.
 * Spec: ktlsx(8).
 */
#include "settings.h"

#include <errno.h>
#include <string.h>

#define TIMEOUT_S 30
#define TIMEOUT_S_MAX 3600
#define HANDSHAKE_LEN_MAX (256 * 1024)

/**
 * ktlsx_settings_init() - what holds when nothing is asked for
 * @settings: filled
 */
void ktlsx_settings_init(struct ktlsx_settings *settings)
{
	*settings = (struct ktlsx_settings) { .timeout_ms = TIMEOUT_S * 1000 };
}

/**
 * ktlsx_settings_number() - a number from 1 on
 * @report: is told what is wrong
 * @option: whose argument it is
 * @text: the argument
 * @max: largest number
 * @value: set
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_USAGE.
 */
enum ktlsx_exit ktlsx_settings_number(const struct ktlsx_report *report, const char *option,
				      const char *text, unsigned int max, unsigned int *value)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !number || number > max)
		return ktlsx_report_usage(report, "%s takes a number from 1 to %u, not '%s'",
					  option, max, text);
	*value = (unsigned int)number;
	return KTLSX_EXIT_OK;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* 64 hexadecimal digits, in pairs with or without colons between them. */
static bool parse_pin(const char *text, uint8_t *pin)
{
	for (unsigned int i = 0; i < 32; i++) {
		if (i && *text == ':')
			text++;
		if (digit(text[0]) < 0 || digit(text[1]) < 0)
			return false;
		pin[i] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
		text += 2;
	}
	return !*text;
}

/**
 * ktlsx_settings_add_pin() - one more public key to accept
 * @settings: gets it
 * @report: is told what is wrong
 * @text: SHA-256 in hexadecimal
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_USAGE.
 */
enum ktlsx_exit ktlsx_settings_add_pin(struct ktlsx_settings *settings,
				       const struct ktlsx_report *report, const char *text)
{
	if (settings->pin_count == KTLSX_PINS_MAX)
		return ktlsx_report_usage(report, "at most %d pins", KTLSX_PINS_MAX);
	if (!parse_pin(text, settings->pins[settings->pin_count]))
		return ktlsx_report_usage(report,
					  "--pin takes a SHA-256, 64 hexadecimal digits, not '%s'",
					  text);
	settings->pin_count++;
	return KTLSX_EXIT_OK;
}

static enum ktlsx_exit take_timeout(struct ktlsx_settings *settings,
				    const struct ktlsx_report *report, const char *text)
{
	unsigned int seconds;
	enum ktlsx_exit status = ktlsx_settings_number(report, "--timeout", text, TIMEOUT_S_MAX,
						       &seconds);

	if (!status)
		settings->timeout_ms = (int)seconds * 1000;
	return status;
}

/**
 * ktlsx_settings_take() - take one option of KTLSX_SETTINGS_OPTIONS
 * @settings: gets it
 * @report: gets --json and --quiet, and is told what is wrong
 * @code: what getopt_long() answered
 * @argument: and its optarg
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_USAGE, also for any other @code.
 */
enum ktlsx_exit ktlsx_settings_take(struct ktlsx_settings *settings, struct ktlsx_report *report,
				    int code, const char *argument)
{
	const char **texts[KTLSX_SET_OWN - KTLSX_SET_ALPN] = {
		[KTLSX_SET_ALPN - KTLSX_SET_ALPN] = &settings->alpn,
		[KTLSX_SET_CERT - KTLSX_SET_ALPN] = &settings->cert,
		[KTLSX_SET_GROUPS - KTLSX_SET_ALPN] = &settings->groups,
		[KTLSX_SET_KEY - KTLSX_SET_ALPN] = &settings->key,
		[KTLSX_SET_KEYLOG - KTLSX_SET_ALPN] = &settings->keylog,
		[KTLSX_SET_SUITES - KTLSX_SET_ALPN] = &settings->suites,
	};

	switch (code) {
	case 'q':
		report->is_quiet = true;
		return KTLSX_EXIT_OK;
	case KTLSX_SET_JSON:
		report->is_json = true;
		return KTLSX_EXIT_OK;
	case KTLSX_SET_FALLBACK:
		settings->may_fall_back = true;
		return KTLSX_EXIT_OK;
	case KTLSX_SET_TIMEOUT:
		return take_timeout(settings, report, argument);
	case KTLSX_SET_TLS12:
	case KTLSX_SET_TLS13:
		settings->version_min = code == KTLSX_SET_TLS12 ? 0x0303 : 0x0304;
		settings->version_max = settings->version_min;
		return KTLSX_EXIT_OK;
	}
	if (code < KTLSX_SET_ALPN || code >= KTLSX_SET_OWN || !texts[code - KTLSX_SET_ALPN])
		return KTLSX_EXIT_USAGE;
	*texts[code - KTLSX_SET_ALPN] = argument;
	return KTLSX_EXIT_OK;
}

/**
 * ktlsx_settings_unknown() - an option that getopt_long() does not take
 * @report: says so
 * @code: its answer: ':' when an argument is missing
 * @argv: the command line
 *
 * Return: KTLSX_EXIT_USAGE
 */
enum ktlsx_exit ktlsx_settings_unknown(const struct ktlsx_report *report, int code, char **argv)
{
	const char *word = argv[optind - 1];

	return ktlsx_report_usage(report, code == ':' ? "option %s needs an argument" :
				  "there is no option %s, or not like that", word);
}

/* What a setter of the library answers, as an exit status. */
static enum ktlsx_exit status_of(int err)
{
	switch (err) {
	case 0:
		return KTLSX_EXIT_OK;
	case -ENOENT:
	case -EACCES:
	case -ENOTDIR:
	case -EISDIR:
	case -ELOOP:
	case -EROFS:
	case -ENOSPC:
		return KTLSX_EXIT_FILE;
	case -EPERM:
	case -ENOMEM:
		return KTLSX_EXIT_KERNEL;
	default:
		return KTLSX_EXIT_USAGE;
	}
}

static int set_versions(struct ktlsx_config *config, const struct ktlsx_settings *settings)
{
	if (!settings->version_min)
		return 0;
	return ktlsx_config_set_versions(config, settings->version_min, settings->version_max);
}

static int set_pins(struct ktlsx_config *config, const struct ktlsx_settings *settings)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < settings->pin_count; i++)
		err = ktlsx_config_add_pin(config, settings->pins[i]);
	return err;
}

static int set_identity(struct ktlsx_config *config, const struct ktlsx_settings *settings)
{
	int err = 0;

	if (settings->cert)
		err = ktlsx_config_add_chain(config, settings->cert,
					     settings->key ? settings->key : settings->cert, NULL);
	if (!err && settings->trust)
		err = ktlsx_config_set_trust(config, settings->trust);
	if (!err && settings->is_unverified)
		err = ktlsx_config_insecure_no_verify(config);
	if (!err && settings->client_auth)
		err = ktlsx_config_set_client_auth(config, settings->client_auth);
	return err ? err : set_pins(config, settings);
}

static int set_protocol(struct ktlsx_config *config, const struct ktlsx_settings *settings)
{
	int err = set_versions(config, settings);

	if (!err && settings->suites)
		err = ktlsx_config_set_suites(config, settings->suites);
	if (!err && settings->groups)
		err = ktlsx_config_set_groups(config, settings->groups);
	if (!err && settings->alpn)
		err = ktlsx_config_set_alpn(config, settings->alpn);
	if (!err && settings->keylog)
		err = ktlsx_config_set_keylog(config, settings->keylog);
	if (!err)
		err = ktlsx_config_set_limits(config, HANDSHAKE_LEN_MAX,
					      (unsigned int)settings->timeout_ms);
	return !err && settings->may_fall_back ? ktlsx_config_allow_fallback(config) : err;
}

/**
 * ktlsx_settings_config() - make the library's config
 * @settings: what was asked for
 * @report: is told what went wrong
 * @role: client or server
 * @config: made; to be freed
 *
 * Return: KTLSX_EXIT_OK, or why there is none.
 */
enum ktlsx_exit ktlsx_settings_config(const struct ktlsx_settings *settings,
				      const struct ktlsx_report *report, enum ktlsx_role role,
				      struct ktlsx_config **config)
{
	int err = ktlsx_config_new(config, role);

	if (err == -EPERM)
		return ktlsx_report_error(report, KTLSX_EXIT_KERNEL,
					  "no memory may be locked for secrets: raise the limit (ulimit -l, LimitMEMLOCK= in a systemd unit)");
	if (err)
		return ktlsx_report_error(report, KTLSX_EXIT_KERNEL, "cannot start: %s",
					  strerror(-err));
	err = set_identity(*config, settings);
	if (!err)
		err = set_protocol(*config, settings);
	if (!err)
		return KTLSX_EXIT_OK;
	ktlsx_report_error(report, status_of(err), "%s", ktlsx_config_error(*config));
	ktlsx_config_free(*config);
	*config = NULL;
	return status_of(err);
}
