#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: one native run of the library's tests: which programs, how, and the sum.
# Must not know: what they test, how they are built.
# Concurrency: each test has a network namespace of its own, each program a folder; a program per CPU at a time.
# run.sh BUILD 'PROGRAM[:TEST]' FLAVOUR...; a flavour is plain, sanitized, or memcheck:PROGRAM,...
set -euo pipefail

build=$1 pattern=${2%%:*} filter=''
case $2 in *:*) filter=${2#*:} ;; esac
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:exitcode=66}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# programs FLAVOUR: flavour and path of each
programs() {
	local folder=$build program

	case $1 in
	sanitized) folder=$build/sanitized ;;
	memcheck:*) folder=$build/memcheck ;;
	esac
	for program in "$folder"/*; do
		if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
		[[ ${program##*/} == *"$pattern"* ]] || continue
		case $1 in memcheck:*) [[ ,${1#*:}, == *",${program##*/},"* ]] || continue ;; esac
		echo "${1%%:*} $program"
	done
}

# A test is a child of its program: valgrind and the sanitizers judge each one by its exit status.
start() {
	local -a command=("$2")

	if [ "$1" = memcheck ]; then
		export KTLSX_SLOW=${KTLSX_SLOW:-10} KTLSX_SLICE=1
		command=(valgrind --quiet --error-exitcode=67 --leak-check=full --errors-for-leak-kinds=definite "$2")
	fi
	nice "${command[@]}" "$filter" 2>&1
}

# judge NAME STATUS LOG: a program that died, or that failed outside its tests, counts as one more failure.
judge() {
	local passed failed skipped planned

	passed=$(grep -cE '^ok ' "$3" || true) failed=$(grep -cE '^not ok ' "$3" || true)
	skipped=$(grep -cE '^ok .*# SKIP' "$3" || true)
	planned=$(sed -n 's/^1\.\.//p' "$3" | head -n 1)
	grep -vE '^(TAP|1\.\.|# Totals)' "$3" || true
	if [ "$((passed + failed))" != "${planned:--1}" ] || { [ "$2" != 0 ] && [ "$2" != 4 ] && [ "$failed" = 0 ]; }; then
		echo "not ok - $1 ended with status $2 after $((passed + failed)) of ${planned:-?} tests"
		failed=$((failed + 1))
	fi
	echo "# $1: $((passed - skipped)) passed, $failed failed, $skipped skipped"
	echo "$((passed - skipped)) $failed $skipped" >> "$scratch/sums"
}

# A program that this filter leaves without a test is not worth a line.
run() {
	local name=$1/${2##*/} log status=0

	log=$scratch/${name/\//-}
	start "$1" "$2" > "$log" || status=$?
	if [ -n "$filter" ] && grep -qx '1\.\.0' "$log"; then return; fi
	judge "$name" "$status" "$log" > "$log.judged"
	mv "$log.judged" "$log.done"
}

show_done() {
	local report

	for report in "$scratch"/*.done; do
		[ -f "$report" ] || continue
		cat "$report"
		rm "$report"
	done
}

: > "$scratch/sums"
for flavour; do programs "$flavour"; done > "$scratch/list"
while read -r flavour program; do
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
	show_done
	run "$flavour" "$program" &
done < "$scratch/list"
wait
show_done
awk '{ p += $1; f += $2; s += $3 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f || !p }' "$scratch/sums"
