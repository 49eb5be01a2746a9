// SPDX-License-Identifier: MIT
/*
 * Owns: every socket option of attach and install failing in turn, both roles:
 * the connection is refused, the error says which step and why, and the peer
 * never sees a byte that is no TLS record, nor content.
 * Must not know: which options the library uses; the log of kernel.h tells.
 * Concurrency: single thread.
 * Follows: ktlsx.h; ../../uapi/linux/ktlsx.h.
 */
#include "../ktap.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/ktlsx.h>

#include "duel.h"
#include "kernel.h"
#include "pki.h"

#ifndef TCP_ULP
#define TCP_ULP		31
#endif
#define TIMEOUT_S	60

static const struct step {
	int level, option;
	const char *name;
} steps[] = {
	{ IPPROTO_TCP, TCP_ULP, "TCP_ULP" },
	{ SOL_TLS, KTLSX_FEATURES, "KTLSX_FEATURES" },
	{ SOL_TLS, KTLSX_CONTROL, "KTLSX_CONTROL" },
	{ SOL_TLS, KTLSX_KEYS_WRITE_ONLY, "KTLSX_KEYS_WRITE_ONLY" },
	{ SOL_TLS, TLS_TX_MAX_PAYLOAD_LEN, "TLS_TX_MAX_PAYLOAD_LEN" },
	{ SOL_TLS, TLS_RX, "TLS_RX" },
	{ SOL_TLS, TLS_TX, "TLS_TX" },
};

static const int errs[] = { EINVAL, ENOMEM, EPERM, EBUSY, ENOPROTOOPT };
/* Which the kernel gives for an attach. */
static const int attach_errs[] = { ENOENT, EPERM, EEXIST, ENOTCONN, EOPNOTSUPP, ENOMEM };

FIXTURE(install_fail) {
	struct duel_sides sides;
	struct kernel_call call[KERNEL_CALL_MAX];
	unsigned int count;	/* to the last key */
};

FIXTURE_VARIANT(install_fail) {
	struct duel_kind kind;
};

#define VARIANT(label, whose, number, ...)						\
	FIXTURE_VARIANT_ADD(install_fail, label) = { {					\
		.role = whose, .version = number, .certificate = "p256", __VA_ARGS__	\
	} }

VARIANT(client_tls12, KTLSX_CLIENT, 0x0303);
VARIANT(client_tls13, KTLSX_CLIENT, 0x0304);
VARIANT(server_tls12, KTLSX_SERVER, 0x0303);
VARIANT(server_tls13, KTLSX_SERVER, 0x0304);
VARIANT(server_tls12_short_records, KTLSX_SERVER, 0x0303,
	.fragment_mode = TLSEXT_max_fragment_length_1024);
VARIANT(server_tls13_short_records, KTLSX_SERVER, 0x0304,
	.fragment_mode = TLSEXT_max_fragment_length_1024);

static const struct step *step_of(const struct kernel_call *call)
{
	unsigned int index;

	for (index = 0; index < sizeof(steps) / sizeof(steps[0]); index++)
		if (steps[index].level == call->level && steps[index].option == call->option)
			return &steps[index];
	ktap_diag("level %d, option %#x: not known here", call->level, call->option);
	ASSERT_TRUE(false);
	return NULL;
}

static bool has_option(const struct install_fail_self *self, int option)
{
	unsigned int index;

	for (index = 0; index < self->count; index++)
		if (self->call[index].option == option)
			return true;
	return false;
}

FIXTURE_SETUP(install_fail)
{
	struct duel_result result;
	unsigned int index;

	duel_sides_make(&self->sides, &variant->kind);
	kernel_reset();
	duel_run(&self->sides, NULL, &result);
	ASSERT_EQ(result.err, 0);
	ASSERT_TRUE(result.is_agreed);
	ASSERT_EQ(kernel_install_count(), 2);
	ASSERT_LT(kernel_call_count(), KERNEL_CALL_MAX);
	for (index = 0; index < kernel_call_count(); index++) {
		self->call[index] = *kernel_call(index);
		step_of(&self->call[index]);
		if (self->call[index].is_set && (self->call[index].option == TLS_TX ||
						 self->call[index].option == TLS_RX))
			self->count = index + 1;
	}
	ASSERT_EQ(has_option(self, TLS_TX_MAX_PAYLOAD_LEN), !!variant->kind.fragment_mode);
}

static void expect_refused(const struct duel_result *result, const struct step *step, int err)
{
	unsigned int failures = ktap_verdict->failure_count;

	EXPECT_EQ(result->err, -err);
	EXPECT_FALSE(result->is_hung);
	EXPECT_NE(strstr(result->text, step->name), NULL);
	EXPECT_NE(strstr(result->text, strerrorname_np(err)), NULL);
	/* Step, errno and a remedy are three parts. */
	EXPECT_NE(strstr(result->text, ": "), NULL);
	EXPECT_GT(strlen(result->text), strlen(step->name) + strlen(strerrorname_np(err)) + 20);
	EXPECT_FALSE(result->is_garbled);
	EXPECT_EQ(result->rest_len, 0);
	EXPECT_FALSE(result->peer_got_content);
	EXPECT_TRUE(result->is_shut);
	EXPECT_LT(result->fd_answer, 0);
	if (ktap_verdict->failure_count != failures)
		ktap_diag("above: %s failed with %s: %d \"%s\"", step->name, strerrorname_np(err),
			  result->err, result->text);
}

static void fail_call(struct install_fail_self *self, unsigned int index, int err)
{
	const struct step *step = step_of(&self->call[index]);
	struct duel_result result;

	kernel_reset();
	kernel_fail_call(index, err);
	duel_run(&self->sides, NULL, &result);
	expect_refused(&result, step, err);
	if (err == EINVAL)
		ktap_diag("%s", result.text);
	/* Before the handshake the peer sees nothing at all. */
	if (step->option == TCP_ULP || step->option == KTLSX_FEATURES)
		EXPECT_EQ(result.record_count[self->sides.role == KTLSX_CLIENT ?
					      MIDDLE_TO_SERVER : MIDDLE_TO_CLIENT], 0);
}

TEST_F_TIMEOUT(install_fail, each_in_turn, TIMEOUT_S)
{
	unsigned int index, nth;

	for (index = 0; index < self->count; index++)
		for (nth = 0; nth < sizeof(errs) / sizeof(errs[0]);
		     nth += duel_stride(1))
			fail_call(self, index, errs[nth]);
}

TEST_F_TIMEOUT(install_fail, attach, TIMEOUT_S)
{
	unsigned int nth;

	for (nth = 0; nth < sizeof(attach_errs) / sizeof(attach_errs[0]); nth++)
		fail_call(self, 0, attach_errs[nth]);
}

/* With the fallback an attach may fail; keys that fail later are refused all the same. */
TEST_F_TIMEOUT(install_fail, with_fallback, TIMEOUT_S)
{
	struct duel_kind kind = variant->kind;
	struct duel_result result;
	unsigned int index;

	duel_sides_free(&self->sides);
	kind.may_fall_back = true;
	for (index = 0; index < self->count; index++) {
		duel_sides_make(&self->sides, &kind);
		kernel_reset();
		kernel_fail_call(index, ENOMEM);
		duel_run(&self->sides, NULL, &result);
		duel_sides_free(&self->sides);
		if (step_of(&self->call[index])->option == TLS_RX ||
		    step_of(&self->call[index])->option == TLS_TX) {
			expect_refused(&result, step_of(&self->call[index]), ENOMEM);
			continue;
		}
		if (result.err)
			continue;
		EXPECT_TRUE(result.is_agreed);
		EXPECT_EQ(result.key_count, 0);
		EXPECT_EQ(result.fd_answer, -ENOTSUP);
	}
	duel_sides_make(&self->sides, &kind);
	kernel_reset();
	kernel_fail_option(IPPROTO_TCP, TCP_ULP, ENOENT);
	duel_run(&self->sides, NULL, &result);
	EXPECT_EQ(result.err, 0);
	EXPECT_TRUE(result.is_agreed);
	EXPECT_EQ(result.fd_answer, -ENOTSUP);
}

PKI_MAIN()
