// SPDX-License-Identifier: MIT
/*
 * Owns: the inputs the fuzzers start from, written into a folder for each
 * target: seeds FOLDER. Must not know: the parsers.
 * Concurrency: single thread.
 * Follows: RFC 8446, RFC 5246, RFC 9112, NSS Key Log Format.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RANDOM_LEN	32

/* The first bytes of an input say how it is to be cut, see each target. */
static const struct {
	const char *target;
	const char *bytes;
	size_t len;
} seeds[] = {
#define SEED(target, text) { target, text, sizeof(text) - 1 }
	/* NewSessionTicket, KeyUpdate, HelloRequest, ClientHello, CertificateRequest */
	SEED("post", "\x03\x04\x00\x00\x13\x00\x00\x1c\x20\x01\x02\x03\x04\x01\x00\x00\x05ticks\x00"
	     "\x00"),
	SEED("post", "\x13\x18\x00\x00\x01\x01"),
	SEED("post", "\x01\x18\x00\x00\x01\x00"),
	SEED("post", "\x02\x00\x00\x00\x00\x00\x00\x00\x00"),
	SEED("post", "\x08\x01\x00\x00\x05\x03\x03\x00\x00\x00"),
	SEED("post", "\x03\x0d\x00\x00\x03\x00\x00\x00"),
	SEED("message", "\x05\x04\x00\x00\x02\x00\x00\x18\x00\x00\x01\x01"),
	SEED("message", "\x01\x18\x00\x00\x01\x00"),
	SEED("message", "\x01\x01\x00"),
	SEED("message", "\x00\x02\x28"),
	SEED("message", "\x00\x00\x00\x00\x00"),
	/* ServerHello's header, ChangeCipherSpec and a sealed Finished, a stranger */
	SEED("pump", "\x03\xff\x16\x03\x03\x00\x04\x0e\x00\x00\x00"),
	SEED("pump", "\x01\xff\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x0cnonce678tail"),
	SEED("pump", "\x07\x01GET / HTTP/1.1\r\n\r\n"),
	SEED("pump", "\x40\x10\x17\x03\x03\x48\x00\x00\x00\x00"),
	SEED("http", "\x20HTTP/1.1 200 OK\r\nContent-Length: 12\r\nServer: x\r\n\r\nhello world!"),
	SEED("http", "\x05HTTP/1.0 404 Not Found\r\n\r\n"),
	SEED("http", "\x09HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	SEED("http", "\x10GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	SEED("http", "\x11HEAD / HTTP/1.0\r\n\r\n"),
	/* A protocol to look for; server_name, ALPN, signature_algorithms, supported_versions */
	SEED("hello", "\x00h\x00\x0c\x00\x00\x09LocalHost"),
	SEED("hello", "\x01h3\x00\x0c\x02h3\x08http/1.1"),
	SEED("hello", "\x00h\x00\x06\x04\x03\x02\x01\x08\x04"),
	SEED("hello", "\x00h\x04\x03\x04\x03\x03"),
};

/* Lines of a key log: who is asked, label, a random, a secret. */
static const struct {
	unsigned char role;
	const char *label;
	unsigned int secret_len;
} lines[] = {
	{ 1, "CLIENT_TRAFFIC_SECRET_0", 32 },
	{ 0, "SERVER_TRAFFIC_SECRET_0", 48 },
	{ 0, "EXPORTER_SECRET", 48 },
	{ 1, "CLIENT_RANDOM", 48 },
};

static FILE *start_seed(const char *folder, const char *target, unsigned int nth)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, target);
	if (mkdir(path, 0777) && errno != EEXIST)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s/seed%u", folder, target, nth);
	return fopen(path, "w");
}

static int write_seed(const char *folder, unsigned int nth)
{
	FILE *file = start_seed(folder, seeds[nth].target, nth);
	size_t written;

	if (!file)
		return -1;
	written = fwrite(seeds[nth].bytes, 1, seeds[nth].len, file);
	return fclose(file) || written != seeds[nth].len ? -1 : 0;
}

static void write_hex(FILE *file, unsigned int len)
{
	fputc(' ', file);
	while (len--)
		fprintf(file, "%02x", len * 7 & 0xff);
}

static int write_line(const char *folder, unsigned int nth)
{
	FILE *file = start_seed(folder, "keylog", nth);

	if (!file)
		return -1;
	fprintf(file, "%c%s", lines[nth].role, lines[nth].label);
	write_hex(file, RANDOM_LEN);
	write_hex(file, lines[nth].secret_len);
	return fclose(file);
}

static int write_all(const char *folder)
{
	unsigned int nth;

	for (nth = 0; nth < sizeof(seeds) / sizeof(seeds[0]); nth++)
		if (write_seed(folder, nth))
			return -1;
	for (nth = 0; nth < sizeof(lines) / sizeof(lines[0]); nth++)
		if (write_line(folder, nth))
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds FOLDER\n");
		return 2;
	}
	if ((mkdir(argv[1], 0777) && errno != EEXIST) || write_all(argv[1])) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
