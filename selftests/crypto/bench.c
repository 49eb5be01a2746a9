// SPDX-License-Identifier: MIT
/*
 * Owns `make bench-crypto`: which work every engine that this CPU can run is given, beside
 * the other libraries in the same run, and the choice by W and KTLSX_ISA.
 * Must not know: how an engine works, how time is taken, how results look.
 * Concurrency: one thread, pinned. Prints numbers only, decides nothing.
 */
#include <math.h>
#include <regex.h>
#include <stdlib.h>

#include "bench.h"
#include "bench_print.h"
#include "variants.h"

#define ROUNDS 5

/* What is timed: one call for each column. */
struct job {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	const struct bench_rival *rival;
	void *session;
	struct ktlsx_aead_key key;
	struct bench_shape shape;
	bool opening;
	struct ktlsx_span src[BENCH_RECORDS_MAX][4];
	struct ktlsx_span dst[BENCH_RECORDS_MAX];
	struct ktlsx_aead_text texts[BENCH_RECORDS_MAX];
	struct bench_record records[BENCH_RECORDS_MAX];
};

const u8 bench_nonce[KTLSX_AEAD_NONCE_MAX];
const u8 bench_aad[13];

static const u8 raw[KTLSX_AEAD_RAW_MAX] = "a key for measurements, of no secrecy at all!!";
static u8 source[BENCH_RECORDS_MAX * BENCH_STRIDE] __aligned(BENCH_PAGE);
static u8 target[BENCH_RECORDS_MAX * BENCH_STRIDE] __aligned(BENCH_PAGE);
/* every second page, so that no piece borders on the next */
static u8 pages[2 * 5 * BENCH_PAGE] __aligned(BENCH_PAGE);
static u8 tags[BENCH_RECORDS_MAX][KTLSX_AEAD_TAG_LEN];
static struct job job;

size_t bench_aad_len(const struct ktlsx_aead *aead)
{
	return aead->mac_len ? 11 : 13;
}

/* "aes-128-ccm-8" is the cipher "aes-128-ccm", the mode "ccm". */
void bench_cipher_name(const struct ktlsx_aead *aead, char *cipher, const char **mode)
{
	static const char *const modes[] = { "gcm", "ccm", "cbc" };
	unsigned int i;
	char *at;

	strcpy(cipher, aead->name);
	*mode = "";
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		at = strstr(cipher, modes[i]);
		if (!at)
			continue;
		at[3] = 0;
		*mode = modes[i];
	}
}

static void run_ours(void *what)
{
	struct job *j = what;
	unsigned int count = j->shape.records;

	if (!j->opening)
		ktlsx_aead_seal_run(j->engine, &j->key, j->texts, count);
	else if (ktlsx_aead_open_run(j->engine, &j->key, j->texts, count) != count)
		abort();
}

static void run_rival(void *what)
{
	struct job *j = what;
	unsigned int i;

	for (i = 0; i < j->shape.records; i++)
		(j->opening ? j->rival->open : j->rival->seal)(j->session, &j->records[i]);
}

static void prepare_ours(void *what)
{
	struct job *j = what;

	j->engine->prepare(&j->key, raw, j->aead->key_len);
	barrier_data(&j->key);
}

static void prepare_rival(void *what)
{
	struct job *j = what;

	j->rival->prepare(j->session, raw);
}

/* The bytes at @from, in the pages where the column says so. */
static void lay_source(struct job *j, unsigned int record, u8 *from, size_t len)
{
	size_t count = j->shape.pages, piece = len / count / 16 * 16, i;

	if (count == 1) {
		j->src[record][0] = (struct ktlsx_span){ from, len };
		return;
	}
	for (i = 0; i < count; i++) {
		j->src[record][i].base = pages + 2 * i * BENCH_PAGE;
		j->src[record][i].len = i + 1 < count ? piece : len - i * piece;
		memcpy(j->src[record][i].base, from + i * piece, j->src[record][i].len);
	}
}

static void lay_out(struct job *j)
{
	size_t in_len = j->shape.len, out_len = ktlsx_aead_sealed_len(j->aead, in_len);
	unsigned int i;

	if (j->opening)
		in_len = out_len;
	for (i = 0; i < j->shape.records; i++) {
		u8 *in = source + i * BENCH_STRIDE, *out = target + i * BENCH_STRIDE;

		lay_source(j, i, in, in_len);
		j->dst[i] = (struct ktlsx_span){ out, out_len };
		j->texts[i] = (struct ktlsx_aead_text){
			j->src[i], &j->dst[i], in_len, bench_aad, bench_aad_len(j->aead),
			bench_nonce, tags[i],
		};
		j->records[i] = (struct bench_record){ in, out, j->shape.len, tags[i] };
	}
}

/* A record to open must be a sealed one: put it where the source is. */
static void set_up(struct job *j, bool opening)
{
	void (*run)(void *what) = j->engine ? run_ours : run_rival;

	memset(source, 0x5a, sizeof(source));
	j->opening = false;
	lay_out(j);
	run(j);
	if (!opening)
		return;
	memcpy(source, target, sizeof(source));
	j->opening = true;
	lay_out(j);
	run(j);
}

static void forget(struct bench_results *results)
{
	int opening, i;

	results->prepare = NAN;
	for (opening = 0; opening < 2; opening++)
		for (i = 0; i < BENCH_CELLS; i++)
			results->cycles[opening][i] = NAN;
}

static void visit(struct job *j, struct bench_results *results, int opening, int cell)
{
	double *best = &results->cycles[opening][cell];

	j->shape = bench_shapes(j->aead->name)[cell];
	/* only our interface takes spans */
	if (!j->shape.records || (j->rival && j->shape.pages > 1))
		return;
	set_up(j, opening);
	*best = fmin(*best, bench_cycles(j->engine ? run_ours : run_rival, j));
}

/* Each column several times, with the others between: a noisy neighbour stays for a while. */
static void measure(struct job *j, struct bench_results *results)
{
	int round, opening, i;

	forget(results);
	for (round = 0; round < ROUNDS; round++) {
		for (opening = 0; opening < 2; opening++)
			for (i = 0; i < BENCH_CELLS; i++)
				visit(j, results, opening, i);
		results->prepare = fmin(results->prepare,
					bench_cycles(j->engine ? prepare_ours : prepare_rival, j));
	}
}

/* Columns of pages are compared with the record in one piece. */
static void measure_rival(const struct ktlsx_aead *aead, const struct bench_rival *rival,
			  struct bench_results *results, const char **only)
{
	struct job *j = &job;
	int opening;

	*only = NULL;
	forget(results);
	memset(j, 0, sizeof(*j));
	j->aead = aead;
	j->rival = rival;
	j->session = rival->start(aead, raw, only);
	if (!j->session)
		return;
	measure(j, results);
	for (opening = 0; opening < 2; opening++)
		results->cycles[opening][BENCH_CELLS - 1] =
			results->cycles[opening][BENCH_SIZES - 1];
	rival->stop(j->session);
}

/* Why it is not measured; NULL when it is. */
static const char *left_out(const struct ktlsx_aead *aead, const struct ktlsx_aead_engine *engine,
			    const regex_t *wanted)
{
	static char name[100];

	snprintf(name, sizeof(name), "%s/%s", aead->name, engine->name);
	if (regexec(wanted, name, 0, NULL, 0))
		return "";
	return engine_not_for_us(aead, engine);
}

static void measure_algorithm(const struct ktlsx_aead *aead, const regex_t *wanted)
{
	static struct bench_results ours, openssl, gcrypt;
	const struct ktlsx_aead_engine *const *row;
	bool started = false;
	const char *only, *why;

	for (row = aead->engines; *row; row++) {
		why = left_out(aead, *row, wanted);
		if (why && *why)
			bench_print_absent(aead->name, (*row)->name, why);
		if (why)
			continue;
		if (!started) {
			measure_rival(aead, &bench_openssl, &openssl, &only);
			bench_print_rival(aead->name, &bench_openssl, &openssl, only);
			measure_rival(aead, &bench_gcrypt, &gcrypt, &only);
			bench_print_rival(aead->name, &bench_gcrypt, &gcrypt, only);
		}
		started = true;
		memset(&job, 0, sizeof(job));
		job.aead = aead;
		job.engine = *row;
		prepare_ours(&job);
		measure(&job, &ours);
		bench_print_engine(aead->name, (*row)->name, &ours);
	}
}

int main(void)
{
	const char *pattern = getenv("W"), *isa = getenv("KTLSX_ISA");
	regex_t wanted;
	int alg, cpu;

	if (ktlsx_aead_init(isa)) {
		fprintf(stderr, "bench: no engine is called %s\n", isa);
		return 1;
	}
	if (regcomp(&wanted, pattern ? pattern : "", REG_EXTENDED | REG_NOSUB)) {
		fprintf(stderr, "bench: W=%s is no regular expression\n", pattern);
		return 1;
	}
	cpu = bench_pin();
	bench_clock_start();
	bench_print_start(cpu, getenv("FORMAT"));
	for (alg = 0; alg < KTLSX_AEAD_COUNT; alg++)
		measure_algorithm(ktlsx_aead_find(alg), &wanted);
	regfree(&wanted);
	return 0;
}
