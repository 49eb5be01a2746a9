// SPDX-License-Identifier: MIT
/*
 * Owns: other parts of the kernel that take a TCP socket for themselves: sockmap,
 * KCM, MPTCP. With us on a socket they are refused, or we on theirs.
 * Must not know: what they would do with it.
 * Concurrency: none.
 * Follows: DESIGN.md 4 and 5; bpf(2), Documentation/networking/kcm.rst.
 */
#include "ktap.h"
#include "conn.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef AF_KCM
#define AF_KCM			41
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP		262
#endif
#define KCM_ATTACH		0x89e0	/* SIOCKCMATTACH of <linux/kcm.h> */

FIXTURE(taken) {
	struct conn conn;
};

FIXTURE_VARIANT(taken) {
	int family;
};

FIXTURE_VARIANT_ADD(taken, ipv4) = { AF_INET };
FIXTURE_VARIANT_ADD(taken, ipv6) = { AF_INET6 };

FIXTURE_SETUP(taken)
{
	CONN_TRY(conn_open(&self->conn, &conn_suites[CONN_13_GCM128], CONN_LO, variant->family));
	CONN_TRY(conn_attach(self->conn.fd[1]));
}

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int make_map(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4, .value_size = 4,
				.max_entries = 4 };
	int map = bpf(BPF_MAP_CREATE, &attr);

	if (map < 0)
		SKIP("this machine lacks sockmap (CONFIG_BPF_SYSCALL, the right to use it)");
	return map;
}

/* Return: 0 or -errno. */
static int put_into(int map, int fd)
{
	uint32_t key = 0;
	union bpf_attr attr = { .map_fd = map, .key = (uintptr_t)&key, .value = (uintptr_t)&fd };

	return bpf(BPF_MAP_UPDATE_ELEM, &attr) ? -errno : 0;
}

/* Records still go out as records: whatever was tried took nothing over. */
static void check_records(struct taken_self *self)
{
	struct ref_stream stream;

	ref_stream_init(&stream, &self->conn.key[0]);
	ASSERT_EQ(send(self->conn.fd[0], "record", 6, 0), 6);
	ASSERT_EQ(ref_stream_read(&stream, self->conn.fd[1], 6), 0);
	EXPECT_MEM_EQ(stream.plain, "record", 6);
}

TEST_F(taken, not_into_sockmap)
{
	int map = make_map();

	ASSERT_EQ(conn_attach(self->conn.fd[0]), 0);
	EXPECT_EQ(put_into(map, self->conn.fd[0]), -EINVAL);
	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]), 0);
	EXPECT_EQ(put_into(map, self->conn.fd[0]), -EINVAL);
	check_records(self);
}

/* A socket in a sockmap has another base protocol; out of it, it is TCP's again. */
TEST_F(taken, not_from_sockmap)
{
	int map = make_map();
	int ret = put_into(map, self->conn.fd[0]);

	if (ret == -EOPNOTSUPP)
		SKIP("this machine lacks sockmap for TCP (CONFIG_NET_SOCK_MSG)");
	ASSERT_EQ(ret, 0);
	SKIP_INTREE("attaches to a socket in a sockmap");
	EXPECT_EQ(conn_attach(self->conn.fd[0]), -EOPNOTSUPP);
	close(map);
	for (unsigned int i = 0; i < 100 * ktap_slow(); i++) {
		ret = conn_attach(self->conn.fd[0]);
		if (ret != -EOPNOTSUPP)
			break;
		usleep(20000);
	}
	EXPECT_EQ(ret, 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]), 0);
	check_records(self);
}

/* A filter that says "all of it is one message". */
static int load_parser(void)
{
	const struct bpf_insn program[] = {
		/* r0 = skb->len */
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 0, .src_reg = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)program,
		.insn_cnt = 2,
		.license = (uintptr_t)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

/* KCM reads with read_sock() and writes with the lock held: both would pass us by. */
TEST_F(taken, not_by_kcm)
{
	int kcm = socket(AF_KCM, SOCK_DGRAM, 0);
	struct { int fd, bpf_fd; } attach = { self->conn.fd[0], load_parser() };
	char text[100];
	ssize_t done;

	if (kcm < 0 || attach.bpf_fd < 0)
		SKIP("this machine lacks KCM sockets (CONFIG_AF_KCM)");
	ASSERT_EQ(conn_attach(self->conn.fd[0]), 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]), 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_RX, &self->conn.key[1]), 0);
	if (ioctl(kcm, KCM_ATTACH, &attach))
		ktap_diag("KCM does not attach: %s", strerror(errno));
	done = send(kcm, "plain text", 10, MSG_DONTWAIT);
	ktap_diag("send() by KCM: %zd", done);
	usleep(100000);
	done = recv(self->conn.fd[1], text, sizeof(text), MSG_DONTWAIT);
	EXPECT_TRUE(done <= 0 || !memmem(text, done, "plain text", 10));
}

TEST_F(taken, not_on_mptcp)
{
	int fd = socket(variant->family, SOCK_STREAM, IPPROTO_MPTCP);
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr_in address4 = { .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(variant->family, SOCK_STREAM, IPPROTO_MPTCP);
	bool is_v6 = variant->family == AF_INET6;
	struct sockaddr *any = is_v6 ? (struct sockaddr *)&address : (struct sockaddr *)&address4;
	socklen_t len = is_v6 ? sizeof(address) : sizeof(address4);
	int ret;

	if (fd < 0 || listener < 0)
		SKIP("this machine lacks MPTCP (CONFIG_MPTCP, net.mptcp.enabled)");
	ASSERT_EQ(bind(listener, any, len), 0);
	ASSERT_EQ(listen(listener, 1), 0);
	ASSERT_EQ(getsockname(listener, any, &len), 0);
	ASSERT_EQ(connect(fd, any, len), 0);
	ret = conn_attach(fd);
	/* MPTCP answers for itself, each kernel in its way. */
	EXPECT_TRUE(ret == -EOPNOTSUPP || ret == -ENOPROTOOPT);
}

KTAP_MAIN()
