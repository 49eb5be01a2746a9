/* SPDX-License-Identifier: MIT */
/*
 * A connection: its phase, and what all files of the connection side share.
 * Belongs to one thread at a time; a child after fork() may only free it.
 */
#ifndef KTLSX_CONN_H
#define KTLSX_CONN_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "keys.h"
#include "post.h"
#include "pump.h"
#include "suite.h"

enum ktlsx_phase {
	KTLSX_PHASE_NEW,		/* nothing sent */
	KTLSX_PHASE_HANDSHAKE,
	KTLSX_PHASE_DRAIN,		/* done; our last flight still to be sent */
	KTLSX_PHASE_KERNEL,		/* keys are in the kernel */
	KTLSX_PHASE_FALLBACK,		/* records in userspace */
	KTLSX_PHASE_FAILED,
};

/* A certificate, DER. */
struct ktlsx_der {
	uint8_t *bytes;
	size_t len;
};

/* The last alert that went a direction during the handshake. */
struct ktlsx_alert_seen {
	bool is_seen;
	uint8_t description;
};

/**
 * struct ktlsx_agreed - what stays when the SSL object is gone; see ktlsx_info()
 */
struct ktlsx_agreed {
	uint16_t version;
	bool is_resumed;
	bool has_extended_master_secret;
	char group_name[32];
	char alpn[256];
	char server_name[256];
	struct ktlsx_der *chain;	/* peer's, own certificate first */
	unsigned int chain_count;
	SSL_SESSION *session;		/* newest one to resume, client */
	unsigned int payload_len_max;	/* negotiated max_fragment_length, or 16384 */
};

struct ktlsx_conn {
	struct ktlsx_error error;
	struct ktlsx_config *config;
	int fd;
	pid_t owner;			/* who may do more than free */
	enum ktlsx_phase phase;
	int failed_err;			/* what FAILED answers from then on */
	int64_t deadline_ms;		/* CLOCK_MONOTONIC; 0 before the first step */
	unsigned int timeout_ms;	/* what made the deadline, for its error text */
	SSL *ssl;			/* freed at the handover, except see ticket.c */
	struct ktlsx_pump pump;
	const struct ktlsx_suite *suite;
	struct ktlsx_secrets *secrets;
	uint64_t features;		/* KTLSX_FEATURE_* of the module */
	uint64_t cipher_bits[2];	/* of the module: TLS 1.2, TLS 1.3 */
	bool falls_back;		/* decided before the first byte */
	struct ktlsx_alert_seen alerts[2];	/* of the handshake, by direction */
	bool has_finished;		/* our Finished is written (keylog, msg callback) */
	uint64_t tx_seq;		/* application-key records sent by the pump */
	uint64_t ssl_rx_seq;		/* records OpenSSL has read with its own key */
	struct ktlsx_agreed agreed;
	struct ktlsx_post post;		/* handshake messages after the handshake */
	bool is_closed_by_peer;		/* close_notify came */
	bool is_rekey_asked;		/* owed: the peer wants a KeyUpdate of ours */
	bool is_refusal_owed;		/* owed: a no_renegotiation alert */
	bool has_stale_rx_key;		/* the peer changed its key, this module cannot */
	size_t sealed_len;		/* fallback: sealed, not told by a write yet */
	bool is_update_sealed;		/* fallback: likewise a KeyUpdate */
};

/* conn.c: the end of the SSL object. */
void ktlsx_conn_wipe_ssl(struct ktlsx_conn *conn);
void ktlsx_conn_drop_ssl(struct ktlsx_conn *conn);
bool ktlsx_conn_is_forked(const struct ktlsx_conn *conn);

/* install.c: each a step that ktlsx_handshake_step() runs; 0 or -errno with text. */
int ktlsx_install_attach(struct ktlsx_conn *conn);	/* may set @falls_back */
int ktlsx_install_keys(struct ktlsx_conn *conn);
int ktlsx_install_rekey(struct ktlsx_conn *conn, enum ktlsx_direction direction);

/* agreed.c: collect while the SSL object is there, drop with the connection. */
int ktlsx_agreed_collect(struct ktlsx_conn *conn);
void ktlsx_agreed_drop(struct ktlsx_conn *conn);
int ktlsx_agreed_error(const struct ktlsx_conn *conn);

/* reaction.c: one record other than application data that came after the handshake. */
int ktlsx_reaction_to_record(struct ktlsx_conn *conn, uint8_t type, const uint8_t *bytes,
			     size_t len);
int ktlsx_reaction_tell_alert(struct ktlsx_conn *conn, const char *call, uint8_t description);
int ktlsx_reaction_refuse(struct ktlsx_conn *conn, uint8_t alert, const char *what);

/* receive.c: reading while the kernel has the keys. */
ssize_t ktlsx_receive(struct ktlsx_conn *conn, void *buf, size_t len);

/* control.c: records of ours other than application data, while the kernel has the keys. */
int ktlsx_control_send(struct ktlsx_conn *conn, uint8_t type, const uint8_t *bytes, size_t len,
		       int flags);
int ktlsx_control_pay(struct ktlsx_conn *conn, int flags);
int ktlsx_control_rekey(struct ktlsx_conn *conn, bool is_answer_wanted, int flags);
int ktlsx_control_break(struct ktlsx_conn *conn, int err, int alert);

/* ticket.c: hand a NewSessionTicket message to the SSL object that was kept. */
bool ktlsx_ticket_wants_ssl(const struct ktlsx_conn *conn);
int ktlsx_ticket_feed(struct ktlsx_conn *conn, const uint8_t *message, size_t len);
void ktlsx_ticket_drain(struct ktlsx_conn *conn);
int ktlsx_ticket_new_session(SSL *ssl, SSL_SESSION *session);

/* fallback.c: the stream calls over the SSL object. */
ssize_t ktlsx_fallback_read(struct ktlsx_conn *conn, void *buf, size_t len);
ssize_t ktlsx_fallback_write(struct ktlsx_conn *conn, const void *buf, size_t len);
ssize_t ktlsx_fallback_sendfile(struct ktlsx_conn *conn, int file_fd, off_t *off, size_t len);
int ktlsx_fallback_shutdown(struct ktlsx_conn *conn);
int ktlsx_fallback_rekey(struct ktlsx_conn *conn);

#endif /* KTLSX_CONN_H */
