// SPDX-License-Identifier: MIT
/*
 * Owns: the options from 0x100 on as options: sizes, values, who may set what and
 * when; and the module's read-only parameter `engines`.
 * Must not know: what control mode does.
 * Concurrency: none.
 * Follows: uapi/linux/ktlsx.h.
 */
#include "ktap.h"
#include "control.h"

FIXTURE(options) {
	struct conn conn;
	int fd;
	uint8_t out[300];
};

FIXTURE_VARIANT(options) {
	const struct conn_suite *suite;
	enum conn_shape shape;
};

CONN_SUITE_VARIANTS(options, lo, CONN_LO);

FIXTURE_SETUP(options)
{
	SKIP_INTREE("it has none of these options");
	CONN_TRY(conn_open(&self->conn, variant->suite, variant->shape, AF_INET));
	self->fd = self->conn.fd[0];
	CONN_TRY(conn_attach(self->fd));
}

static int set(struct options_self *self, int option, uint64_t value, socklen_t len)
{
	return setsockopt(self->fd, SOL_TLS, option, &value, len);
}

/* The value, or -1 with errno. */
static long long get(struct options_self *self, int option, socklen_t len)
{
	uint64_t value = 0;

	return getsockopt(self->fd, SOL_TLS, option, &value, &len) ? -1 : (long long)value;
}

static int get_raw(struct options_self *self, int option, socklen_t len)
{
	return getsockopt(self->fd, SOL_TLS, option, self->out, &len);
}

static const int switches[] = { KTLSX_CONTROL, KTLSX_KEYS_WRITE_ONLY };

TEST_F(options, switch_sizes_and_values)
{
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(get(self, switches[i], 4), 0);
		for (socklen_t len = 0; len <= 8; len++) {
			if (len == 4)
				continue;
			EXPECT_ERRNO(set(self, switches[i], 1, len), EINVAL);
			EXPECT_ERRNO(get(self, switches[i], len), EINVAL);
		}
		EXPECT_ERRNO(set(self, switches[i], 2, 4), EINVAL);
		EXPECT_ERRNO(set(self, switches[i], 0xffffffff, 4), EINVAL);
		EXPECT_ERRNO(setsockopt(self->fd, SOL_TLS, switches[i], NULL, 4), EINVAL);
		EXPECT_ERRNO(setsockopt(self->fd, SOL_TLS, switches[i], (void *)16, 4), EFAULT);
		EXPECT_EQ(get(self, switches[i], 4), 0);
		EXPECT_EQ(set(self, switches[i], 0, 4), 0);
		EXPECT_EQ(set(self, switches[i], 1, 4), 0);
		EXPECT_EQ(set(self, switches[i], 1, 4), 0);
		EXPECT_EQ(get(self, switches[i], 4), 1);
	}
}

TEST_F(options, control_goes_both_ways)
{
	for (int i = 0; i < 4; i++) {
		if (i == 2)
			ASSERT_EQ(conn_set_key(self->fd, TLS_RX, &self->conn.key[1]), 0);
		EXPECT_EQ(set(self, KTLSX_CONTROL, 1, 4), 0);
		EXPECT_EQ(get(self, KTLSX_CONTROL, 4), 1);
		EXPECT_EQ(set(self, KTLSX_CONTROL, 0, 4), 0);
		EXPECT_EQ(get(self, KTLSX_CONTROL, 4), 0);
	}
}

TEST_F(options, write_only_has_no_way_back)
{
	EXPECT_EQ(set(self, KTLSX_KEYS_WRITE_ONLY, 1, 4), 0);
	EXPECT_ERRNO(set(self, KTLSX_KEYS_WRITE_ONLY, 0, 4), EPERM);
	EXPECT_EQ(get(self, KTLSX_KEYS_WRITE_ONLY, 4), 1);
}

/* The bare header is all there is to be had, root or not. */
TEST_F(options, write_only_keys)
{
	static const int directions[] = { TLS_TX, TLS_RX };
	const socklen_t header_len = sizeof(struct tls_crypto_info);
	const socklen_t info_len = variant->suite->info_len;

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(conn_set_key(self->fd, directions[i], &self->conn.key[i]), 0);
	EXPECT_EQ(get_raw(self, TLS_TX, info_len), 0);
	ASSERT_EQ(set(self, KTLSX_KEYS_WRITE_ONLY, 1, 4), 0);
	memset(self->out, 0x77, sizeof(self->out));
	for (int i = 0; i < 2; i++) {
		for (socklen_t len = header_len + 1; len < sizeof(self->out); len++)
			EXPECT_ERRNO(get_raw(self, directions[i], len), EPERM);
		EXPECT_ERRNO(get_raw(self, directions[i], header_len - 1), EINVAL);
	}
	for (size_t i = 0; i < sizeof(self->out); i++)
		EXPECT_EQ(self->out[i], 0x77);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(get_raw(self, directions[i], header_len), 0);
	EXPECT_EQ(self->out[header_len], 0x77);
}

/* Before keys as well: they may be set, and are write-only from their first moment. */
TEST_F(options, write_only_before_keys)
{
	ASSERT_EQ(set(self, KTLSX_KEYS_WRITE_ONLY, 1, 4), 0);
	ASSERT_EQ(conn_set_key(self->fd, TLS_TX, &self->conn.key[0]), 0);
	EXPECT_ERRNO(get_raw(self, TLS_TX, variant->suite->info_len), EPERM);
	EXPECT_EQ(get_raw(self, TLS_TX, sizeof(struct tls_crypto_info)), 0);
	EXPECT_EQ(send(self->fd, "goes on", 7, 0), 7);
}

/* AES-GCM-128 and 256 are 51 and 52: bits 0 and 1. */
TEST_F(options, features)
{
	struct ktlsx_features features;
	socklen_t len = sizeof(features);

	ASSERT_EQ(getsockopt(self->fd, SOL_TLS, KTLSX_FEATURES, &features, &len), 0);
	EXPECT_EQ(len, sizeof(features));
	EXPECT_EQ(features.features & (KTLSX_FEATURE_CONTROL | KTLSX_FEATURE_KEYS_WRITE_ONLY),
		  KTLSX_FEATURE_CONTROL | KTLSX_FEATURE_KEYS_WRITE_ONLY);
	EXPECT_EQ(features.features >> 3, 0);
	EXPECT_EQ(features.payload_len_max, 16384);
	EXPECT_EQ(features.ticket_count_max, KTLSX_TICKET_COUNT_MAX);
	EXPECT_EQ(features.tickets_len_max, KTLSX_TICKETS_LEN_MAX);
	EXPECT_EQ(features.reserved, 0);
}

/* The bits are what TLS_TX takes: each cipher of the header, tried. */
TEST_F(options, features_tell_the_ciphers)
{
	struct ktlsx_features features;
	socklen_t len = sizeof(features);
	uint64_t bits;

	ASSERT_EQ(getsockopt(self->fd, SOL_TLS, KTLSX_FEATURES, &features, &len), 0);
	bits = variant->suite->version == REF_TLS12 ? features.tls12_ciphers :
						      features.tls13_ciphers;
	for (int cipher = 51; cipher < 51 + 64; cipher++) {
		bool is_taken = false;

		for (socklen_t info_len = 40; info_len <= 56 && !is_taken; info_len++) {
			union { struct tls_crypto_info info; uint8_t bytes[64]; } info = {
				.info = { variant->suite->version, cipher },
			};
			int fd[2];

			ASSERT_EQ(conn_pair(fd, CONN_LO, AF_INET), 0);
			ASSERT_EQ(conn_attach(fd[0]), 0);
			is_taken = !setsockopt(fd[0], SOL_TLS, TLS_TX, &info, info_len);
			close(fd[0]);
			close(fd[1]);
			if (cipher > 58)
				break;
		}
		EXPECT_EQ(is_taken, bits >> (cipher - 51) & 1);
	}
}

TEST_F(options, features_by_size)
{
	struct ktlsx_features features;
	socklen_t len = sizeof(features);

	ASSERT_EQ(getsockopt(self->fd, SOL_TLS, KTLSX_FEATURES, &features, &len), 0);
	for (socklen_t size = 0; size <= 100; size++) {
		memset(self->out, 0x77, sizeof(self->out));
		len = size;
		if (size < sizeof(features.features)) {
			EXPECT_ERRNO(get_raw(self, KTLSX_FEATURES, size), EINVAL);
			continue;
		}
		EXPECT_EQ(getsockopt(self->fd, SOL_TLS, KTLSX_FEATURES, self->out, &len), 0);
		EXPECT_EQ(len, size < sizeof(features) ? size : sizeof(features));
		EXPECT_MEM_EQ(self->out, &features, len);
		EXPECT_EQ(self->out[len], 0x77);
	}
	len = -1;
	EXPECT_ERRNO(getsockopt(self->fd, SOL_TLS, KTLSX_FEATURES, self->out, &len), EINVAL);
	len = sizeof(features);
	EXPECT_ERRNO(getsockopt(self->fd, SOL_TLS, KTLSX_FEATURES, (void *)16, &len), EFAULT);
	EXPECT_ERRNO(getsockopt(self->fd, SOL_TLS, KTLSX_FEATURES, self->out, NULL), EFAULT);
}

TEST_F(options, nothing_to_get_yet)
{
	for (int i = 0; i < 2; i++) {
		EXPECT_ERRNO(get_raw(self, KTLSX_TICKET, 100), ENODATA);
		EXPECT_ERRNO(get_raw(self, KTLSX_ALERT, sizeof(struct ktlsx_alert)), ENODATA);
		for (socklen_t len = 0; len < 8; len++)
			if (len != sizeof(struct ktlsx_alert))
				EXPECT_ERRNO(get_raw(self, KTLSX_ALERT, len), EINVAL);
		if (!i)
			ASSERT_EQ(conn_set_key(self->fd, TLS_RX, &self->conn.key[1]), 0);
	}
}

TEST_F(options, read_only)
{
	static const int read_only[] = { KTLSX_FEATURES, KTLSX_TICKET, KTLSX_ALERT };

	for (int i = 0; i < 3; i++)
		EXPECT_ERRNO(set(self, read_only[i], 1, 4), ENOPROTOOPT);
}

TEST_F(options, unknown)
{
	static const int unknown[] = { 0xff, 0x105, 0x106, 0x110, 0x1ff, 0x200, 0x10100 };

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		EXPECT_ERRNO(set(self, unknown[i], 1, 4), ENOPROTOOPT);
		EXPECT_ERRNO(get(self, unknown[i], 4), ENOPROTOOPT);
	}
}

TEST_F(options, not_attached)
{
	uint32_t value = 1;
	socklen_t len = sizeof(value);

	EXPECT_ERRNO(setsockopt(self->conn.fd[1], SOL_TLS, KTLSX_CONTROL, &value, len),
		     ENOPROTOOPT);
	/* TCP's own answer, which is not the same for both. */
	EXPECT_ERRNO(getsockopt(self->conn.fd[1], SOL_TLS, KTLSX_FEATURES, &value, &len),
		     EOPNOTSUPP);
}

/* One line for each algorithm: its name, then engines; just one is marked as active. */
TEST(engines)
{
	FILE *file = fopen("/sys/module/ktlsx/parameters/engines", "r");
	char line[200];
	int count = 0;

	SKIP_INTREE("it has no engines");
	if (!file && !getenv("KTLSX_REQUIRE"))
		SKIP("the module ktlsx is not loaded here");
	ASSERT_NE(file, NULL);
	while (fgets(line, sizeof(line), file)) {
		char *star = strchr(line, '*');

		EXPECT_EQ(line[strcspn(line, ": ")], ':');
		/* ChaCha20-Poly1305 is the kernel's own */
		EXPECT_TRUE(strstr(line, " generic") || strstr(line, " library"));
		ASSERT_NE(star, NULL);
		EXPECT_EQ(strchr(star + 1, '*'), NULL);
		EXPECT_TRUE(star[1] == ' ' || star[1] == '\n');
		count++;
	}
	EXPECT_EQ(count, 10);
	fclose(file);
	EXPECT_LT(open("/sys/module/ktlsx/parameters/engines", O_WRONLY), 0);
}

KTAP_MAIN()
