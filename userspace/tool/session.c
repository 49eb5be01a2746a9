// SPDX-License-Identifier: MIT
/*
 * Owns: the file of --session: read before a handshake, replaced after the
 * connection. Who has it can resume, and so speak, as this client: mode 0600.
 * Must not know: what is in a session.
 * Concurrency: none; the last of several writers wins, whole.
 * Spec: ktlsx(8).
 */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define SESSION_LEN_MAX 65536

/**
 * ktlsx_session_load() - try to resume what a file holds
 * @stream: connection before its handshake
 * @report: is told what went wrong
 * @path: file; one that does not exist is no error
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_FILE.
 */
enum ktlsx_exit ktlsx_session_load(struct ktlsx_stream *stream, const struct ktlsx_report *report,
				   const char *path)
{
	uint8_t session[SESSION_LEN_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	ssize_t len;

	if (fd < 0 && errno == ENOENT)
		return KTLSX_EXIT_OK;
	len = fd < 0 ? -1 : read(fd, session, sizeof(session));
	if (len < 0)
		err = -errno;
	else
		err = ktlsx_set_session(stream->conn, session, (size_t)len);
	OPENSSL_cleanse(session, sizeof(session));
	if (fd >= 0)
		close(fd);
	if (!err)
		return KTLSX_EXIT_OK;
	return ktlsx_report_error(report, KTLSX_EXIT_FILE, "cannot use the session in %s: %s", path,
				  len < 0 ? strerror(-err) : ktlsx_error(stream->conn));
}

static int write_file(const char *path, const uint8_t *bytes, size_t len)
{
	char part[PATH_MAX];
	int fd, err = 0;

	if (snprintf(part, sizeof(part), "%s.%ld", path, (long)getpid()) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, bytes, len) != (ssize_t)len)
		err = -EIO;
	close(fd);
	if (!err && rename(part, path))
		err = -errno;
	if (err)
		unlink(part);
	return err;
}

/**
 * ktlsx_session_save() - keep the newest session
 * @stream: connection, still open
 * @report: is told what went wrong
 * @path: file; stays as it is when the server gave no session
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_FILE.
 */
enum ktlsx_exit ktlsx_session_save(struct ktlsx_stream *stream, const struct ktlsx_report *report,
				   const char *path)
{
	uint8_t session[SESSION_LEN_MAX];
	ssize_t len = ktlsx_session(stream->conn, session, sizeof(session));
	int err = 0;

	if (len > (ssize_t)sizeof(session))
		err = -EMSGSIZE;
	else if (len > 0)
		err = write_file(path, session, (size_t)len);
	OPENSSL_cleanse(session, sizeof(session));
	if (len <= 0)
		ktlsx_report_say(report, "the server gave no session to resume");
	if (!err)
		return KTLSX_EXIT_OK;
	return ktlsx_report_error(report, KTLSX_EXIT_FILE, "cannot keep the session in %s: %s",
				  path, strerror(-err));
}
