#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the native crypto tests, as many programs at once as there are CPUs; prints their KTAP, which engines this CPU
# could not run, and one summary line.
# usage: check.sh BUILD_FOLDER
set -euo pipefail

build=$1
passed=0
failed=0
skipped=0
names=()
printed=0
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
workers=$(nproc)

# The results of one program, and its share of the sums.
print_job() {
	local log=$logs/$1 name=${names[$1]} status bad
	status=$(cat "$log.status")
	echo "# $name"
	cat "$log"
	passed=$((passed + $(grep -c '^ok [^#]*$' "$log" || true)))
	skipped=$((skipped + $(grep -c '^ok .*# SKIP' "$log" || true)))
	bad=$(grep -c '^not ok ' "$log" || true)
	# a program that died says nothing about the tests it did not reach
	if [[ $bad -eq 0 && $status -ne 0 && $status -ne 4 ]]; then
		echo "not ok - $name ended with $status"
		bad=1
	fi
	failed=$((failed + bad))
}

# In the order of their starts.
print_finished() {
	while [[ -e $logs/$printed.status ]]; do
		print_job "$printed"
		printed=$((printed + 1))
	done
}

# start NAME COMMAND...
start() {
	local job=${#names[@]}
	names+=("$1")
	shift
	while [[ $(jobs -rp | wc -l) -ge $workers ]]; do
		wait -n || true
		print_finished
	done
	{
		status=0
		"$@" >"$logs/$job" 2>&1 || status=$?
		echo "$status" >"$logs/$job.tmp"
		mv "$logs/$job.tmp" "$logs/$job.status"
	} &
}

# start_parts COUNT NAME COMMAND...: the tests of one program dealt out to several processes
start_parts() {
	local part count=$1 name=$2
	shift 2
	for ((part = 0; part < count; part++)); do
		KTLSX_PART=$part/$count start "$name, part $((part + 1)) of $count" "$@"
	done
}

start known_answers "$build/plain/known_answers"
start_parts 4 random "$build/plain/random"
for program in edges runs sm3 cbc timing_cbc race residue seal open; do
	start "$program" "$build/plain/$program"
done
if [[ -x $build/sanitized/known_answers ]]; then
	export ASAN_OPTIONS=detect_leaks=0
	start "known_answers, ASan and UBSan" "$build/sanitized/known_answers"
	KTLSX_CASES=5000 start_parts 4 "random, ASan and UBSan" "$build/sanitized/random"
	for program in edges sm3 cbc; do
		KTLSX_CASES=5000 start "$program, ASan and UBSan" "$build/sanitized/$program"
	done
	KTLSX_RUNS=200 start "runs, ASan and UBSan" "$build/sanitized/runs"
	for program in seal open; do
		KTLSX_CASES=500 start "$program, ASan and UBSan" "$build/sanitized/$program"
	done
fi
if [[ -x $build/memory/known_answers ]]; then
	# libcrypto is not built for it: what it writes into memory that it allocated counts as undefined
	OPENSSL_CONF=/dev/null MSAN_OPTIONS=poison_in_malloc=0 start "known_answers, MSan" "$build/memory/known_answers"
else
	start "known_answers, MSan" echo "ok 1 known_answers # SKIP no clang with MemorySanitizer here"
fi
if command -v valgrind >/dev/null; then
	KTLSX_SLOW=10 start "constant_time, memcheck" \
		valgrind --quiet --log-file=/dev/null "$build/memcheck/constant_time"
else
	start "constant_time" "$build/memcheck/constant_time"
fi
wait
print_finished

missing=$(sed -n 's/^# \(.*\): NOT RUN.*/\1/p' "$logs/0" | paste -sd, | sed 's/,/, /g')
echo "# engines that this CPU could not run: ${missing:-none}${KTLSX_ISA:+; KTLSX_ISA=$KTLSX_ISA left out more}"
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
