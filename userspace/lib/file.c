// SPDX-License-Identifier: MIT
/*
 * Reads a file of the user's whole, so that a failure is an errno of its own
 * and OpenSSL never opens a path. Must not know what is in it. No shared state.
 * Spec: open(2), read(2).
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LEN_MAX (16 * 1024 * 1024)

static int read_whole(int fd, struct ktlsx_file *file, size_t size)
{
	while (file->len < size) {
		ssize_t got = read(fd, file->bytes + file->len, size - file->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		file->len += got;
	}
	return 0;
}

static int read_open(int fd, struct ktlsx_file *file)
{
	struct stat stat;
	int err;

	if (fstat(fd, &stat))
		return -errno;
	if (S_ISDIR(stat.st_mode))
		return -EISDIR;
	if (!S_ISREG(stat.st_mode))
		return -EINVAL;
	if (stat.st_size > FILE_LEN_MAX)
		return -EFBIG;
	file->bytes = OPENSSL_malloc(stat.st_size + 1);
	if (!file->bytes)
		return -ENOMEM;
	err = read_whole(fd, file, stat.st_size);
	if (err)
		ktlsx_file_drop(file);
	return err;
}

static const char *remedy_of(int err)
{
	switch (err) {
	case -EINVAL:
	case -EISDIR:
		return "it must be a regular file";
	case -EFBIG:
		return "it must not be larger than 16 MiB";
	default:
		return "cannot be read: check the path and its rights";
	}
}

/**
 * ktlsx_file_read() - read a whole file
 * @file: out, to be dropped; empty on error
 * @path: a regular file of at most 16 MiB
 * @error: text of a failure
 *
 * Return: 0; -errno of open() and read(); -EISDIR, -EINVAL not a regular file;
 * -EFBIG; -ENOMEM.
 */
int ktlsx_file_read(struct ktlsx_file *file, const char *path, struct ktlsx_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int err = fd < 0 ? -errno : 0;

	*file = (struct ktlsx_file){ 0 };
	if (!err)
		err = read_open(fd, file);
	if (fd >= 0)
		close(fd);
	if (err)
		ktlsx_fail(error, err, "%s: %s: %s", path, ktlsx_errno_name(err), remedy_of(err));
	return err;
}

/**
 * ktlsx_file_drop() - wipe and free what was read
 * @file: empty afterwards
 */
void ktlsx_file_drop(struct ktlsx_file *file)
{
	OPENSSL_clear_free(file->bytes, file->len);
	*file = (struct ktlsx_file){ 0 };
}

/**
 * ktlsx_file_no_password() - PEM password callback: there is none
 * @buf: stays as it is
 * @size: its bytes
 * @is_writing: not the case
 * @arg: none
 *
 * Without a callback OpenSSL would ask on the terminal.
 *
 * Return: -1, always: the file counts as unreadable.
 */
int ktlsx_file_no_password(char *buf, int size, int is_writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)is_writing;
	(void)arg;
	return -1;
}
