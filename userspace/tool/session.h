/* SPDX-License-Identifier: MIT */
/*
 * A TLS session in a file, from one run of the command to the next. Secret.
 */
#ifndef KTLSX_SESSION_H
#define KTLSX_SESSION_H

#include "stream.h"

enum ktlsx_exit ktlsx_session_load(struct ktlsx_stream *stream, const struct ktlsx_report *report,
				   const char *path);
enum ktlsx_exit ktlsx_session_save(struct ktlsx_stream *stream, const struct ktlsx_report *report,
				   const char *path);

#endif /* KTLSX_SESSION_H */
