// SPDX-License-Identifier: MIT
/*
 * Owns: the setsockopt() calls that make a socket ours: attach, control mode,
 * keys; and the sentence for each way they fail. Must not know: TLS messages,
 * derivations. A connection belongs to one thread; the config's @lacks_kernel is
 * atomic. Spec: uapi/linux/ktlsx.h, <linux/tls.h>.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/ktlsx.h>

#include "conn.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

#define TLS13 0x0304
#define PAYLOAD_LEN_DEFAULT 16384
#define FEATURES_NEEDED (KTLSX_FEATURE_CONTROL | KTLSX_FEATURE_KEYS_WRITE_ONLY)

enum step {
	STEP_ATTACH,
	STEP_FEATURES,
	STEP_CONTROL,
	STEP_WRITE_ONLY,
	STEP_PAYLOAD,
	STEP_RX,
	STEP_TX,
};

static const char *const step_names[] = {
	[STEP_ATTACH] = "TCP_ULP",
	[STEP_FEATURES] = "KTLSX_FEATURES",
	[STEP_CONTROL] = "KTLSX_CONTROL",
	[STEP_WRITE_ONLY] = "KTLSX_KEYS_WRITE_ONLY",
	[STEP_PAYLOAD] = "TLS_TX_MAX_PAYLOAD_LEN",
	[STEP_RX] = "TLS_RX",
	[STEP_TX] = "TLS_TX",
};

/* What the kernel says at steps @first to @last, why, and what to do: the first row that fits. */
static const struct remedy {
	enum step first;
	enum step last;
	int err;
	const char *text;
} remedies[] = {
	{ STEP_ATTACH, STEP_ATTACH, ENOENT,
	  "the kernel has no module ktlsx: as root, modprobe ktlsx",
	},
	{ STEP_ATTACH, STEP_ATTACH, EEXIST,
	  "another ULP is attached already, by OpenSSL's Options KTLS or SSL_set_fd() perhaps: give us a socket that no TLS library has had",
	},
	{ STEP_ATTACH, STEP_ATTACH, ENOTCONN,
	  "the socket is not connected: it listens, or the peer has closed: connect or accept first",
	},
	{ STEP_ATTACH, STEP_ATTACH, EPERM,
	  "this process may not attach it: load the module as root, modprobe ktlsx",
	},
	{ STEP_ATTACH, STEP_ATTACH, ENOPROTOOPT,
	  "this kernel's TCP has no upper layer protocols: run one with CONFIG_TLS or a Debian kernel",
	},
	{ STEP_ATTACH, STEP_ATTACH, EOPNOTSUPP,
	  "this kind of socket takes no upper layer protocol: use plain TCP",
	},
	{ STEP_RX, STEP_TX, EINVAL,
	  "the module takes no such key, or a sockmap holds the socket: `ktlsx doctor` tells what it takes",
	},
	{ STEP_RX, STEP_TX, EOPNOTSUPP,
	  "the module does not have this cipher: `ktlsx ciphers` tells what it has",
	},
	{ STEP_RX, STEP_TX, EBUSY,
	  "the socket has keys already, or another thread is writing to it: leave it alone until the handshake is done",
	},
	{ STEP_FEATURES, STEP_TX, ENOPROTOOPT,
	  "the module ktlsx is older than this library: install the one of this version and load it anew",
	},
	{ STEP_FEATURES, STEP_TX, ENOTCONN, "the peer is gone" },
	{ STEP_FEATURES, STEP_TX, ENOMEM, "the kernel has no memory for it: free some" },
	{ STEP_ATTACH, STEP_TX, EBADF,
	  "the descriptor was closed: it must outlive the connection",
	},
	{ STEP_ATTACH, STEP_TX, 0, "`ktlsx doctor` may tell why" },
};

/* Kinds of sockets that answer an attach in the words of something else. */
static const struct kind {
	int domain;		/* 0: any */
	int protocol;		/* 0: any */
	int err;
	const char *text;
} kinds[] = {
	{ 0, IPPROTO_MPTCP, EOPNOTSUPP, "the socket is MPTCP: make it with IPPROTO_TCP" },
	{ 0, IPPROTO_UDP, EOPNOTSUPP, "the socket is UDP: TLS needs a TCP socket" },
	{ AF_UNIX, 0, EOPNOTSUPP,
	  "the socket is a Unix socket: TLS in the kernel needs a TCP socket",
	},
};

static int socket_option(int fd, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? -1 : value;
}

static const struct kind *kind_of(int fd)
{
	int domain = socket_option(fd, SO_DOMAIN), protocol = socket_option(fd, SO_PROTOCOL);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((kinds[i].domain == 0 || kinds[i].domain == domain) &&
		    (kinds[i].protocol == 0 || kinds[i].protocol == protocol))
			return &kinds[i];
	return NULL;
}

static int fail_step(struct ktlsx_conn *conn, enum step step, int err)
{
	const struct kind *kind = step == STEP_ATTACH ? kind_of(conn->fd) : NULL;
	const struct remedy *remedy = remedies;

	if (kind)
		return ktlsx_fail(&conn->error, -kind->err, "%s: %s: %s", step_names[step],
				  ktlsx_errno_name(kind->err), kind->text);
	while (remedy->err &&
	       (remedy->err != err || step < remedy->first || step > remedy->last))
		remedy++;
	return ktlsx_fail(&conn->error, -err, "%s: %s: %s", step_names[step],
			  ktlsx_errno_name(err), remedy->text);
}

static int set(struct ktlsx_conn *conn, enum step step, int name, const void *value, size_t len)
{
	return setsockopt(conn->fd, SOL_TLS, name, value, len) ? fail_step(conn, step, errno) : 0;
}

static bool has_cipher(const struct ktlsx_conn *conn, const struct ktlsx_suite *suite)
{
	unsigned int bit = suite->cipher_type - TLS_CIPHER_AES_GCM_128;

	return bit < 64 && conn->cipher_bits[suite->version == TLS13] >> bit & 1;
}

static int check_cipher(struct ktlsx_conn *conn, const struct ktlsx_suite *suite)
{
	if (has_cipher(conn, suite))
		return 0;
	return ktlsx_fail(&conn->error, -EOPNOTSUPP,
			  "KTLSX_FEATURES: EOPNOTSUPP: the module ktlsx does not have the cipher of %s: take suites that `ktlsx ciphers` lists as offloaded",
			  suite->name);
}

static int read_features(struct ktlsx_conn *conn)
{
	struct ktlsx_features features = { 0 };
	socklen_t len = sizeof(features);

	if (getsockopt(conn->fd, SOL_TLS, KTLSX_FEATURES, &features, &len))
		return fail_step(conn, STEP_FEATURES, errno);
	conn->features = features.features;
	conn->cipher_bits[0] = features.tls12_ciphers;
	conn->cipher_bits[1] = features.tls13_ciphers;
	if ((features.features & FEATURES_NEEDED) == FEATURES_NEEDED)
		return 0;
	return ktlsx_fail(&conn->error, -EOPNOTSUPP,
			  "KTLSX_FEATURES: EOPNOTSUPP: the module ktlsx lacks control mode: install the one of this version and load it anew");
}

/* A fallback is decided before the handshake: for each suite that may come of it. */
static int check_offers(struct ktlsx_conn *conn)
{
	STACK_OF(SSL_CIPHER) * ciphers = SSL_get1_supported_ciphers(conn->ssl);
	int err = 0;

	for (int i = 0; !err && i < sk_SSL_CIPHER_num(ciphers); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
		const struct ktlsx_suite *suite =
			ktlsx_suite_by_id(SSL_CIPHER_get_protocol_id(cipher));

		err = suite ? check_cipher(conn, suite) : 0;
	}
	sk_SSL_CIPHER_free(ciphers);
	return err;
}

static int attach(struct ktlsx_conn *conn)
{
	int err;

	if (setsockopt(conn->fd, IPPROTO_TCP, TCP_ULP, KTLSX_ULP_NAME, strlen(KTLSX_ULP_NAME)))
		return fail_step(conn, STEP_ATTACH, errno);
	err = read_features(conn);
	return err ? err : conn->config->may_fall_back ? check_offers(conn) : 0;
}

/* What the whole machine lacks, not this socket: asking again would cost a modprobe each time. */
static bool is_lasting(int err)
{
	return err == -ENOENT || err == -ENOPROTOOPT || err == -EPERM;
}

/* Records in userspace do not help a socket that is no stream to a peer, or somebody else's. */
static bool helps_fallback(int err)
{
	return err != -ENOTCONN && err != -EEXIST && err != -EBADF && err != -ENOTSOCK;
}

/**
 * ktlsx_install_attach() - attach the ULP and learn what the module can do
 * @conn: a connection that has sent and received nothing
 *
 * Before the first byte: a peer that has sent FIN already makes a later attach
 * ENOTCONN. With ktlsx_config_allow_fallback() a kernel that cannot is no error:
 * @conn->falls_back is set, and the config remembers a missing module.
 *
 * Return: 0; -ENOENT no module; -EEXIST another ULP; -ENOTCONN; -EOPNOTSUPP not
 * TCP, or the module lacks a feature; -ENOPROTOOPT an old module; -errno of
 * setsockopt().
 */
int ktlsx_install_attach(struct ktlsx_conn *conn)
{
	struct ktlsx_config *config = conn->config;
	int err;

	if (config->may_fall_back && atomic_load(&config->lacks_kernel)) {
		conn->falls_back = true;
		return 0;
	}
	err = attach(conn);
	if (!err || !config->may_fall_back || !helps_fallback(err))
		return err;
	if (is_lasting(err) && !kind_of(conn->fd))
		atomic_store(&config->lacks_kernel, true);
	conn->error.text[0] = '\0';
	conn->falls_back = true;
	return 0;
}

static int derive(struct ktlsx_conn *conn, enum ktlsx_direction direction,
		  struct ktlsx_scratch *scratch, const struct ktlsx_traffic_key **key)
{
	bool is_ours = direction == KTLSX_TX;
	bool is_clients = is_ours == (conn->config->role == KTLSX_CLIENT);
	struct ktlsx_secrets *secrets = conn->secrets;

	*key = is_clients ? &scratch->client : &scratch->server;
	if (conn->suite->version != TLS13)
		return ktlsx_keys_traffic12(conn->suite, secrets, &scratch->client,
					    &scratch->server);
	return ktlsx_keys_traffic13(conn->suite, secrets->traffic[direction],
				    is_clients ? &scratch->client : &scratch->server);
}

/* The explicit nonce of TLS 1.2 goes on from that of our Finished; what we read brings its own. */
static int install_key(struct ktlsx_conn *conn, enum ktlsx_direction direction,
		       const struct ktlsx_traffic_key *key, uint64_t seq)
{
	struct ktlsx_scratch *scratch = ktlsx_keys_scratch(conn->secrets);
	uint64_t nonce = direction == KTLSX_TX ? conn->pump.finished_nonce + 1 : 0;
	enum step step = direction == KTLSX_TX ? STEP_TX : STEP_RX;
	int len = ktlsx_keys_crypto_info(conn->suite, key, nonce, seq, scratch->info,
					 sizeof(scratch->info));

	if (len < 0)
		return ktlsx_fail(&conn->error, len, "%s: %s: no kernel cipher is that of %s",
				  step_names[step], ktlsx_errno_name(len), conn->suite->name);
	return set(conn, step, direction == KTLSX_TX ? TLS_TX : TLS_RX, scratch->info, len);
}

static int install_direction(struct ktlsx_conn *conn, enum ktlsx_direction direction)
{
	struct ktlsx_scratch *scratch = ktlsx_keys_scratch(conn->secrets);
	uint64_t seq = conn->suite->version == TLS13 ?
		       direction == KTLSX_TX ? conn->tx_seq : 0 : 1;
	const struct ktlsx_traffic_key *key;
	int err = derive(conn, direction, scratch, &key);

	if (err)
		err = ktlsx_fail(&conn->error, err, "keys: %s: OpenSSL could not derive them",
				 ktlsx_errno_name(err));
	else
		err = install_key(conn, direction, key, seq);
	OPENSSL_cleanse(scratch, sizeof(*scratch));
	return err;
}

static int set_control(struct ktlsx_conn *conn)
{
	uint32_t on = 1;

	return set(conn, STEP_CONTROL, KTLSX_CONTROL, &on, sizeof(on));
}

static int set_write_only(struct ktlsx_conn *conn)
{
	uint32_t on = 1;

	return set(conn, STEP_WRITE_ONLY, KTLSX_KEYS_WRITE_ONLY, &on, sizeof(on));
}

/* RFC 6066 limits the content in both versions: in TLS 1.3 the type is beside it. */
static int set_payload(struct ktlsx_conn *conn)
{
	uint16_t len = conn->agreed.payload_len_max;

	if (!len || len == PAYLOAD_LEN_DEFAULT)
		return 0;
	return set(conn, STEP_PAYLOAD, TLS_TX_MAX_PAYLOAD_LEN, &len, sizeof(len));
}

static int set_rx(struct ktlsx_conn *conn)
{
	return install_direction(conn, KTLSX_RX);
}

static int set_tx(struct ktlsx_conn *conn)
{
	return install_direction(conn, KTLSX_TX);
}

/* In this order; RX first: a failure after TX would leave a socket that seals what it gets. */
static int (*const steps[])(struct ktlsx_conn *conn) = {
	set_control, set_write_only, set_payload, set_rx, set_tx,
};

static int refuse_child(struct ktlsx_conn *conn)
{
	return ktlsx_fail(&conn->error, -EPERM,
			  "keys: EPERM: a child after fork() has no secrets: only the process that made a connection may use it");
}

/**
 * ktlsx_install_keys() - control mode, then the keys of both directions
 * @conn: a connection whose handshake is done, its secrets and suite known
 *
 * Return: 0; -EOPNOTSUPP the module lacks the cipher; -EPERM a child after
 * fork(); -errno of the step that failed: the caller shuts the socket down.
 */
int ktlsx_install_keys(struct ktlsx_conn *conn)
{
	int err = ktlsx_conn_is_forked(conn) ? refuse_child(conn) : check_cipher(conn, conn->suite);

	for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++)
		err = steps[i](conn);
	return err;
}

/**
 * ktlsx_install_rekey() - the next keys of one direction, after a KeyUpdate
 * @conn: a TLS 1.3 connection in the kernel phase
 * @direction: which
 *
 * Return: 0; -EOPNOTSUPP TLS 1.2, or a module without rekey; -EPERM a child after
 * fork(); -ENOMEM; -errno of setsockopt(). On error the old secret stays.
 * Spec: RFC 8446 section 7.2.
 */
int ktlsx_install_rekey(struct ktlsx_conn *conn, enum ktlsx_direction direction)
{
	struct ktlsx_scratch *scratch = ktlsx_keys_scratch(conn->secrets);
	const struct ktlsx_suite *suite = conn->suite;
	int err;

	if (ktlsx_conn_is_forked(conn))
		return refuse_child(conn);
	if (suite->version != TLS13)
		return ktlsx_fail(&conn->error, -EOPNOTSUPP,
				  "rekey: EOPNOTSUPP: TLS 1.2 has no KeyUpdate: make a new connection");
	if (!(conn->features & KTLSX_FEATURE_REKEY))
		return ktlsx_fail(&conn->error, -EOPNOTSUPP,
				  "rekey: EOPNOTSUPP: this module ktlsx cannot change the keys of a connection: make a new connection");
	err = ktlsx_keys_next13(suite, conn->secrets->traffic[direction], scratch->block);
	if (!err)
		err = ktlsx_keys_traffic13(suite, scratch->block, &scratch->client);
	if (err)
		err = ktlsx_fail(&conn->error, err, "rekey: %s: OpenSSL could not derive the keys",
				 ktlsx_errno_name(err));
	else
		err = install_key(conn, direction, &scratch->client, 0);
	if (!err)
		memcpy(conn->secrets->traffic[direction], scratch->block, suite->digest_len);
	OPENSSL_cleanse(scratch, sizeof(*scratch));
	return err;
}
