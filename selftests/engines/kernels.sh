#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the record crypto built for each kernel of selftests/vm/kernels with all warnings, objtool and a bound on stack frames.
# Must not know: what is in the crypto; what a root of packages is made of.
# Concurrency: any number at once; roots are shared and only read, each build has a folder of its own.
# kernels.sh [KERNEL...]: KTAP, last line "N passed, N failed, N skipped". Nothing is installed on this machine: headers, compiler
# and objtool come from a root of the kernel's own suite, entered by chroot (root only).
set -euo pipefail

frame_max=2048
# Where the first fails the others prove nothing, and fail.
checks=(is_whole no_warning objtool_is_clean frames_are_small)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm=$here/../vm
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx

say() { printf '# %s\n' "$*"; }
die() { say "$@" >&2; exit 1; }

passed=0 failed=0
# result STATUS NAME: 0 passed.
result() {
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) $2"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) $2"
	fi
}

# compile ROOT FOLDER: no check of kernel-doc, which is left to `make style`.
compile() {
	"$vm/root.sh" module "$1" "$2" -k cmd_checkdoc= W=1 KCFLAGS="-Werror -Wframe-larger-than=$frame_max -fstack-usage"
}

# objtool has to have run, on the linked module or on each object, and to have nothing to say.
objtool_is_clean() {
	local unseen

	unseen=$(find "$1/crypto" -name '.*.o.cmd' -exec grep -L 'objtool/objtool' {} +)
	if [ -n "$unseen" ] && ! grep -qs 'objtool/objtool' "$1/.ktlsx_engines.o.cmd"; then
		echo "# objtool has not seen all objects"
		return 1
	fi
	! grep objtool "$1.log" | grep -E 'warning|error'
}

is_whole() { [ -s "$1/ktlsx_engines.ko" ] || { grep -v '^  CC' "$1.log" | tail -n 30 | sed 's/^/# /'; return 1; }; }

no_warning() { ! grep -iE 'warning|error:' "$1.log"; }

# Of every frame, also where a pragma or an option of one file would silence the compiler.
frames_are_small() {
	find "$1" -name '*.su' -exec cat {} + | awk -F'\t' -v most="$frame_max" '
		$2 > largest { largest = $2; where = $1 }
		$2 > most || $3 == "dynamic" { print "# frame of " $2 " bytes, " $3 ": " $1; bad = 1 }
		END { print "# largest of " NR " frames: " largest + 0 " bytes, " where; exit bad || !NR }'
}

check_kernel() {
	local kernel=$1 root build=$scratch/$1 status built=0 check

	root=$("$vm/image.sh" compiler "$kernel")
	"$here/assemble.sh" "$build"
	compile "$root" "$build" > "$build.log" 2>&1 || rm -f "$build/ktlsx_engines.ko"
	for check in "${checks[@]}"; do
		status=0
		"$check" "$build" || status=1
		[ "$check" != is_whole ] || built=$status
		result $((status | built)) "$kernel: $check"
	done
}

[ "$(id -u)" = 0 ] || die "only root can enter a root of packages"
mapfile -t kernels < <(sed -n 's/^\([0-9][^[:space:]]*\).*/\1/p' "$vm/kernels")
[ $# = 0 ] || kernels=("$@")
mkdir -p "$cache"
scratch=$(mktemp -d "$cache/tmp.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
echo "KTAP version 1"
echo "1..$((${#checks[@]} * ${#kernels[@]}))"
for kernel in "${kernels[@]}"; do
	check_kernel "$kernel"
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ] && [ "$passed" = $((${#checks[@]} * ${#kernels[@]})) ]
