/* SPDX-License-Identifier: MIT */
/*
 * One file to whoever connects. One thread.
 */
#ifndef KTLSX_SERVE_H
#define KTLSX_SERVE_H

#include "stream.h"

/**
 * struct ktlsx_serve - what to send
 * @fd: regular file
 * @path: its name
 * @is_raw: no HTTP, whatever the client says
 * @timeout_ms: for each wait
 */
struct ktlsx_serve {
	int fd;
	const char *path;
	bool is_raw;
	int timeout_ms;
};

enum ktlsx_exit ktlsx_serve_open(struct ktlsx_serve *serve, const struct ktlsx_report *report,
				 const char *path);
enum ktlsx_exit ktlsx_serve_run(const struct ktlsx_serve *serve, const struct ktlsx_report *report,
				struct ktlsx_stream *stream);

#endif /* KTLSX_SERVE_H */
