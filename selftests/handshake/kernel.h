/* SPDX-License-Identifier: MIT */
/*
 * Owns: a simulated kernel module for programs linked with --wrap (see WRAPPED
 * in the Makefile), a log of the socket options that were tried, and their
 * failing on demand. Where the ULP "ktlsx" really attaches, all calls but the
 * failed ones pass through; $KTLSX_REQUIRE forbids the simulation.
 * Must not know: the library; it sees system calls only.
 * Concurrency: a socket has one reader and one writer at a time; the log and
 * the switches belong to one thread, or are not looked at.
 * Follows: ../../uapi/linux/ktlsx.h.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_MASK	0xa5	/* over every byte of kernel_install.masked */
#define KERNEL_CALL_MAX	64
#define KERNEL_INFO_MAX	64

/* One setsockopt() or getsockopt() of TCP_ULP or of level SOL_TLS. */
struct kernel_call {
	int fd;
	int level;
	int option;
	int answer;		/* 0 or errno */
	bool is_set;
};

/* Keys that setsockopt(TLS_TX or TLS_RX) took. */
struct kernel_install {
	int fd;
	int option;
	uint16_t version;
	uint16_t cipher;
	size_t len;
	uint8_t masked[KERNEL_INFO_MAX];	/* the whole crypto_info struct */
};

enum kernel_counter { KERNEL_TX_RECORDS, KERNEL_RX_RECORDS };

bool kernel_is_simulated(void);
long long kernel_records(enum kernel_counter counter);

void kernel_reset(void);
unsigned int kernel_call_count(void);
const struct kernel_call *kernel_call(unsigned int index);
unsigned int kernel_install_count(void);
const struct kernel_install *kernel_install(unsigned int index);

void kernel_fail_call(unsigned int index, int err);
void kernel_fail_option(int level, int option, int err);
void kernel_keep_masked_only(bool only);
void kernel_simulate(bool may_simulate);
void kernel_set_features(uint64_t features);

#endif
