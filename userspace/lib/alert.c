// SPDX-License-Identifier: MIT
/*
 * Owns: the table of alerts. Knows no connection and no library. Constant.
 * Spec: RFC 8446 section 6, RFC 5246 section 7.2, RFC 6066, RFC 7301, RFC 4279.
 */
#include <stddef.h>

#include "alert.h"

/* @meaning: said of the side that sent it; "it" is that side, "we" are the other. */
static const struct {
	uint8_t description;
	const char *name;
	const char *meaning;
} alerts[] = {
	{ 0, "close_notify", "it closed the connection" },
	{ 10, "unexpected_message", "a message of ours did not fit where it came" },
	{ 20, "bad_record_mac",
	  "a record of ours did not open: keys differ, or bytes were changed on the way",
	},
	{ 21, "decryption_failed", "a record of ours did not open" },
	{ 22, "record_overflow", "a record of ours was too long for it" },
	{ 30, "decompression_failure", "it could not decompress a record" },
	{ 40, "handshake_failure",
	  "no version, suite, group or signature suits both, or it wants a certificate",
	},
	{ 41, "no_certificate", "it has no certificate" },
	{ 42, "bad_certificate", "our certificate is corrupt or its signatures are wrong" },
	{ 43, "unsupported_certificate", "our certificate is of a type it does not take" },
	{ 44, "certificate_revoked", "our certificate was revoked" },
	{ 45, "certificate_expired", "our certificate has expired, or a clock is wrong" },
	{ 46, "certificate_unknown", "it does not accept our certificate" },
	{ 47, "illegal_parameter", "a field of ours had a value that is not allowed" },
	{ 48, "unknown_ca", "it does not know who signed our certificate" },
	{ 49, "access_denied", "our certificate is valid, but it does not let us in" },
	{ 50, "decode_error", "a message of ours had a wrong length or shape" },
	{ 51, "decrypt_error", "a signature, Finished or PSK binder of ours was wrong" },
	{ 60, "export_restriction", "an export rule of long ago" },
	{ 70, "protocol_version", "no TLS version suits both" },
	{ 71, "insufficient_security", "what we offer is too weak for it" },
	{ 80, "internal_error", "something failed on its side, not in the protocol" },
	{ 86, "inappropriate_fallback",
	  "we retried with an older version although it has a newer one",
	},
	{ 90, "user_canceled", "its user gave up" },
	{ 100, "no_renegotiation", "it does not renegotiate" },
	{ 109, "missing_extension", "our hello lacks an extension it needs" },
	{ 110, "unsupported_extension", "we answered with an extension it did not offer" },
	{ 111, "certificate_unobtainable", "it could not fetch our certificate" },
	{ 112, "unrecognized_name", "it serves no host of the name we sent" },
	{ 113, "bad_certificate_status_response",
	  "our stapled OCSP response was missing or not good",
	},
	{ 114, "bad_certificate_hash_value", "a certificate's hash was wrong" },
	{ 115, "unknown_psk_identity", "it does not know our PSK identity" },
	{ 116, "certificate_required", "it wants a client certificate and we sent none" },
	{ 120, "no_application_protocol", "no application protocol (ALPN) suits both" },
};

/**
 * ktlsx_alert_name() - an alert's name
 * @description: its number
 *
 * Return: the name as the RFCs have it, "unknown" for a number they do not have.
 */
const char *ktlsx_alert_name(uint8_t description)
{
	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		if (alerts[i].description == description)
			return alerts[i].name;
	return "unknown";
}

/**
 * ktlsx_alert_meaning() - what an alert that came from a peer usually means
 * @description: its number
 *
 * Return: a clause, in which "it" is the peer and "we" are this side.
 */
const char *ktlsx_alert_meaning(uint8_t description)
{
	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		if (alerts[i].description == description)
			return alerts[i].meaning;
	return "no RFC says what that means";
}
