// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the ARIA-GCM engine for AES-NI, PCLMULQDQ and AVX2: its cipher and its hash, behind the
 * mode of gcm_generic.h.
 * Must not know: TLS, other engines. Every function here runs inside a vector section.
 * Concurrency: stateless, the key is read-only.
 * Specification: RFC 5794; NIST SP 800-38D; RFC 6209.
 *
 * A vector holds one byte of each of sixteen blocks. The S-boxes are those of the AES
 * instructions, some with a map before or behind. These move the bytes of a vector, here blocks,
 * about: encrypting ones by ShiftRows, decrypting ones by its inverse, and every layer has both.
 * So bytes 2 and 3 of four are moved on twice: then all lie alike, after two layers as before.
 */
#include "aria.h"
#include "aria_diffusion.h"
#include "cpu.h"
#include "gcm_generic.h"
#include "ghash_blocks.h"
#include "ghash_generic.h"
#include "nibbles.h"

/* From S1 of a byte to S2 of it. */
static const struct nibbles s1_to_s2 __aligned(16) = {
	{ 0x88, 0x0d, 0x37, 0xb2, 0x00, 0x85, 0xbf, 0x3a,
	  0xa8, 0x2d, 0x17, 0x92, 0x20, 0xa5, 0x9f, 0x1a },
	{ 0x00, 0x3e, 0xd4, 0xea, 0x84, 0xba, 0x50, 0x6e,
	  0xcd, 0xf3, 0x19, 0x27, 0x49, 0x77, 0x9d, 0xa3 },
};

/* And back. */
static const struct nibbles s2_to_s1 __aligned(16) = {
	{ 0x04, 0x45, 0xee, 0xaf, 0x17, 0x56, 0xfd, 0xbc,
	  0x53, 0x12, 0xb9, 0xf8, 0x40, 0x01, 0xaa, 0xeb },
	{ 0x00, 0xb6, 0x08, 0xbe, 0xd6, 0x60, 0xde, 0x68,
	  0x53, 0xe5, 0x5b, 0xed, 0x85, 0x33, 0x8d, 0x3b },
};

/* ShiftRows, or its inverse, twice over. */
static __always_inline __m128i shift_twice(__m128i x)
{
	return _mm_shuffle_epi8(x, _mm_set_epi8(7, 14, 5, 12, 3, 10, 1, 8, 15, 6, 13, 4, 11, 2, 9,
						0));
}

static __always_inline __m128i s1(__m128i x)
{
	return _mm_aesenclast_si128(x, _mm_setzero_si128());
}

static __always_inline __m128i s2(__m128i x)
{
	return nibbles_map(&s1_to_s2, s1(x));
}

static __always_inline __m128i s1_inverse(__m128i x)
{
	return _mm_aesdeclast_si128(x, _mm_setzero_si128());
}

static __always_inline __m128i s2_inverse(__m128i x)
{
	return s1_inverse(nibbles_map(&s2_to_s1, x));
}

static __always_inline __m128i with_key(const __m128i *x, const u8 *key)
{
	return _mm_xor_si128(vec128_load_aligned(x), _mm_set1_epi8((char)*key));
}

/* Adds the key and substitutes, as odd rounds do: boxes S1, S2 and their inverses in turn. */
static __always_inline void odd_layer(__m128i x[KTLSX_ARIA_BLOCK_LEN], const u8 *key)
{
	unsigned int i;

	for (i = 0; i < KTLSX_ARIA_BLOCK_LEN; i += 4) {
		x[i] = s1(with_key(&x[i], key + i));
		x[i + 1] = s2(with_key(&x[i + 1], key + i + 1));
		x[i + 2] = shift_twice(s1_inverse(with_key(&x[i + 2], key + i + 2)));
		x[i + 3] = shift_twice(s2_inverse(with_key(&x[i + 3], key + i + 3)));
	}
}

static __always_inline void even_layer(__m128i x[KTLSX_ARIA_BLOCK_LEN], const u8 *key)
{
	unsigned int i;

	for (i = 0; i < KTLSX_ARIA_BLOCK_LEN; i += 4) {
		x[i] = s1_inverse(with_key(&x[i], key + i));
		x[i + 1] = s2_inverse(with_key(&x[i + 1], key + i + 1));
		x[i + 2] = shift_twice(s1(with_key(&x[i + 2], key + i + 2)));
		x[i + 3] = shift_twice(s2(with_key(&x[i + 3], key + i + 3)));
	}
}

static __always_inline __m128i sum3(const __m128i *x, const u8 from[3])
{
	return _mm_xor_si128(_mm_xor_si128(vec128_load_aligned(&x[from[0]]),
					   vec128_load_aligned(&x[from[1]])),
			     vec128_load_aligned(&x[from[2]]));
}

static __always_inline void diffuse_byte(__m128i *y, const __m128i *x, __m128i common,
					 unsigned int group, unsigned int byte)
{
	vec128_store_aligned(&y[aria_diffusion[group].bytes[byte].to],
			     _mm_xor_si128(common,
					   sum3(x, aria_diffusion[group].bytes[byte].from)));
}

static __always_inline void diffuse_group(__m128i *y, const __m128i *x, unsigned int group)
{
	const u8 *from = aria_diffusion[group].common;
	__m128i common = _mm_xor_si128(vec128_load_aligned(&x[from[3]]), sum3(x, from));

	diffuse_byte(y, x, common, group, 0);
	diffuse_byte(y, x, common, group, 1);
	diffuse_byte(y, x, common, group, 2);
	diffuse_byte(y, x, common, group, 3);
}

static __always_inline void diffuse(__m128i *y, const __m128i *x)
{
	diffuse_group(y, x, 0);
	diffuse_group(y, x, 1);
	diffuse_group(y, x, 2);
	diffuse_group(y, x, 3);
}

/* Of the numbers of a vector and of a byte in it, eight bits, the highest becomes the lowest. */
static __always_inline void interleave(__m128i *y, const __m128i *x)
{
	unsigned int i;
	__m128i a, b;

	for (i = 0; i < KTLSX_ARIA_BLOCKS / 2; i++) {
		a = vec128_load_aligned(&x[i]);
		b = vec128_load_aligned(&x[i + KTLSX_ARIA_BLOCKS / 2]);
		vec128_store_aligned(&y[2 * i], _mm_unpacklo_epi8(a, b));
		vec128_store_aligned(&y[2 * i + 1], _mm_unpackhi_epi8(a, b));
	}
}

/* From blocks to their bytes and back. */
static __always_inline void transpose(__m128i *x, __m128i *scratch)
{
	interleave(scratch, x);
	interleave(x, scratch);
	interleave(scratch, x);
	interleave(x, scratch);
}

static void aesni_encrypt(const struct ktlsx_aead_key *key, const u8 *in, u8 *out)
{
	const struct ktlsx_aria_key *aria = &ktlsx_aria_gcm_key_of(key)->aria;
	__m128i x[KTLSX_ARIA_BLOCKS], y[KTLSX_ARIA_BLOCKS];
	unsigned int i;

	for (i = 0; i < KTLSX_ARIA_BLOCKS; i++)
		x[i] = vec128_load(in + 16 * i);
	transpose(x, y);
	for (i = 0; i < aria->rounds - 2; i += 2) {
		odd_layer(x, aria->round_keys[i]);
		diffuse(y, x);
		even_layer(y, aria->round_keys[i + 1]);
		diffuse(x, y);
	}
	odd_layer(x, aria->round_keys[i]);
	diffuse(y, x);
	even_layer(y, aria->round_keys[i + 1]);
	for (i = 0; i < KTLSX_ARIA_BLOCK_LEN; i++)
		y[i] = with_key(&y[i], aria->round_keys[aria->rounds] + i);
	transpose(y, x);
	for (i = 0; i < KTLSX_ARIA_BLOCKS; i++)
		vec128_store(out + 16 * i, y[i]);
	vec128_clear((u8 *)x, sizeof(x));
	vec128_clear((u8 *)y, sizeof(y));
	barrier_data(x);
	barrier_data(y);
}

/* Up to sixteen blocks, which are no secret, byte-swapped; returns how many. */
static __always_inline unsigned int queue_up(u8 queue[KTLSX_GCM_POWERS][16], const u8 *data,
					     size_t len)
{
	unsigned int i;

	for (i = 0; len >= 16; i++, len -= 16, data += 16)
		vec128_store_aligned(queue[i], vec128_swap_bytes(vec128_load(data)));
	if (len)
		vec128_store_aligned(queue[i++],
				     vec128_swap_bytes(bounce_load_partial(data, len)));
	return i;
}

static void aesni_hash(const struct ktlsx_ghash_key *hash, u64 acc[2], const u8 *data, size_t len)
{
	u8 queue[KTLSX_GCM_POWERS][16] __aligned(16);
	__m128i sum = vec128_load(acc);
	unsigned int last;
	size_t part;

	for (; len; len -= part, data += part) {
		part = min_t(size_t, len, sizeof(queue));
		last = queue_up(queue, data, part) - 1;
		sum = hash_blocks(hash, sum, (const u8 (*)[16])queue, last,
				  vec128_load_aligned(queue[last]));
	}
	vec128_store(acc, sum);
}

static const struct ktlsx_gcm_cipher aria = {
	.blocks = KTLSX_ARIA_BLOCKS,
	.expand = ktlsx_aria_gcm_expand,
	.encrypt = aesni_encrypt,
	.hash = aesni_hash,
};

static void aesni_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	ktlsx_gcm_generic_prepare(&aria, key, raw, raw_len);
}

static void aesni_seal(const struct ktlsx_aead_key *key, const struct ktlsx_aead_text *texts,
		       unsigned int count)
{
	ktlsx_gcm_generic_seal(&aria, key, texts, count);
}

static unsigned int aesni_open(const struct ktlsx_aead_key *key,
			       const struct ktlsx_aead_text *texts, unsigned int count)
{
	return ktlsx_gcm_generic_open(&aria, key, texts, count);
}

static void aesni_block(const struct ktlsx_aead_key *key, const u8 *nonce, u32 index,
			const u8 in[KTLSX_AEAD_BLOCK_LEN], u8 out[KTLSX_AEAD_BLOCK_LEN])
{
	ktlsx_gcm_generic_block(&aria, key, nonce, index, in, out);
}

const struct ktlsx_aead_engine ktlsx_aria_gcm_aesni_avx2 = {
	.name = "aesni-avx2",
	.cpu_needs = KTLSX_CPU_AESNI | KTLSX_CPU_AVX2,
	/* one record: at 7 cycles a byte, measured on Zen 5, 30 microseconds */
	.section_len_max = 16384 + 256,
	.uses_fpu = true,
	.prepare = aesni_prepare,
	.seal = aesni_seal,
	.open = aesni_open,
	.block = aesni_block,
};
