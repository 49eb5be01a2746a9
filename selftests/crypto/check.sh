#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the native crypto tests, prints their KTAP and one summary line.
# usage: check.sh BUILD_FOLDER
set -euo pipefail

build=$1
passed=0
failed=0
skipped=0

# run NAME COMMAND...
run() {
	local name=$1 log status=0
	shift
	log=$(mktemp)
	echo "# $name"
	"$@" | tee "$log" || status=$?
	passed=$((passed + $(grep -c '^ok [^#]*$' "$log" || true)))
	skipped=$((skipped + $(grep -c '^ok .*# SKIP' "$log" || true)))
	local bad
	bad=$(grep -c '^not ok ' "$log" || true)
	# a program that died says nothing about the tests it did not reach
	if [[ $bad -eq 0 && $status -ne 0 && $status -ne 4 ]]; then
		echo "not ok - $name ended with $status"
		bad=1
	fi
	failed=$((failed + bad))
	rm -f "$log"
}

for program in known_answers random runs sm3 cbc timing_cbc race residue seal open; do
	run "$program" "$build/plain/$program"
done
if [[ -x $build/sanitized/known_answers ]]; then
	export ASAN_OPTIONS=detect_leaks=0
	run "known_answers, ASan and UBSan" "$build/sanitized/known_answers"
	for program in random sm3 cbc; do
		KTLSX_CASES=5000 run "$program, ASan and UBSan" "$build/sanitized/$program"
	done
	KTLSX_RUNS=200 run "runs, ASan and UBSan" "$build/sanitized/runs"
	for program in seal open; do
		KTLSX_CASES=500 run "$program, ASan and UBSan" "$build/sanitized/$program"
	done
fi
if command -v valgrind >/dev/null; then
	KTLSX_SLOW=10 run "constant_time, memcheck" \
		valgrind --quiet --log-file=/dev/null "$build/memcheck/constant_time"
else
	run "constant_time" "$build/memcheck/constant_time"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
