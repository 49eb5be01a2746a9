// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the inner loops of the AES-GCM engine for VAES and VPCLMULQDQ on 256-bit vectors.
 * Must not know: records, spans. Every function here runs inside a vector section.
 * Concurrency: a stream belongs to one call; the source may change while it is read.
 * Specification: NIST SP 800-38D section 7.
 */
#include "aes_gcm_vaes256.h"
#include "ghash_clmul256.h"

/* One vector of the queue, into sums that keep even and odd blocks apart. */
static __always_inline void hash_vector(const struct vaes256_stream *s, struct product256 *p,
					unsigned int i)
{
	__m256i power = vec256_broadcast(s->key->powers[2 * i]);

	if (i)
		add_product256(p, s->queue[i], power);
	else
		first_product(p, _mm256_xor_si256(s->queue[0], s->acc), power);
}

static __always_inline void full_round(__m256i b[GROUP], const u8 rk[16])
{
	__m256i k = vec256_broadcast(rk);

	b[0] = _mm256_aesenc_epi128(b[0], k);
	b[1] = _mm256_aesenc_epi128(b[1], k);
	b[2] = _mm256_aesenc_epi128(b[2], k);
	b[3] = _mm256_aesenc_epi128(b[3], k);
	b[4] = _mm256_aesenc_epi128(b[4], k);
	b[5] = _mm256_aesenc_epi128(b[5], k);
	b[6] = _mm256_aesenc_epi128(b[6], k);
	b[7] = _mm256_aesenc_epi128(b[7], k);
}

static __always_inline __m256i with_low_bits(__m256i base, u32 bits)
{
	const int high = (int)(bits << 24);

	return _mm256_xor_si256(base, _mm256_setr_epi32(0, 0, 0, high, 0, 0, 0, high));
}

/*
 * The first counter of a group is 2 more than a multiple of 16, so each vector is one of two
 * bases with its low bits set: no carries, and the whitening comes along.
 */
static __always_inline void set_counters(struct vaes256_stream *s, __m256i b[GROUP])
{
	__m256i base = s->base;

	s->counter = vaes256_add(s->counter, GROUP_BLOCKS);
	b[7] = vaes256_whiten(s, s->counter);
	s->base = b[7];
	b[0] = with_low_bits(base, 2);
	b[1] = with_low_bits(base, 4);
	b[2] = with_low_bits(base, 6);
	b[3] = with_low_bits(base, 8);
	b[4] = with_low_bits(base, 10);
	b[5] = with_low_bits(base, 12);
	b[6] = with_low_bits(base, 14);
}

/* The queue is fed from registers: neither side's memory is read again. */
static __always_inline void last_round(struct vaes256_stream *s, const u8 *in, u8 *out, __m256i b,
				       __m256i rk, unsigned int i, bool sealing)
{
	__m256i x = vec256_load(in + VEC_LEN * i);

	vec256_opaque(&x);
	b = _mm256_aesenclast_epi128(b, _mm256_xor_si256(rk, x));
	vec256_store(out + VEC_LEN * i, b);
	s->queue[i] = vec256_swap_bytes(sealing ? b : x);
}

static __always_inline void last_rounds(struct vaes256_stream *s, const u8 *in, u8 *out,
					__m256i b[GROUP], const u8 *last_key, bool sealing)
{
	__m256i rk = vec256_broadcast(last_key);

	last_round(s, in, out, b[0], rk, 0, sealing);
	last_round(s, in, out, b[1], rk, 1, sealing);
	last_round(s, in, out, b[2], rk, 2, sealing);
	last_round(s, in, out, b[3], rk, 3, sealing);
	last_round(s, in, out, b[4], rk, 4, sealing);
	last_round(s, in, out, b[5], rk, 5, sealing);
	last_round(s, in, out, b[6], rk, 6, sealing);
	last_round(s, in, out, b[7], rk, 7, sealing);
}

/* Nine rounds, with the queue hashed in their midst. */
static __always_inline void stitched_rounds(struct vaes256_stream *s, __m256i b[GROUP],
					    const u8 (*round_keys)[16])
{
	struct product256 p;

	hash_vector(s, &p, 0);
	full_round(b, round_keys[1]);
	hash_vector(s, &p, 1);
	full_round(b, round_keys[2]);
	hash_vector(s, &p, 2);
	full_round(b, round_keys[3]);
	hash_vector(s, &p, 3);
	full_round(b, round_keys[4]);
	hash_vector(s, &p, 4);
	full_round(b, round_keys[5]);
	hash_vector(s, &p, 5);
	full_round(b, round_keys[6]);
	hash_vector(s, &p, 6);
	full_round(b, round_keys[7]);
	hash_vector(s, &p, 7);
	full_round(b, round_keys[8]);
	s->acc = reduce256(p);
	full_round(b, round_keys[9]);
}

/* Encrypts or decrypts @count groups and leaves the last one's ciphertext in the queue. */
static __always_inline void run_groups(struct vaes256_stream *s, const u8 *in, u8 *out,
				       size_t count, bool sealing)
{
	const u8 (*round_keys)[16];
	__m256i b[GROUP];

	for (; count; count--, in += GROUP_LEN, out += GROUP_LEN) {
		round_keys = s->key->aes.round_keys;
		/* else the compiler keeps round keys across iterations, on the stack */
		__asm__ __volatile__("" : "+r"(round_keys));
		set_counters(s, b);
		if (s->key->aes.rounds == 14) {
			full_round(b, round_keys[1]);
			full_round(b, round_keys[2]);
			full_round(b, round_keys[3]);
			full_round(b, round_keys[4]);
			round_keys += 4;
		}
		stitched_rounds(s, b, round_keys);
		last_rounds(s, in, out, b, round_keys[10], sealing);
	}
	s->first = 0;
}

/**
 * ktlsx_gcm_vaes256_seal_groups() - encrypt whole groups and hash the group before
 * @s: record; its queue holds the last group's ciphertext afterwards
 * @in: source, contiguous
 * @out: destination, contiguous
 * @count: groups, at least one
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm_vaes256_seal_groups(struct vaes256_stream *s, const u8 *in, u8 *out, size_t count)
{
	run_groups(s, in, out, count, true);
}

/**
 * ktlsx_gcm_vaes256_open_groups() - decrypt whole groups and hash the group before
 * @s: record; its queue holds the last group's ciphertext afterwards
 * @in: source, contiguous
 * @out: destination, contiguous
 * @count: groups, at least one
 *
 * Context: Inside a vector section.
 */
void ktlsx_gcm_vaes256_open_groups(struct vaes256_stream *s, const u8 *in, u8 *out, size_t count)
{
	run_groups(s, in, out, count, false);
}
