/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the record cipher alone costs, so that it can be taken off a total:
 * ours called as a userspace build in the same guest, the kernel's by tcrypt.
 * Must not know: sockets, tables.
 * Concurrency: one thread.
 */
#ifndef BENCH_CIPHER_H
#define BENCH_CIPHER_H

/*
 * Print lines "cipher WAY seal|open BYTES INSTRUCTIONS". AES-256-GCM. Ours as a TLS 1.3 record
 * is done: content plus a byte of type, AAD of 5; the kernel's as its own test does it: AAD of 16.
 */
void cipher_print_ours(void);
void cipher_print_intree(void);

#endif
