/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns runs of records for the vector engines of SM4-GCM: one record after the other, as one
 * fills the ports by itself. The engine that includes it has struct gcm_stream and run_record().
 * Must not know: cipher and hash. Concurrency: stateless, the key is read-only.
 */
#ifndef KTLSX_CRYPTO_SM4_GCM_RUNS_H
#define KTLSX_CRYPTO_SM4_GCM_RUNS_H

static __always_inline void seal_run(const struct ktlsx_aead_key *key,
				     const struct ktlsx_aead_text *texts, unsigned int count)
{
	struct gcm_stream s port_uninitialized;

	for (; count; count--, texts++)
		vec128_store(texts->tag, run_record(&s, key, texts, true));
}

static __always_inline unsigned int open_run(const struct ktlsx_aead_key *key,
					     const struct ktlsx_aead_text *texts,
					     unsigned int count)
{
	struct gcm_stream s port_uninitialized;
	__m128i differ;
	unsigned int i;

	for (i = 0; i < count; i++) {
		differ = run_record(&s, key, &texts[i], false);
		differ = _mm_xor_si128(differ, vec128_load(texts[i].tag));
		port_declassify(&differ, sizeof(differ));
		if (unlikely(!_mm_testz_si128(differ, differ)))
			return ktlsx_texts_refuse(texts, i, count);
	}
	return count;
}

#endif
