// SPDX-License-Identifier: MIT
/*
 * Owns: sampling the program counter of this process and naming its functions (see profile.h).
 * Must not know: the calls it profiles.
 * Concurrency: one thread.
 * Follows: perf_event_open(2). The event is the CPU clock: an emulated CPU has no counters.
 * Code that runs with interrupts off shows up where it turns them on again; what moves bytes is put
 * down to its caller.
 */
#include "profile.h"

#include <linux/perf_event.h>
#include <math.h>
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

#define PAGE_LEN   4096
#define RING_PAGES 4096
/* Odd, so that it does not keep step with the call. */
#define PERIOD_NS   10007
#define CALL_COUNT  20000
#define BYTES_MAX   (256 << 20)
#define SYMBOL_MAX  400000
#define SHOWN_COUNT 50
#define FRAME_COUNT 3

struct symbol {
	uint64_t addr;
	char name[64];
	bool moves_bytes;
	double cost[PROFILE_COLUMNS];
	double moving; /* of the cost in the first column */
};

/* One record of the ring, as attr.sample_type makes it. */
struct entry {
	struct perf_event_header header;
	uint64_t addr;
	uint64_t frame_count;
	uint64_t frames[FRAME_COUNT + 1]; /* a marker, the address again, its callers */
};

static struct symbol *symbols;
static int symbol_count;
static double total[PROFILE_COLUMNS];

static int by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static double difference(const struct symbol *s)
{
	return s->cost[PROFILE_THIS] - s->cost[PROFILE_BASE];
}

static int by_difference(const void *a, const void *b)
{
	double x = fabs(difference(a)), y = fabs(difference(b));

	return (x < y) - (x > y);
}

static bool moves_bytes(const char *name)
{
	static const char *const movers[] = { "memset",	  "memcpy",	"__memcpy",
					      "__memset", "clear_page", "copy_user" };

	for (size_t i = 0; i < sizeof(movers) / sizeof(movers[0]); i++)
		if (!strncmp(name, movers[i], strlen(movers[i])))
			return true;
	return false;
}

static void read_symbols(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], name[256], module[64], kind;
	unsigned long addr;

	symbols = calloc(SYMBOL_MAX, sizeof(*symbols));
	pair_require(file && symbols, "/proc/kallsyms");
	while (symbol_count < SYMBOL_MAX && fgets(line, sizeof(line), file)) {
		struct symbol *s = &symbols[symbol_count];

		*module = '\0';
		if (sscanf(line, "%lx %c %255s %63s", &addr, &kind, name, module) < 3 ||
		    (kind | 32) != 't' || !addr)
			continue;
		s->addr = addr;
		s->moves_bytes = moves_bytes(name);
		snprintf(s->name, sizeof(s->name), "%.40s %.20s", name, module);
		symbol_count++;
	}
	fclose(file);
	qsort(symbols, symbol_count, sizeof(*symbols), by_addr);
	pair_require(symbol_count > 0, "no symbols");
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
	return &symbols[low];
}

static int start(struct perf_event_mmap_page **ring)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = PERIOD_NS,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN,
		.sample_max_stack = FRAME_COUNT,
		.exclude_callchain_user = 1,
		.exclude_user = 1,
		.disabled = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	pair_require(fd >= 0, "perf_event_open");
	*ring = mmap(NULL, (RING_PAGES + 1) * PAGE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pair_require(*ring != MAP_FAILED, "mmap of the ring");
	return fd;
}

static void count_entry(const struct entry *entry, enum profile_column column)
{
	struct symbol *s = find(entry->addr);
	bool moving = s->moves_bytes && entry->frame_count > 2;

	if (moving)
		s = find(entry->frames[2]);
	s->cost[column]++;
	if (moving && column == PROFILE_THIS)
		s->moving++;
}

/*
 * Returns the number of samples. The ring is larger than what one profile writes: entries lie end
 * to end from its start.
 */
static int count_ring(const struct perf_event_mmap_page *ring, enum profile_column column)
{
	const char *data = (const char *)ring + PAGE_LEN;
	uint64_t end = ring->data_head;
	int count = 0;

	pair_require(end < RING_PAGES * PAGE_LEN, "the ring is full");
	for (uint64_t off = 0; off < end;) {
		struct entry entry = { 0 };
		size_t len;

		memcpy(&entry.header, data + off, sizeof(entry.header));
		len = entry.header.size < sizeof(entry) ? entry.header.size : sizeof(entry);
		memcpy(&entry, data + off, len);
		if (entry.header.type == PERF_RECORD_SAMPLE) {
			count_entry(&entry, column);
			count++;
		}
		off += entry.header.size;
	}
	return count;
}

/* From samples to instructions of one call. */
static void scale(enum profile_column column, double weight)
{
	for (int i = 0; i < symbol_count; i++) {
		symbols[i].cost[column] *= weight;
		if (column == PROFILE_THIS)
			symbols[i].moving *= weight;
	}
}

/* Every call costs the same: without this the clock would hit it at the same few places. */
static void lose_step(void)
{
	for (volatile int i = rand() % PERIOD_NS / 4; i > 0;)
		i = i - 1;
}

/* Returns the mean cost of a call; the event, if there is one, counts during the call alone. */
static double repeat(const struct profile_parts *parts, void *arg, int count, int fd)
{
	uint64_t sum = 0, begin;

	for (int i = 0; i < count; i++) {
		parts->before(arg);
		if (fd >= 0) {
			ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
			lose_step();
		}
		begin = sample_clock();
		parts->call(arg);
		sum += sample_clock() - begin;
		if (fd >= 0)
			ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
		parts->after(arg);
	}
	return (double)sum / count;
}

void profile_run(const struct profile_parts *parts, void *arg, size_t len,
		 enum profile_column column)
{
	int count = len * CALL_COUNT > BYTES_MAX ? BYTES_MAX / len : CALL_COUNT, hits, fd;
	struct perf_event_mmap_page *ring;

	if (!symbols)
		read_symbols();
	repeat(parts, arg, SAMPLE_WARM_COUNT, -1);
	total[column] = repeat(parts, arg, SAMPLE_COUNT, -1);
	fd = start(&ring);
	repeat(parts, arg, count, fd);
	hits = count_ring(ring, column);
	pair_require(hits > 0, "no samples");
	scale(column, total[column] / hits);
	munmap(ring, (RING_PAGES + 1) * PAGE_LEN);
	close(fd);
}

void profile_show(void)
{
	qsort(symbols, symbol_count, sizeof(*symbols), by_difference);
	printf("%10s%10s%10s%10s\n", "differ by", "this", "(moving)", "base");
	for (int i = 0; i < SHOWN_COUNT && i < symbol_count; i++)
		printf("%10.0f%10.0f%10.0f%10.0f  %s\n", difference(&symbols[i]),
		       symbols[i].cost[PROFILE_THIS], symbols[i].moving,
		       symbols[i].cost[PROFILE_BASE], symbols[i].name);
	printf("%10.0f%10.0f%10s%10.0f  all\n", total[PROFILE_THIS] - total[PROFILE_BASE],
	       total[PROFILE_THIS], "", total[PROFILE_BASE]);
}
