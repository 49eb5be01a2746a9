// SPDX-License-Identifier: MIT
/*
 * Owns: sending and receiving on a struct conn: whole buffers, record types,
 * records of the reference codec, jobs (see conn.h).
 * Must not know: what a test checks.
 * Concurrency: a job is one thread; it touches nothing but its own struct.
 * Follows: <linux/tls.h>.
 */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

ssize_t conn_send_all(int fd, const void *buf, size_t len, int flags)
{
	size_t off = 0;

	while (off < len) {
		ssize_t done = send(fd, (const uint8_t *)buf + off, len - off, flags);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		off += done;
	}
	return off;
}

ssize_t conn_recv_all(int fd, void *buf, size_t len, int flags)
{
	size_t off = 0;

	while (off < len) {
		ssize_t done = recv(fd, (uint8_t *)buf + off, len - off, flags);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (!done)
			break;
		off += done;
	}
	return off;
}

ssize_t conn_send_type(int fd, uint8_t type, const void *buf, size_t len, int flags)
{
	union { struct cmsghdr header; char space[CMSG_SPACE(1)]; } control = { 0 };
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	control.header.cmsg_level = SOL_TLS;
	control.header.cmsg_type = TLS_SET_RECORD_TYPE;
	control.header.cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(&control.header) = type;
	return sendmsg(fd, &msg, flags);
}

ssize_t conn_recv_type(int fd, uint8_t *type, void *buf, size_t len, int flags)
{
	union { struct cmsghdr header; char space[CMSG_SPACE(1)]; } control = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t got;

	*type = 0;
	got = recvmsg(fd, &msg, flags);
	cmsg = got < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_level == SOL_TLS && cmsg->cmsg_type == TLS_GET_RECORD_TYPE)
		*type = *CMSG_DATA(cmsg);
	return got;
}

ssize_t conn_send_record(struct conn *conn, uint8_t type, const void *buf, size_t len,
			 const struct ref_twist *twist)
{
	uint8_t *wire = malloc(len + REF_WIRE_MAX + (twist ? twist->pad_len : 0));
	size_t wire_len = ref_seal(&conn->key[0], type, buf, len, twist, wire);
	ssize_t done = conn_send_all(conn->fd[0], wire, wire_len, 0);

	free(wire);
	return done;
}

uint8_t *conn_seal_all(struct conn *conn, const void *buf, size_t len, size_t record_len,
		       size_t *wire_len)
{
	uint8_t *wire = malloc((len / record_len + 1) * (record_len + REF_HEADER_LEN + 64));
	size_t off = 0;

	*wire_len = 0;
	while (off < len) {
		size_t part_len = len - off < record_len ? len - off : record_len;

		*wire_len += ref_seal(&conn->key[0], REF_DATA, (const uint8_t *)buf + off, part_len,
				      NULL, wire + *wire_len);
		off += part_len;
	}
	return wire;
}

/* Goes over the buffer of the job chunk by chunk. */
static void run_job(struct conn_job *job, bool sends)
{
	size_t off = 0;

	while (off < job->len) {
		size_t len = job->len - off < job->chunk_len ? job->len - off : job->chunk_len;
		ssize_t done = sends ? conn_send_all(job->fd, job->buf + off, len, job->flags) :
				       conn_recv_all(job->fd, job->buf + off, len, job->flags);

		if (done < 0) {
			job->done = done;
			return;
		}
		off += done;
		if ((size_t)done < len)
			break;
	}
	job->done = off;
}

static void *send_job(void *job)
{
	run_job(job, true);
	return NULL;
}

static void *recv_job(void *job)
{
	run_job(job, false);
	return NULL;
}

static int start_job(struct conn_job *job, int fd, void *buf, size_t len, size_t chunk_len,
		     void *(*run)(void *job))
{
	*job = (struct conn_job){ .fd = fd, .buf = buf, .len = len, .chunk_len = chunk_len };
	return -pthread_create(&job->thread, NULL, run, job);
}

int conn_send_start(struct conn_job *job, int fd, const void *buf, size_t len, size_t chunk_len)
{
	return start_job(job, fd, (void *)buf, len, chunk_len, send_job);
}

int conn_recv_start(struct conn_job *job, int fd, void *buf, size_t len, size_t chunk_len)
{
	return start_job(job, fd, buf, len, chunk_len, recv_job);
}

ssize_t conn_job_end(struct conn_job *job)
{
	pthread_join(job->thread, NULL);
	return job->done;
}
