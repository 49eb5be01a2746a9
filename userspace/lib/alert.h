/* SPDX-License-Identifier: MIT */
/*
 * Alerts: their names, and what each usually means between two peers. Knows no
 * connection. Constant.
 * Spec: RFC 8446 section 6, RFC 5246 section 7.2.
 */
#ifndef KTLSX_ALERT_TABLE_H
#define KTLSX_ALERT_TABLE_H

#include <stdint.h>

enum ktlsx_alert_description {
	KTLSX_ALERT_CLOSE_NOTIFY = 0,
	KTLSX_ALERT_UNEXPECTED_MESSAGE = 10,
	KTLSX_ALERT_BAD_RECORD_MAC = 20,
	KTLSX_ALERT_RECORD_OVERFLOW = 22,
	KTLSX_ALERT_ILLEGAL_PARAMETER = 47,
	KTLSX_ALERT_DECODE_ERROR = 50,
	KTLSX_ALERT_PROTOCOL_VERSION = 70,
	KTLSX_ALERT_INTERNAL_ERROR = 80,
	KTLSX_ALERT_USER_CANCELED = 90,
	KTLSX_ALERT_NO_RENEGOTIATION = 100,
};

const char *ktlsx_alert_name(uint8_t description);
const char *ktlsx_alert_meaning(uint8_t description);

#endif /* KTLSX_ALERT_TABLE_H */
