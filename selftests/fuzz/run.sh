#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs fuzz targets one after another, each for some seconds, and prints one
# line a target with the number of inputs it tried, then what failed in full.
# usage: run.sh BUILD SECONDS TARGET...
set -euo pipefail

build=$1
seconds=$2
shift 2

passed=0
failed=0
for target in "$@"; do
	mkdir -p "$build/corpus/$target" "$build/found/$target"
	log=$build/$target.log
	if "$build/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$build/found/$target/" "$build/corpus/$target" "$build/seeds.d/$target" >"$log" 2>&1; then
		passed=$((passed + 1))
		printf 'fuzz %-10s %9d inputs\n' "$target" "$(awk '/^stat::number_of_executed_units:/ { print $2 }' "$log")"
	else
		failed=$((failed + 1))
		printf 'fuzz %-10s FAILED, input in %s\n' "$target" "$build/found/$target"
		tail -n 40 "$log"
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[[ $failed -eq 0 ]]
