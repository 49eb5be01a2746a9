/* SPDX-License-Identifier: MIT */
/*
 * Owns: EXPECT_ and ASSERT_: what is compared, how a difference is reported.
 * Must not know: how tests are registered and run. Only ktap.h includes this file.
 * Concurrency: any thread and any process of a test; failures are counted in
 * shared memory.
 * Follows: vocabulary of kselftest_harness.h.
 */
#ifndef KTAP_EXPECT_H
#define KTAP_EXPECT_H

/* Failures of one test that are spelled out. */
#define KTAP_DIAG_MAX	8

static inline __attribute__((format(printf, 1, 2))) void ktap_diag(const char *format, ...)
{
	char line[500];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	printf("# %s\n", line);
	fflush(stdout);
}

static inline void ktap_failed(bool fatal, const char *file, int line, const char *text,
			       long long left, long long right, int saved_errno)
{
	unsigned int nth = __atomic_add_fetch(&ktap_verdict->failure_count, 1, __ATOMIC_RELAXED);

	if (nth <= KTAP_DIAG_MAX)
		ktap_diag("%s:%d: wanted %s; left %lld (%#llx), right %lld (%#llx), errno %d (%s)",
			  file, line, text, left, (unsigned long long)left, right,
			  (unsigned long long)right, saved_errno, strerror(saved_errno));
	if (fatal)
		_exit(KTAP_FAIL);
}

static inline void ktap_mem_eq(bool fatal, const char *file, int line, const char *text,
			       const void *left, const void *right, size_t len)
{
	const uint8_t *l = left, *r = right;
	size_t off = 0;

	while (off < len && l[off] == r[off])
		off++;
	if (off == len)
		return;
	ktap_diag("%s:%d: first difference at byte %zu of %zu", file, line, off, len);
	ktap_failed(fatal, file, line, text, l[off], r[off], 0);
}

#define KTAP_CMP(fatal, a, op, b) do {							\
	long long ktap_a = (long long)(intptr_t)(a);					\
	int ktap_errno = errno;								\
	long long ktap_b = (long long)(intptr_t)(b);					\
	if (!(ktap_a op ktap_b))							\
		ktap_failed(fatal, __FILE__, __LINE__, #a " " #op " " #b,		\
			    ktap_a, ktap_b, ktap_errno);				\
} while (0)

#define EXPECT_EQ(a, b)		KTAP_CMP(false, a, ==, b)
#define EXPECT_NE(a, b)		KTAP_CMP(false, a, !=, b)
#define EXPECT_LT(a, b)		KTAP_CMP(false, a, <, b)
#define EXPECT_LE(a, b)		KTAP_CMP(false, a, <=, b)
#define EXPECT_GT(a, b)		KTAP_CMP(false, a, >, b)
#define EXPECT_GE(a, b)		KTAP_CMP(false, a, >=, b)
#define EXPECT_TRUE(a)		KTAP_CMP(false, !!(a), ==, true)
#define EXPECT_FALSE(a)		KTAP_CMP(false, !!(a), ==, false)
#define ASSERT_EQ(a, b)		KTAP_CMP(true, a, ==, b)
#define ASSERT_NE(a, b)		KTAP_CMP(true, a, !=, b)
#define ASSERT_LT(a, b)		KTAP_CMP(true, a, <, b)
#define ASSERT_LE(a, b)		KTAP_CMP(true, a, <=, b)
#define ASSERT_GT(a, b)		KTAP_CMP(true, a, >, b)
#define ASSERT_GE(a, b)		KTAP_CMP(true, a, >=, b)
#define ASSERT_TRUE(a)		KTAP_CMP(true, !!(a), ==, true)
#define ASSERT_FALSE(a)		KTAP_CMP(true, !!(a), ==, false)

#define EXPECT_MEM_EQ(a, b, len) \
	ktap_mem_eq(false, __FILE__, __LINE__, #a " equals " #b, a, b, len)
#define ASSERT_MEM_EQ(a, b, len) \
	ktap_mem_eq(true, __FILE__, __LINE__, #a " equals " #b, a, b, len)

/* The call must return -1 and leave this errno. */
#define KTAP_ERRNO(fatal, call, code) do {						\
	errno = 0;									\
	long long ktap_got = (long long)(call);						\
	int ktap_code = errno;								\
	if (ktap_got != -1 || ktap_code != (code))					\
		ktap_failed(fatal, __FILE__, __LINE__, #call " fails with " #code,	\
			    ktap_got, -1, ktap_code);					\
} while (0)
#define EXPECT_ERRNO(call, code)	KTAP_ERRNO(false, call, code)
#define ASSERT_ERRNO(call, code)	KTAP_ERRNO(true, call, code)

#endif
