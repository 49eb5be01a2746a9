// SPDX-License-Identifier: MIT
/*
 * Owns: every system call by which bytes can leave a socket that receives
 * records, one test each: content comes out, ciphertext never does.
 * Must not know: how the kernel routes these calls.
 * Concurrency: none.
 * Follows: the table of entry points in kmod/ulp.c; DESIGN.md 6.6, 6.8.
 */
#include "ktap.h"
#include "conn.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "aio.h"
#include "uring.h"

/* <netinet/tcp.h> of this C library may lack them. */
#ifndef TCP_ZEROCOPY_RECEIVE
#define TCP_ZEROCOPY_RECEIVE	35
#endif
#ifndef TCP_INQ
#define TCP_INQ			36
#endif

#define RECORD_COUNT	5
#define RECORD_LEN	7000
#define DATA_LEN	(RECORD_COUNT * RECORD_LEN)

/* Return: bytes received, 0 at the end, or -1 and errno. */
typedef ssize_t entry_fn(int fd, uint8_t *buf, size_t len);

static ssize_t by_recv(int fd, uint8_t *buf, size_t len)
{
	return recv(fd, buf, len, 0);
}

static ssize_t by_recv_waitall(int fd, uint8_t *buf, size_t len)
{
	return recv(fd, buf, len, MSG_WAITALL);
}

static ssize_t by_recvfrom(int fd, uint8_t *buf, size_t len)
{
	struct sockaddr_storage address;
	socklen_t address_len = sizeof(address);

	return recvfrom(fd, buf, len, 0, (struct sockaddr *)&address, &address_len);
}

static ssize_t by_read(int fd, uint8_t *buf, size_t len)
{
	return read(fd, buf, len);
}

static int cut(uint8_t *buf, size_t len, struct iovec *iov)
{
	for (int i = 0; i < 3; i++)
		iov[i] = (struct iovec){ buf + len / 3 * i, i < 2 ? len / 3 : len - len / 3 * 2 };
	return 3;
}

static ssize_t by_readv(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[3];

	return readv(fd, iov, cut(buf, len, iov));
}

static ssize_t by_preadv2(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[3];

	return preadv2(fd, iov, cut(buf, len, iov), -1, 0);
}

static ssize_t by_recvmsg(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = cut(buf, len, iov) };

	return recvmsg(fd, &msg, 0);
}

/* The first message is filled whole, or the second would leave a gap. */
static ssize_t by_recvmmsg(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[2] = { { buf, 100 }, { buf + 100, len - 100 } };
	struct mmsghdr msgs[2] = { 0 };
	ssize_t sum_len = 0;
	int count;

	for (int i = 0; i < 2; i++)
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	count = len > 200 ? recvmmsg(fd, msgs, 2, MSG_WAITFORONE, NULL) : recv(fd, buf, len, 0);
	if (len <= 200 || count <= 0)
		return count;
	for (int i = 0; i < count; i++)
		sum_len += msgs[i].msg_len;
	return sum_len;
}

static int *the_pipe(void)
{
	static int pipe_fd[2];

	if (!pipe_fd[1])
		ASSERT_EQ(pipe(pipe_fd), 0);
	return pipe_fd;
}

static ssize_t by_splice(int fd, uint8_t *buf, size_t len)
{
	ssize_t done = splice(fd, NULL, the_pipe()[1], NULL, len, 0);

	return done <= 0 ? done : read(the_pipe()[0], buf, done);
}

static ssize_t by_aio(int fd, uint8_t *buf, size_t len)
{
	return aio_once(IOCB_CMD_PREAD, fd, buf, len);
}

static ssize_t by_uring_recv(int fd, uint8_t *buf, size_t len)
{
	return uring_once((struct io_uring_sqe){ .opcode = IORING_OP_RECV, .fd = fd,
			.addr = (uintptr_t)buf, .len = len });
}

static ssize_t by_uring_recvmsg(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = cut(buf, len, iov) };

	return uring_once((struct io_uring_sqe){ .opcode = IORING_OP_RECVMSG, .fd = fd,
			.addr = (uintptr_t)&msg, .len = 1 });
}

static ssize_t by_uring_read(int fd, uint8_t *buf, size_t len)
{
	return uring_once((struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = fd,
			.addr = (uintptr_t)buf, .len = len, .off = -1 });
}

static ssize_t by_uring_splice(int fd, uint8_t *buf, size_t len)
{
	ssize_t done = uring_once((struct io_uring_sqe){ .opcode = IORING_OP_SPLICE,
				.fd = the_pipe()[1], .splice_fd_in = fd, .splice_off_in = -1,
				.off = -1, .len = len });

	return done <= 0 ? done : read(the_pipe()[0], buf, done);
}

FIXTURE(entry) {
	struct conn conn;
	int fd;
	uint8_t buf[DATA_LEN];
	uint8_t got[DATA_LEN];
};

FIXTURE_VARIANT(entry) {
	entry_fn *receive;
	int family;
};

#define RECEIVES(way)	FIXTURE_VARIANT_ADD(entry, way) = { by_##way, AF_INET }
#define RECEIVES6(way)	FIXTURE_VARIANT_ADD(entry, way##_ipv6) = { by_##way, AF_INET6 }

RECEIVES(recv);
RECEIVES(recv_waitall);
RECEIVES(recvfrom);
RECEIVES(recvmsg);
RECEIVES(recvmmsg);
RECEIVES(read);
RECEIVES(readv);
RECEIVES(preadv2);
RECEIVES(splice);
RECEIVES(aio);
RECEIVES(uring_recv);
RECEIVES(uring_recvmsg);
RECEIVES(uring_read);
RECEIVES(uring_splice);
RECEIVES6(recv);
RECEIVES6(read);
RECEIVES6(splice);

FIXTURE_SETUP(entry)
{
	CONN_TRY(conn_open(&self->conn, &conn_suites[CONN_13_GCM128], CONN_LO, variant->family));
	CONN_TRY(conn_rx(&self->conn));
	self->fd = self->conn.fd[1];
	conn_fill(self->buf, DATA_LEN, 60);
}

static void put_records(struct entry_self *self)
{
	for (int i = 0; i < RECORD_COUNT; i++)
		ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf + RECORD_LEN * i,
					   RECORD_LEN, NULL),
			  0);
}

TEST_F(entry, reads_content_only)
{
	size_t off = 0;
	ssize_t done;

	put_records(self);
	ASSERT_EQ(shutdown(self->conn.fd[0], SHUT_WR), 0);
	while (off < DATA_LEN) {
		size_t len = DATA_LEN - off < 5000 ? DATA_LEN - off : 5000;

		done = variant->receive(self->fd, self->got + off, len);
		ASSERT_GT(done, 0);
		off += done;
	}
	EXPECT_MEM_EQ(self->got, self->buf, DATA_LEN);
	EXPECT_EQ(variant->receive(self->fd, self->got, 100), 0);
}

/* Unauthenticated bytes come out nowhere. */
TEST_F(entry, refuses_bad_record)
{
	const struct ref_twist bad = { .bad_tag = true };

	ASSERT_GT(conn_send_record(&self->conn, REF_DATA, self->buf, 1000, &bad), 0);
	EXPECT_ERRNO(variant->receive(self->fd, self->got, 1000), EBADMSG);
	EXPECT_ERRNO(variant->receive(self->fd, self->got, 1000), EBADMSG);
}

FIXTURE(side) {
	struct entry_self entry;
	int fd;
};

FIXTURE_VARIANT(side) {
	entry_fn *unused;
	int family;
};

FIXTURE_VARIANT_ADD(side, ipv4) = { NULL, AF_INET };
FIXTURE_VARIANT_ADD(side, ipv6) = { NULL, AF_INET6 };

FIXTURE_SETUP(side)
{
	const struct entry_variant same = { NULL, variant->family };
	struct pollfd pfd;

	entry_setup(&self->entry, &same);
	self->fd = self->entry.fd;
	put_records(&self->entry);
	pfd = (struct pollfd){ .fd = self->fd, .events = POLLIN };
	ASSERT_EQ(poll(&pfd, 1, 5000 * (int)ktap_slow()), 1);
	usleep(20000);
}

/* Whatever was tried before, the rest of the stream is intact. */
static void expect_rest(struct side_self *self, size_t off)
{
	struct entry_self *entry = &self->entry;

	EXPECT_EQ(conn_recv_all(self->fd, entry->got + off, DATA_LEN - off, 0), DATA_LEN - off);
	EXPECT_MEM_EQ(entry->got + off, entry->buf + off, DATA_LEN - off);
}

static bool is_anywhere(struct side_self *self, const void *bytes, size_t len)
{
	return memmem(self->entry.buf, DATA_LEN, bytes, len);
}

TEST_F(side, map_refused)
{
	void *map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, self->fd, 0);

	SKIP_INTREE("leaves mmap() to TCP");
	EXPECT_EQ(map, MAP_FAILED);
	expect_rest(self, 0);
}

TEST_F(side, zerocopy_receive_refused)
{
	uint8_t copied[4096] = { 0 };
	struct {	/* struct tcp_zerocopy_receive of <linux/tcp.h> */
		uint64_t address;
		uint32_t length, recv_skip_hint, inq;
		int32_t err;
		uint64_t copybuf_address;
		int32_t copybuf_len;
		uint32_t flags;
	} args = { .copybuf_address = (uintptr_t)copied, .copybuf_len = sizeof(copied) };
	socklen_t len = sizeof(args);

	SKIP_INTREE("leaves TCP_ZEROCOPY_RECEIVE to TCP");
	EXPECT_ERRNO(getsockopt(self->fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &args, &len),
		     EOPNOTSUPP);
	for (size_t i = 0; i < sizeof(copied); i++)
		EXPECT_EQ(copied[i], 0);
	expect_rest(self, 0);
}

TEST_F(side, urgent_refused)
{
	SKIP_INTREE("takes MSG_OOB for a plain recv()");
	EXPECT_EQ(recv(self->fd, self->entry.got, 10, MSG_OOB), -1);
	EXPECT_TRUE(errno == EOPNOTSUPP || errno == EINVAL);
	expect_rest(self, 0);
}

/* A record is parsed and unread: another stream must not begin on this socket. */
TEST_F(side, disconnect_refused)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	SKIP_INTREE("older modules let it be disconnected");
	ASSERT_EQ(recv(self->fd, self->entry.got, 1000, 0), 1000);
	EXPECT_ERRNO(connect(self->fd, &none, sizeof(none)), EOPNOTSUPP);
	expect_rest(self, 1000);
}

TEST_F(side, error_queue_empty)
{
	EXPECT_ERRNO(recv(self->fd, self->entry.got, 10, MSG_ERRQUEUE | MSG_DONTWAIT), EAGAIN);
	expect_rest(self, 0);
}

/* On plain TCP this throws bytes away unread: here they would be half a record. */
TEST_F(side, truncating_read)
{
	ssize_t done = recv(self->fd, self->entry.got, 3000, MSG_TRUNC);

	if (done < 0)
		EXPECT_TRUE(errno == EOPNOTSUPP || errno == EINVAL);
	expect_rest(self, done > 0 ? done : 0);
}

/* What is said to wait is content that read() will give: the parked rest of a record. */
TEST_F(side, queue_length)
{
	int waiting = -1;

	ASSERT_EQ(recv(self->fd, self->entry.got, 1000, 0), 1000);
	SKIP_INTREE("FIONREAD counts ciphertext");
	ASSERT_EQ(ioctl(self->fd, FIONREAD, &waiting), 0);
	EXPECT_EQ(waiting, RECORD_LEN - 1000);
	ASSERT_EQ(ioctl(self->fd, SIOCINQ, &waiting), 0);
	EXPECT_EQ(waiting, RECORD_LEN - 1000);
	expect_rest(self, 1000);
	ASSERT_EQ(ioctl(self->fd, FIONREAD, &waiting), 0);
	EXPECT_EQ(waiting, 0);
}

/* TCP_INQ: no message, or one that does not count ciphertext. */
TEST_F(side, queue_message)
{
	union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int)) * 4]; } control;
	struct iovec iov = { self->entry.got, 1000 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int on = 1, inq;

	ASSERT_EQ(setsockopt(self->fd, IPPROTO_TCP, TCP_INQ, &on, sizeof(on)), 0);
	ASSERT_EQ(recvmsg(self->fd, &msg, 0), 1000);
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level != IPPROTO_TCP)
			continue;
		memcpy(&inq, CMSG_DATA(cmsg), sizeof(inq));
		EXPECT_LE(inq, RECORD_LEN - 1000);
	}
	expect_rest(self, 1000);
}

/* The other direction has no keys here and stays TCP's: bytes that wait for an ACK. */
TEST_F(side, outgoing_queue)
{
	int waiting = -1;

	ASSERT_EQ(send(self->fd, "plain", 5, 0), 5);
	ASSERT_EQ(ioctl(self->fd, SIOCOUTQ, &waiting), 0);
	EXPECT_GE(waiting, 0);
	EXPECT_LE(waiting, 5);
	ASSERT_EQ(recv(self->entry.conn.fd[0], self->entry.got, 100, 0), 5);
	expect_rest(self, 0);
}

TEST_F(side, at_mark)
{
	int at = 1;

	EXPECT_EQ(ioctl(self->fd, SIOCATMARK, &at), 0);
	EXPECT_EQ(at, 0);
	expect_rest(self, 0);
}

/* A file is no place for splice's short cut between a socket and a file. */
TEST_F(side, sendfile_from_socket)
{
	int file = conn_memfd("", 0);

	ASSERT_GE(file, 0);
	EXPECT_ERRNO(sendfile(file, self->fd, NULL, 1000), EINVAL);
	expect_rest(self, 0);
}

/* Asking where to peek next: refused, or obeyed on content. */
TEST_F(side, peek_offset)
{
	int off = 10;

	if (setsockopt(self->fd, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off)) == 0)
		EXPECT_EQ(recv(self->fd, self->entry.got, 100, MSG_PEEK), 100);
	EXPECT_TRUE(!self->entry.got[0] || is_anywhere(self, self->entry.got, 100));
	off = -1;
	setsockopt(self->fd, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off));
	expect_rest(self, 0);
}

/* TCP takes an urgent byte out of the stream: either the record is torn, or nothing happened. */
TEST_F(side, urgent_byte_inside_record)
{
	struct entry_self *entry = &self->entry;
	uint8_t wire[REF_WIRE_MAX];
	ssize_t done;
	size_t len;

	SKIP_INTREE("the end of file hides the torn record");
	expect_rest(self, 0);
	len = ref_seal(&entry->conn.key[0], REF_DATA, entry->buf, 1000, NULL, wire);
	ASSERT_EQ(send(entry->conn.fd[0], wire, 500, MSG_OOB), 500);
	ASSERT_EQ(send(entry->conn.fd[0], wire + 500, len - 500, 0), len - 500);
	len = ref_seal(&entry->conn.key[0], REF_DATA, entry->buf + 1000, 1000, NULL, wire);
	ASSERT_EQ(send(entry->conn.fd[0], wire, len, 0), len);
	ASSERT_EQ(shutdown(entry->conn.fd[0], SHUT_WR), 0);
	done = conn_recv_all(self->fd, entry->got, 2000, 0);
	EXPECT_TRUE(done == 2000 || done == -EBADMSG);
	if (done > 0)
		EXPECT_MEM_EQ(entry->got, entry->buf, done);
}

KTAP_MAIN()
