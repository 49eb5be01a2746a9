/* SPDX-License-Identifier: MIT */
/*
 * A connection after its handshake: the plain socket where the kernel does the
 * records, the library's calls where it does not. One thread.
 */
#ifndef KTLSX_STREAM_H
#define KTLSX_STREAM_H

#include <sys/types.h>

#include "../include/ktlsx.h"
#include "report.h"

/**
 * struct ktlsx_stream - a TLS connection and its non-blocking socket
 * @conn: the library's part
 * @fd: socket
 * @is_offloaded: read, write, splice and sendfile on @fd are TLS
 * @info: what was agreed on
 * @error: what the last call that failed says
 */
struct ktlsx_stream {
	struct ktlsx_conn *conn;
	int fd;
	bool is_offloaded;
	struct ktlsx_info info;
	char error[512];
};

enum ktlsx_exit ktlsx_stream_open(struct ktlsx_stream *stream, struct ktlsx_config *config,
				  int fd, const char *name);
enum ktlsx_exit ktlsx_stream_handshake(struct ktlsx_stream *stream);
ssize_t ktlsx_stream_read(struct ktlsx_stream *stream, void *buf, size_t len);
ssize_t ktlsx_stream_write(struct ktlsx_stream *stream, const void *buf, size_t len);
ssize_t ktlsx_stream_splice(struct ktlsx_stream *stream, int pipe_fd, size_t len);
ssize_t ktlsx_stream_sendfile(struct ktlsx_stream *stream, int file_fd, off_t *off, size_t len);
int ktlsx_stream_write_all(struct ktlsx_stream *stream, const void *buf, size_t len,
			   int timeout_ms);
int ktlsx_stream_shutdown(struct ktlsx_stream *stream, int timeout_ms);
void ktlsx_stream_finish(struct ktlsx_stream *stream, int timeout_ms);
void ktlsx_stream_close(struct ktlsx_stream *stream);
void ktlsx_stream_abort(struct ktlsx_stream *stream);
struct json_object *ktlsx_stream_json(const struct ktlsx_stream *stream);
const char *ktlsx_stream_text(const struct ktlsx_stream *stream, char *text, size_t size);

#endif /* KTLSX_STREAM_H */
