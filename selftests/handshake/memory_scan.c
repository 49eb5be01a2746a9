// SPDX-License-Identifier: MIT
/*
 * Owns: looking for secrets in all writable memory of this process. It keeps
 * them masked, and compares in place, so that it is no finding itself.
 * Must not know: whose secrets they are.
 * Concurrency: single thread, while no other thread maps memory.
 * Follows: proc(5), /proc/self/smaps.
 */
#include "memory_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Half of a key is a finding too; fewer bytes than these happen by chance. */
#define PART_LEN_MIN	12
#define MAPPING_MAX	512
/* AddressSanitizer's shadow is larger than any memory, and holds nothing of ours. */
#define MAPPING_LEN_MAX	(4UL * 1024 * 1024 * 1024)
/* All memory is looked at, the sanitizer's own and what it forbids included. */
#define EVERYWHERE	__attribute__((no_sanitize("address", "undefined")))

struct mapping {
	uintptr_t start, end;
	bool is_writable;
	bool is_vault;
	char text[128];
};

static struct mapping mappings[MAPPING_MAX];
static unsigned int mapping_count;

/**
 * scan_add() - one more secret to look for
 * @masked: its bytes XOR SCAN_MASK
 */
void scan_add(struct scan_list *list, const char *name, const uint8_t *masked, size_t len)
{
	struct scan_secret *secret = &list->secret[list->count];

	if (list->count == SCAN_SECRET_MAX || len > SCAN_SECRET_LEN_MAX || len < PART_LEN_MIN)
		abort();
	list->count++;
	secret->name = name;
	secret->len = len;
	memcpy(secret->masked, masked, len);
}

static void note_line(const char *line)
{
	struct mapping *mapping = &mappings[mapping_count];
	unsigned long start, end;
	char rights[8];

	if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3) {
		if (++mapping_count == MAPPING_MAX)
			abort();
		mapping->start = start;
		mapping->end = end;
		mapping->is_writable = !strncmp(rights, "rw", 2);
		mapping->is_vault = false;
		snprintf(mapping->text, sizeof(mapping->text), "%.127s", line);
		mapping->text[strcspn(mapping->text, "\n")] = 0;
		return;
	}
	if (mapping_count && !strncmp(line, "VmFlags:", 8))
		mappings[mapping_count - 1].is_vault = strstr(line, " lo") &&
						       strstr(line, " dd") && strstr(line, " wf");
}

static void read_mappings(void)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[512];

	if (!file)
		abort();
	mapping_count = 0;
	while (fgets(line, sizeof(line), file))
		note_line(line);
	fclose(file);
}

static EVERYWHERE bool is_equal(const volatile uint8_t *at, const uint8_t *masked, size_t len)
{
	size_t off = 0;

	while (off < len && (at[off] ^ SCAN_MASK) == masked[off])
		off++;
	return off == len;
}

static uint8_t digit(unsigned int value, char ten)
{
	return value < 10 ? '0' + value : ten + value - 10;
}

/* The digits are compared one by one, so that they never stand in a row here. */
static EVERYWHERE bool is_equal_hex(const volatile uint8_t *at, const uint8_t *masked, size_t len,
				    char ten)
{
	size_t off = 0;

	while (off < 2 * len &&
	       at[off] == digit((masked[off / 2] ^ SCAN_MASK) >> (off % 2 ? 0 : 4) & 15, ten))
		off++;
	return off == 2 * len;
}

static void note(struct scan_result *result, const struct mapping *mapping,
		 const struct scan_secret *secret, uintptr_t at, bool is_hex)
{
	struct scan_finding *finding = &result->finding[result->count];

	if (result->count == sizeof(result->finding) / sizeof(result->finding[0]))
		return;
	result->count++;
	result->vault_count += mapping->is_vault;
	finding->secret = secret;
	finding->at = at;
	finding->is_vault = mapping->is_vault;
	finding->is_hex = is_hex;
	snprintf(finding->mapping, sizeof(finding->mapping), "%s", mapping->text);
}

/* Looks for the first part and the last part of a secret. */
static void look_at(const struct mapping *mapping, uintptr_t at, const struct scan_secret *secret,
		    struct scan_result *result)
{
	const volatile uint8_t *bytes = (const volatile uint8_t *)at;
	size_t left = mapping->end - at, last = secret->len - PART_LEN_MIN;

	if (left >= PART_LEN_MIN && is_equal(bytes, secret->masked, PART_LEN_MIN))
		note(result, mapping, secret, at, false);
	else if (last && left >= PART_LEN_MIN &&
		 is_equal(bytes, secret->masked + last, PART_LEN_MIN) &&
		 (at < mapping->start + last ||
		  !is_equal(bytes - last, secret->masked, PART_LEN_MIN)))
		note(result, mapping, secret, at, false);
	if (left >= 2 * PART_LEN_MIN &&
	    (is_equal_hex(bytes, secret->masked, PART_LEN_MIN, 'a') ||
	     is_equal_hex(bytes, secret->masked, PART_LEN_MIN, 'A')))
		note(result, mapping, secret, at, true);
}

static void look_through(const struct scan_list *list, const struct mapping *mapping,
			 struct scan_result *result)
{
	unsigned int index;
	uintptr_t at;

	for (at = mapping->start; at < mapping->end; at++)
		for (index = 0; index < list->count; index++)
			look_at(mapping, at, &list->secret[index], result);
	result->len += mapping->end - mapping->start;
	if (mapping->is_vault)
		result->vault_len += mapping->end - mapping->start;
}

/**
 * scan_memory() - looks at every byte that this process can write
 * @result: what was found
 */
void scan_memory(const struct scan_list *list, struct scan_result *result)
{
	unsigned int index;

	memset(result, 0, sizeof(*result));
	read_mappings();
	for (index = 0; index < mapping_count; index++)
		if (mappings[index].is_writable &&
		    mappings[index].end - mappings[index].start < MAPPING_LEN_MAX)
			look_through(list, &mappings[index], result);
}
