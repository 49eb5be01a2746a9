// SPDX-License-Identifier: MIT
/*
 * Owns: fuzzing of the library's reader of post-handshake messages: however the
 * records are cut, it finds the same messages and ends the same way.
 * Must not know: which messages are legal.
 * Concurrency: single thread.
 * Follows: userspace/lib/post.h.
 */
#include <errno.h>

#include "fuzz.h"
#include "post.h"

#define MESSAGE_MAX	64

/* What came of one reading. A message is told by its bytes' sum. */
struct reading {
	unsigned int count;
	struct {
		enum ktlsx_post_kind kind;
		size_t len;
		uint32_t sum;
		bool is_answer_wanted;
	} message[MESSAGE_MAX];
	int err;
	uint8_t alert;
};

static uint32_t sum(const uint8_t *bytes, size_t len)
{
	uint32_t value = 2166136261u;

	while (len--)
		value = (value ^ *bytes++) * 16777619u;
	return value;
}

static void keep(struct reading *reading, const struct ktlsx_post_message *message)
{
	unsigned int nth = reading->count++ % MESSAGE_MAX;

	CLAIM(!message->bytes == !message->len);
	reading->message[nth].kind = message->kind;
	reading->message[nth].len = message->len;
	reading->message[nth].sum = sum(message->bytes, message->len);
	reading->message[nth].is_answer_wanted = message->is_answer_wanted;
}

static void read_record(struct ktlsx_post *post, const struct ktlsx_post_side *side,
			const uint8_t *bytes, size_t len, struct reading *reading)
{
	struct ktlsx_post_message message;
	uint8_t *copy = fuzz_copy(bytes, len);
	const uint8_t *at = copy;
	size_t left = len;

	while ((reading->err = ktlsx_post_next(post, side, &at, &left, &message,
					       &reading->alert)) == 1) {
		CLAIM(at + left == copy + len);
		keep(reading, &message);
	}
	CLAIM(reading->err <= 0);
	CLAIM(reading->err || !left);
	free(copy);
}

static void read_all(const struct ktlsx_post_side *side, const uint8_t *bytes, size_t len,
		     size_t record_len, struct reading *reading)
{
	struct ktlsx_post post = { 0 };
	size_t off, part;

	memset(reading, 0, sizeof(*reading));
	for (off = 0; off < len && !reading->err; off += part) {
		part = len - off < record_len ? len - off : record_len;
		read_record(&post, side, bytes + off, part, reading);
	}
	ktlsx_post_drop(&post);
}

/* A KeyUpdate must end its record, so where records end matters to it alone. */
static bool has_key_update(const struct reading *reading)
{
	unsigned int nth;

	for (nth = 0; nth < reading->count && nth < MESSAGE_MAX; nth++)
		if (reading->message[nth].kind == KTLSX_POST_KEY_UPDATE)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_input input = { bytes, len };
	uint8_t how = fuzz_byte(&input);
	struct ktlsx_post_side side = {
		.version = how & 1 ? 0x0304 : 0x0303,
		.role = how & 2 ? KTLSX_CLIENT : KTLSX_SERVER,
	};
	struct reading whole, cut;

	read_all(&side, input.bytes, input.len, input.len, &whole);
	read_all(&side, input.bytes, input.len, 1 + (how >> 2), &cut);
	if (has_key_update(&whole) || has_key_update(&cut))
		return 0;
	CLAIM(whole.count == cut.count || whole.err);
	CLAIM(whole.err || !cut.err || has_key_update(&cut));
	if (!whole.err && !cut.err)
		CLAIM(!memcmp(whole.message, cut.message, sizeof(whole.message)));
	return 0;
}
