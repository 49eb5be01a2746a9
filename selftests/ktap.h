/* SPDX-License-Identifier: MIT */
/*
 * Owns: the test harness: registers tests, forks each one, prints KTAP.
 * Must not know: sockets, TLS, the module under test.
 * Concurrency: one test at a time; a test may fork and start threads, whose
 * failures count too (the verdict lives in shared memory). Its process group
 * is killed when it ends, so no helper process outlives its test.
 * Follows: Documentation/dev-tools/ktap.rst; vocabulary of kselftest_harness.h.
 */
#ifndef KTAP_H
#define KTAP_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KTAP_PASS	0
#define KTAP_FAIL	1
#define KTAP_SKIP	4
#define KTAP_UNUSED	__attribute__((unused))

/* Seconds a test may take before KTLSX_SLOW stretches it. */
#define KTAP_TIMEOUT_S	15

struct ktap_verdict {
	unsigned int failure_count;
	char skip[200];
};

struct ktap_variant {
	const char *name;
	const void *data;
	struct ktap_variant *next;
};

struct ktap_fixture {
	const char *name;
	struct ktap_variant *variants;
};

struct ktap_test {
	struct ktap_fixture *fixture;
	const char *name;
	void (*run)(const void *variant);
	unsigned int timeout_s;
	struct ktap_test *next;
};

static struct ktap_test *ktap_tests;
/* Weak: a test of several files has one verdict. */
__attribute__((weak)) struct ktap_verdict *ktap_verdict;
static struct ktap_fixture global_fixture KTAP_UNUSED = { .name = "global" };

static inline void ktap_add_test(struct ktap_test *test)
{
	struct ktap_test **at = &ktap_tests;

	while (*at)
		at = &(*at)->next;
	*at = test;
}

static inline void ktap_add_variant(struct ktap_fixture *fixture, struct ktap_variant *variant)
{
	struct ktap_variant **at = &fixture->variants;

	while (*at)
		at = &(*at)->next;
	*at = variant;
}

/* How much slower than a real machine this one is (an emulator says 10 or so). */
static inline unsigned int ktap_slow(void)
{
	const char *text = getenv("KTLSX_SLOW");
	int slow = text ? atoi(text) : 1;

	return slow > 0 ? (unsigned int)slow : 1;
}

#include "ktap_expect.h"

/* A reason names what this machine lacks; a gap in the code is a failure. */
#define SKIP(...) do {									\
	snprintf(ktap_verdict->skip, sizeof(ktap_verdict->skip), __VA_ARGS__);		\
	_exit(KTAP_SKIP);								\
} while (0)

#define FIXTURE_VARIANT(f)	struct f##_variant
#define FIXTURE(f)									\
	static struct ktap_fixture f##_fixture = { .name = #f };			\
	struct f##_variant;								\
	struct f##_self
/* There is no teardown: each test is a process, and its exit is the teardown. */
#define FIXTURE_SETUP(f)								\
	static void f##_setup(KTAP_UNUSED struct f##_self *self,			\
			      KTAP_UNUSED const struct f##_variant *variant)
#define FIXTURE_VARIANT_ADD(f, v)							\
	static const struct f##_variant f##_variant_##v;				\
	static struct ktap_variant f##_entry_##v = { #v, &f##_variant_##v, NULL };	\
	static __attribute__((constructor)) void f##_add_##v(void)			\
	{ ktap_add_variant(&f##_fixture, &f##_entry_##v); }				\
	static const struct f##_variant f##_variant_##v

#define KTAP_REGISTER(fix, id, label, run_fn, seconds)					\
	static struct ktap_test id##_test = { &(fix), label, run_fn, seconds, NULL };	\
	static __attribute__((constructor)) void id##_add(void)				\
	{ ktap_add_test(&id##_test); }

#define TEST_F_TIMEOUT(f, t, seconds)							\
	static void f##_##t(struct f##_self *self, const struct f##_variant *variant);	\
	static void f##_##t##_run(const void *variant)					\
	{										\
		static struct f##_self self;						\
		f##_setup(&self, variant);						\
		f##_##t(&self, variant);						\
	}										\
	KTAP_REGISTER(f##_fixture, f##_##t, #t, f##_##t##_run, seconds)			\
	static void f##_##t(KTAP_UNUSED struct f##_self *self,				\
			    KTAP_UNUSED const struct f##_variant *variant)
#define TEST_F(f, t)		TEST_F_TIMEOUT(f, t, KTAP_TIMEOUT_S)
#define TEST_TIMEOUT(t, seconds)							\
	static void t(const void *unused);						\
	KTAP_REGISTER(global_fixture, t, #t, t, seconds)				\
	static void t(KTAP_UNUSED const void *unused)
#define TEST(t)			TEST_TIMEOUT(t, KTAP_TIMEOUT_S)

#include "ktap_run.h"

#endif
