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

#define RANDOM	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* The first bytes of an input say how it is to be cut, see each target. */
static const struct {
	const char *target;
	const char *bytes;
	size_t len;
} seeds[] = {
#define SEED(target, text) { target, text, sizeof(text) - 1 }
	/* NewSessionTicket, KeyUpdate, HelloRequest, ClientHello, CertificateRequest */
	SEED("post", "\x03\x04\x00\x00\x12\x00\x00\x1c\x20\x01\x02\x03\x04\x01\x00\x00\x04tick\x00\x00"),
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
	SEED("pump", "\x01\xff\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08tail"),
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
	SEED("keylog", "\x01" "CLIENT_TRAFFIC_SECRET_0 " RANDOM " " RANDOM),
	SEED("keylog", "\x00" "SERVER_TRAFFIC_SECRET_0 " RANDOM " " RANDOM RANDOM),
	SEED("keylog", "\x00" "EXPORTER_SECRET " RANDOM " " RANDOM),
	SEED("keylog", "\x01" "CLIENT_RANDOM " RANDOM " " RANDOM),
};

static int write_seed(const char *folder, unsigned int nth)
{
	char path[4096];
	size_t written;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, seeds[nth].target);
	if (mkdir(path, 0777) && errno != EEXIST)
		return -1;
	snprintf(path, sizeof(path), "%s/%s/seed%u", folder, seeds[nth].target, nth);
	file = fopen(path, "w");
	if (!file)
		return -1;
	written = fwrite(seeds[nth].bytes, 1, seeds[nth].len, file);
	return fclose(file) || written != seeds[nth].len ? -1 : 0;
}

int main(int argc, char **argv)
{
	unsigned int nth;

	if (argc != 2) {
		fprintf(stderr, "usage: seeds FOLDER\n");
		return 2;
	}
	if (mkdir(argv[1], 0777) && errno != EEXIST)
		return 1;
	for (nth = 0; nth < sizeof(seeds) / sizeof(seeds[0]); nth++) {
		if (!write_seed(argv[1], nth))
			continue;
		perror(argv[1]);
		return 1;
	}
	return 0;
}
