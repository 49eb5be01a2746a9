/* SPDX-License-Identifier: MIT */
/*
 * What the command's exit status says. Documented in ktlsx(8) and relied upon
 * by scripts: numbers never change their meaning. Knows no verb.
 */
#ifndef KTLSX_EXIT_H
#define KTLSX_EXIT_H

enum ktlsx_exit {
	KTLSX_EXIT_OK = 0,
	KTLSX_EXIT_PROBLEM = 1,		/* doctor found a problem */
	KTLSX_EXIT_USAGE = 2,		/* the command line or an argument is wrong */
	KTLSX_EXIT_NETWORK = 3,		/* no address, no TCP connection, no port */
	KTLSX_EXIT_HANDSHAKE = 4,	/* the peer does not agree, or is no TLS peer */
	KTLSX_EXIT_PEER = 5,		/* the peer's certificate is not accepted */
	KTLSX_EXIT_KERNEL = 6,		/* the kernel does not do the records */
	KTLSX_EXIT_BROKEN = 7,		/* the connection broke after the handshake */
	KTLSX_EXIT_ANSWER = 8,		/* not HTTP, or a status other than 2xx */
	KTLSX_EXIT_FILE = 9,		/* a file here cannot be read or written */
	KTLSX_EXIT_PROGRAM = 10,	/* the program of accept --exec failed */
};

#endif /* KTLSX_EXIT_H */
