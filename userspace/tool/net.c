// SPDX-License-Identifier: MIT
/*
 * Owns: names, addresses and ports; connecting to the first address that
 * answers; listening. Every socket is made close-on-exec and non-blocking.
 * Must not know: TLS, nor what goes over a socket.
 * Concurrency: none.
 * Spec: RFC 3986 section 3.2.2 (brackets), RFC 3493 (IPv4 over IPv6 sockets).
 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "wait.h"

static int copy(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		return -EINVAL;
	memcpy(to, from, len);
	to[len] = '\0';
	return 0;
}

/**
 * ktlsx_net_split() - take HOST:PORT, [ADDRESS]:PORT or PORT apart
 * @text: what was typed
 * @endpoint: filled
 *
 * Return: 0; -EINVAL it is none of these.
 */
int ktlsx_net_split(const char *text, struct ktlsx_endpoint *endpoint)
{
	const char *colon = strrchr(text, ':'), *end = colon;
	const char *port = colon ? colon + 1 : text;

	if (colon && *text == '[') {
		text++;
		end--;
		if (end <= text || *end != ']')
			return -EINVAL;
	} else if (colon && memchr(text, ':', (size_t)(colon - text))) {
		return -EINVAL;
	}
	if (!*port || strspn(port, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(port))
		return -EINVAL;
	if (copy(endpoint->host, sizeof(endpoint->host), text,
		 colon ? (size_t)(end - text) : 0))
		return -EINVAL;
	return copy(endpoint->port, sizeof(endpoint->port), port, strlen(port));
}

/**
 * ktlsx_net_show() - an endpoint as a person types it
 * @endpoint: endpoint
 * @text: where to
 * @size: its bytes
 *
 * Return: @text
 */
const char *ktlsx_net_show(const struct ktlsx_endpoint *endpoint, char *text, size_t size)
{
	bool has_colon = strchr(endpoint->host, ':');

	snprintf(text, size, "%s%s%s:%s", has_colon ? "[" : "", endpoint->host,
		 has_colon ? "]" : "", endpoint->port);
	return text;
}

/**
 * ktlsx_net_name() - an address of a socket as text
 * @fd: socket
 * @ask: getpeername or getsockname
 * @endpoint: filled; empty texts when the socket has none
 */
void ktlsx_net_name(int fd, int (*ask)(int, struct sockaddr *, socklen_t *),
		    struct ktlsx_endpoint *endpoint)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);

	memset(endpoint, 0, sizeof(*endpoint));
	if (ask(fd, (struct sockaddr *)&address, &len))
		return;
	getnameinfo((struct sockaddr *)&address, len, endpoint->host, sizeof(endpoint->host),
		    endpoint->port, sizeof(endpoint->port), NI_NUMERICHOST | NI_NUMERICSERV);
	if (!strncmp(endpoint->host, "::ffff:", 7) && strchr(endpoint->host, '.'))
		memmove(endpoint->host, endpoint->host + 7, strlen(endpoint->host + 7) + 1);
}

static enum ktlsx_exit resolve(const struct ktlsx_report *report,
			       const struct ktlsx_endpoint *endpoint, int flags,
			       struct addrinfo **list)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	const char *host = *endpoint->host ? endpoint->host : NULL;
	int err = getaddrinfo(host, endpoint->port, &hints, list);

	if (!err)
		return KTLSX_EXIT_OK;
	return ktlsx_report_error(report, KTLSX_EXIT_NETWORK,
				  "cannot find %s, port %s: %s: check the spelling and the name server",
				  host ? host : "an address of this machine", endpoint->port,
				  err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
}

static int new_socket(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			IPPROTO_TCP);

	return fd < 0 ? -errno : fd;
}

static int connect_one(const struct addrinfo *address, int timeout_ms)
{
	int fd = new_socket(address), err = 0, one = 1;
	socklen_t len = sizeof(err);

	if (fd < 0)
		return fd;
	if (connect(fd, address->ai_addr, address->ai_addrlen))
		err = errno;
	if (err == EINPROGRESS) {
		err = -ktlsx_wait_for(fd, POLLOUT, timeout_ms);
		if (!err && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
			err = errno;
	}
	if (err) {
		close(fd);
		return -err;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static const char *connect_remedy(int err)
{
	switch (err) {
	case -ECONNREFUSED:
		return "nothing listens on that port";
	case -ETIMEDOUT:
		return "a firewall may drop the packets; --timeout waits longer";
	case -ENETUNREACH:
	case -EHOSTUNREACH:
		return "this machine has no route there";
	default:
		return "the kernel refused";
	}
}

/**
 * ktlsx_net_connect() - connect to the first address of a host that answers
 * @report: is told when none does
 * @endpoint: where to
 * @timeout_ms: for each address
 * @fd: the socket
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_NETWORK.
 */
enum ktlsx_exit ktlsx_net_connect(const struct ktlsx_report *report,
				  const struct ktlsx_endpoint *endpoint, int timeout_ms, int *fd)
{
	struct addrinfo *list;
	enum ktlsx_exit status = resolve(report, endpoint, 0, &list);
	char where[320];

	if (status)
		return status;
	*fd = -EADDRNOTAVAIL;
	for (struct addrinfo *one = list; one && *fd < 0; one = one->ai_next)
		*fd = connect_one(one, timeout_ms);
	freeaddrinfo(list);
	if (*fd >= 0)
		return KTLSX_EXIT_OK;
	return ktlsx_report_error(report, KTLSX_EXIT_NETWORK, "cannot connect to %s: %s: %s",
				  ktlsx_net_show(endpoint, where, sizeof(where)),
				  strerror(-*fd), connect_remedy(*fd));
}

static int listen_one(const struct addrinfo *address, bool is_only_ipv6)
{
	int fd = new_socket(address), one = 1, ipv6 = is_only_ipv6, err = 0;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6, sizeof(ipv6));
	if (bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, SOMAXCONN))
		err = -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

/* An IPv6 socket serves both families, where the kernel has IPv6. */
static int listen_any(const struct addrinfo *list, bool is_everywhere)
{
	int fd = -EADDRNOTAVAIL;

	for (const struct addrinfo *one = list; is_everywhere && one && fd < 0; one = one->ai_next)
		if (one->ai_family == AF_INET6)
			fd = listen_one(one, false);
	for (const struct addrinfo *one = list; one && fd < 0 && fd != -EADDRINUSE;
	     one = one->ai_next)
		fd = listen_one(one, true);
	return fd;
}

static const char *listen_remedy(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "another program has that port";
	case -EACCES:
		return "ports below 1024 are for root: take a higher one";
	case -EADDRNOTAVAIL:
		return "this machine does not have that address";
	default:
		return "the kernel refused";
	}
}

/**
 * ktlsx_net_listen() - listen on a port
 * @report: is told what went wrong
 * @endpoint: where
 * @fd: the socket
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_NETWORK.
 */
enum ktlsx_exit ktlsx_net_listen(const struct ktlsx_report *report,
				 const struct ktlsx_endpoint *endpoint, int *fd)
{
	struct addrinfo *list;
	enum ktlsx_exit status = resolve(report, endpoint, AI_PASSIVE, &list);
	char where[320];

	if (status)
		return status;
	*fd = listen_any(list, !*endpoint->host);
	freeaddrinfo(list);
	if (*fd >= 0)
		return KTLSX_EXIT_OK;
	return ktlsx_report_error(report, KTLSX_EXIT_NETWORK, "cannot listen on %s: %s: %s",
				  ktlsx_net_show(endpoint, where, sizeof(where)),
				  strerror(-*fd), listen_remedy(*fd));
}

/**
 * ktlsx_net_accept() - wait for the next connection
 * @listener: listening socket
 * @timeout_ms: negative: for ever
 *
 * Return: socket; -ETIMEDOUT; -EINTR we are to stop; -errno.
 */
int ktlsx_net_accept(int listener, int timeout_ms)
{
	int one = 1, fd;

	do {
		int err = ktlsx_wait_for(listener, POLLIN, timeout_ms);

		if (err)
			return err;
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		/* Gone again before we came, or a network error of the connection (accept(2)). */
	} while (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR ||
			    errno == EPROTO || errno == ENETDOWN || errno == EHOSTUNREACH));
	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}
