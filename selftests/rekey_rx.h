/* SPDX-License-Identifier: MIT */
/*
 * Owns: the fixture of the tests of new keys for receiving: a socket of ours without
 * control mode, a raw peer, and the key that comes next.
 * Must not know: what a test checks.
 * Concurrency: a fixture belongs to one test.
 * Follows: <linux/tls.h>. Include ktap.h first.
 */
#ifndef REKEY_RX_H
#define REKEY_RX_H

#include "control.h"

FIXTURE(rekey) {
	struct control c;	/* c.fd receives; c.conn.fd[0] is raw */
	struct ref_key key;	/* the next one */
};

FIXTURE_VARIANT(rekey) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(rekey, lo_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(rekey, mtu1500_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(rekey, small_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_SMALL };

FIXTURE_SETUP(rekey)
{
	SKIP_INTREE("rekey came with a later kernel");
	control_open(&self->c, variant->suite, variant->shape);
	ASSERT_EQ(control_set(self->c.fd, KTLSX_CONTROL, 0), 0);
	control_make_key(&self->key, variant->suite, 1);
}

/* From here on the peer seals with the next key. */
static inline void switch_peer(struct rekey_self *self)
{
	self->c.conn.key[0] = self->key;
}

#endif
