// SPDX-License-Identifier: MIT
/*
 * Owns: the reference record codec (see ref.h); the ciphers are in ref_aead.c.
 * Must not know: the module, its UAPI, any kernel code.
 * Concurrency: an object belongs to one thread at a time.
 * Follows: RFC 5246 6.2, RFC 5288, RFC 6655, RFC 7905, RFC 8446 5.
 */
#include "ref.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ref_aead.h"

#define NONCE_LEN	12
#define EXPLICIT_LEN	8
#define AAD_MAX		13
#define READ_LEN	65536
#define PATIENCE_MS	8000

static void put16(uint8_t *out, unsigned int value)
{
	out[0] = value >> 8;
	out[1] = value & 0xff;
}

static void put64(uint8_t *out, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		out[i] = value & 0xff;
}

static uint64_t get64(const uint8_t *in)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | in[i];
	return value;
}

static bool is_tls13(const struct ref_key *key)
{
	return key->version == REF_TLS13;
}

static size_t explicit_len(const struct ref_key *key)
{
	return is_tls13(key) || key->cipher == REF_CHACHA20_POLY1305 ? 0 : EXPLICIT_LEN;
}

size_t ref_overhead(const struct ref_key *key)
{
	return REF_HEADER_LEN + explicit_len(key) + is_tls13(key) + REF_TAG_LEN;
}

void ref_key_make(struct ref_key *key, uint16_t version, enum ref_cipher cipher,
		  unsigned int seed)
{
	const size_t key_len = cipher == REF_AES_GCM_256 || cipher == REF_CHACHA20_POLY1305 ||
			       cipher == REF_ARIA_GCM_256 ? 32 : 16;
	uint32_t state = seed * 2654435761u + 12345;
	uint8_t *bytes[] = { key->key, key->salt, key->iv };
	size_t lens[] = { sizeof(key->key), sizeof(key->salt), sizeof(key->iv) };

	memset(key, 0, sizeof(*key));
	for (size_t i = 0; i < 3; i++) {
		for (size_t off = 0; off < lens[i]; off++) {
			state = state * 1664525u + 1013904223u;
			bytes[i][off] = state >> 24;
		}
	}
	memset(key->key + key_len, 0, sizeof(key->key) - key_len);
	key->version = version;
	key->cipher = cipher;
	key->key_len = key_len;
}

/* RFC 5288 3 with the explicit part given, or RFC 8446 5.3 (RFC 7905 2 is the same). */
static void make_nonce(const struct ref_key *key, const uint8_t *explicit, uint8_t *nonce)
{
	uint8_t seq[8];

	memcpy(nonce, key->salt, sizeof(key->salt));
	if (explicit_len(key)) {
		memcpy(nonce + sizeof(key->salt), explicit, EXPLICIT_LEN);
		return;
	}
	put64(seq, key->seq);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] = key->iv[i] ^ seq[i];
}

/* RFC 5246 6.2.3.3 or RFC 8446 5.2; @len is the plaintext or the ciphertext length. */
static size_t make_aad(const struct ref_key *key, uint8_t type, size_t len, uint8_t *aad)
{
	size_t off = 0;

	if (!is_tls13(key)) {
		put64(aad, key->seq);
		off = 8;
	}
	aad[off] = type;
	put16(aad + off + 1, REF_TLS12);
	put16(aad + off + 3, len);
	return off + REF_HEADER_LEN;
}

/* Lays out what will be encrypted: content, inner type, padding. Returns its length. */
static size_t lay_inner(const struct ref_key *key, uint8_t type, const void *plain,
			size_t plain_len, const struct ref_twist *twist, uint8_t *text)
{
	if (plain_len)
		memcpy(text, plain, plain_len);
	if (!is_tls13(key))
		return plain_len;
	if (!twist->no_inner_type)
		text[plain_len++] = type;
	memset(text + plain_len, 0, twist->pad_len);
	return plain_len + twist->pad_len;
}

size_t ref_seal(struct ref_key *key, uint8_t type, const void *plain, size_t plain_len,
		const struct ref_twist *twist, uint8_t *out)
{
	static const struct ref_twist straight;
	const uint8_t outer = is_tls13(key) ? REF_DATA : type;
	uint8_t *text = out + REF_HEADER_LEN + explicit_len(key);
	uint8_t nonce[NONCE_LEN], aad[AAD_MAX];
	struct ref_text todo = { .key = key, .nonce = nonce, .aad = aad };
	size_t text_len, body_len;

	twist = twist ? twist : &straight;
	put64(out + REF_HEADER_LEN, get64(key->iv) + key->seq);
	make_nonce(key, out + REF_HEADER_LEN, nonce);
	text_len = lay_inner(key, type, plain, plain_len, twist, text);
	body_len = explicit_len(key) + text_len + REF_TAG_LEN;
	todo.aad_len = make_aad(key, outer, is_tls13(key) ? body_len : text_len, aad);
	todo.text_len = text_len;
	ref_aeads[key->cipher]->seal(&todo, text);
	out[0] = twist->outer_type ? twist->outer_type : outer;
	put16(out + 1, twist->version ? twist->version : REF_TLS12);
	put16(out + 3, body_len + twist->len_delta);
	text[text_len + REF_TAG_LEN - 1] ^= twist->bad_tag;
	text[text_len ? text_len / 2 : 0] ^= twist->bad_text << 3;
	key->seq++;
	return REF_HEADER_LEN + body_len;
}

/* Reads the header; the body length comes back in @body_len. */
static int check_header(const struct ref_key *key, const uint8_t *wire, size_t wire_len,
			size_t *body_len)
{
	const size_t least = explicit_len(key) + REF_TAG_LEN + is_tls13(key);
	/* RFC 8446 5.2: the inner plaintext is at most 2^14 + 1 bytes. */
	const size_t most = REF_PLAIN_MAX + least;

	if (wire_len < REF_HEADER_LEN)
		return -EAGAIN;
	if (wire[1] != REF_TLS12 >> 8 || wire[2] != (REF_TLS12 & 0xff))
		return -EINVAL;
	if (is_tls13(key) && wire[0] != REF_DATA)
		return -EINVAL;
	*body_len = wire[3] << 8 | wire[4];
	if (*body_len > most)
		return -EMSGSIZE;
	if (*body_len < least)
		return -EBADMSG;
	return wire_len < REF_HEADER_LEN + *body_len ? -EAGAIN : 0;
}

/* RFC 8446 5.4: the last byte that is not zero is the type. */
static int strip_inner(struct ref_record *record, const uint8_t *plain)
{
	size_t len = record->plain_len;

	while (len && !plain[len - 1])
		len--;
	if (!len || len - 1 > REF_PLAIN_MAX)
		return -EBADMSG;
	record->type = plain[len - 1];
	record->pad_len = record->plain_len - len;
	record->plain_len = len - 1;
	return 0;
}

int ref_open(struct ref_key *key, const uint8_t *wire, size_t wire_len,
	     struct ref_record *record, uint8_t *plain)
{
	const uint8_t *explicit = wire + REF_HEADER_LEN;
	const uint8_t *text = explicit + explicit_len(key);
	uint8_t nonce[NONCE_LEN], aad[AAD_MAX];
	struct ref_text todo = { .key = key, .nonce = nonce, .aad = aad };
	size_t body_len;
	int ret;

	ret = check_header(key, wire, wire_len, &body_len);
	if (ret)
		return ret;
	record->type = wire[0];
	record->pad_len = 0;
	record->wire_len = REF_HEADER_LEN + body_len;
	record->plain_len = body_len - explicit_len(key) - REF_TAG_LEN;
	record->nonce = explicit_len(key) ? get64(explicit) : key->seq;
	make_nonce(key, explicit, nonce);
	todo.aad_len = make_aad(key, wire[0], is_tls13(key) ? body_len : record->plain_len, aad);
	todo.text_len = record->plain_len;
	if (!ref_aeads[key->cipher]->open(&todo, text, plain))
		return -EBADMSG;
	key->seq++;
	return is_tls13(key) ? strip_inner(record, plain) : 0;
}

void ref_stream_init(struct ref_stream *stream, const struct ref_key *key)
{
	memset(stream, 0, sizeof(*stream));
	stream->key = *key;
}

void ref_stream_free(struct ref_stream *stream)
{
	free(stream->wire);
	free(stream->plain);
	free(stream->records);
	memset(stream, 0, sizeof(*stream));
}

/* Grows an array so that @need elements fit. */
static void *grow(void *array, size_t *size, size_t need, size_t element_len)
{
	if (need <= *size)
		return array;
	*size = need * 2;
	array = realloc(array, *size * element_len);
	ref_must(array, "realloc");
	return array;
}

static bool nonce_seen(const struct ref_stream *stream, uint64_t nonce)
{
	for (size_t i = 0; i < stream->record_count; i++)
		if (stream->records[i].nonce == nonce)
			return true;
	return false;
}

/* Opens the next whole record of the stream. */
static int open_next(struct ref_stream *stream)
{
	struct ref_record record;
	int ret;

	stream->plain = grow(stream->plain, &stream->plain_size,
			     stream->plain_len + REF_WIRE_MAX, 1);
	ret = ref_open(&stream->key, stream->wire + stream->opened_len,
		       stream->wire_len - stream->opened_len, &record,
		       stream->plain + stream->plain_len);
	if (ret)
		return ret;
	if (nonce_seen(stream, record.nonce))
		return -EPROTO;
	stream->records = grow(stream->records, &stream->record_size,
			       stream->record_count + 1, sizeof(record));
	stream->records[stream->record_count++] = record;
	stream->opened_len += record.wire_len;
	stream->plain_len += record.plain_len;
	return 0;
}

/* Waits for bytes, so that a test whose wire stays silent fails and says where. */
static int await(int fd)
{
	const char *slow = getenv("KTLSX_SLOW");
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int ready = poll(&pfd, 1, PATIENCE_MS * (slow && atoi(slow) > 0 ? atoi(slow) : 1));

	return ready < 0 ? -errno : ready ? 0 : -ETIMEDOUT;
}

int ref_stream_pull(struct ref_stream *stream, int fd, int flags)
{
	int ret = flags & MSG_DONTWAIT ? 0 : await(fd);
	ssize_t got;

	if (ret)
		return ret;
	stream->wire = grow(stream->wire, &stream->wire_size, stream->wire_len + READ_LEN, 1);
	got = recv(fd, stream->wire + stream->wire_len, READ_LEN, flags);
	if (got < 0)
		return -errno;
	if (!got) {
		stream->eof = true;
		return 0;
	}
	stream->wire_len += got;
	do {
		ret = open_next(stream);
	} while (!ret);
	return ret == -EAGAIN ? 1 : ret;
}

int ref_stream_read(struct ref_stream *stream, int fd, size_t plain_len)
{
	int ret;

	while (stream->plain_len < plain_len) {
		ret = ref_stream_pull(stream, fd, 0);
		if (ret <= 0)
			return ret ? ret : -EPIPE;
	}
	return 0;
}

int ref_stream_read_records(struct ref_stream *stream, int fd, size_t record_count)
{
	int ret;

	while (stream->record_count < record_count) {
		ret = ref_stream_pull(stream, fd, 0);
		if (ret <= 0)
			return ret ? ret : -EPIPE;
	}
	return 0;
}

int ref_stream_read_eof(struct ref_stream *stream, int fd)
{
	int ret;

	do {
		ret = ref_stream_pull(stream, fd, 0);
	} while (ret > 0);
	if (ret < 0)
		return ret;
	return stream->opened_len == stream->wire_len ? 0 : -EPIPE;
}
