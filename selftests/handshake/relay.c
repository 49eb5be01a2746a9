// SPDX-License-Identifier: MIT
/*
 * Owns: the wire between a peer and the library (see relay.h).
 * Must not know: TLS, but the record header.
 * Concurrency: see relay.h.
 * Follows: RFC 8446 5.1.
 */
#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../conn.h"

#define CHUNK_LEN	16384
#define HEADER_LEN	5

static void keep(struct relay_kept *kept, const uint8_t *bytes, size_t len)
{
	if (kept->len + len > kept->size) {
		kept->size = (kept->len + len) * 2;
		kept->bytes = realloc(kept->bytes, kept->size);
		if (!kept->bytes)
			abort();
	}
	memcpy(kept->bytes + kept->len, bytes, len);
	kept->len += len;
}

static void note_turn(struct relay *relay, enum relay_way way, size_t len)
{
	size_t size = (relay->turn_count + 1) * sizeof(*relay->turns);

	relay->turns = realloc(relay->turns, size);
	if (!relay->turns)
		abort();
	relay->turns[relay->turn_count++] = (struct relay_turn){
		.way = way, .off = relay->kept[way].len, .len = len,
	};
}

/**
 * relay_insert() - puts the relay between a peer and the library
 * @peer_fd: connected to the peer; the relay closes it
 * Return: descriptor for the library, or -errno.
 */
int relay_insert(struct relay *relay, int peer_fd)
{
	int fd[2], ret;

	*relay = (struct relay){ .peer_fd = peer_fd };
	ret = conn_pair(fd, CONN_LO, AF_INET);
	relay->our_fd = fd[0];
	return ret ? ret : fd[1];
}

/**
 * relay_pass() - passes what has come one way
 * @len: bytes at most
 * Return: bytes passed, 0 when there are none, or when that way has ended.
 */
size_t relay_pass(struct relay *relay, enum relay_way way, size_t len)
{
	int from = way == RELAY_TO_US ? relay->peer_fd : relay->our_fd;
	int to = way == RELAY_TO_US ? relay->our_fd : relay->peer_fd;
	uint8_t bytes[CHUNK_LEN];
	ssize_t got;

	if (relay->is_ended[way])
		return 0;
	got = recv(from, bytes, len < sizeof(bytes) ? len : sizeof(bytes), MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got > 0) {
		note_turn(relay, way, got);
		keep(&relay->kept[way], bytes, got);
		if (conn_send_all(to, bytes, got, MSG_NOSIGNAL) == got)
			return got;
	}
	shutdown(to, SHUT_WR);
	relay->is_ended[way] = true;
	return 0;
}

static void *run(void *arg)
{
	struct relay *relay = arg;

	while (!relay->is_ended[RELAY_TO_US] || !relay->is_ended[RELAY_TO_PEER]) {
		struct pollfd fds[RELAY_WAY_COUNT] = {
			{ relay->is_ended[RELAY_TO_US] ? -1 : relay->peer_fd, POLLIN, 0 },
			{ relay->is_ended[RELAY_TO_PEER] ? -1 : relay->our_fd, POLLIN, 0 },
		};

		poll(fds, RELAY_WAY_COUNT, -1);
		for (int way = 0; way < RELAY_WAY_COUNT; way++)
			if (fds[way].revents)
				relay_pass(relay, way, CHUNK_LEN);
	}
	return NULL;
}

/**
 * relay_run() - passes everything both ways, in a thread, until both ways have ended
 */
void relay_run(struct relay *relay)
{
	if (pthread_create(&relay->thread, NULL, run, relay))
		abort();
}

/**
 * relay_end() - waits until both ways have ended, and closes the relay's descriptors
 */
void relay_end(struct relay *relay)
{
	pthread_join(relay->thread, NULL);
	close(relay->peer_fd);
	close(relay->our_fd);
}

/**
 * relay_free() - drops what was kept
 */
void relay_free(struct relay *relay)
{
	for (int way = 0; way < RELAY_WAY_COUNT; way++)
		free(relay->kept[way].bytes);
	free(relay->turns);
	memset(relay, 0, sizeof(*relay));
}

/**
 * relay_next_record() - where the record after the one at @off begins
 * Return: 0 when that one is not whole.
 */
size_t relay_next_record(const struct relay_kept *kept, size_t off)
{
	const uint8_t *header = kept->bytes + off;
	size_t end;

	if (off + HEADER_LEN > kept->len)
		return 0;
	end = off + HEADER_LEN + (header[3] << 8 | header[4]);
	return end <= kept->len ? end : 0;
}
