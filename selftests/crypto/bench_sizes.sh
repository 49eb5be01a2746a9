#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the bytes of code and constants of each engine, the last lines of `make bench-crypto`.
# Must not know: how they are built. The name of an object file says which engine it is part of.
# Concurrency: reads only.
# bench_sizes.sh OBJECT_FILE...
set -euo pipefail

size -A "$@" | awk '
	/ :$/ {
		name = $1
		sub(/.*\//, "", name)
		sub(/\.o$/, "", name)
		# aes_gcm_aesni_key belongs to aes_gcm_aesni
		if (match(name, /_(generic|aesni_avx2|aesni|vaes256|avx512|gfni256|gfni512)/))
			name = substr(name, 1, RSTART + RLENGTH - 1)
		if (!(name in text)) {
			order[++count] = name
			text[name] = constants[name] = 0
		}
	}
	# tables for debuggers and unwinding are not in a module
	/^\.text/ { text[name] += $2 }
	/^\.rodata/ { constants[name] += $2 }
	function total(label, which,   i, code, data) {
		for (i = 1; i <= count; i++)
			if (order[i] ~ which) {
				code += text[order[i]]
				data += constants[order[i]]
			}
		printf "  %-25s %8d %9d\n", label, code, data
	}
	END {
		print ""
		printf "  %-25s %8s %9s\n", "bytes of", "text", "constants"
		for (i = 1; i <= count; i++)
			if (order[i] !~ /^(cpu|aead|spans|vectors.*)$/)
				printf "  %-25s %8d %9d\n", order[i], text[order[i]], constants[order[i]]
		total("all of AES-GCM", "^(aes_(gcm|generic|aesni)|gcm|ghash)")
		total("all of SM4 and SM3", "^(sm4|sm3)")
	}'
