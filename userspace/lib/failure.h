/* SPDX-License-Identifier: MIT */
/*
 * Why a handshake failed: errno and sentence, out of what OpenSSL, the alerts
 * and the verification say. Changes nothing but the error text.
 */
#ifndef KTLSX_FAILURE_H
#define KTLSX_FAILURE_H

struct ktlsx_conn;

int ktlsx_failure_of_openssl(struct ktlsx_conn *conn);
int ktlsx_failure_of_eof(struct ktlsx_conn *conn);
int ktlsx_failure_of_silence(struct ktlsx_conn *conn);

#endif /* KTLSX_FAILURE_H */
