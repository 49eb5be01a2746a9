/* SPDX-License-Identifier: MIT */
/*
 * Owns: the state of one simulated socket, shared by kernel.c (options),
 * kernel_journal.c (their log), kernel_tx.c and kernel_rx.c (records).
 * Must not know: tests, the library.
 * Concurrency: as kernel.h says.
 * Follows: ../../uapi/linux/ktlsx.h.
 */
#ifndef KERNEL_SOCKET_H
#define KERNEL_SOCKET_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <linux/ktlsx.h>

#include "../ref.h"
#include "kernel.h"

#define KERNEL_FD_MAX	4096

struct kernel_ticket {
	uint8_t *bytes;
	size_t len;
};

/* What arrives: the record being received, then its content until all is read. */
struct kernel_rx {
	struct ref_key key;
	bool has_key;
	bool is_expired;	/* a KeyUpdate came */
	bool is_closed;		/* close_notify came, in control mode */
	int err;		/* for good */
	uint8_t wire[REF_WIRE_MAX];
	size_t wire_len;
	uint8_t plain[REF_WIRE_MAX];
	size_t plain_off;
	size_t plain_len;
	uint8_t type;		/* of the content; 0 when there is none */
};

struct kernel_tx {
	struct ref_key key;
	bool has_key;
	bool is_closed;		/* close_notify went out */
	uint8_t *left;		/* sealed, not yet taken by TCP */
	size_t left_off;
	size_t left_len;
};

struct kernel_socket {
	int fd;
	pid_t owner;
	uint32_t is_control;
	uint32_t is_write_only;
	uint16_t payload_len;
	struct kernel_rx rx;
	struct kernel_tx tx;
	struct ktlsx_alert alert;
	uint8_t *message;	/* handshake bytes of a message not yet whole */
	size_t message_len;
	struct kernel_ticket ticket[KTLSX_TICKET_COUNT_MAX];
	unsigned int ticket_count;
};

struct kernel_socket *kernel_socket(int fd);
void kernel_forget(int fd);
void kernel_count(enum kernel_counter counter);

void kernel_forget_journal(void);
int kernel_ordered_failure(int level, int option);
void kernel_note_call(int fd, int level, int option, bool is_set, int err);
void kernel_note_install(int fd, int option, const uint8_t *bytes, size_t len);

/* As a system call answers: a count, or -1 and errno. */
static inline ssize_t kernel_answer(ssize_t got)
{
	if (got >= 0)
		return got;
	errno = -got;
	return -1;
}

#endif
