// SPDX-License-Identifier: MIT
/*
 * Owns: what sock_diag (and ss with it) tells of a socket with the ULP, and the
 * socket's end when an administrator destroys it there (ss -K).
 * Must not know: how the kernel gathers it.
 * Concurrency: none.
 * Follows: sock_diag(7), <linux/inet_diag.h>, <linux/tls.h> TLS_INFO_*.
 */
#include "ktap.h"
#include "conn.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

/* <linux/tls.h> of the build machine may lack them. */
enum { CONF_NONE, CONF_BASE, CONF_SW };

struct told {
	char ulp[32];
	bool has_tls;
	uint16_t version;
	uint16_t cipher;
	uint16_t tx;
	uint16_t rx;
};

FIXTURE(diag) {
	struct conn conn;
	int netlink;
};

FIXTURE_VARIANT(diag) {
	const struct conn_suite *suite;
	enum conn_shape shape;
	int family;
};

FIXTURE_VARIANT_ADD(diag, ipv4_12_gcm128) = { &conn_suites[CONN_12_GCM128], CONN_LO, AF_INET };
FIXTURE_VARIANT_ADD(diag, ipv4_13_gcm256) = { &conn_suites[CONN_13_GCM256], CONN_LO, AF_INET };
FIXTURE_VARIANT_ADD(diag, ipv6_13_gcm128) = { &conn_suites[CONN_13_GCM128], CONN_LO, AF_INET6 };

FIXTURE_SETUP(diag)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, variant->family));
	CONN_TRY(conn_attach(self->conn.fd[0]));
	self->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (self->netlink < 0)
		SKIP("this machine lacks NETLINK_SOCK_DIAG");
}

struct request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

/* Names one socket by its addresses and ports. */
static struct request request_for(int fd, uint16_t type, uint16_t flags)
{
	struct request request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = type,
			    .nlmsg_flags = NLM_F_REQUEST | flags },
		.body = { .sdiag_protocol = IPPROTO_TCP, .idiag_states = -1,
			  .id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } },
	};
	struct sockaddr_storage ours, theirs;
	socklen_t our_len = sizeof(ours), their_len = sizeof(theirs);

	ASSERT_EQ(getsockname(fd, (struct sockaddr *)&ours, &our_len), 0);
	ASSERT_EQ(getpeername(fd, (struct sockaddr *)&theirs, &their_len), 0);
	request.body.sdiag_family = ours.ss_family;
	request.body.id.idiag_sport = ((struct sockaddr_in *)&ours)->sin_port;
	request.body.id.idiag_dport = ((struct sockaddr_in *)&theirs)->sin_port;
	if (ours.ss_family == AF_INET) {
		memcpy(request.body.id.idiag_src, &((struct sockaddr_in *)&ours)->sin_addr, 4);
		memcpy(request.body.id.idiag_dst, &((struct sockaddr_in *)&theirs)->sin_addr, 4);
	} else {
		memcpy(request.body.id.idiag_src, &((struct sockaddr_in6 *)&ours)->sin6_addr, 16);
		memcpy(request.body.id.idiag_dst, &((struct sockaddr_in6 *)&theirs)->sin6_addr, 16);
	}
	return request;
}

static void read_tls(struct rtattr *attr, struct told *told)
{
	int len = RTA_PAYLOAD(attr);

	told->has_tls = true;
	for (attr = RTA_DATA(attr); RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		uint16_t value;

		memcpy(&value, RTA_DATA(attr), sizeof(value));
		if (attr->rta_type == TLS_INFO_VERSION)
			told->version = value;
		else if (attr->rta_type == TLS_INFO_CIPHER)
			told->cipher = value;
		else if (attr->rta_type == TLS_INFO_TXCONF)
			told->tx = value;
		else if (attr->rta_type == TLS_INFO_RXCONF)
			told->rx = value;
	}
}

static void read_ulp(struct rtattr *attr, struct told *told)
{
	int len = RTA_PAYLOAD(attr);

	for (attr = RTA_DATA(attr); RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		unsigned short type = attr->rta_type & NLA_TYPE_MASK;

		if (type == INET_ULP_INFO_NAME)
			snprintf(told->ulp, sizeof(told->ulp), "%s", (char *)RTA_DATA(attr));
		else if (type == INET_ULP_INFO_TLS)
			read_tls(attr, told);
	}
}

/* Return: 0 or -errno; -ENOENT also where the module that answers is missing. */
static int ask(struct diag_self *self, int fd, struct told *told)
{
	struct request request = request_for(fd, SOCK_DIAG_BY_FAMILY, 0);
	union { struct nlmsghdr header; char space[8192]; } answer;
	struct rtattr *attr;
	int len;

	memset(told, 0, sizeof(*told));
	request.body.idiag_ext = 1 << (INET_DIAG_INFO - 1);
	ASSERT_EQ(send(self->netlink, &request, sizeof(request), 0), sizeof(request));
	ASSERT_GT(recv(self->netlink, &answer, sizeof(answer), 0), 0);
	if (answer.header.nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
	attr = (struct rtattr *)((char *)NLMSG_DATA(&answer.header) +
				 NLMSG_ALIGN(sizeof(struct inet_diag_msg)));
	len = answer.header.nlmsg_len - NLMSG_LENGTH(sizeof(struct inet_diag_msg));
	for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len))
		if ((attr->rta_type & NLA_TYPE_MASK) == INET_DIAG_ULP_INFO)
			read_ulp(attr, told);
	return 0;
}

static void ask_or_skip(struct diag_self *self, int fd, struct told *told)
{
	int ret = ask(self, fd, told);

	/* It answers so for an unknown socket too; but then it is loaded. */
	if (ret == -ENOENT && access("/sys/module/tcp_diag", F_OK))
		SKIP("this machine lacks tcp_diag (CONFIG_INET_TCP_DIAG)");
	ASSERT_EQ(ret, 0);
}

TEST_F(diag, without_keys)
{
	struct told told;

	ask_or_skip(self, self->conn.fd[0], &told);
	EXPECT_EQ(strcmp(told.ulp, conn_ulp()), 0);
	EXPECT_TRUE(!told.has_tls || (told.tx <= CONF_BASE && told.rx <= CONF_BASE));
	ask_or_skip(self, self->conn.fd[1], &told);
	EXPECT_EQ(told.ulp[0], '\0');
}

TEST_F(diag, one_direction)
{
	struct told told;

	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]), 0);
	ask_or_skip(self, self->conn.fd[0], &told);
	EXPECT_EQ(told.version, variant->suite->version);
	EXPECT_EQ(told.cipher, variant->suite->cipher);
	EXPECT_EQ(told.tx, CONF_SW);
	EXPECT_LE(told.rx, CONF_BASE);
}

TEST_F(diag, both_directions)
{
	struct told told;

	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_RX, &self->conn.key[1]), 0);
	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]), 0);
	ask_or_skip(self, self->conn.fd[0], &told);
	EXPECT_EQ(strcmp(told.ulp, conn_ulp()), 0);
	EXPECT_EQ(told.version, variant->suite->version);
	EXPECT_EQ(told.cipher, variant->suite->cipher);
	EXPECT_EQ(told.tx, CONF_SW);
	EXPECT_EQ(told.rx, CONF_SW);
}

/* The words an operator sees. */
TEST_F(diag, shown_by_ss)
{
	char text[4000];
	size_t len;
	FILE *ss;

	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]), 0);
	ss = popen("ss -tieHn 2>/dev/null", "r");
	len = fread(text, 1, sizeof(text) - 1, ss);
	text[len] = '\0';
	if (pclose(ss) || !len)
		SKIP("the program ss (iproute2)");
	EXPECT_NE(strstr(text, "tcp-ulp-"), NULL);
	EXPECT_NE(strstr(text,
			 variant->suite->version == REF_TLS13 ? "version: 1.3" : "version: 1.2"),
		  NULL);
	EXPECT_NE(strstr(text, variant->suite->key_len == 16 ? "cipher: aes-gcm-128" :
							       "cipher: aes-gcm-256"),
		  NULL);
	EXPECT_NE(strstr(text, "txconf: sw"), NULL);
}

/* Destroyed under its user: an error for him, a reset for the peer, records whole up to there. */
TEST_F(diag, destroyed)
{
	struct request request = request_for(self->conn.fd[0], SOCK_DESTROY, NLM_F_ACK);
	struct { struct nlmsghdr header; struct nlmsgerr error; char space[500]; } answer;
	struct ref_stream stream;
	struct told told;
	char byte;
	int ret;

	ask_or_skip(self, self->conn.fd[0], &told);
	ASSERT_EQ(conn_set_key(self->conn.fd[0], TLS_TX, &self->conn.key[0]), 0);
	ASSERT_EQ(send(self->conn.fd[0], "sent", 4, 0), 4);
	ASSERT_EQ(send(self->conn.fd[0], "open", 4, MSG_MORE), 4);
	ASSERT_EQ(send(self->netlink, &request, sizeof(request), 0), sizeof(request));
	ASSERT_GT(recv(self->netlink, &answer, sizeof(answer), 0), 0);
	ASSERT_EQ(answer.header.nlmsg_type, NLMSG_ERROR);
	if (answer.error.error == -EOPNOTSUPP)
		SKIP("this machine lacks SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY)");
	ASSERT_EQ(answer.error.error, 0);
	EXPECT_ERRNO(recv(self->conn.fd[0], &byte, 1, 0), ECONNABORTED);
	if (!conn_is_intree())	/* which takes bytes for nobody */
		EXPECT_ERRNO(send(self->conn.fd[0], &byte, 1, 0), EPIPE);
	ref_stream_init(&stream, &self->conn.key[0]);
	do {
		ret = ref_stream_pull(&stream, self->conn.fd[1], 0);
	} while (ret > 0);
	EXPECT_EQ(ret, -ECONNRESET);
	EXPECT_LE(stream.plain_len, 4);
	EXPECT_EQ(close(self->conn.fd[0]), 0);
}

KTAP_MAIN()
