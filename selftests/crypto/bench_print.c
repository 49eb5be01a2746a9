// SPDX-License-Identifier: MIT
/*
 * Owns the looks of the results, as text and as JSON, and the columns.
 * Must not know: how they were measured. Concurrency: one thread.
 *
 * Text: a line for each variant and direction, cycles per byte in columns of sizes. JSON: one
 * object a line for each column of one of our variants; cpb and cycles are of one record's
 * plaintext bytes and of one record, floor, openssl and libgcrypt are cycles per byte as well.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "bench_print.h"

/* the column that a floor is compared with */
#define LONGEST (BENCH_SIZES - 1)

static bool json;
/* cycles per byte of the other libraries, for the algorithm at hand */
static double openssl_cpb[2][BENCH_CELLS], gcrypt_cpb[2][BENCH_CELLS];
static const char *headed;

const struct bench_shape *bench_shapes(const char *work)
{
	static struct bench_shape shapes[BENCH_CELLS] = {
		{ 64, 1, 1 }, { 512, 1, 1 }, { 1420, 1, 1 }, { 4096, 1, 1 }, { 16384, 1, 1 },
		{ 0 }, { 16384, 1, 4 },
	};
	struct bench_shape *run = &shapes[BENCH_SIZES];

	*run = (struct bench_shape){ 0, 0, 1 };
	if (strstr(work, "gcm"))
		*run = (struct bench_shape){ 1420, 4, 1 };
	else if (strstr(work, "ccm"))
		*run = (struct bench_shape){ 16384, 4, 1 };
	else if (strstr(work, "cbc"))
		*run = (struct bench_shape){ 16384, 16, 1 };
	return shapes;
}

static double bytes_of(const struct bench_shape *shape)
{
	return (double)shape->len * shape->records;
}

void bench_print_start(int cpu, const char *format)
{
	json = format && !strcmp(format, "json");
	if (json)
		return;
	printf("core cycles per byte of plaintext, whole records, pinned to CPU %d; %s, %s\n", cpu,
	       bench_openssl.version(), bench_gcrypt.version());
	printf("floor: of the ports, on Sapphire and Emerald Rapids; ratio: of 16384 to it; ");
	printf("@64: cycles per record of 64; key: cycles to prepare one\n");
}

static void print_head(const char *work)
{
	const struct bench_shape *shapes = bench_shapes(work);
	char label[24];
	unsigned int i;

	if (headed && !strcmp(headed, work))
		return;
	headed = work;
	printf("\n%-32s", work);
	for (i = 0; i < BENCH_CELLS; i++) {
		snprintf(label, sizeof(label), "%zu", shapes[i].len);
		if (shapes[i].records != 1)
			snprintf(label, sizeof(label), "%ux%zu", shapes[i].records, shapes[i].len);
		if (shapes[i].pages > 1)
			snprintf(label, sizeof(label), "%u pages", shapes[i].pages);
		printf(" %8s", shapes[i].records ? label : "-");
	}
	printf(" %8s %6s %6s %6s\n", "floor", "ratio", "@64", "key");
}

static void print_number(int width, int digits, double value)
{
	if (isnan(value))
		printf(" %*s", width, "-");
	else
		printf(" %*.*f", width, digits, value);
}

static void print_text(const char *work, const char *variant, const struct bench_results *results,
		       double floor)
{
	const struct bench_shape *shapes = bench_shapes(work);
	int opening, i;

	print_head(work);
	for (opening = 0; opening < 2; opening++) {
		const double *cycles = results->cycles[opening];

		printf("  %-25s %-4s", variant, opening ? "open" : "seal");
		for (i = 0; i < BENCH_CELLS; i++)
			print_number(8, 3, cycles[i] / bytes_of(&shapes[i]));
		print_number(8, 3, floor);
		print_number(6, 2, cycles[LONGEST] / bytes_of(&shapes[LONGEST]) / floor);
		print_number(6, 0, cycles[0]);
		print_number(6, 0, opening ? NAN : results->prepare);
		printf("\n");
	}
}

static void print_field(const char *name, int digits, double value)
{
	if (isnan(value))
		printf(", \"%s\": null", name);
	else
		printf(", \"%s\": %.*f", name, digits, value);
}

static void print_json(const char *work, const char *variant, const struct bench_results *results,
		       double floor)
{
	const struct bench_shape *shapes = bench_shapes(work);
	int opening, i;

	for (opening = 0; opening < 2; opening++) {
		for (i = 0; i < BENCH_CELLS; i++) {
			double cycles = results->cycles[opening][i];

			if (!shapes[i].records)
				continue;
			printf("{\"work\": \"%s\", \"variant\": \"%s\", \"op\": \"%s\", ",
			       work, variant, opening ? "open" : "seal");
			printf("\"size\": %zu, \"records\": %u, \"pages\": %u", shapes[i].len,
			       shapes[i].records, shapes[i].pages);
			print_field("cpb", 4, cycles / bytes_of(&shapes[i]));
			print_field("floor", 4, floor);
			print_field("openssl", 4, openssl_cpb[opening][i]);
			print_field("libgcrypt", 4, gcrypt_cpb[opening][i]);
			print_field("cycles", 1, cycles / shapes[i].records);
			printf("}\n");
		}
	}
}

void bench_print_rival(const char *work, const struct bench_rival *rival,
		       const struct bench_results *results, const char *only)
{
	double (*cpb)[BENCH_CELLS] = rival == &bench_openssl ? openssl_cpb : gcrypt_cpb;
	const struct bench_shape *shapes = bench_shapes(work);
	bool any = !isnan(results->cycles[0][0]);
	char label[64];
	int opening, i;

	/* less than the same work is no comparison */
	for (opening = 0; opening < 2; opening++)
		for (i = 0; i < BENCH_CELLS; i++)
			cpb[opening][i] = only ? NAN :
				results->cycles[opening][i] / bytes_of(&shapes[i]);
	if (json)
		return;
	snprintf(label, sizeof(label), "%s%s%s", rival->name, only ? ", only " : "",
		 only ? only : "");
	if (any)
		print_text(work, label, results, NAN);
	fflush(stdout);
}

void bench_print_engine(const char *work, const char *variant, const struct bench_results *results)
{
	(json ? print_json : print_text)(work, variant, results, bench_floor(work, variant));
	fflush(stdout);
}

void bench_print_absent(const char *work, const char *variant, const char *why)
{
	if (json)
		return;
	print_head(work);
	printf("  %-25s not measured: %s\n", variant, why);
}
