// SPDX-License-Identifier: MIT
/*
 * Owns: the look for leaks at the end of a test in the sanitized build, where
 * _exit() would skip it.
 * Must not know: the tests, the library.
 * Concurrency: called once, by the thread that ends the test.
 * Follows: sanitizer/lsan_interface.h; linked with --wrap=_exit.
 */
#include <stdlib.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_do_recoverable_leak_check()	0
#endif

#define LEAKS_STATUS	66

__attribute__((noreturn)) void __real__exit(int status);
__attribute__((noreturn)) void __wrap__exit(int status);

void __wrap__exit(int status)
{
	/* A test that failed or was skipped has left things lying about. */
	if (!status && __lsan_do_recoverable_leak_check())
		status = LEAKS_STATUS;
	__real__exit(status);
}
