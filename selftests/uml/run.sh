#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the tests in User-Mode Linux, where vector instructions that no emulator knows run inside a kernel on the real CPU.
# Must not know: how that kernel is made, how it is booted and judged, what the tests test.
# Concurrency: as selftests/vm/run.sh.
# run.sh: the engines of the record crypto; ends with "N passed, N failed, N skipped".
# KTLSX_PARAMS=seed=5,rounds=1000: parameters of the module of engine tests, which prints the seed it used.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx
seconds=${KTLSX_TIMEOUT:-600}

say() { printf '# uml: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# KASAN makes frames larger than they are on the kernels that count: `make crypto-kernels` judges those.
build_module() {
	"$here/../engines/assemble.sh" "$scratch/module"
	nice make -C "$kernel/tree" ARCH=um "M=$scratch/module" -j"$(nproc)" \
		KCFLAGS="-Werror -Wframe-larger-than=8192" modules > "$scratch/log" 2>&1 || {
		tail -n 40 "$scratch/log" >&2
		die "the module does not build"
	}
	install -D "$scratch/module/ktlsx_engines.ko" "$1"
}

# static PROGRAM SOURCE...
static() {
	mkdir -p "$(dirname "$1")"
	"${CC:-gcc}" -std=c11 -O2 -static -Wall -Wextra -Werror -o "$@"
}

make_image() {
	local tree=$scratch/tree image=$scratch/image

	mkdir -p "$image"
	build_module "$tree/modules/ktlsx_engines.ko"
	static "$tree/tests/engines" "$here/load.c"
	static "$tree/init" "$here"/../vm/*.c
	echo "$seconds /tests/engines" > "$tree/run.list"
	cp "$kernel/linux" "$image/linux"
	cp "$kernel/release" "$image/abi"
	(cd "$tree" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0) > "$image/initrd"
}

mkdir -p "$cache"
scratch=$(mktemp -d "$cache/tmp.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
kernel=$("$here/kernel.sh")
make_image
KTLSX_MODPROBE='' VERBOSE=1 "$here/../vm/run.sh" --image "$scratch/image" --no-module --timeout $((seconds + 60))
