/* SPDX-License-Identifier: MIT */
/*
 * Reads extensions of a ClientHello, as bytes. Pure: no OpenSSL, no state, no
 * allocation. Never reads beyond what it is given.
 */
#ifndef KTLSX_HELLO_H
#define KTLSX_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KTLSX_HELLO_NAME_SIZE 256

int ktlsx_hello_server_name(const uint8_t *ext, size_t ext_len, char *name);
int ktlsx_hello_alpn(const uint8_t *ext, size_t ext_len, const char *protocol);
int ktlsx_hello_beyond_sha1(const uint8_t *ext, size_t ext_len);
int ktlsx_hello_version(const uint8_t *ext, size_t ext_len, uint16_t version);

#endif /* KTLSX_HELLO_H */
