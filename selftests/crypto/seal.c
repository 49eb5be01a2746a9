// SPDX-License-Identifier: MIT
/*
 * Owns the proof that the record codec writes what an independent codec writes, however the
 * destination is cut and wherever the content lies, and that its numbers go on as they should.
 * Must not know: how record.c works, sockets. Concurrency: one thread.
 * Follows: RFC 5246 6.2, RFC 5288 3, RFC 8446 5.
 */
#include "codec.h"

/*
 * Lists the content: @in_place of four runs lie where they will be sealed, the others
 * elsewhere, and may cross the borders of the destination.
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
	if (has_explicit_nonce(t))
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
	ASSERT_TRUE(pieces_read(&t->dst, t->got));
	check_prefix(t, type, counter);
	ASSERT_MEM_EQ(t->got, t->wire, t->wire_len);
	ASSERT_MEM_EQ(t->source, t->plain, sizeof(t->plain));
	ASSERT_EQ(t->dir.seq, t->ref.seq);
}

static void seal_somewhere(struct trial *t, uint8_t type, size_t len, unsigned int in_place)
{
	pieces_cut(&t->dst, len + ref_overhead(&t->ref), KTLSX_DST_SPANS_MAX);
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

TEST_F_TIMEOUT(codec, seal_every_split, TEST_TIMEOUT_S)
{
	struct trial *t = self->trial;
	size_t len, cut[2];

	for (size_t content_len = 0; content_len <= 17; content_len += content_len ? 16 : 1) {
		len = content_len + ref_overhead(&t->ref);
		for (cut[0] = 0; cut[0] <= len; cut[0]++) {
			for (cut[1] = cut[0]; cut[1] <= len; cut[1]++) {
				pieces_cut_at(&t->dst, len, cut, 2);
				check_seal(t, REF_DATA, content_len, arena_below(5));
			}
		}
	}
}

static void check_export(struct trial *t, uint64_t seq, uint64_t counter)
{
	union info expected, info;
	size_t len = make_info(t, seq, counter, &expected);

	memset(&info, PIECES_CANARY, sizeof(info));
	ktlsx_dir_export(&t->dir, info.bytes);
	ASSERT_MEM_EQ(info.bytes, expected.bytes, len);
	ASSERT_TRUE(pieces_all_are(info.bytes + len, sizeof(info) - len, PIECES_CANARY));
	/* whoever takes these keys into use goes on from here */
	memset(&t->dir, 0, sizeof(t->dir));
	ktlsx_dir_init(&t->dir, t->suite, info.bytes);
}

/* Carries in either number, and numbers that have nothing to do with each other. */
TEST_F(codec, seal_counts_and_exports)
{
	static const uint64_t starts[] = { 0, 0xfe, 0xfffffffe, 1ull << 63, ~0ull - 5 };
	static const struct ktlsx_dir zero;
	struct trial *t = self->trial;

	for (unsigned int i = 0; i < 25; i++) {
		uint64_t seq = starts[i / 5], counter = starts[i % 5];

		install(t, seq, counter);
		for (unsigned int n = 0; n < 5; n++) {
			ASSERT_FALSE(ktlsx_dir_is_exhausted(&t->dir));
			check_export(t, seq + n, counter + (has_explicit_nonce(t) ? n : 0));
			seal_somewhere(t, REF_DATA, 20, 2);
		}
		ASSERT_EQ(ktlsx_dir_is_exhausted(&t->dir), seq == ~0ull - 5);
	}
	ktlsx_dir_wipe(&t->dir);
	ASSERT_MEM_EQ(&t->dir, &zero, sizeof(zero));
}

TEST_F(codec, seal_every_type)
{
	struct trial *t = self->trial;

	for (unsigned int type = 0; type < 256; type++)
		seal_somewhere(t, type, type % 40, 1);
}

KTAP_MAIN()
