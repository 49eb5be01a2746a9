/* SPDX-License-Identifier: MIT */
/*
 * Standard input and output over a connection, both ways at once. One thread.
 */
#ifndef KTLSX_TALK_H
#define KTLSX_TALK_H

#include "stream.h"

enum ktlsx_exit ktlsx_talk_run(struct ktlsx_stream *stream, const struct ktlsx_report *report,
			       bool is_eof_ignored);

#endif /* KTLSX_TALK_H */
