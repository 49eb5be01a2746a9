/* SPDX-License-Identifier: MIT */
/*
 * A program whose standard input and output are a connection.
 */
#ifndef KTLSX_PROGRAM_H
#define KTLSX_PROGRAM_H

#include "net.h"
#include "stream.h"

enum ktlsx_exit ktlsx_program_run(struct ktlsx_stream *stream, const struct ktlsx_report *report,
				  const struct ktlsx_endpoint *peer, char **command);

#endif /* KTLSX_PROGRAM_H */
