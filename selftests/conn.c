// SPDX-License-Identifier: MIT
/*
 * Owns: connected TCP pairs, key installation and whole-buffer I/O (see conn.h).
 * Must not know: what a test checks.
 * Concurrency: a struct conn belongs to the test; jobs are threads of it.
 * Follows: <linux/tls.h>.
 */
#include "conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "netshape.h"

#define INTERNET_MTU_LEN	1500
#define BLANK			"\n "

#define SUITE(version, label, id, type)							\
	{ label, version, TLS_CIPHER_##id, REF_##id, TLS_CIPHER_##id##_KEY_SIZE,	\
	  sizeof(struct tls12_crypto_info_##type) }

const struct conn_suite conn_suites[CONN_SUITE_COUNT] = {
	[CONN_12_GCM128] = SUITE(REF_TLS12, "12_gcm128", AES_GCM_128, aes_gcm_128),
	[CONN_13_GCM128] = SUITE(REF_TLS13, "13_gcm128", AES_GCM_128, aes_gcm_128),
	[CONN_12_GCM256] = SUITE(REF_TLS12, "12_gcm256", AES_GCM_256, aes_gcm_256),
	[CONN_13_GCM256] = SUITE(REF_TLS13, "13_gcm256", AES_GCM_256, aes_gcm_256),
	[CONN_12_CCM128] = SUITE(REF_TLS12, "12_ccm128", AES_CCM_128, aes_ccm_128),
	[CONN_13_CCM128] = SUITE(REF_TLS13, "13_ccm128", AES_CCM_128, aes_ccm_128),
	[CONN_12_CHACHA] = SUITE(REF_TLS12, "12_chacha", CHACHA20_POLY1305, chacha20_poly1305),
	[CONN_13_CHACHA] = SUITE(REF_TLS13, "13_chacha", CHACHA20_POLY1305, chacha20_poly1305),
	[CONN_12_SM4_GCM] = SUITE(REF_TLS12, "12_sm4_gcm", SM4_GCM, sm4_gcm),
	[CONN_13_SM4_GCM] = SUITE(REF_TLS13, "13_sm4_gcm", SM4_GCM, sm4_gcm),
	[CONN_12_SM4_CCM] = SUITE(REF_TLS12, "12_sm4_ccm", SM4_CCM, sm4_ccm),
	[CONN_13_SM4_CCM] = SUITE(REF_TLS13, "13_sm4_ccm", SM4_CCM, sm4_ccm),
	[CONN_12_ARIA128] = SUITE(REF_TLS12, "12_aria128", ARIA_GCM_128, aria_gcm_128),
	[CONN_12_ARIA256] = SUITE(REF_TLS12, "12_aria256", ARIA_GCM_256, aria_gcm_256),
};

static const size_t big_lens[] = {
	[CONN_LO] = 1 << 20,
	[CONN_MTU1500] = 1 << 20,
	[CONN_NETEM] = 1 << 20,
	[CONN_SMALL] = 1 << 20,
};

static const char *lacking = "nothing";

const char *conn_ulp(void)
{
	const char *name = getenv("KTLSX_ULP");

	return name && *name ? name : "ktlsx";
}

bool conn_is_intree(void)
{
	return !strcmp(conn_ulp(), "tls") && access("/sys/module/ktlsx", F_OK);
}

const char *conn_lacking(void)
{
	return lacking;
}

size_t conn_big_len(enum conn_shape shape)
{
	return big_lens[shape];
}

/* Turns a failed setup step into "this machine lacks @what". */
static int lacks(int ret, const char *what)
{
	if (!ret)
		return 0;
	lacking = what;
	return -EOPNOTSUPP;
}

static int shape_mtu(enum conn_shape shape)
{
	int ret;

	if (shape != CONN_MTU1500 && shape != CONN_NETEM)
		return 0;
	ret = netshape_mtu(INTERNET_MTU_LEN);
	return ret ? ret : netshape_offloads_off();
}

int conn_netns(enum conn_shape shape)
{
	static bool entered;
	int flags = geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET;
	int ret;

	if (entered)
		return 0;
	ret = lacks(unshare(flags), "network namespaces (CONFIG_NET_NS, or the right to make one)");
	if (ret)
		return ret;
	entered = true;
	ret = netshape_lo_up();
	return ret ? ret : shape_mtu(shape);
}

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/* 2, 4 and 8 KB in turn. */
static int shrink_rcvbuf(int fd)
{
	static unsigned int turn;

	return set_int(fd, SOL_SOCKET, SO_RCVBUF, 2048 << turn++ % 3);
}

static socklen_t make_address(struct sockaddr_storage *address, int family)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	address->ss_family = family;
	if (family == AF_INET6) {
		in6->sin6_addr = in6addr_loopback;
		return sizeof(*in6);
	}
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(*in);
}

static int listen_on(struct sockaddr_storage *address, socklen_t *len, enum conn_shape shape)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (shape == CONN_SMALL)
		ret = shrink_rcvbuf(fd);
	if (!ret && bind(fd, (struct sockaddr *)address, *len))
		ret = -errno;
	if (!ret && listen(fd, 1))
		ret = -errno;
	if (!ret && getsockname(fd, (struct sockaddr *)address, len))
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int conn_pair(int fd[2], enum conn_shape shape, int family)
{
	struct sockaddr_storage address;
	socklen_t len = make_address(&address, family);
	int listener = listen_on(&address, &len, shape);
	int ret = 0;

	if (listener < 0)
		return listener;
	fd[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd[0] >= 0 && shape == CONN_SMALL)
		ret = shrink_rcvbuf(fd[0]);
	if (!ret && (fd[0] < 0 || connect(fd[0], (struct sockaddr *)&address, len)))
		ret = -errno;
	if (!ret)
		fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (!ret && fd[1] < 0)
		ret = -errno;
	close(listener);
	/* Without this, a test of small writes waits for delayed ACKs. */
	for (int i = 0; !ret && i < 2; i++)
		ret = set_int(fd[i], IPPROTO_TCP, TCP_NODELAY, 1);
	return ret;
}

int conn_open(struct conn *conn, const struct conn_suite *suite, enum conn_shape shape, int family)
{
	int ret = conn_netns(shape);

	if (!ret)
		ret = conn_pair(conn->fd, shape, family);
	/* Only now, so that no SYN is lost: that would cost a second. */
	if (!ret && shape == CONN_NETEM)
		ret = lacks(netshape_netem(1000, 0.02, 0.05),
			    "the netem qdisc (CONFIG_NET_SCH_NETEM)");
	if (ret)
		return ret;
	conn->suite = suite;
	conn->shape = shape;
	for (int i = 0; i < 2; i++) {
		ref_key_make(&conn->key[i], suite->version, suite->ref_cipher, 100 + i);
		conn->key[i].seq = 0x1020304050607080 + i;
	}
	return 0;
}

int conn_attach(int fd)
{
	const char *name = conn_ulp();

	return setsockopt(fd, IPPROTO_TCP, TCP_ULP, name, strlen(name)) ? -errno : 0;
}

static void put_seq(uint8_t *out, uint64_t seq)
{
	for (int i = 7; i >= 0; i--, seq >>= 8)
		out[i] = seq & 0xff;
}

/*
 * TLS 1.2: the explicit nonce the kernel starts from is iv + seq, as ref_seal() has it. Without
 * one the IV is what the sequence number is XORed into.
 */
static void put_iv(uint8_t *out, const struct ref_key *key)
{
	uint64_t value = 0;

	if (key->version == REF_TLS13 || key->cipher == REF_CHACHA20_POLY1305) {
		memcpy(out, key->iv, sizeof(key->iv));
		return;
	}
	for (int i = 0; i < 8; i++)
		value = value << 8 | key->iv[i];
	put_seq(out, value + key->seq);
}

static uint8_t *put_bytes(uint8_t *out, const uint8_t *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return out + len;
}

/* Every struct of <linux/tls.h> is header, IV, key, salt, sequence number. */
socklen_t conn_make_info(const struct ref_key *key, union conn_info *info)
{
	const bool has_salt = key->cipher != REF_CHACHA20_POLY1305;
	uint8_t *out = (uint8_t *)(&info->info + 1);

	memset(info, 0, sizeof(*info));
	info->info.version = key->version;
	info->info.cipher_type = TLS_CIPHER_AES_GCM_128 + key->cipher;
	if (!has_salt)
		out = put_bytes(out, key->salt, sizeof(key->salt));
	put_iv(out, key);
	out = put_bytes(out + sizeof(key->iv), key->key, key->key_len);
	if (has_salt)
		out = put_bytes(out, key->salt, sizeof(key->salt));
	put_seq(out, key->seq);
	return out + sizeof(key->seq) - info->bytes;
}

int conn_set_key(int fd, int direction, const struct ref_key *key)
{
	union conn_info info;
	socklen_t len = conn_make_info(key, &info);

	return setsockopt(fd, SOL_TLS, direction, &info, len) ? -errno : 0;
}

int conn_tx(struct conn *conn)
{
	int ret = conn_attach(conn->fd[0]);

	return ret ? ret : conn_set_key(conn->fd[0], TLS_TX, &conn->key[0]);
}

int conn_rx(struct conn *conn)
{
	int ret = conn_attach(conn->fd[1]);

	return ret ? ret : conn_set_key(conn->fd[1], TLS_RX, &conn->key[0]);
}

int conn_both(struct conn *conn)
{
	int ret = conn_tx(conn);

	if (!ret)
		ret = conn_rx(conn);
	if (!ret)
		ret = conn_set_key(conn->fd[1], TLS_TX, &conn->key[1]);
	return ret ? ret : conn_set_key(conn->fd[0], TLS_RX, &conn->key[1]);
}

void conn_fill(void *buf, size_t len, unsigned int seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
	uint8_t *bytes = buf;

	for (size_t off = 0; off < len; off++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		bytes[off] = state >> 32;
	}
}

int conn_set_timeout(int fd, int option, long usec)
{
	struct timeval tv = { .tv_sec = usec / 1000000, .tv_usec = usec % 1000000 };

	return setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)) ? -errno : 0;
}

long long conn_stat(const char *name)
{
	FILE *file = fopen("/proc/net/ktlsx_stat", "r");
	long long value, found = -1;
	char line[64];

	while (file && found < 0 && fscanf(file, "%63s %lld", line, &value) == 2)
		if (!strcmp(line, name))
			found = value;
	if (file)
		fclose(file);
	return found;
}

/* The file has pairs of lines: names, then their values. */
long long conn_netstat(const char *name)
{
	FILE *file = fopen("/proc/net/netstat", "r");
	char names[8192], values[8192];
	long long found = -1;

	while (file && found < 0 && fgets(names, sizeof(names), file) &&
	       fgets(values, sizeof(values), file)) {
		char *name_at, *value_at;
		char *key = strtok_r(names, BLANK, &name_at);
		char *value = strtok_r(values, BLANK, &value_at);

		while (key && value && strcmp(key, name)) {
			key = strtok_r(NULL, BLANK, &name_at);
			value = strtok_r(NULL, BLANK, &value_at);
		}
		if (key && value)
			found = atoll(value);
	}
	if (file)
		fclose(file);
	return found;
}

int conn_memfd(const void *buf, size_t len)
{
	int fd = memfd_create("conn", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (size_t off = 0; off < len;) {
		ssize_t done = pwrite(fd, (const uint8_t *)buf + off, len - off, off);

		if (done <= 0) {
			close(fd);
			return -EIO;
		}
		off += done;
	}
	return fd;
}
