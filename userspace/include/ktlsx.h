/* SPDX-License-Identifier: MIT */
/*
 * libktlsx: complete a TLS handshake in userspace, let the kernel module do the
 * records: config, connection over a TCP socket of yours, handshake, socket.
 * libktlsx(3), and a page for each call.
 *
 * Calls return 0, a count or -errno, with a text in ktlsx_config_error() or
 * ktlsx_error(). No call changes errno, handles a signal or keeps global state.
 * Lengths are bytes. "insecure": what TLS is for is given up.
 * Threads: a config is built by one, then shared by any number, immutable from
 * its first connection on (-EBUSY); a connection belongs to one at a time. After
 * fork() the child may only call the two free functions.
 */
#ifndef KTLSX_H
#define KTLSX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ktlsx_config;
struct ktlsx_conn;

enum ktlsx_role {
	KTLSX_CLIENT,
	KTLSX_SERVER,
};

enum ktlsx_client_auth {
	KTLSX_CLIENT_AUTH_NONE,
	KTLSX_CLIENT_AUTH_OPTIONAL,	/* asked for; one that is sent must verify */
	KTLSX_CLIENT_AUTH_REQUIRED,
};

enum ktlsx_ocsp {
	KTLSX_OCSP_IGNORE,
	KTLSX_OCSP_IF_STAPLED,		/* asked for; one that is stapled must be good */
	KTLSX_OCSP_REQUIRED,
};

enum ktlsx_resume {
	KTLSX_RESUME_TICKETS,
	KTLSX_RESUME_SESSION_IDS,	/* server: TLS 1.2 by id from memory, no 1.2 tickets */
	KTLSX_RESUME_NONE,
};

/* What a handshake that is not done yet waits for: feed it to poll(). */
struct ktlsx_want {
	short events;		/* POLLIN or POLLOUT */
	int timeout_ms;		/* until the next deadline, rounded up */
};

/* Filled by ktlsx_info(); strings live as long as the connection. */
struct ktlsx_info {
	uint16_t version;		/* 0x0303, 0x0304 */
	uint16_t suite;			/* IANA number */
	const char *version_name;	/* "TLSv1.3" */
	const char *suite_name;		/* IANA: "TLS_AES_256_GCM_SHA384" */
	const char *suite_openssl_name;	/* OpenSSL: "ECDHE-RSA-AES256-GCM-SHA384" */
	const char *group_name;		/* of the key exchange; NULL without one */
	const char *alpn;		/* NULL when none was agreed on */
	const char *server_name;	/* SNI as the client sent it; NULL without */
	uint8_t is_resumed;
	uint8_t is_offloaded;		/* the kernel does the records; 0: fallback */
	uint8_t has_peer_certificate;
};

int ktlsx_config_new(struct ktlsx_config **config, enum ktlsx_role role);
void ktlsx_config_free(struct ktlsx_config *config);
const char *ktlsx_config_error(const struct ktlsx_config *config);
int ktlsx_config_add_chain(struct ktlsx_config *config, const char *chain_path,
			   const char *key_path, const char *ocsp_path);
int ktlsx_config_add_server(struct ktlsx_config *config, const char *name,
			    const char *alpn, struct ktlsx_config *other);
int ktlsx_config_insecure_set_sha1_server(struct ktlsx_config *config,
					  struct ktlsx_config *other);
int ktlsx_config_set_trust(struct ktlsx_config *config, const char *path);
int ktlsx_config_add_crl(struct ktlsx_config *config, const char *path);
int ktlsx_config_set_ocsp(struct ktlsx_config *config, enum ktlsx_ocsp mode);
int ktlsx_config_add_pin(struct ktlsx_config *config, const uint8_t *sha256);
int ktlsx_config_insecure_no_verify(struct ktlsx_config *config);
int ktlsx_config_set_client_auth(struct ktlsx_config *config,
				 enum ktlsx_client_auth mode);
int ktlsx_config_set_versions(struct ktlsx_config *config, uint16_t min,
			      uint16_t max);
int ktlsx_config_set_suites(struct ktlsx_config *config, const char *suites);
int ktlsx_config_set_groups(struct ktlsx_config *config, const char *groups);
int ktlsx_config_insecure_allow_rsa_key_exchange(struct ktlsx_config *config);
int ktlsx_config_set_alpn(struct ktlsx_config *config, const char *protocols);
int ktlsx_config_set_psk(struct ktlsx_config *config, const char *identity,
			 const uint8_t *key, size_t key_len);
int ktlsx_config_set_resumption(struct ktlsx_config *config,
				enum ktlsx_resume mode,
				unsigned int ticket_count);
int ktlsx_config_set_keylog(struct ktlsx_config *config, const char *path);
int ktlsx_config_set_limits(struct ktlsx_config *config, size_t peer_len_max,
			    unsigned int timeout_ms);
int ktlsx_config_allow_fallback(struct ktlsx_config *config);

int ktlsx_conn_new(struct ktlsx_conn **conn, struct ktlsx_config *config,
		   int fd, const char *name);
void ktlsx_conn_free(struct ktlsx_conn *conn);
const char *ktlsx_error(const struct ktlsx_conn *conn);
int ktlsx_set_session(struct ktlsx_conn *conn, const uint8_t *session,
		      size_t session_len);
int ktlsx_handshake_step(struct ktlsx_conn *conn, struct ktlsx_want *want);
int ktlsx_handshake(struct ktlsx_conn *conn, unsigned int timeout_ms);
int ktlsx_fd(const struct ktlsx_conn *conn);
ssize_t ktlsx_read(struct ktlsx_conn *conn, void *buf, size_t len);
ssize_t ktlsx_write(struct ktlsx_conn *conn, const void *buf, size_t len);
ssize_t ktlsx_sendfile(struct ktlsx_conn *conn, int file_fd, off_t *off,
		       size_t len);
int ktlsx_rekey(struct ktlsx_conn *conn);
int ktlsx_shutdown(struct ktlsx_conn *conn);

int ktlsx_info(const struct ktlsx_conn *conn, struct ktlsx_info *info,
	       size_t info_len);
int ktlsx_peer_certificate(const struct ktlsx_conn *conn, unsigned int index,
			   const uint8_t **der, size_t *der_len);
int ktlsx_export(struct ktlsx_conn *conn, const char *label,
		 const uint8_t *context, size_t context_len, uint8_t *out,
		 size_t out_len);
int ktlsx_binding(struct ktlsx_conn *conn, uint8_t *binding);
ssize_t ktlsx_session(struct ktlsx_conn *conn, uint8_t *session, size_t size);

/* Filled by ktlsx_suite_info(). */
struct ktlsx_suite_info {
	uint16_t suite;			/* IANA number */
	uint16_t version;		/* 0x0303, 0x0304 */
	const char *name;		/* IANA */
	const char *openssl_name;
	const char *why_not;		/* NULL: offloaded; else a sentence */
};

int ktlsx_suite_info(unsigned int index, struct ktlsx_suite_info *info);

#ifdef __cplusplus
}
#endif

#endif /* KTLSX_H */
