/* SPDX-License-Identifier: MIT */
/*
 * Owns: the test of a call on a TLS socket one allocation of which fails: the first, the second,
 * each, until the call gets through without one failing.
 * Must not know: which call, what allocates, and how often.
 * Concurrency: one thread makes the calls.
 * Follows: DESIGN.md 6.10: what is not the peer's fault never ends a connection, nor costs a byte.
 * Include ktap.h first.
 */
#ifndef MEMORY_FAIL_H
#define MEMORY_FAIL_H

#include "control.h"
#include "fault.h"

#define BUF_LEN		40000
/* No call of ours allocates more often. */
#define NTH_MAX		400
#define TICKET_LEN	600
/* Longer than TCP waits before it asks again. */
#define QUIET_USEC	500000

/* fd[0] makes the calls that send, fd[1] those that receive. */
FIXTURE(nth) {
	struct fault fault;
	struct conn conn;
	struct conn_job job;
	struct ref_key next;
	int pipe_fd[2];
	int file;
	off_t file_off;
	uint8_t *wire;
	uint8_t buf[BUF_LEN];
	uint8_t got[BUF_LEN];
	unsigned int failed_count;	/* calls that said so */
	unsigned int short_count;	/* closes that could not send all */
	unsigned int dropped_count;	/* tickets there was no room for */
};

/* @finish gets what @call gave: a count, or -errno. */
FIXTURE_VARIANT(nth) {
	const struct conn_suite *suite;
	enum conn_shape shape;
	void (*prepare)(struct nth_self *self);
	long (*call)(struct nth_self *self);
	void (*finish)(struct nth_self *self, long ret);
};

#define CALL_SUITE(label, suite_index, shape_value, prepare_fn, call_fn, finish_fn)	\
	FIXTURE_VARIANT_ADD(nth, label) = {						\
		.suite = &conn_suites[suite_index], .shape = shape_value,		\
		.prepare = prepare_fn, .call = call_fn, .finish = finish_fn,		\
	}
#define CALL_12(name, prepare, call, finish)						\
	CALL_SUITE(name##_12, CONN_12_GCM128, CONN_LO, prepare, call, finish)
#define CALL_13(name, prepare, call, finish)						\
	CALL_SUITE(name##_13, CONN_13_GCM256, CONN_LO, prepare, call, finish)
#define CALL(name, prepare, call, finish)						\
	CALL_12(name, prepare, call, finish);						\
	CALL_13(name, prepare, call, finish)

static inline long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static inline long none_to_zero(long ret)
{
	return ret > 0 ? ret : 0;
}

FIXTURE_SETUP(nth)
{
	fault_open(&self->fault);
	SKIP_INTREE("a failing allocation ends the connection");
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	CONN_TRY(conn_attach(self->conn.fd[0]));
	for (int i = 0; i < 2; i++)
		close(self->conn.fd[i]);
	conn_fill(self->buf, BUF_LEN, 77);
	self->file = conn_memfd(self->buf, BUF_LEN);
	ASSERT_GE(self->file, 0);
}

static inline void open_pair(struct nth_self *self, const struct nth_variant *variant)
{
	ASSERT_EQ(conn_pair(self->conn.fd, variant->shape, AF_INET), 0);
	for (int i = 0; i < 2; i++) {
		ref_key_make(&self->conn.key[i], variant->suite->version,
			     variant->suite->ref_cipher, 900 + i);
		ASSERT_EQ(conn_set_timeout(self->conn.fd[i], SO_RCVTIMEO,
					   QUIET_USEC * ktap_slow()), 0);
	}
	ASSERT_EQ(pipe(self->pipe_fd), 0);
	memset(self->got, 0, BUF_LEN);
	self->file_off = 0;
}

static inline void close_pair(struct nth_self *self)
{
	for (int i = 0; i < 2; i++) {
		close(self->conn.fd[i]);
		close(self->pipe_fd[i]);
	}
	free(self->wire);
	self->wire = NULL;
}

/* Whatever the call is, it says that memory was short, or that it did what it is for. */
static inline void expect_legal(long ret, bool fired)
{
	if (ret >= 0 || (fired && (ret == -ENOMEM || ret == -ENOBUFS || ret == -EAGAIN)))
		return;
	ktap_diag("%s, %s", strerror(-ret), fired ? "an allocation failed" : "none failed");
	EXPECT_GE(ret, 0);
}

/* One failure a round, in each round a later one. */
TEST_F_TIMEOUT(nth, each, 60)
{
	unsigned int nth = 0, failures;
	bool fired = true;

	while (fired && ++nth < NTH_MAX) {
		long ret;

		open_pair(self, variant);
		variant->prepare(self);
		fault_arm(&self->fault, nth);
		ret = variant->call(self);
		fired = fault_disarm(&self->fault);
		expect_legal(ret, fired);
		self->failed_count += ret < 0;
		failures = ktap_verdict->failure_count;
		variant->finish(self, ret);
		if (ktap_verdict->failure_count > failures)
			ktap_diag("that was allocation %u; the call gave %ld", nth, ret);
		close_pair(self);
	}
	EXPECT_FALSE(fired);
	ktap_diag("%u allocations failed, and %u calls; %u closes sent less", nth - 1,
		  self->failed_count, self->short_count);
}

#include "memory_fail_steps.h"

#endif
