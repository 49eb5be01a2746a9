// SPDX-License-Identifier: MIT
/*
 * Owns: every system call by which bytes can enter a socket that sends records,
 * one test each: the peer's raw bytes must be records and nothing else.
 * Must not know: how the kernel routes these calls.
 * Concurrency: none; what is sent fits the socket buffers.
 * Follows: the table of entry points in kmod/ulp.c; DESIGN.md 6.6.
 */
#include "ktap.h"
#include "conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "aio.h"
#include "uring.h"

#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY	0x4000000
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY	60
#endif

#define DATA_LEN	40000

/* Return: bytes sent, or -1 and errno. May send less than @len, but not 0. */
typedef ssize_t entry_fn(int fd, uint8_t *buf, size_t len);

static ssize_t by_send(int fd, uint8_t *buf, size_t len)
{
	return send(fd, buf, len, 0);
}

/* TCP ignores the address. */
static ssize_t by_sendto(int fd, uint8_t *buf, size_t len)
{
	const struct sockaddr_in address = { .sin_family = AF_INET };

	return sendto(fd, buf, len, 0, (const struct sockaddr *)&address, sizeof(address));
}

static ssize_t by_write(int fd, uint8_t *buf, size_t len)
{
	return write(fd, buf, len);
}

static int cut(uint8_t *buf, size_t len, struct iovec *iov)
{
	for (int i = 0; i < 3; i++)
		iov[i] = (struct iovec){ buf + len / 3 * i, i < 2 ? len / 3 : len - len / 3 * 2 };
	return 3;
}

static ssize_t by_writev(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[3];

	return writev(fd, iov, cut(buf, len, iov));
}

static ssize_t by_pwritev2(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[3];

	return pwritev2(fd, iov, cut(buf, len, iov), -1, 0);
}

static ssize_t by_sendmsg(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = cut(buf, len, iov) };

	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static ssize_t by_sendmmsg(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[3];
	struct mmsghdr msgs[3] = { 0 };
	ssize_t sum_len = 0;
	int count;

	cut(buf, len, iov);
	for (int i = 0; i < 3; i++)
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	count = sendmmsg(fd, msgs, 3, 0);
	for (int i = 0; i < count; i++)
		sum_len += msgs[i].msg_len;
	return count < 0 ? -1 : sum_len;
}

static ssize_t by_sendfile(int fd, uint8_t *buf, size_t len)
{
	int file = conn_memfd(buf, len);
	ssize_t done = sendfile(fd, file, NULL, 0);

	EXPECT_EQ(done, 0);
	lseek(file, 0, SEEK_SET);
	done = sendfile(fd, file, NULL, len);
	close(file);
	return done;
}

/* One pipe for all, as pipes are: what splice() leaves in it comes next. */
static int *the_pipe(void)
{
	static int pipe_fd[2];

	if (!pipe_fd[1])
		ASSERT_EQ(pipe(pipe_fd), 0);
	return pipe_fd;
}

static ssize_t pipe_to(int fd, size_t len)
{
	return splice(the_pipe()[0], NULL, fd, NULL, len, 0);
}

static ssize_t by_splice(int fd, uint8_t *buf, size_t len)
{
	ssize_t done = write(the_pipe()[1], buf, len < 9000 ? len : 9000);

	return done < 0 ? -1 : pipe_to(fd, done);
}

static ssize_t by_vmsplice(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov = { buf, len };
	ssize_t done = vmsplice(the_pipe()[1], &iov, 1, 0);

	return done < 0 ? -1 : pipe_to(fd, done);
}

static ssize_t by_file_splice(int fd, uint8_t *buf, size_t len)
{
	int file = conn_memfd(buf, len);
	loff_t off = 0;
	ssize_t done = splice(file, &off, the_pipe()[1], NULL, len, 0);

	close(file);
	return done < 0 ? -1 : pipe_to(fd, done);
}

/* The same pages in two pipes: sealing must not be done in place. */
static ssize_t by_tee(int fd, uint8_t *buf, size_t len)
{
	static int twin[2];
	uint8_t check[4096];
	ssize_t done;

	if (!twin[1])
		ASSERT_EQ(pipe(twin), 0);
	ASSERT_GT(write(the_pipe()[1], buf, len < 4096 ? len : 4096), 0);
	done = tee(the_pipe()[0], twin[1], 4096, 0);
	ASSERT_GT(done, 0);
	ASSERT_EQ(pipe_to(fd, done), done);
	ASSERT_EQ(read(twin[0], check, sizeof(check)), done);
	EXPECT_MEM_EQ(check, buf, done);
	return done;
}

static ssize_t by_aio(int fd, uint8_t *buf, size_t len)
{
	return aio_once(IOCB_CMD_PWRITE, fd, buf, len);
}

static ssize_t by_uring_send(int fd, uint8_t *buf, size_t len)
{
	return uring_once((struct io_uring_sqe){ .opcode = IORING_OP_SEND, .fd = fd,
			.addr = (uintptr_t)buf, .len = len });
}

static ssize_t by_uring_sendmsg(int fd, uint8_t *buf, size_t len)
{
	struct iovec iov[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = cut(buf, len, iov) };

	return uring_once((struct io_uring_sqe){ .opcode = IORING_OP_SENDMSG, .fd = fd,
			.addr = (uintptr_t)&msg, .len = 1 });
}

static ssize_t by_uring_write(int fd, uint8_t *buf, size_t len)
{
	return uring_once((struct io_uring_sqe){ .opcode = IORING_OP_WRITE, .fd = fd,
			.addr = (uintptr_t)buf, .len = len, .off = -1 });
}

static ssize_t by_uring_splice(int fd, uint8_t *buf, size_t len)
{
	ssize_t done = write(the_pipe()[1], buf, len < 9000 ? len : 9000);

	ASSERT_GT(done, 0);
	return uring_once((struct io_uring_sqe){ .opcode = IORING_OP_SPLICE,
					       .fd = fd,
					       .splice_fd_in = the_pipe()[0],
					       .splice_off_in = -1,
					       .off = -1,
					       .len = done });
}

FIXTURE(entry) {
	struct conn conn;
	struct ref_stream stream;
	uint8_t buf[DATA_LEN];
};

FIXTURE_VARIANT(entry) {
	entry_fn *send;
	enum { RECORDS, REFUSED } fate;
	int errno_wanted;	/* when refused */
	const char *intree;	/* how the in-tree module differs, if it does */
};

#define SENDS(way)		FIXTURE_VARIANT_ADD(entry, way) = { by_##way, RECORDS, 0, NULL }
#define REFUSES(way, code)	FIXTURE_VARIANT_ADD(entry, way) = { by_##way, REFUSED, code, NULL }

SENDS(send);
SENDS(sendto);
SENDS(sendmsg);
FIXTURE_VARIANT_ADD(entry, sendmmsg) = { by_sendmmsg, RECORDS, 0, "refuses sendmmsg()" };
SENDS(write);
SENDS(writev);
SENDS(pwritev2);
SENDS(sendfile);
SENDS(splice);
SENDS(vmsplice);
SENDS(file_splice);
SENDS(tee);
SENDS(aio);
SENDS(uring_send);
SENDS(uring_sendmsg);
SENDS(uring_write);
SENDS(uring_splice);

static ssize_t by_oob(int fd, uint8_t *buf, size_t len)
{
	return send(fd, buf, len, MSG_OOB);
}

static ssize_t by_zerocopy(int fd, uint8_t *buf, size_t len)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on));
	return send(fd, buf, len, MSG_ZEROCOPY);
}

static ssize_t by_fastopen(int fd, uint8_t *buf, size_t len)
{
	const struct sockaddr_in address = { .sin_family = AF_INET };

	return sendto(fd, buf, len, MSG_FASTOPEN, (const struct sockaddr *)&address,
		      sizeof(address));
}

static ssize_t by_uring_send_zc(int fd, uint8_t *buf, size_t len)
{
	enum { SEND_ZC = 47 };	/* IORING_OP_SEND_ZC of newer headers */

	return uring_once((struct io_uring_sqe){ .opcode = SEND_ZC, .fd = fd,
			.addr = (uintptr_t)buf, .len = len });
}

static ssize_t by_copy_file_range(int fd, uint8_t *buf, size_t len)
{
	return copy_file_range(conn_memfd(buf, len), NULL, fd, NULL, len, 0);
}

REFUSES(oob, EOPNOTSUPP);
REFUSES(zerocopy, EOPNOTSUPP);
REFUSES(fastopen, EOPNOTSUPP);
REFUSES(uring_send_zc, EOPNOTSUPP);
REFUSES(copy_file_range, EINVAL);

FIXTURE_SETUP(entry)
{
	const struct conn_suite *suite = &conn_suites[CONN_13_GCM128];

	CONN_TRY(conn_open(&self->conn, suite, CONN_LO, AF_INET));
	CONN_TRY(conn_tx(&self->conn));
	if (variant->intree)
		SKIP_INTREE(variant->intree);
	ref_stream_init(&self->stream, &self->conn.key[0]);
	conn_fill(self->buf, DATA_LEN, 50);
}

/* The first bytes come by send(), so that what follows meets a socket in use. */
TEST_F(entry, writes_records_only)
{
	int fd = self->conn.fd[0];
	size_t off = 100;

	ASSERT_EQ(send(fd, self->buf, off, 0), off);
	while (variant->fate == RECORDS && off < DATA_LEN) {
		ssize_t done = variant->send(fd, self->buf + off, DATA_LEN - off);

		ASSERT_GT(done, 0);
		off += done;
	}
	if (variant->fate == REFUSED)
		EXPECT_ERRNO(variant->send(fd, self->buf + off, 1000), variant->errno_wanted);
	ASSERT_EQ(shutdown(fd, SHUT_WR), 0);
	EXPECT_EQ(ref_stream_read_eof(&self->stream, self->conn.fd[1]), 0);
	EXPECT_EQ(self->stream.plain_len, off);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, self->stream.plain_len);
}

/* The same, into a record that MSG_MORE left open. */
TEST_F(entry, joins_open_record)
{
	int fd = self->conn.fd[0];
	ssize_t done = 0;

	ASSERT_EQ(send(fd, self->buf, 100, MSG_MORE), 100);
	if (variant->fate == RECORDS)
		ASSERT_GT(done = variant->send(fd, self->buf + 100, 3000), 0);
	else
		EXPECT_ERRNO(variant->send(fd, self->buf + 100, 3000), variant->errno_wanted);
	ASSERT_EQ(send(fd, self->buf + 100 + done, 50, 0), 50);
	EXPECT_EQ(ref_stream_read(&self->stream, self->conn.fd[1], 150 + done), 0);
	EXPECT_MEM_EQ(self->stream.plain, self->buf, 150 + done);
}

/* Every way again on the socket of an IPv6 connection, which has tables of its own. */
FIXTURE(entry6) {
	struct entry_self entry;
};

FIXTURE_VARIANT(entry6) {
	entry_fn *send;
};

FIXTURE_VARIANT_ADD(entry6, send) = { by_send };
FIXTURE_VARIANT_ADD(entry6, write) = { by_write };
FIXTURE_VARIANT_ADD(entry6, sendfile) = { by_sendfile };
FIXTURE_VARIANT_ADD(entry6, vmsplice) = { by_vmsplice };

FIXTURE_SETUP(entry6)
{
	struct entry_self *entry = &self->entry;

	CONN_TRY(conn_open(&entry->conn, &conn_suites[CONN_12_GCM256], CONN_LO, AF_INET6));
	CONN_TRY(conn_tx(&entry->conn));
	ref_stream_init(&entry->stream, &entry->conn.key[0]);
	conn_fill(entry->buf, DATA_LEN, 51);
}

TEST_F(entry6, writes_records_only)
{
	const struct entry_variant same = { variant->send, RECORDS, 0, NULL };

	entry_writes_records_only(&self->entry, &same);
}

FIXTURE(repair) {
	struct conn conn;
	struct ref_stream stream;
};

FIXTURE_VARIANT(repair) {
	int direction;
};

FIXTURE_VARIANT_ADD(repair, tx) = { TLS_TX };
FIXTURE_VARIANT_ADD(repair, rx) = { TLS_RX };

FIXTURE_SETUP(repair)
{
	CONN_TRY(conn_open(&self->conn, &conn_suites[CONN_13_GCM128], CONN_LO, AF_INET));
	CONN_TRY(conn_attach(self->conn.fd[0]));
	CONN_TRY(conn_set_key(self->conn.fd[0], variant->direction, &self->conn.key[0]));
}

/* Repair puts bytes into the queues and takes them out as they are. */
TEST_F(repair, refused_with_keys)
{
	int on = 1;

	SKIP_INTREE("TCP_REPAIR works behind its back");
	EXPECT_ERRNO(setsockopt(self->conn.fd[0], IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)),
		     EOPNOTSUPP);
}

KTAP_MAIN()
