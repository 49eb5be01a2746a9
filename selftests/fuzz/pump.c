// SPDX-License-Identifier: MIT
/*
 * Owns: fuzzing of the pump: what it takes from a socket is whole records and
 * not a byte more, within its bound; what it notes of what it sends does not
 * depend on how the socket took it.
 * Must not know: what is in the records.
 * Concurrency: single thread.
 * Follows: userspace/lib/pump.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "pump.h"

/* Less than a socket holds, so that nothing here waits. */
#define LEN_MAX		60000

static void start(struct ktlsx_pump *pump, int fd[2])
{
	CLAIM(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd));
	memset(pump, 0, sizeof(*pump));
	pump->fd = fd[0];
	pump->in = BIO_new(BIO_s_mem());
	pump->out = BIO_new(BIO_s_mem());
	CLAIM(pump->in && pump->out);
}

static void stop(struct ktlsx_pump *pump, int fd[2])
{
	BIO_free(pump->in);
	BIO_free(pump->out);
	close(fd[0]);
	close(fd[1]);
}

static int pump_some(struct ktlsx_pump *pump, struct ktlsx_error *error)
{
	size_t before;
	int ret;

	do {
		before = BIO_ctrl_pending(pump->in);
		ret = ktlsx_pump_in(pump, error);
		CLAIM(ret != 1 || BIO_ctrl_pending(pump->in) > before);
	} while (ret == 1);
	CLAIM(ret <= 0);
	return ret;
}

/* Return: what the pump answered at the end of the stream or at an error. */
static int pump_in(struct ktlsx_pump *pump, int fd[2], const uint8_t *bytes, size_t len,
		   size_t part_len)
{
	struct ktlsx_error error = { "" };
	size_t off, part;
	int left, ret = -EAGAIN;

	for (off = 0; off < len && ret == -EAGAIN; off += part) {
		part = len - off < part_len ? len - off : part_len;
		CLAIM(send(fd[1], bytes + off, part, MSG_NOSIGNAL) == (ssize_t)part);
		ret = pump_some(pump, &error);
		CLAIM(ret == -EAGAIN || error.text[0]);
	}
	if (ret == -EAGAIN) {
		shutdown(fd[1], SHUT_WR);
		ret = pump_some(pump, &error);
	}
	CLAIM(!ioctl(fd[0], FIONREAD, &left));
	CLAIM(BIO_ctrl_pending(pump->in) + left == (off < len ? off : len));
	CLAIM(pump->peer_len <= pump->peer_len_max);
	return ret;
}

/* In pieces or at once: the same answer, the same bytes taken. */
static void fuzz_in(struct fuzz_input *input, size_t part_len, size_t peer_len_max)
{
	struct ktlsx_pump whole, cut;
	size_t taken;
	int fd[2], ret;

	start(&whole, fd);
	whole.peer_len_max = peer_len_max;
	ret = pump_in(&whole, fd, input->bytes, input->len, input->len);
	taken = BIO_ctrl_pending(whole.in);
	stop(&whole, fd);
	start(&cut, fd);
	cut.peer_len_max = peer_len_max;
	CLAIM(pump_in(&cut, fd, input->bytes, input->len, part_len) == ret);
	CLAIM(BIO_ctrl_pending(cut.in) == taken);
	stop(&cut, fd);
}

static void pump_out(struct ktlsx_pump *pump, int fd[2], const struct fuzz_input *input,
		     size_t part_len)
{
	uint8_t buf[LEN_MAX];
	size_t off, part;

	for (off = 0; off < input->len; off += part) {
		part = input->len - off < part_len ? input->len - off : part_len;
		CLAIM(BIO_write(pump->out, input->bytes + off, part) == (int)part);
		CLAIM(!ktlsx_pump_out(pump, NULL));
		CLAIM(recv(fd[1], buf, sizeof(buf), 0) == (ssize_t)part);
		CLAIM(!memcmp(buf, input->bytes + off, part));
	}
}

static void fuzz_out(const struct fuzz_input *input, size_t part_len)
{
	struct ktlsx_pump whole, cut;
	int fd[2];

	start(&whole, fd);
	pump_out(&whole, fd, input, input->len);
	stop(&whole, fd);
	start(&cut, fd);
	pump_out(&cut, fd, input, part_len);
	stop(&cut, fd);
	CLAIM(whole.has_ccs == cut.has_ccs);
	CLAIM(whole.has_finished_nonce == cut.has_finished_nonce);
	CLAIM(whole.finished_nonce == cut.finished_nonce);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_input input = { bytes, len < LEN_MAX ? len : LEN_MAX };
	size_t part_len = 1 + fuzz_byte(&input), peer_len_max = fuzz_byte(&input) * 128 + 1;

	fuzz_in(&input, part_len, peer_len_max);
	fuzz_out(&input, part_len);
	return 0;
}
