// SPDX-License-Identifier: MIT
/*
 * Owns the proof that the record codec writes what an independent codec writes and takes
 * what that one sealed, however the bytes are cut, and that it refuses all else.
 * Must not know: how record.c works, sockets. Concurrency: one thread.
 * Follows: RFC 5246 6.2, RFC 5288 3, RFC 8446 5.
 */
#include "../ktap.h"
#include "../ref.h"

#include "../../kmod/record.h"
#include "../../uapi/linux/ktlsx.h"
#include "arena.h"

#define CASES 2000
#define CANARY 0xa5
#define SLACK_MAX 100
#define TEST_TIMEOUT_S 120
#define INNER_MAX (REF_PLAIN_MAX + 1)	/* content, type and padding: RFC 8446 5.4 */

/* Bytes in blocks of their own: who leaves one meets a canary or the sanitizer. */
struct pieces {
	struct ktlsx_span span[KTLSX_SRC_SPANS_MAX];
	uint8_t *block[KTLSX_SRC_SPANS_MAX];
	size_t before[KTLSX_SRC_SPANS_MAX];
	size_t after[KTLSX_SRC_SPANS_MAX];
	unsigned int count;
};

union info {
	struct tls_crypto_info head;
	struct tls12_crypto_info_aes_gcm_128 gcm_128;
	struct tls12_crypto_info_aes_gcm_256 gcm_256;
	uint8_t bytes[KTLSX_CRYPTO_INFO_MAX];
};

/* Where a refused record leaves its destination: never written is as good as wiped. */
enum refusal { WIPED, WIPED_OR_UNREAD };

struct trial {
	const struct ktlsx_suite *suite;
	struct ktlsx_dir dir;
	struct ref_key ref;	/* of the same record as @dir */
	struct pieces src;
	struct pieces dst;
	size_t wire_len;
	size_t inner_len;
	size_t slack_len;	/* of @dst, behind the inner plaintext */
	uint8_t plain[INNER_MAX];
	uint8_t source[INNER_MAX];
	uint8_t wire[2 * REF_WIRE_MAX];
	uint8_t got[2 * REF_WIRE_MAX];
};

static struct trial trial;

static const size_t content_lens[] = {
	0, 1, 15, 16, 17, 4095, 4096, 4097, REF_PLAIN_MAX - 1, REF_PLAIN_MAX,
};

static const uint8_t content_types[] = { REF_CHANGE_CIPHER, REF_ALERT, REF_HANDSHAKE, REF_DATA };

FIXTURE(codec) {
	struct trial *trial;
};

FIXTURE_VARIANT(codec) {
	uint16_t version;
	uint16_t cipher_type;
	uint8_t key_len;
	uint8_t prefix_len;	/* header and explicit nonce */
	uint32_t least;		/* of the length field */
	uint32_t most;
};

FIXTURE_VARIANT_ADD(codec, aes_128_gcm_tls12) = {
	TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128, 16, 5 + 8, 24, 16384 + 24
};

FIXTURE_VARIANT_ADD(codec, aes_256_gcm_tls12) = {
	TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_256, 32, 5 + 8, 24, 16384 + 24
};

FIXTURE_VARIANT_ADD(codec, aes_128_gcm_tls13) = {
	TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128, 16, 5, 17, 16384 + 17
};

FIXTURE_VARIANT_ADD(codec, aes_256_gcm_tls13) = {
	TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_256, 32, 5, 17, 16384 + 17
};

static bool is_tls13(const struct trial *t)
{
	return t->ref.version == REF_TLS13;
}

static size_t prefix_len(const struct trial *t)
{
	return REF_HEADER_LEN + (is_tls13(t) ? 0 : 8);
}

/* Under a sanitizer a tenth of the cases takes as long. */
static unsigned int case_count(void)
{
	const char *text = getenv("KTLSX_CASES");

	return text ? (unsigned int)strtoul(text, NULL, 0) : CASES;
}

static bool all_are(const uint8_t *p, size_t len, uint8_t value)
{
	while (len && p[len - 1] == value)
		len--;
	return !len;
}

static void place(struct pieces *p, size_t len)
{
	unsigned int i = p->count++;

	p->before[i] = 5 * arena_below(4);
	p->after[i] = 16 * arena_below(2);
	len += p->before[i] + p->after[i];
	free(p->block[i]);
	p->block[i] = malloc(len + !len);
	ASSERT_TRUE(p->block[i]);
	memset(p->block[i], CANARY, len);
	p->span[i].base = p->block[i] + p->before[i];
	p->span[i].len = len - p->before[i] - p->after[i];
}

/* @cut: ascending offsets; equal ones leave an empty piece. */
static void cut_at(struct pieces *p, size_t len, const size_t *cut, unsigned int cut_count)
{
	size_t off = 0;

	p->count = 0;
	for (unsigned int i = 0; i < cut_count; off = cut[i++])
		place(p, cut[i] - off);
	place(p, len - off);
}

/* Mostly near an end: there lie header, nonce, type and tag. */
static size_t random_border(size_t len)
{
	size_t end = arena_below(min_t(size_t, len, 40) + 1);

	switch (arena_below(3)) {
	case 0:
		return end;
	case 1:
		return len - end;
	default:
		return arena_below(len + 1);
	}
}

static int by_size(const void *a, const void *b)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	return (left > right) - (left < right);
}

static void cut_anywhere(struct pieces *p, size_t len, unsigned int count_max)
{
	size_t cut[KTLSX_SRC_SPANS_MAX];
	unsigned int cut_count = arena_below(3) ? arena_below(count_max) : count_max - 1;

	for (unsigned int i = 0; i < cut_count; i++)
		cut[i] = random_border(len);
	qsort(cut, cut_count, sizeof(*cut), by_size);
	cut_at(p, len, cut, cut_count);
}

static void write_pieces(const struct pieces *p, const uint8_t *bytes)
{
	for (unsigned int i = 0; i < p->count; bytes += p->span[i++].len)
		memcpy(p->span[i].base, bytes, p->span[i].len);
}

/* Collects the bytes; those around them must be as they were. */
static void read_pieces(const struct pieces *p, uint8_t *bytes)
{
	for (unsigned int i = 0; i < p->count; bytes += p->span[i++].len) {
		const struct ktlsx_span *span = &p->span[i];

		memcpy(bytes, span->base, span->len);
		ASSERT_TRUE(all_are(p->block[i], p->before[i], CANARY));
		ASSERT_TRUE(all_are(span->base + span->len, p->after[i], CANARY));
	}
}

/* What a user would pass to setsockopt; returns its size. */
static size_t make_info(const struct trial *t, uint16_t cipher_type, uint64_t seq,
			uint64_t counter, union info *info)
{
	const bool is_128 = cipher_type == TLS_CIPHER_AES_GCM_128;

	memset(info, 0, sizeof(*info));
	info->head.version = is_tls13(t) ? TLS_1_3_VERSION : TLS_1_2_VERSION;
	info->head.cipher_type = cipher_type;
	memcpy(is_128 ? info->gcm_128.key : info->gcm_256.key, t->ref.key, t->ref.key_len);
	memcpy(is_128 ? info->gcm_128.salt : info->gcm_256.salt, t->ref.salt, 4);
	port_put_be64(is_128 ? info->gcm_128.iv : info->gcm_256.iv, counter);
	port_put_be64(is_128 ? info->gcm_128.rec_seq : info->gcm_256.rec_seq, seq);
	return is_128 ? sizeof(info->gcm_128) : sizeof(info->gcm_256);
}

/* New keys on both sides. TLS 1.2 counts nonces from @counter, TLS 1.3 takes it as the IV. */
static void install(struct trial *t, uint64_t seq, uint64_t counter)
{
	union info info;

	arena_fill_random(t->ref.key, t->ref.key_len);
	arena_fill_random(t->ref.salt, sizeof(t->ref.salt));
	/* the reference adds its number to what it starts from */
	port_put_be64(t->ref.iv, is_tls13(t) ? counter : counter - seq);
	t->ref.seq = seq;
	make_info(t, t->suite->cipher->cipher_type, seq, counter, &info);
	memset(&t->dir, 0, sizeof(t->dir));
	ktlsx_dir_init(&t->dir, t->suite, info.bytes);
	ASSERT_EQ(t->dir.seq, seq);
}

static void install_anything(struct trial *t)
{
	install(t, arena_random() >> (1 + arena_below(63)), arena_random());
}

static const struct ktlsx_aead_engine *any_engine(const struct trial *t)
{
	return arena_below(2) ? t->dir.aead->fast : t->dir.aead->generic;
}

FIXTURE_SETUP(codec)
{
	struct trial *t = &trial;

	self->trial = t;
	ASSERT_EQ(ktlsx_aead_init(NULL), 0);
	t->suite = ktlsx_suite_find(ktlsx_version_find(variant->version),
				    ktlsx_cipher_find(variant->cipher_type));
	ASSERT_TRUE(t->suite);
	t->ref.version = variant->version;
	t->ref.key_len = variant->key_len;
	arena_seed();
	arena_fill_random(t->plain, sizeof(t->plain));
	memcpy(t->source, t->plain, sizeof(t->plain));
	install_anything(t);
}

/*
 * Lists the content: @in_place of four runs lie where they will be sealed, the others
 * elsewhere, where only the latter may cross the borders of the destination.
 */
static unsigned int lay_source(struct trial *t, size_t len, unsigned int in_place,
			       struct ktlsx_span *src)
{
	const struct ktlsx_span *at = t->dst.span;
	size_t off = prefix_len(t), done, run;
	unsigned int count = 0;

	for (done = 0; done < len; done += run, off += run) {
		bool stays = arena_below(4) < in_place;

		for (; off >= at->len; at++)
			off -= at->len;
		run = stays ? min(len - done, at->len - off) : len - done;
		if (count + KTLSX_DST_SPANS_MAX < KTLSX_SRC_SPANS_MAX && arena_below(3))
			run = 1 + arena_below(run);
		src[count].base = stays ? at->base + off : t->source + done;
		src[count++].len = run;
		if (stays)
			memcpy(at->base + off, t->plain + done, run);
	}
	return count;
}

static void check_prefix(const struct trial *t, uint8_t type, uint64_t counter)
{
	const size_t body_len = t->wire_len - REF_HEADER_LEN;
	const uint8_t header[] = { is_tls13(t) ? 23 : type, 3, 3, body_len >> 8, body_len & 0xff };

	ASSERT_MEM_EQ(t->got, header, sizeof(header));
	if (!is_tls13(t))
		ASSERT_EQ(port_get_be64(t->got + REF_HEADER_LEN), counter);
}

/* Into @t->dst, which the caller has cut. */
static void check_seal(struct trial *t, uint8_t type, size_t len, unsigned int in_place)
{
	struct ktlsx_span src[KTLSX_SRC_SPANS_MAX + 1];
	unsigned int src_count = lay_source(t, len, in_place, src);
	uint64_t counter = port_get_be64(t->ref.iv) + t->ref.seq;

	t->wire_len = ref_seal(&t->ref, type, t->plain, len, NULL, t->wire);
	ASSERT_EQ(ktlsx_record_len(t->suite, len), t->wire_len);
	ktlsx_record_seal(&t->dir, type, src, src_count, len, t->dst.span, any_engine(t));
	read_pieces(&t->dst, t->got);
	check_prefix(t, type, counter);
	ASSERT_MEM_EQ(t->got, t->wire, t->wire_len);
	ASSERT_MEM_EQ(t->source, t->plain, sizeof(t->plain));
	ASSERT_EQ(t->dir.seq, t->ref.seq);
}

static void seal_somewhere(struct trial *t, uint8_t type, size_t len, unsigned int in_place)
{
	cut_anywhere(&t->dst, len + ref_overhead(&t->ref), KTLSX_DST_SPANS_MAX);
	check_seal(t, type, len, in_place);
}

TEST_F_TIMEOUT(codec, seal_lengths, TEST_TIMEOUT_S)
{
	struct trial *t = self->trial;

	for (unsigned int number = 0; number < case_count(); number++)
		seal_somewhere(t, content_types[number / 10 % 4], content_lens[number % 10],
			       2 * (number / 40 % 3));
	for (unsigned int number = 0; number < case_count(); number++)
		seal_somewhere(t, REF_DATA, arena_below(400), arena_below(5));
}

TEST_F(codec, seal_and_open_every_type);
TEST_F_TIMEOUT(codec, seal_every_split, TEST_TIMEOUT_S)
{
	struct trial *t = self->trial;
	size_t len = variant->prefix_len + 17 + 17, cut[2];

	for (size_t content_len = 0; content_len <= 17; content_len += content_len ? 16 : 1) {
		len = content_len + ref_overhead(&t->ref);
		for (cut[0] = 0; cut[0] <= len; cut[0]++) {
			for (cut[1] = cut[0]; cut[1] <= len; cut[1]++) {
				cut_at(&t->dst, len, cut, 2);
				check_seal(t, REF_DATA, content_len, arena_below(5));
			}
		}
	}
}
