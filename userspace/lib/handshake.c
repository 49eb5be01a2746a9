// SPDX-License-Identifier: MIT
/*
 * Owns: the handshake, as steps and as one call that waits: when to pump, when
 * it is over, how it fails. Must not know: which setsockopt() installs what, what
 * a failure means. A connection belongs to one thread; nothing here blocks but
 * poll() in ktlsx_handshake().
 * Spec: RFC 8446 section 4, RFC 5246 section 7.3; key log: NSS Key Log Format.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "choice.h"
#include "conn.h"
#include "failure.h"
#include "handshake.h"
#include "shape.h"

#define TLS13 0x0304
#define MESSAGE_FINISHED 20
#define ALERT_LEN 2

/* Lines of the key log that name a secret we keep. */
static const struct {
	const char *label;
	bool is_exporter;
	enum ktlsx_role writer;	/* whose traffic it seals */
} logged[] = {
	{ "CLIENT_TRAFFIC_SECRET_0 ", false, KTLSX_CLIENT },
	{ "SERVER_TRAFFIC_SECRET_0 ", false, KTLSX_SERVER },
	{ "EXPORTER_SECRET ", true, KTLSX_CLIENT },
};

/* Without a table or a branch: the text is a secret. */
static uint8_t nibble(char c)
{
	return (c & 15) + 9 * (c >> 6 & 1);
}

static void keep_secret(struct ktlsx_conn *conn, size_t row, const char *hex)
{
	struct ktlsx_secrets *secrets = conn->secrets;
	bool is_ours = logged[row].writer == conn->config->role;
	uint8_t *secret = logged[row].is_exporter ? secrets->exporter :
			  secrets->traffic[is_ours ? KTLSX_TX : KTLSX_RX];

	for (size_t i = 0; i < KTLSX_SECRET_LEN_MAX && hex[2 * i] && hex[2 * i + 1]; i++)
		secret[i] = nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]);
	if (!logged[row].is_exporter && !is_ours)
		memcpy(secrets->first_rx, secret, sizeof(secrets->first_rx));
}

/* One write a line, so that lines of several processes do not mix. */
static void write_line(int fd, const char *line)
{
	struct iovec parts[2] = {
		{ (void *)line, strlen(line) },
		{ "\n", 1 },
	};

	while (writev(fd, parts, 2) < 0 && errno == EINTR)
		;
}

/**
 * ktlsx_handshake_keylog() - takes the traffic secrets of TLS 1.3
 * @ssl: of a connection
 * @line: label, client random, secret, as hexadecimal text
 *
 * For SSL_CTX_set_keylog_callback(): the only public source of these secrets.
 * They go straight to the vault slot, and to the key log that the user asked for.
 */
void ktlsx_handshake_keylog(const SSL *ssl, const char *line)
{
	struct ktlsx_conn *conn = SSL_get_app_data(ssl);
	int log_fd = ktlsx_choice_config(ssl)->keylog_fd, saved = errno;

	for (size_t row = 0; row < sizeof(logged) / sizeof(logged[0]); row++) {
		size_t len = strlen(logged[row].label);
		const char *hex = strncmp(line, logged[row].label, len) ? NULL :
				  strchr(line + len, ' ');

		if (hex)
			keep_secret(conn, row, hex + 1);
	}
	if (log_fd >= 0)
		write_line(log_fd, line);
	errno = saved;
}

/**
 * ktlsx_handshake_message() - counts records under our application key, keeps alerts
 * @is_written: 1 ours, 0 the peer's
 * @version: of the record
 * @type: content type, or SSL3_RT_HEADER for a record's header
 * @bytes: what is in it
 * @len: its bytes
 * @ssl: of a connection
 * @arg: not used
 *
 * For SSL_set_msg_callback(). In TLS 1.3 our application key seals everything
 * after our Finished: tickets above all, a number that depends on settings and
 * sizes, so it is counted.
 */
void ktlsx_handshake_message(int is_written, int version, int type, const void *bytes,
			     size_t len, SSL *ssl, void *arg)
{
	struct ktlsx_conn *conn = SSL_get_app_data(ssl);
	const uint8_t *p = bytes;

	(void)version;
	(void)arg;
	if (type == SSL3_RT_ALERT && len == ALERT_LEN)
		conn->alerts[is_written ? KTLSX_TX : KTLSX_RX] =
			(struct ktlsx_alert_seen){ .is_seen = true, .description = p[1] };
	if (!is_written)
		return;
	if (type == SSL3_RT_HEADER && conn->has_finished)
		conn->tx_seq++;
	if (type == SSL3_RT_HANDSHAKE && len && p[0] == MESSAGE_FINISHED)
		conn->has_finished = true;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void set_deadline(struct ktlsx_conn *conn, unsigned int timeout_ms)
{
	conn->timeout_ms = timeout_ms;
	conn->deadline_ms = now_ms() + timeout_ms;
}

/*
 * The end: what OpenSSL has to say about it (its alert) is sent as far as the
 * socket takes it now, then nothing may follow in either direction.
 */
static int fail(struct ktlsx_conn *conn, int err)
{
	if (conn->pump.out && conn->phase != KTLSX_PHASE_NEW)
		ktlsx_pump_out(&conn->pump, NULL);
	shutdown(conn->fd, SHUT_RDWR);
	conn->phase = KTLSX_PHASE_FAILED;
	conn->failed_err = err;
	ktlsx_conn_drop_ssl(conn);
	if (!ktlsx_conn_is_forked(conn))
		OPENSSL_cleanse(conn->secrets, sizeof(*conn->secrets));
	return err;
}

/* A header that is wrong is OpenSSL's to answer: it knows the alert and has the key to seal it. */
static int fail_input(struct ktlsx_conn *conn, int err)
{
	if (err == -EPROTO)
		SSL_do_handshake(conn->ssl);
	return fail(conn, err);
}

static int wait_for(struct ktlsx_conn *conn, struct ktlsx_want *want, short events)
{
	int64_t left_ms = conn->deadline_ms - now_ms();

	if (left_ms <= 0)
		return fail(conn, ktlsx_failure_of_silence(conn));
	want->events = events;
	want->timeout_ms = left_ms;
	return -EAGAIN;
}

static int take_tls12_secrets(struct ktlsx_conn *conn)
{
	struct ktlsx_secrets *secrets = conn->secrets;
	size_t len = SSL_SESSION_get_master_key(SSL_get_session(conn->ssl), secrets->master,
						sizeof(secrets->master));

	if (len != sizeof(secrets->master) || !conn->pump.has_finished_nonce)
		return ktlsx_fail(&conn->error, -EIO,
				  "keys: EIO: OpenSSL shows no master secret or no Finished of TLS 1.2");
	SSL_get_client_random(conn->ssl, secrets->client_random, KTLSX_RANDOM_LEN);
	SSL_get_server_random(conn->ssl, secrets->server_random, KTLSX_RANDOM_LEN);
	return 0;
}

/* Bytes behind the last message in its record would be lost with the SSL object. */
static int check_rest(struct ktlsx_conn *conn)
{
	if (!SSL_has_pending(conn->ssl) && !BIO_ctrl_pending(conn->pump.in))
		return 0;
	return ktlsx_fail(&conn->error, -EPROTO,
			  "handshake: EPROTO: the peer sent more in the record of its Finished: it broke the protocol");
}

/* OpenSSL 3.0 takes whatever protocol a server answers with. */
static int check_alpn(struct ktlsx_conn *conn)
{
	const uint8_t *name;
	unsigned int len;

	SSL_get0_alpn_selected(conn->ssl, &name, &len);
	if (!len || ktlsx_alpn_is_set(ktlsx_choice_config(conn->ssl), name, len))
		return 0;
	return ktlsx_fail(&conn->error, -EPROTO,
			  "ALPN: EPROTO: the server chose a protocol that we did not offer: it broke the protocol");
}

static int collect(struct ktlsx_conn *conn)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(conn->ssl);
	int err = check_rest(conn);

	if (!err)
		err = check_alpn(conn);
	if (err)
		return err;
	conn->suite = ktlsx_suite_by_id(SSL_CIPHER_get_protocol_id(cipher));
	if (!conn->suite)
		return ktlsx_fail(&conn->error, -EOPNOTSUPP,
				  "suite: EOPNOTSUPP: this library does not know %s: see ktlsx_config_set_suites()",
				  SSL_CIPHER_get_name(cipher));
	if (conn->suite->version != TLS13)
		err = take_tls12_secrets(conn);
	return err ? err : ktlsx_agreed_collect(conn);
}

static int hand_over(struct ktlsx_conn *conn)
{
	int err = collect(conn);

	if (!err && !conn->falls_back)
		err = ktlsx_install_keys(conn);
	if (err)
		return fail(conn, err);
	if (conn->falls_back) {
		conn->pump.peer_len_max = SIZE_MAX;
		conn->pump.peer_len = 0;
		conn->phase = KTLSX_PHASE_FALLBACK;
		return 0;
	}
	conn->phase = KTLSX_PHASE_KERNEL;
	ktlsx_conn_wipe_ssl(conn);
	if (!ktlsx_ticket_wants_ssl(conn))
		ktlsx_conn_drop_ssl(conn);
	return 0;
}

static int begin(struct ktlsx_conn *conn)
{
	int err;

	if (!conn->deadline_ms)
		set_deadline(conn, conn->config->timeout_ms);
	err = ktlsx_install_attach(conn);
	if (err)
		return fail(conn, err);
	conn->phase = KTLSX_PHASE_HANDSHAKE;
	return 1;
}

/* Who cannot send any more may have been told why: an alert that waits is the better cause. */
static int fail_output(struct ktlsx_conn *conn, int err)
{
	if (conn->phase == KTLSX_PHASE_HANDSHAKE && ktlsx_pump_in(&conn->pump, NULL) == 1) {
		ERR_clear_error();
		SSL_do_handshake(conn->ssl);
		if (conn->alerts[KTLSX_RX].is_seen)
			err = ktlsx_failure_of_openssl(conn);
	}
	return fail(conn, err);
}

/* One turn: OpenSSL as far as it can, then its output, then one record. 1: go on. */
static int turn(struct ktlsx_conn *conn, struct ktlsx_want *want)
{
	int ret, cause;

	if (conn->phase == KTLSX_PHASE_HANDSHAKE) {
		ERR_clear_error();
		ret = SSL_do_handshake(conn->ssl);
		cause = SSL_get_error(conn->ssl, ret);
		if (ret == 1)
			conn->phase = KTLSX_PHASE_DRAIN;
		else if (cause != SSL_ERROR_WANT_READ)
			return fail(conn, ktlsx_failure_of_openssl(conn));
	}
	ret = ktlsx_pump_out(&conn->pump, &conn->error);
	if (ret == -EAGAIN)
		return wait_for(conn, want, POLLOUT);
	if (ret)
		return fail_output(conn, ret);
	if (conn->phase == KTLSX_PHASE_DRAIN)
		return hand_over(conn);
	ret = ktlsx_pump_in(&conn->pump, &conn->error);
	if (ret == -EAGAIN)
		return wait_for(conn, want, POLLIN);
	if (ret == 0)
		return fail(conn, ktlsx_failure_of_eof(conn));
	return ret < 0 ? fail_input(conn, ret) : 1;
}

static int step(struct ktlsx_conn *conn, struct ktlsx_want *want)
{
	int ret = 1;

	switch (conn->phase) {
	case KTLSX_PHASE_KERNEL:
	case KTLSX_PHASE_FALLBACK:
		return 0;
	case KTLSX_PHASE_FAILED:
		return conn->failed_err;
	default:
		break;
	}
	if (ktlsx_conn_is_forked(conn))
		return ktlsx_fail(&conn->error, -EPERM,
				  "handshake: EPERM: a child after fork() may only free a connection");
	if (conn->phase == KTLSX_PHASE_NEW)
		ret = begin(conn);
	while (ret > 0)
		ret = turn(conn, want);
	return ret;
}

/**
 * ktlsx_handshake_step() - goes on with the handshake as far as it can without blocking
 * @conn: a connection
 * @want: filled when the answer is -EAGAIN
 *
 * Reads and writes until the socket answers EAGAIN, so edge-triggered polling
 * works. The limit on time counts from the first step.
 *
 * Return: 0 done, keys are in the kernel; -EAGAIN call again when @want->events or
 * its timeout come; -ETIMEDOUT; -EPROTO the peer broke the protocol or sent an
 * alert; -EACCES its certificate was not accepted; -ECONNRESET, -EPIPE it went
 * away; -EMSGSIZE it sent more than the limit; -ENOENT no module, -EEXIST another
 * ULP, -ENOTCONN, -EOPNOTSUPP, ... the kernel does not take the socket or the
 * keys. After an error other than -EAGAIN the socket was shut down both ways.
 */
int ktlsx_handshake_step(struct ktlsx_conn *conn, struct ktlsx_want *want)
{
	int saved = errno, ret;

	*want = (struct ktlsx_want){ 0 };
	ERR_set_mark();
	ret = step(conn, want);
	ERR_pop_to_mark();
	errno = saved;
	return ret;
}

/**
 * ktlsx_handshake() - the handshake as one call that waits
 * @conn: a connection
 * @timeout_ms: at most so long, from now; 0: the config's limit, from the first step
 *
 * Return: as ktlsx_handshake_step(), never -EAGAIN.
 */
int ktlsx_handshake(struct ktlsx_conn *conn, unsigned int timeout_ms)
{
	struct pollfd poller = { .fd = conn->fd };
	struct ktlsx_want want;
	int saved = errno, ret;

	if (timeout_ms)
		set_deadline(conn, timeout_ms);
	while ((ret = ktlsx_handshake_step(conn, &want)) == -EAGAIN) {
		poller.events = want.events;
		poll(&poller, 1, want.timeout_ms);
	}
	errno = saved;
	return ret;
}
