/* SPDX-License-Identifier: MIT */
/*
 * Numbers on the wire that several files name. Spec: RFC 8446 sections 4 and
 * 5.1, RFC 5246 sections 6.2.1 and 7.4.
 */
#ifndef KTLSX_WIRE_H
#define KTLSX_WIRE_H

enum ktlsx_record_type {
	KTLSX_RECORD_ALERT = 21,
	KTLSX_RECORD_HANDSHAKE = 22,
	KTLSX_RECORD_DATA = 23,
};

enum ktlsx_message_type {
	KTLSX_MESSAGE_HELLO_REQUEST = 0,
	KTLSX_MESSAGE_CLIENT_HELLO = 1,
	KTLSX_MESSAGE_NEW_SESSION_TICKET = 4,
	KTLSX_MESSAGE_CERTIFICATE_REQUEST = 13,
	KTLSX_MESSAGE_KEY_UPDATE = 24,
};

/* Bytes of a message's type and length. */
#define KTLSX_MESSAGE_HEADER_LEN 4

#endif /* KTLSX_WIRE_H */
