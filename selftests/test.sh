#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the sum over the parts of `make test` and `make test-all`.
# Must not know: what a part is, but that it is a target of the Makefile and ends with "N passed, N failed, N skipped".
# Concurrency: one part after another; as many runs at once as you like.
# test.sh PART...: a part is a target, with variables for make if it has some ("vm KERNEL=6.12").
# test.sh --each KERNEL... -- PART...: every part for each of these kernels.
# A part that fails without counting a failure, or that prints no sum, counts as one failure.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# run_part TARGET [VARIABLE=VALUE...]: appends "passed failed skipped seconds part" to the results.
run_part() {
	local began=$SECONDS status=0 line p f s

	echo "== make $*"
	make --no-print-directory "$@" 2>&1 | tee "$scratch/log" || status=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$scratch/log" | tail -n 1 || true)
	read -r p f s < <(tr -cd '0-9 \n' <<< "$line" | tr -s ' ') || true
	if [ -z "$line" ] || { [ "$status" != 0 ] && [ "${f:-0}" = 0 ]; }; then
		f=$((${f:-0} + 1))
	fi
	echo "${p:-0} ${f:-0} ${s:-0} $((SECONDS - began)) $*" >> "$scratch/results"
}

# With a first argument: a line for each of its values in the results, too.
print_sums() {
	awk -v by="$1" '
	function text(p, f, s) { return sprintf("%d passed, %d failed, %d skipped", p, f, s) }
	{
		part = $0
		sub(/^[0-9]+ [0-9]+ [0-9]+ [0-9]+ /, "", part)
		printf "%-40s %5d passed %3d failed %3d skipped %5d s\n", part, $1, $2, $3, $4
		passed += $1; failed += $2; skipped += $3
		if (by == "" || !match(part, by "=[^ ]*"))
			next
		value = substr(part, RSTART, RLENGTH)
		if (!(value in p)) values[++count] = value
		p[value] += $1; f[value] += $2; s[value] += $3
	}
	END {
		for (i = 1; i <= count; i++)
			print values[i] ": " text(p[values[i]], f[values[i]], s[values[i]])
		print text(passed, failed, skipped)
		exit failed || !passed
	}' "$scratch/results"
}

kernels=()
if [ "${1:-}" = --each ]; then
	shift
	while [ "${1:---}" != -- ]; do
		kernels+=("$1")
		shift
	done
	shift
fi
for part; do
	read -ra words <<< "$part"
	[ ${#kernels[@]} -gt 0 ] || run_part "${words[@]}"
done
for kernel in "${kernels[@]}"; do
	for part; do
		read -ra words <<< "$part"
		run_part "${words[@]}" "KERNEL=$kernel"
	done
done
echo "== sum"
print_sums "${kernels[*]:+KERNEL}"
