// SPDX-License-Identifier: MIT
/*
 * Owns: trying a ULP name on a connected loopback pair, without loading a
 * module by that: root's attach would.
 * Must not know: what anybody concludes.
 * Concurrency: none.
 * Spec: KTLSX_FEATURES in <linux/ktlsx.h>.
 */
#include "probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AVAILABLE_PATH "/proc/sys/net/ipv4/tcp_available_ulp"

static int listen_on(int family, struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP), err = 0;

	if (fd < 0)
		return -errno;
	memset(address, 0, sizeof(*address));
	address->ss_family = (sa_family_t)family;
	*len = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	if (family == AF_INET)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		v6->sin6_addr = in6addr_loopback;
	if (bind(fd, (struct sockaddr *)address, *len) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)address, len))
		err = -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

static int pair_of(int family, int *pair)
{
	struct sockaddr_storage address;
	socklen_t len;
	int listener = listen_on(family, &address, &len);

	if (listener < 0)
		return listener;
	pair[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	pair[1] = -1;
	if (pair[0] >= 0 && !connect(pair[0], (struct sockaddr *)&address, len))
		pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (pair[1] < 0) {
		int err = -errno;

		if (pair[0] >= 0)
			close(pair[0]);
		close(listener);
		return err;
	}
	close(listener);
	return 0;
}

/**
 * ktlsx_probe_pair() - two sockets that are connected over the loopback device
 * @pair: both, blocking
 *
 * Return: 0; -errno.
 */
int ktlsx_probe_pair(int *pair)
{
	return pair_of(AF_INET, pair) ? pair_of(AF_INET6, pair) : 0;
}

/**
 * ktlsx_probe_is_loaded() - is our module there?
 *
 * Return: true when it is.
 */
bool ktlsx_probe_is_loaded(void)
{
	return !access("/sys/module/ktlsx", F_OK);
}

/**
 * ktlsx_probe_has() - is a name there without loading a module?
 * @name: of a ULP
 *
 * Return: true: it is listed; or this network namespace shows no list, and our
 * module is loaded.
 */
bool ktlsx_probe_has(const char *name)
{
	FILE *file = fopen(AVAILABLE_PATH, "re");
	char word[64];
	bool is_there = false;

	if (!file)
		return ktlsx_probe_is_loaded();
	while (!is_there && fscanf(file, "%63s", word) == 1)
		is_there = !strcmp(word, name);
	fclose(file);
	return is_there;
}

/**
 * ktlsx_probe_ulp() - attach a name, and ask who answers
 * @name: of a ULP
 * @features: filled when it is ours
 *
 * Return: 0 ours; -ENOPROTOOPT attached, but not ours; other -errno: of the attach.
 */
int ktlsx_probe_ulp(const char *name, struct ktlsx_features *features)
{
	socklen_t len = sizeof(*features);
	int pair[KTLSX_PROBE_PAIR], err;

	memset(features, 0, sizeof(*features));
	err = ktlsx_probe_pair(pair);
	if (err)
		return err;
	if (setsockopt(pair[0], SOL_TCP, TCP_ULP, name, (socklen_t)strlen(name)))
		err = -errno;
	else if (getsockopt(pair[0], SOL_TLS, KTLSX_FEATURES, features, &len))
		err = -ENOPROTOOPT;
	close(pair[0]);
	close(pair[1]);
	return err;
}
