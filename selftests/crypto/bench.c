// SPDX-License-Identifier: MIT
/*
 * Owns the measurement of the record engines beside OpenSSL's EVP: cycles per byte of
 * whole records and cycles per key, minima of many short samples.
 * Must not know: how an engine works. Prints numbers only, decides nothing.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../../kmod/crypto/aead.h"
#include "../../kmod/crypto/cpu.h"

#define SAMPLES 1000
#define SAMPLE_TICKS 40000
#define CHAIN_CYCLES 8000
#define RECORD_LEN_MAX 16384
#define AAD_LEN 13

struct work {
	const struct ktlsx_aead *aead;
	const struct ktlsx_aead_engine *engine;
	struct ktlsx_aead_key key;
	const u8 *raw;
	EVP_CIPHER_CTX *evp;
	bool opening;
	size_t len;
	size_t pieces;
};

static u8 source[RECORD_LEN_MAX + 64] __aligned(4096);
static u8 target[RECORD_LEN_MAX + 64] __aligned(4096);
static u8 tag[KTLSX_AEAD_TAG_LEN];
static const u8 nonce[KTLSX_AEAD_NONCE_MAX];
static const u8 aad[AAD_LEN];
static const size_t sizes[] = { 64, 512, 1420, 4096, 16384 };

/*
 * Ticks of the time stamp counter that CHAIN_CYCLES core cycles take: an addition that waits
 * for the one before takes one. The clock moves with the load, so each sample has its own.
 */
static u64 chain_ticks(void)
{
	u64 start = __rdtsc(), x = 1;
	unsigned int i;

	for (i = 0; i < CHAIN_CYCLES / 8; i++)
		__asm__ __volatile__("add %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\t"
				     "add %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0"
				     : "+r"(x));
	return __rdtsc() - start;
}

static void run_ours(struct work *w)
{
	struct ktlsx_span src[64], dst = { target, w->len };
	struct ktlsx_aead_text text = {
		.src = src, .dst = &dst, .text_len = w->len,
		.aad = aad, .aad_len = AAD_LEN, .nonce = nonce, .tag = tag,
	};
	size_t piece_len = w->len / w->pieces, i;

	/* every size that is measured in pieces is a multiple of them */
	for (i = 0; i < w->pieces; i++)
		src[i] = (struct ktlsx_span){ source + i * piece_len, piece_len };
	if (!w->opening)
		ktlsx_aead_seal(w->engine, &w->key, &text);
	else if (ktlsx_aead_open(w->engine, &w->key, &text))
		abort();
}

static void run_evp(struct work *w)
{
	int n = 0, ok;

	ok = EVP_CipherInit_ex(w->evp, NULL, NULL, NULL, nonce, -1) &&
	     EVP_CipherUpdate(w->evp, NULL, &n, aad, AAD_LEN) &&
	     EVP_CipherUpdate(w->evp, target, &n, source, (int)w->len);
	if (w->opening)
		ok = ok && EVP_CIPHER_CTX_ctrl(w->evp, EVP_CTRL_AEAD_SET_TAG, 16, tag) &&
		     EVP_CipherFinal_ex(w->evp, target, &n) > 0;
	else
		ok = ok && EVP_CipherFinal_ex(w->evp, target, &n) > 0 &&
		     EVP_CIPHER_CTX_ctrl(w->evp, EVP_CTRL_AEAD_GET_TAG, 16, tag);
	if (!ok)
		abort();
}

static void prepare_ours(struct work *w)
{
	w->engine->prepare(&w->key, w->raw, w->aead->key_len);
	barrier_data(&w->key);
}

static void prepare_evp(struct work *w)
{
	if (!EVP_CipherInit_ex(w->evp, NULL, NULL, w->raw, nonce, -1))
		abort();
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Other guests disturb most samples upwards and some clocks: take the lowest hundredth. */
static double cycles_per_run(struct work *w, void (*run)(struct work *w))
{
	static double samples[SAMPLES];
	u64 start, ticks, chain;
	unsigned int sample, i, batch;

	start = __rdtsc();
	run(w);
	run(w);
	ticks = (__rdtsc() - start) / 2;
	batch = ticks < SAMPLE_TICKS ? (unsigned int)(SAMPLE_TICKS / (ticks + 1)) + 1 : 1;
	for (sample = 0; sample < SAMPLES; sample++) {
		chain = chain_ticks();
		start = __rdtsc();
		for (i = 0; i < batch; i++)
			run(w);
		ticks = __rdtsc() - start;
		chain = min(chain, chain_ticks());
		samples[sample] = (double)ticks * CHAIN_CYCLES / (double)chain / batch;
	}
	qsort(samples, SAMPLES, sizeof(samples[0]), compare_doubles);
	return samples[SAMPLES / 100];
}

static double cycles_per_byte(struct work *w)
{
	return cycles_per_run(w, w->engine ? run_ours : run_evp) / (double)w->len;
}

/* A record to open must be a sealed one: put it where the source is. */
static void set_up(struct work *w, bool opening)
{
	memset(source, 0x5a, sizeof(source));
	w->opening = false;
	if (!w->engine && !EVP_CipherInit_ex(w->evp, w->aead->key_len == 16 ? EVP_aes_128_gcm() :
					     EVP_aes_256_gcm(), NULL, w->raw, nonce, 1))
		abort();
	if (!opening)
		return;
	if (w->engine)
		run_ours(w);
	else
		run_evp(w);
	memcpy(source, target, w->len);
	w->opening = true;
	if (!w->engine && !EVP_CipherInit_ex(w->evp, NULL, NULL, NULL, NULL, 0))
		abort();
}

static void print_sizes(struct work *w)
{
	unsigned int i;

	w->pieces = 1;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		w->len = sizes[i];
		set_up(w, w->opening);
		printf(" %8.3f", cycles_per_byte(w));
	}
	if (w->engine) {
		w->pieces = 4;
		set_up(w, w->opening);
		printf(" %8.3f", cycles_per_byte(w));
	}
}

static void print_row(struct work *w, const char *name)
{
	static u8 raw[32];
	int opening;

	memset(raw, 7, sizeof(raw));
	w->raw = raw;
	ktlsx_aead_prepare(w->aead, &w->key, raw);
	for (opening = 0; opening < 2; opening++) {
		printf("%-12s %-14s %-4s", w->aead->name, name, opening ? "open" : "seal");
		w->opening = opening;
		print_sizes(w);
		printf("\n");
		fflush(stdout);
	}
	printf("%-12s %-14s %8.0f cycles to prepare a key\n", w->aead->name, name,
	       cycles_per_run(w, w->engine ? prepare_ours : prepare_evp));
}

static void print_ours(enum ktlsx_aead_alg alg)
{
	struct work w = { .aead = ktlsx_aead_find(alg) };
	const struct ktlsx_aead_engine *const *row;

	for (row = w.aead->engines; *row; row++) {
		w.engine = *row;
		if ((*row)->cpu_needs & ~ktlsx_cpu_features())
			printf("%-12s %-14s not on this CPU\n", w.aead->name, (*row)->name);
		else
			print_row(&w, (*row)->name);
	}
}

static void print_evp(enum ktlsx_aead_alg alg, const char *name)
{
	struct work w = { .aead = ktlsx_aead_find(alg), .evp = EVP_CIPHER_CTX_new() };

	print_row(&w, name);
	EVP_CIPHER_CTX_free(w.evp);
}

/* OpenSSL reads its mask before main(): its second measurement needs a second program. */
int main(int argc, char **argv)
{
	bool masked = argc > 1 && !strcmp(argv[1], "--masked");
	int alg;

	if (ktlsx_aead_init(NULL))
		return 1;
	if (!masked) {
		printf("core cycles per byte, %u samples each; %s\n", SAMPLES,
		       OpenSSL_version(OPENSSL_VERSION));
		printf("%-32s", "");
		for (alg = 0; alg < (int)ARRAY_SIZE(sizes); alg++)
			printf(" %8zu", sizes[alg]);
		printf("  4 pieces\n");
	}
	for (alg = 0; alg < KTLSX_AEAD_COUNT; alg++) {
		if (!masked)
			print_ours(alg);
		print_evp(alg, masked ? "evp no VAES" : "evp");
	}
	fflush(stdout);
	if (masked)
		return 0;
	setenv("OPENSSL_ia32cap", ":~0x60000000000", 1);
	execl("/proc/self/exe", argv[0], "--masked", (char *)NULL);
	return 1;
}
