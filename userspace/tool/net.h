/* SPDX-License-Identifier: MIT */
/*
 * TCP: from what a person types to a connected or listening socket, and back.
 * Knows no TLS.
 */
#ifndef KTLSX_NET_H
#define KTLSX_NET_H

#include <sys/socket.h>

#include "report.h"

/**
 * struct ktlsx_endpoint - a host and a port, as text
 * @host: name or address, without brackets; "" is every address of ours
 * @port: number or name of a service
 */
struct ktlsx_endpoint {
	char host[256];
	char port[32];
};

int ktlsx_net_split(const char *text, struct ktlsx_endpoint *endpoint);
enum ktlsx_exit ktlsx_net_connect(const struct ktlsx_report *report,
				  const struct ktlsx_endpoint *endpoint, int timeout_ms, int *fd);
enum ktlsx_exit ktlsx_net_listen(const struct ktlsx_report *report,
				 const struct ktlsx_endpoint *endpoint, int *fd);
int ktlsx_net_accept(int listener, int timeout_ms);
void ktlsx_net_name(int fd, int (*ask)(int, struct sockaddr *, socklen_t *),
		    struct ktlsx_endpoint *endpoint);
const char *ktlsx_net_show(const struct ktlsx_endpoint *endpoint, char *text, size_t size);

#endif /* KTLSX_NET_H */
