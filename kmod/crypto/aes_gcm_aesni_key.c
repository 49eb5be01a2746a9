// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Owns the preparation of AES-GCM keys with AES-NI and PCLMULQDQ.
 * Must not know: records. Every function here runs inside a vector section.
 * Concurrency: stateless; nobody else sees the key before it is prepared.
 * Specification: FIPS 197 section 5.2; NIST SP 800-38D section 6.3. The result is, byte for
 * byte, that of the generic engine.
 */
#include "cpu.h"
#include "gcm.h"
#include "ghash_clmul.h"

static const u8 round_constants[] = { 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36 };

/* All secrets go straight to the key: no array of them that the stack would have to hold. */
static __always_inline void put_round_key(struct ktlsx_aes_key *aes, unsigned int round, __m128i rk)
{
	const __m128i rows_first = _mm_set_epi8(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4,
						0);
	const __m128i nibble = _mm_set1_epi8(15), pair = _mm_set1_epi16(0x1001);
	__m128i bytes = _mm_shuffle_epi8(rk, rows_first);
	__m128i low = _mm_and_si128(bytes, nibble);
	__m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble);

	vec128_store_aligned(aes->round_keys[round], rk);
	/* one bit in four of four planes are the low nibbles side by side */
	low = _mm_maddubs_epi16(low, pair);
	high = _mm_maddubs_epi16(high, pair);
	vec128_store_aligned(aes->sliced[round], _mm_packus_epi16(low, high));
}

/*
 * SubWord of the last word in every column, xor a constant. ShiftRows moves bytes between
 * columns, which are all the same here.
 */
static __always_inline __m128i substitute(__m128i words, u32 constant)
{
	return _mm_aesenclast_si128(words, _mm_set1_epi32((int)constant));
}

static __always_inline __m128i last_word(__m128i rk)
{
	return _mm_shuffle_epi32(rk, 0xff);
}

static __always_inline __m128i last_word_rotated(__m128i rk)
{
	return _mm_shuffle_epi8(rk, _mm_set1_epi32(0x0c0f0e0d));
}

/* Each word of the next key is the one before it xor the one it replaces. */
static __always_inline __m128i next_words(__m128i rk, __m128i first)
{
	rk = _mm_xor_si128(rk, _mm_slli_si128(rk, 4));
	rk = _mm_xor_si128(rk, _mm_slli_si128(rk, 8));
	return _mm_xor_si128(rk, first);
}

static __always_inline void expand_128(struct ktlsx_aes_key *aes, const u8 *raw)
{
	__m128i rk = vec128_load(raw), first;
	unsigned int round;

	aes->rounds = 10;
	put_round_key(aes, 0, rk);
	for (round = 1; round <= 10; round++) {
		first = substitute(last_word_rotated(rk), round_constants[round - 1]);
		rk = next_words(rk, first);
		put_round_key(aes, round, rk);
	}
}

static __always_inline void expand_256(struct ktlsx_aes_key *aes, const u8 *raw)
{
	__m128i even = vec128_load(raw), odd = vec128_load(raw + 16), first;
	unsigned int round;

	aes->rounds = 14;
	put_round_key(aes, 0, even);
	for (round = 1; round < 14; round += 2) {
		put_round_key(aes, round, odd);
		first = substitute(last_word_rotated(odd), round_constants[round / 2]);
		even = next_words(even, first);
		put_round_key(aes, round + 1, even);
		/* once too often, and then of no use to anyone */
		odd = next_words(odd, substitute(last_word(even), 0));
	}
}

static __always_inline __m128i encrypt_zero(const struct ktlsx_aes_key *aes)
{
	__m128i b = vec128_load_aligned(aes->round_keys[0]);
	unsigned int round;

	for (round = 1; round < aes->rounds; round++)
		b = _mm_aesenc_si128(b, vec128_load_aligned(aes->round_keys[round]));
	return _mm_aesenclast_si128(b, vec128_load_aligned(aes->round_keys[round]));
}

/* A block, its bytes swapped, times x in the field. */
static __always_inline __m128i double_block(__m128i h)
{
	__m128i carries = _mm_srli_epi64(h, 63);
	__m128i overflow = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xff), 31);

	h = _mm_xor_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(carries, 8));
	return _mm_xor_si128(h, _mm_and_si128(overflow, _mm_set_epi64x(POLY_HIGH, 1)));
}

static __always_inline void put_fold(struct ktlsx_gcm_key *key, unsigned int n, __m128i power)
{
	__m128i fold = _mm_xor_si128(power, vec128_swap_halves(power));

	_mm_storel_epi64((void *)&key->folds[KTLSX_GCM_FOLDS - n], fold);
}

static __always_inline __m128i multiply(__m128i x, __m128i power)
{
	struct product p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };

	add_product(&p, x, power, _mm_xor_si128(power, vec128_swap_halves(power)));
	return reduce(p);
}

static __always_inline u64 *power_at(struct ktlsx_gcm_key *key, unsigned int n)
{
	return key->powers[KTLSX_GCM_POWERS - n];
}

/* By doubling the number of powers: a chain of four products, not fifteen. */
static __always_inline void put_powers(struct ktlsx_gcm_key *key, __m128i h)
{
	__m128i power = double_block(vec128_swap_bytes(h)), step;
	unsigned int have, n;

	vec128_store_aligned(power_at(key, 1), power);
	for (have = 1; have < KTLSX_GCM_POWERS; have *= 2) {
		step = vec128_load_aligned(power_at(key, have));
		for (n = 1; n <= have; n++) {
			power = multiply(vec128_load_aligned(power_at(key, n)), step);
			vec128_store_aligned(power_at(key, have + n), power);
		}
	}
	for (n = 1; n <= KTLSX_GCM_FOLDS; n++)
		put_fold(key, n, vec128_load_aligned(power_at(key, n)));
}

/* Four chains of three products each. */
static __always_inline void put_strides(struct ktlsx_gcm_key *key)
{
	__m128i step = vec128_load_aligned(power_at(key, KTLSX_GCM_POWERS)), power;
	unsigned int i, n;

	for (i = KTLSX_GCM_STRIDES; i--;) {
		n = KTLSX_GCM_STRIDES - i;
		power = n <= 4 ? vec128_load_aligned(power_at(key, 4 * n)) :
				 vec128_load_aligned(key->strides[i + 4]);
		vec128_store_aligned(key->strides[i], multiply(power, step));
	}
}

/* With vectors the compiler cannot see to be zero: it would call a string instruction. */
static __always_inline void clear_key(struct ktlsx_aead_key *key)
{
	__m128i zero = _mm_setzero_si128();
	unsigned int i;

	vec128_opaque(&zero);
	for (i = 0; i < sizeof(key->state); i += 64) {
		vec128_store_aligned(key->state + i, zero);
		vec128_store_aligned(key->state + i + 16, zero);
		vec128_store_aligned(key->state + i + 32, zero);
		vec128_store_aligned(key->state + i + 48, zero);
	}
}

/**
 * ktlsx_gcm_aesni_prepare() - as ktlsx_aead_prepare()
 * @key: filled
 * @raw: the AES key
 * @raw_len: 16 or 32 bytes
 *
 * Context: Inside a vector section; constant time.
 * Spec: FIPS 197 section 5.2; SP 800-38D section 6.3.
 */
void ktlsx_gcm_aesni_prepare(struct ktlsx_aead_key *key, const u8 *raw, size_t raw_len)
{
	struct ktlsx_gcm_key *gcm = (struct ktlsx_gcm_key *)(void *)key->state;

	clear_key(key);
	if (raw_len == 16)
		expand_128(&gcm->aes, raw);
	else
		expand_256(&gcm->aes, raw);
	put_powers(gcm, encrypt_zero(&gcm->aes));
	put_strides(gcm);
}
