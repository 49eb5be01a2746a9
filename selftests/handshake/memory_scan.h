/* SPDX-License-Identifier: MIT */
/*
 * Owns: looking for secrets in all writable memory of this process. It keeps
 * them masked, and compares in place, so that it is no finding itself.
 * Must not know: whose secrets they are.
 * Concurrency: single thread, while no other thread maps memory.
 * Follows: proc(5), /proc/self/smaps.
 */
#ifndef MEMORY_SCAN_H
#define MEMORY_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_SECRET_MAX		16
#define SCAN_SECRET_LEN_MAX	64
#define SCAN_MASK		0xa5

struct scan_secret {
	const char *name;
	size_t len;
	uint8_t masked[SCAN_SECRET_LEN_MAX];
};

struct scan_list {
	struct scan_secret secret[SCAN_SECRET_MAX];
	unsigned int count;
};

/**
 * struct scan_finding - one copy of a secret, or of its first half
 * @mapping: line of /proc/self/smaps
 * @is_vault: the mapping is locked, not dumped and wiped in children
 * @is_hex: written in hexadecimal digits
 */
struct scan_finding {
	const struct scan_secret *secret;
	uintptr_t at;
	char mapping[128];
	bool is_vault;
	bool is_hex;
};

struct scan_result {
	struct scan_finding finding[64];
	unsigned int count;
	unsigned int vault_count;	/* of them */
	size_t vault_len;
	size_t len;			/* bytes looked at */
};

void scan_add(struct scan_list *list, const char *name, const uint8_t *masked, size_t len);
void scan_memory(const struct scan_list *list, struct scan_result *result);

#endif
