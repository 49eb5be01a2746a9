// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the copies between span lists and an engine's bounce buffer.
 * Must not know: ciphers. Concurrency: stateless. The source may change while it
 * is copied; what lands in the buffer is then what counts.
 */
#include "spans.h"

/*
 * At most 128 bytes at a time in practice: a call or a string instruction costs
 * more than these few moves. Short pieces overlap, so some source bytes are read
 * twice, but each lands in one place and only the copy is used.
 */
static __always_inline void copy_short(u8 *to, const u8 *from, size_t len)
{
	u64 a, b;
	size_t i;

	if (len < 8) {
		for (i = 0; i < len; i++)
			to[i] = from[i];
		return;
	}
	for (i = 0; i + 16 <= len; i += 16) {
		memcpy(&a, from + i, 8);
		memcpy(&b, from + i + 8, 8);
		memcpy(to + i, &a, 8);
		memcpy(to + i + 8, &b, 8);
	}
	if (i + 8 <= len) {
		memcpy(&a, from + i, 8);
		memcpy(to + i, &a, 8);
	}
	if (len & 7) {
		memcpy(&a, from + len - 8, 8);
		memcpy(to + len - 8, &a, 8);
	}
}

void ktlsx_cursor_gather(struct ktlsx_cursor *cursor, u8 *buf, size_t len)
{
	size_t run;

	while (len) {
		run = min(len, ktlsx_cursor_run(cursor));
		copy_short(buf, ktlsx_cursor_here(cursor), run);
		cursor->off += run;
		buf += run;
		len -= run;
	}
}

void ktlsx_cursor_scatter(struct ktlsx_cursor *cursor, const u8 *buf, size_t len)
{
	size_t run;

	while (len) {
		run = min(len, ktlsx_cursor_run(cursor));
		copy_short(ktlsx_cursor_here(cursor), buf, run);
		cursor->off += run;
		buf += run;
		len -= run;
	}
}

void ktlsx_cursor_skip(struct ktlsx_cursor *cursor, size_t len)
{
	size_t run;

	for (; len; len -= run) {
		run = min(len, ktlsx_cursor_run(cursor));
		cursor->off += run;
	}
}

void ktlsx_spans_wipe(const struct ktlsx_span *spans, size_t len)
{
	size_t run;

	for (; len; spans++) {
		run = min(len, spans->len);
		memzero_explicit(spans->base, run);
		len -= run;
	}
}

unsigned int ktlsx_texts_refuse(const struct ktlsx_aead_text *texts, unsigned int bad,
				unsigned int count)
{
	unsigned int i;

	for (i = bad; i < count; i++)
		ktlsx_spans_wipe(texts[i].dst, texts[i].text_len);
	return bad;
}

bool ktlsx_tag_matches(const u8 expected[KTLSX_AEAD_TAG_LEN], const u8 tag[KTLSX_AEAD_TAG_LEN])
{
	u8 differ = 0;
	unsigned int i;

	for (i = 0; i < KTLSX_AEAD_TAG_LEN; i++)
		differ |= expected[i] ^ tag[i];
	port_declassify(&differ, sizeof(differ));
	return !differ;
}
