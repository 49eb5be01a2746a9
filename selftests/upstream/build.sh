#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: the kernel's own tests of its TLS ULP (tools/testing/selftests/net/tls.c), as one static program in the cache.
# Must not know: what runs it, nor on which kernel.
# Concurrency: any number at once: it is made under a lock and renamed into place whole.
# build.sh SUITE: prints the path of the program; "list" beside it names every test instance in the order they run. SUITE is a
# kernel of selftests/vm/kernels that has a package linux-source-SUITE. Source, compiler, C library and kernel headers are that
# suite's; the source is compiled as it is, and nothing of it gets into the repository. Only root can enter the compiler's root.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm=$here/../vm
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx
selftests=tools/testing/selftests

say() { printf '# upstream: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# unpack: the test and every header it could include; the archive has to be read whole for that.
unpack() {
	say "taking net/tls.c from $(basename "$source")"
	tar -xf "$source" -C "$scratch" --wildcards --no-wildcards-match-slash --strip-components=1 \
		"*/$selftests/net/tls.c" "*/$selftests/*.h" "*/$selftests/net/*.h"
}

# As the kernel's makefiles do, but static.
compile() {
	"$vm/root.sh" run "$root" "$scratch" sh -c "cd /tmp/build && exec gcc -D_GNU_SOURCE= -O2 -g -Wall -static -I$selftests -I$selftests/net \
		-o new/tls $selftests/net/tls.c" >&2 || die "it does not compile"
}

# Prints all instances: each variant of a fixture with each of its tests. The harness lists both below each other in columns, and
# a line between fixtures. Whoever runs a name that it does not know sees one test less than asked for.
list() {
	{ "$1" -l 2>&1 || [ $? = 4 ]; } | awk '
	function word(at, len, s) { s = substr($0, at, len); gsub(/ /, "", s); return s }
	function flush(v, t) {
		for (v = 0; v < variants || !v; v++)
			for (t = 0; t < tests; t++)
				print fixture (variants ? "." variant[v] : "") "." test[t]
		variants = tests = 0
	}
	/^#/ { next }
	/^---/ { flush(); next }
	word(1, 20) { fixture = word(1, 20) }
	word(22, 25) { variant[variants++] = word(22, 25) }
	word(48, 200) { test[tests++] = word(48, 200) }
	END { flush() }'
}

build() {
	unpack
	mkdir "$scratch/new"
	compile
	list "$scratch/new/tls" > "$scratch/new/list"
	[ -s "$scratch/new/list" ] || die "it lists no tests"
	(cd "$scratch/new" && sha256sum tls list > SHA256SUMS)
	mkdir -p "$cache/upstream"
	rm -rf "$made"
	mv -T "$scratch/new" "$made"
}

[ $# = 1 ] || die "build.sh SUITE"
mkdir -p "$cache"
scratch=$(mktemp -d "$cache/tmp.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
source=$("$vm/image.sh" packages "$1" "linux-source-$1")/usr/src/linux-source-$1.tar.xz
root=$("$vm/image.sh" compiler "$1")
made=$cache/upstream/$({ sha256sum < "$source"; basename "$root"; cat "$here/build.sh"; } | sha256sum | cut -c1-16)
exec {lock}> "$cache/upstream.lock"
flock "$lock"
{ [ -f "$made/SHA256SUMS" ] && (cd "$made" && sha256sum --check --quiet --strict SHA256SUMS >&2); } || build
echo "$made/tls"
