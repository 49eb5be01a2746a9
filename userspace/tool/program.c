// SPDX-License-Identifier: MIT
/*
 * Owns: running a program with the socket as its standard input and output:
 * it reads and writes plaintext, the kernel does the records. It gets no other
 * descriptor than standard error, and learns who is there from its environment.
 * Must not know: what it does.
 * Concurrency: one child at a time; the parent does not touch the socket meanwhile.
 * Spec: ktlsx(8); RFC 4514 (names of clients).
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wait.h"

#define PATIENCE_MS 5000

/* What a client chose freely is passed on only when it is printable. */
static bool is_printable(const char *value)
{
	while (*value > 0x1f && *value < 0x7f)
		value++;
	return !*value;
}

static void put(const char *name, const char *value)
{
	if (value && *value && is_printable(value))
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* Subject of the peer's certificate; the caller frees it. NULL without one. */
static char *subject(const struct ktlsx_stream *stream)
{
	const uint8_t *der;
	size_t der_len;
	BIO *text = BIO_new(BIO_s_mem());
	X509 *certificate = NULL;
	char *bytes, *name = NULL;
	long len;

	if (text && !ktlsx_peer_certificate(stream->conn, 0, &der, &der_len))
		certificate = d2i_X509(NULL, &der, (long)der_len);
	if (certificate && X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0,
					      XN_FLAG_RFC2253) >= 0) {
		len = BIO_get_mem_data(text, &bytes);
		name = strndup(bytes, (size_t)len);
	}
	X509_free(certificate);
	BIO_free(text);
	return name;
}

static void set_environment(const struct ktlsx_stream *stream, const struct ktlsx_endpoint *peer,
			    const char *client)
{
	put("REMOTE_ADDR", peer->host);
	put("REMOTE_PORT", peer->port);
	put("SSL_PROTOCOL", stream->info.version_name);
	put("SSL_CIPHER", stream->info.suite_openssl_name);
	put("SSL_SERVER_NAME", stream->info.server_name);
	put("SSL_CLIENT_S_DN", client);
}

/* The child: never returns. What exec says goes back through @report_fd. */
__attribute__((noreturn))
static void become(const struct ktlsx_stream *stream, char **command, int report_fd)
{
	int err;

	if (dup2(stream->fd, STDIN_FILENO) == STDIN_FILENO &&
	    dup2(stream->fd, STDOUT_FILENO) == STDOUT_FILENO &&
	    !close_range(3, ~0U, CLOSE_RANGE_CLOEXEC)) {
		signal(SIGPIPE, SIG_DFL);
		ktlsx_wait_release_stop();
		execvp(command[0], command);
	}
	err = errno;
	if (write(report_fd, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

/* It has been asked to end; returns whether it did in time. */
static bool ends_by_itself(int pid_fd)
{
	/* Our own stop has come already: no wait of ktlsx_wait_for() would last. */
	struct pollfd one = { .fd = pid_fd, .events = POLLIN };

	return poll(&one, 1, PATIENCE_MS) > 0;
}

/* Waits for the child; when we are to stop, so is it. */
static int outcome(pid_t child, const struct ktlsx_report *report)
{
	int fd = pidfd_open(child, 0), state = 0;

	if (fd >= 0 && ktlsx_wait_for(fd, POLLIN, -1) == -EINTR) {
		ktlsx_report_say(report, "stopping the program");
		kill(child, SIGTERM);
		if (!ends_by_itself(fd))
			kill(child, SIGKILL);
	}
	while (waitpid(child, &state, 0) < 0 && errno == EINTR)
		;
	if (fd >= 0)
		close(fd);
	return state;
}

static enum ktlsx_exit judge(int state, const struct ktlsx_report *report, const char *name)
{
	if (WIFSIGNALED(state))
		return ktlsx_report_error(report, KTLSX_EXIT_PROGRAM, "%s was killed by SIG%s",
					  name, sigabbrev_np(WTERMSIG(state)));
	if (WEXITSTATUS(state))
		return ktlsx_report_error(report, KTLSX_EXIT_PROGRAM, "%s ended with status %d",
					  name, WEXITSTATUS(state));
	ktlsx_report_say(report, "%s ended with status 0", name);
	return KTLSX_EXIT_OK;
}

static enum ktlsx_exit run(struct ktlsx_stream *stream, const struct ktlsx_report *report,
			   char **command)
{
	int exec_err = 0, state, report_pipe[2];
	pid_t child;

	if (pipe2(report_pipe, O_CLOEXEC))
		return ktlsx_report_error(report, KTLSX_EXIT_PROGRAM, "cannot make a pipe: %s",
					  strerror(errno));
	child = fork();
	if (!child)
		become(stream, command, report_pipe[1]);
	close(report_pipe[1]);
	if (child > 0 && read(report_pipe[0], &exec_err, sizeof(exec_err)) <= 0)
		exec_err = 0;
	if (child < 0)
		exec_err = errno;
	close(report_pipe[0]);
	state = child > 0 ? outcome(child, report) : 0;
	if (exec_err)
		return ktlsx_report_error(report, KTLSX_EXIT_PROGRAM, "cannot run %s: %s",
					  command[0], strerror(exec_err));
	return judge(state, report, command[0]);
}

/**
 * ktlsx_program_run() - run a program on a connection, and wait for it
 * @stream: connection after its handshake, offloaded
 * @report: is told how it ended
 * @peer: who is there
 * @command: program and arguments, NULL at the end
 *
 * Return: KTLSX_EXIT_OK; KTLSX_EXIT_PROGRAM it did not start, or did not end with
 * status 0; KTLSX_EXIT_KERNEL the records are done in userspace.
 */
enum ktlsx_exit ktlsx_program_run(struct ktlsx_stream *stream, const struct ktlsx_report *report,
				  const struct ktlsx_endpoint *peer, char **command)
{
	char *client = subject(stream);
	int flags = fcntl(stream->fd, F_GETFL);
	enum ktlsx_exit status;

	set_environment(stream, peer, client);
	free(client);
	if (!stream->is_offloaded)
		return ktlsx_report_error(report, KTLSX_EXIT_KERNEL,
					  "a program needs a socket with records in the kernel");
	/* Programs expect a standard input that blocks. */
	fcntl(stream->fd, F_SETFL, flags & ~O_NONBLOCK);
	status = run(stream, report, command);
	fcntl(stream->fd, F_SETFL, flags);
	return status;
}
