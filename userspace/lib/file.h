/* SPDX-License-Identifier: MIT */
/*
 * A file of the user's, read whole: certificates, keys, revocation lists, OCSP
 * responses. Bounded; wiped when dropped, since it may hold a private key.
 */
#ifndef KTLSX_FILE_H
#define KTLSX_FILE_H

#include <openssl/bio.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct ktlsx_file {
	uint8_t *bytes;
	size_t len;
};

int ktlsx_file_read(struct ktlsx_file *file, const char *path, struct ktlsx_error *error);
void ktlsx_file_drop(struct ktlsx_file *file);

int ktlsx_file_no_password(char *buf, int size, int is_writing, void *arg);

#endif /* KTLSX_FILE_H */
