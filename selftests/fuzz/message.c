// SPDX-License-Identifier: MIT
/*
 * Owns: fuzzing of the module's judgement of control records: the same however
 * the content lies in memory, and however records cut the messages.
 * Must not know: which messages are legal.
 * Concurrency: single thread.
 * Follows: kmod/message.h.
 */
#include "fuzz.h"
#include "message.h"

#define TICKET		4
#define KEY_UPDATE	24

static const struct ktlsx_version tls12 = { .version = 0x0303 };
static const struct ktlsx_version tls13 = { .version = 0x0304 };

static enum ktlsx_meaning judge(const struct ktlsx_version *version, const uint8_t *bytes,
				size_t len, size_t cut)
{
	struct ktlsx_message begun = { .seen_len = 0 };
	uint8_t *front = fuzz_copy(bytes, cut), *back = fuzz_copy(bytes + cut, len - cut);
	struct ktlsx_span text[] = {
		{ .base = front, .len = cut },
		{ .base = back, .len = len - cut },
	};
	enum ktlsx_meaning meaning = ktlsx_messages_judge(&begun, version, text, 2);

	CLAIM(!begun.seen_len);
	free(front);
	free(back);
	return meaning;
}

static bool is_breach(const struct ktlsx_message *message, const struct ktlsx_version *version)
{
	return ktlsx_message_has_header(message) &&
	       ktlsx_message_judge(message, version) == KTLSX_MEANS_BREACH;
}

/* Message by message: what is whole has the length that its header says. */
static void step(const struct ktlsx_version *version, const uint8_t *bytes, size_t len,
		 size_t part_len)
{
	struct ktlsx_message message = { .seen_len = 0 };
	size_t off = 0, part, taken;

	while (off < len && !is_breach(&message, version)) {
		part = len - off < part_len ? len - off : part_len;
		taken = ktlsx_message_step(&message, bytes + off, part);
		CLAIM(taken && taken <= part);
		off += taken;
		CLAIM(!ktlsx_message_has_header(&message) ||
		      message.seen_len <= ktlsx_message_len(&message));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_input input = { bytes, len < 20000 ? len : 20000 };
	uint8_t how = fuzz_byte(&input);
	const struct ktlsx_version *version = how & 1 ? &tls13 : &tls12;
	size_t cut = (how >> 1) < input.len ? how >> 1 : input.len;

	CLAIM(judge(version, input.bytes, input.len, cut) ==
	      judge(version, input.bytes, input.len, 0));
	CLAIM(judge(version, input.bytes, 0, 0) == KTLSX_MEANS_BREACH);
	ktlsx_alert_judge(version, input.bytes, input.len);
	step(version, input.bytes, input.len, 1 + (how >> 1));
	return 0;
}
