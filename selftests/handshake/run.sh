#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: one native run of the library's tests: which programs, how, and the sum.
# Must not know: what they test, how they are built.
# Concurrency: each test has a network namespace and a folder of its own; as many runs at once as you like.
# run.sh BUILD 'PROGRAM[:TEST]' FLAVOUR...; a flavour is plain, sanitized, or memcheck:PROGRAM,...
set -euo pipefail

build=$1 pattern=${2%%:*} filter='' passed=0 failed=0 skipped=0
case $2 in *:*) filter=${2#*:} ;; esac
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:exitcode=66}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# programs FLAVOUR: their paths
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
		echo "$program"
	done
}

# A test is a child of its program: valgrind and the sanitizers judge each one by its exit status.
run() {
	local -a command=("$2")
	case $1 in
	memcheck:*)
		export KTLSX_SLOW=${KTLSX_SLOW:-10} KTLSX_SLICE=1
		command=(valgrind --quiet --error-exitcode=67 --leak-check=full --errors-for-leak-kinds=definite --child-silent-after-fork=no
			--trace-children=no "$2")
		;;
	esac
	nice "${command[@]}" "$filter" 2>&1
}

for flavour; do
	while read -r program; do
		name=${flavour%%:*}/${program##*/}
		status=0
		run "$flavour" "$program" > >(tee "$scratch/log" | grep -vE '^(TAP|1\.\.)') || status=$?
		wait
		p=$(grep -cE '^ok ' "$scratch/log" || true) f=$(grep -cE '^not ok ' "$scratch/log" || true)
		s=$(grep -cE '^ok .*# SKIP' "$scratch/log" || true)
		planned=$(sed -n 's/^1\.\.//p' "$scratch/log" | head -n 1)
		# A program that died, or whose process failed outside its tests, counts as one more failure.
		if [ "$((p + f))" != "${planned:--1}" ] || { [ "$status" != 0 ] && [ "$status" != 4 ] && [ "$f" = 0 ]; }; then
			echo "not ok - $name ended with status $status after $((p + f)) of ${planned:-?} tests"
			f=$((f + 1))
		fi
		echo "# $name: $((p - s)) passed, $f failed, $s skipped"
		passed=$((passed + p - s)) failed=$((failed + f)) skipped=$((skipped + s))
	done < <(programs "$flavour")
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
