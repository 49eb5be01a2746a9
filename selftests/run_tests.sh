#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs every program of a folder, one after another, and prints top-level KTAP
# with the output of each program nested under it.
# usage: run_tests.sh FOLDER [PATTERN]
set -euo pipefail

build=$1
pattern=${2:-}
here=$(dirname "$0")
timeout_s=$(($(sed -n 's/^timeout=//p' "$here/settings") * ${KTLSX_SLOW:-1}))

programs=()
for file in "$build"/*; do
	if [[ -f $file && -x $file ]]; then
		programs+=("$file")
	fi
done

echo "TAP version 13"
echo "1..${#programs[@]}"
number=0
failed=0
skipped=0
for program in "${programs[@]}"; do
	number=$((number + 1))
	name=selftests/$(basename "$program")
	status=0
	timeout "$timeout_s" "$program" "$pattern" | sed 's/^/  /' || status=$?
	case $status in
	0) echo "ok $number $name" ;;
	4) echo "ok $number $name # SKIP"; skipped=$((skipped + 1)) ;;
	124) echo "not ok $number $name # timeout after $timeout_s s"; failed=$((failed + 1)) ;;
	*) echo "not ok $number $name # exit $status"; failed=$((failed + 1)) ;;
	esac
done
if [[ $failed -gt 0 ]]; then
	exit 1
fi
if [[ $skipped -eq $number ]]; then
	exit 4
fi
