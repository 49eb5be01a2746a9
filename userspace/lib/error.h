/* SPDX-License-Identifier: MIT */
/*
 * The text of an object's last error. Knows nothing of what failed. As thread
 * safe as the object that holds it.
 */
#ifndef KTLSX_ERROR_H
#define KTLSX_ERROR_H

struct ktlsx_error {
	char text[384];
};

int ktlsx_fail(struct ktlsx_error *error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int ktlsx_fail_openssl(struct ktlsx_error *error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
const char *ktlsx_errno_name(int err);

#endif /* KTLSX_ERROR_H */
