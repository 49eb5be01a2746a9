// SPDX-License-Identifier: MIT
/*
 * Owns: the log of socket options that were tried, keys that were installed,
 * and which call shall fail (see kernel.h).
 * Must not know: what the options do.
 * Concurrency: see kernel.h.
 * Follows: ../../uapi/linux/ktlsx.h.
 */
#include "kernel.h"

#include <openssl/crypto.h>

#include "kernel_socket.h"

#define NO_CALL			(~0u)

static struct {
	struct kernel_call call[KERNEL_CALL_MAX];
	unsigned int call_count;
	struct kernel_install install[KERNEL_CALL_MAX];
	unsigned int install_count;
	unsigned int failing_call;
	int failing_level, failing_option, failing_err;
} journal = { .failing_call = NO_CALL };

/**
 * kernel_forget_journal() - empties the log; no call shall fail any more
 */
void kernel_forget_journal(void)
{
	OPENSSL_cleanse(&journal, sizeof(journal));
	journal.failing_call = NO_CALL;
}

unsigned int kernel_call_count(void)
{
	return journal.call_count;
}

const struct kernel_call *kernel_call(unsigned int index)
{
	return index < journal.call_count ? &journal.call[index % KERNEL_CALL_MAX] : NULL;
}

unsigned int kernel_install_count(void)
{
	return journal.install_count;
}

const struct kernel_install *kernel_install(unsigned int index)
{
	return index < journal.install_count ? &journal.install[index % KERNEL_CALL_MAX] : NULL;
}

/**
 * kernel_fail_call() - the call with this index of the log answers @err, in both worlds
 */
void kernel_fail_call(unsigned int index, int err)
{
	journal.failing_call = index;
	journal.failing_err = err;
}

/**
 * kernel_fail_option() - every set and get of an option answers @err, in both worlds
 */
void kernel_fail_option(int level, int option, int err)
{
	journal.failing_level = level;
	journal.failing_option = option;
	journal.failing_err = err;
}

/**
 * kernel_ordered_failure() - the answer a test ordered for the next call
 * Return: 0 for none, or -errno.
 */
int kernel_ordered_failure(int level, int option)
{
	if (!journal.failing_err)
		return 0;
	if (journal.call_count == journal.failing_call)
		return -journal.failing_err;
	if (journal.failing_option == option && journal.failing_level == level)
		return -journal.failing_err;
	return 0;
}

/**
 * kernel_note_call() - one more call
 * @err: its answer, 0 or -errno
 */
void kernel_note_call(int fd, int level, int option, bool is_set, int err)
{
	journal.call[journal.call_count++ % KERNEL_CALL_MAX] = (struct kernel_call) {
		.fd = fd, .level = level, .option = option, .answer = -err, .is_set = is_set,
	};
}

/**
 * kernel_note_install() - one more crypto_info struct that was taken
 */
void kernel_note_install(int fd, int option, const uint8_t *bytes, size_t len)
{
	struct kernel_install *install;

	if (len > KERNEL_INFO_MAX || len < sizeof(struct tls_crypto_info))
		return;
	install = &journal.install[journal.install_count++ % KERNEL_CALL_MAX];
	install->fd = fd;
	install->option = option;
	install->version = bytes[0] | bytes[1] << 8;
	install->cipher = bytes[2] | bytes[3] << 8;
	install->len = len;
	for (size_t off = 0; off < len; off++)
		install->masked[off] = bytes[off] ^ KERNEL_MASK;
}

