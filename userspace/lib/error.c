// SPDX-License-Identifier: MIT
/*
 * The text of an object's last error. Must not know what failed: the caller
 * names step, cause and remedy. As thread safe as the object that holds it.
 * Spec: none; errno names are glibc's.
 */
#include "error.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * ktlsx_errno_name() - the symbol of an errno
 * @err: errno or -errno
 *
 * Return: "ENOENT" and the like, a constant.
 */
const char *ktlsx_errno_name(int err)
{
	const char *name = strerrorname_np(abs(err));

	return name ? name : "unknown error";
}

/**
 * ktlsx_fail() - note why something failed
 * @error: whose text to write; NULL: nobody asks
 * @err: -errno
 * @format: a sentence, as printf
 *
 * Return: @err. errno stays as it is.
 */
int ktlsx_fail(struct ktlsx_error *error, int err, const char *format, ...)
{
	int saved_errno = errno;
	va_list args;

	if (error) {
		va_start(args, format);
		vsnprintf(error->text, sizeof(error->text), format, args);
		va_end(args);
	}
	errno = saved_errno;
	return err;
}

static void append_reason(struct ktlsx_error *error, unsigned long code)
{
	const char *reason = ERR_SYSTEM_ERROR(code) ? ktlsx_errno_name(ERR_GET_REASON(code)) :
						      ERR_reason_error_string(code);
	size_t len = strlen(error->text);

	if (reason)
		snprintf(error->text + len, sizeof(error->text) - len, ": %s", reason);
}

/**
 * ktlsx_fail_openssl() - note why OpenSSL failed
 * @error: whose text to write; NULL: nobody asks
 * @err: -errno
 * @format: a sentence, as printf; OpenSSL's reason goes behind it
 *
 * Reads the newest entry of the thread's error queue, and leaves the queue to
 * the public call, which brackets it with ERR_set_mark() and ERR_pop_to_mark().
 *
 * Return: @err, or -ENOMEM when that is what OpenSSL ran into.
 */
int ktlsx_fail_openssl(struct ktlsx_error *error, int err, const char *format, ...)
{
	unsigned long code = ERR_peek_last_error();
	int saved_errno = errno;
	va_list args;

	if (error) {
		va_start(args, format);
		vsnprintf(error->text, sizeof(error->text), format, args);
		va_end(args);
		if (code)
			append_reason(error, code);
	}
	errno = saved_errno;
	return code && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE ? -ENOMEM : err;
}
