#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: everything of the helper library that runs on this machine: its tests (plain, sanitized, under valgrind), the
# manual's examples, the fuzzers for some seconds, the command from outside.
# Must not know: what any of these does, but that it ends with "N passed, N failed, N skipped".
# Concurrency: one at a time for each clone (all build into selftests/build).
# native.sh ['PROGRAM[:TEST]']: with a pattern only the library's tests.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
pattern=${1:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0 skipped=0

# part NAME COMMAND...: what fails without counting a failure, or prints no sum, counts as one
part() {
	local name=$1 status=0 line p f s
	shift

	echo "# $name"
	"$@" 2>&1 | tee "$scratch/log" | grep -vE '^(# )?[0-9]+ passed, ' || true
	status=${PIPESTATUS[0]}
	line=$(grep -E '^(# )?[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$scratch/log" | tail -n 1 || true)
	read -r p f s < <(tr -cd '0-9 \n' <<< "$line" | tr -s ' ') || true
	if [ -z "$line" ] || { [ "$status" != 0 ] && [ "${f:-0}" = 0 ]; }; then
		echo "not ok - $name ended with status $status: ${line:-no result}"
		f=$((${f:-0} + 1))
	fi
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
}

# The library shows what its map lists, no more and no less.
symbols() {
	if "${make[@]}" -C "$top/userspace" check-symbols; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; fi
}

make=(nice make --no-print-directory -s -j"$(nproc)")
part tests "${make[@]}" -C "$here" run "T=$pattern"
if [ -z "$pattern" ]; then
	part symbols symbols
	part examples "$here/examples.sh"
	part fuzz "${make[@]}" -C "$top/selftests/fuzz" run SECONDS=3
	"${make[@]}" -C "$top/userspace" > /dev/null
	part command "$here/command.sh" "$top/userspace/build/ktlsx"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
