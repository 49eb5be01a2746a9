// SPDX-License-Identifier: MIT
/*
 * Owns: the shape of the loopback device (see netshape.h).
 * Must not know: sockets under test, TLS.
 * Concurrency: called by one thread, before or between connections.
 * Follows: rtnetlink(7), ethtool ioctl, tc-netem(8).
 */
#include "netshape.h"

#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/ethtool.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

#define LO_INDEX	1

static int lo_ioctl(unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	strcpy(ifr->ifr_name, "lo");
	ret = ioctl(fd, request, ifr) ? -errno : 0;
	close(fd);
	return ret;
}

int netshape_lo_up(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING };

	return lo_ioctl(SIOCSIFFLAGS, &ifr);
}

int netshape_mtu(int mtu_len)
{
	struct ifreq ifr = { .ifr_mtu = mtu_len };

	return lo_ioctl(SIOCSIFMTU, &ifr);
}

int netshape_offloads_off(void)
{
	static const uint32_t commands[] = { ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO };
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct ethtool_value value = { .cmd = commands[i] };
		struct ifreq ifr = { .ifr_data = (void *)&value };

		ret = lo_ioctl(SIOCETHTOOL, &ifr);
	}
	return ret;
}

/* The message that makes netem the root qdisc of lo, as one flat struct. */
struct netem_request {
	struct nlmsghdr header;
	struct tcmsg tc;
	struct nlattr kind;
	char kind_name[8];
	struct nlattr options;
	struct tc_netem_qopt qopt;
	struct nlattr latency;
	uint8_t latency_ns[sizeof(int64_t)];	/* not aligned: a netlink attribute */
	struct nlattr reorder;
	struct tc_netem_reorder reorder_value;
};

static int netem_send(struct netem_request *request)
{
	struct { struct nlmsghdr header; struct nlmsgerr error; char rest[512]; } reply;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (send(fd, request, sizeof(*request), 0) < 0 || recv(fd, &reply, sizeof(reply), 0) < 0)
		ret = -errno;
	else if (reply.header.nlmsg_type == NLMSG_ERROR)
		ret = reply.error.error;
	close(fd);
	return ret;
}

int netshape_netem(unsigned int delay_usec, double loss, double reorder)
{
	const int64_t delay_ns = delay_usec * 1000LL;
	struct netem_request request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_NEWQDISC,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
		},
		.tc = { .tcm_ifindex = LO_INDEX, .tcm_parent = TC_H_ROOT },
		.kind = { sizeof(struct nlattr) + sizeof("netem"), TCA_KIND },
		.kind_name = "netem",
		.options = {
			sizeof(request) - offsetof(struct netem_request, options), TCA_OPTIONS,
		},
		.qopt = { .limit = 1000, .loss = loss * UINT32_MAX, .gap = 1 },
		.latency = { sizeof(struct nlattr) + sizeof(int64_t), TCA_NETEM_LATENCY64 },
		.reorder = {
			sizeof(struct nlattr) + sizeof(struct tc_netem_reorder), TCA_NETEM_REORDER,
		},
		.reorder_value = { .probability = reorder * UINT32_MAX },
	};

	memcpy(request.latency_ns, &delay_ns, sizeof(delay_ns));
	return netem_send(&request);
}
