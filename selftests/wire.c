// SPDX-License-Identifier: MIT
/*
 * Owns: the packets of a TCP peer in userspace (see wire.h).
 * Must not know: TLS, what a test checks.
 * Concurrency: a struct wire belongs to one thread.
 * Follows: RFC 791, RFC 1071, RFC 9293.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define KERNEL_ADDR	0x0a4d0001	/* 10.77.0.1 */
#define OUR_ADDR	0x0a4d0002
#define OUR_PORT	4000
#define OUR_WINDOW	65535
#define PACKET_MAX	9000
#define HANDSHAKE_MS	3000

struct packet {
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t data[PACKET_MAX];
};

static uint32_t add(uint32_t sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? at[i] : at[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static int write_packet(const struct wire *wire, struct packet *packet, size_t len)
{
	const size_t tcp_len = sizeof(packet->tcp) + len;
	const struct { uint32_t from, to; uint16_t protocol, len; } pseudo = {
		htonl(OUR_ADDR), htonl(KERNEL_ADDR), htons(IPPROTO_TCP), htons(tcp_len)
	};

	packet->ip = (struct iphdr){
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
		.tot_len = htons(sizeof(packet->ip) + tcp_len),
		.saddr = htonl(OUR_ADDR), .daddr = htonl(KERNEL_ADDR),
	};
	packet->ip.check = fold(add(0, &packet->ip, sizeof(packet->ip)));
	packet->tcp.check = fold(add(add(0, &pseudo, sizeof(pseudo)), &packet->tcp, tcp_len));
	return write(wire->tun, packet, sizeof(packet->ip) + tcp_len) < 0 ? -errno : 0;
}

int wire_send(struct wire *wire, uint32_t off, const void *data, size_t len, uint8_t flags,
	      uint16_t urgent_off)
{
	struct packet packet = {
		.tcp = {
			.source = htons(OUR_PORT), .dest = htons(wire->port), .doff = 5,
			.seq = htonl(wire->start + off), .ack_seq = htonl(wire->peer_next),
			.window = htons(OUR_WINDOW), .urg_ptr = htons(urgent_off),
		},
	};

	if (len > sizeof(packet.data))
		return -EMSGSIZE;
	((uint8_t *)&packet.tcp)[13] = flags & WIRE_SYN ? flags : flags | WIRE_ACK;
	if (len)
		memcpy(packet.data, data, len);
	return write_packet(wire, &packet, len);
}

static void acknowledge(struct wire *wire, const struct packet *packet, size_t len)
{
	uint32_t taken_len = len + packet->tcp.syn + packet->tcp.fin;

	wire->acked_len = ntohl(packet->tcp.ack_seq) - wire->start;
	wire->window_len = ntohs(packet->tcp.window);
	if (ntohl(packet->tcp.seq) != wire->peer_next && !packet->tcp.syn)
		return;
	wire->peer_next = ntohl(packet->tcp.seq) + taken_len;
	if (taken_len && !packet->tcp.syn)
		wire_send(wire, wire->acked_len, NULL, 0, 0, 0);
}

/* Returns 1 for a packet of our connection, 0 for another, or -errno. */
static int read_packet(struct wire *wire)
{
	struct packet packet;
	ssize_t len = read(wire->tun, &packet, sizeof(packet));

	if (len < 0)
		return -errno;
	if (len < (ssize_t)(sizeof(packet.ip) + sizeof(packet.tcp)) ||
	    packet.ip.version != 4 || packet.ip.protocol != IPPROTO_TCP)
		return 0;
	if (packet.tcp.rst)
		return -ECONNRESET;
	acknowledge(wire, &packet, ntohs(packet.ip.tot_len) - sizeof(packet.ip) -
		    4 * packet.tcp.doff);
	return 1;
}

int wire_listen(struct wire *wire, int wait_ms)
{
	struct pollfd pfd = { .fd = wire->tun, .events = POLLIN };
	int ret = 0;

	while (poll(&pfd, 1, wait_ms) > 0 && ret >= 0) {
		ret = read_packet(wire);
		if (ret > 0)
			wait_ms = 0;
	}
	return ret < 0 && ret != -EAGAIN ? ret : 0;
}

static int set_up_tun(struct wire *wire)
{
	struct ifreq ifr = { .ifr_name = "wire", .ifr_flags = IFF_TUN | IFF_NO_PI };
	struct sockaddr_in *addr = (struct sockaddr_in *)&ifr.ifr_addr;
	int fd, ret = 0;

	/* A guest has no daemon that would make the node; opening it loads the module. */
	mkdir("/dev/net", 0755);
	mknod("/dev/net/tun", S_IFCHR | 0600, makedev(10, 200));
	wire->tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (wire->tun < 0)
		return errno == ENOENT || errno == ENODEV ? -EOPNOTSUPP : -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(wire->tun, TUNSETIFF, &ifr))
		ret = -errno;
	memset(&ifr.ifr_addr, 0, sizeof(ifr.ifr_addr));
	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(KERNEL_ADDR);
	if (!ret && ioctl(fd, SIOCSIFADDR, &ifr))
		ret = -errno;
	addr->sin_addr.s_addr = htonl(0xffffff00);
	if (!ret && ioctl(fd, SIOCSIFNETMASK, &ifr))
		ret = -errno;
	ifr.ifr_mtu = PACKET_MAX;
	if (!ret && ioctl(fd, SIOCSIFMTU, &ifr))
		ret = -errno;
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (!ret && ioctl(fd, SIOCSIFFLAGS, &ifr))
		ret = -errno;
	close(fd);
	return ret;
}

static int start_listener(struct wire *wire, int rcvbuf_len)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(KERNEL_ADDR),
	};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (rcvbuf_len)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf_len, sizeof(rcvbuf_len));
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		return -errno;
	wire->port = ntohs(addr.sin_port);
	return fd;
}

/* Our SYN, the answer, our ACK. */
static int shake_hands(struct wire *wire)
{
	int ret = wire_send(wire, -1, NULL, 0, WIRE_SYN, 0);

	if (!ret)
		ret = wire_listen(wire, HANDSHAKE_MS);
	if (!ret && !wire->peer_next)
		ret = -ETIMEDOUT;
	return ret ? ret : wire_send(wire, 0, NULL, 0, 0, 0);
}

int wire_open(struct wire *wire, int rcvbuf_len, int *fd)
{
	/* Without it the socket would wait long for a peer who is no more. */
	const struct linger abort = { .l_onoff = 1 };
	int listener, ret;

	/* Close to the end of the numbers, so that they wrap. */
	*wire = (struct wire){ .start = -5000 };
	ret = set_up_tun(wire);
	if (ret)
		return ret;
	listener = start_listener(wire, rcvbuf_len);
	if (listener < 0)
		return listener;
	ret = shake_hands(wire);
	if (!ret) {
		*fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ret = *fd < 0 ? -errno : 0;
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	}
	close(listener);
	return ret;
}
