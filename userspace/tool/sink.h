/* SPDX-License-Identifier: MIT */
/*
 * Where a download goes: a file that gets its name when it is whole, or
 * stdout. Knows no protocol.
 */
#ifndef KTLSX_SINK_H
#define KTLSX_SINK_H

#include <limits.h>
#include <stdint.h>

#include "stream.h"

/**
 * struct ktlsx_sink - an open file, and a pipe on the way to it
 * @name: as a person calls it
 * @path: final name; "" writes straight to @fd
 * @part: name until the end
 * @fd: file
 * @pipe: from splice to splice
 * @may_splice: until the kernel says no
 * @spliced_len: bytes that never came to userspace
 * @copied_len: bytes that did
 */
struct ktlsx_sink {
	const char *name;
	char path[PATH_MAX];
	char part[PATH_MAX + 8];
	int fd;
	int pipe[2];
	bool may_splice;
	uint64_t spliced_len;
	uint64_t copied_len;
};

enum ktlsx_exit ktlsx_sink_open(struct ktlsx_sink *sink, const struct ktlsx_report *report,
				const char *path);
int ktlsx_sink_write(struct ktlsx_sink *sink, const void *bytes, size_t len);
ssize_t ktlsx_sink_take(struct ktlsx_sink *sink, struct ktlsx_stream *stream, size_t len);
int ktlsx_sink_commit(struct ktlsx_sink *sink);
bool ktlsx_sink_keep_part(struct ktlsx_sink *sink);

#endif /* KTLSX_SINK_H */
