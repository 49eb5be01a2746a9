#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the sum over the parts of `make test`.
# Must not know: what a part is, but that it is a target of the Makefile and ends with "N passed, N failed, N skipped".
# Concurrency: one part after another; as many runs at once as you like.
# A part that fails without counting a failure, or that prints no sum, counts as one failure.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0 skipped=0 table=

for part; do
	echo "== make $part"
	began=$SECONDS status=0
	make --no-print-directory "$part" 2>&1 | tee "$scratch/log" || status=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$scratch/log" | tail -n 1 || true)
	read -r p f s < <(tr -cd '0-9 \n' <<< "$line" | tr -s ' ') || true
	if [ -z "$line" ] || { [ "$status" != 0 ] && [ "${f:-0}" = 0 ]; }; then
		f=$((${f:-0} + 1))
	fi
	table+=$(printf '%-8s %5d passed %3d failed %3d skipped %4d s' "$part" "${p:-0}" "${f:-0}" "${s:-0}" $((SECONDS - began)))$'\n'
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
done
echo "== make test"
printf '%s' "$table"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
