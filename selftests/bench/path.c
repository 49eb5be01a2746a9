// SPDX-License-Identifier: MIT
/*
 * Owns: the cases of `make bench-path`: what one call costs on plain TCP, on the in-tree ULP and
 * on ours, in one boot.
 * Must not know: marks and tables (path.sh); how a guest is made.
 * Concurrency: one thread; nothing else may run.
 *
 * Prints lines "case CASE WAY MEDIAN MINIMUM COUNT": instructions of one call, under icount.
 * The ways take turns round by round on fresh pairs, so that none profits from what another left.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/tls.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cipher.h"
#include "pair.h"
#include "profile.h"
#include "sample.h"

#define FILE_LEN    1048576
#define MODULE_PATH "/modules/ktlsx.ko"

enum part {
	SEND,
	SENDFILE,
	RECV,
	SEND_RECV,
	SENDFILE_RECV
};

static const struct bench_case {
	const char *name;
	enum part part;
	size_t len;
	bool no_pad, wide;
} cases[] = {
	{ "send-64", .part = SEND, .len = 64 },
	{ "send-16k", .part = SEND, .len = 16384 },
	{ "sendfile-1m", .part = SENDFILE, .len = FILE_LEN },
	{ "sendfile-1m-wide", .part = SENDFILE, .len = FILE_LEN, .wide = true },
	{ "recv-64", .part = RECV, .len = 64 },
	{ "recv-16k", .part = RECV, .len = 16384 },
	{ "recv-64-nopad", .part = RECV, .len = 64, .no_pad = true },
	{ "recv-16k-nopad", .part = RECV, .len = 16384, .no_pad = true },
	{ "pair-64", .part = SEND_RECV, .len = 64 },
	{ "pair-16k", .part = SEND_RECV, .len = 16384 },
	{ "pair-sendfile-1m", .part = SENDFILE_RECV, .len = FILE_LEN },
};

#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

/* Who carries the bytes; ulp NULL is TCP itself. "bare" is TCP while our module is not loaded. */
struct way {
	const char *name, *ulp;
};

static const struct way plain = { "plain", NULL }, bare = { "bare", NULL };
static const struct way intree = { "tls", "tls" }, ours = { "ktlsx", "ktlsx" };

static char buffer[FILE_LEN];
static int file_fd;

static void do_send(const struct pair *pair, const struct bench_case *c)
{
	off_t off = 0;

	if (c->part == SENDFILE || c->part == SENDFILE_RECV)
		while (off < (off_t)c->len)
			pair_require(sendfile(pair->tx, file_fd, &off, c->len - off) > 0,
				     "sendfile");
	else
		pair_require(send(pair->tx, buffer, c->len, 0) == (ssize_t)c->len, "send");
}

static void do_recv(const struct pair *pair, const struct bench_case *c)
{
	for (size_t done = 0; done < c->len;) {
		ssize_t len = recv(pair->rx, buffer + done, c->len - done, 0);

		pair_require(len > 0, "recv");
		done += len;
	}
}

/* What has to happen outside the sample, and what is measured. */
static void before(const struct pair *pair, const struct bench_case *c)
{
	if (c->part == RECV)
		do_send(pair, c);
}

static void during(const struct pair *pair, const struct bench_case *c)
{
	if (c->part != RECV)
		do_send(pair, c);
	if (c->part != SEND && c->part != SENDFILE)
		do_recv(pair, c);
}

static void after(const struct pair *pair, const struct bench_case *c)
{
	if (c->part == SEND || c->part == SENDFILE)
		pair_drain(pair);
}

static void set_up(struct pair *pair, const struct way *way, const struct bench_case *c)
{
	bool receives = c->part != SEND && c->part != SENDFILE;

	pair_open(pair, c->wide);
	if (!way->ulp)
		return;
	pair_attach(pair->tx, way->ulp);
	pair_install(pair->tx, TLS_TX);
	if (!receives)
		return;
	pair_attach(pair->rx, way->ulp);
	pair_install(pair->rx, TLS_RX);
	if (c->no_pad)
		pair_expect_no_pad(pair->rx);
}

static void run_round(struct sample *sample, const struct way *way, const struct bench_case *c)
{
	struct pair pair;

	set_up(&pair, way, c);
	for (int i = -SAMPLE_WARM_COUNT; i < SAMPLE_COUNT; i++) {
		uint64_t start;

		before(&pair, c);
		start = sample_clock();
		during(&pair, c);
		sample_add(sample, i, start);
		after(&pair, c);
	}
	pair_close(&pair);
}

static void print_sample(const char *name, const struct way *way, struct sample *sample)
{
	long median = sample_median(sample);

	printf("case %s %s %ld %ld %d\n", name, way->name, median, sample->cost[0], sample->count);
	/* The console is slow: let it be done before the next series. Guest time is free. */
	usleep(100000);
}

static void run_case(const struct bench_case *c, const struct way *ways, int way_count)
{
	static struct sample samples[4];

	memset(samples, 0, sizeof(samples));
	for (int round = 0; round < (c->len < FILE_LEN ? SAMPLE_ROUNDS : 1); round++)
		for (int i = 0; i < way_count; i++)
			run_round(&samples[i], &ways[i], c);
	for (int i = 0; i < way_count; i++)
		print_sample(c->name, &ways[i], &samples[i]);
}

/* A connection's life: attach, the two keys, close; the close of plain TCP is the zero line. */
static void run_install(const struct way *way)
{
	static struct sample attach, tx, rx, end;
	uint64_t start;
	struct pair pair;

	attach.count = 0;
	tx.count = 0;
	rx.count = 0;
	end.count = 0;
	for (int i = -SAMPLE_WARM_COUNT; i < SAMPLE_COUNT; i++) {
		pair_open(&pair, false);
		start = sample_clock();
		if (way->ulp)
			pair_attach(pair.tx, way->ulp);
		sample_add(&attach, i, start);
		start = sample_clock();
		if (way->ulp)
			pair_install(pair.tx, TLS_TX);
		sample_add(&tx, i, start);
		start = sample_clock();
		if (way->ulp)
			pair_install(pair.tx, TLS_RX);
		sample_add(&rx, i, start);
		start = sample_clock();
		close(pair.tx);
		sample_add(&end, i, start);
		close(pair.rx);
	}
	print_sample("attach", way, &attach);
	print_sample("install-tx", way, &tx);
	print_sample("install-rx", way, &rx);
	print_sample("close", way, &end);
}

static bool wanted(const struct bench_case *c)
{
	const char *part = getenv("KTLSX_CASES");

	return !part || strstr(c->name, part);
}

static void run_all(const struct way *ways, int way_count)
{
	for (size_t i = 0; i < CASE_COUNT; i++)
		if (wanted(&cases[i]))
			run_case(&cases[i], ways, way_count);
	for (int i = 0; i < way_count; i++)
		run_install(&ways[i]);
}

/* Plain TCP must cost the same without our module; the guest expects it back at the end. */
static void run_bare(void)
{
	int fd = open(MODULE_PATH, O_RDONLY | O_CLOEXEC);

	pair_require(!syscall(SYS_delete_module, "ktlsx", O_NONBLOCK), "rmmod ktlsx");
	for (size_t i = 0; i < CASE_COUNT; i++)
		if (wanted(&cases[i]) && !cases[i].no_pad)
			run_case(&cases[i], &bare, 1);
	pair_require(fd >= 0 && !syscall(SYS_finit_module, fd, "", 0), MODULE_PATH);
	close(fd);
}

struct profiled {
	struct pair pair;
	const struct bench_case *c;
};

static void profile_before(void *arg)
{
	const struct profiled *p = arg;

	before(&p->pair, p->c);
}

static void profile_during(void *arg)
{
	const struct profiled *p = arg;

	during(&p->pair, p->c);
}

static void profile_after(void *arg)
{
	const struct profiled *p = arg;

	after(&p->pair, p->c);
}

static void profile_way(const struct way *way, const struct bench_case *c,
			enum profile_column column)
{
	static const struct profile_parts parts = { profile_before, profile_during, profile_after };
	struct profiled p = { .c = c };

	set_up(&p.pair, way, c);
	profile_run(&parts, &p, c->len, column);
	pair_close(&p.pair);
}

static int run_profile(const struct way *way, const char *name)
{
	for (size_t i = 0; i < CASE_COUNT; i++) {
		if (strcmp(cases[i].name, name))
			continue;
		printf("# %s: instructions of one call by %s, beside plain TCP\n", name, way->name);
		profile_way(&plain, &cases[i], PROFILE_BASE);
		profile_way(way, &cases[i], PROFILE_THIS);
		profile_show();
		return 0;
	}
	fprintf(stderr, "bench: no case %s\n", name);
	return 2;
}

static int make_file(void)
{
	int fd = open("/tmp/bench-path", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (size_t i = 0; i < sizeof(buffer); i++)
		buffer[i] = i * 2654435761u >> 24;
	pair_require(fd >= 0 && write(fd, buffer, sizeof(buffer)) == sizeof(buffer),
		     "/tmp/bench-path");
	unlink("/tmp/bench-path");
	return fd;
}

/*
 * KTLSX_PROFILE: profile the case of this name instead. KTLSX_NOMODULE: the in-tree ULP alone.
 * KTLSX_CASES: only cases with this in their names. KTLSX_CASES_ONLY: no cipher, and no plain TCP
 * without the module.
 */
int main(void)
{
	const struct way ways[] = { plain, intree, ours };
	const char *profile = getenv("KTLSX_PROFILE");
	bool alone = getenv("KTLSX_NOMODULE");

	setvbuf(stdout, NULL, _IOLBF, 0);
	file_fd = make_file();
	if (profile)
		return run_profile(alone ? &intree : &ours, profile);
	run_all(ways, alone ? 2 : 3);
	if (!getenv("KTLSX_CASES_ONLY")) {
		if (!alone)
			run_bare();
		cipher_print_ours();
		cipher_print_intree();
	}
	printf("done\n");
	return 0;
}
