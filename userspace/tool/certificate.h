/* SPDX-License-Identifier: MIT */
/*
 * A key and a certificate that exist for one test only, in memory.
 */
#ifndef KTLSX_CERTIFICATE_H
#define KTLSX_CERTIFICATE_H

#include <stdint.h>

/**
 * struct ktlsx_certificate - a certificate that its own key has signed
 * @fd: memory file with both, PEM
 * @path: a name under which this process can open it
 * @pin: SHA-256 of the public key
 */
struct ktlsx_certificate {
	int fd;
	char path[32];
	uint8_t pin[32];
};

int ktlsx_certificate_make(struct ktlsx_certificate *certificate);
void ktlsx_certificate_drop(struct ktlsx_certificate *certificate);

#endif /* KTLSX_CERTIFICATE_H */
