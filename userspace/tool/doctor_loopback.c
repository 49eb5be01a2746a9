// SPDX-License-Identifier: MIT
/*
 * Owns: the live test of doctor: a client and a server of our own talk over
 * the loopback device, by write, read, sendfile and splice on plain sockets,
 * and the kernel's counters must have moved by at least as much.
 * Must not know: other findings.
 * Concurrency: the server is a second thread; each side has its own struct side.
 * Spec: ktlsx.h; KTLSX_CONTROL in <linux/ktlsx.h>.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../include/ktlsx.h"
#include "certificate.h"
#include "counters.h"
#include "doctor.h"
#include "probe.h"

#define CONTENT_LEN 1048576
#define WAIT_S 10

/**
 * struct side - the client, or the server
 * @config: its config
 * @fd: its end of the pair
 * @content: what the client writes, and the server's file holds
 * @error: how it failed; "" it did not
 */
struct side {
	struct ktlsx_config *config;
	int fd;
	const uint8_t *content;
	char error[512];
};

static int failed(struct side *side, const char *step, const char *why)
{
	snprintf(side->error, sizeof(side->error), "%s: %s", step, why);
	return -1;
}

static int shake_hands(struct side *side, struct ktlsx_conn **conn)
{
	int err = ktlsx_conn_new(conn, side->config, side->fd, NULL);

	if (err)
		return failed(side, "connection", ktlsx_config_error(side->config));
	err = ktlsx_handshake(*conn, WAIT_S * 1000);
	if (err)
		return failed(side, "handshake", ktlsx_error(*conn));
	if (ktlsx_fd(*conn) != side->fd)
		return failed(side, "handshake", "the library gives no descriptor");
	return 0;
}

/* The end of the peer's content: close_notify reads as 0. */
static int expect_end(struct side *side)
{
	char byte;
	ssize_t got = read(side->fd, &byte, 1);

	if (got > 0)
		return failed(side, "end", "there is more than was sent");
	return got ? failed(side, "end", strerrorname_np(errno)) : 0;
}

static int send_content(struct side *side)
{
	size_t done = 0;

	while (done < CONTENT_LEN) {
		ssize_t put = write(side->fd, side->content + done, CONTENT_LEN - done);

		if (put <= 0)
			return failed(side, "write", put ? strerrorname_np(errno) : "nothing");
		done += (size_t)put;
	}
	return 0;
}

static int receive_content(struct side *side, uint8_t *buf)
{
	size_t done = 0;

	while (done < CONTENT_LEN) {
		ssize_t got = read(side->fd, buf + done, CONTENT_LEN - done);

		if (got <= 0)
			return failed(side, "read", got ? strerrorname_np(errno) : "early end");
		done += (size_t)got;
	}
	return memcmp(buf, side->content, CONTENT_LEN) ?
	       failed(side, "read", "other bytes than were sent") : 0;
}

static int memory_file(struct side *side)
{
	int fd = memfd_create("ktlsx-doctor", MFD_CLOEXEC);

	if (fd < 0)
		return failed(side, "memory file", strerrorname_np(errno));
	return fd;
}

static int send_file(struct side *side)
{
	int file = memory_file(side);
	off_t off = 0;
	ssize_t put = 1;

	if (file < 0)
		return -1;
	if (write(file, side->content, CONTENT_LEN) != CONTENT_LEN)
		put = 0;
	while (put > 0 && off < CONTENT_LEN)
		put = sendfile(side->fd, file, &off, (size_t)(CONTENT_LEN - off));
	close(file);
	return put > 0 ? 0 : failed(side, "sendfile", strerrorname_np(errno));
}

/* From the socket through a pipe into a file, until the end. */
static int splice_all(struct side *side, const int *ends, int file)
{
	ssize_t got;

	while ((got = splice(side->fd, NULL, ends[1], NULL, 65536, 0)) > 0)
		while (got > 0) {
			ssize_t put = splice(ends[0], NULL, file, NULL, (size_t)got, 0);

			if (put <= 0)
				return failed(side, "splice to a file", strerrorname_np(errno));
			got -= put;
		}
	return got ? failed(side, "splice", strerrorname_np(errno)) : 0;
}

static int receive_file(struct side *side, uint8_t *buf)
{
	int file = memory_file(side), ends[2], err;
	off_t len;

	if (file < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC)) {
		close(file);
		return failed(side, "pipe", strerrorname_np(errno));
	}
	err = splice_all(side, ends, file);
	len = lseek(file, 0, SEEK_END);
	if (!err && (len != CONTENT_LEN || pread(file, buf, CONTENT_LEN, 0) != CONTENT_LEN ||
		     memcmp(buf, side->content, CONTENT_LEN)))
		err = failed(side, "splice", "other bytes than were sent");
	close(ends[0]);
	close(ends[1]);
	close(file);
	return err;
}

static void *serve(void *argument)
{
	struct side *side = argument;
	struct ktlsx_conn *conn = NULL;
	uint8_t *buf = malloc(CONTENT_LEN);

	if (buf && !shake_hands(side, &conn) && !receive_content(side, buf) &&
	    !send_file(side) && !shutdown(side->fd, SHUT_WR))
		expect_end(side);
	/* The other side must not wait for what will not come. */
	if (*side->error || !buf)
		shutdown(side->fd, SHUT_RDWR);
	ktlsx_conn_free(conn);
	free(buf);
	return NULL;
}

static void be_client(struct side *side)
{
	struct ktlsx_conn *conn = NULL;
	uint8_t *buf = malloc(CONTENT_LEN);

	if (buf && !shake_hands(side, &conn) && !send_content(side) && !receive_file(side, buf))
		shutdown(side->fd, SHUT_WR);
	if (*side->error || !buf)
		shutdown(side->fd, SHUT_RDWR);
	ktlsx_conn_free(conn);
	free(buf);
}

static int talk(struct side *sides)
{
	const struct timeval patience = { .tv_sec = WAIT_S };
	pthread_t thread;
	int pair[KTLSX_PROBE_PAIR], err = ktlsx_probe_pair(pair);

	if (err)
		return failed(&sides[0], "loopback", strerror(-err));
	for (int i = 0; i < KTLSX_PROBE_PAIR; i++) {
		sides[i].fd = pair[i];
		setsockopt(pair[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(pair[i], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	}
	err = pthread_create(&thread, NULL, serve, &sides[1]);
	if (!err) {
		be_client(&sides[0]);
		pthread_join(thread, NULL);
	} else {
		failed(&sides[0], "thread", strerror(err));
	}
	close(pair[0]);
	close(pair[1]);
	return *sides[0].error || *sides[1].error ? -1 : 0;
}

/* Other programs may use the kernel meanwhile: at least as much, then. */
static const char *unmoved(const struct ktlsx_counters *before, const struct ktlsx_counters *after)
{
	static const char *const moved[] = {
		"TxSendBytes", "TxSendfileBytes", "RxRecvBytes", "RxSpliceBytes",
	};

	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
		if (ktlsx_counters_get(after, moved[i]) - ktlsx_counters_get(before, moved[i]) <
		    CONTENT_LEN)
			return moved[i];
	return NULL;
}

static int configure(struct side *sides, const struct ktlsx_certificate *certificate,
		     uint16_t version)
{
	int err = ktlsx_config_new(&sides[0].config, KTLSX_CLIENT);

	if (!err)
		err = ktlsx_config_new(&sides[1].config, KTLSX_SERVER);
	if (err)
		return failed(&sides[0], "config", strerrorname_np(-err));
	for (int i = 0; !err && i < 2; i++)
		err = ktlsx_config_set_versions(sides[i].config, version, version);
	if (!err && ktlsx_config_add_pin(sides[0].config, certificate->pin))
		return failed(&sides[0], "config", ktlsx_config_error(sides[0].config));
	if (!err)
		err = ktlsx_config_add_chain(sides[1].config, certificate->path,
					     certificate->path, NULL);
	return err ? failed(&sides[1], "config", ktlsx_config_error(sides[1].config)) : 0;
}

static void test_version(struct ktlsx_doctor *doctor, const struct ktlsx_certificate *certificate,
			 const uint8_t *content, uint16_t version)
{
	const char *name = version == 0x0304 ? "TLSv1.3" : "TLSv1.2", *still;
	struct side sides[2] = { { .content = content }, { .content = content } };
	struct ktlsx_counters before = { 0 }, after = { 0 };

	ktlsx_counters_read(&before);
	if (!configure(sides, certificate, version))
		talk(sides);
	ktlsx_counters_read(&after);
	ktlsx_config_free(sides[0].config);
	ktlsx_config_free(sides[1].config);
	still = unmoved(&before, &after);
	if (*sides[0].error || *sides[1].error)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "loopback",
				  "the sentence names the step; see also the findings above",
				  "%s between two threads fails: client: %s; server: %s", name,
				  *sides[0].error ? sides[0].error : "fine",
				  *sides[1].error ? sides[1].error : "fine");
	else if (still)
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "loopback",
				  "report this: the data was right, and did not pass through the module",
				  "%s between two threads works, but the kernel did not count it: %s",
				  name, still);
	else
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_OK, "loopback", NULL,
				  "%s between two threads: %d bytes by write and read, as many by sendfile and splice, counted by the kernel",
				  name, CONTENT_LEN);
}

/**
 * ktlsx_doctor_loopback() - does it really work, here and now?
 * @doctor: gets the findings
 */
void ktlsx_doctor_loopback(struct ktlsx_doctor *doctor)
{
	struct ktlsx_certificate certificate;
	uint8_t *content;
	int err;

	/* Root's attach would load the module: that is not for a doctor to do. */
	if (!ktlsx_probe_is_loaded()) {
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "loopback",
				  "as root: modprobe ktlsx",
				  "the live test was not tried: there is no module");
		return;
	}
	content = malloc(CONTENT_LEN);
	err = ktlsx_certificate_make(&certificate);
	if (err || !content) {
		ktlsx_doctor_find(doctor, KTLSX_LEVEL_PROBLEM, "loopback", "free some memory",
				  "no certificate for the test can be made: %s",
				  strerror(err ? -err : ENOMEM));
		free(content);
		return;
	}
	for (size_t i = 0; i < CONTENT_LEN; i++)
		content[i] = (uint8_t)(i * 2654435761U >> 13);
	test_version(doctor, &certificate, content, 0x0303);
	test_version(doctor, &certificate, content, 0x0304);
	ktlsx_certificate_drop(&certificate);
	free(content);
}
