// SPDX-License-Identifier: MIT
/*
 * Owns: the receive side against a peer, or a neighbour, who means harm: one-byte
 * segments, urgent bytes, a thief on the same socket, odd reads in odd order.
 * Must not know: how records are found. Concurrency: each test a process.
 * Follows: DESIGN.md 6.7 to 6.10.
 */
#include "ktap.h"
#include "ktap_run.h"
#include "conn.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

FIXTURE(host) {
	struct conn conn;
	int fd;
	uint8_t buf[200000];
	uint8_t got[200000];
};

FIXTURE_VARIANT(host) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

FIXTURE_VARIANT_ADD(host, lo13) = { &conn_suites[CONN_13_GCM128], CONN_LO };
FIXTURE_VARIANT_ADD(host, small12) = { &conn_suites[CONN_12_GCM256], CONN_SMALL };

FIXTURE_VARIANT_ADD(host, mtu12) = { &conn_suites[CONN_12_GCM128], CONN_MTU1500 };
FIXTURE_VARIANT_ADD(host, netem13) = { &conn_suites[CONN_13_GCM256], CONN_NETEM };

FIXTURE_SETUP(host)
{
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	self->fd = self->conn.fd[1];
	conn_fill(self->buf, sizeof(self->buf), 3);
}

static int one = 1;

/* each byte its own fragment */
TEST_F(host, pieces)
{
	static uint8_t spread[2 * 70000] __attribute__((aligned(4096)));
	size_t len, off = 0;
	int p[2];
	long long before;

	CONN_TRY(conn_rx(&self->conn));
	uint8_t *wire = conn_seal_all(&self->conn, self->buf, 30000, 700, &len);

	before = conn_stat("RxCopyOut");
	ASSERT_EQ(pipe(p), 0);
	for (size_t i = 0; i < len; i++)
		spread[2 * i] = wire[i];
	struct conn_job job;

	ASSERT_EQ(conn_recv_start(&job, self->fd, self->got, 30000, 5000), 0);
	while (off < len) {
		struct iovec iov[16];
		int n = 0;

		for (; n < 16 && off + n < len; n++)
			iov[n] = (struct iovec){ spread + 2 * (off + n), 1 };
		ASSERT_EQ(vmsplice(p[1], iov, n, 0), n);
		for (int left = n; left; ) {
			ssize_t r = splice(p[0], NULL, self->conn.fd[0], NULL, left, SPLICE_F_MORE);

			ASSERT_GT(r, 0);
			left -= r;
		}
		off += n;
	}
	setsockopt(self->conn.fd[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	EXPECT_EQ(conn_job_end(&job), 30000);
	EXPECT_MEM_EQ(self->got, self->buf, 30000);
	ktap_diag("copied out %lld", conn_stat("RxCopyOut") - before);
	EXPECT_GT(conn_stat("RxCopyOut"), before);
}

/* SO_RCVLOWAT of exactly what comes in ten records */
TEST_F(host, lowat)
{
	struct conn_job job;
	int lowat = 1000, v = 0;
	socklen_t l = sizeof(v);

	CONN_TRY(conn_rx(&self->conn));
	ASSERT_EQ(setsockopt(self->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)), 0);
	ASSERT_EQ(getsockopt(self->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, &l), 0);
	ktap_diag("lowat %d", lowat);
	setsockopt(self->conn.fd[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	ASSERT_EQ(conn_recv_start(&job, self->fd, self->got, 1000, 1000), 0);
	for (int i = 0; i < 10; i++) {
		ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf + 100 * i, 100, NULL),
			  0);
		usleep(30000);
	}
	EXPECT_EQ(conn_job_end(&job), 1000);
	EXPECT_MEM_EQ(self->got, self->buf, 1000);
	ASSERT_EQ(getsockopt(self->fd, SOL_SOCKET, SO_RCVLOWAT, &v, &l), 0);
	EXPECT_EQ(v, lowat);
}

/* one large record, large lowat, epoll */
TEST_F(host, lowat_epoll)
{
	int lowat = 2000, v;
	socklen_t l = sizeof(v);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(0);
	size_t got = 0;
	struct conn_job job;
	size_t len;

	CONN_TRY(conn_rx(&self->conn));
	ASSERT_EQ(setsockopt(self->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)), 0);
	ASSERT_EQ(getsockopt(self->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, &l), 0);
	ASSERT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, self->fd, &ev), 0);

	uint8_t *wire = conn_seal_all(&self->conn, self->buf, 160000, 16000, &len);

	ASSERT_EQ(conn_send_start(&job, self->conn.fd[0], wire, len, len), 0);
	while (got < 160000) {
		ASSERT_EQ(epoll_wait(ep, &ev, 1, 10000), 1);
		for (;;) {
			ssize_t r = recv(self->fd, self->got + got, 160000 - got, MSG_DONTWAIT);

			if (r < 0) {
				ASSERT_EQ(errno, EAGAIN);
				break;
			}
			if (!r)
				break;
			got += r;
		}
	}
	EXPECT_EQ(conn_job_end(&job), len);
	EXPECT_MEM_EQ(self->got, self->buf, 160000);
	ASSERT_EQ(getsockopt(self->fd, SOL_SOCKET, SO_RCVLOWAT, &v, &l), 0);
	EXPECT_EQ(v, lowat);
	ktap_diag("copied out %lld", conn_stat("RxCopyOut"));
}

TEST_F(host, oob_once)
{
	size_t len;
	struct conn_job job;

	CONN_TRY(conn_rx(&self->conn));

	uint8_t *wire = conn_seal_all(&self->conn, self->buf, 10000, 3000, &len);

	ASSERT_EQ(conn_recv_start(&job, self->fd, self->got, 10000, 4000), 0);
	ASSERT_EQ(conn_send_all(self->conn.fd[0], wire, 100, 0), 100);
	usleep(10000);
	ASSERT_EQ(send(self->conn.fd[0], wire + 100, 1, MSG_OOB), 1);
	usleep(10000);
	ASSERT_EQ(conn_send_all(self->conn.fd[0], wire + 101, len - 101, 0), len - 101);
	EXPECT_EQ(conn_job_end(&job), 10000);
	EXPECT_MEM_EQ(self->got, self->buf, 10000);
	EXPECT_ERRNO(recv(self->fd, self->got, 1, MSG_OOB), EOPNOTSUPP);
}

/* whatever comes of it, no stall and no crash */
TEST_F(host, oob_many)
{
	size_t len;

	CONN_TRY(conn_rx(&self->conn));

	uint8_t *wire = conn_seal_all(&self->conn, self->buf, 100000, 1000, &len);

	conn_set_timeout(self->conn.fd[0], SO_SNDTIMEO, 300000);
	conn_set_timeout(self->fd, SO_RCVTIMEO, 300000);
	for (size_t off = 0; off < len; ) {
		size_t n = 1 + rand() % 700;

		ssize_t r;

		if (n > len - off)
			n = len - off;
		r = send(self->conn.fd[0], wire + off, n, rand() % 4 ? 0 : MSG_OOB);
		if (r < 0)
			break;
		off += r;
		r = recv(self->fd, self->got, 1 + rand() % 2000,
			 rand() % 2 ? MSG_DONTWAIT : MSG_PEEK | MSG_DONTWAIT);
		if (r < 0 && errno != EAGAIN) {
			ktap_diag("errno %d at %zu", errno, off);
			EXPECT_ERRNO(recv(self->fd, self->got, 1, 0), errno);
			break;
		}
	}
}

TEST_F(host, theft)
{
	struct conn_job job;
	size_t len;
	ssize_t r;

	ASSERT_EQ(conn_recv_start(&job, self->fd, self->got, 10000, 10000), 0);
	usleep(50000);

	CONN_TRY(conn_rx(&self->conn));
	uint8_t *wire = conn_seal_all(&self->conn, self->buf, 60000, 15000, &len);

	conn_set_timeout(self->conn.fd[0], SO_SNDTIMEO, 300000);
	conn_set_timeout(self->fd, SO_RCVTIMEO, 1000000);
	conn_send_all(self->conn.fd[0], wire, len, 0);
	do
		r = recv(self->fd, self->got + 100000, 10000, 0);
	while (r > 0);
	ktap_diag("recv %zd errno %d", r, errno);
	EXPECT_EQ(r, -1);
	/* The thief sleeps for ever where records were copied out from under him. */
	shutdown(self->fd, SHUT_RDWR);
	r = conn_job_end(&job);
	ktap_diag("thief %zd", r);
}

TEST_F(host, peek_waitall)
{
	CONN_TRY(conn_rx(&self->conn));
	struct conn_job job = {0};
	/* A small receive buffer holds few bytes at once. */
	int unit = variant->shape == CONN_SMALL ? 20 : 200;
	pid_t pid;

	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf, 5 * unit, NULL), 0);
	pid = fork();
	if (!pid) {
		usleep(200000);
		for (int i = 1; i < 3; i++) {
			conn_send_record(&self->conn, REF_DATA, self->buf + 5 * unit * i, 5 * unit,
					 NULL);
			usleep(100000);
		}
		conn_send_record(&self->conn, REF_ALERT, self->buf, 2, NULL);
		usleep(100000);
		_exit(0);
	}
	(void)job;
	EXPECT_EQ(recv(self->fd, self->got, 2 * unit, 0), 2 * unit);
	EXPECT_EQ(recv(self->fd, self->got, 13 * unit, MSG_PEEK | MSG_WAITALL), 13 * unit);

	EXPECT_MEM_EQ(self->got, self->buf + 2 * unit, 13 * unit);
	int n = -1;

	EXPECT_EQ(ioctl(self->fd, FIONREAD, &n), 0);
	EXPECT_EQ(n, 3 * unit);
	usleep(300000);
	EXPECT_EQ(recv(self->fd, self->got, 25 * unit, MSG_PEEK), 13 * unit);
	EXPECT_EQ(recv(self->fd, self->got, 25 * unit, 0), 13 * unit);
	EXPECT_MEM_EQ(self->got, self->buf + 2 * unit, 13 * unit);
	EXPECT_EQ(ioctl(self->fd, FIONREAD, &n), 0);
	EXPECT_EQ(n, 0);
	EXPECT_ERRNO(recv(self->fd, self->got, 25 * unit, MSG_PEEK), EIO);

	EXPECT_ERRNO(recv(self->fd, self->got, 25 * unit, 0), EIO);
	uint8_t type;

	EXPECT_EQ(conn_recv_type(self->fd, &type, self->got, 1, MSG_PEEK), 1);
	EXPECT_EQ(conn_recv_type(self->fd, &type, self->got, 1, 0), 1);
	EXPECT_EQ(conn_recv_type(self->fd, &type, self->got + 1, 10, 0), 1);
	EXPECT_EQ(type, REF_ALERT);
	EXPECT_MEM_EQ(self->got, self->buf, 2);
}

/* random segment sizes, random reads, splice and peek, against the model */
TEST_F(host, model)
{
	struct conn_job job;
	size_t len, got = 0;
	int p[2];
	unsigned int seed = 7;

	CONN_TRY(conn_rx(&self->conn));
	ASSERT_EQ(pipe(p), 0);

	uint8_t *wire = malloc(1000000);
	size_t off = 0, woff = 0;

	while (off < 150000) {
		size_t n = rand_r(&seed) % 3 ? rand_r(&seed) % 300 : rand_r(&seed) % 16384;

		if (n > 150000 - off)
			n = 150000 - off;
		woff += ref_seal(&self->conn.key[0], REF_DATA, self->buf + off, n, NULL,
				 wire + woff);
		off += n;
	}
	len = woff;
	setsockopt(self->conn.fd[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	ASSERT_EQ(conn_send_start(&job, self->conn.fd[0], wire, len, 777), 0);
	conn_set_timeout(self->fd, SO_RCVTIMEO, 5000000);

	while (got < 150000) {
		size_t n = rand_r(&seed) % 2 ? 1 + rand_r(&seed) % 100 : 1 + rand_r(&seed) % 30000;
		ssize_t r, s;

		if (n > 150000 - got)
			n = 150000 - got;
		switch (rand_r(&seed) % 5) {
		case 0:
			r = recv(self->fd, self->got + got, n,
				 MSG_PEEK | (rand_r(&seed) % 2 ? MSG_DONTWAIT : 0));
			if (r < 0) {
				ASSERT_EQ(errno, EAGAIN);
				break;
			}
			ASSERT_GT(r, 0);
			ASSERT_EQ(memcmp(self->got + got, self->buf + got, r), 0);
			break;
		case 1:
			r = splice(self->fd, NULL, p[1], NULL, n, 0);
			ASSERT_GT(r, 0);
			for (; r; r -= s, got += s) {
				s = read(p[0], self->got + got, r);
				ASSERT_GT(s, 0);
			}
			break;
		case 2:
			if (n > 2000)
				n = 2000;
			r = recv(self->fd, self->got + got, n, MSG_WAITALL);
			ASSERT_EQ(r, n);
			got += r;
			break;
		case 3:
			r = recv(self->fd, self->got + got, n, MSG_DONTWAIT);
			if (r < 0) {
				ASSERT_EQ(errno, EAGAIN);
				break;
			}
			got += r;
			break;
		default:
			r = recv(self->fd, self->got + got, n, 0);
			ASSERT_GT(r, 0);
			got += r;
		}
	}
	EXPECT_EQ(conn_job_end(&job), len);
	EXPECT_MEM_EQ(self->got, self->buf, 150000);
}

KTAP_MAIN()
