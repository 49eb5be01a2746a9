#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: `make bench-path`: boots the guest of the bench, and the table of what one call costs in instructions.
# Must not know: how a guest is made and started (vm/), how a case is measured (path.c).
# Concurrency: any number at once; scratch is a folder of its own.
#
# path.sh [KERNEL]. KTLSX_NOMODULE=1: plain TCP and the in-tree ULP only. KTLSX_PROFILE=CASE: no table; where the
# instructions of one of path.c's cases go, by kernel function (ours; with KTLSX_NOMODULE the in-tree ULP's).
# BENCH_LOG=FILE keeps the raw lines. Exit status 1: a run was not whole, or a mark was missed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm=$here/../vm
kernel=${1:-6.1}

# guest [NAME=VALUE...]: one boot; what the program prints, on stdout.
guest() {
	env "$@" ICOUNT=1 KTLSX_MODPROBE=aesni-intel,tls nice "$vm/run.sh" --image "$scratch/image" --timeout 1200 \
		--run /tests/bench/path "$kernel"
}

# Where a series goes: to the log, and one line in ten of it to the person who waits.
progress() {
	tee -a "$scratch/log" | awk '$1 == "case" && $3 == "plain" { printf "# measured %s\n", $2; fflush() }
		/^(# vm|bench:)/ { print; fflush() }' >&2
}

make_image() {
	make -s -C "$here"
	echo "600 /tests/bench/path" > "$scratch/list"
	"$vm/image.sh" --list "$scratch/list" ${KTLSX_NOMODULE:+--no-module} "$kernel" "$scratch/image"
}

# Lines: "boot default|unzeroed", then what path.c printed in that boot.
table() {
	awk -v kernel="$kernel" -f "$here/path.awk" "$1"
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/ktlsx-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
make_image
if [ -n "${KTLSX_PROFILE:-}" ]; then
	guest
	exit
fi
# The second boot exists for one column: pages are not zeroed there when they are allocated.
echo 'boot default' > "$scratch/log"
guest | progress
echo 'boot unzeroed' >> "$scratch/log"
guest KTLSX_CASES_ONLY=1 APPEND=init_on_alloc=0 | progress
[ -z "${BENCH_LOG:-}" ] || cp "$scratch/log" "$BENCH_LOG"
[ "$(grep -c '^done' "$scratch/log")" = 2 ] || { echo 'bench-path: a run was not whole' >&2; exit 1; }
table "$scratch/log"
