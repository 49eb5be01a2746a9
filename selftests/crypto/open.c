// SPDX-License-Identifier: MIT
/*
 * Owns the proof that the record codec takes what an independent codec sealed, however the
 * bytes are cut, and refuses all else without leaving any of it behind.
 * Must not know: how record.c works, sockets. Concurrency: one thread.
 * Follows: RFC 5246 6.2, RFC 5288 3, RFC 8446 5.
 */
#include "codec.h"

#define SLACK_MAX 100

/* Where a refused record leaves its destination: never written is as good as wiped. */
enum refusal { WIPED, WIPED_OR_UNREAD };

/* A record by the reference, @ahead of the direction's next one, which does not move. */
static void make_record(struct trial *t, uint64_t ahead, uint8_t type, size_t len,
			const struct ref_twist *twist)
{
	struct ref_key key = t->ref;

	key.seq += ahead;
	t->wire_len = ref_seal(&key, type, t->plain, len, twist, t->wire);
	t->inner_len = t->wire_len - prefix_len(t) - REF_TAG_LEN;
}

static void cut_both(struct trial *t)
{
	t->slack_len = arena_below(2) * arena_below(SLACK_MAX);
	pieces_cut(&t->src, t->wire_len, KTLSX_SRC_SPANS_MAX);
	pieces_cut(&t->dst, t->inner_len + t->slack_len, KTLSX_DST_SPANS_MAX);
}

/* Opens t->wire from t->src to t->dst and collects that in t->got. */
static int open_record(struct trial *t, uint32_t ahead, struct ktlsx_opened *opened)
{
	struct ktlsx_span src[KTLSX_SRC_SPANS_MAX];
	struct ktlsx_dir before;
	int err;

	memcpy(src, t->src.span, sizeof(src));
	memcpy(&before, &t->dir, sizeof(before));
	pieces_write(&t->src, t->wire);
	err = ktlsx_record_open(&t->dir, ahead, src, t->wire_len, t->dst.span,
				any_engine(t), opened);
	ASSERT_TRUE(pieces_read(&t->src, t->got));
	ASSERT_MEM_EQ(t->got, t->wire, t->wire_len);
	ASSERT_MEM_EQ(&t->dir, &before, sizeof(before));
	ASSERT_TRUE(pieces_read(&t->dst, t->got));
	return err;
}

static void take(struct trial *t, uint32_t ahead, uint8_t type, const uint8_t *plain, size_t len)
{
	struct ktlsx_opened opened = { 0 };

	ASSERT_EQ(open_record(t, ahead, &opened), 0);
	ASSERT_EQ(opened.type, type);
	ASSERT_EQ(opened.content_len, len);
	ASSERT_MEM_EQ(t->got, plain, len);
	ASSERT_TRUE(pieces_all_are(t->got + t->inner_len, t->slack_len, PIECES_CANARY));
}

static void refuse(struct trial *t, uint32_t ahead, enum refusal refusal)
{
	struct ktlsx_opened opened;
	bool is_unread;

	ASSERT_EQ(open_record(t, ahead, &opened), -EBADMSG);
	is_unread = pieces_all_are(t->got, t->inner_len + t->slack_len, PIECES_CANARY);
	ASSERT_TRUE(pieces_all_are(t->got, t->inner_len, 0) || (refusal != WIPED && is_unread));
}

TEST_F_TIMEOUT(codec, open_lengths, TEST_TIMEOUT_S)
{
	struct trial *t = self->trial;

	for (unsigned int number = 0; number < case_count(); number++) {
		uint32_t ahead = arena_random() >> (32 + arena_below(32));
		uint8_t type = content_types[number / 10 % 4];
		size_t len = content_lens[number % 10];

		make_record(t, ahead, type, len, NULL);
		cut_both(t);
		take(t, ahead, type, t->plain, len);
		if (number % 4)
			continue;
		refuse(t, ahead + 1, WIPED);
		refuse(t, ahead ? ahead - 1 : 1, WIPED);
	}
}

TEST_F(codec, open_every_type)
{
	struct trial *t = self->trial;

	/* 0 is padding in TLS 1.3 */
	for (unsigned int type = is_tls13(t); type < 256; type++) {
		make_record(t, 0, type, type % 40, NULL);
		cut_both(t);
		take(t, 0, type, t->plain, type % 40);
	}
}

/* In TLS 1.3 the borders go through content, type and padding. */
TEST_F_TIMEOUT(codec, open_every_split, TEST_TIMEOUT_S)
{
	const struct ref_twist twist = { .pad_len = 20 };
	struct trial *t = self->trial;
	size_t cut[2];

	make_record(t, 0, REF_ALERT, 3, &twist);
	t->slack_len = 0;
	for (cut[0] = 0; cut[0] <= t->wire_len; cut[0]++) {
		for (cut[1] = cut[0]; cut[1] <= t->wire_len; cut[1]++) {
			pieces_cut_at(&t->src, t->wire_len, cut, 2);
			if (cut[1] <= t->inner_len)
				pieces_cut_at(&t->dst, t->inner_len, cut, 2);
			else
				pieces_cut(&t->dst, t->inner_len, KTLSX_DST_SPANS_MAX);
			take(t, 0, REF_ALERT, t->plain, 3);
		}
	}
}

TEST_F_TIMEOUT(codec, every_flipped_bit_is_refused, TEST_TIMEOUT_S)
{
	struct trial *t = self->trial;

	for (size_t len = 0; len <= 34; len += 17) {
		make_record(t, 0, REF_DATA, len, NULL);
		for (size_t bit = 0; bit < 8 * t->wire_len; bit++) {
			t->wire[bit / 8] ^= 1u << bit % 8;
			cut_both(t);
			/* version and length are looked at before anything is written */
			refuse(t, 0, bit / 8 >= 1 && bit / 8 <= 4 ? WIPED_OR_UNREAD : WIPED);
			t->wire[bit / 8] ^= 1u << bit % 8;
		}
		cut_both(t);
		take(t, 0, REF_DATA, t->plain, len);
	}
}

/* The length is authenticated too: another one that fits the bytes does not do. */
TEST_F(codec, other_length_is_refused)
{
	struct trial *t = self->trial;

	for (int delta = -40; delta <= 40; delta++) {
		make_record(t, 0, REF_DATA, 100, &(struct ref_twist){ .len_delta = delta });
		t->wire_len += delta;
		t->inner_len += delta;
		cut_both(t);
		if (delta)
			refuse(t, 0, WIPED);
		else
			take(t, 0, REF_DATA, t->plain, 100);
	}
}

/* 2^64 - 1 is never used, and nothing lies behind it. */
TEST_F(codec, numbers_end)
{
	struct trial *t = self->trial;
	uint32_t ahead;

	for (uint64_t left = 0; left < 6; left++) {
		install(t, ~0ull - left, arena_random());
		ASSERT_EQ(ktlsx_dir_is_exhausted(&t->dir), !left);
		for (ahead = 0; ahead < 12; ahead++) {
			make_record(t, ahead, REF_DATA, 30, NULL);
			cut_both(t);
			if (ahead < left)
				take(t, ahead, REF_DATA, t->plain, 30);
			else
				refuse(t, ahead, WIPED_OR_UNREAD);
		}
		make_record(t, UINT32_MAX, REF_DATA, 30, NULL);
		cut_both(t);
		refuse(t, UINT32_MAX, WIPED_OR_UNREAD);
	}
}

static int verdict_on(uint32_t body_len, uint32_t least, uint32_t most)
{
	return body_len > most ? -EMSGSIZE : body_len < least ? -EBADMSG : 0;
}

static int parse(struct trial *t, uint16_t version, uint16_t body_len)
{
	const uint8_t header[REF_HEADER_LEN] = { arena_below(256), version >> 8, version & 0xff,
						 body_len >> 8, body_len & 0xff };
	uint32_t record_len = 0;
	int err = ktlsx_record_parse(t->suite, header, &record_len);

	if (!err)
		ASSERT_EQ(record_len, REF_HEADER_LEN + body_len);
	return err;
}

TEST_F(codec, parse_every_length)
{
	static const uint16_t wrong[] = { 0, 0x0003, 0x0300, 0x0301, 0x0302, 0x0304, 0x0203,
					  0x0403, 0x1703, 0x8303, 0xffff };
	struct trial *t = self->trial;

	for (uint32_t len = 0; len <= UINT16_MAX; len++) {
		int verdict = verdict_on(len, variant->overhead, REF_PLAIN_MAX + variant->overhead);

		ASSERT_EQ(parse(t, 0x0303, len), verdict);
		for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
			ASSERT_EQ(parse(t, wrong[i], len), verdict ? verdict : -EINVAL);
		/* here @len goes through every version */
		verdict = len == 0x0303 ? 0 : -EINVAL;
		ASSERT_EQ(parse(t, len, variant->overhead), verdict);
		ASSERT_EQ(parse(t, len, REF_PLAIN_MAX + variant->overhead), verdict);
	}
}

/* Any bytes: either the header is refused, or the record is. */
TEST_F_TIMEOUT(codec, random_bytes_are_refused, TEST_TIMEOUT_S)
{
	struct trial *t = self->trial;
	unsigned int opened_count = 0;

	for (unsigned int number = 0; number < 5 * case_count(); number++) {
		uint16_t len = arena_random() >> (48 + 3 * arena_below(4));
		uint16_t version = arena_below(8) ? 0x0303 : arena_random();
		int verdict = verdict_on(len, variant->overhead, REF_PLAIN_MAX + variant->overhead);

		verdict = verdict || version == 0x0303 ? verdict : -EINVAL;
		ASSERT_EQ(parse(t, version, len), verdict);
		t->wire_len = REF_HEADER_LEN + len;
		if (verdict && t->wire_len < REF_HEADER_LEN + variant->overhead)
			continue;
		arena_fill_random(t->wire, min_t(size_t, t->wire_len, REF_WIRE_MAX));
		t->wire_len = min_t(size_t, t->wire_len, REF_WIRE_MAX);
		t->inner_len = t->wire_len - prefix_len(t) - REF_TAG_LEN;
		t->wire[1] = version >> 8;
		t->wire[2] = version & 0xff;
		t->wire[3] = len >> 8;
		t->wire[4] = len & 0xff;
		cut_both(t);
		refuse(t, arena_below(3), verdict ? WIPED_OR_UNREAD : WIPED);
		opened_count += !verdict;
	}
	ASSERT_GT(opened_count, case_count());
}

TEST_F_TIMEOUT(codec, random_bit_of_any_record, TEST_TIMEOUT_S)
{
	struct trial *t = self->trial;

	for (unsigned int number = 0; number < case_count(); number++) {
		const struct ref_twist twist = { .pad_len = arena_below(300) };
		size_t bit;

		make_record(t, 0, REF_DATA, arena_below(number % 8 ? 500 : 16000), &twist);
		bit = arena_below(8 * t->wire_len);
		t->wire[bit / 8] ^= 1u << bit % 8;
		cut_both(t);
		refuse(t, 0, bit / 8 < REF_HEADER_LEN ? WIPED_OR_UNREAD : WIPED);
	}
}

FIXTURE(codec13) {
	struct codec_self codec;
};

FIXTURE_VARIANT(codec13) {
	const struct codec_variant *same;
};

FIXTURE_VARIANT_ADD(codec13, aes_128_gcm) = { &codec_variant_aes_128_gcm_tls13 };
FIXTURE_VARIANT_ADD(codec13, aes_256_gcm) = { &codec_variant_aes_256_gcm_tls13 };

FIXTURE_SETUP(codec13)
{
	codec_setup(&self->codec, variant->same);
}

/* Every short padding, then steps of any size up to the longest. */
TEST_F_TIMEOUT(codec13, open_padding, TEST_TIMEOUT_S)
{
	static const size_t lens[] = { 0, 1, 7, 100, 4096, 16300, REF_PLAIN_MAX };
	const size_t step = 1 + 60000 / (1 + case_count());
	struct trial *t = self->codec.trial;
	struct ref_twist twist = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		const size_t most = REF_PLAIN_MAX - lens[i];
		size_t pad_len = 0;

		for (;;) {
			twist.pad_len = pad_len;
			make_record(t, 0, content_types[pad_len % 4], lens[i], &twist);
			cut_both(t);
			take(t, 0, content_types[pad_len % 4], t->plain, lens[i]);
			if (pad_len == most)
				break;
			pad_len = min(most, pad_len + 1 + (pad_len > 70 ? arena_below(step) : 0));
		}
	}
}

/* What was encrypted is @inner: the type is its last byte that is not zero. */
static void check_inner(struct trial *t, size_t len)
{
	const struct ref_twist twist = { .no_inner_type = true };
	size_t end = len;

	while (end && !t->plain[end - 1])
		end--;
	make_record(t, 0, REF_DATA, len, &twist);
	cut_both(t);
	if (end)
		take(t, 0, t->plain[end - 1], t->plain, end - 1);
	else
		refuse(t, 0, WIPED);
}

TEST_F_TIMEOUT(codec13, no_type_at_all, TEST_TIMEOUT_S)
{
	struct trial *t = self->codec.trial;

	memset(t->plain, 0, sizeof(t->plain));
	for (size_t len = 1; len <= 200; len++)
		check_inner(t, len);
	for (unsigned int number = 0; number < case_count() / 8; number++)
		check_inner(t, 1 + arena_below(INNER_MAX));
	check_inner(t, INNER_MAX);
}

/* Mostly zeros, with a few bytes between them. */
TEST_F_TIMEOUT(codec13, any_inner_plaintext, TEST_TIMEOUT_S)
{
	struct trial *t = self->codec.trial;

	for (unsigned int number = 0; number < 2 * case_count(); number++) {
		size_t len = 1 + arena_below(number % 16 ? 200 : INNER_MAX);

		memset(t->plain, 0, len);
		for (size_t left = arena_below(4); left; left--)
			t->plain[arena_below(len)] = 1u << arena_below(8);
		check_inner(t, len);
	}
}

KTAP_MAIN()
