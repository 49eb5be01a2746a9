// SPDX-License-Identifier: MIT
/*
 * Owns: sampling the program counter of this process and naming the functions it was in (see profile.h).
 * Must not know: the call it profiles.
 * Concurrency: one thread.
 * Follows: perf_event_open(2). The event is the software CPU clock: an emulated CPU has no counters. Code that runs
 * with interrupts off shows up where it turns them on again.
 */
#include "profile.h"

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pair.h"
#include "sample.h"

#define PAGE_LEN	4096
#define RING_PAGES	2048
/* Odd, so that it does not keep step with the call. */
#define PERIOD_NS	10007
#define CALL_COUNT	20000
#define BYTES_MAX	(256 << 20)
#define SYMBOL_MAX	400000
#define SHOWN_COUNT	60

struct symbol {
	uint64_t addr;
	char name[64];
	int hits;
};

static struct symbol *symbols;
static int symbol_count;
static struct symbol outside = { .name = "(this program)" };

static int by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static int by_hits(const void *a, const void *b)
{
	return ((const struct symbol *)b)->hits - ((const struct symbol *)a)->hits;
}

static void read_symbols(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], name[256], module[64], kind;
	unsigned long addr;

	symbols = calloc(SYMBOL_MAX, sizeof(*symbols));
	pair_require(file && symbols, "/proc/kallsyms");
	while (symbol_count < SYMBOL_MAX && fgets(line, sizeof(line), file)) {
		*module = '\0';
		if (sscanf(line, "%lx %c %255s %63s", &addr, &kind, name, module) < 3 || (kind | 32) != 't')
			continue;
		symbols[symbol_count].addr = addr;
		snprintf(symbols[symbol_count++].name, sizeof(symbols->name), "%.40s %.20s", name, module);
	}
	fclose(file);
	qsort(symbols, symbol_count, sizeof(*symbols), by_addr);
}

static struct symbol *find(uint64_t addr)
{
	int low = 0, high = symbol_count;

	while (high - low > 1) {
		int middle = (low + high) / 2;

		if (symbols[middle].addr <= addr)
			low = middle;
		else
			high = middle;
	}
	return addr < symbols[0].addr ? &outside : &symbols[low];
}

static int start(struct perf_event_mmap_page **ring)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = PERIOD_NS, .sample_type = PERF_SAMPLE_IP, .disabled = 1, .exclude_idle = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	pair_require(fd >= 0, "perf_event_open");
	*ring = mmap(NULL, (RING_PAGES + 1) * PAGE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pair_require(*ring != MAP_FAILED, "mmap of the ring");
	return fd;
}

/* The ring is larger than what one profile writes: records lie end to end from its start. */
static int count_hits(const struct perf_event_mmap_page *ring)
{
	const char *data = (const char *)ring + PAGE_LEN;
	uint64_t end = ring->data_head;
	int total = 0;

	for (uint64_t off = 0; off < end && off < RING_PAGES * PAGE_LEN; ) {
		struct {
			struct perf_event_header header;
			uint64_t addr;
		} record;

		memcpy(&record, data + off, sizeof(record));
		if (record.header.type == PERF_RECORD_SAMPLE) {
			find(record.addr)->hits++;
			total++;
		}
		off += record.header.size;
	}
	return total;
}

static void show(int total, double cost)
{
	symbols[0] = outside;
	qsort(symbols, symbol_count, sizeof(*symbols), by_hits);
	for (int i = 0; i < SHOWN_COUNT && symbols[i].hits; i++)
		printf("%9.0f %5.1f%%  %s\n", symbols[i].hits * cost / total, symbols[i].hits * 100.0 / total, symbols[i].name);
	printf("%9.0f          in %d samples\n", cost, total);
}

void profile_run(void (*call)(void *arg), void *arg, size_t len)
{
	int count = len * CALL_COUNT > BYTES_MAX ? BYTES_MAX / len : CALL_COUNT, fd, total;
	struct perf_event_mmap_page *ring;
	uint64_t begin;

	read_symbols();
	for (int i = 0; i < SAMPLE_WARM_COUNT; i++)
		call(arg);
	begin = sample_clock();
	for (int i = 0; i < count; i++)
		call(arg);
	begin = sample_clock() - begin;
	fd = start(&ring);
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	for (int i = 0; i < count; i++)
		call(arg);
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	total = count_hits(ring);
	pair_require(total > 0, "no samples");
	show(total, (double)begin / count);
	close(fd);
}
