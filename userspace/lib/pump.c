// SPDX-License-Identifier: MIT
/*
 * Owns: moving records between a socket and the memory BIOs of an SSL object.
 * Must not know: keys, phases, what a message means. A pump belongs to one
 * connection; nothing here blocks or raises SIGPIPE.
 * Spec: RFC 8446 section 5.1, RFC 5246 section 6.2.1.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "pump.h"

#define TYPE_CHANGE_CIPHER_SPEC 20
#define TYPE_APPLICATION_DATA 23
#define BODY_LEN_MAX (KTLSX_RECORD_LEN_MAX - KTLSX_HEADER_LEN)

/* What speaks when no TLS does, by its first bytes: the usual mistakes. */
static const struct {
	const char *start;
	const char *name;
} strangers[] = {
	{ "GET ", "an HTTP request without TLS" },
	{ "HEAD ", "an HTTP request without TLS" },
	{ "POST ", "an HTTP request without TLS" },
	{ "PUT ", "an HTTP request without TLS" },
	{ "CONNECT ", "an HTTP request without TLS" },
	{ "HTTP/", "an HTTP answer without TLS" },
	{ "SSH-", "SSH" },
	{ "220 ", "a greeting without TLS" },
	{ "PRI *", "HTTP/2 without TLS" },
	{ "\x80", "a hello of SSL 2" },
};

static const char *stranger(const uint8_t *bytes)
{
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		const char *start = strangers[i].start;

		if (!memcmp(bytes, start, strnlen(start, KTLSX_HEADER_LEN)))
			return strangers[i].name;
	}
	return "bytes of something else";
}

static const char *why(int err)
{
	switch (err) {
	case ECONNRESET:
		return "the peer reset the connection";
	case EPIPE:
		return "the peer has closed the connection";
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "the network lost the peer";
	default:
		return "the socket is not what it was";
	}
}

static int pull(struct ktlsx_pump *pump, uint8_t *bytes, size_t len, size_t *got,
		struct ktlsx_error *error)
{
	ssize_t n;

	do
		n = recv(pump->fd, bytes, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return -EAGAIN;
	if (n < 0)
		return ktlsx_fail(error, -errno, "recv: %s: %s in the middle of the handshake",
				  ktlsx_errno_name(errno), why(errno));
	if (n == 0)
		return 0;
	*got = n;
	if (BIO_write(pump->in, bytes, n) != n)
		return ktlsx_fail(error, -ENOMEM, "recv: ENOMEM: no memory for a record");
	return 1;
}

/* The header is in the BIO already: OpenSSL, asked once more, makes its alert of it. */
static int check_header(struct ktlsx_pump *pump, struct ktlsx_error *error)
{
	const uint8_t *h = pump->header;
	size_t len = h[3] << 8 | h[4];

	if (h[0] < TYPE_CHANGE_CIPHER_SPEC || h[0] > TYPE_APPLICATION_DATA || h[1] != 3)
		return ktlsx_fail(error, -EPROTO,
				  "record header: EPROTO: no TLS record starts with 0x%02x 0x%02x, the peer sends %s: check port and protocol",
				  h[0], h[1], stranger(h));
	if (len > BODY_LEN_MAX)
		return ktlsx_fail(error, -EPROTO,
				  "record header: EPROTO: the peer announces a record of %zu bytes, %d at most are allowed: it is broken or hostile",
				  len, BODY_LEN_MAX);
	if (len > pump->peer_len_max - pump->peer_len)
		return ktlsx_fail(error, -EMSGSIZE,
				  "record: EMSGSIZE: the peer sent more than %zu bytes before the handshake was done: a larger limit is set by ktlsx_config_set_limits()",
				  pump->peer_len_max);
	pump->peer_len += len;
	pump->body_left = len;
	return 0;
}

static int pull_header(struct ktlsx_pump *pump, struct ktlsx_error *error)
{
	size_t got;
	int ret;

	if (pump->peer_len_max - pump->peer_len < KTLSX_HEADER_LEN)
		return ktlsx_fail(error, -EMSGSIZE,
				  "record: EMSGSIZE: the peer sent more than %zu bytes before the handshake was done: a larger limit is set by ktlsx_config_set_limits()",
				  pump->peer_len_max);
	while (pump->header_have < KTLSX_HEADER_LEN) {
		ret = pull(pump, pump->header + pump->header_have,
			   KTLSX_HEADER_LEN - pump->header_have, &got, error);
		if (ret <= 0)
			return ret;
		pump->header_have += got;
	}
	pump->peer_len += KTLSX_HEADER_LEN;
	ret = check_header(pump, error);
	return ret ? ret : 1;
}

/**
 * ktlsx_pump_in() - receives what is missing of one record, not a byte more
 * @pump: the pump
 * @error: text of an error
 *
 * A record that is not whole yet is remembered for the next call. TLS 1.3's
 * lower bound on sealed records is left to OpenSSL, which knows the version.
 *
 * Return: 1 a whole record is in @pump->in; 0 end of stream; -EAGAIN; -EPROTO no
 * TLS record can start like this; -EMSGSIZE more than @pump->peer_len_max bytes;
 * -ENOMEM; -errno of recv().
 */
int ktlsx_pump_in(struct ktlsx_pump *pump, struct ktlsx_error *error)
{
	uint8_t bytes[BODY_LEN_MAX];
	size_t got;
	int ret;

	if (pump->header_have < KTLSX_HEADER_LEN) {
		ret = pull_header(pump, error);
		if (ret <= 0)
			return ret;
	}
	while (pump->body_left) {
		ret = pull(pump, bytes, pump->body_left, &got, error);
		if (ret <= 0)
			return ret;
		pump->body_left -= got;
	}
	pump->header_have = 0;
	return 1;
}

/* The first record after our ChangeCipherSpec is our Finished; in TLS 1.3 nobody asks. */
static void note_head(struct ktlsx_pump *pump)
{
	const uint8_t *nonce = pump->out_head + KTLSX_HEADER_LEN;

	if (pump->out_head[0] == TYPE_CHANGE_CIPHER_SPEC) {
		pump->has_ccs = true;
	} else if (pump->has_ccs && !pump->has_finished_nonce) {
		pump->finished_nonce = 0;
		for (int i = 0; i < KTLSX_NONCE_LEN; i++)
			pump->finished_nonce = pump->finished_nonce << 8 | nonce[i];
		pump->has_finished_nonce = pump->out_have == sizeof(pump->out_head);
	}
}

/* Follows the records in what was sent, however it was cut. */
static void scan(struct ktlsx_pump *pump, const uint8_t *bytes, size_t len)
{
	while (len) {
		bool in_head = pump->out_have < KTLSX_HEADER_LEN ||
			       (pump->out_left && pump->out_have < sizeof(pump->out_head));
		size_t n = in_head ? 1 : pump->out_left < len ? pump->out_left : len;

		if (in_head)
			pump->out_head[pump->out_have++] = *bytes;
		if (pump->out_have > KTLSX_HEADER_LEN)
			pump->out_left -= n;
		else if (pump->out_have == KTLSX_HEADER_LEN)
			pump->out_left = pump->out_head[3] << 8 | pump->out_head[4];
		bytes += n;
		len -= n;
		if (pump->out_have >= KTLSX_HEADER_LEN && !pump->out_left) {
			note_head(pump);
			pump->out_have = 0;
		}
	}
}

/* A memory BIO shows its bytes, but gives them up only by being read. */
static void forget(BIO *bio, size_t len)
{
	uint8_t nowhere[4096];

	while (len) {
		int n = BIO_read(bio, nowhere, len < sizeof(nowhere) ? len : sizeof(nowhere));

		if (n <= 0)
			return;
		len -= n;
	}
}

/**
 * ktlsx_pump_out() - sends all that OpenSSL has written
 * @pump: the pump
 * @error: text of an error
 *
 * Return: 0 all is sent; -EAGAIN the socket takes no more now; -errno of send().
 */
int ktlsx_pump_out(struct ktlsx_pump *pump, struct ktlsx_error *error)
{
	char *bytes;
	long len;
	ssize_t n;

	while ((len = BIO_get_mem_data(pump->out, &bytes)) > 0) {
		n = send(pump->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return -EAGAIN;
		if (n < 0)
			return ktlsx_fail(error, -errno,
					  "send: %s: %s in the middle of the handshake",
					  ktlsx_errno_name(errno), why(errno));
		scan(pump, (uint8_t *)bytes, n);
		forget(pump->out, n);
	}
	return 0;
}
