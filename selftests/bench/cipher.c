// SPDX-License-Identifier: MIT
/*
 * Owns: what the record cipher alone costs (see cipher.h).
 * Must not know: sockets, tables.
 * Concurrency: one thread.
 * The kernel's figure comes from its module tcrypt, which prints into the kernel log and then
 * refuses to load.
 */
#include "cipher.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../kmod/crypto/aead.h"
#include "pair.h"
#include "sample.h"

#define PAGE_LEN   4096
#define AAD_LEN	   5
#define RECORD_LEN (16384 + 1)
#define LINE_LEN   8192

static void make_spans(struct ktlsx_span *spans, u8 *text, size_t len)
{
	static u8 type = 23;
	int count = 0;

	for (size_t off = 0; off < len; off += PAGE_LEN)
		spans[count++] = (struct ktlsx_span){ text + off,
						      len - off < PAGE_LEN ? len - off : PAGE_LEN };
	spans[count] = (struct ktlsx_span){ &type, 1 };
}

static void measure_ours(size_t len)
{
	static u8 plain[RECORD_LEN], sealed[RECORD_LEN];
	static struct ktlsx_aead_key key;
	static const u8 raw[32] = "key", aad[AAD_LEN] = { 23, 3, 3 }, nonce[KTLSX_AEAD_NONCE_LEN];
	const struct ktlsx_aead *aead = ktlsx_aead_find(KTLSX_AEAD_AES_256_GCM);
	struct ktlsx_span pages[RECORD_LEN / PAGE_LEN + 2], whole = { sealed, len + 1 },
							    back = { plain, len + 1 };
	u8 tag[KTLSX_AEAD_TAG_LEN];
	const struct ktlsx_aead_text out = { pages, &whole, len + 1, aad, AAD_LEN, nonce, tag };
	const struct ktlsx_aead_text in = { &whole, &back, len + 1, aad, AAD_LEN, nonce, tag };
	struct sample seal = { 0 }, open = { 0 };

	make_spans(pages, plain, len);
	ktlsx_aead_prepare(aead, &key, raw);
	for (int i = -SAMPLE_WARM_COUNT; i < SAMPLE_COUNT; i++) {
		uint64_t start = sample_clock();

		ktlsx_aead_seal(aead->fast, &key, &out);
		sample_add(&seal, i, start);
		start = sample_clock();
		if (ktlsx_aead_open(aead->fast, &key, &in))
			exit(1);
		sample_add(&open, i, start);
	}
	printf("cipher ktlsx seal %zu %ld\n", len, sample_median(&seal));
	printf("cipher ktlsx open %zu %ld\n", len, sample_median(&open));
}

void cipher_print_ours(void)
{
	pair_require(!ktlsx_aead_init("aesni"), "engine aesni");
	measure_ours(64);
	measure_ours(16384);
}

static void load_tcrypt(void)
{
	pid_t pid = fork();

	if (!pid) {
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
		execl("/sbin/modprobe", "modprobe", "-q", "tcrypt", "mode=211", "sec=0", NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

/* "testing speed of gcm(aes) ..", "test 17 (256 bit key ..", "1 operation in N cycles (M bytes)" */
static void read_line(const char *line)
{
	static const char *direction;
	static bool key_fits;
	const char *title = strstr(line, "testing speed of "),
		   *result = strstr(line, "1 operation in ");
	long cost, len;

	if (title)
		direction = strncmp(title + 17, "gcm(aes)", 8) ? NULL :
			    strstr(title, "decryption")	       ? "open" :
								 "seal";
	if (strstr(line, " bit key"))
		key_fits = strstr(line, "(256 bit key");
	if (!direction || !key_fits || !result)
		return;
	if (sscanf(result, "1 operation in %ld cycles (%ld bytes)", &cost, &len) == 2)
		printf("cipher tls %s %ld %ld\n", direction, len, cost);
}

void cipher_print_intree(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char line[LINE_LEN];
	ssize_t len;

	pair_require(fd >= 0, "/dev/kmsg");
	lseek(fd, 0, SEEK_END);
	load_tcrypt();
	while ((len = read(fd, line, sizeof(line) - 1)) > 0) {
		line[len] = '\0';
		read_line(line);
	}
	close(fd);
}
