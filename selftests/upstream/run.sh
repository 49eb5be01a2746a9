#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: one run of the kernel's own TLS tests in a guest: which instances, on which kernel, against which module; the count.
# Must not know: how the program is made, nor how a guest is.
# Concurrency: any number at once; the guest's memory and CPUs are the limit.
# Ends with "N passed, N failed, N skipped"; every instance that was asked for is in one of them, those without a result failed.
set -euo pipefail
shopt -s inherit_errexit

usage() {
	cat <<-'END'
	run.sh [options] KERNEL [PATTERN]   run those instances whose name (fixture.variant.test) contains or matches PATTERN
	  --suite SUITE       the tests of that kernel's source (7.3)
	  --part N/M          the Nth of M parts; each has every kind of test
	  --without PATTERN   leave these out
	  --in-tree           run them on the in-tree tls, for comparison
	Environment: SMP=1 keeps two CPUs also where they are emulated; tests then run into the harness's timeout on a slow machine
	END
	exit 2
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm=$here/../vm
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx
# The harness gives a test 30 s; then it fails, and the next one starts. An emulated CPU makes too little of that, unless time is
# its own; then this is too short for a few of the tests and too long for most.
test_sec=35
# SM4-CCM is a chain of lookups in registers, of which an emulated CPU makes loops over bytes: 72 MB last that long.
slow_sec=1500

say() { printf '# upstream: %s\n' "$*"; }
die() { say "$@" >&2; exit 1; }

# shellcheck disable=SC2053 # the pattern is one
matches() { [[ $1 == *"$2"* || $1 == $2 ]]; }

# choose PATTERN WITHOUT N M: names from stdin. Parts are dealt out kind by kind: a test's variants go to different parts.
choose() {
	local name

	while read -r name; do
		matches "$name" "$1" || continue
		[ -n "$2" ] && matches "$name" "$2" && continue
		printf '%s %s\n' "${name##*.}" "$name"
	done | sort -s -k 1,1 | awk -v part="$3" -v parts="$4" 'NR % parts == part % parts { print $2 }'
}

# add_up LOG: the guest's own sum, and what has no result in it.
add_up() {
	local passed=0 failed=0 skipped=0 missing

	read -r passed failed skipped < <(grep -E '^[0-9]+ passed, ' "$1" | tail -n 1 | tr -cd '0-9 \n' | tr -s ' ') || true
	missing=$((asked - ${passed:-0} - ${failed:-0} - ${skipped:-0}))
	if [ "$missing" -gt 0 ]; then
		say "$missing tests have no result"
		failed=$((${failed:-0} + missing))
	fi
	echo "${passed:-0} passed, ${failed:-0} failed, ${skipped:-0} skipped"
	[ "${failed:-0}" = 0 ] && [ "${passed:-0}" -gt 0 ]
}

suite=7.3 part=1/1 without='' options=() steady=(--steady)
[ -z "${SMP:-}" ] || steady=()
export KTLSX_PARAMS=${KTLSX_PARAMS:-pool_poison=1}
while [ $# -gt 0 ]; do
	case $1 in
	--suite) suite=$2; shift ;;
	--part) part=$2; shift ;;
	--without) without=$2; shift ;;
	--in-tree) export KTLSX_NOMODULE=1; options=(--no-module) ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
if [ $# -lt 1 ] || [ $# -gt 2 ]; then usage; fi
kernel=$1 pattern=${2:-}
[[ $part =~ ^[1-9][0-9]*/[1-9][0-9]*$ ]] || die "no part: $part"
[ "${part%/*}" -le "${part#*/}" ] || die "no part: $part"
program=$("$here/build.sh" "$suite")
mkdir -p "$cache"
scratch=$(mktemp -d "$cache/tmp.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
choose "$pattern" "$without" "${part%/*}" "${part#*/}" < "$(dirname "$program")/list" > "$scratch/names"
asked=$(wc -l < "$scratch/names")
[ "$asked" -gt 0 ] || die "no test of $suite matches '$pattern' in part $part"
deadline=$((180 + asked * test_sec + slow_sec * $(grep -cE 'sm4_ccm\.mutliproc_' "$scratch/names" || true)))
say "$asked of $(wc -l < "$(dirname "$program")/list") tests of $suite (part $part), ${KTLSX_NOMODULE:+in-tree }tls of $kernel${without:+, without $without}"
install -D "$program" "$scratch/root/tests/upstream/tls-$suite"
echo "$((deadline - 120)) /tests/upstream/tls-$suite $(sed 's/^/-r /' "$scratch/names" | tr '\n' ' ')" > "$scratch/run.list"
"$vm/image.sh" "${options[@]}" --list "$scratch/run.list" --root "$scratch/root" "$kernel" "$scratch/image"
"$vm/run.sh" --image "$scratch/image" --tests-only "${steady[@]}" --timeout "$deadline" "$kernel" 2>&1 | tee "$scratch/log" |
	grep --line-buffered -vE '^[0-9]+ passed, ' || true
add_up "$scratch/log"
