#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the tests in User-Mode Linux, where vector instructions that no emulator knows run inside a kernel on the real CPU, at its
# speed, and where a kernel watches memory, locks and contexts.
# Must not know: how that kernel is made, how it is booted and judged, what the tests test.
# Concurrency: as selftests/vm/run.sh.
# run.sh [PATTERN]: all test programs, the engines of the record crypto, and the kernel's own tests of TLS sockets; PATTERN as in
# selftests/vm/run.sh. Ends with "N passed, N failed, N skipped".
# DEBUG=1: the debug kernel. KTLSX_ENGINES=seed=5,rounds=1000: parameters of the module of engine tests, which prints its seed.
# KTLSX_NOMODULE=1: with the in-tree tls in place of our module.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx

say() { printf '# uml: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# add SECONDS NAME: a program of $root/tests joins the list.
add() { echo "$1 /tests/$2" >> "$scratch/also"; }

# KASAN makes frames larger than they are on the kernels that count: `make crypto-kernels` judges those.
add_engines() {
	"$here/../engines/assemble.sh" "$scratch/module"
	nice make -C "$kernel/tree" ARCH=um "M=$scratch/module" -j"$(nproc)" \
		KCFLAGS="-Werror -Wframe-larger-than=8192" modules > "$scratch/log" 2>&1 || {
		tail -n 40 "$scratch/log" >&2
		die "the module of engine tests does not build"
	}
	install -D "$scratch/module/ktlsx_engines.ko" "$root/modules/ktlsx_engines.ko"
	mkdir -p "$root/tests"
	"${CC:-gcc}" -std=c11 -O2 -static -Wall -Wextra -Werror -o "$root/tests/engines" "$here/load.c"
	add "$PROGRAM_SECONDS" engines
}

# The kernel's own tests, compiled from the source of this very kernel.
add_upstream() {
	[ -x "$here/../upstream/build.sh" ] || return 0
	install -D "$("$here/../upstream/build.sh" 7.3)" "$root/tests/upstream"
	add "$PROGRAM_SECONDS" upstream
}

pattern=${1:-} configs=("$here/config" "$here/config.um") slow=1 mem=1G
if [ -n "${DEBUG:-}" ]; then
	configs+=("$here/config.debug") slow=5 mem=2G
fi
mkdir -p "$cache"
scratch=$(mktemp -d "$cache/tmp.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
kernel=$("$here/kernel.sh" um "${configs[@]}")
export PROGRAM_SECONDS=$((600 * slow))
add_engines
add_upstream
if [ -n "${KTLSX_NOMODULE:-}" ]; then
	export KTLSX_MODPROBE=${KTLSX_MODPROBE-tls}
fi
"$here/../vm/run.sh" --own "$kernel" --root "$root" --also "$scratch/also" --mem "$mem" --timeout $((1800 * slow)) 6.1 "$pattern"
