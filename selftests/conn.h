/* SPDX-License-Identifier: MIT */
/*
 * Owns: connected TCP pairs in four network shapes, each process in a network
 * namespace of its own; attaching the ULP, installing keys, whole-buffer I/O.
 * Must not know: what a test checks.
 * Concurrency: a struct conn belongs to the test; jobs are threads of it.
 * Follows: <linux/tls.h>; include ktap.h first for the CONN_ macros.
 */
#ifndef CONN_H
#define CONN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <linux/tls.h>

#include "ref.h"

#ifndef SOL_TLS
#define SOL_TLS			282
#endif
#ifndef TCP_ULP
#define TCP_ULP			31
#endif
#define CONN_TX_MAX_PAYLOAD_LEN	5	/* TLS_TX_MAX_PAYLOAD_LEN of newer headers */

enum conn_shape {
	CONN_LO,	/* loopback as it is */
	CONN_MTU1500,	/* loopback, MTU 1500, tso, gso and gro off */
	CONN_NETEM,	/* the same, 1 ms, 2 % loss, 5 % reordered */
	CONN_SMALL,	/* receive buffers of 2 to 8 KB */
};

struct conn_suite {
	const char *name;
	uint16_t version;
	uint16_t cipher;	/* TLS_CIPHER_* */
	uint8_t ref_cipher;	/* enum ref_cipher */
	uint8_t key_len;
	uint8_t info_len;	/* bytes of its tls12_crypto_info struct */
};

/* Most programs use the first four; ciphers.c has them all. */
enum {
	CONN_12_GCM128, CONN_13_GCM128, CONN_12_GCM256, CONN_13_GCM256,
	CONN_12_CCM128, CONN_13_CCM128, CONN_12_CHACHA, CONN_13_CHACHA,
	CONN_12_SM4_GCM, CONN_13_SM4_GCM, CONN_12_SM4_CCM, CONN_13_SM4_CCM,
	CONN_12_ARIA128, CONN_12_ARIA256, CONN_SUITE_COUNT
};

extern const struct conn_suite conn_suites[CONN_SUITE_COUNT];

/* fd[0] connected, fd[1] accepted; key[i] protects what fd[i] sends. */
struct conn {
	int fd[2];
	const struct conn_suite *suite;
	enum conn_shape shape;
	struct ref_key key[2];
};

/* The largest of the key structs, as setsockopt() wants it. */
union conn_info {
	struct tls_crypto_info info;
	struct tls12_crypto_info_aes_gcm_128 gcm128;
	struct tls12_crypto_info_aes_gcm_256 gcm256;
	uint8_t bytes[64];
};

/* A thread that sends or receives a whole buffer in chunks. */
struct conn_job {
	pthread_t thread;
	int fd;
	uint8_t *buf;
	size_t len;
	size_t chunk_len;
	int flags;
	ssize_t done;		/* bytes, or -errno */
};

const char *conn_ulp(void);		/* $KTLSX_ULP, default "ktlsx" */
bool conn_is_intree(void);		/* that name is served by the in-tree module */
const char *conn_lacking(void);		/* what the last -EOPNOTSUPP was about */
size_t conn_big_len(enum conn_shape shape);	/* "1 MiB", or what the shape can carry */

/**
 * conn_netns() - enters a fresh network namespace with lo up, once a process
 * Return: 0, -EOPNOTSUPP when this machine lacks conn_lacking(), or -errno.
 */
int conn_netns(enum conn_shape shape);

/**
 * conn_open() - conn_netns() and a connected pair, keys made but not installed
 * @family: AF_INET or AF_INET6
 * Return: as conn_netns().
 */
int conn_open(struct conn *conn, const struct conn_suite *suite, enum conn_shape shape,
	      int family);

/**
 * conn_pair() - one more pair in the namespace of this process; 0 or -errno
 */
int conn_pair(int fd[2], enum conn_shape shape, int family);

int conn_attach(int fd);		/* 0 or -errno */
socklen_t conn_make_info(const struct ref_key *key, union conn_info *info);
/* @direction: TLS_TX or TLS_RX; 0 or -errno */
int conn_set_key(int fd, int direction, const struct ref_key *key);

int conn_tx(struct conn *conn);		/* fd[0] attached, sends records; fd[1] raw */
int conn_rx(struct conn *conn);		/* fd[1] attached, receives records; fd[0] raw */
int conn_both(struct conn *conn);	/* both attached, both directions */

void conn_fill(void *buf, size_t len, unsigned int seed);

/* Return: @len, or less at end of file, or -errno. */
ssize_t conn_send_all(int fd, const void *buf, size_t len, int flags);
ssize_t conn_recv_all(int fd, void *buf, size_t len, int flags);

/* Return: as sendmsg() and recvmsg(): -1 and errno on failure. */
ssize_t conn_send_type(int fd, uint8_t type, const void *buf, size_t len, int flags);
/* @type is 0 when no record type came along. */
ssize_t conn_recv_type(int fd, uint8_t *type, void *buf, size_t len, int flags);

int conn_send_start(struct conn_job *job, int fd, const void *buf, size_t len, size_t chunk_len);
int conn_recv_start(struct conn_job *job, int fd, void *buf, size_t len, size_t chunk_len);
ssize_t conn_job_end(struct conn_job *job);	/* what conn_send_all() or conn_recv_all() gave */

int conn_set_timeout(int fd, int option, long usec);	/* SO_RCVTIMEO, SO_SNDTIMEO */
long long conn_stat(const char *name);	/* of /proc/net/ktlsx_stat; -1 when there is none */
/* Of /proc/net/netstat of this namespace, TcpExt first; -1 when there is none. */
long long conn_netstat(const char *name);
int conn_memfd(const void *buf, size_t len);		/* a file in memory, for sendfile */

/* Seals with the key of @conn->key[0] and sends the bytes raw on fd[0]. */
ssize_t conn_send_record(struct conn *conn, uint8_t type, const void *buf, size_t len,
			 const struct ref_twist *twist);

/**
 * conn_seal_all() - seals a buffer as data records of @record_len content bytes
 * Return: the wire bytes (malloc'ed), @wire_len of them.
 */
uint8_t *conn_seal_all(struct conn *conn, const void *buf, size_t len, size_t record_len,
		       size_t *wire_len);

#include "conn_test.h"

#endif
