// SPDX-License-Identifier: MIT
/*
 * Owns: children that are peers, the thread that collects what each prints,
 * and sockets towards them (see peer.h).
 * Must not know: TLS, the library.
 * Concurrency: @text and @is_reaped under the mutex of the peer.
 * Follows: pthreads(7), poll(2).
 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_LEN	65536
#define RETRY_NS	2000000
#define SHOWN_LEN	1500

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "test peer: %s: %s\n", what, strerror(errno));
	abort();
}

/**
 * peer_wait_ms() - the bound of every wait, stretched by $KTLSX_SLOW
 */
int peer_wait_ms(void)
{
	const char *slow = getenv("KTLSX_SLOW");

	return PEER_WAIT_MS * (slow && atoi(slow) > 0 ? atoi(slow) : 1);
}

/**
 * peer_say_word() - appends one word to a command line, blanks and all
 */
void peer_say_word(struct peer_args *args, const char *word)
{
	must(args->count < PEER_ARG_MAX - 1, "too many words");
	args->word[args->count++] = strdup(word);
}

/**
 * peer_say() - appends words that are separated by blanks
 */
void peer_say(struct peer_args *args, const char *format, ...)
{
	char line[2000], *word, *at;
	va_list list;

	va_start(list, format);
	must(vsnprintf(line, sizeof(line), format, list) < (int)sizeof(line), "line too long");
	va_end(list);
	for (word = strtok_r(line, " ", &at); word; word = strtok_r(NULL, " ", &at))
		peer_say_word(args, word);
}

static void append(struct peer_text *text, const char *bytes, size_t len)
{
	if (text->len + len + 1 > text->size) {
		text->size = (text->len + len + 1) * 2;
		text->bytes = realloc(text->bytes, text->size);
		must(text->bytes, "memory");
	}
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	text->bytes[text->len] = '\0';
}

/* Reads once what is there. */
static void collect_from(struct peer *peer, struct peer_text *text)
{
	char bytes[CHUNK_LEN];
	ssize_t got = read(text->fd, bytes, sizeof(bytes));

	if (got < 0 && errno == EINTR)
		return;
	pthread_mutex_lock(&peer->mutex);
	if (got > 0)
		append(text, bytes, got);
	else
		text->is_ended = true;
	pthread_cond_broadcast(&peer->grown);
	pthread_mutex_unlock(&peer->mutex);
}

static void *collect(void *arg)
{
	struct peer *peer = arg;

	for (;;) {
		struct pollfd fds[PEER_STREAM_COUNT];
		int open_count = 0;

		for (int i = 0; i < PEER_STREAM_COUNT; i++) {
			fds[i].fd = peer->text[i].is_ended ? -1 : peer->text[i].fd;
			fds[i].events = POLLIN;
			open_count += fds[i].fd >= 0;
		}
		if (!open_count)
			return NULL;
		poll(fds, PEER_STREAM_COUNT, -1);
		for (int i = 0; i < PEER_STREAM_COUNT; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				collect_from(peer, &peer->text[i]);
	}
}

static void become(const struct peer_args *args, int in, int out, int err)
{
	sigset_t none;

	/* A peer does not outlive its test, however that ends. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	setenv("LC_ALL", "C", 1);
	execvp(args->word[0], (char *const *)args->word);
	dprintf(STDERR_FILENO, "cannot execute %s: %s\n", args->word[0], strerror(errno));
	_exit(127);
}

static void init(struct peer *peer)
{
	pthread_condattr_t attributes;

	memset(peer, 0, sizeof(*peer));
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&peer->grown, &attributes);
	pthread_mutex_init(&peer->mutex, NULL);
	for (int i = 0; i < PEER_STREAM_COUNT; i++)
		append(&peer->text[i], "", 0);
}

/**
 * peer_start() - runs a program as a child, with pipes for its streams
 * @peer: filled
 * @args: command line, emptied; the first word is looked up in $PATH
 */
void peer_start(struct peer *peer, struct peer_args *args)
{
	int in[2], out[2], err[2];

	init(peer);
	must(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC), "pipe");
	peer->pid = fork();
	must(peer->pid >= 0, "fork");
	if (!peer->pid)
		become(args, in[0], out[1], err[1]);
	while (args->count)
		free((char *)args->word[--args->count]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	peer->in = in[1];
	peer->text[PEER_OUT].fd = out[0];
	peer->text[PEER_ERR].fd = err[0];
	must(!pthread_create(&peer->collector, NULL, collect, peer), "thread");
}

static struct timespec deadline(void)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_sec += peer_wait_ms() / 1000;
	return when;
}

/* Waits until @text holds @needle, or @len bytes, or has ended. Return: whether it does. */
static bool await(struct peer *peer, struct peer_text *text, const char *needle, size_t len)
{
	struct timespec until = deadline();
	bool has_it = false;
	int ret = 0;

	pthread_mutex_lock(&peer->mutex);
	for (;;) {
		has_it = needle ? !!memmem(text->bytes, text->len, needle, strlen(needle)) :
				  text->len >= len;
		if (has_it || text->is_ended || ret)
			break;
		ret = pthread_cond_timedwait(&peer->grown, &peer->mutex, &until);
	}
	pthread_mutex_unlock(&peer->mutex);
	return has_it;
}

/**
 * peer_await() - waits until the program has printed @text
 * Return: false when time ran out or the stream ended without it.
 */
bool peer_await(struct peer *peer, enum peer_stream stream, const char *text)
{
	return await(peer, &peer->text[stream], text, 0);
}

/**
 * peer_await_len() - waits until the program has printed @len bytes in all
 * Return: as peer_await().
 */
bool peer_await_len(struct peer *peer, enum peer_stream stream, size_t len)
{
	return await(peer, &peer->text[stream], NULL, len);
}

static bool has_ended(struct peer *peer)
{
	if (!peer->is_reaped && waitpid(peer->pid, &peer->status, WNOHANG) == peer->pid)
		peer->is_reaped = true;
	return peer->is_reaped;
}

/**
 * peer_await_end() - waits until the program has ended, and reaps it
 * Return: false when time ran out.
 */
bool peer_await_end(struct peer *peer)
{
	await(peer, &peer->text[PEER_OUT], NULL, SIZE_MAX);
	await(peer, &peer->text[PEER_ERR], NULL, SIZE_MAX);
	for (int ms = 0; !peer->is_reaped && ms < peer_wait_ms(); ms += 2) {
		if (!has_ended(peer))
			nanosleep(&(struct timespec){ .tv_nsec = RETRY_NS }, NULL);
	}
	return peer->is_reaped;
}

/**
 * peer_end_input() - end of file on its standard input
 */
void peer_end_input(struct peer *peer)
{
	if (peer->in >= 0)
		close(peer->in);
	peer->in = -1;
}

/**
 * peer_stop() - ends the program, by force if it still runs, and drops the peer's descriptors
 * Return: what waitpid() said.
 */
int peer_stop(struct peer *peer)
{
	if (!peer->is_reaped) {
		kill(peer->pid, SIGKILL);
		must(waitpid(peer->pid, &peer->status, 0) == peer->pid, "waitpid");
		peer->is_reaped = true;
	}
	peer_end_input(peer);
	pthread_join(peer->collector, NULL);
	for (int i = 0; i < PEER_STREAM_COUNT; i++) {
		close(peer->text[i].fd);
		free(peer->text[i].bytes);
	}
	return peer->status;
}

/**
 * peer_show() - prints the end of what the program printed as diagnostics
 */
void peer_show(struct peer *peer)
{
	static const char *const names[] = { "out", "err" };

	pthread_mutex_lock(&peer->mutex);
	for (int i = 0; i < PEER_STREAM_COUNT; i++) {
		struct peer_text *text = &peer->text[i];
		size_t off = text->len > SHOWN_LEN ? text->len - SHOWN_LEN : 0;
		char *copy = strndup(text->bytes + off, text->len - off), *line, *at;

		for (line = strtok_r(copy, "\n", &at); line; line = strtok_r(NULL, "\n", &at))
			printf("# peer %s: %.200s\n", names[i], line);
		free(copy);
	}
	fflush(stdout);
	pthread_mutex_unlock(&peer->mutex);
}

static int bind_any(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	must(fd >= 0 && !bind(fd, (struct sockaddr *)address, len) &&
	     !getsockname(fd, (struct sockaddr *)address, &len), "bind");
	return fd;
}

/**
 * peer_free_port() - a port nobody listens on, for a program that cannot choose by itself
 */
uint16_t peer_free_port(void)
{
	struct sockaddr_in address;

	close(bind_any(&address));
	return ntohs(address.sin_port);
}

/**
 * peer_listen() - a listening socket on loopback
 * @port: out
 */
int peer_listen(uint16_t *port)
{
	struct sockaddr_in address;
	int fd = bind_any(&address);

	must(!listen(fd, 16), "listen");
	*port = ntohs(address.sin_port);
	return fd;
}

/**
 * peer_accept() - the next connection, within the bound
 * Return: descriptor, or -1 with errno.
 */
int peer_accept(int listener)
{
	struct pollfd waiting = { .fd = listener, .events = POLLIN };
	int one = 1, fd;

	if (poll(&waiting, 1, peer_wait_ms()) != 1) {
		errno = ETIMEDOUT;
		return -1;
	}
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/**
 * peer_connect() - connects to the port of a program, as soon as that listens
 * Return: descriptor, or -1 with errno: the program ended, or time ran out.
 */
int peer_connect(struct peer *peer)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(peer->port),
	};
	int one = 1;

	for (int ms = 0; ms < peer_wait_ms(); ms += 2) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (!connect(fd, (struct sockaddr *)&address, sizeof(address))) {
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			return fd;
		}
		close(fd);
		if (errno != ECONNREFUSED || has_ended(peer))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = RETRY_NS }, NULL);
	}
	return -1;
}
