/* SPDX-License-Identifier: MIT */
/*
 * Owns: the macros by which tests use connections: setup that fails or skips,
 * variants for each suite and network shape. Only conn.h includes this file.
 * Must not know: what a test checks.
 * Concurrency: none of its own.
 * Follows: ktap.h, which a program includes before conn.h.
 */
#ifndef CONN_TEST_H
#define CONN_TEST_H

/* Setup failure is a failure, a missing piece of this machine a skip. */
#define CONN_TRY(call) do {							\
	int conn_ret = (call);							\
	if (conn_ret == -EOPNOTSUPP)						\
		SKIP("this machine lacks %s", conn_lacking());			\
	if (conn_ret == -ENOENT && !getenv("KTLSX_REQUIRE"))			\
		SKIP("TCP ULP \"%s\" is not registered here", conn_ulp());	\
	ASSERT_EQ(conn_ret, 0);							\
} while (0)

/* For what an older in-tree module does otherwise; $KTLSX_STRICT runs it all the same. */
#define SKIP_INTREE(why) do {							\
	if (conn_is_intree() && !getenv("KTLSX_STRICT"))			\
		SKIP("in-tree tls: %s", why);					\
} while (0)

/* Variants of a struct with a .suite and a .shape: one, one for each suite, the like. */
#define CONN_VARIANT(F, label, index, shape_value)					\
	FIXTURE_VARIANT_ADD(F, label) = {						\
		.suite = &conn_suites[index], .shape = shape_value,			\
	}
#define CONN_SUITE_VARIANTS(F, label, shape)						\
	CONN_VARIANT(F, label##_12_gcm128, CONN_12_GCM128, shape);			\
	CONN_VARIANT(F, label##_13_gcm128, CONN_13_GCM128, shape);			\
	CONN_VARIANT(F, label##_12_gcm256, CONN_12_GCM256, shape);			\
	CONN_VARIANT(F, label##_13_gcm256, CONN_13_GCM256, shape)
#define CONN_TLS13_VARIANTS(F)								\
	CONN_VARIANT(F, 13_gcm128, CONN_13_GCM128, CONN_LO);				\
	CONN_VARIANT(F, 13_gcm256, CONN_13_GCM256, CONN_LO)
#define CONN_SHAPE_VARIANTS(F)								\
	CONN_SUITE_VARIANTS(F, lo, CONN_LO);						\
	CONN_SUITE_VARIANTS(F, mtu1500, CONN_MTU1500);					\
	CONN_SUITE_VARIANTS(F, netem, CONN_NETEM);					\
	CONN_SUITE_VARIANTS(F, small, CONN_SMALL)

#endif
