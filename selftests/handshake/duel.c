// SPDX-License-Identifier: MIT
/*
 * Owns: one handshake of the library against OpenSSL in the same thread, over a
 * TCP connection whose other end is held by a man in the middle.
 * Must not know: what a test checks; what the middle's hook does.
 * Concurrency: one thread; sides may be used for any number of duels.
 * Follows: ktlsx.h.
 */
#include "duel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "kernel.h"

#define LABEL		"EXPERIMENTAL duel"
#define EXPORT_LEN	32
#define ROUNDS_MAX	2000
#define QUIET_MS	5
#define END_MS		1000
/* Turns in a row in which nothing moved: nothing more will. */
#define QUIET_MAX	8

static const char from_ours[] = "what the library says";
static const char from_peer[] = "what the peer says";

struct duel {
	const struct duel_sides *sides;
	struct duel_result *result;
	struct ktlsx_conn *conn;
	SSL *peer;
	int ours;		/* the library's socket */
	int wire;		/* the other end of it */
	bool is_ours_done;
	bool is_peer_over;	/* done or failed */
	bool is_wire_ended;	/* nothing more goes to the library */
	unsigned int install_count;	/* before */
	struct middle middle;
};

/**
 * duel_need() - ends the test process when a preparation failed
 */
void duel_need(bool is_so, const char *what)
{
	if (is_so)
		return;
	printf("# duel: cannot %s: %s\n", what, strerror(errno));
	ERR_print_errors_fp(stdout);
	fflush(stdout);
	_exit(1);
}

/**
 * duel_tcp() - a connected TCP pair over loopback, both ends non-blocking
 * @fd: out; closing [1] first leaves no TIME_WAIT behind
 */
void duel_tcp(int fd[2])
{
	struct linger now = { .l_onoff = 1 };
	int yes = 1;
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	duel_need(!bind(listener, (struct sockaddr *)&addr, len), "bind");
	duel_need(!listen(listener, 1), "listen");
	duel_need(!getsockname(listener, (struct sockaddr *)&addr, &len), "name a listener");
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	duel_need(!connect(fd[0], (struct sockaddr *)&addr, len), "connect");
	fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	duel_need(fd[1] >= 0, "accept");
	close(listener);
	duel_need(!fcntl(fd[0], F_SETFL, O_NONBLOCK), "make a socket non-blocking");
	duel_need(!setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), "set SO_LINGER");
	/* No segment waits for an earlier one: what does not come soon does not come. */
	duel_need(!setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) &&
		  !setsockopt(fd[1], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)),
		  "set TCP_NODELAY");
}

static enum middle_way to_ours(const struct duel *duel)
{
	return duel->sides->role == KTLSX_CLIENT ? MIDDLE_TO_CLIENT : MIDDLE_TO_SERVER;
}

static enum middle_way to_peer(const struct duel *duel)
{
	return duel->sides->role == KTLSX_CLIENT ? MIDDLE_TO_SERVER : MIDDLE_TO_CLIENT;
}

static void end_wire(struct duel *duel)
{
	if (!duel->is_wire_ended)
		shutdown(duel->wire, SHUT_WR);
	duel->is_wire_ended = true;
}

static void end_peer(struct duel *duel)
{
	BIO_set_mem_eof_return(SSL_get_rbio(duel->peer), 0);
}

static bool step_ours(struct duel *duel)
{
	struct ktlsx_want want;
	int err;

	if (duel->is_ours_done)
		return false;
	err = ktlsx_handshake_step(duel->conn, &want);
	if (err == -EAGAIN)
		return false;
	duel->is_ours_done = true;
	duel->result->err = err;
	return true;
}

static bool step_peer(struct duel *duel)
{
	int ret;

	if (duel->is_peer_over)
		return false;
	ERR_clear_error();
	ret = SSL_do_handshake(duel->peer);
	if (ret <= 0 && SSL_get_error(duel->peer, ret) == SSL_ERROR_WANT_READ)
		return false;
	duel->is_peer_over = true;
	duel->result->is_peer_done = ret > 0;
	return true;
}

static bool collect_ours(struct duel *duel)
{
	uint8_t buf[4096];
	bool has_moved = false;
	ssize_t got;

	while ((got = recv(duel->wire, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		duel_need(!middle_push(&duel->middle, to_peer(duel), buf, got), "keep what came");
		has_moved = true;
	}
	if (!got || (errno != EAGAIN && errno != EINTR))
		end_peer(duel);
	return has_moved;
}

static bool collect_peer(struct duel *duel)
{
	uint8_t buf[4096];
	bool has_moved = false;
	int got;

	while ((got = BIO_read(SSL_get_wbio(duel->peer), buf, sizeof(buf))) > 0) {
		duel_need(!middle_push(&duel->middle, to_ours(duel), buf, got), "keep what came");
		has_moved = true;
	}
	return has_moved;
}

static bool pass_to_peer(struct duel *duel)
{
	enum middle_way way = to_peer(duel);
	const uint8_t *bytes;
	size_t len = middle_peek(&duel->middle, way, &bytes);

	if (len) {
		duel_need(BIO_write(SSL_get_rbio(duel->peer), bytes, len) == (int)len,
			  "write to a BIO");
		middle_drop(&duel->middle, way, len);
	}
	if (duel->middle.lanes[way].has_ended)
		end_peer(duel);
	return len;
}

static bool pass_to_ours(struct duel *duel)
{
	enum middle_way way = to_ours(duel);
	const uint8_t *bytes;
	size_t len = middle_peek(&duel->middle, way, &bytes);
	ssize_t sent = 0;

	if (len) {
		sent = send(duel->wire, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		/* Who has closed gets nothing more. */
		middle_drop(&duel->middle, way, sent < 0 && errno != EAGAIN ? (ssize_t)len :
			    sent < 0 ? 0 : sent);
	}
	if (middle_peek(&duel->middle, way, &bytes))
		return sent > 0;
	if (duel->middle.lanes[way].has_ended ||
	    (duel->is_peer_over && !duel->result->is_peer_done))
		end_wire(duel);
	return sent > 0;
}

/* Everything that can move without waiting moves once. */
static bool turn(struct duel *duel)
{
	bool has_moved = step_ours(duel);

	has_moved |= collect_ours(duel);
	has_moved |= pass_to_peer(duel);
	has_moved |= step_peer(duel);
	has_moved |= collect_peer(duel);
	has_moved |= pass_to_ours(duel);
	return has_moved;
}

/* Loopback delivers at once, or nearly: softirqs may be late. */
static bool is_quiet(struct duel *duel, int wait_ms)
{
	struct pollfd both[2] = {
		{ .fd = duel->is_ours_done ? -1 : duel->ours, .events = POLLIN },
		{ .fd = duel->wire, .events = POLLIN },
	};

	return poll(both, 2, wait_ms) <= 0;
}

static void fight(struct duel *duel)
{
	unsigned int round;

	for (round = 0; round < ROUNDS_MAX; round++) {
		if (turn(duel))
			continue;
		if (duel->is_ours_done && duel->is_peer_over)
			return;
		if (!is_quiet(duel, duel->is_wire_ended ? END_MS : QUIET_MS))
			continue;
		if (duel->is_wire_ended)
			break;
		end_wire(duel);
		end_peer(duel);
	}
	duel->result->is_hung = !duel->is_ours_done;
}

static bool hears_ours(struct duel *duel)
{
	char buf[sizeof(from_ours)];
	unsigned int quiet_count = 0;
	size_t got = 0;

	if (ktlsx_write(duel->conn, from_ours, sizeof(from_ours)) != sizeof(from_ours))
		return false;
	while (quiet_count < QUIET_MAX && got < sizeof(buf)) {
		quiet_count = turn(duel) ? 0 : quiet_count + 1;
		is_quiet(duel, quiet_count ? QUIET_MS : 0);
		if (SSL_read_ex(duel->peer, buf, sizeof(buf), &got) <= 0)
			got = 0;
	}
	return got == sizeof(buf) && !memcmp(buf, from_ours, sizeof(buf));
}

static bool hears_peer(struct duel *duel)
{
	struct pollfd ours = { .fd = duel->ours, .events = POLLIN };
	char buf[sizeof(from_peer) + 1];
	unsigned int quiet_count = 0;
	ssize_t got = -EAGAIN;

	if (SSL_write(duel->peer, from_peer, sizeof(from_peer)) <= 0)
		return false;
	while (quiet_count < QUIET_MAX && got == -EAGAIN) {
		quiet_count = turn(duel) ? 0 : quiet_count + 1;
		poll(&ours, 1, QUIET_MS);
		got = ktlsx_read(duel->conn, buf, sizeof(buf));
	}
	return got == sizeof(from_peer) && !memcmp(buf, from_peer, sizeof(from_peer));
}

static bool exports_same(struct duel *duel)
{
	uint8_t ours[EXPORT_LEN] = { 0 }, theirs[EXPORT_LEN] = { 1 };

	return !ktlsx_export(duel->conn, LABEL, NULL, 0, ours, sizeof(ours)) &&
	       SSL_export_keying_material(duel->peer, theirs, sizeof(theirs), LABEL,
					  strlen(LABEL), NULL, 0, 0) > 0 &&
	       !memcmp(ours, theirs, sizeof(ours));
}

/* What the library makes of the end of a stream that did not come to anything. */
static void read_once(struct duel *duel)
{
	struct duel_result *result = duel->result;
	struct pollfd ours = { .fd = duel->ours, .events = POLLIN };
	ssize_t got = -EAGAIN;
	unsigned int round;
	char buf[64];

	end_wire(duel);
	for (round = 0; round < ROUNDS_MAX && got == -EAGAIN; round++) {
		poll(&ours, 1, QUIET_MS);
		got = ktlsx_read(duel->conn, buf, sizeof(buf));
	}
	result->read_answer = got;
	snprintf(result->read_text, sizeof(result->read_text), "%s", ktlsx_error(duel->conn));
}

static void judge(struct duel *duel)
{
	struct pollfd ours = { .fd = duel->ours };
	struct duel_result *result = duel->result;
	char buf[64];
	int way;

	snprintf(result->text, sizeof(result->text), "%s", ktlsx_error(duel->conn));
	result->key_count = kernel_install_count() - duel->install_count;
	poll(&ours, 1, 0);
	result->is_shut = ours.revents & POLLHUP;
	result->fd_answer = ktlsx_fd(duel->conn);
	result->sent_alert = duel->middle.lanes[to_peer(duel)].alert;
	result->is_garbled = duel->middle.lanes[to_peer(duel)].is_garbled;
	result->rest_len = duel->middle.lanes[to_peer(duel)].in_len;
	for (way = 0; way < MIDDLE_WAY_COUNT; way++)
		result->record_count[way] = duel->middle.lanes[way].record_count;
	duel->middle.hook.touch = NULL;
	if (result->err || result->is_hung) {
		result->peer_got_content = result->is_peer_done &&
					   SSL_read(duel->peer, buf, sizeof(buf)) > 0;
		return;
	}
	if (result->is_peer_done)
		result->is_agreed = exports_same(duel) && hears_ours(duel) &&
				    hears_peer(duel);
	if (!result->is_agreed)
		read_once(duel);
}

static void on_info(const SSL *ssl, int where, int ret)
{
	struct duel_result *result = SSL_get_app_data(ssl);

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
		result->peer_got_alert = ret & 0xff;
}

static SSL *make_peer(const struct duel_sides *sides, struct duel_result *result)
{
	SSL *ssl = SSL_new(sides->peer);

	duel_need(ssl, "make an SSL");
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	/* Empty is not the end; end_peer() says when it is. */
	BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
	SSL_set_app_data(ssl, result);
	SSL_set_info_callback(ssl, on_info);
	if (sides->role == KTLSX_CLIENT) {
		SSL_set_accept_state(ssl);
		return ssl;
	}
	SSL_set_connect_state(ssl);
	duel_need(SSL_set_tlsext_host_name(ssl, "localhost") > 0, "set a name");
	duel_need(SSL_set1_host(ssl, "localhost") > 0, "set a name");
	return ssl;
}

/**
 * duel_run() - one handshake, and what follows it
 * @hook: sees every record until both sides are done
 * @result: filled
 */
void duel_run(const struct duel_sides *sides, const struct middle_hook *hook,
	      struct duel_result *result)
{
	struct duel *duel = malloc(sizeof(*duel));
	int fd[2];

	duel_need(duel, "allocate");
	memset(result, 0, sizeof(*result));
	result->peer_got_alert = DUEL_NO_ALERT;
	duel_tcp(fd);
	duel->sides = sides;
	duel->result = result;
	duel->ours = fd[0];
	duel->wire = fd[1];
	duel->is_ours_done = false;
	duel->is_peer_over = false;
	duel->is_wire_ended = false;
	duel->install_count = kernel_install_count();
	middle_init(&duel->middle, hook);
	duel->peer = make_peer(sides, result);
	duel_need(!ktlsx_conn_new(&duel->conn, sides->config, fd[0],
				  sides->role == KTLSX_CLIENT ? "localhost" : NULL),
		  ktlsx_config_error(sides->config));
	fight(duel);
	judge(duel);
	ktlsx_conn_free(duel->conn);
	SSL_free(duel->peer);
	close(fd[1]);
	close(fd[0]);
	free(duel);
}
