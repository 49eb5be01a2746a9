// SPDX-License-Identifier: MIT
/*
 * Owns: the look for leaks at the end of a test in the sanitized build, where
 * _exit() would skip it.
 * Must not know: the tests, the library.
 * Concurrency: called once, by the thread that ends the test.
 * Follows: sanitizer/lsan_interface.h; linked with --wrap=_exit.
 */
#include <stdlib.h>

#define LEAKS_STATUS	66

void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

void __wrap__exit(int status)
{
	/* A test that failed or was skipped has left things lying about. */
	if (!status && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
		status = LEAKS_STATUS;
	__real__exit(status);
}
