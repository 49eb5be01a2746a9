#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Owns: a User-Mode Linux and the tree that modules for it are built in: from the distribution's source, in the cache.
# Must not know: what runs in it.
# Concurrency: any number at once: it is made under a lock and renamed into place whole.
# kernel.sh: prints the folder of "linux" (the program), "release" and "tree". A new source, configuration, compiler or script
# makes a new one; a file that is not as it was made, too.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsx
kernel=7.3

say() { printf '# uml: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

make_um() { nice make -C "$tree" ARCH=um -j"$(nproc)" "$@"; }

# All that is not asked for is off; what is asked for and does not come has to be said.
configure() {
	make_um KCONFIG_ALLCONFIG="$here/config" allnoconfig || return 1
	grep '^CONFIG_' "$here/config" | sort > "$scratch/asked"
	sort "$tree/.config" | comm -23 "$scratch/asked" - > "$scratch/missing"
	[ ! -s "$scratch/missing" ] || { echo "this kernel cannot have: $(tr '\n' ' ' < "$scratch/missing")"; return 1; }
}

compile() {
	configure && make_um linux modules && make_um -s kernelrelease > "$scratch/new/release"
}

# What a module needs to be built stays: headers, scripts, makefiles.
prune() {
	cd "$tree"
	rm -rf Documentation LICENSES block certs crypto drivers fs init io_uring ipc kernel lib mm net rust samples security \
		sound tools usr virt vmlinux* linux .tmp* .git*
	find arch -mindepth 1 -maxdepth 1 -type d ! -name um ! -name x86 -exec rm -rf {} +
	find . -type f \( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o -name '*.order' \) ! -path './scripts/*' -delete
	find . -type f \( -name '*.[cS]' -o -name '*.dts*' \) ! -path './scripts/*' -delete
}

build() {
	tree=$scratch/new/tree
	mkdir -p "$tree"
	say "unpacking $(basename "$source")"
	tar -xf "$source" -C "$tree" --strip-components=1
	say "building Linux $kernel for user mode: some minutes, once"
	compile > "$scratch/log" 2>&1 || { tail -n 30 "$scratch/log" >&2; die "it does not build"; }
	strip -o "$scratch/new/linux" "$tree/linux"
	(prune)
	(cd "$scratch/new" && find . -type f -print0 | sort -z | xargs -0 sha256sum > "$scratch/sums")
	mv "$scratch/sums" "$scratch/new/SHA256SUMS"
	mkdir -p "$cache/uml"
	rm -rf "$made"
	mv -T "$scratch/new" "$made"
}

mkdir -p "$cache"
scratch=$(mktemp -d "$cache/tmp.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
source=$("$here/../vm/image.sh" packages "$kernel" "linux-source-$kernel")/usr/src/linux-source-$kernel.tar.xz
made=$cache/uml/$({ sha256sum < "$source"; cat "$here/config" "$here/kernel.sh"; "${CC:-gcc}" --version; } | sha256sum | cut -c1-16)
exec {lock}> "$cache/uml.lock"
flock "$lock"
{ [ -f "$made/SHA256SUMS" ] && (cd "$made" && sha256sum --check --quiet --strict SHA256SUMS >&2); } || build
echo "$made"
