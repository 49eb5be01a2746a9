/* SPDX-License-Identifier: MIT */
/*
 * The options that connect and accept share: what to ask of TLS. Knows no
 * socket.
 */
#ifndef KTLSX_SETTINGS_H
#define KTLSX_SETTINGS_H

#include <getopt.h>
#include <stdint.h>

#include "../include/ktlsx.h"
#include "report.h"

#define KTLSX_PINS_MAX 16

/* Codes of long options, above every character; a verb's own start at OWN. */
enum ktlsx_setting {
	KTLSX_SET_ALPN = 0x100,
	KTLSX_SET_CERT,
	KTLSX_SET_FALLBACK,
	KTLSX_SET_GROUPS,
	KTLSX_SET_JSON,
	KTLSX_SET_KEY,
	KTLSX_SET_KEYLOG,
	KTLSX_SET_SUITES,
	KTLSX_SET_TIMEOUT,
	KTLSX_SET_TLS12,
	KTLSX_SET_TLS13,
	KTLSX_SET_OWN,
};

#define KTLSX_SETTINGS_OPTIONS						\
	{ "alpn", required_argument, NULL, KTLSX_SET_ALPN },		\
	{ "cert", required_argument, NULL, KTLSX_SET_CERT },		\
	{ "fallback", no_argument, NULL, KTLSX_SET_FALLBACK },		\
	{ "groups", required_argument, NULL, KTLSX_SET_GROUPS },	\
	{ "json", no_argument, NULL, KTLSX_SET_JSON },			\
	{ "key", required_argument, NULL, KTLSX_SET_KEY },		\
	{ "keylog", required_argument, NULL, KTLSX_SET_KEYLOG },	\
	{ "quiet", no_argument, NULL, 'q' },				\
	{ "suites", required_argument, NULL, KTLSX_SET_SUITES },	\
	{ "timeout", required_argument, NULL, KTLSX_SET_TIMEOUT },	\
	{ "tls12", no_argument, NULL, KTLSX_SET_TLS12 },		\
	{ "tls13", no_argument, NULL, KTLSX_SET_TLS13 }

/**
 * struct ktlsx_settings - what was asked for; texts are the command line's own
 * @version_min: 0: the library's choice
 * @version_max: likewise
 * @timeout_ms: for each wait for the peer
 * @pin_count: how many of @pins are set
 */
struct ktlsx_settings {
	const char *alpn;
	const char *cert;
	const char *groups;
	const char *key;
	const char *keylog;
	const char *suites;
	const char *trust;
	uint16_t version_min;
	uint16_t version_max;
	int timeout_ms;
	bool may_fall_back;
	bool is_unverified;
	enum ktlsx_client_auth client_auth;
	uint8_t pins[KTLSX_PINS_MAX][32];
	unsigned int pin_count;
};

void ktlsx_settings_init(struct ktlsx_settings *settings);
enum ktlsx_exit ktlsx_settings_take(struct ktlsx_settings *settings, struct ktlsx_report *report,
				    int code, const char *argument);
enum ktlsx_exit ktlsx_settings_unknown(const struct ktlsx_report *report, int code, char **argv);
enum ktlsx_exit ktlsx_settings_add_pin(struct ktlsx_settings *settings,
				       const struct ktlsx_report *report, const char *text);
enum ktlsx_exit ktlsx_settings_number(const struct ktlsx_report *report, const char *option,
				      const char *text, unsigned int max, unsigned int *value);
enum ktlsx_exit ktlsx_settings_config(const struct ktlsx_settings *settings,
				      const struct ktlsx_report *report, enum ktlsx_role role,
				      struct ktlsx_config **config);

#endif /* KTLSX_SETTINGS_H */
