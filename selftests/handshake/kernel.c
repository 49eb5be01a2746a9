// SPDX-License-Identifier: MIT
/*
 * Owns: the simulated socket options: attach, keys, the options of ktlsx; which
 * sockets there are.
 * Must not know: records (kernel_tx.c, kernel_rx.c), the library.
 * Concurrency: see kernel.h.
 * Follows: ../../uapi/linux/ktlsx.h, <linux/tls.h>.
 */
#include "kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "../conn.h"
#include "kernel_socket.h"

#ifndef TCP_ULP
#define TCP_ULP			31
#endif
#define TCP_IS_ESTABLISHED	1	/* tcpi_state */
#define AES_GCM_BITS		0x3	/* TLS_CIPHER_AES_GCM_128 and _256 */

int __real_setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int __real_getsockopt(int fd, int level, int option, void *value, socklen_t *len);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *len);

static struct kernel_socket *sockets[KERNEL_FD_MAX];
static bool is_absent;		/* the real kernel said ENOENT */
static bool is_forbidden;
static bool keeps_masked_only;
static uint64_t features = KTLSX_FEATURE_CONTROL | KTLSX_FEATURE_KEYS_WRITE_ONLY;
static long long record_counts[2];

struct kernel_socket *kernel_socket(int fd)
{
	return fd >= 0 && fd < KERNEL_FD_MAX ? __atomic_load_n(&sockets[fd], __ATOMIC_ACQUIRE) :
					       NULL;
}

static void drop(struct kernel_socket *sock)
{
	while (sock->ticket_count)
		free(sock->ticket[--sock->ticket_count].bytes);
	free(sock->message);
	free(sock->tx.left);
	OPENSSL_cleanse(sock, sizeof(*sock));
	free(sock);
}

void kernel_forget(int fd)
{
	struct kernel_socket *sock = kernel_socket(fd);

	if (!sock)
		return;
	__atomic_store_n(&sockets[fd], NULL, __ATOMIC_RELEASE);
	drop(sock);
}

/**
 * kernel_is_simulated() - whether an attach that succeeded was ours
 */
bool kernel_is_simulated(void)
{
	return __atomic_load_n(&is_absent, __ATOMIC_RELAXED) && !is_forbidden;
}

/**
 * kernel_count() - one more record went through simulated keys
 */
void kernel_count(enum kernel_counter counter)
{
	__atomic_add_fetch(&record_counts[counter], 1, __ATOMIC_RELAXED);
}

static long long real_records(enum kernel_counter counter)
{
	if (counter == KERNEL_TX_RECORDS)
		return conn_stat("TxSendRecords") + conn_stat("TxSendfileRecords");
	return conn_stat("RxRecvRecords") + conn_stat("RxSpliceRecords");
}

/**
 * kernel_records() - data records that the kernel sealed or opened so far
 * Return: of this network namespace, or of this process where it is simulated.
 */
long long kernel_records(enum kernel_counter counter)
{
	return kernel_is_simulated() ?
		__atomic_load_n(&record_counts[counter], __ATOMIC_RELAXED) :
		real_records(counter);
}

/**
 * kernel_reset() - forgets the log, all simulated sockets and what shall fail
 */
void kernel_reset(void)
{
	for (int fd = 0; fd < KERNEL_FD_MAX; fd++)
		kernel_forget(fd);
	kernel_forget_journal();
}

/**
 * kernel_keep_masked_only() - simulated keys are kept in the log only, so no data flows
 */
void kernel_keep_masked_only(bool only)
{
	keeps_masked_only = only;
}

/**
 * kernel_simulate() - with false, a machine without the module looks like one
 */
void kernel_simulate(bool may_simulate)
{
	is_forbidden = !may_simulate;
}

/**
 * kernel_set_features() - KTLSX_FEATURE_* that the simulated module has
 */
void kernel_set_features(uint64_t bits)
{
	features = bits;
}

static bool is_tcp(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	return !__real_getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) &&
	       protocol == IPPROTO_TCP;
}

static bool is_established(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return !__real_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
	       info.tcpi_state == TCP_IS_ESTABLISHED;
}

static int simulate_attach(int fd)
{
	struct kernel_socket *sock;

	if (kernel_socket(fd))
		return -EEXIST;
	if (!is_established(fd))
		return -ENOTCONN;
	sock = fd < KERNEL_FD_MAX ? calloc(1, sizeof(*sock)) : NULL;
	if (!sock)
		return -ENOMEM;
	sock->fd = fd;
	sock->owner = getpid();
	sock->payload_len = REF_PLAIN_MAX;
	__atomic_store_n(&sockets[fd], sock, __ATOMIC_RELEASE);
	return 0;
}

/* The real kernel is asked once: each further ENOENT would cost a modprobe. */
static int attach(int fd, const void *value, socklen_t len)
{
	bool is_ours = len == strlen(KTLSX_ULP_NAME) && !memcmp(value, KTLSX_ULP_NAME, len);

	if (!is_ours || is_forbidden || getenv("KTLSX_REQUIRE") || !is_tcp(fd) ||
	    !__atomic_load_n(&is_absent, __ATOMIC_RELAXED)) {
		if (!__real_setsockopt(fd, IPPROTO_TCP, TCP_ULP, value, len))
			return 0;
		if (!is_ours || errno != ENOENT || is_forbidden || getenv("KTLSX_REQUIRE"))
			return -errno;
		__atomic_store_n(&is_absent, true, __ATOMIC_RELAXED);
	}
	return simulate_attach(fd);
}

static uint64_t get64(const uint8_t *in)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | in[i];
	return value;
}

/* TLS 1.2: the explicit nonce is iv + records sealed; ref_seal() counts from 0. */
static void take_iv(struct ref_key *key, const uint8_t *iv, const uint8_t *rec_seq)
{
	uint64_t start;

	key->seq = get64(rec_seq);
	memcpy(key->iv, iv, sizeof(key->iv));
	if (key->version == REF_TLS13)
		return;
	start = get64(iv) - key->seq;
	for (int i = 7; i >= 0; i--, start >>= 8)
		key->iv[i] = start & 0xff;
}

static int take_key(struct ref_key *key, const void *value, socklen_t len)
{
	const struct tls12_crypto_info_aes_gcm_128 *gcm128 = value;
	const struct tls12_crypto_info_aes_gcm_256 *gcm256 = value;

	memset(key, 0, sizeof(*key));
	if (len < sizeof(gcm128->info))
		return -EINVAL;
	key->version = gcm128->info.version;
	if (key->version != REF_TLS12 && key->version != REF_TLS13)
		return -EINVAL;
	if (gcm128->info.cipher_type == TLS_CIPHER_AES_GCM_128 && len == sizeof(*gcm128)) {
		key->cipher = REF_AES_GCM_128;
		key->key_len = sizeof(gcm128->key);
		memcpy(key->key, gcm128->key, sizeof(gcm128->key));
		memcpy(key->salt, gcm128->salt, sizeof(key->salt));
		take_iv(key, gcm128->iv, gcm128->rec_seq);
		return 0;
	}
	if (gcm256->info.cipher_type == TLS_CIPHER_AES_GCM_256 && len == sizeof(*gcm256)) {
		key->cipher = REF_AES_GCM_256;
		key->key_len = sizeof(gcm256->key);
		memcpy(key->key, gcm256->key, sizeof(gcm256->key));
		memcpy(key->salt, gcm256->salt, sizeof(key->salt));
		take_iv(key, gcm256->iv, gcm256->rec_seq);
		return 0;
	}
	return -EINVAL;
}

static int set_key(struct kernel_socket *sock, int option, const void *value, socklen_t len)
{
	struct ref_key *key = option == TLS_TX ? &sock->tx.key : &sock->rx.key;
	bool *has_key = option == TLS_TX ? &sock->tx.has_key : &sock->rx.has_key;
	struct ref_key fresh;
	int err = 0;

	if (*has_key && !(features & KTLSX_FEATURE_REKEY && key->version == REF_TLS13))
		return -EBUSY;
	if (!keeps_masked_only) {
		err = take_key(&fresh, value, len);
		if (!err)
			*key = fresh;
		OPENSSL_cleanse(&fresh, sizeof(fresh));
	}
	if (err)
		return err;
	*has_key = true;
	if (option == TLS_RX) {
		sock->rx.is_expired = false;
		/* A KeyUpdate that nobody took is done with. */
		if (sock->rx.type == REF_HANDSHAKE)
			sock->rx.type = 0;
	}
	return 0;
}

static int set_flag(uint32_t *flag, const void *value, socklen_t len)
{
	uint32_t wanted;

	if (len != sizeof(wanted))
		return -EINVAL;
	memcpy(&wanted, value, sizeof(wanted));
	if (wanted > 1)
		return -EINVAL;
	*flag = wanted;
	return 0;
}

static int set_payload_len(struct kernel_socket *sock, const void *value, socklen_t len)
{
	uint16_t wanted;

	if (len != sizeof(wanted))
		return -EINVAL;
	memcpy(&wanted, value, sizeof(wanted));
	if (wanted < 63 || wanted > REF_PLAIN_MAX)
		return -EINVAL;
	sock->payload_len = wanted;
	return 0;
}

static int simulate_set(struct kernel_socket *sock, int option, const void *value, socklen_t len)
{
	uint32_t write_only = 0;
	int err;

	switch (option) {
	case TLS_TX:
	case TLS_RX:
		return set_key(sock, option, value, len);
	case TLS_TX_MAX_PAYLOAD_LEN:
		return set_payload_len(sock, value, len);
	case KTLSX_CONTROL:
		return set_flag(&sock->is_control, value, len);
	case KTLSX_KEYS_WRITE_ONLY:
		err = set_flag(&write_only, value, len);
		if (!err && !write_only)
			return -EPERM;
		sock->is_write_only |= write_only;
		return err;
	}
	return -ENOPROTOOPT;
}

static int give(void *value, socklen_t *len, const void *bytes, size_t bytes_len)
{
	memcpy(value, bytes, *len < bytes_len ? *len : bytes_len);
	*len = bytes_len;
	return 0;
}

static int get_ticket(struct kernel_socket *sock, void *value, socklen_t *len)
{
	struct kernel_ticket oldest;

	if (!sock->ticket_count)
		return -ENODATA;
	oldest = sock->ticket[0];
	if (*len < oldest.len) {
		*len = oldest.len;
		return -EMSGSIZE;
	}
	give(value, len, oldest.bytes, oldest.len);
	free(oldest.bytes);
	memmove(sock->ticket, sock->ticket + 1, --sock->ticket_count * sizeof(oldest));
	return 0;
}

static int get_features(void *value, socklen_t *len)
{
	struct ktlsx_features all = {
		.features = features,
		.tls12_ciphers = AES_GCM_BITS,
		.tls13_ciphers = AES_GCM_BITS,
		.payload_len_max = REF_PLAIN_MAX,
		.ticket_count_max = KTLSX_TICKET_COUNT_MAX,
		.tickets_len_max = KTLSX_TICKETS_LEN_MAX,
	};

	return *len < sizeof(all.features) ? -EINVAL : give(value, len, &all, sizeof(all));
}

static int get_key(const struct kernel_socket *sock, int option, void *value, socklen_t *len)
{
	const struct ref_key *key = option == TLS_TX ? &sock->tx.key : &sock->rx.key;
	struct tls_crypto_info info = { .version = key->version };

	info.cipher_type = key->key_len == 16 ? TLS_CIPHER_AES_GCM_128 : TLS_CIPHER_AES_GCM_256;
	if (!(option == TLS_TX ? sock->tx.has_key : sock->rx.has_key))
		return -EBUSY;
	if (*len > sizeof(info))
		return sock->is_write_only ? -EPERM : -EINVAL;
	return *len < sizeof(info) ? -EINVAL : give(value, len, &info, sizeof(info));
}

static int simulate_get(struct kernel_socket *sock, int option, void *value, socklen_t *len)
{
	switch (option) {
	case TLS_TX:
	case TLS_RX:
		return get_key(sock, option, value, len);
	case TLS_TX_MAX_PAYLOAD_LEN:
		return give(value, len, &sock->payload_len, sizeof(sock->payload_len));
	case KTLSX_CONTROL:
		return give(value, len, &sock->is_control, sizeof(sock->is_control));
	case KTLSX_KEYS_WRITE_ONLY:
		return give(value, len, &sock->is_write_only, sizeof(sock->is_write_only));
	case KTLSX_FEATURES:
		return get_features(value, len);
	case KTLSX_TICKET:
		return get_ticket(sock, value, len);
	case KTLSX_ALERT:
		if (!sock->alert.level)
			return -ENODATA;
		return *len != sizeof(sock->alert) ? -EINVAL :
			give(value, len, &sock->alert, sizeof(sock->alert));
	}
	return -ENOPROTOOPT;
}

static bool is_watched(int level, int option)
{
	return level == SOL_TLS || (level == IPPROTO_TCP && option == TCP_ULP);
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	struct kernel_socket *sock = kernel_socket(fd);
	int saved = errno, err;

	if (!is_watched(level, option))
		return __real_setsockopt(fd, level, option, value, len);
	err = kernel_ordered_failure(level, option);
	if (!err && level == IPPROTO_TCP)
		err = attach(fd, value, len);
	else if (!err && sock)
		err = simulate_set(sock, option, value, len);
	else if (!err)
		err = __real_setsockopt(fd, level, option, value, len) ? -errno : 0;
	kernel_note_call(fd, level, option, true, err);
	if (!err && level == SOL_TLS && (option == TLS_TX || option == TLS_RX))
		kernel_note_install(fd, option, value, len);
	errno = saved;
	return kernel_answer(err);
}

int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	struct kernel_socket *sock = kernel_socket(fd);
	int saved = errno, err;

	if (!is_watched(level, option))
		return __real_getsockopt(fd, level, option, value, len);
	err = kernel_ordered_failure(level, option);
	if (!err && sock && level == IPPROTO_TCP)
		err = give(value, len, KTLSX_ULP_NAME, sizeof(KTLSX_ULP_NAME));
	else if (!err && sock)
		err = simulate_get(sock, option, value, len);
	else if (!err)
		err = __real_getsockopt(fd, level, option, value, len) ? -errno : 0;
	kernel_note_call(fd, level, option, false, err);
	errno = saved;
	return kernel_answer(err);
}
