/* SPDX-License-Identifier: MIT */
/*
 * Owns: one read or write by the kernel's own asynchronous I/O, waited for.
 * Must not know: what is read. Concurrency: one call at a time in a process.
 * Follows: io_submit(2). To be included after ktap.h.
 */
#ifndef AIO_H
#define AIO_H

#include <linux/aio_abi.h>
#include <sys/syscall.h>

/* Return: as read() and write(). */
static ssize_t aio_once(unsigned int opcode, int fd, uint8_t *buf, size_t len)
{
	struct iocb iocb = { .aio_lio_opcode = opcode, .aio_fildes = fd,
			     .aio_buf = (uintptr_t)buf, .aio_nbytes = len };
	struct iocb *list[] = { &iocb };
	static aio_context_t context;
	struct io_event event;

	if (!context && syscall(SYS_io_setup, 1, &context))
		SKIP("this machine lacks io_setup() (CONFIG_AIO)");
	ASSERT_EQ(syscall(SYS_io_submit, context, 1, list), 1);
	ASSERT_EQ(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), 1);
	errno = event.res < 0 ? -event.res : 0;
	return event.res < 0 ? -1 : event.res;
}

#endif
