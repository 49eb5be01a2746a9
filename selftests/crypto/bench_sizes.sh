#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the bytes of code and constants of each engine, the last lines of `make bench-crypto`.
# Must not know: how they are built. The name of an object file says which engine it is part of.
# Concurrency: reads only.
# bench_sizes.sh OBJECT_FILE...
set -euo pipefail

size "$@" | awk '
	NR == 1 { next }
	{
		name = $6
		sub(/.*\//, "", name)
		sub(/\.o$/, "", name)
		# aes_gcm_aesni_key belongs to aes_gcm_aesni
		if (match(name, /_(generic|aesni_avx2|aesni|vaes256|avx512|gfni256|gfni512)/))
			name = substr(name, 1, RSTART + RLENGTH - 1)
		if (!(name in text))
			order[++count] = name
		text[name] += $1
	}
	# what matches both patterns
	function total(label, which, also,   i, sum) {
		for (i = 1; i <= count; i++)
			if (order[i] ~ which && order[i] ~ also)
				sum += text[order[i]]
		if (sum)
			printf "  %-25s %8d\n", label, sum
	}
	END {
		print ""
		print "bytes of text, as size counts it"
		for (i = 1; i <= count; i++)
			if (order[i] !~ /^(cpu|aead|spans|runs|vectors.*)$/)
				printf "  %-25s %8d\n", order[i], text[order[i]]
		total("all of AES-GCM", "^(aes_(gcm|generic)|gcm|ghash)", "")
		total("all of SM4 and SM3", "^(sm4|sm3)", "")
	}'
